//! Which words of memory more than one party has touched, of instrumented images.
//!
//! A scheduling point at each load and store would make ten times the steps, and most words are one party's
//! alone. So a word is a point from the moment at which a second party comes to it: that access, and all
//! later ones of all parties. A party is a thread, or what interrupts a processor. Invariant: the same run
//! gives the same points, with watchers and without.

use super::Deterministic;
use crate::processor::Processor;
use crate::words::WordMap;
use std::cell::{Cell, RefCell};

/// Accesses in a row that are no points, after which one is: a loop that looks at memory alone must let
/// others go on.
const ALONE_MAX: u32 = 256;

/// No party yet; a word that several have touched.
const NONE: u32 = 0;
const SEVERAL: u32 = u32::MAX;
/// Numbers of parties that are no threads: what interrupts each processor.
const THREADS_FROM: u32 = 65;

/// Who has touched which word.
#[derive(Default)]
pub(super) struct SharedWords {
    parties: RefCell<WordMap>,
    alone: Cell<u32>,
}

impl SharedWords {
    pub(super) fn reset(&mut self) {
        *self.parties.get_mut() = WordMap::default();
        self.alone.set(0);
    }

    fn touch(&self, address: usize, bytes: usize, party: u32) -> bool {
        let mut parties = self.parties.borrow_mut();
        let mut is_shared = false;
        for word in WordMap::words(address, bytes) {
            let known = parties.of(word);
            match *known {
                NONE => *known = party,
                known if known == party => {}
                _ => {
                    *known = SEVERAL;
                    is_shared = true;
                }
            }
        }
        is_shared
    }
}

impl Deterministic {
    /// Whether an access of this processor is a scheduling point: another party has touched one of the
    /// words, or it is time for one.
    #[cfg_attr(
        not(all(target_os = "linux", target_arch = "x86_64")),
        expect(dead_code, reason = "for images")
    )]
    pub(crate) fn is_shared_word(&self, cpu: &Processor, address: usize, bytes: usize) -> bool {
        let is_on_top = cpu.in_dpc.get() + cpu.in_isr.get() != 0;
        let party = if is_on_top { u32::from(cpu.index()) + 1 } else { cpu.thread_number() + THREADS_FROM };
        let is_shared = self.words.touch(address, bytes, party);
        let alone = if is_shared { 0 } else { self.words.alone.get() + 1 };
        self.words.alone.set(alone % ALONE_MAX);
        is_shared || alone == ALONE_MAX
    }
}

//! A workload of a disk device: threads that keep several requests outstanding and check what comes back.
//!
//! Each thread owns a part of the disk and has at most one request outstanding for a block, so it knows what
//! every read must return. Some requests are cancelled while they are sent, from another thread. A wrong
//! answer is a panic, which ends the run with a bug check.

use kernel_sim::ddi::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::client::{Client, Device, Request, Threads};

/// Bytes of a block: the unit of transfers.
pub const BLOCK: usize = 1024;
/// Blocks of each thread's part.
const PART: u64 = 16;

/// What to send.
#[derive(Clone, Copy)]
pub struct Workload {
    pub threads: u32,
    /// Requests outstanding, of all threads.
    pub depth: u32,
    /// Requests in all.
    pub requests: u32,
    pub seed: u64,
    /// Cancel one in so many; 0 for none.
    pub cancel_every: u32,
    /// How often to send IRP_MJ_CLEANUP meanwhile, which cancels whatever is queued.
    pub cleanups: u32,
}

/// What came back.
#[derive(Default)]
pub struct Figures {
    pub completed: AtomicU32,
    pub cancelled: AtomicU32,
}

/// Bytes of disk a workload needs.
pub fn disk_bytes(workload: &Workload) -> u64 {
    u64::from(workload.threads) * PART * BLOCK as u64
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Read,
    Write,
    Flush,
}

/// One place for an outstanding request.
struct Slot {
    client: Client,
    cancels: bool,
    outstanding: Option<(Kind, u64)>,
}

/// Runs a workload against `device`; call from the boot thread.
pub fn run(device: PDEVICE_OBJECT, workload: Workload) -> Arc<Figures> {
    let figures = Arc::new(Figures::default());
    let (device, count) = (Device::from(device), Arc::clone(&figures));
    let threads = Threads::start(workload.threads, move |n| Thread::new(device, workload, n, &count).run());
    for _ in 0..workload.cleanups {
        let done = Client::new(device, 0).request(Request::Other(IRP_MJ_CLEANUP));
        assert_eq!(done.0, STATUS_SUCCESS);
    }
    threads.join();
    figures
}

struct Thread<'a> {
    workload: Workload,
    number: u32,
    random: u64,
    slots: Vec<Slot>,
    generations: [u8; PART as usize],
    figures: &'a Figures,
}

impl<'a> Thread<'a> {
    fn new(device: Device, workload: Workload, number: u32, figures: &'a Figures) -> Thread<'a> {
        let depth = (workload.depth / workload.threads).max(1);
        let slot = |_| Slot { client: Client::new(device, BLOCK), cancels: false, outstanding: None };
        Thread {
            workload,
            number,
            random: workload.seed ^ u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            slots: (0..depth).map(slot).collect(),
            generations: [0; PART as usize],
            figures,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.random >> 33) % n
    }

    fn run(&mut self) {
        let requests = self.workload.requests / self.workload.threads;
        for n in 0..requests {
            let at = n as usize % self.slots.len();
            self.receive(at);
            let block = self.below(PART);
            if self.slots.iter().any(|s| s.outstanding.is_some_and(|(_, b)| b == block)) {
                continue;
            }
            let kind = match self.below(16) {
                0 => Kind::Flush,
                1..=8 => Kind::Read,
                _ => Kind::Write,
            };
            let cancel =
                self.workload.cancel_every != 0 && self.below(self.workload.cancel_every.into()) == 0;
            self.send(at, kind, block, cancel);
        }
        for at in 0..self.slots.len() {
            self.receive(at);
        }
        for block in 0..PART {
            self.send(0, Kind::Read, block, false);
            self.receive(0);
        }
    }

    fn fill(&self, block: u64, generation: u8) -> u8 {
        if generation == 0 { 0 } else { (block as u8) << 4 ^ (self.number as u8) << 6 ^ generation | 1 }
    }

    fn send(&mut self, at: usize, kind: Kind, block: u64, cancel: bool) {
        let next_generation = self.generations[block as usize].wrapping_add(1).max(1);
        let fill = self.fill(block, next_generation);
        let offset = ((u64::from(self.number) * PART + block) * BLOCK as u64) as i64;
        let slot = &mut self.slots[at];
        (slot.outstanding, slot.cancels) = (Some((kind, block)), cancel);
        slot.client.data().fill(if kind == Kind::Write { fill } else { 0xEE });
        let request = match kind {
            Kind::Read => Request::Read { offset, bytes: BLOCK },
            Kind::Write => Request::Write { offset, bytes: BLOCK },
            Kind::Flush => Request::Flush,
        };
        if cancel { slot.client.send_and_cancel(request) } else { slot.client.send(request) }
    }

    /// Waits for the slot's request, if there is one, and checks it.
    fn receive(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        let Some((kind, block)) = slot.outstanding.take() else { return };
        let (status, information) = slot.client.wait();
        if status == STATUS_CANCELLED {
            let wanted = slot.cancels || self.workload.cleanups != 0;
            assert!(wanted && information == 0, "cancelled, and no cancellation was asked for");
            self.figures.cancelled.fetch_add(1, SeqCst);
            return;
        }
        assert_eq!(status, STATUS_SUCCESS, "{kind:?} of block {block}");
        assert_eq!(information, if kind == Kind::Flush { 0 } else { BLOCK });
        self.figures.completed.fetch_add(1, SeqCst);
        let generation = &mut self.generations[block as usize];
        match kind {
            Kind::Write => *generation = generation.wrapping_add(1).max(1),
            Kind::Read => {
                let expected = self.fill(block, self.generations[block as usize]);
                let data = self.slots[at].client.data();
                assert!(
                    data.iter().all(|b| *b == expected),
                    "block {block} holds {:#x}, not {expected:#x}",
                    data[0]
                );
            }
            Kind::Flush => {}
        }
    }
}

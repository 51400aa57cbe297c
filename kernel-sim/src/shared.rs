//! `Shared<T>`: a field that several callbacks of a driver read and write.
//!
//! Plain to use, no ordering promised beyond each access being whole: what a C driver gets from an
//! aligned scalar. Every access is a scheduling point of the deterministic executor, so schedules
//! cover what happens between a read and the write that depends on it.

#![expect(unsafe_code, reason = "a cell in driver memory that several processors reach")]

use crate::choose::Access;
use crate::hook::{Arg, DdiInfo, Effect};
use crate::processor::{Processor, flag};
use crate::sync::thread::unwind;
use crossbeam::atomic::AtomicCell;
use std::panic::Location;

/// A scalar shared between callbacks, in a device extension.
#[repr(transparent)]
pub struct Shared<T>(AtomicCell<T>);

impl<T: Copy> Shared<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Shared<T> {
        Shared(AtomicCell::new(value))
    }

    /// The value now. A scheduling point.
    #[track_caller]
    pub fn get(&self) -> T {
        point(self.address(), Access::Look);
        self.0.load()
    }

    /// Stores a value. A scheduling point.
    #[track_caller]
    pub fn set(&self, value: T) {
        point(self.address(), Access::Change);
        self.0.store(value);
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

/// Lets others go first, where the schedule says so; in the parallel executor, serves what is pended.
/// Nothing where no machine runs.
#[track_caller]
fn point(address: usize, access: Access) {
    let cpu = Processor::current();
    if cpu.hooks() & flag::QUIET != 0 {
        quiet(cpu);
    } else if cpu.hooks() & flag::DETERMINISTIC != 0 {
        let machine = cpu.machine();
        let d = machine.deterministic();
        let (ddi, looks) = match access {
            Access::Look => (&SHARED_READ, true),
            _ => (&SHARED_WRITE, false),
        };
        let outer = cpu.call.replace(Some((ddi, Location::caller())));
        d.note_call(machine, cpu, looks);
        if d.is_watched() {
            d.announce(machine, cpu, &[Arg::Pointer(address)]);
        }
        machine.point(cpu);
        d.touch(|| machine.machine_address(address), access);
        d.mix(u64::from(cpu.index()) << 16 | 0x5A << 40);
        cpu.call.set(outer);
    } else {
        cpu.machine().after_call(cpu);
    }
}

/// A loop over shared cells, with no call in it, must still notice that the machine has stopped.
#[cold]
fn quiet(cpu: &Processor) {
    if !cpu.is_real() {
        return;
    }
    // SAFETY: threads live as long as the machine.
    if unsafe { cpu.thread.get().as_ref() }.is_some_and(|thread| !thread.unwinding.get()) {
        unwind(cpu);
    }
}

/// An access to a shared cell as reports name it; not a DDI. Cells lie above the tables' numbers.
const fn access(below_max: u16, name: &'static str, effect: Effect) -> DdiInfo {
    DdiInfo {
        id: crate::hook::DDIS_MAX as u16 - below_max,
        name,
        header: "",
        irql: None,
        coverage: crate::hook::Coverage::Modelled,
        params: &[],
        summary: "An access to a shared cell of a driver.",
        polls: matches!(effect, Effect::Look),
        effect,
    }
}

static SHARED_READ: DdiInfo = access(1, "Shared::get", Effect::Look);
static SHARED_WRITE: DdiInfo = access(2, "Shared::set", Effect::Object);

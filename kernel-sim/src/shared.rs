//! `Shared<T>`: a field that several callbacks of a driver read and write.
//!
//! `get` and `set` are what a C driver gets from an aligned scalar: whole, and in no order with anything
//! else, so two of them on two processors, one a write, are a data race unless something orders them. The
//! other accesses are those that the WDK has for fields which are shared without a lock: ReadAcquire,
//! WriteRelease, ReadNoFence, WriteNoFence; and `as_ptr` is for the interlocked routines. Every access is a
//! scheduling point of the deterministic executor, so schedules cover what happens between a read and the
//! write that depends on it.

#![expect(unsafe_code, reason = "a cell in driver memory that several processors reach")]

use crate::choose::Access;
use crate::ddi::{Access as Touched, show_touch};
use crate::hook::{Manner, TouchKind};
use crate::processor::{Processor, flag};
use crate::routine::{Arg, Coverage, DdiInfo, Kind, reserved};
use crate::site::Site;
use crate::sync::thread::unwind;
use crossbeam::atomic::AtomicCell;

/// Scalars that a shared cell can hold.
pub trait Scalar: Copy {
    /// The value as watchers and reports show it.
    fn bits(self) -> u64;
}

macro_rules! scalars {
    ($($t:ty),*) => {$(impl Scalar for $t {
        #[inline]
        fn bits(self) -> u64 { self as u64 }
    })*};
}
scalars!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, bool);

impl<T> Scalar for *mut T {
    #[inline]
    fn bits(self) -> u64 {
        self.addr() as u64
    }
}

/// A scalar shared between callbacks, in a device extension.
#[repr(transparent)]
pub struct Shared<T>(AtomicCell<T>);

impl<T: Scalar> Shared<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Shared<T> {
        Shared(AtomicCell::new(value))
    }

    /// The value now. A scheduling point.
    #[track_caller]
    pub fn get(&self) -> T {
        self.read(Manner::Plain, Site::caller())
    }

    /// Stores a value. A scheduling point.
    #[track_caller]
    pub fn set(&self, value: T) {
        self.write(value, Manner::Plain, Site::caller());
    }

    /// As `ReadAcquire`: what comes after it comes after the `WriteRelease` whose value it read.
    #[track_caller]
    pub fn read_acquire(&self) -> T {
        self.read(Manner::Ordered, Site::caller())
    }

    /// As `WriteRelease`: what came before it comes before each `ReadAcquire` that reads the value.
    #[track_caller]
    pub fn write_release(&self, value: T) {
        self.write(value, Manner::Ordered, Site::caller());
    }

    /// As `ReadNoFence`: no data race with writes of this cell that are not plain, and in no order with
    /// anything else.
    #[track_caller]
    pub fn read_no_fence(&self) -> T {
        self.read(Manner::NoFence, Site::caller())
    }

    /// As `WriteNoFence`: no data race with accesses of this cell that are not plain, and in no order with
    /// anything else.
    #[track_caller]
    pub fn write_no_fence(&self, value: T) {
        self.write(value, Manner::NoFence, Site::caller());
    }

    /// Where it lies, for the interlocked routines.
    #[must_use]
    pub fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }

    fn read(&self, manner: Manner, site: Site) -> T {
        let watched = point(self.address(), &SHARED_READ, site);
        let value = self.0.load();
        if watched {
            self.told(TouchKind::Read, manner, value, site);
        }
        value
    }

    fn write(&self, value: T, manner: Manner, site: Site) {
        if point(self.address(), &SHARED_WRITE, site) {
            self.told(TouchKind::Write, manner, value, site);
        }
        self.0.store(value);
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    #[cold]
    fn told(&self, kind: TouchKind, manner: Manner, value: T, site: Site) {
        let access = Touched { address: self.address(), bytes: size_of::<T>(), kind, manner };
        show_touch(Processor::current(), site, access, Some(value.bits()));
    }
}

/// Lets others go first, where the schedule says so; in the parallel executor, serves what is pended. Nothing
/// where no machine runs. Returns whether the access is watched.
pub(crate) fn point(address: usize, row: &'static DdiInfo, site: Site) -> bool {
    let cpu = Processor::current();
    let hooks = cpu.hooks_of(row.id);
    if hooks & flag::QUIET != 0 {
        quiet(cpu);
        return false;
    }
    if hooks & flag::DETERMINISTIC != 0 {
        let machine = cpu.machine();
        let d = machine.deterministic();
        let looks = row.polls();
        let outer = cpu.call.replace(Some((row, site)));
        if !cpu.frame().kind.is_system {
            cpu.frame().note_site(site);
        }
        d.note_call(machine, cpu, looks);
        cpu.show_life();
        if d.is_watched() {
            d.announce(machine, cpu, &[Arg::Pointer(address)]);
        }
        machine.point(cpu);
        d.touch(|| machine.machine_address(address), if looks { Access::Look } else { Access::Change });
        d.mix(u64::from(cpu.index()) << 16 | 0x5A << 40);
        cpu.call.set(outer);
    } else {
        cpu.machine().after_call(cpu);
    }
    hooks & flag::EVENTS != 0
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

/// An access to a shared cell as reports name it; not a DDI.
const fn access(id: u16, name: &'static str, kind: Kind) -> DdiInfo {
    DdiInfo {
        id,
        name,
        header: "",
        irql: None,
        coverage: Coverage::Modelled,
        params: &[],
        returns: "()",
        summary: "An access to memory of a driver that others may see.",
        kind,
        must_inspect: false,
    }
}

/// A shared cell is read, as schedules and reports name it.
pub static SHARED_READ: DdiInfo = access(reserved::SHARED_READ, "Shared::get", Kind::Look);
/// A shared cell is written, as schedules and reports name it.
pub static SHARED_WRITE: DdiInfo = access(reserved::SHARED_WRITE, "Shared::set", Kind::Object);
/// Memory is read by code of an image, as schedules and reports name it.
pub static MEMORY_READ: DdiInfo = access(reserved::MEMORY_READ, "read", Kind::Look);
/// Memory is written by code of an image, as schedules and reports name it.
pub static MEMORY_WRITE: DdiInfo = access(reserved::MEMORY_WRITE, "write", Kind::Object);

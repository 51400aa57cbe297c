//! What watchers see: the entry and exit of every DDI and of every driver callback.
//!
//! A watcher says once, before the run, what it wants to see ([`Interest`]); the machine turns the
//! interests of all watchers into a few bits per processor, so what nobody watches costs one
//! predictable branch. Watchers observe and may end the run; they have no way to steer it.

use crate::irql::Irql;
use crate::processor::{HeldLock, Processor};
use std::any::Any;
use std::panic::Location;

/// A source position in a driver.
pub type Site = &'static Location<'static>;

/// How many DDIs the tables of all crates may number together.
pub const DDIS_MAX: usize = 1024;

/// One row of a `ddis!` table.
#[derive(Debug)]
pub struct DdiInfo {
    /// Number, unique over all tables.
    pub id: u16,
    /// The documented name.
    pub name: &'static str,
    /// The header that declares it on Windows.
    pub header: &'static str,
    /// Lowest and highest IRQL the documentation allows at the call, or `None` where it is silent.
    pub irql: Option<(Irql, Irql)>,
    /// How far the simulator carries it.
    pub coverage: Coverage,
    /// Names and types of the parameters, in order.
    pub params: &'static [(&'static str, &'static str)],
    /// What it does, from the row's doc comment.
    pub summary: &'static str,
    /// Whether the call only looks at something that others change; loops of such calls are polling.
    pub polls: bool,
    /// What of the machine the call may see or change.
    pub effect: Effect,
}

/// What of the machine a call may see or change, as far as its row says: two calls on different
/// processors that have nothing of it in common may be made in either order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing but its own processor.
    Own,
    /// It may change anything: what is said of a routine nobody has looked at closely.
    Everything,
    /// It changes the object behind its first pointer.
    Object,
    /// It looks at the object behind its first pointer.
    Look,
    /// It takes the spin lock behind its first pointer, and waits while somebody holds it.
    Acquire,
    /// It looks at the clock.
    Clock,
    /// Its body says, when it knows.
    Body,
}

/// How far the simulator carries a DDI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// It does what the documentation says, as far as a driver can tell.
    Modelled,
    /// It takes the call and does nothing.
    Ignored,
    /// It is known by name only: a call stops the run and says so.
    NotHereYet,
}

/// One kind of driver callback.
#[derive(Debug)]
pub struct Callback {
    /// Number, unique over all crates; goes into the trace hash.
    pub id: u16,
    /// The name drivers know it by, such as `StartIo`.
    pub name: &'static str,
    /// Whether it is the system's own code, and no driver's.
    pub is_system: bool,
}

/// Declares callback kinds: `callbacks! { START_IO = 3, "StartIo"; }`, with `, system` behind the name of
/// what is no driver's code.
#[macro_export]
macro_rules! callbacks {
    ($($(#[$doc:meta])* $id:ident = $n:expr, $name:expr $(, $system:ident)?;)*) => {
        $($(#[$doc])* pub static $id: $crate::hook::Callback = $crate::hook::Callback {
            id: $n,
            name: $name,
            is_system: $crate::is_system!($($system)?),
        };)*
    };
}

/// Whether a row of `callbacks!` says `system`.
#[doc(hidden)]
#[macro_export]
macro_rules! is_system {
    () => {
        false
    };
    (system) => {
        true
    };
}

callbacks! {
    /// Code of the simulator itself: no driver callback is active.
    KERNEL = 0, "kernel", system;
    /// `DriverEntry`.
    DRIVER_ENTRY = 1, "DriverEntry";
    /// `DriverUnload`.
    DRIVER_UNLOAD = 2, "DriverUnload";
    /// A dispatch routine.
    DISPATCH = 3, "Dispatch";
    /// `StartIo` of a driver that uses the I/O manager's queue.
    START_IO = 4, "StartIo";
    /// An interrupt service routine.
    INTERRUPT_SERVICE = 5, "InterruptService";
    /// A `KDEFERRED_ROUTINE`, `DpcForIsr` and timer DPCs among them.
    DEFERRED_ROUTINE = 6, "DpcRoutine";
    /// A cancel routine.
    CANCEL = 7, "Cancel";
    /// An IRP completion routine.
    IO_COMPLETION = 8, "IoCompletion";
    /// A `KSYNCHRONIZE_ROUTINE`.
    SYNCH_CRITSECTION = 9, "SynchCritSection";
    /// A work item routine.
    WORK_ITEM = 10, "WorkItem";
    /// The start routine of a system thread.
    SYSTEM_THREAD = 11, "SystemThread";
    /// `AddDevice`.
    ADD_DEVICE = 12, "AddDevice";
    /// A routine of a cancel-safe queue.
    CSQ_ROUTINE = 13, "CsqRoutine";
}

/// The first callback number free for other crates.
pub const CALLBACKS_FREE_FROM: u16 = 32;

/// An argument or result as the hook passes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arg {
    /// A number, a flag, a status.
    Value(u64),
    /// A data pointer, as a host address.
    Pointer(usize),
    /// A pointer to code: has no stable number, never hashed or shown as one.
    Routine,
}

/// Types that may stand in a `ddis!` row.
pub trait IntoArg: Copy {
    /// The argument as the hook passes it.
    fn into_arg(self) -> Arg;
}

macro_rules! values {
    ($($t:ty),*) => {$(impl IntoArg for $t {
        #[inline]
        fn into_arg(self) -> Arg { Arg::Value(self as u64) }
    })*};
}
values!(u8, u16, u32, u64, usize, i8, i16, i32, i64, bool);

impl IntoArg for () {
    #[inline]
    fn into_arg(self) -> Arg {
        Arg::Value(0)
    }
}
impl<T> IntoArg for *mut T {
    #[inline]
    fn into_arg(self) -> Arg {
        Arg::Pointer(self as usize)
    }
}
impl<T> IntoArg for *const T {
    #[inline]
    fn into_arg(self) -> Arg {
        Arg::Pointer(self as usize)
    }
}
impl<T: Copy> IntoArg for Option<T> {
    #[inline]
    fn into_arg(self) -> Arg {
        Arg::Routine
    }
}

/// What a DDI answers on a machine that has stopped.
pub trait StoppedAnswer {
    /// The answer of a call that does nothing.
    fn stopped() -> Self;
}

macro_rules! quiet_zero {
    ($($t:ty),*) => {$(impl StoppedAnswer for $t {
        fn stopped() -> $t { 0 as $t }
    })*};
}
quiet_zero!(u8, u16, u32, u64, usize, i8, i16, i64);
impl StoppedAnswer for () {
    fn stopped() {}
}
impl StoppedAnswer for i32 {
    /// `STATUS_UNSUCCESSFUL`, where the value is an NTSTATUS; a harmless number elsewhere.
    fn stopped() -> i32 {
        0xC000_0001_u32 as i32
    }
}
impl<T> StoppedAnswer for *mut T {
    fn stopped() -> *mut T {
        std::ptr::null_mut()
    }
}
impl<T> StoppedAnswer for Option<T> {
    fn stopped() -> Option<T> {
        None
    }
}

/// A set of DDIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DdiSet([u64; DDIS_MAX / 64]);

impl DdiSet {
    /// No DDI.
    pub const EMPTY: DdiSet = DdiSet([0; DDIS_MAX / 64]);
    /// Every DDI.
    pub const ALL: DdiSet = DdiSet([u64::MAX; DDIS_MAX / 64]);

    /// The set of `ddis`.
    #[must_use]
    pub fn of(ddis: &[&'static DdiInfo]) -> DdiSet {
        let mut set = DdiSet::EMPTY;
        for ddi in ddis {
            set.0[usize::from(ddi.id) / 64] |= 1 << (ddi.id % 64);
        }
        set
    }

    /// Whether `ddi` is in the set.
    #[inline]
    #[must_use]
    pub fn has(&self, ddi: &DdiInfo) -> bool {
        self.0[usize::from(ddi.id) / 64 % (DDIS_MAX / 64)] & (1 << (ddi.id % 64)) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &DdiSet) {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a |= b;
        }
    }
}

/// What a watcher wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Interest {
    /// Calls to see at entry.
    pub enter: DdiSet,
    /// Calls to see at exit.
    pub exit: DdiSet,
    /// Calls to see at entry, only if the driver holds a spin lock on that processor then. Only rows
    /// of the kind `holding` can be watched like this: the completion calls.
    pub enter_holding: DdiSet,
    /// Whether to see driver callbacks begin and end.
    pub callbacks: bool,
    /// Whether the held spin locks are to be counted.
    pub lock_count: bool,
    /// Whether each held lock's acquire site is to be kept; implies counting.
    pub lock_sites: bool,
}

impl Interest {
    /// Nothing at all.
    pub const NOTHING: Interest = Interest {
        enter: DdiSet::EMPTY,
        exit: DdiSet::EMPTY,
        enter_holding: DdiSet::EMPTY,
        callbacks: false,
        lock_count: false,
        lock_sites: false,
    };
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// A DDI was called, with these arguments.
    Enter(&'static DdiInfo, &'a [Arg]),
    /// A DDI returned this.
    Exit(&'static DdiInfo, Arg),
    /// A driver callback begins.
    CallbackBegin(&'static Callback),
    /// A driver callback returned.
    CallbackEnd(&'static Callback),
}

/// One thing that happened on one processor.
pub struct Event<'a> {
    /// What happened.
    pub what: EventKind<'a>,
    /// The caller's source position; for callbacks the simulator's own.
    pub site: Site,
    pub(crate) cpu: &'a Processor,
}

impl<'a> Event<'a> {
    /// Index of the processor.
    #[must_use]
    pub fn cpu(&self) -> u8 {
        self.cpu.index()
    }

    /// The processor's IRQL.
    #[must_use]
    pub fn irql(&self) -> Irql {
        self.cpu.irql()
    }

    /// Number of the current step; 0 in the parallel executor, which has no order of steps.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.cpu.machine().step()
    }

    /// Machine time in nanoseconds since power-on.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        self.cpu.machine().time_ns()
    }

    /// Spin locks the driver holds on this processor, oldest first. Empty unless somebody asked
    /// for sites.
    #[must_use]
    pub fn held_locks(&self) -> Vec<HeldLock> {
        self.cpu.held_locks()
    }

    /// How many spin locks the driver holds on this processor. 0 unless somebody asked.
    #[must_use]
    pub fn held_count(&self) -> u32 {
        self.cpu.held_count()
    }

    /// Driver callbacks active on this processor, innermost last.
    #[must_use]
    pub fn callbacks(&self) -> Vec<&'static Callback> {
        self.cpu.callbacks()
    }

    /// The machine address of a pointer argument (0: not memory of this machine).
    #[must_use]
    pub fn machine_address(&self, host: usize) -> u64 {
        self.cpu.machine().machine_address(host)
    }
}

/// A watcher's reason to end the run: opaque here, handed back in the outcome.
pub struct Halt(pub Box<dyn Any + Send>);

/// Somebody who watches a run.
pub trait Watcher: Send + Sync {
    /// What to show it. Asked once, before power-on.
    fn interest(&self) -> Interest;

    /// Shows an event. In the parallel executor several processors call at once.
    fn event(&self, event: &Event<'_>) -> Option<Halt>;
}

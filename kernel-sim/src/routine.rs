//! The vocabulary of routines: what a DDI is, what a callback is, how arguments are passed on.
//!
//! Words only, on the ground floor: tables, hooks, strategies and reports all use them. Nothing here calls or
//! watches anything. Invariant: a number names one routine, or one kind of callback, in all crates.

use crate::irql::Irql;

/// How many DDIs the tables of all crates may number together.
pub const DDIS_MAX: usize = 1024;

/// Numbers above those of the tables: for events that are told like calls and are none.
pub mod reserved {
    /// The first of them.
    pub const FROM: u16 = 1017;
    /// Memory is written by code of an image.
    pub const MEMORY_WRITE: u16 = 1017;
    /// Memory is read by code of an image.
    pub const MEMORY_READ: u16 = 1018;
    /// Something orders accesses.
    pub const ORDER: u16 = 1019;
    /// A processor's flags for everything that is no call.
    pub const GENERAL: u16 = 1020;
    /// The port driver's own doing.
    pub const PORT_DRIVER: u16 = 1021;
    /// A shared cell is written.
    pub const SHARED_WRITE: u16 = 1022;
    /// A shared cell is read.
    pub const SHARED_READ: u16 = 1023;
}

/// Joins the tables of a crate into one list of `N` rows, in a constant.
#[must_use]
pub const fn joined<const N: usize>(tables: &[&[&'static DdiInfo]]) -> [&'static DdiInfo; N] {
    let mut all = [tables[0][0]; N];
    let (mut table, mut row, mut n) = (0, 0, 0);
    while table < tables.len() {
        if row < tables[table].len() {
            all[n] = tables[table][row];
            (row, n) = (row + 1, n + 1);
        } else {
            (table, row) = (table + 1, 0);
        }
    }
    assert!(n == N, "the length is that of all tables together");
    all
}

/// Refuses, at compile time, a table in which two rows have one number, or a row has a reserved one.
pub const fn assert_distinct(table: &[&'static DdiInfo]) {
    let mut seen = [false; DDIS_MAX];
    let mut n = 0;
    while n < table.len() {
        let id = table[n].id;
        assert!(id < reserved::FROM, "the number is reserved");
        assert!(!seen[id as usize], "two rows have one number");
        seen[id as usize] = true;
        n += 1;
    }
}

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
    /// The type of what it returns.
    pub returns: &'static str,
    /// What it does, from the row's doc comment.
    pub summary: &'static str,
    /// What the call is to a schedule.
    pub kind: Kind,
    /// Whether Microsoft's headers or pages want what it returns inspected.
    pub must_inspect: bool,
}

impl DdiInfo {
    /// Whether the call only looks at something that others change; loops of such calls are polling.
    #[inline]
    #[must_use]
    pub const fn polls(&self) -> bool {
        self.kind.polls()
    }

    /// The parts of the machine that the call may see or change.
    #[inline]
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.kind.effect()
    }

    /// Whether its page does not allow a call at `irql`.
    #[inline]
    #[must_use]
    pub const fn is_outside(&self, irql: Irql) -> bool {
        is_outside(self.irql, irql)
    }
}

/// Whether `irql` is outside a documented range; no level is outside one that is not documented.
#[inline(always)]
#[must_use]
pub const fn is_outside(range: Option<(Irql, Irql)>, irql: Irql) -> bool {
    match range {
        Some((lowest, highest)) => irql.0 < lowest.0 || irql.0 > highest.0,
        None => false,
    }
}

impl PartialEq for DdiInfo {
    /// By number, which is unique.
    fn eq(&self, other: &DdiInfo) -> bool {
        self.id == other.id
    }
}

impl Eq for DdiInfo {}

/// What a call is to a schedule: the word before `=>` in its row. All but `Plain` are scheduling points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Invisible to other processors, and no scheduling point.
    Plain,
    /// May see or change anything: what is said of a routine that was not looked at closely.
    Point,
    /// As `Point`; rules may watch it only while a lock is held: completions and other calls out.
    Holding,
    /// As `Point`, and the caller only looks: loops of such calls are polling.
    Poll,
    /// Concerns its own processor only.
    Local,
    /// Changes the object behind its first pointer.
    Object,
    /// Looks at the object behind its first pointer. Polling.
    Look,
    /// Takes the spin lock behind its first pointer; not enabled while another processor holds it.
    Acquire,
    /// Looks at the clock. Polling.
    Clock,
    /// Its body says what it touched. Polling where it changed nothing.
    Cell,
    /// Its body says what it touched. Polling.
    Register,
}

impl Kind {
    /// Whether others may go first at the call.
    #[must_use]
    pub const fn is_point(self) -> bool {
        !matches!(self, Kind::Plain)
    }

    /// Whether rules may ask to see it only while the driver holds a spin lock.
    #[must_use]
    pub const fn is_holding(self) -> bool {
        matches!(self, Kind::Holding | Kind::Acquire)
    }

    /// Whether it takes the spin lock behind its first pointer.
    #[must_use]
    pub const fn is_acquire(self) -> bool {
        matches!(self, Kind::Acquire)
    }

    /// Whether loops of such calls are polling.
    #[must_use]
    pub const fn polls(self) -> bool {
        matches!(self, Kind::Poll | Kind::Look | Kind::Clock | Kind::Register)
    }

    /// The parts of the machine that it may see or change.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Kind::Plain | Kind::Local => Effect::Own,
            Kind::Object => Effect::Object,
            Kind::Look => Effect::Look,
            Kind::Acquire => Effect::Acquire,
            Kind::Clock => Effect::Clock,
            Kind::Cell | Kind::Register => Effect::Body,
            Kind::Point | Kind::Holding | Kind::Poll => Effect::Everything,
        }
    }
}

/// The parts of the machine that a call may see or change, as far as its row says: two calls on different
/// processors that have nothing of it in common may be made in either order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing but its own processor.
    Own,
    /// It may change anything: what is said of a routine whose effects were not listed.
    Everything,
    /// It changes the object behind its first pointer.
    Object,
    /// It looks at the object behind its first pointer.
    Look,
    /// It takes the spin lock behind its first pointer, and waits while another processor holds it.
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
    /// Names of its parameters as the documentation has them, as far as a frame carries them.
    pub params: &'static [&'static str],
}

impl PartialEq for Callback {
    /// By number, which is unique.
    fn eq(&self, other: &Callback) -> bool {
        self.id == other.id
    }
}

impl Eq for Callback {}

/// Declares callback kinds: `callbacks! { START_IO = 3, "StartIo" (DeviceObject, Irp); }`, with `, system` at
/// the end of what is no driver's code.
#[macro_export]
macro_rules! callbacks {
    ($($(#[$doc:meta])* $id:ident = $n:expr, $name:literal $(($($param:ident),*))? $(, $system:ident)?;)*) => {
        $($(#[$doc])* pub static $id: $crate::routine::Callback = $crate::routine::Callback {
            id: $n,
            name: $name,
            is_system: false $(|| stringify!($system).len() != 0)?,
            params: &[$($(stringify!($param)),*)?],
        };)*
    };
}

callbacks! {
    /// Code of the simulator itself: no driver callback is active.
    KERNEL = 0, "kernel", system;
    /// `DriverEntry`.
    DRIVER_ENTRY = 1, "DriverEntry" (DriverObject, RegistryPath);
    /// `DriverUnload`.
    DRIVER_UNLOAD = 2, "DriverUnload" (DriverObject);
    /// A dispatch routine.
    DISPATCH = 3, "Dispatch" (DeviceObject, Irp);
    /// `StartIo` of a driver that uses the I/O manager's queue.
    START_IO = 4, "StartIo" (DeviceObject, Irp);
    /// An interrupt service routine.
    INTERRUPT_SERVICE = 5, "InterruptService" (Interrupt, ServiceContext);
    /// A `KDEFERRED_ROUTINE`, `DpcForIsr` and timer DPCs among them.
    DEFERRED_ROUTINE = 6, "DpcRoutine" (Dpc, DeferredContext, SystemArgument1, SystemArgument2);
    /// A cancel routine.
    CANCEL = 7, "Cancel" (DeviceObject, Irp);
    /// An IRP completion routine.
    IO_COMPLETION = 8, "IoCompletion" (DeviceObject, Irp, Context);
    /// A `KSYNCHRONIZE_ROUTINE`.
    SYNCH_CRITSECTION = 9, "SynchCritSection" (SynchronizeContext);
    /// A work item routine.
    WORK_ITEM = 10, "WorkItem" (DeviceObject, Context);
    /// The start routine of a system thread.
    SYSTEM_THREAD = 11, "SystemThread" (StartContext);
    /// `AddDevice`.
    ADD_DEVICE = 12, "AddDevice" (DriverObject, PhysicalDeviceObject);
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
    /// A pointer to code that is NULL.
    NoRoutine,
}

impl Arg {
    /// The number; 0 of a pointer.
    #[must_use]
    pub fn value(self) -> u64 {
        match self {
            Arg::Value(value) => value,
            Arg::Pointer(_) | Arg::Routine | Arg::NoRoutine => 0,
        }
    }

    /// The host address; 0 of a number.
    #[must_use]
    pub fn pointer(self) -> usize {
        match self {
            Arg::Pointer(address) => address,
            Arg::Value(_) | Arg::Routine | Arg::NoRoutine => 0,
        }
    }
}

/// The arguments of one routine, by name: made by `ddis!`.
pub trait Arguments: Sized {
    /// The routine's number.
    const NUMBER: u16;

    /// The arguments as the hook passes them; `None` if there are too few.
    fn read(args: &[Arg]) -> Option<Self>;
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
        if self.is_some() { Arg::Routine } else { Arg::NoRoutine }
    }
}

/// The value that a DDI returns on a machine that has stopped.
pub trait StoppedAnswer {
    /// The value that a call returns which does nothing.
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

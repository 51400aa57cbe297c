//! What watchers are told: calls, frames of callbacks, what changes hands, what is touched.
//!
//! A watcher says once, before the run, what it wants to be told ([`Interest`]), by routine and by kind of
//! callback; at power-on the machine makes one index of it (`watching.rs`), so that a call costs only what
//! those who watch that very call do. Watchers observe and may end the run; they have no way to steer it.

use crate::frame::{Frame, Item};
use crate::held::HeldLock;
use crate::irql::Irql;
use crate::moment::{Mark, Moment};
use crate::routine::{Arg, Arguments, Callback, DDIS_MAX, DdiInfo};
use crate::site::Site;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::Cell;

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

    /// The numbers in it, ascending.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(word, bits)| ones(*bits).map(move |bit| (word * 64) as u16 + bit))
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

/// The numbers of the bits that are set, ascending.
fn ones(mut bits: u64) -> impl Iterator<Item = u16> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros();
        (bit < u64::BITS).then(|| {
            bits &= bits - 1;
            bit as u16
        })
    })
}

/// A set of kinds of callbacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallbackSet(u64);

/// How many kinds of callbacks there may be.
pub(crate) const CALLBACKS_MAX: usize = 64;

impl CallbackSet {
    /// No callback.
    pub const EMPTY: CallbackSet = CallbackSet(0);
    /// Every callback.
    pub const ALL: CallbackSet = CallbackSet(u64::MAX);

    /// The set of `kinds`.
    #[must_use]
    pub fn of(kinds: &[&'static Callback]) -> CallbackSet {
        CallbackSet(kinds.iter().fold(0, |set, kind| set | 1 << kind.id))
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: CallbackSet) -> CallbackSet {
        CallbackSet(self.0 | other.0)
    }

    /// Whether `kind` is in the set.
    #[inline]
    #[must_use]
    pub fn has(self, kind: &Callback) -> bool {
        self.0 >> kind.id & 1 != 0
    }

    /// The numbers in it, ascending.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u16> {
        ones(self.0)
    }
}

/// What a watcher wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest {
    /// Calls at entry.
    pub enter: DdiSet,
    /// Calls at exit.
    pub exit: DdiSet,
    /// Calls at entry, only if the driver holds a spin lock on that processor then; implies counting. Only
    /// rows of the kinds `Holding` and `Acquire` can be watched like this. Where sites are kept, an acquire
    /// inside the same locks is told once a processor; it may be told again, and is as soon as a lock is
    /// initialised.
    pub enter_holding: DdiSet,
    /// Calls at entry, only at an IRQL that the routine's page does not allow. At any other level the call is
    /// as cheap as one that is not watched.
    pub enter_outside_irql: DdiSet,
    /// Calls of a few routines, before they have an effect and only if their arguments are out of the
    /// ordinary: a release of a spin lock (KeReleaseSpinLock, its FromDpcLevel and ForDpc forms,
    /// IoReleaseCancelSpinLock) that is not of the newest lock, or not the counterpart of its acquire, or to
    /// another level than that found; KeSetEvent with Wait; and what bodies in other crates tell in this way
    /// (`Call::unusual`). Releases are compared only where sites are kept. So are told the calls of
    /// IoSetCompletionRoutineEx and IoAcquireRemoveLock that fail; IoCallDriver for an IRP whose stack
    /// location has no routine because that failed; and, in the deterministic executor, a release of a remove
    /// lock under a tag under which it is not held.
    pub enter_unusual: DdiSet,
    /// Callbacks, as they begin and end.
    pub callbacks: CallbackSet,
    /// Callbacks as they end, only if the driver holds more spin locks then than when they began.
    pub leaving_locks: CallbackSet,
    /// Callbacks as they end, only at another IRQL than that at which they began.
    pub leaving_irql: CallbackSet,
    /// Callbacks as they end, only those activations that were noted ([`Frame::note`]).
    pub leaving_noted: CallbackSet,
    /// Whether to be told what changes hands.
    pub moved: bool,
    /// Whether to be told of accesses to memory that several callbacks may share.
    pub touch: bool,
    /// Whether to be told of accesses to device registers.
    pub registers: bool,
    /// Whether to be told what orders accesses ([`Watcher::ordered`]). It is known in the deterministic
    /// executor only: in the other one, who asks for this is told neither of order nor of accesses.
    pub order: bool,
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
        enter_outside_irql: DdiSet::EMPTY,
        enter_unusual: DdiSet::EMPTY,
        callbacks: CallbackSet::EMPTY,
        leaving_locks: CallbackSet::EMPTY,
        leaving_irql: CallbackSet::EMPTY,
        leaving_noted: CallbackSet::EMPTY,
        moved: false,
        touch: false,
        registers: false,
        order: false,
        lock_count: false,
        lock_sites: false,
    };

    /// Everything there is to be told.
    pub const EVERYTHING: Interest = Interest {
        enter: DdiSet::ALL,
        exit: DdiSet::ALL,
        callbacks: CallbackSet::ALL,
        moved: true,
        touch: true,
        registers: true,
        ..Interest::NOTHING
    };

    /// Entries of these calls.
    #[must_use]
    pub fn enter(calls: &[&'static DdiInfo]) -> Interest {
        Interest { enter: DdiSet::of(calls), ..Interest::NOTHING }
    }

    /// Entries of these calls, with arguments that are out of the ordinary.
    #[must_use]
    pub fn unusual(calls: &[&'static DdiInfo]) -> Interest {
        Interest { enter_unusual: DdiSet::of(calls), ..Interest::NOTHING }
    }

    /// Entries of these calls, at an IRQL that their page does not allow.
    #[must_use]
    pub fn outside_irql(calls: &[&'static DdiInfo]) -> Interest {
        Interest { enter_outside_irql: DdiSet::of(calls), ..Interest::NOTHING }
    }

    /// The same, and these callbacks.
    #[must_use]
    pub fn callbacks(mut self, kinds: &[&'static Callback]) -> Interest {
        self.callbacks = self.callbacks.and(CallbackSet::of(kinds));
        self
    }

    /// The same, and exits of these calls.
    #[must_use]
    pub fn exit(mut self, calls: &[&'static DdiInfo]) -> Interest {
        self.exit.add(&DdiSet::of(calls));
        self
    }

    /// The same, and what changes hands.
    #[must_use]
    pub fn moved(mut self) -> Interest {
        self.moved = true;
        self
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Interest) -> Interest {
        self.enter.add(&other.enter);
        self.exit.add(&other.exit);
        self.enter_holding.add(&other.enter_holding);
        self.enter_outside_irql.add(&other.enter_outside_irql);
        self.enter_unusual.add(&other.enter_unusual);
        self.leaving_locks = self.leaving_locks.and(other.leaving_locks);
        self.leaving_irql = self.leaving_irql.and(other.leaving_irql);
        self.leaving_noted = self.leaving_noted.and(other.leaving_noted);
        self.callbacks = self.callbacks.and(other.callbacks);
        self.moved |= other.moved;
        self.touch |= other.touch;
        self.registers |= other.registers;
        self.order |= other.order;
        self.lock_count |= other.lock_count;
        self.lock_sites |= other.lock_sites;
        self
    }
}

/// In whose hands something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// It is free memory.
    Free,
    /// The system: I/O manager, port driver, class driver, or the threads that send requests.
    System,
    /// A driver: of an IRP the one that it was sent to, of an SRB the miniport.
    Driver,
}

/// How an access touches memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TouchKind {
    /// It reads.
    Read,
    /// It writes.
    Write,
    /// It reads and writes in one.
    Update,
}

/// What an access promises besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Nothing: a field of a structure, as compilers access it.
    Plain,
    /// It is whole, and orders nothing: ReadNoFence, WriteNoFence.
    NoFence,
    /// It is whole, and ordered with what comes before and after it: the interlocked operations, ReadAcquire,
    /// WriteRelease.
    Ordered,
    /// It is of a device register, which is no memory.
    Register,
}

/// How far the numbers of two objects are apart at least.
pub const GRAIN: usize = 4;

/// What orders accesses: some code comes wholly before some other.
///
/// Code *gives* to an object what it and all before it did, and *takes* from it what was given; what takes
/// comes after what gave. Objects are known by number: the host address of a lock, an event, a DPC object;
/// or a number of the kernel's own. Two numbers that differ by less than [`GRAIN`] may be one object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The code that runs here gives to the object.
    Gives,
    /// It gives to the object and to another.
    GivesToBoth {
        /// The other object.
        other: usize,
    },
    /// The code that runs here takes from the object.
    Takes,
    /// It takes from the object and from another.
    TakesFromBoth {
        /// The other object.
        other: usize,
    },
    /// It takes from the object, and gives to it: an operation with a lock of its own.
    Meets,
    /// What was given to the object is given to another, by no processor: a timer expires, a device steps.
    Passes {
        /// The other object.
        to: usize,
    },
    /// The memory at this address is a fresh block: what was done with it before is over.
    Fresh {
        /// How long the block is.
        bytes: usize,
    },
}

/// That something orders accesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ordered {
    /// Who does it.
    pub doer: Doer,
    /// The object.
    pub object: usize,
    /// What is done with it.
    pub order: Order,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum EventKind<'a> {
    /// A DDI is called, with these arguments.
    Enter(&'static DdiInfo, &'a [Arg]),
    /// A DDI returned this.
    Exit(&'static DdiInfo, Arg),
    /// A driver callback begins.
    Begin(&'a Frame<'a>),
    /// A driver callback returned this (0 where it returns nothing).
    End(&'a Frame<'a>, Arg),
    /// Something changes hands.
    Moved {
        /// What.
        item: Item,
        /// Whose it was.
        from: Owner,
        /// Whose it is now.
        to: Owner,
    },
    /// Memory that others may see is accessed.
    Touch {
        /// Its host address.
        address: usize,
        /// How many bytes.
        bytes: usize,
        /// How.
        kind: TouchKind,
        /// What it promises.
        manner: Manner,
        /// What was read, or is written, as far as that is known.
        value: Option<u64>,
    },
}

/// Who acts on a processor, as far as one may act while another does. One word, because it is compared at
/// each access and each order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Doer(u64);

impl Doer {
    const THREAD: u32 = 8;
    const RAISED: u64 = 1 << 40;
    const ON_TOP: u64 = 1 << 41;

    /// The thread of that number, on the processor of that index; whether that is at DISPATCH_LEVEL or above,
    /// and whether it runs a DPC or an interrupt on top of the thread.
    #[inline]
    #[must_use]
    pub fn new(cpu: u8, thread: u32, is_raised: bool, is_on_top: bool) -> Doer {
        let flags = u64::from(is_raised) * Doer::RAISED + u64::from(is_on_top) * Doer::ON_TOP;
        Doer(u64::from(cpu) | u64::from(thread) << Doer::THREAD | flags)
    }

    /// Index of the processor.
    #[inline]
    #[must_use]
    pub fn cpu(self) -> u8 {
        self.0 as u8
    }

    /// Number of the thread that runs on it.
    #[must_use]
    pub fn thread(self) -> u32 {
        (self.0 >> Doer::THREAD) as u32
    }

    /// Whether it is at DISPATCH_LEVEL or above.
    #[must_use]
    pub fn is_raised(self) -> bool {
        self.0 & Doer::RAISED != 0
    }

    /// Whether it runs a DPC or an interrupt on top of its thread.
    #[must_use]
    pub fn is_on_top(self) -> bool {
        self.0 & Doer::ON_TOP != 0
    }
}

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A driver, in the callback that is the innermost frame; or a model, which has no callbacks.
    Driver,
    /// A part of the system: the name of its callback, such as the port driver's, or `kernel` for threads
    /// that send requests.
    System(&'static str),
}

/// The processor on which an event happened, as watchers see it.
pub trait Here {
    /// Index of the processor.
    fn cpu(&self) -> u8;
    /// Number of the thread that runs on it, in the order in which threads were created.
    fn thread(&self) -> u32;
    /// The processor's IRQL.
    fn irql(&self) -> Irql;
    /// Number of the current step; 0 in the parallel executor, which has no order of steps.
    fn step(&self) -> u64;
    /// Machine time in nanoseconds since power-on.
    fn time_ns(&self) -> u64;
    /// Microseconds of machine time for which driver code has kept the processor busy on purpose, by routines
    /// that stall, since power-on.
    fn stalled_us(&self) -> u64;
    /// Who acts there: for those who look at every access.
    fn doer(&self) -> Doer;
    /// The innermost callback; `None` outside all.
    fn frame(&self) -> Option<&Frame<'_>>;
    /// Who runs there.
    fn caller(&self) -> Caller;
    /// How many spin locks the driver holds there. 0 unless a watcher asked.
    fn held_count(&self) -> u32;
    /// Spin locks the driver holds there, oldest first. Empty unless a watcher asked for sites.
    fn held_locks(&self) -> Vec<HeldLock>;
    /// The one of those spin locks that was taken last.
    fn held_last(&self) -> Option<HeldLock>;
    /// The machine addresses alone of those spin locks: for who looks at every acquire.
    fn held_addresses(&self) -> SmallVec<[u64; 4]>;
    /// A spin lock the driver holds there, by host address: as it was taken last. `None` unless a watcher
    /// asked for sites.
    fn held_lock(&self, lock: usize) -> Option<HeldLock>;
    /// The machine address of a host address (0: not memory of this machine).
    fn machine_address(&self, host: usize) -> u64;
    /// Where and when it happened, with the call stack.
    fn moment(&self) -> Moment;
    /// As `moment`, with a call stack only on a machine that gathers evidence: to be remembered, in case.
    fn moment_to_keep(&self) -> Moment;
    /// An access at that position, as a plain value: to be remembered, in case.
    fn mark(&self, site: Site) -> Mark;
    /// The call that is being made there, as a plain value: cheaper to remember than `moment_to_keep`,
    /// without outer callbacks and held locks.
    fn mark_of_call(&self) -> Mark;
    /// Whether several callbacks could share what lies at a host address: memory of the machine, and no
    /// stack.
    fn is_shared_memory(&self, host: usize) -> bool;
    /// The moment of a mark of this run.
    fn moment_of(&self, mark: &Mark, label: &'static str) -> Moment;
    /// The call that the innermost callback made last to change the IRQL, if that left it where it is now;
    /// known on a machine that gathers evidence.
    fn irql_changed(&self) -> Option<Moment>;
    /// The moment at which a lock that is held was taken.
    fn taken(&self, lock: &HeldLock) -> Moment;
}

/// One thing that happened on one processor.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// What happened.
    pub kind: EventKind<'a>,
    /// The caller's source position; for callbacks the simulator's own.
    pub site: Site,
    here: &'a dyn Here,
}

impl<'a> Event<'a> {
    /// An event of that processor.
    #[must_use]
    pub fn new(kind: EventKind<'a>, site: Site, here: &'a dyn Here) -> Event<'a> {
        Event { kind, site, here }
    }

    /// The arguments of a call at its entry, by name; `None` if it is no entry of that routine.
    #[must_use]
    pub fn args<A: Arguments>(&self) -> Option<A> {
        match self.kind {
            EventKind::Enter(ddi, args) if ddi.id == A::NUMBER => A::read(args),
            _ => None,
        }
    }
}

impl<'a> std::ops::Deref for Event<'a> {
    type Target = dyn Here + 'a;

    /// Where it happened.
    fn deref(&self) -> &(dyn Here + 'a) {
        self.here
    }
}

/// A watcher's reason to end the run: opaque here, handed back in the outcome.
pub struct Halt(pub Box<dyn Any + Send>);

/// What watches a run.
pub trait Watcher: Send + Sync {
    /// What to tell it. Asked once, before power-on.
    fn interest(&self) -> Interest;

    /// The same, where it lasts longer than the watcher: a machine that is used again need not look whether
    /// the next watcher asks for the same if it asks with the very same.
    fn lasting_interest(&self) -> Option<&'static Interest> {
        None
    }

    /// Tells it of an event. In the parallel executor several processors call at once.
    fn event(&self, event: &Event<'_>) -> Option<Halt>;

    /// Tells it what ordered accesses since it was told last, before it is told of the next access. This
    /// happens many times a request and says nothing that a report would show, so it is no event.
    fn ordered(&self, _what: &[Cell<Ordered>]) {}
}

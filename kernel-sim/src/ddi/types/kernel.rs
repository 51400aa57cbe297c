//! Structures of the kernel proper: Ke*, lists, strings. A field's meaning is the WDK's.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]
#![expect(missing_docs, reason = "fields have the WDK's names and meanings")]

use super::*;

/// A 64-bit integer in two halves.
#[repr(C)]
#[derive(Clone, Copy)]
pub union LARGE_INTEGER {
    pub QuadPart: i64,
}
pub type PLARGE_INTEGER = *mut LARGE_INTEGER;
pub type PHYSICAL_ADDRESS = LARGE_INTEGER;

impl LARGE_INTEGER {
    /// A value.
    #[must_use]
    pub const fn new(value: i64) -> LARGE_INTEGER {
        LARGE_INTEGER { QuadPart: value }
    }

    /// The value.
    #[must_use]
    pub const fn QuadPart(self) -> i64 {
        // SAFETY: the union has one field.
        unsafe { self.QuadPart }
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct LIST_ENTRY {
    pub Flink: *mut LIST_ENTRY,
    pub Blink: *mut LIST_ENTRY,
}
pub type PLIST_ENTRY = *mut LIST_ENTRY;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct SINGLE_LIST_ENTRY {
    pub Next: *mut SINGLE_LIST_ENTRY,
}
pub type PSINGLE_LIST_ENTRY = *mut SINGLE_LIST_ENTRY;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct UNICODE_STRING {
    pub Length: USHORT,
    pub MaximumLength: USHORT,
    pub Buffer: *mut u16,
}
pub type PUNICODE_STRING = *mut UNICODE_STRING;

#[repr(C)]
pub struct DISPATCHER_HEADER {
    pub Type: UCHAR,
    pub Signalling: UCHAR,
    pub Size: UCHAR,
    pub Inserted: UCHAR,
    pub SignalState: LONG,
    pub WaitListHead: LIST_ENTRY,
}

#[repr(C)]
pub struct KEVENT {
    pub Header: DISPATCHER_HEADER,
}
pub type PKEVENT = *mut KEVENT;

#[repr(C)]
pub struct KSEMAPHORE {
    pub Header: DISPATCHER_HEADER,
    pub Limit: LONG,
}
pub type PKSEMAPHORE = *mut KSEMAPHORE;

#[repr(C)]
pub struct KMUTANT {
    pub Header: DISPATCHER_HEADER,
    pub MutantListEntry: LIST_ENTRY,
    pub OwnerThread: PVOID,
    pub Abandoned: BOOLEAN,
    pub ApcDisable: UCHAR,
}
pub type KMUTEX = KMUTANT;
pub type PKMUTEX = *mut KMUTANT;

#[repr(C)]
pub struct FAST_MUTEX {
    pub Count: LONG,
    pub Owner: PVOID,
    pub Contention: ULONG,
    pub Event: KEVENT,
    pub OldIrql: ULONG,
}
pub type PFAST_MUTEX = *mut FAST_MUTEX;
pub type KGUARDED_MUTEX = FAST_MUTEX;
pub type PKGUARDED_MUTEX = *mut FAST_MUTEX;

#[repr(C)]
pub struct KTIMER {
    pub Header: DISPATCHER_HEADER,
    pub DueTime: u64,
    pub TimerListEntry: LIST_ENTRY,
    pub Dpc: PKDPC,
    pub Processor: USHORT,
    pub Period: ULONG,
}
pub type PKTIMER = *mut KTIMER;

pub type PKDEFERRED_ROUTINE = Option<
    unsafe extern "C-unwind" fn(
        Dpc: PKDPC,
        DeferredContext: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ),
>;

#[repr(C)]
pub struct KDPC {
    pub Type: UCHAR,
    pub Importance: UCHAR,
    pub Number: USHORT,
    pub DpcListEntry: SINGLE_LIST_ENTRY,
    pub ProcessorHistory: KAFFINITY,
    pub DeferredRoutine: PKDEFERRED_ROUTINE,
    pub DeferredContext: PVOID,
    pub SystemArgument1: PVOID,
    pub SystemArgument2: PVOID,
    pub DpcData: PVOID,
}
pub type PKDPC = *mut KDPC;
pub type PRKDPC = *mut KDPC;

impl KDPC {
    pub(crate) const UNLINKED: SINGLE_LIST_ENTRY = SINGLE_LIST_ENTRY { Next: null_mut() };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct KSPIN_LOCK_QUEUE {
    pub Next: *mut KSPIN_LOCK_QUEUE,
    pub Lock: PKSPIN_LOCK,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct KLOCK_QUEUE_HANDLE {
    pub LockQueue: KSPIN_LOCK_QUEUE,
    pub OldIrql: KIRQL,
}
pub type PKLOCK_QUEUE_HANDLE = *mut KLOCK_QUEUE_HANDLE;

impl KLOCK_QUEUE_HANDLE {
    /// A handle as C declares it: not yet filled in.
    #[must_use]
    pub const fn new() -> KLOCK_QUEUE_HANDLE {
        KLOCK_QUEUE_HANDLE { LockQueue: KSPIN_LOCK_QUEUE { Next: null_mut(), Lock: null_mut() }, OldIrql: 0 }
    }
}

impl Default for KLOCK_QUEUE_HANDLE {
    fn default() -> Self {
        KLOCK_QUEUE_HANDLE::new()
    }
}

pub type PKSERVICE_ROUTINE =
    Option<unsafe extern "C-unwind" fn(Interrupt: PKINTERRUPT, ServiceContext: PVOID) -> BOOLEAN>;
pub type PKSYNCHRONIZE_ROUTINE = Option<unsafe extern "C-unwind" fn(SynchronizeContext: PVOID) -> BOOLEAN>;
pub type PKSTART_ROUTINE = Option<unsafe extern "C-unwind" fn(StartContext: PVOID)>;

/// Opaque on Windows; drivers hold pointers to it.
#[repr(C)]
pub struct KINTERRUPT {
    pub(crate) Type: u32,
    pub(crate) Vector: ULONG,
    pub(crate) ServiceRoutine: PKSERVICE_ROUTINE,
    pub(crate) ServiceContext: PVOID,
    pub(crate) ActualLock: PKSPIN_LOCK,
    pub(crate) OwnLock: KSPIN_LOCK,
    pub(crate) Irql: KIRQL,
    pub(crate) SynchronizeIrql: KIRQL,
}
pub type PKINTERRUPT = *mut KINTERRUPT;

impl KINTERRUPT {
    pub(crate) const TYPE: u32 = u32::from_le_bytes(*b"KInt");
}

#[repr(C)]
pub struct KDEVICE_QUEUE {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceListHead: LIST_ENTRY,
    pub Lock: KSPIN_LOCK,
    pub Busy: BOOLEAN,
}
pub type PKDEVICE_QUEUE = *mut KDEVICE_QUEUE;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct KDEVICE_QUEUE_ENTRY {
    pub DeviceListEntry: LIST_ENTRY,
    pub SortKey: ULONG,
    pub Inserted: BOOLEAN,
}
pub type PKDEVICE_QUEUE_ENTRY = *mut KDEVICE_QUEUE_ENTRY;

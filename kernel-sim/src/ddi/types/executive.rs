//! Structures of the executive (Ex*). A field's meaning is the WDK's; opaque ones are the simulator's own.
#![expect(missing_docs, reason = "fields have the WDK's names and meanings")]

use super::*;

pub type WAIT_TYPE = i32;
crate::wdk_numbers! {
    in WAIT_NUMBERS;

    WaitAll: WAIT_TYPE = 0;
    WaitAny: WAIT_TYPE = 1;
}
/// The most objects a thread can wait for at once.
pub const MAXIMUM_WAIT_OBJECTS: ULONG = 64;
/// The most of them without a WaitBlockArray.
pub const THREAD_WAIT_OBJECTS: ULONG = 3;
/// Status of a wait for one of several objects that the first satisfied; the other objects follow.
pub const STATUS_WAIT_0: NTSTATUS = 0;

pub type LONG64 = i64;
pub type PLONG64 = *mut LONG64;

/// Opaque on Windows: room that a wait for many objects needs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KWAIT_BLOCK {
    _opaque: [usize; 6],
}
pub type PKWAIT_BLOCK = *mut KWAIT_BLOCK;

impl KWAIT_BLOCK {
    /// A block as C declares it.
    #[must_use]
    pub const fn new() -> KWAIT_BLOCK {
        KWAIT_BLOCK { _opaque: [0; 6] }
    }
}

impl Default for KWAIT_BLOCK {
    fn default() -> Self {
        KWAIT_BLOCK::new()
    }
}

/// Opaque on Windows, where the member shares its place with a pointer.
#[repr(C)]
pub struct EX_RUNDOWN_REF {
    pub Count: ULONG_PTR,
}
pub type PEX_RUNDOWN_REF = *mut EX_RUNDOWN_REF;

#[repr(C)]
pub struct IO_REMOVE_LOCK_COMMON_BLOCK {
    pub Removed: BOOLEAN,
    pub Reserved: [BOOLEAN; 3],
    pub IoCount: LONG,
    pub RemoveEvent: KEVENT,
}

#[repr(C)]
pub struct IO_REMOVE_LOCK {
    pub Common: IO_REMOVE_LOCK_COMMON_BLOCK,
}
pub type PIO_REMOVE_LOCK = *mut IO_REMOVE_LOCK;

/// Opaque on Windows: the holders are kept in the kernel's tables.
#[repr(C)]
pub struct ERESOURCE {
    pub(crate) Type: u64,
    _opaque: [usize; 12],
}
pub type PERESOURCE = *mut ERESOURCE;

impl ERESOURCE {
    pub(crate) const TYPE: u64 = u64::from_le_bytes(*b"EResourc");
}

pub type PALLOCATE_FUNCTION =
    Option<unsafe extern "C-unwind" fn(PoolType: POOL_TYPE, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID>;
pub type PFREE_FUNCTION = Option<unsafe extern "C-unwind" fn(Buffer: PVOID)>;

/// Opaque on Windows: the arguments of the initialization routine.
#[repr(C)]
pub struct GENERAL_LOOKASIDE {
    pub(crate) Initialized: u64,
    pub(crate) Size: SIZE_T,
    pub(crate) Tag: ULONG,
    pub(crate) Type: POOL_TYPE,
    pub(crate) Allocate: PALLOCATE_FUNCTION,
    pub(crate) Free: PFREE_FUNCTION,
}
pub type NPAGED_LOOKASIDE_LIST = GENERAL_LOOKASIDE;
pub type PAGED_LOOKASIDE_LIST = GENERAL_LOOKASIDE;
pub type PNPAGED_LOOKASIDE_LIST = *mut NPAGED_LOOKASIDE_LIST;
pub type PPAGED_LOOKASIDE_LIST = *mut PAGED_LOOKASIDE_LIST;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct SLIST_ENTRY {
    pub Next: *mut SLIST_ENTRY,
}
pub type PSLIST_ENTRY = *mut SLIST_ENTRY;

/// Opaque on Windows.
#[repr(C)]
pub struct SLIST_HEADER {
    pub(crate) Next: PSLIST_ENTRY,
    pub(crate) Depth: u64,
}
pub type PSLIST_HEADER = *mut SLIST_HEADER;

pub type PIO_CSQ_INSERT_IRP = Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irp: PIRP)>;
pub type PIO_CSQ_INSERT_IRP_EX =
    Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irp: PIRP, InsertContext: PVOID) -> NTSTATUS>;
pub type PIO_CSQ_REMOVE_IRP = Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irp: PIRP)>;
pub type PIO_CSQ_PEEK_NEXT_IRP =
    Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irp: PIRP, PeekContext: PVOID) -> PIRP>;
pub type PIO_CSQ_ACQUIRE_LOCK = Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irql: PKIRQL)>;
pub type PIO_CSQ_RELEASE_LOCK = Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irql: KIRQL)>;
pub type PIO_CSQ_COMPLETE_CANCELED_IRP = Option<unsafe extern "C-unwind" fn(Csq: PIO_CSQ, Irp: PIRP)>;

/// Tells whether a pointer in an IRP leads to a context or to a queue.
pub(crate) const IO_TYPE_CSQ_IRP_CONTEXT: ULONG = 1;
pub(crate) const IO_TYPE_CSQ: ULONG = 2;
/// A queue whose insertion routine says whether it took a request.
pub const IO_TYPE_CSQ_EX: ULONG = 3;

#[repr(C)]
pub struct IO_CSQ_IRP_CONTEXT {
    pub Type: ULONG,
    pub Irp: PIRP,
    pub Csq: PIO_CSQ,
}
pub type PIO_CSQ_IRP_CONTEXT = *mut IO_CSQ_IRP_CONTEXT;

#[repr(C)]
pub struct IO_CSQ {
    pub Type: ULONG,
    /// Of a queue with [`IO_TYPE_CSQ_EX`] it is a PIO_CSQ_INSERT_IRP_EX.
    pub CsqInsertIrp: PIO_CSQ_INSERT_IRP,
    pub CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
    pub CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP,
    pub CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK,
    pub CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
    pub CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    pub ReservePointer: PVOID,
}
pub type PIO_CSQ = *mut IO_CSQ;

//! Rows of what is built upon the kernel proper: waiting for several objects, rundown protection, remove
//! locks, executive resources, mutexes, look-aside lists, sequenced lists, cancel-safe queues, locked pages.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::ddi::types::*;
use crate::io::{csq, mdl, remove_lock};
use crate::lookaside;
use crate::sync::{
    fast_mutex, interlocked, level, mutex, resource, rundown, sequenced_list, system_thread, wait_many,
};

ddis! {
    // IRQL
    /// Marks a routine as pageable: rules look at the IRQL at which it is executed. Here it does nothing, as
    /// in a free build of Windows; a checked build asserts.
    PAGED_CODE = 307() -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => level::paged_code;

    // Waiting, objects
    /// Waits for one of several objects, or for all of them, at most for a time.
    KeWaitForMultipleObjects = 256(
        Count: ULONG, Object: *mut PVOID, WaitType: WAIT_TYPE, WaitReason: KWAIT_REASON, WaitMode: KPROCESSOR_MODE,
        Alertable: BOOLEAN, Timeout: PLARGE_INTEGER, WaitBlockArray: PKWAIT_BLOCK,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => wait_many::wait;
    /// Adds a reference. Thread objects only.
    ObReferenceObject = 257(Object: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system_thread::reference;

    // Rundown protection
    /// Initializes rundown protection: it has no holder, and can be acquired.
    ExInitializeRundownProtection = 258(RunRef: PEX_RUNDOWN_REF) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => rundown::initialize;
    /// Takes rundown protection; FALSE once rundown has begun.
    ExAcquireRundownProtection = 259(RunRef: PEX_RUNDOWN_REF) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Cell, must_use => rundown::acquire;
    /// Gives rundown protection back.
    ExReleaseRundownProtection = 260(RunRef: PEX_RUNDOWN_REF) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Cell => rundown::release;
    /// Begins rundown, and waits until the protection has no holder.
    ExWaitForRundownProtectionRelease = 261(RunRef: PEX_RUNDOWN_REF) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => rundown::wait;
    /// Says that rundown is over: the protection cannot be had until it is initialized again.
    ExRundownCompleted = 262(RunRef: PEX_RUNDOWN_REF) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Cell => rundown::completed;
    /// Makes protection that ran down available again.
    ExReInitializeRundownProtection = 263(RunRef: PEX_RUNDOWN_REF) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Cell => rundown::reinitialize;

    // Remove locks
    /// Initializes a remove lock. Tag, minutes and high-water mark are of use to checked builds only.
    IoInitializeRemoveLock = 264(Lock: PIO_REMOVE_LOCK, AllocateTag: ULONG, MaxLockedMinutes: ULONG, HighWatermark: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Plain => remove_lock::initialize;
    /// Takes a remove lock; STATUS_DELETE_PENDING once the removal has begun.
    IoAcquireRemoveLock = 265(RemoveLock: PIO_REMOVE_LOCK, Tag: PVOID) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point, must_use => remove_lock::acquire;
    /// Gives a remove lock back.
    IoReleaseRemoveLock = 266(RemoveLock: PIO_REMOVE_LOCK, Tag: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => remove_lock::release;
    /// Begins the removal, gives the caller's own acquisition back, and waits until the lock has no holder.
    IoReleaseRemoveLockAndWait = 267(RemoveLock: PIO_REMOVE_LOCK, Tag: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => remove_lock::release_and_wait;

    // Executive resources
    /// Forbids normal kernel APCs to the calling thread. There are none here: it is counted.
    KeEnterCriticalRegion = 268() -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => resource::enter_critical_region;
    /// Allows them again.
    KeLeaveCriticalRegion = 269() -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => resource::leave_critical_region;
    /// Whether the calling thread is in a critical region, or at APC_LEVEL or above.
    KeAreApcsDisabled = 270() -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => resource::are_apcs_disabled;
    /// Initializes a resource: it has no owner.
    ExInitializeResourceLite = 271(Resource: PERESOURCE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => resource::initialize;
    /// Deletes a resource.
    ExDeleteResourceLite = 272(Resource: PERESOURCE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => resource::delete;
    /// Takes a resource together with others who share it; FALSE if that would take waiting and Wait is
    /// FALSE.
    ExAcquireResourceSharedLite = 273(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => resource::acquire_shared;
    /// Takes a resource for the calling thread alone; FALSE if that would take waiting and Wait is FALSE.
    ExAcquireResourceExclusiveLite = 274(Resource: PERESOURCE, Wait: BOOLEAN) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => resource::acquire_exclusive;
    /// Gives a resource back, once for each time it was taken.
    ExReleaseResourceLite = 275(Resource: PERESOURCE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => resource::release;
    /// Whether the calling thread has a resource alone.
    ExIsResourceAcquiredExclusiveLite = 276(Resource: PERESOURCE) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => resource::is_acquired_exclusive;
    /// How often the calling thread has a resource, alone or shared.
    ExIsResourceAcquiredSharedLite = 277(Resource: PERESOURCE) -> ULONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => resource::is_acquired_shared;

    // Mutexes
    /// Initializes a mutex: no thread owns it. Level is of no use.
    KeInitializeMutex = 350(Mutex: PKMUTEX, Level: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => mutex::initialize_mutex;
    /// Gives a mutex back, once for each time it was waited for; returns 0 when that was the last. Wait is
    /// looked at by no code here.
    KeReleaseMutex = 351(Mutex: PKMUTEX, Wait: BOOLEAN) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => mutex::release;
    /// 1 if no thread owns the mutex.
    KeReadStateMutex = 352(Mutex: PKMUTEX) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Look => mutex::read_state;
    /// Initializes a fast mutex: no thread owns it. An inline function of the header on Windows.
    ExInitializeFastMutex = 353(FastMutex: PFAST_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => fast_mutex::initialize;
    /// Takes a fast mutex, and raises the IRQL to APC_LEVEL.
    ExAcquireFastMutex = 354(FastMutex: PFAST_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::acquire;
    /// The same, if that takes no waiting; FALSE if it does.
    ExTryToAcquireFastMutex = 355(FastMutex: PFAST_MUTEX) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point, must_use => fast_mutex::try_to_acquire;
    /// Gives a fast mutex back, and restores the IRQL.
    ExReleaseFastMutex = 356(FastMutex: PFAST_MUTEX) -> (),
        header "wdm.h", irql (APC, APC), Modelled, Point => fast_mutex::release;
    /// Takes a fast mutex; the caller is at APC_LEVEL or in a critical region. The page says APC_LEVEL.
    ExAcquireFastMutexUnsafe = 357(FastMutex: PFAST_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::acquire_unsafe;
    /// Gives back what ExAcquireFastMutexUnsafe took.
    ExReleaseFastMutexUnsafe = 358(FastMutex: PFAST_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::release_unsafe;
    /// Forbids all kernel APCs to the calling thread. There are none here: it is counted.
    KeEnterGuardedRegion = 359() -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => fast_mutex::enter_guarded_region;
    /// Allows them again.
    KeLeaveGuardedRegion = 360() -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => fast_mutex::leave_guarded_region;
    /// Whether the calling thread is in a guarded region, or at APC_LEVEL or above.
    KeAreAllApcsDisabled = 361() -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => fast_mutex::are_all_apcs_disabled;
    /// Initializes a guarded mutex: no thread owns it.
    KeInitializeGuardedMutex = 362(Mutex: PKGUARDED_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => fast_mutex::initialize;
    /// Takes a guarded mutex, and enters a guarded region.
    KeAcquireGuardedMutex = 363(Mutex: PKGUARDED_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::acquire_guarded;
    /// The same, if that takes no waiting; FALSE if it does.
    KeTryToAcquireGuardedMutex = 364(Mutex: PKGUARDED_MUTEX) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point, must_use => fast_mutex::try_to_acquire_guarded;
    /// Gives a guarded mutex back, and leaves the guarded region.
    KeReleaseGuardedMutex = 365(Mutex: PKGUARDED_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::release_guarded;
    /// Takes a guarded mutex; the caller is at APC_LEVEL or in a guarded region.
    KeAcquireGuardedMutexUnsafe = 366(Mutex: PKGUARDED_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::acquire_unsafe;
    /// Gives back what KeAcquireGuardedMutexUnsafe took.
    KeReleaseGuardedMutexUnsafe = 367(Mutex: PKGUARDED_MUTEX) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => fast_mutex::release_unsafe;

    // Look-aside lists
    /// Initializes a look-aside list of nonpaged blocks of one size.
    ExInitializeNPagedLookasideList = 278(
        Lookaside: PNPAGED_LOOKASIDE_LIST, Allocate: PALLOCATE_FUNCTION, Free: PFREE_FUNCTION, Flags: ULONG, Size: SIZE_T,
        Tag: ULONG, Depth: USHORT,
    ) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => lookaside::initialize_nonpaged;
    /// Allocates a block.
    ExAllocateFromNPagedLookasideList = 279(Lookaside: PNPAGED_LOOKASIDE_LIST) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => lookaside::allocate;
    /// Frees a block.
    ExFreeToNPagedLookasideList = 280(Lookaside: PNPAGED_LOOKASIDE_LIST, Entry: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => lookaside::free;
    /// Deletes a list.
    ExDeleteNPagedLookasideList = 281(Lookaside: PNPAGED_LOOKASIDE_LIST) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => lookaside::delete;
    /// Initializes a look-aside list of paged blocks of one size.
    ExInitializePagedLookasideList = 282(
        Lookaside: PPAGED_LOOKASIDE_LIST, Allocate: PALLOCATE_FUNCTION, Free: PFREE_FUNCTION, Flags: ULONG, Size: SIZE_T,
        Tag: ULONG, Depth: USHORT,
    ) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => lookaside::initialize_paged;
    /// Allocates a block.
    ExAllocateFromPagedLookasideList = 283(Lookaside: PPAGED_LOOKASIDE_LIST) -> PVOID,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => lookaside::allocate;
    /// Frees a block.
    ExFreeToPagedLookasideList = 284(Lookaside: PPAGED_LOOKASIDE_LIST, Entry: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => lookaside::free;
    /// Deletes a list.
    ExDeletePagedLookasideList = 285(Lookaside: PPAGED_LOOKASIDE_LIST) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => lookaside::delete;

    // Interlocked operations and sequenced lists
    /// Stores a pointer if the old one is as expected; returns the old one.
    InterlockedCompareExchangePointer = 286(Destination: *mut PVOID, Exchange: PVOID, Comperand: PVOID) -> PVOID,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::compare_exchange_pointer;
    /// Adds one; returns the new value.
    InterlockedIncrement64 = 287(Addend: PLONG64) -> LONG64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::increment_64;
    /// Subtracts one; returns the new value.
    InterlockedDecrement64 = 288(Addend: PLONG64) -> LONG64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::decrement_64;
    /// Adds a value; returns the old one.
    InterlockedExchangeAdd64 = 289(Addend: PLONG64, Value: LONG64) -> LONG64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::exchange_add_64;
    /// Stores a value if the old one is as expected; returns the old one.
    InterlockedCompareExchange64 = 290(Destination: PLONG64, ExChange: LONG64, Comperand: LONG64) -> LONG64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::compare_exchange_64;
    /// Clears the bits that a mask does not have; returns the old value.
    InterlockedAnd = 291(Destination: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::and;
    /// Sets the bits of a mask; returns the old value.
    InterlockedOr = 292(Destination: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::or;
    /// Turns the bits of a mask over; returns the old value.
    InterlockedXor = 293(Destination: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::xor;
    /// Makes a sequenced list empty.
    ExInitializeSListHead = 294(SListHead: PSLIST_HEADER) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => sequenced_list::initialize;
    /// Pushes an entry; returns the former first one. The lock is of no use on 64-bit systems.
    ExInterlockedPushEntrySList = 295(ListHead: PSLIST_HEADER, ListEntry: PSLIST_ENTRY, Lock: PKSPIN_LOCK) -> PSLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => sequenced_list::push;
    /// Pops the first entry, or NULL. The lock is of no use on 64-bit systems.
    ExInterlockedPopEntrySList = 296(ListHead: PSLIST_HEADER, Lock: PKSPIN_LOCK) -> PSLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => sequenced_list::pop;
    /// Takes all entries off; returns the first, or NULL.
    ExInterlockedFlushSList = 297(ListHead: PSLIST_HEADER) -> PSLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => sequenced_list::flush;
    /// How many entries there are.
    ExQueryDepthSList = 298(SListHead: PSLIST_HEADER) -> USHORT,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Look => sequenced_list::depth;

    // Cancel-safe queues
    /// Initializes a cancel-safe queue over the driver's own routines.
    IoCsqInitialize = 299(
        Csq: PIO_CSQ, CsqInsertIrp: PIO_CSQ_INSERT_IRP, CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
        CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP, CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK, CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
        CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => csq::initialize;
    /// As IoCsqInitialize, with an insertion routine that may refuse.
    IoCsqInitializeEx = 300(
        Csq: PIO_CSQ, CsqInsertIrp: PIO_CSQ_INSERT_IRP_EX, CsqRemoveIrp: PIO_CSQ_REMOVE_IRP,
        CsqPeekNextIrp: PIO_CSQ_PEEK_NEXT_IRP, CsqAcquireLock: PIO_CSQ_ACQUIRE_LOCK, CsqReleaseLock: PIO_CSQ_RELEASE_LOCK,
        CsqCompleteCanceledIrp: PIO_CSQ_COMPLETE_CANCELED_IRP,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => csq::initialize_ex;
    /// Queues a request and marks it pending; one that was cancelled already is completed.
    IoCsqInsertIrp = 301(Csq: PIO_CSQ, Irp: PIRP, Context: PIO_CSQ_IRP_CONTEXT) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => csq::insert;
    /// As IoCsqInsertIrp, with a context for the insertion routine, whose result is returned.
    IoCsqInsertIrpEx = 302(Csq: PIO_CSQ, Irp: PIRP, Context: PIO_CSQ_IRP_CONTEXT, InsertContext: PVOID) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => csq::insert_ex;
    /// Takes the request of a context out; NULL if it was cancelled or taken already.
    IoCsqRemoveIrp = 303(Csq: PIO_CSQ, Context: PIO_CSQ_IRP_CONTEXT) -> PIRP,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => csq::remove;
    /// Takes the next request that the driver's peek routine finds, or NULL.
    IoCsqRemoveNextIrp = 304(Csq: PIO_CSQ, PeekContext: PVOID) -> PIRP,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => csq::remove_next;

    // Locked pages
    /// Checks that a buffer may be used as asked, and keeps its pages in memory.
    MmProbeAndLockPages = 305(MemoryDescriptorList: PMDL, AccessMode: KPROCESSOR_MODE, Operation: LOCK_OPERATION) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => mdl::probe_and_lock;
    /// Lets the pages of a buffer go.
    MmUnlockPages = 306(MemoryDescriptorList: PMDL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => mdl::unlock;
}

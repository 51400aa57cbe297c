//! Rows of the kernel proper and the I/O manager: IRQL, locks, interrupts, DPCs, time, waiting, pool, IRPs.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::ddi::types::*;
use crate::io::{cancel, device, device_queue, irp, mdl, packet};
use crate::sync::{
    dpc, interlocked, interrupt, level, lists, lock, processors, queued_lock, system_thread, time, timer,
    wait, work_item,
};
use crate::{pool, registers};

ddis! { base 0;
    // IRQL
    /// The current IRQL.
    KeGetCurrentIrql() -> KIRQL,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => level::current;
    /// Raises the IRQL and stores the old one.
    KeRaiseIrql(NewIrql: KIRQL, OldIrql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, local => level::raise;
    /// Raises the IRQL and returns the old one.
    KfRaiseIrql(NewIrql: KIRQL) -> KIRQL,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, local => level::kf_raise;
    /// Raises the IRQL to DISPATCH_LEVEL and returns the old one.
    KeRaiseIrqlToDpcLevel() -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, local => level::raise_to_dpc_level;
    /// Restores the IRQL that a raise returned.
    KeLowerIrql(NewIrql: KIRQL) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, local => level::lower;

    // Spin locks
    /// Makes a spin lock free.
    KeInitializeSpinLock(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => lock::initialize;
    /// Takes a spin lock, raising to DISPATCH_LEVEL.
    KeAcquireSpinLock(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, acquire => lock::acquire;
    /// Takes a spin lock, raising to DISPATCH_LEVEL; returns the old IRQL.
    KeAcquireSpinLockRaiseToDpc(SpinLock: PKSPIN_LOCK) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, acquire => lock::acquire_raise;
    /// Takes a spin lock at DISPATCH_LEVEL (or above, the page says).
    KeAcquireSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, acquire => lock::acquire_at_dpc_level;
    /// Takes a spin lock if it is free.
    KeTryToAcquireSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, cell => lock::try_acquire_at_dpc_level;
    /// Gives a spin lock back and restores the IRQL.
    KeReleaseSpinLock(SpinLock: PKSPIN_LOCK, NewIrql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, cell => lock::release;
    /// Gives a spin lock back without touching the IRQL.
    KeReleaseSpinLockFromDpcLevel(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, cell => lock::release_from_dpc_level;
    /// Takes a spin lock in a DPC that may be threaded; returns the old IRQL.
    KeAcquireSpinLockForDpc(SpinLock: PKSPIN_LOCK) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, acquire => lock::acquire_for_dpc;
    /// Gives a spin lock back in a DPC that may be threaded.
    KeReleaseSpinLockForDpc(SpinLock: PKSPIN_LOCK, OldIrql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, cell => lock::release_for_dpc;
    /// Whether a spin lock is free.
    KeTestSpinLock(SpinLock: PKSPIN_LOCK) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, look => lock::test;
    /// Takes a queued spin lock, raising to DISPATCH_LEVEL.
    KeAcquireInStackQueuedSpinLock(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => queued_lock::acquire;
    /// Gives a queued spin lock back and restores the IRQL.
    KeReleaseInStackQueuedSpinLock(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => queued_lock::release;
    /// Takes a queued spin lock at DISPATCH_LEVEL or above.
    KeAcquireInStackQueuedSpinLockAtDpcLevel(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, point => queued_lock::acquire_at_dpc_level;
    /// Gives a queued spin lock back without touching the IRQL.
    KeReleaseInStackQueuedSpinLockFromDpcLevel(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, point => queued_lock::release_from_dpc_level;
    /// Takes a queued spin lock in a DPC that may be threaded.
    KeAcquireInStackQueuedSpinLockForDpc(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => queued_lock::acquire;
    /// Gives a queued spin lock back in a DPC that may be threaded.
    KeReleaseInStackQueuedSpinLockForDpc(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => queued_lock::release;

    // Interrupts
    /// Connects a service routine to an interrupt vector.
    IoConnectInterrupt(
        InterruptObject: *mut PKINTERRUPT, ServiceRoutine: PKSERVICE_ROUTINE, ServiceContext: PVOID, SpinLock: PKSPIN_LOCK,
        Vector: ULONG, Irql: KIRQL, SynchronizeIrql: KIRQL, InterruptMode: KINTERRUPT_MODE, ShareVector: BOOLEAN,
        ProcessorEnableMask: KAFFINITY, FloatingSave: BOOLEAN,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, point => interrupt::connect;
    /// Takes a service routine off its vector.
    IoDisconnectInterrupt(InterruptObject: PKINTERRUPT) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, point => interrupt::disconnect;
    /// Takes an interrupt's spin lock, raising to its level; returns the old IRQL.
    KeAcquireInterruptSpinLock(Interrupt: PKINTERRUPT) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DEVICE_MAX), Modelled, point => interrupt::acquire_lock;
    /// Gives an interrupt's spin lock back and restores the IRQL.
    KeReleaseInterruptSpinLock(Interrupt: PKINTERRUPT, OldIrql: KIRQL) -> (),
        header "wdm.h", irql (DEVICE_MIN, DEVICE_MAX), Modelled, point => interrupt::release_lock;
    /// Runs a routine with the interrupt's service routine excluded.
    KeSynchronizeExecution(Interrupt: PKINTERRUPT, SynchronizeRoutine: PKSYNCHRONIZE_ROUTINE, SynchronizeContext: PVOID) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DEVICE_MAX), Modelled, point => interrupt::synchronize;

    // DPCs
    /// Initializes a DPC object.
    KeInitializeDpc(Dpc: PKDPC, DeferredRoutine: PKDEFERRED_ROUTINE, DeferredContext: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => dpc::initialize;
    /// Queues a DPC; FALSE if it is queued already.
    KeInsertQueueDpc(Dpc: PKDPC, SystemArgument1: PVOID, SystemArgument2: PVOID) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => dpc::insert;
    /// Takes a DPC out of its queue; FALSE if it is in none.
    KeRemoveQueueDpc(Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => dpc::remove;
    /// Waits until all queued DPCs have run.
    KeFlushQueuedDpcs() -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, point => dpc::flush;
    /// Sets where in the queue a DPC goes and how soon it is asked for.
    KeSetImportanceDpc(Dpc: PKDPC, Importance: KDPC_IMPORTANCE) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => dpc::set_importance;
    /// Sets the processor that a DPC runs on.
    KeSetTargetProcessorDpc(Dpc: PKDPC, Number: CCHAR) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => dpc::set_target;

    // Timers and time
    /// Initializes a notification timer.
    KeInitializeTimer(Timer: PKTIMER) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => timer::initialize;
    /// Initializes a timer of either kind.
    KeInitializeTimerEx(Timer: PKTIMER, Type: TIMER_TYPE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => timer::initialize_ex;
    /// Arms a timer; TRUE if it was armed already.
    KeSetTimer(Timer: PKTIMER, DueTime: LARGE_INTEGER, Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => timer::set;
    /// Arms a timer, periodic if Period (ms) is not 0; TRUE if it was armed already.
    KeSetTimerEx(Timer: PKTIMER, DueTime: LARGE_INTEGER, Period: LONG, Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => timer::set_ex;
    /// Disarms a timer; TRUE if it was armed. A DPC already queued still runs.
    KeCancelTimer(Timer: PKTIMER) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => timer::cancel;
    /// Whether a timer is signaled.
    KeReadStateTimer(Timer: PKTIMER) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, look => timer::read_state;
    /// Busy-waits on this processor, in microseconds.
    KeStallExecutionProcessor(Microseconds: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, register => time::stall;
    /// Sleeps, in 100 ns units: negative for relative.
    KeDelayExecutionThread(WaitMode: KPROCESSOR_MODE, Alertable: BOOLEAN, Interval: PLARGE_INTEGER) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, APC), Modelled, point => wait::delay;
    /// The system time in 100 ns units since 1601.
    KeQuerySystemTime(CurrentTime: PLARGE_INTEGER) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, clock => time::system_time;
    /// Time since power-on in 100 ns units.
    KeQueryInterruptTime() -> ULONGLONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, clock => time::interrupt_time;
    /// The performance counter and, where asked, its frequency.
    KeQueryPerformanceCounter(PerformanceFrequency: PLARGE_INTEGER) -> LARGE_INTEGER,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, clock => time::performance_counter;

    // Events, semaphores, waiting
    /// Initializes an event.
    KeInitializeEvent(Event: PKEVENT, Type: EVENT_TYPE, State: BOOLEAN) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => wait::initialize_event;
    /// Signals an event; returns its former state.
    KeSetEvent(Event: PKEVENT, Increment: KPRIORITY, Wait: BOOLEAN) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => wait::set_event;
    /// Takes an event's signal away; returns its former state.
    KeResetEvent(Event: PKEVENT) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => wait::reset_event;
    /// Takes an event's signal away.
    KeClearEvent(Event: PKEVENT) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => wait::clear_event;
    /// An event's state.
    KeReadStateEvent(Event: PKEVENT) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, look => wait::read_state_event;
    /// Initializes a semaphore.
    KeInitializeSemaphore(Semaphore: PKSEMAPHORE, Count: LONG, Limit: LONG) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, plain => wait::initialize_semaphore;
    /// Adds to a semaphore's count; returns the former count.
    KeReleaseSemaphore(Semaphore: PKSEMAPHORE, Increment: KPRIORITY, Adjustment: LONG, Wait: BOOLEAN) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => wait::release_semaphore;
    /// Waits for an object, at most for a time.
    KeWaitForSingleObject(
        Object: PVOID, WaitReason: KWAIT_REASON, WaitMode: KPROCESSOR_MODE, Alertable: BOOLEAN, Timeout: PLARGE_INTEGER,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, object => wait::wait_for_single_object;

    // Threads and work items
    /// Creates a system thread.
    PsCreateSystemThread(
        ThreadHandle: PHANDLE, DesiredAccess: ULONG, ObjectAttributes: POBJECT_ATTRIBUTES, ProcessHandle: HANDLE,
        ClientId: PCLIENT_ID, StartRoutine: PKSTART_ROUTINE, StartContext: PVOID,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, point => system_thread::create;
    /// Ends the calling system thread; does not return.
    PsTerminateSystemThread(ExitStatus: NTSTATUS) -> NTSTATUS,
        header "ntddk.h", irql (PASSIVE, PASSIVE), Modelled, point => system_thread::terminate;
    /// The calling thread's object; NULL for a thread of the simulator itself.
    KeGetCurrentThread() -> PVOID,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => system_thread::current;
    /// The object behind a handle, with a reference. Thread handles only.
    ObReferenceObjectByHandle(
        Handle: HANDLE, DesiredAccess: ACCESS_MASK, ObjectType: PVOID, AccessMode: KPROCESSOR_MODE, Object: *mut PVOID,
        HandleInformation: PVOID,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, plain => system_thread::reference_by_handle;
    /// Gives a reference back.
    ObDereferenceObject(Object: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => system_thread::dereference;
    /// Closes a handle. Thread handles only.
    ZwClose(Handle: HANDLE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, plain => system_thread::close;
    /// Allocates a work item.
    IoAllocateWorkItem(DeviceObject: PDEVICE_OBJECT) -> PIO_WORKITEM,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => work_item::allocate;
    /// Queues a work item to the system's worker threads.
    IoQueueWorkItem(IoWorkItem: PIO_WORKITEM, WorkerRoutine: PIO_WORKITEM_ROUTINE, QueueType: WORK_QUEUE_TYPE, Context: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => work_item::queue;
    /// Frees a work item.
    IoFreeWorkItem(IoWorkItem: PIO_WORKITEM) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => work_item::free;

    // Processors
    /// Index of the calling processor.
    KeGetCurrentProcessorNumber() -> ULONG,
        header "ntddk.h", irql (PASSIVE, HIGH), Modelled, plain => processors::current_number;
    /// How many processors there are and, where asked, their mask.
    KeQueryActiveProcessorCount(ActiveProcessors: *mut KAFFINITY) -> ULONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => processors::active_count;

    // Pool
    /// Allocates pool, zeroed unless told otherwise.
    ExAllocatePool2(Flags: POOL_FLAGS, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => pool::allocate2;
    /// Allocates pool, not zeroed.
    ExAllocatePoolWithTag(PoolType: POOL_TYPE, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => pool::allocate_with_tag;
    /// Frees pool, whatever its tag.
    ExFreePool(P: PVOID) -> (),
        header "ntddk.h", irql (PASSIVE, DISPATCH), Modelled, plain => pool::free;
    /// Frees pool that has this tag (0: any).
    ExFreePoolWithTag(P: PVOID, Tag: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => pool::free_with_tag;

    // Interlocked operations and lists
    /// Adds one; returns the new value.
    InterlockedIncrement(Addend: PLONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::increment;
    /// Subtracts one; returns the new value.
    InterlockedDecrement(Addend: PLONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::decrement;
    /// Stores a value; returns the old one.
    InterlockedExchange(Target: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::exchange;
    /// Adds a value; returns the old one.
    InterlockedExchangeAdd(Addend: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::exchange_add;
    /// Stores a value if the old one is as expected; returns the old one.
    InterlockedCompareExchange(Destination: PLONG, ExChange: LONG, Comperand: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::compare_exchange;
    /// Stores a pointer; returns the old one.
    InterlockedExchangePointer(Target: *mut PVOID, Value: PVOID) -> PVOID,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, cell => interlocked::exchange_pointer;
    /// Appends to a list under a spin lock; returns the former last entry or NULL.
    ExInterlockedInsertTailList(ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, point => lists::insert_tail;
    /// Prepends to a list under a spin lock; returns the former first entry or NULL.
    ExInterlockedInsertHeadList(ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, point => lists::insert_head;
    /// Takes the first entry off a list under a spin lock, or NULL.
    ExInterlockedRemoveHeadList(ListHead: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, point => lists::remove_head;
    /// Pushes onto a single list under a spin lock; returns the former first entry.
    ExInterlockedPushEntryList(ListHead: PSINGLE_LIST_ENTRY, ListEntry: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, point => lists::push;
    /// Pops off a single list under a spin lock, or NULL.
    ExInterlockedPopEntryList(ListHead: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, point => lists::pop;

    // Device and driver objects
    /// Creates a device object with an extension.
    IoCreateDevice(
        DriverObject: PDRIVER_OBJECT, DeviceExtensionSize: ULONG, DeviceName: PUNICODE_STRING, DeviceType: DEVICE_TYPE,
        DeviceCharacteristics: ULONG, Exclusive: BOOLEAN, DeviceObject: *mut PDEVICE_OBJECT,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, APC), Modelled, plain => device::create;
    /// Deletes a device object.
    IoDeleteDevice(DeviceObject: PDEVICE_OBJECT) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, plain => device::delete;
    /// Puts a device on top of a stack; returns the device below.
    IoAttachDeviceToDeviceStack(SourceDevice: PDEVICE_OBJECT, TargetDevice: PDEVICE_OBJECT) -> PDEVICE_OBJECT,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => device::attach;
    /// Takes the device above off this one.
    IoDetachDevice(TargetDevice: PDEVICE_OBJECT) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, plain => device::detach;
    /// The topmost device of a stack. References are not counted.
    IoGetAttachedDeviceReference(DeviceObject: PDEVICE_OBJECT) -> PDEVICE_OBJECT,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => device::get_attached;

    // IRPs
    /// Allocates an IRP.
    IoAllocateIrp(StackSize: CCHAR, ChargeQuota: BOOLEAN) -> PIRP,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => irp::allocate;
    /// Frees an IRP that the caller allocated.
    IoFreeIrp(Irp: PIRP) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => irp::free;
    /// Readies an IRP that the caller allocated for another trip.
    IoReuseIrp(Irp: PIRP, Iostatus: NTSTATUS) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => irp::reuse;
    /// Builds a device control request that the I/O manager completes and frees.
    IoBuildDeviceIoControlRequest(
        IoControlCode: ULONG, DeviceObject: PDEVICE_OBJECT, InputBuffer: PVOID, InputBufferLength: ULONG, OutputBuffer: PVOID,
        OutputBufferLength: ULONG, InternalDeviceIoControl: BOOLEAN, Event: PKEVENT, IoStatusBlock: PIO_STATUS_BLOCK,
    ) -> PIRP,
        header "wdm.h", irql (PASSIVE, APC), Modelled, plain => irp::build_device_io_control;
    /// Sends an IRP to a device's driver.
    IoCallDriver(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => irp::call_driver;
    /// Completes an IRP: runs the completion routines of the drivers above, inside the call.
    IoCompleteRequest(Irp: PIRP, PriorityBoost: CCHAR) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, holding => irp::complete;
    /// Exchanges an IRP's cancel routine.
    IoSetCancelRoutine(Irp: PIRP, CancelRoutine: PDRIVER_CANCEL) -> PDRIVER_CANCEL,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => cancel::set_routine;
    /// Cancels an IRP; TRUE if it had a cancel routine, which was called.
    IoCancelIrp(Irp: PIRP) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => cancel::cancel_irp;
    /// Takes the system-wide cancel spin lock.
    IoAcquireCancelSpinLock(Irql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => cancel::acquire;
    /// Gives the cancel spin lock back.
    IoReleaseCancelSpinLock(Irql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => cancel::release;

    // Device queues and StartIo
    /// Initializes a device queue, idle and empty.
    KeInitializeDeviceQueue(DeviceQueue: PKDEVICE_QUEUE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => device_queue::initialize;
    /// Queues an entry at the tail; FALSE if the queue was idle and is busy now.
    KeInsertDeviceQueue(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => device_queue::insert;
    /// Queues an entry by key; FALSE if the queue was idle and is busy now.
    KeInsertByKeyDeviceQueue(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY, SortKey: ULONG) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => device_queue::insert_by_key;
    /// Takes the first entry; NULL makes the queue idle.
    KeRemoveDeviceQueue(DeviceQueue: PKDEVICE_QUEUE) -> PKDEVICE_QUEUE_ENTRY,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => device_queue::remove;
    /// Takes the first entry whose key is not below SortKey, else the first; NULL makes the queue idle.
    KeRemoveByKeyDeviceQueue(DeviceQueue: PKDEVICE_QUEUE, SortKey: ULONG) -> PKDEVICE_QUEUE_ENTRY,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, point => device_queue::remove_by_key;
    /// Takes one entry out; FALSE if it was not queued.
    KeRemoveEntryDeviceQueue(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => device_queue::remove_entry;
    /// Gives a request to StartIo, or queues it while another is current.
    IoStartPacket(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Key: PULONG, CancelFunction: PDRIVER_CANCEL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, holding => packet::start;
    /// Gives the next queued request to StartIo, inside the call.
    IoStartNextPacket(DeviceObject: PDEVICE_OBJECT, Cancelable: BOOLEAN) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, holding => packet::start_next;
    /// As IoStartNextPacket, by key.
    IoStartNextPacketByKey(DeviceObject: PDEVICE_OBJECT, Cancelable: BOOLEAN, Key: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, holding => packet::start_next_by_key;
    /// Sets whether StartIo may nest and whether requests in it can be cancelled.
    IoSetStartIoAttributes(DeviceObject: PDEVICE_OBJECT, DeferredStartIo: BOOLEAN, NonCancelable: BOOLEAN) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => packet::set_attributes;

    // Memory descriptor lists and addresses
    /// Allocates an MDL for a buffer, and hangs it on an IRP if one is given.
    IoAllocateMdl(VirtualAddress: PVOID, Length: ULONG, SecondaryBuffer: BOOLEAN, ChargeQuota: BOOLEAN, Irp: PIRP) -> PMDL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => mdl::allocate;
    /// Frees an MDL.
    IoFreeMdl(Mdl: PMDL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => mdl::free;
    /// Fills in an MDL for a nonpaged buffer.
    MmBuildMdlForNonPagedPool(MemoryDescriptorList: PMDL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => mdl::build_for_nonpaged_pool;
    /// The system address of an MDL's buffer; NULL if there is none.
    MmGetSystemAddressForMdlSafe(Mdl: PMDL, Priority: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => mdl::system_address;
    /// The physical address of a nonpaged one.
    MmGetPhysicalAddress(BaseAddress: PVOID) -> PHYSICAL_ADDRESS,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, plain => mdl::physical_address;
    /// Maps device registers.
    MmMapIoSpace(PhysicalAddress: PHYSICAL_ADDRESS, NumberOfBytes: SIZE_T, CacheType: MEMORY_CACHING_TYPE) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, plain => mdl::map_io_space;
    /// Unmaps device registers. Windows of devices are always mapped here.
    MmUnmapIoSpace(BaseAddress: PVOID, NumberOfBytes: SIZE_T) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Ignored, plain => mdl::unmap_io_space;

    // Registers
    /// Reads an 8-bit register.
    READ_REGISTER_UCHAR(Register: *mut u8) -> u8,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, register => registers::read_u8;
    /// Reads a 16-bit register.
    READ_REGISTER_USHORT(Register: *mut u16) -> u16,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, register => registers::read_u16;
    /// Reads a 32-bit register.
    READ_REGISTER_ULONG(Register: *mut u32) -> u32,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, register => registers::read_u32;
    /// Reads a 64-bit register.
    READ_REGISTER_ULONG64(Register: *mut u64) -> u64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, register => registers::read_u64;
    /// Writes an 8-bit register.
    WRITE_REGISTER_UCHAR(Register: *mut u8, Value: u8) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => registers::write_u8;
    /// Writes a 16-bit register.
    WRITE_REGISTER_USHORT(Register: *mut u16, Value: u16) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => registers::write_u16;
    /// Writes a 32-bit register.
    WRITE_REGISTER_ULONG(Register: *mut u32, Value: u32) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => registers::write_u32;
    /// Writes a 64-bit register.
    WRITE_REGISTER_ULONG64(Register: *mut u64, Value: u64) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, object => registers::write_u64;
}

//! Routines at an IRQL that their page does not allow: each is called at DISPATCH_LEVEL, or above it where
//! that is allowed; its near miss makes the same call first and raises the IRQL after it.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{TAG, free, new, new_event};
use crate::models::bell::VECTOR;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// A level above DISPATCH_LEVEL.
const DEVICE_LEVEL: KIRQL = 5;

/// Where a call is made.
#[derive(Clone, Copy)]
enum At {
    /// At a level that is too high.
    Raised(KIRQL),
    /// At PASSIVE_LEVEL, before the IRQL is raised to that level.
    First(KIRQL),
}

impl At {
    unsafe fn call<R>(self, call: impl FnOnce() -> R) -> R {
        let mut irql: KIRQL = 0;
        match self {
            At::Raised(level) => {
                KeRaiseIrql(level, &raw mut irql);
                let answer = call();
                KeLowerIrql(irql);
                answer
            }
            At::First(level) => {
                let answer = call();
                KeRaiseIrql(level, &raw mut irql);
                KeLowerIrql(irql);
                answer
            }
        }
    }
}

/// Two programs of each body: the call raised, and the call first.
macro_rules! programs {
    ($($body:ident at $level:expr => $raised:ident, $first:ident;)+) => {$(
        #[doc = concat!("Calls `", stringify!($body), "` at a level that is too high.")]
        pub(super) unsafe fn $raised() {
            $body(At::Raised($level));
        }

        #[doc = concat!("Calls `", stringify!($body), "`, and raises the IRQL after it.")]
        pub(super) unsafe fn $first() {
            $body(At::First($level));
        }
    )+};
}

programs! {
    network at DISPATCH_LEVEL => network_raised, network_first;
    region at DISPATCH_LEVEL => region_raised, region_first;
    sleep at DISPATCH_LEVEL => sleep_raised, sleep_first;
    resource at DISPATCH_LEVEL => resource_raised, resource_first;
    fast_mutex at DISPATCH_LEVEL => fast_mutex_raised, fast_mutex_first;
    paged_list at DISPATCH_LEVEL => paged_list_raised, paged_list_first;
    pool at DEVICE_LEVEL => pool_raised, pool_first;
    timer at DEVICE_LEVEL => timer_raised, timer_first;
    event_for_wait at DISPATCH_LEVEL => event_for_wait_raised, event_for_wait_first;
    create_device at DISPATCH_LEVEL => create_device_raised, create_device_first;
    delete_device at DISPATCH_LEVEL => delete_device_raised, delete_device_first;
    detach_device at DISPATCH_LEVEL => detach_device_raised, detach_device_first;
    connect at DISPATCH_LEVEL => connect_raised, connect_first;
    disconnect at DISPATCH_LEVEL => disconnect_raised, disconnect_first;
    create_thread at DISPATCH_LEVEL => create_thread_raised, create_thread_first;
    reference_handle at DISPATCH_LEVEL => reference_handle_raised, reference_handle_first;
    close_handle at DISPATCH_LEVEL => close_handle_raised, close_handle_first;
    rundown at DISPATCH_LEVEL => rundown_raised, rundown_first;
    paged_routine at DISPATCH_LEVEL => paged_routine_raised, paged_routine_first;
}

unsafe fn region(at: At) {
    at.call(|| {
        KeEnterCriticalRegion();
        KeLeaveCriticalRegion();
    });
}

unsafe fn sleep(at: At) {
    let mut microsecond = LARGE_INTEGER::new(-10);
    at.call(|| KeDelayExecutionThread(KernelMode, FALSE, &raw mut microsecond));
}

unsafe fn resource(at: At) {
    let resource: PERESOURCE = new();
    ExInitializeResourceLite(resource);
    KeEnterCriticalRegion();
    // Nobody has it: the call would not wait.
    at.call(|| ExAcquireResourceExclusiveLite(resource, TRUE));
    ExReleaseResourceLite(resource);
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(resource);
    free(resource);
}

unsafe fn fast_mutex(at: At) {
    let mutex: PFAST_MUTEX = new();
    ExInitializeFastMutex(mutex);
    // No thread has it: the call would not wait.
    at.call(|| {
        ExAcquireFastMutex(mutex);
        ExReleaseFastMutex(mutex);
    });
    free(mutex);
}

unsafe fn paged_list(at: At) {
    let list: PPAGED_LOOKASIDE_LIST = new();
    at.call(|| ExInitializePagedLookasideList(list, None, None, 0, 64, TAG, 0));
    ExDeletePagedLookasideList(list);
    free(list);
}

unsafe fn pool(at: At) {
    let block = at.call(|| ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG));
    ExFreePoolWithTag(block, TAG);
}

unsafe fn timer(at: At) {
    let timer: PKTIMER = new();
    KeInitializeTimer(timer);
    at.call(|| KeSetTimer(timer, LARGE_INTEGER::new(-10), null_mut()));
    KeCancelTimer(timer);
    free(timer);
}

unsafe fn event_for_wait(at: At) {
    let event = new_event(NotificationEvent);
    at.call(|| KeSetEvent(event, 0, TRUE));
    KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
    free(event);
}

unsafe extern "C-unwind" fn driver_entry(_: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    STATUS_SUCCESS
}

unsafe fn with_driver(body: impl FnOnce(PDRIVER_OBJECT)) {
    let machine = Machine::current().expect("an exhibit runs on a machine");
    let driver = machine.load_driver(Some(driver_entry)).expect("its entry point succeeds");
    body(driver);
    machine.unload_driver(driver);
}

unsafe fn new_device(driver: PDRIVER_OBJECT) -> PDEVICE_OBJECT {
    let mut device: PDEVICE_OBJECT = null_mut();
    IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
    device
}

unsafe fn create_device(at: At) {
    with_driver(|driver| {
        let device = at.call(|| new_device(driver));
        IoDeleteDevice(device);
    });
}

unsafe fn delete_device(at: At) {
    with_driver(|driver| {
        let device = new_device(driver);
        at.call(|| IoDeleteDevice(device));
    });
}

unsafe fn detach_device(at: At) {
    with_driver(|driver| {
        let (lower, upper) = (new_device(driver), new_device(driver));
        let _ = IoAttachDeviceToDeviceStack(upper, lower);
        at.call(|| IoDetachDevice(lower));
        IoDeleteDevice(upper);
        IoDeleteDevice(lower);
    });
}

unsafe extern "C-unwind" fn claims_nothing(_: PKINTERRUPT, _: PVOID) -> BOOLEAN {
    FALSE
}

unsafe fn connected() -> PKINTERRUPT {
    let mut interrupt: PKINTERRUPT = null_mut();
    IoConnectInterrupt(
        &raw mut interrupt,
        Some(claims_nothing),
        null_mut(),
        null_mut(),
        VECTOR,
        DEVICE_LEVEL,
        DEVICE_LEVEL,
        LevelSensitive,
        FALSE,
        1,
        FALSE,
    );
    interrupt
}

unsafe fn connect(at: At) {
    let interrupt = at.call(|| connected());
    IoDisconnectInterrupt(interrupt);
}

unsafe fn disconnect(at: At) {
    let interrupt = connected();
    at.call(|| IoDisconnectInterrupt(interrupt));
}

unsafe extern "C-unwind" fn ends(_: PVOID) {
    PsTerminateSystemThread(STATUS_SUCCESS);
}

unsafe fn new_thread() -> HANDLE {
    let mut thread: HANDLE = null_mut();
    let _ =
        PsCreateSystemThread(&raw mut thread, 0, null_mut(), null_mut(), null_mut(), Some(ends), null_mut());
    thread
}

unsafe fn create_thread(at: At) {
    let thread = at.call(|| new_thread());
    ZwClose(thread);
}

unsafe fn reference_handle(at: At) {
    let thread = new_thread();
    let mut object: PVOID = null_mut();
    let to = &raw mut object;
    at.call(|| ObReferenceObjectByHandle(thread, 0, null_mut(), KernelMode, to, null_mut()));
    ObDereferenceObject(object);
    ZwClose(thread);
}

unsafe fn close_handle(at: At) {
    let thread = new_thread();
    at.call(|| ZwClose(thread));
}

unsafe fn rundown(at: At) {
    let rundown: PEX_RUNDOWN_REF = new();
    at.call(|| ExInitializeRundownProtection(rundown));
    ExWaitForRundownProtectionRelease(rundown);
    free(rundown);
}

unsafe fn paged_routine(at: At) {
    at.call(|| PAGED_CODE());
}

unsafe fn insert_into_queue(level: KIRQL) {
    let (queue, entry): (PKDEVICE_QUEUE, PKDEVICE_QUEUE_ENTRY) = (new(), new());
    let mut irql: KIRQL = 0;
    KeInitializeDeviceQueue(queue);
    KeRaiseIrql(level, &raw mut irql);
    KeInsertDeviceQueue(queue, entry);
    KeLowerIrql(irql);
    free(entry);
    free(queue);
}

/// Inserts into a device queue at PASSIVE_LEVEL.
pub(super) unsafe fn queue_below() {
    insert_into_queue(PASSIVE_LEVEL);
}

/// Inserts into a device queue at DISPATCH_LEVEL.
pub(super) unsafe fn queue_at_dispatch_level() {
    insert_into_queue(DISPATCH_LEVEL);
}

unsafe fn network(at: At) {
    let mut binding: HANDLE = null_mut();
    let to = &raw mut binding;
    at.call(|| TdiRegisterPnPHandlers(null_mut(), 0, to));
    TdiDeregisterPnPHandlers(binding);
}

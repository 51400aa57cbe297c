//! Work items: that return at a raised IRQL, that are freed while they are queued.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new, new_event};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe extern "C-unwind" fn raises(_device: PDEVICE_OBJECT, event: PVOID) {
    KeRaiseIrqlToDpcLevel();
    KeSetEvent(event.cast(), 0, FALSE);
}

unsafe extern "C-unwind" fn restores(_device: PDEVICE_OBJECT, event: PVOID) {
    let irql = KeRaiseIrqlToDpcLevel();
    KeSetEvent(event.cast(), 0, FALSE);
    KeLowerIrql(irql);
}

/// Queues a work item, and frees it after its routine is through, or at once.
unsafe fn queue_and_free(routine: PIO_WORKITEM_ROUTINE, waits: bool) {
    let event = new_event(NotificationEvent);
    let item = IoAllocateWorkItem(null_mut());
    let irql = KeRaiseIrqlToDpcLevel();
    IoQueueWorkItem(item, routine, DelayedWorkQueue, event.cast());
    if !waits {
        IoFreeWorkItem(item);
    }
    KeLowerIrql(irql);
    KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
    if waits {
        IoFreeWorkItem(item);
    }
    free(event);
}

/// Returns from a work item at DISPATCH_LEVEL.
pub(super) unsafe fn return_raised() {
    queue_and_free(Some(raises), true);
}

/// Raises the IRQL in a work item, and lowers it again.
pub(super) unsafe fn return_restored() {
    queue_and_free(Some(restores), true);
}

/// Frees a work item that is queued.
pub(super) unsafe fn free_queued() {
    queue_and_free(Some(restores), false);
}

#[repr(C)]
struct Work {
    item: PIO_WORKITEM,
    done: PKEVENT,
}

unsafe extern "C-unwind" fn frees_itself(_device: PDEVICE_OBJECT, context: PVOID) {
    let work: *mut Work = context.cast();
    IoFreeWorkItem((*work).item);
    KeSetEvent((*work).done, 0, FALSE);
}

/// Frees a work item in its own routine: it is not queued any more.
pub(super) unsafe fn free_in_routine() {
    let work: *mut Work = new();
    *work = Work { item: IoAllocateWorkItem(null_mut()), done: new_event(NotificationEvent) };
    IoQueueWorkItem((*work).item, Some(frees_itself), DelayedWorkQueue, work.cast());
    KeWaitForSingleObject((*work).done.cast(), Executive, KernelMode, FALSE, null_mut());
    free((*work).done);
    free(work);
}

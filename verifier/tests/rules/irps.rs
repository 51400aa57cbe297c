//! IRPs of the driver's own, and what cancel routines hold.

use super::*;

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(dispatch);
    let mut device = null_mut();
    IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device)
}

unsafe extern "C-unwind" fn dispatch(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn frees(_device: PDEVICE_OBJECT, irp: PIRP, _context: PVOID) -> NTSTATUS {
    IoFreeIrp(irp);
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Sends a read of its own to a device, with a completion routine or without.
unsafe fn send(x: X, routine: PIO_COMPLETION_ROUTINE) {
    let machine = Machine::current().expect("a machine runs");
    let driver = machine.load_driver(Some(entry)).expect("the driver loads");
    let device = (*driver).DeviceObject;
    (*x).device = device;
    (*x).routine = routine;
    // SAFETY: the desk is what it was called with, and its device is live.
    in_dpc(x, |x| unsafe {
        let irp = IoAllocateIrp((*(*x).device).StackSize, FALSE);
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        if (*x).routine.is_some() {
            IoSetCompletionRoutine(irp, (*x).routine, null_mut(), true, true, true);
        }
        IoCallDriver((*x).device, irp);
    });
    IoDeleteDevice(device);
    machine.unload_driver(driver);
}

unsafe fn sends_without_routine(x: X) {
    send(x, None);
}

unsafe fn sends_with_routine(x: X) {
    send(x, Some(frees));
}

#[test]
fn an_irp_of_ones_own_has_a_routine_that_frees_it() {
    is_told("IoFreeIrp", sends_without_routine);
    is_fine(sends_with_routine);
}

/// Takes a lock of its own, and the cancel spin lock inside.
unsafe extern "C-unwind" fn cancel_and_take(_device: PDEVICE_OBJECT, irp: PIRP) {
    let x: X = (*irp).UserBuffer.cast();
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    IoReleaseCancelSpinLock((*irp).CancelIrql);
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    IoAcquireCancelSpinLock(&raw mut inner);
    IoReleaseCancelSpinLock(inner);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe extern "C-unwind" fn cancel_and_keep(_device: PDEVICE_OBJECT, irp: PIRP) {
    let x: X = (*irp).UserBuffer.cast();
    let mut irql: KIRQL = 0;
    IoReleaseCancelSpinLock((*irp).CancelIrql);
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
}

unsafe fn cancel(x: X, routine: PDRIVER_CANCEL) {
    let irp = IoAllocateIrp(1, FALSE);
    (*irp).UserBuffer = x.cast();
    IoSetCancelRoutine(irp, routine);
    IoCancelIrp(irp);
    IoFreeIrp(irp);
}

unsafe fn takes_in_cancel_routine(x: X) {
    cancel(x, Some(cancel_and_take));
}

unsafe fn keeps_in_cancel_routine(x: X) {
    cancel(x, Some(cancel_and_keep));
}

#[test]
fn a_cancel_routine_has_locks_of_its_own_besides_the_cancel_spin_lock() {
    is_fine(takes_in_cancel_routine);
    is_told("LockLeftHeld", keeps_in_cancel_routine);
}

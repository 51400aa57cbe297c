//! Power: the device goes to sleep and wakes up.
//!
//! Only requests about the device are the driver's business: for D3 it holds requests and turns the interrupt
//! off before those below take the power away, for D0 it sets the device up when they have given it back. The
//! requests of power come at PASSIVE_LEVEL (DO_POWER_PAGABLE).

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::held::*;
use super::pnp::{DisableInterrupt, ForwardAndWait};

pub unsafe extern "C-unwind" fn Power(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);
    let Stack = IoGetCurrentIrpStackLocation(Irp);
    let Power = (*Stack).Parameters.Power;

    if (*Stack).MinorFunction == IRP_MN_SET_POWER && Power.Type == DevicePowerState {
        if Power.State.DeviceState == PowerDeviceD0 {
            let Status = ForwardAndWait(Extension, Irp);
            if NT_SUCCESS(Status) {
                WakeUp(Extension);
            }
            IoCompleteRequest(Irp, IO_NO_INCREMENT);
            return Status;
        }
        Hold(Extension, HELD_POWER);
        if !(*Extension).Interrupt.is_null() {
            KeSynchronizeExecution((*Extension).Interrupt, Some(DisableInterrupt), Extension.cast());
        }
    }
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver((*Extension).LowerDeviceObject, Irp)
}

/// The device has power again, and has forgotten everything. One that is stopped is set up when it starts.
unsafe fn WakeUp(Extension: PDEVICE_EXTENSION) {
    if !(*Extension).Interrupt.is_null() {
        WriteRegister(Extension, register::RESET, 1);
        WriteRegister(Extension, register::INTERRUPT_ENABLE, INTERRUPT_DONE);
    }
    LetGo(Extension, HELD_POWER);
}

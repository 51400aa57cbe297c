//! The way in: an IRP arrives, and its SRB goes down to the miniport or waits its turn.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::order;
use super::own_requests::OwnRequests;
use super::pass_through;
use super::unit::{Admission, Request, Unit};
use crate::callbacks::{HW_STOR_PROCESS_SERVICE_REQUEST, STORPORT};
use crate::ddi::{
    IOCTL_MINIPORT_PROCESS_SERVICE_IRP, IOCTL_SCSI_MINIPORT, PSCSI_REQUEST_BLOCK,
    SRB_FLAGS_UNSPECIFIED_DIRECTION, SRB_FUNCTION_EXECUTE_SCSI, SRB_IO_CONTROL, SRB_STATUS_NO_DEVICE,
    SrbGetCdb, SrbGetDataBuffer, SrbGetSrbFlags, SrbGetSrbFunction, SrbSetOriginalRequest, SrbSetSrbStatus,
};
use crate::scsi::Opcode;
use kernel_sim::ddi::{
    IO_NO_INCREMENT, IO_STATUS_BLOCK, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_SCSI,
    IoCompleteRequest, IoGetCurrentIrpStackLocation, IoMarkIrpPending, MDL_MAPPED_TO_SYSTEM_VA,
    MDL_SOURCE_IS_NONPAGED_POOL, MmGetMdlVirtualAddress, NTSTATUS, PDEVICE_OBJECT, PIRP, PMDL, PVOID,
    STATUS_DEVICE_DOES_NOT_EXIST, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_PENDING, STATUS_SUCCESS, as_system,
};
use kernel_sim::frame::{Frame, Item};
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// What the device extension of a device object of the port driver holds.
#[repr(C)]
pub(super) struct DeviceExtension {
    /// Not null on the adapter's functional device object.
    pub adapter: *const AdapterState,
    /// Not null on a unit's device object.
    pub unit: *const Unit,
}

/// The dispatch routine of every miniport's device objects.
pub(super) unsafe extern "C-unwind" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let cpu = Processor::current();
    as_system(cpu, &STORPORT, || {
        // SAFETY: the I/O manager calls with a live device object of ours and a live IRP; the
        // extension was filled in when the device was created, and its adapter and unit are owned
        // until the machine has come to rest.
        unsafe {
            let extension = &*(*device).DeviceExtension.cast::<DeviceExtension>();
            let major = usize::from((*IoGetCurrentIrpStackLocation(irp)).MajorFunction);
            match (extension.unit.as_ref(), extension.adapter.as_ref(), major) {
                (Some(unit), _, IRP_MJ_SCSI) => execute(cpu, unit, irp),
                (Some(unit), _, IRP_MJ_DEVICE_CONTROL) => pass_through::device_control(unit, irp),
                (_, Some(adapter), IRP_MJ_DEVICE_CONTROL) if is_io_control(irp) => {
                    io_control(cpu, adapter, irp)
                }
                (_, Some(adapter), IRP_MJ_DEVICE_CONTROL) => service_request(cpu, adapter, irp),
                (_, _, IRP_MJ_CREATE | IRP_MJ_CLOSE) => complete_now(irp, STATUS_SUCCESS),
                _ => complete_now(irp, STATUS_INVALID_DEVICE_REQUEST),
            }
        }
    })
}

/// Completes an IRP that goes no further.
pub(super) unsafe fn complete_now(irp: PIRP, status: NTSTATUS) -> NTSTATUS {
    // SAFETY: the dispatch routine owns the IRP.
    unsafe {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    status
}

/// An SRB for a unit.
unsafe fn execute(cpu: &Processor, unit: &Unit, irp: PIRP) -> NTSTATUS {
    let adapter = unit.adapter();
    let _inside = adapter.enter(cpu);
    // SAFETY: the class driver's IRP and SRB are live until the IRP is completed.
    unsafe {
        let srb: PSCSI_REQUEST_BLOCK = (*IoGetCurrentIrpStackLocation(irp)).Parameters.Scsi.Srb.cast();
        if srb.is_null() {
            return complete_now(irp, STATUS_INVALID_PARAMETER);
        }
        if adapter.removing.load(Relaxed) || adapter.is_gone.load(Relaxed) || unit.is_gone.load(Relaxed) {
            SrbSetSrbStatus(srb.cast(), SRB_STATUS_NO_DEVICE);
            return complete_now(irp, STATUS_DEVICE_DOES_NOT_EXIST);
        }
        IoMarkIrpPending(irp);
        SrbSetOriginalRequest(srb.cast(), irp.cast());
        let mdl = (*irp).MdlAddress;
        let buffer = SrbGetDataBuffer(srb.cast());
        let request = Request {
            srb,
            irp,
            event: null_mut(),
            mdl,
            data: system_address(mdl, buffer),
            buffer,
            retries: 0,
        };
        adapter.submit(unit, &request);
    }
    STATUS_PENDING
}

/// The system address of a class driver's data buffer, which its MDL describes.
unsafe fn system_address(mdl: PMDL, buffer: PVOID) -> PVOID {
    if mdl.is_null() || buffer.is_null() {
        return buffer;
    }
    // SAFETY: the MDL of a live IRP.
    unsafe {
        if (*mdl).MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA) == 0 {
            return null_mut();
        }
        let offset = (buffer as usize).wrapping_sub(MmGetMdlVirtualAddress(mdl) as usize);
        (*mdl).MappedSystemVa.wrapping_byte_add(offset)
    }
}

unsafe fn is_io_control(irp: PIRP) -> bool {
    // SAFETY: the I/O manager's live IRP, a device control request.
    unsafe {
        (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl.IoControlCode == IOCTL_SCSI_MINIPORT
    }
}

/// A private request for the miniport, through the first unit or, without one, through a unit made for it.
/// The thread waits for the end of it, so it is at PASSIVE_LEVEL.
unsafe fn io_control(cpu: &Processor, adapter: &AdapterState, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager's live IRP; its buffer is as long as it says.
    unsafe {
        let parameters = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl;
        let buffer = (*irp).AssociatedIrp.SystemBuffer;
        let room = parameters.InputBufferLength.max(parameters.OutputBufferLength);
        if buffer.is_null() || (parameters.InputBufferLength as usize) < size_of::<SRB_IO_CONTROL>() {
            return complete_now(irp, STATUS_INVALID_PARAMETER);
        }
        let header = buffer.cast::<SRB_IO_CONTROL>().read_unaligned();
        let length = header.HeaderLength.checked_add(header.Length).filter(|length| *length <= room);
        let Some(length) = length.filter(|_| header.HeaderLength as usize == size_of::<SRB_IO_CONTROL>())
        else {
            return complete_now(irp, STATUS_INVALID_PARAMETER);
        };
        if adapter.removing.load(Relaxed) || adapter.is_gone.load(Relaxed) {
            return complete_now(irp, STATUS_DEVICE_DOES_NOT_EXIST);
        }
        let status = {
            let _inside = adapter.enter(cpu);
            adapter.send_io_control(buffer, length, header.Timeout)
        };
        let information = if status == STATUS_SUCCESS { length as usize } else { 0 };
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, information);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        status
    }
}

/// A device control request for the adapter: a service request, or nothing we know.
unsafe fn service_request(cpu: &Processor, adapter: &AdapterState, irp: PIRP) -> NTSTATUS {
    let _inside = adapter.enter(cpu);
    // SAFETY: the I/O manager's live IRP.
    unsafe {
        let code = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl.IoControlCode;
        let handler = adapter.registration.data.HwProcessServiceRequest;
        match handler.filter(|_| code == IOCTL_MINIPORT_PROCESS_SERVICE_IRP) {
            _ if adapter.removing.load(Relaxed) || adapter.is_gone.load(Relaxed) => {
                complete_now(irp, STATUS_DEVICE_DOES_NOT_EXIST)
            }
            None => complete_now(irp, STATUS_INVALID_DEVICE_REQUEST),
            Some(routine) => {
                IoMarkIrpPending(irp);
                let args = [Arg::Pointer(adapter.extension as usize), Arg::Pointer(irp as usize)];
                let frame =
                    Frame::new(&HW_STOR_PROCESS_SERVICE_REQUEST, &args).about(Item::Irp(irp as usize));
                adapter.call(frame, Irql::PASSIVE, || {
                    routine.go((adapter.extension, irp.cast()));
                });
                STATUS_PENDING
            }
        }
    }
}

impl AdapterState {
    fn send_io_control(&self, buffer: PVOID, length: u32, timeout_s: u32) -> NTSTATUS {
        let requests = OwnRequests::new(self);
        let send = |mut requests: OwnRequests<'_>| {
            self.through_some_unit(|unit| requests.io_control(unit, buffer, length, timeout_s))
        };
        requests.and_then(send).map_or(STATUS_INSUFFICIENT_RESOURCES, super::complete::nt_status)
    }

    /// Starts a request, or queues it while its unit cannot take another.
    #[inline]
    pub(super) fn submit(&self, unit: &Unit, request: &Request) {
        order::request_sent(Processor::current(), request.srb.cast());
        match unit.admit(request) {
            Admission::Starts(slot) => self.start(unit, slot, request),
            Admission::Waits => {}
            // SAFETY: the request has not been handed on, and its sender's IRP is live.
            Admission::Refused => unsafe {
                SrbSetSrbStatus(request.srb.cast(), SRB_STATUS_NO_DEVICE);
                super::complete::finish(request.srb.cast(), request, None);
            },
        }
    }

    /// Starts a request whatever holds others back. None may be out.
    pub(super) fn submit_past_gates(&self, unit: &Unit, request: &Request) {
        order::request_sent(Processor::current(), request.srb.cast());
        let slot = unit.admit_past_gates().expect("a unit with nothing out has a slot");
        self.start(unit, slot, request);
    }

    /// Starts every waiting request of a unit that may start.
    pub(super) fn kick(&self, unit: &Unit) {
        while let Some((slot, request)) = unit.next() {
            self.start(unit, slot, &request);
        }
    }
}

/// Whether an SRB reads or writes blocks: those are mapped only for miniports that ask for it.
///
/// # Safety
/// The SRB is live.
pub(super) unsafe fn moves_blocks(srb: PVOID) -> bool {
    // SAFETY: the caller has a live SRB; a SCSI request has a command block.
    unsafe {
        if SrbGetSrbFunction(srb) != u32::from(SRB_FUNCTION_EXECUTE_SCSI)
            || SrbGetSrbFlags(srb) & SRB_FLAGS_UNSPECIFIED_DIRECTION == 0
        {
            return false;
        }
        let cdb = SrbGetCdb(srb);
        !cdb.is_null()
            && matches!(
                Opcode(*cdb),
                Opcode::READ_6
                    | Opcode::READ_10
                    | Opcode::READ_12
                    | Opcode::READ_16
                    | Opcode::WRITE_6
                    | Opcode::WRITE_10
                    | Opcode::WRITE_12
                    | Opcode::WRITE_16
            )
    }
}

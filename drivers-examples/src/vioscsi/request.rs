//! HwStorBuildIo and HwStorStartIo: from an SRB to a chain in a ring.
//!
//! HwStorBuildIo runs under no lock and touches the request alone: it writes header and descriptors into the
//! SRB extension. HwStorStartIo chooses the ring, takes its lock, and puts the chain in. What needs no device
//! ends in HwStorBuildIo.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::chain::ChainBuilder;
use super::complete::complete;
use super::control::plug_and_play;
use super::ddi::*;
use super::extension::{AdapterExtension, SrbExtension, srb_extension, state};
use super::reset;
use super::ring_lock::{lock, notify, unlock};
use super::virtio::*;
use super::virtio_scsi::*;
use std::mem::offset_of;
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Srb: PVOID = Srb.cast();
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    let taken = match SrbGetSrbFunction(Srb) as UCHAR {
        SRB_FUNCTION_EXECUTE_SCSI => build_command(DeviceExtension, Extension, Srb),
        SRB_FUNCTION_RESET_LOGICAL_UNIT => reset::build(DeviceExtension, Srb, TMF_LOGICAL_UNIT_RESET),
        SRB_FUNCTION_RESET_DEVICE | SRB_FUNCTION_RESET_BUS => {
            reset::build(DeviceExtension, Srb, TMF_I_T_NEXUS_RESET)
        }
        // Nothing is cached here, and power is adapter control's business.
        SRB_FUNCTION_FLUSH | SRB_FUNCTION_SHUTDOWN | SRB_FUNCTION_POWER => Some(SRB_STATUS_SUCCESS),
        SRB_FUNCTION_PNP => Some(plug_and_play(DeviceExtension, Srb)),
        _ => Some(SRB_STATUS_INVALID_REQUEST),
    };
    match taken {
        Some(status) => {
            complete(DeviceExtension, Srb, status);
            FALSE
        }
        None => TRUE,
    }
}

/// Writes a command's descriptors. `Some`: it ends here, with that status.
unsafe fn build_command(
    DeviceExtension: PVOID,
    Extension: *const AdapterExtension,
    Srb: PVOID,
) -> Option<UCHAR> {
    // The SRB extension is ours until the request is complete.
    let (path, target, lun) = (SrbGetPathId(Srb), SrbGetTargetId(Srb), SrbGetLun(Srb));
    let (cdb, cdb_length) = (SrbGetCdb(Srb), usize::from(SrbGetCdbLength(Srb)));
    if path != 0 || u32::from(lun) > (*Extension).lun_max {
        return Some(SRB_STATUS_NO_DEVICE);
    }
    if cdb.is_null() || cdb_length == 0 || cdb_length > 16 {
        return Some(SRB_STATUS_INVALID_REQUEST);
    }
    let SrbExtension = srb_extension(Srb);
    let Some(mut chain) = ChainBuilder::new(DeviceExtension, SrbExtension) else {
        return Some(SRB_STATUS_INTERNAL_ERROR);
    };
    let mut command = CommandRequest {
        lun: lun_address(target, lun),
        // A number of the request's own while the device has it: where its extension is.
        tag: (*SrbExtension).physical,
        task_attribute: 0,
        priority: 0,
        crn: 0,
        cdb: [0; CDB_SIZE],
    };
    cdb.copy_to_nonoverlapping((&raw mut command.cdb).cast(), cdb_length);
    (&raw mut (*SrbExtension).command).write_unaligned(command);
    (*SrbExtension).response.response = u8::MAX;
    let is_write = SrbGetSrbFlags(Srb) & SRB_FLAGS_DATA_OUT != 0;
    let list = StorPortGetScatterGatherList(DeviceExtension, Srb.cast());
    let elements = match list.is_null() {
        true => &[][..],
        false => std::slice::from_raw_parts(
            (&raw const (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>(),
            (*list).NumberOfElements as usize,
        ),
    };
    if elements.len() > (*Extension).sg_max as usize {
        return Some(SRB_STATUS_INVALID_REQUEST);
    }
    chain.own(offset_of!(SrbExtension, command), size_of::<CommandRequest>(), 0);
    if is_write {
        chain.data(elements, 0);
    }
    chain.own(offset_of!(SrbExtension, response), size_of::<CommandResponse>(), DESC_WRITE);
    if !is_write {
        chain.data(elements, DESC_WRITE);
    }
    chain.end();
    None
}

pub unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    let ring = match SrbGetSrbFunction(Srb.cast()) as UCHAR {
        SRB_FUNCTION_EXECUTE_SCSI => ring_for(DeviceExtension, Extension, Srb),
        _ => CONTROL_RING,
    };
    send(DeviceExtension, Extension, ring, Srb.cast());
    TRUE
}

/// The ring of the message that a request should come back with.
pub unsafe fn ring_for(
    DeviceExtension: PVOID,
    Extension: *const AdapterExtension,
    Srb: PSCSI_REQUEST_BLOCK,
) -> usize {
    if (*Extension).has_channels == 0 {
        return FIRST_REQUEST_RING;
    }
    let mut parameters: STARTIO_PERFORMANCE_PARAMETERS = std::mem::zeroed();
    parameters.Version = 1;
    parameters.Size = size_of::<STARTIO_PERFORMANCE_PARAMETERS>() as ULONG;
    let status = StorPortGetStartIoPerfParams(DeviceExtension, Srb, &raw mut parameters);
    let ring = parameters.MessageNumber.wrapping_sub(1);
    let is_good =
        status == STOR_STATUS_SUCCESS && (FIRST_REQUEST_RING as u32..(*Extension).rings).contains(&ring);
    if is_good { ring as usize } else { FIRST_REQUEST_RING }
}

/// Puts a built request into a ring, or completes it if that cannot be.
pub unsafe fn send(DeviceExtension: PVOID, Extension: *mut AdapterExtension, n: usize, Srb: PVOID) {
    // The SRB extension was filled in by HwStorBuildIo.
    let SrbExtension = srb_extension(Srb);
    let table =
        std::slice::from_raw_parts((&raw const (*SrbExtension).table).cast(), (*SrbExtension).count as usize);
    let is_indirect = (*Extension).features & F_RING_INDIRECT_DESC != 0;
    let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
    lock(DeviceExtension, Extension, n, &mut handle);
    let is_running = (*Extension).state.load(SeqCst) == state::RUNNING;
    let ring = &mut (*Extension).ring[n];
    let is_in = is_running && ring.add(table, is_indirect.then_some((*SrbExtension).physical), Srb);
    let is_wanted = is_in && ring.needs_notification();
    unlock(DeviceExtension, &mut handle);
    if is_wanted {
        notify(DeviceExtension, Extension, n);
    }
    if !is_running {
        complete(DeviceExtension, Srb, SRB_STATUS_NO_HBA);
    } else if !is_in {
        // Some have to come back first.
        StorPortBusy(DeviceExtension, u32::from((*Extension).ring[n].size) / 4);
        complete(DeviceExtension, Srb, SRB_STATUS_BUSY);
    }
}

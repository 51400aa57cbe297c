//! SRBs sent to a unit as they are, without a class driver.

use crate::rig::*;
use std::ptr::null_mut;
use storport_sim::ddi::*;

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Without the flags.
    pub status: UCHAR,
    /// Key, code and qualifier, if there is sense data.
    pub sense: Option<(u8, u8, u8)>,
    /// The block that sense data is about.
    pub block: Option<u32>,
    pub data: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn good(self) -> Vec<u8> {
        let is_good = matches!(self.status, SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN);
        assert!(is_good, "status {:#x}, sense {:x?}", self.status, self.sense);
        self.data
    }
}

/// What a command moves.
pub enum Data<'a> {
    None,
    In(usize),
    Out(&'a [u8]),
}

#[repr(C)]
struct Block {
    srb: SCSI_REQUEST_BLOCK,
    event: KEVENT,
    sense: [u8; 32],
}

/// Where data lies in the block of a request.
const DATA: usize = 512;

impl Bench {
    /// The device object of a disk's unit: the one of the miniport's that the disk is attached to.
    fn unit(&self, disk: usize) -> PDEVICE_OBJECT {
        // SAFETY: the driver is loaded and nobody adds devices meanwhile.
        unsafe {
            let mut device = (*self.driver).DeviceObject;
            while !device.is_null() && (*device).AttachedDevice as usize != self.disk(disk) {
                device = (*device).NextDevice;
            }
            assert!(!device.is_null(), "the disk is attached to a unit");
            device
        }
    }

    /// Sends a command block to the unit of the first disk and waits for what comes of it.
    pub fn send(&self, cdb: &[u8], data: Data<'_>) -> Answer {
        let (length, flags) = match &data {
            Data::None => (0, SRB_FLAGS_NO_DATA_TRANSFER),
            Data::In(bytes) => (*bytes, SRB_FLAGS_DATA_IN),
            Data::Out(bytes) => (bytes.len(), SRB_FLAGS_DATA_OUT),
        };
        let block: *mut Block = machine().allocate_system(DATA + length).cast();
        // SAFETY: a fresh zeroed block with room behind it; everything in it outlives the wait.
        let answer = unsafe {
            let to = block.cast::<u8>().add(DATA);
            if let Data::Out(bytes) = data {
                to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            }
            let srb = &raw mut (*block).srb;
            (*srb).Length = size_of::<SCSI_REQUEST_BLOCK>() as u16;
            (*srb).SrbFlags = flags | SRB_FLAGS_NO_QUEUE_FREEZE;
            (*srb).TimeOutValue = 10;
            (*srb).DataTransferLength = length as u32;
            (*srb).DataBuffer = if length == 0 { null_mut() } else { to.cast() };
            (*srb).SenseInfoBuffer = (&raw mut (*block).sense).cast();
            (*srb).SenseInfoBufferLength = 32;
            (*srb).CdbLength = cdb.len() as u8;
            (&raw mut (*srb).Cdb).cast::<u8>().copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
            self.send_srb(block);
            let moved = (*srb).DataTransferLength as usize;
            let is_valid = (*srb).SrbStatus & SRB_STATUS_AUTOSENSE_VALID != 0;
            let sense = (*block).sense;
            let block_field = u32::from_be_bytes([sense[3], sense[4], sense[5], sense[6]]);
            Answer {
                status: SRB_STATUS((*srb).SrbStatus),
                sense: is_valid.then_some((sense[2] & 0xF, sense[12], sense[13])),
                block: (is_valid && sense[0] & 0x80 != 0).then_some(block_field),
                data: std::slice::from_raw_parts(to, moved.min(length)).to_vec(),
            }
        };
        machine().free_system(block.cast());
        answer
    }

    /// Resets the unit of the first disk, whatever it is doing, and waits for that.
    pub fn reset_unit(&self) {
        let block: *mut Block = machine().allocate_system(DATA).cast();
        // SAFETY: a fresh zeroed block; everything in it outlives the wait.
        unsafe {
            let srb = &raw mut (*block).srb;
            (*srb).Length = size_of::<SCSI_REQUEST_BLOCK>() as u16;
            (*srb).Function = SRB_FUNCTION_RESET_LOGICAL_UNIT;
            (*srb).SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE;
            (*srb).TimeOutValue = 10;
            self.send_srb(block);
            assert_eq!((*srb).SrbStatus, SRB_STATUS_SUCCESS);
        }
        machine().free_system(block.cast());
    }

    unsafe fn send_srb(&self, block: *mut Block) {
        let unit = self.unit(0);
        // SAFETY: our own block and IRP, which outlive the wait; a live device.
        unsafe {
            let event = &raw mut (*block).event;
            KeInitializeEvent(event, NotificationEvent, FALSE);
            let irp = IoAllocateIrp((*unit).StackSize, FALSE);
            let next = &mut *IoGetNextIrpStackLocation(irp);
            next.MajorFunction = IRP_MJ_SCSI as u8;
            next.Parameters.Scsi.Srb = (&raw mut (*block).srb).cast();
            IoSetCompletionRoutine(irp, Some(answered), event.cast(), true, true, true);
            IoCallDriver(unit, irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            IoFreeIrp(irp);
        }
    }
}

unsafe extern "C-unwind" fn answered(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the event that the sender waits for.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}

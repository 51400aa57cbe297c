//! Requests on their way to the device: HwStorBuildIo, HwStorStartIo, the queue, the slots.
//!
//! HwStorBuildIo does what needs no lock (addresses, the PRD table) and what takes long (plug and play). From
//! HwStorStartIo on an SRB is in its channel's queue: requests are translated and given a slot in the order
//! they came, under the interrupt lock, while the class of the first allows it: queued commands go together,
//! so do those that are not queued, and never both, and an exclusive one waits until the device has nothing
//! and keeps it to itself. storahci keeps a queue for each class and takes turns; one queue in order of
//! arrival starves no request and is what this driver has.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ata::*;
use super::channel::*;
use super::ddi::*;
use super::device::DeviceKind;
use super::registers::*;
use super::translate::{self, Translation};
use std::ptr::null_mut;

/// Completes an SRB that has not been queued.
unsafe fn complete_now(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, status: UCHAR) -> BOOLEAN {
    SrbSetSrbStatus(Srb.cast(), status);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    FALSE
}

/// `HwStorBuildIo`: addresses and the PRD table, under no lock.
pub unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let any: PVOID = Srb.cast();
    let function = SrbGetSrbFunction(any) as UCHAR;
    if function == SRB_FUNCTION_PNP {
        super::control::plug_and_play(DeviceExtension, Srb);
        return FALSE;
    }
    let Extension = DeviceExtension.cast::<Adapter>();
    let path = u32::from(SrbGetPathId(any));
    let is_there = path < (*Extension).channel_count && (*Extension).implemented & 1 << path != 0;
    if !is_there || SrbGetTargetId(any) != 0 || SrbGetLun(any) != 0 {
        return complete_now(DeviceExtension, Srb, SRB_STATUS_NO_DEVICE);
    }
    let r = request(Srb);
    (*r).next = null_mut();
    (*r).is_translated = false;
    (*r).class = Class::Normal;
    (*r).prds = 0;
    (*r).sequence = 0;
    match function {
        SRB_FUNCTION_EXECUTE_SCSI | SRB_FUNCTION_FLUSH | SRB_FUNCTION_SHUTDOWN => {
            if build_table(DeviceExtension, Srb, r) {
                return TRUE;
            }
            complete_now(DeviceExtension, Srb, SRB_STATUS_INVALID_REQUEST)
        }
        SRB_FUNCTION_RESET_LOGICAL_UNIT | SRB_FUNCTION_RESET_DEVICE | SRB_FUNCTION_RESET_BUS => TRUE,
        SRB_FUNCTION_POWER => complete_now(DeviceExtension, Srb, SRB_STATUS_SUCCESS),
        _ => complete_now(DeviceExtension, Srb, SRB_STATUS_INVALID_REQUEST),
    }
}

/// Places the command table in the SRB extension and describes the data in it. `false`: the data lies at an
/// odd address, or an odd number of bytes is to be written.
unsafe fn build_table(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, r: *mut Request) -> bool {
    let mut length = 0;
    let room = (&raw mut (*r).room).cast::<u8>();
    let physical = StorPortGetPhysicalAddress(DeviceExtension, null_mut(), room.cast(), &raw mut length)
        .QuadPart() as u64;
    let skip = physical.next_multiple_of(TABLE_ALIGNMENT as u64) - physical;
    (*r).table = room.wrapping_add(skip as usize).cast();
    (*r).table_physical = physical + skip;
    let list = StorPortGetScatterGatherList(DeviceExtension, Srb);
    if list.is_null() {
        return true;
    }
    let count = (*list).NumberOfElements as usize;
    if count > PRDS_MAX {
        return false;
    }
    let elements = (&raw const (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>();
    let is_write = SrbGetSrbFlags(Srb.cast()) & SRB_FLAGS_DATA_OUT != 0;
    for n in 0..count {
        let element = &*elements.add(n);
        let address = element.PhysicalAddress.QuadPart() as u64;
        let is_even = element.Length.is_multiple_of(2);
        if !address.is_multiple_of(2) || !is_even && (is_write || n + 1 != count) {
            return false;
        }
        let count = element.Length.next_multiple_of(2) - 1;
        (*(*r).table).prds[n] = Prd { address, reserved: 0, count };
    }
    (*r).prds = count as u32;
    true
}

pub unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let any: PVOID = Srb.cast();
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    let channel = channel(DeviceExtension, u32::from(SrbGetPathId(any)));
    match SrbGetSrbFunction(any) as UCHAR {
        _ if channel.adapter_is_gone() || channel.phase == Phase::Absent => {
            channel.complete(Srb, SRB_STATUS_NO_DEVICE);
        }
        SRB_FUNCTION_RESET_LOGICAL_UNIT | SRB_FUNCTION_RESET_DEVICE | SRB_FUNCTION_RESET_BUS => {
            channel.reset_for_storport(Srb);
        }
        _ => {
            channel.waiting.push(Srb);
            channel.run_queue();
        }
    }
    channel.ask_for_dpc();
    drop(lock);
    TRUE
}

impl Channel {
    /// Gives the device as many requests as it takes now.
    pub unsafe fn run_queue(&mut self) {
        while self.phase == Phase::Running {
            let Srb = self.waiting.first();
            if Srb.is_null() {
                return;
            }
            if !(*request(Srb)).is_translated {
                if let Translation::Done(status) = translate::translate(&self.device, Srb) {
                    self.waiting.pop();
                    self.complete(Srb, status);
                    continue;
                }
                (*request(Srb)).is_translated = true;
            }
            let Some(slot) = self.slot_for((*request(Srb)).class) else { return };
            self.waiting.pop();
            self.issue(slot, Srb);
        }
    }

    /// A free slot for a request of this class; `None` while it has to wait.
    unsafe fn slot_for(&self, class: Class) -> Option<u32> {
        let may_go = match class {
            Class::Queued => self.issued == self.queued,
            Class::Normal => self.queued == 0 && !self.is_exclusive,
            Class::Exclusive => self.issued == 0,
        };
        let slots = match class {
            Class::Queued => self.device.queue_depth.min(SLOTS),
            _ => SLOTS,
        };
        let slots = slots.min((*self.DeviceExtension.cast::<Adapter>()).slot_count);
        (OWN_SLOT + 1..slots).find(|slot| may_go && self.issued & 1 << slot == 0)
    }

    unsafe fn issue(&mut self, slot: u32, Srb: PSCSI_REQUEST_BLOCK) {
        let r = request(Srb);
        let bit = 1 << slot;
        (*r).sequence = self.next_sequence;
        self.next_sequence += 1;
        let is_queued = (*r).class == Class::Queued;
        if is_queued {
            // The tag, in bits 7:3 of the count.
            (*(*r).table).frame[12] = (slot << 3) as u8;
        }
        (*self.memory).list[slot as usize] = CommandHeader {
            flags: HEADER_FRAME_LENGTH | (*r).header,
            bytes_moved: 0,
            table: (*r).table_physical,
            reserved: [0; 4],
        };
        self.slots[slot as usize] = Srb;
        self.issued |= bit;
        self.is_exclusive |= (*r).class == Class::Exclusive;
        if is_queued {
            self.queued |= bit;
            self.write(PXSACT, bit);
        }
        self.write(PXCI, bit);
    }

    /// Takes what the device is through with from the slots.
    pub unsafe fn take_completions(&mut self) {
        let outstanding = self.read(PXCI) | self.read(PXSACT);
        let done = self.issued & !outstanding;
        for slot in (0..SLOTS).filter(|slot| done & 1 << slot != 0) {
            let Srb = std::mem::replace(&mut self.slots[slot as usize], null_mut());
            self.issued &= !(1 << slot);
            self.queued &= !(1 << slot);
            let status = self.status_of(slot, Srb);
            self.complete(Srb, status);
        }
        if self.issued == 0 {
            self.is_exclusive = false;
        }
        if self.is_own_out && outstanding & 1 << OWN_SLOT == 0 {
            self.own_done();
        }
    }

    /// Keeps a setting of the identify data that MODE SELECT, as SET FEATURES, has changed.
    fn note_setting(&mut self, frame: [u8; 64]) {
        match (frame[2], frame[3]) {
            (SET_FEATURES, ENABLE_WRITE_CACHE) => self.device.has_write_cache = true,
            (SET_FEATURES, DISABLE_WRITE_CACHE) => self.device.has_write_cache = false,
            _ => {}
        }
    }

    /// The status of a request that succeeded. Bytes are counted for commands that are not queued only.
    unsafe fn status_of(&mut self, slot: u32, Srb: PSCSI_REQUEST_BLOCK) -> UCHAR {
        let r = request(Srb);
        if (*r).class == Class::Exclusive {
            self.note_setting((*(*r).table).frame);
        }
        if (*r).class == Class::Queued || (*r).bytes == 0 {
            return SRB_STATUS_SUCCESS;
        }
        let moved = (&raw const (*self.memory).list[slot as usize].bytes_moved).read_volatile();
        if moved >= (*r).bytes {
            return SRB_STATUS_SUCCESS;
        }
        SrbSetDataTransferLength(Srb.cast(), moved);
        if self.device.kind == DeviceKind::Disk && moved == 0 {
            return SRB_STATUS_ERROR;
        }
        SRB_STATUS_DATA_OVERRUN
    }
}

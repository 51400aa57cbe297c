//! Loans: on a guarded machine a miniport works on a copy of each request, with pages of its own.
//!
//! SRB, SRB extension, sense buffer, MDL and data are copied when the request is handed out, and copied back
//! and closed when it is given back, so a miniport that touches one of them later is told of at once. On
//! other machines a miniport has the class driver's own memory, and nothing here does anything. A part for
//! which there is no room is not copied. Invariant: outside of a loan a slot names the sender's memory only.

#![expect(unsafe_code, reason = "copies requests in the machine's memory")]

use super::adapter::AdapterState;
use super::machine;
use super::unit::{Request, Unit};
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, SCSI_REQUEST_BLOCK, SRB_FLAGS_DATA_IN, SRB_FLAGS_DATA_OUT,
    SRB_FUNCTION_STORAGE_REQUEST_BLOCK, STORAGE_REQUEST_BLOCK, SrbGetDataTransferLength,
    SrbGetSenseInfoBuffer, SrbGetSenseInfoBufferLength, SrbGetSrbFlags, SrbSetSenseInfoBuffer,
};
use kernel_sim::bugcheck::DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION;
use kernel_sim::ddi::{Call, MDL, PMDL, PVOID, ULONG};
use kernel_sim::report_address;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// Bytes of an SRB at most; what says that it is longer is not copied.
const SRB_BYTES_MAX: usize = 1024;
/// What an SRB and the rest of a request are aligned to at least.
const ALIGNMENT: usize = 16;
const PAGE: usize = 4096;

/// A part of a request that is lent as a copy. Null if it is not.
#[derive(Clone, Copy)]
struct Part {
    copy: PVOID,
    original: PVOID,
    bytes: usize,
}

/// A request that is lent.
pub(super) struct Loan {
    original: Request,
    srb: Part,
    sense: Part,
    data: Part,
    mdl: Part,
    extension: Part,
    /// The data go to the device only.
    is_write: bool,
}

// SAFETY: pointers to memory of the machine, which belong to the holder of the request.
unsafe impl Send for Loan {}

impl Part {
    /// A copy of `bytes` bytes; `name` says what of a request they are.
    ///
    /// # Safety
    /// The original is null, or has as many bytes.
    unsafe fn lend(name: &'static str, original: PVOID, bytes: usize, alignment: usize) -> Part {
        let copy = if original.is_null() { null_mut() } else { machine().lend(name, bytes, alignment) };
        if !copy.is_null() {
            // SAFETY: the caller's original, and a fresh block of that size.
            unsafe { copy.cast::<u8>().copy_from_nonoverlapping(original.cast(), bytes) };
        }
        Part { copy, original, bytes }
    }

    /// What the miniport is given.
    fn given(&self) -> PVOID {
        if self.copy.is_null() { self.original } else { self.copy }
    }

    /// Copies what the miniport left there back.
    ///
    /// # Safety
    /// Both are still there.
    unsafe fn copy_back(&self) {
        if !self.copy.is_null() {
            // SAFETY: the caller's promise; they are different blocks.
            unsafe { self.original.cast::<u8>().copy_from_nonoverlapping(self.copy.cast(), self.bytes) };
        }
    }

    /// Takes the copy back; stops the machine if the miniport wrote beside it.
    fn end(&self, call: &Call) {
        if self.copy.is_null() {
            return;
        }
        let Some(side) = machine().take_back(call, self.copy) else { return };
        let shown = machine().machine_address(self.copy as usize);
        let what = format!(
            "memory of {} bytes that was lent with a request, {}, was written {side}",
            self.bytes,
            report_address(shown)
        );
        call.bug_check(DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, [shown, 1, 0, 0], what);
    }
}

impl AdapterState {
    /// The copy of a request that the miniport is to be given in that slot, if it is to be a copy.
    #[inline]
    pub(super) fn lend(&self, unit: &Unit, slot: u16, request: &Request) -> Option<Request> {
        machine().is_guarded().then(|| self.lend_copy(unit, slot, request)).flatten()
    }

    #[cold]
    fn lend_copy(&self, unit: &Unit, slot: u16, request: &Request) -> Option<Request> {
        let alignment = self.config().AlignmentMask as usize + 1;
        // SAFETY: the SRB is the sender's, lent to us with all that it names until its request completes.
        unsafe {
            let bytes = srb_bytes(request.srb);
            if bytes > SRB_BYTES_MAX {
                return None;
            }
            let srb = Part::lend("the SRB", request.srb.cast(), bytes, ALIGNMENT);
            let given: PVOID = srb.given();
            let sense = SrbGetSenseInfoBuffer(given);
            let sense_bytes = usize::from(SrbGetSenseInfoBufferLength(given));
            let sense = Part::lend("the sense buffer", sense, sense_bytes, ALIGNMENT);
            SrbSetSenseInfoBuffer(given, sense.given());
            let length = SrbGetDataTransferLength(given) as usize;
            let data = Part::lend("the data", request.data, length, alignment.max(ALIGNMENT));
            let has_data = !data.copy.is_null();
            let mdl = if has_data { request.mdl } else { null_mut() };
            let mdl = Part::lend("the MDL", mdl.cast(), size_of::<MDL>(), ALIGNMENT);
            if !mdl.copy.is_null() {
                describe(mdl.copy.cast(), data.copy, length);
            }
            let extension = unit.own_srb_extension(slot);
            let extension = Part::lend("the SRB extension", extension, unit.srb_extension_bytes(), ALIGNMENT);
            let lent = Request {
                srb: given.cast(),
                mdl: if mdl.copy.is_null() { request.mdl } else { mdl.copy.cast() },
                data: data.given(),
                ..*request
            };
            let direction = SrbGetSrbFlags(given) & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
            let is_write = direction == SRB_FLAGS_DATA_OUT;
            let record = &unit.slots[usize::from(slot)];
            record.lent_extension.store(extension.copy, Relaxed);
            let loan = Loan { original: *request, srb, sense, data, mdl, extension, is_write };
            *record.loan.lock() = Some(loan);
            Some(lent)
        }
    }

    /// The miniport has given the request of a slot back in this call: ends the loan, if it was one.
    #[inline]
    pub(super) fn end_loan(&self, call: &Call, unit: &Unit, slot: u16) {
        if machine().is_guarded() {
            end(call, unit, slot);
        }
    }
}

#[cold]
fn end(call: &Call, unit: &Unit, slot: u16) {
    let record = &unit.slots[usize::from(slot)];
    let Some(loan) = record.loan.lock().take() else { return };
    // SAFETY: the request is ours again, so both its copy and the sender's original are there.
    unsafe {
        loan.srb.copy_back();
        loan.sense.copy_back();
        if !loan.is_write {
            loan.data.copy_back();
        }
        SrbSetSenseInfoBuffer(loan.original.srb.cast(), loan.sense.original);
    }
    record.restore(&loan.original);
    record.lent_extension.store(null_mut(), Relaxed);
    for part in [loan.srb, loan.sense, loan.data, loan.mdl, loan.extension] {
        part.end(call);
    }
}

/// The length of an SRB, as it says itself.
///
/// # Safety
/// It is live.
unsafe fn srb_bytes(srb: PSCSI_REQUEST_BLOCK) -> usize {
    // SAFETY: the caller's live SRB; its kind is looked at first.
    unsafe {
        if (*srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
            (*srb.cast::<STORAGE_REQUEST_BLOCK>()).SrbLength as usize
        } else {
            size_of::<SCSI_REQUEST_BLOCK>()
        }
    }
}

/// Has an MDL describe other memory.
///
/// # Safety
/// It is ours.
unsafe fn describe(mdl: PMDL, data: PVOID, bytes: usize) {
    // SAFETY: the caller's MDL.
    unsafe {
        (*mdl).Next = null_mut();
        (*mdl).StartVa = (data as usize & !(PAGE - 1)) as PVOID;
        (*mdl).ByteOffset = (data as usize & (PAGE - 1)) as ULONG;
        (*mdl).ByteCount = bytes as ULONG;
        (*mdl).MappedSystemVa = data;
    }
}

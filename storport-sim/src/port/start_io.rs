//! Calls into the miniport that carry a request, and the locks Storport holds around them.
//!
//! HwStorBuildIo runs at DISPATCH_LEVEL under no lock. HwStorStartIo of an adapter with hardware runs under
//! the StartIo lock; in half duplex also at DIRQL with the interrupt kept out; with concurrent channels under
//! the lock of one channel instead, so that as many calls run at once as there are channels. That of a
//! virtual adapter runs under nothing. The pages give HwStorTimer, HwStorResetBus and HwStorStateChange
//! DISPATCH_LEVEL in every mode, the lock table gives them the interrupt lock in half duplex, which means
//! DIRQL: the table is followed. None of these locks counts as the driver's.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::{AdapterState, CHANNELS_MAX};
use super::hands::Visit;
use super::order;
use super::own_cx;
use super::unit::{Request, Unit};
use crate::callbacks::system_lock;
use crate::callbacks::{HW_STOR_BUILD_IO, HW_STOR_START_IO};
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, SRB_FUNCTION_IO_CONTROL, SRB_FUNCTION_PNP, SRB_FUNCTION_POWER,
    SRB_STATUS_INVALID_REQUEST, SRB_STATUS_PENDING, SrbGetDataTransferLength, SrbGetSrbFunction,
    SrbGetTimeOutValue, SrbSetDataBuffer, SrbSetMiniportContext, SrbSetRequestTag, SrbSetScsiStatus,
    SrbSetSrbStatus, set_address, set_port_hint,
};
use kernel_sim::ddi::{FALSE, PKSPIN_LOCK, PVOID};
use kernel_sim::frame::{Frame, Item};
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::routine::{Arg, IntoArg};
use kernel_sim::unhooked;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

impl AdapterState {
    /// Gives an SRB to the miniport: HwStorBuildIo, HwStorStartIo.
    pub(super) fn start(&self, unit: &Unit, slot: u16, request: &Request) {
        let sent_srb: PVOID = request.srb.cast();
        let lent = self.lend(unit, slot, request);
        let request = lent.as_ref().unwrap_or(request);
        let srb: PVOID = request.srb.cast();
        let cpu = Processor::current();
        // SAFETY: the SRB is the class driver's, lent to us until its request completes; the slot is
        // ours, and the miniport does not know of the SRB yet.
        let timeout_s = unsafe {
            SrbSetSrbStatus(srb, SRB_STATUS_PENDING);
            set_address(srb, unit.address.path, unit.address.target, unit.address.lun);
            // A classic SRB for plug and play or power has its action where others have tag and status.
            if !matches!(SrbGetSrbFunction(srb) as u8, SRB_FUNCTION_PNP | SRB_FUNCTION_POWER) {
                SrbSetScsiStatus(srb, 0);
                SrbSetRequestTag(srb, u32::from(slot));
            }
            SrbSetMiniportContext(srb, unit.srb_extension(slot));
            set_port_hint(srb, u32::from(unit.index) << 16 | u32::from(slot));
            let is_private = SrbGetSrbFunction(srb) == u32::from(SRB_FUNCTION_IO_CONTROL);
            let is_mapped = is_private || self.maps(super::dispatch::moves_blocks(srb));
            SrbSetDataBuffer(srb, if is_mapped { request.data } else { null_mut() });
            SrbGetTimeOutValue(srb)
        };
        let record = &unit.slots[usize::from(slot)];
        // SAFETY: as above.
        record.length.store(unsafe { SrbGetDataTransferLength(srb) }, Relaxed);
        record.hand_out(request, self.due_tick(timeout_s), cpu.index());
        if !self.open_dma(unit, slot, request) {
            if record.take_back() {
                self.end_loan(&own_cx(), unit, slot);
                // SAFETY: ours again, and the miniport never knew.
                unsafe { SrbSetSrbStatus(sent_srb, SRB_STATUS_INVALID_REQUEST) };
                self.note_done(&own_cx(), unit, slot);
            }
            return;
        }
        let has_build_io = self.registration.data.HwBuildIo.is_some();
        let first = if has_build_io { &HW_STOR_BUILD_IO } else { &HW_STOR_START_IO };
        order::request_goes_on(cpu, record, sent_srb);
        let visit = Visit::new(record, cpu, first);
        if let Some(routine) = self.registration.data.HwBuildIo {
            let args = [Arg::Pointer(self.extension as usize), Arg::Pointer(srb as usize)];
            let frame = Frame::new(&HW_STOR_BUILD_IO, &args).about(Item::Srb(srb as usize));
            let goes_on = self.call(frame, Irql::DISPATCH, || {
                // SAFETY: the miniport registered the routine for this call, and its extension lives as long
                // as the adapter.
                let answer = unsafe { routine.go((self.extension, request.srb)) };
                visit.returns(cpu);
                answer
            });
            if goes_on == FALSE {
                // The miniport completes it, now or later.
                visit.ends();
                return;
            }
            visit.goes_on(cpu, &HW_STOR_START_IO);
        }
        self.start_io(cpu, request.srb, &visit);
        visit.ends();
    }

    fn start_io(&self, cpu: &Processor, srb: PSCSI_REQUEST_BLOCK, visit: &Visit<'_>) {
        let Some(routine) = self.registration.data.HwStartIo else { return };
        let body = || {
            // SAFETY: the miniport registered the routine for this call, and its extension lives as long as
            // the adapter. What it returns is not documented to mean anything.
            let answer = unsafe { routine.go((self.extension, srb)) };
            visit.returns(cpu);
            answer
        };
        let args = [Arg::Pointer(self.extension as usize), Arg::Pointer(srb as usize)];
        let frame = Frame::new(&HW_STOR_START_IO, &args).about(Item::Srb(srb as usize));
        if self.hardware.is_none() {
            self.call(frame, Irql::DISPATCH, body);
        } else if self.perf.channels() > 1 && !self.is_half_duplex() {
            self.call_in_channel(self.perf.channel_of(cpu), frame, body);
        } else {
            self.call_under_start_io_lock(frame, body);
        }
    }

    fn channel_lock(&self, channel: u32) -> PKSPIN_LOCK {
        let n = channel as usize % CHANNELS_MAX;
        // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
        unsafe { (&raw mut (*self.objects).channel_locks).cast::<usize>().add(n) }
    }

    fn call_in_channel<R: IntoArg>(&self, channel: u32, frame: Frame<'_>, body: impl FnOnce() -> R) -> R {
        let call = own_cx();
        let before = unhooked::raise_irql(call.cpu, Irql::DISPATCH);
        let lock = self.channel_lock(channel);
        unhooked::acquire(&call, lock);
        let answer = self.call(frame.under(&[system_lock::CHANNEL]), Irql::DISPATCH, body);
        unhooked::release(&call, lock);
        unhooked::restore_irql(call.cpu, before);
        answer
    }

    /// Runs a callback under the StartIo lock; in half duplex with the interrupt kept out too.
    pub(super) fn call_under_start_io_lock<R: IntoArg>(
        &self,
        frame: Frame<'_>,
        body: impl FnOnce() -> R,
    ) -> R {
        let call = own_cx();
        let before = unhooked::raise_irql(call.cpu, Irql::DISPATCH);
        let lock = &raw mut self.objects_mut().start_io_lock;
        unhooked::acquire(&call, lock);
        let answer = if self.is_half_duplex() {
            let frame = frame.under(&[system_lock::START_IO, system_lock::INTERRUPT]);
            self.with_interrupts_out(&call, || self.call(frame, self.interrupt_irql(), body))
        } else {
            self.call(frame.under(&[system_lock::START_IO]), Irql::DISPATCH, body)
        };
        unhooked::release(&call, lock);
        unhooked::restore_irql(call.cpu, before);
        answer
    }

    /// As [`AdapterState::call_under_start_io_lock`], with every channel kept out as well: HwStorResetBus.
    pub(super) fn call_with_start_io_out<R: IntoArg>(&self, frame: Frame<'_>, body: impl FnOnce() -> R) -> R {
        let channels =
            if self.perf.channels() > 1 { self.perf.channels().min(CHANNELS_MAX as u32) } else { 0 };
        let call = own_cx();
        let before = unhooked::raise_irql(call.cpu, Irql::DISPATCH);
        (0..channels).for_each(|n| unhooked::acquire(&call, self.channel_lock(n)));
        let answer = self.call_under_start_io_lock(frame, body);
        (0..channels).rev().for_each(|n| unhooked::release(&call, self.channel_lock(n)));
        unhooked::restore_irql(call.cpu, before);
        answer
    }
}

//! From a port to a device that takes requests, and back to its beginning: start, reset, unplugging.
//!
//! A state machine of its own for each channel, as in storahci: it is entered by a reset, moved on by a timer
//! every 10 ms (registers that are ready sooner are looked at at once) and by the completion of the driver's
//! own commands:
//!
//! ```text
//! Stopping -> Resetting -> WaitLink -> WaitReady -> Identify -> Running
//!                             |            |           |
//!                             +-> Absent <-+-----------+ (after many attempts)
//! ```
//!
//! The order of steps is that of AHCI 1.3.1, 10.4.2 (port reset) and 10.1.2 (start). Requests that the device
//! had are completed when the port has stopped, never before: until then the device may still move their
//! data.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::channel::*;
use super::ddi::*;
use super::device::{Device, DeviceKind};
use super::own_command::{OWN_TICKS, Own};
use super::registers::*;
use std::ptr::null_mut;

/// Microseconds between two ticks.
const TICK_US: u64 = 10_000;
/// Ticks for PxCMD.CR to clear (500 ms), for a device to be noticed, for the link, for the first frame.
const STOP_TICKS: u32 = 50;
const NOTICE_TICKS: u32 = 10;
const LINK_TICKS: u32 = 100;
const READY_TICKS: u32 = 1000;
/// Starts until a device is given up: one whose commands fail now and then still says what it is.
const ATTEMPTS_MAX: u32 = 32;
/// How often PxCMD.CR is looked at, and how long is waited in between, where the adapter stops for good.
const STOP_LOOKS: u32 = 500;
const STOP_LOOK_US: ULONG = 2;

impl Channel {
    /// Begins the start of a channel that has been stopped.
    pub unsafe fn begin_start(&mut self) {
        self.attempts = 0;
        self.begin_reset(SRB_STATUS_BUS_RESET);
    }

    /// Stops the port, completes what the device had with `reset_status`, resets the device and starts over.
    pub unsafe fn begin_reset(&mut self, reset_status: UCHAR) {
        self.reset_status = reset_status;
        self.is_own_out = false;
        self.stop_engine();
        self.enter(Phase::Stopping, STOP_TICKS);
        self.go_on();
    }

    /// A reset that Storport asked for: requests that wait are completed too.
    pub unsafe fn reset_for_storport(&mut self, reset: PSCSI_REQUEST_BLOCK) {
        self.fail_waiting(SRB_STATUS_BUS_RESET);
        match self.phase {
            Phase::Absent | Phase::Stopped => {
                if !reset.is_null() {
                    self.complete(reset, SRB_STATUS_SUCCESS);
                }
                return;
            }
            _ if !reset.is_null() => self.resets.push(reset),
            _ => {}
        }
        match self.phase {
            // Under way already; nothing is with the device any more but what Stopping waits for.
            Phase::Stopping => {}
            Phase::Resetting | Phase::WaitLink | Phase::WaitReady | Phase::Identify => self.end_resets(),
            _ => self.begin_reset(SRB_STATUS_BUS_RESET),
        }
    }

    /// The device has come, gone or changed.
    pub unsafe fn plug_event(&mut self) {
        let is_there = self.read(PXSSTS) & DET != DET_NOTHING;
        self.attempts = 0;
        self.has_changed = true;
        self.begin_reset(if is_there { SRB_STATUS_BUS_RESET } else { SRB_STATUS_NO_DEVICE });
    }

    /// Stops the port, for good or until [`Channel::begin_start`]: the adapter stops. Nothing is outstanding.
    pub unsafe fn halt(&mut self) {
        self.stop_engine();
        for _ in 0..STOP_LOOKS {
            if self.read(PXCMD) & CMD_CR == 0 {
                break;
            }
            StorPortStallExecution(STOP_LOOK_US);
        }
        self.write(PXCMD, self.read(PXCMD) & !CMD_FRE);
        self.is_own_out = false;
        self.phase = Phase::Stopped;
    }

    /// The adapter has been pulled out: every request ends, and no register is touched any more.
    pub unsafe fn abandon(&mut self) {
        self.phase = Phase::Absent;
        self.is_own_out = false;
        self.fail_all(SRB_STATUS_NO_DEVICE);
    }

    /// Interrupts off and ST cleared. What the device had stays in its slots.
    pub unsafe fn stop_engine(&mut self) {
        self.suspended |= self.issued;
        self.was_queued = self.queued != 0;
        (self.issued, self.queued, self.is_exclusive) = (0, 0, false);
        self.write(PXIE, 0);
        self.write(PXCMD, self.read(PXCMD) & !CMD_ST);
    }

    pub unsafe fn start_engine(&mut self) {
        self.write(PXCMD, self.read(PXCMD) | CMD_ST);
        self.write(PXIE, IE_ALL);
    }

    /// Whether PxCMD.CR has cleared, which it does soon: if not yet, the timer looks again. All ones is an
    /// adapter that is gone.
    pub unsafe fn has_stopped(&mut self) -> bool {
        let command = self.read(PXCMD);
        command == u32::MAX || command & CMD_CR == 0
    }

    pub unsafe fn enter(&mut self, phase: Phase, ticks: u32) {
        (self.phase, self.ticks_left) = (phase, ticks);
        self.arm_timer();
    }

    unsafe fn arm_timer(&mut self) {
        if !self.is_timer_armed && !self.timer.is_null() {
            let context = (&raw mut *self).cast();
            let status =
                StorPortRequestTimer(self.DeviceExtension, self.timer, Some(HwTimer), context, TICK_US, 0);
            self.is_timer_armed = status == STOR_STATUS_SUCCESS;
        }
    }

    /// Takes every step that can be taken now.
    unsafe fn go_on(&mut self) {
        while self.take_step() {}
    }

    /// Takes the next step if the registers allow it.
    unsafe fn take_step(&mut self) -> bool {
        match self.phase {
            Phase::Stopping => self.has_stopped() && self.hold_reset(),
            Phase::WaitLink => self.read(PXSSTS) & DET == DET_UP && self.link_up(),
            Phase::WaitReady => self.read(PXTFD) & (STATUS_BSY | STATUS_DRQ) == 0 && self.identify(),
            Phase::StoppingAfterError => {
                if self.has_stopped() {
                    self.recover();
                }
                false
            }
            _ => false,
        }
    }

    /// The port has stopped: its requests end, and the device is reset.
    unsafe fn hold_reset(&mut self) -> bool {
        if self.read(PXCMD) == u32::MAX {
            self.abandon();
            return false;
        }
        self.fail_suspended(self.reset_status);
        self.end_resets();
        let memory = self.memory_physical;
        let received = memory + std::mem::offset_of!(super::ata::PortMemory, received) as u64;
        self.write(PXCLB, memory as u32);
        self.write(PXCLBU, (memory >> 32) as u32);
        self.write(PXFB, received as u32);
        self.write(PXFBU, (received >> 32) as u32);
        // Spun up, and ready for frames; the device's first one waits for that.
        self.write(PXCMD, self.read(PXCMD) | CMD_SUD | CMD_FRE);
        self.write(PXSCTL, SCTL_IPM_NONE | SCTL_DET_RESET);
        // At least 1 ms; a tick is ten.
        self.enter(Phase::Resetting, 1);
        false
    }

    unsafe fn release_reset(&mut self) {
        self.write(PXSCTL, SCTL_IPM_NONE);
        self.enter(Phase::WaitLink, LINK_TICKS);
    }

    unsafe fn link_up(&mut self) -> bool {
        // DIAG.X keeps the device's first frame back. Later changes interrupt.
        self.write(PXSERR, u32::MAX);
        self.write(PXIS, u32::MAX);
        self.enter(Phase::WaitReady, READY_TICKS);
        true
    }

    unsafe fn identify(&mut self) -> bool {
        if self.read(PXSSTS) & DET != DET_UP {
            // Pulled out meanwhile; the next tick sees it too, and tries again.
            return false;
        }
        let kind = if self.read(PXSIG) == SIGNATURE_ATAPI { DeviceKind::Packet } else { DeviceKind::Disk };
        self.device.kind = kind;
        let command = self.read(PXCMD) & !CMD_ATAPI;
        self.write(PXCMD, command | if kind == DeviceKind::Packet { CMD_ATAPI } else { 0 });
        self.start_engine();
        self.enter(Phase::Identify, OWN_TICKS);
        self.issue_own(Own::Identify(kind));
        false
    }

    /// The identify data is here.
    pub unsafe fn identified(&mut self) {
        let raw = (&raw const (*self.memory).data).read_volatile();
        match Device::parse(self.device.kind, &raw) {
            Some(device) => {
                self.device = device;
                if !(*self.DeviceExtension.cast::<Adapter>()).takes_queued_commands {
                    self.device.queue_depth = 0;
                }
                self.attempts = 0;
                self.phase = Phase::Running;
                self.run_queue();
            }
            None => self.try_again(),
        }
    }

    /// The start has failed here: once more from the beginning, or there is no device.
    pub unsafe fn try_again(&mut self) {
        self.attempts += 1;
        if self.attempts < ATTEMPTS_MAX {
            self.begin_reset(SRB_STATUS_BUS_RESET);
        } else {
            self.give_up();
        }
    }

    /// Nothing is plugged in. What the reset itself has left in PxSERR is no news; a device that comes
    /// meanwhile is.
    unsafe fn no_device(&mut self) {
        self.write(PXSERR, u32::MAX);
        self.write(PXIS, u32::MAX);
        if self.read(PXSSTS) & DET == DET_NOTHING {
            self.give_up();
        }
    }

    /// Nothing usable behind the port. It interrupts when something is plugged in.
    unsafe fn give_up(&mut self) {
        self.is_own_out = false;
        self.write(PXCMD, self.read(PXCMD) & !CMD_ST);
        self.phase = Phase::Absent;
        self.device.kind = DeviceKind::Unknown;
        self.fail_all(SRB_STATUS_NO_DEVICE);
        self.write(PXIE, IS_PLUG);
    }

    /// 10 ms have passed.
    unsafe fn tick(&mut self) {
        if self.adapter_is_gone() {
            return;
        }
        let before = self.phase;
        self.go_on();
        if self.phase == before {
            self.ticks_left = self.ticks_left.saturating_sub(1);
            self.wait_on();
            self.go_on();
        }
        if !matches!(self.phase, Phase::Stopped | Phase::Absent | Phase::Running) {
            self.arm_timer();
        }
    }

    /// A tick has passed in this phase, and the registers do not let it end.
    unsafe fn wait_on(&mut self) {
        let link = self.read(PXSSTS) & DET;
        match self.phase {
            Phase::Stopped | Phase::Absent | Phase::Running => {}
            Phase::Resetting => self.release_reset(),
            // Long enough for a device to be noticed.
            Phase::WaitLink if link == DET_NOTHING && self.ticks_left + NOTICE_TICKS < LINK_TICKS => {
                self.no_device();
            }
            Phase::WaitReady if link != DET_UP => self.try_again(),
            _ if self.ticks_left == 0 => self.out_of_time(),
            _ => {}
        }
    }

    unsafe fn out_of_time(&mut self) {
        match self.phase {
            // A COMRESET stops what the device was doing (10.4.2).
            Phase::Stopping | Phase::StoppingAfterError => {
                self.hold_reset();
            }
            Phase::ReadLog | Phase::RequestSense => self.begin_reset(SRB_STATUS_BUS_RESET),
            _ => self.try_again(),
        }
    }

    unsafe fn end_resets(&mut self) {
        loop {
            let reset = self.resets.pop();
            if reset.is_null() {
                return;
            }
            self.complete(reset, SRB_STATUS_SUCCESS);
        }
    }

    unsafe fn fail_waiting(&mut self, status: UCHAR) {
        loop {
            let Srb = self.waiting.pop();
            if Srb.is_null() {
                return;
            }
            self.complete(Srb, status);
        }
    }

    /// Completes what the device had when it was stopped.
    unsafe fn fail_suspended(&mut self, status: UCHAR) {
        let slots = std::mem::take(&mut self.suspended);
        for slot in 0..SLOTS {
            if slots & 1 << slot != 0 {
                let Srb = std::mem::replace(&mut self.slots[slot as usize], null_mut());
                self.complete(Srb, status);
            }
        }
    }

    unsafe fn fail_all(&mut self, status: UCHAR) {
        self.suspended |= self.issued;
        (self.issued, self.queued, self.is_exclusive) = (0, 0, false);
        self.fail_suspended(status);
        self.fail_waiting(status);
        self.end_resets();
    }
}

/// A channel's timer has expired. No lock is held.
unsafe extern "C-unwind" fn HwTimer(DeviceExtension: PVOID, Context: PVOID) {
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    let channel = &mut *Context.cast::<Channel>();
    channel.is_timer_armed = false;
    channel.tick();
    channel.ask_for_dpc();
    drop(lock);
}

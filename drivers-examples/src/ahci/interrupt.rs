//! The interrupt: what each port has to say, and the DPC that completes requests.
//!
//! The service routine takes finished requests from the slots and puts them on their channel's list; the DPC
//! takes the lists and completes what is on them with no lock held. PxIS is cleared before PxCI and PxSACT
//! are read, so that what ends in between interrupts again; IS is cleared after PxIS (AHCI 1.3.1, 5.6.4 and
//! 10.7.2.1).

use super::channel::*;
use super::ddi::*;
use super::registers::*;
use std::ptr::null_mut;

pub unsafe extern "C-unwind" fn HwInterrupt(extension: PVOID) -> BOOLEAN {
    let adapter = extension.cast::<Adapter>();
    if (*adapter).is_gone {
        return FALSE;
    }
    let ports = read(extension, (*adapter).base, IS);
    if ports == 0 || ports == u32::MAX {
        // Another device's; or it has been pulled out.
        return FALSE;
    }
    for number in numbers(extension).filter(|n| ports & 1 << n != 0) {
        let channel = channel(extension, number);
        channel.interrupted();
        channel.ask_for_dpc();
    }
    write(extension, (*adapter).base, IS, ports);
    TRUE
}

/// The adapter's one message.
pub unsafe extern "C-unwind" fn HwMSInterrupt(extension: PVOID, _message: ULONG) -> BOOLEAN {
    HwInterrupt(extension)
}

impl Channel {
    unsafe fn interrupted(&mut self) {
        let status = self.read(PXIS);
        if status == u32::MAX {
            return;
        }
        if status & IS_PLUG != 0 {
            // These two follow PxSERR and are cleared there.
            self.write(PXSERR, SERR_DIAG_X | SERR_DIAG_N);
        }
        self.write(PXIS, status);
        match self.phase {
            Phase::Running | Phase::Identify | Phase::ReadLog | Phase::RequestSense => {
                let had_failed = status & (IS_TFES | IS_FATAL) != 0;
                self.take_completions();
                if status & IS_PLUG != 0 {
                    self.plug_event();
                } else if had_failed {
                    self.error_seen(status);
                } else {
                    self.run_queue();
                }
            }
            Phase::Absent if status & IS_PLUG != 0 => self.plug_event(),
            // Interrupts are off in the others; this one was on its way.
            _ => {}
        }
    }
}

/// Completes what the channels are through with, and reports what has come or gone.
pub unsafe extern "C-unwind" fn HwCompletionDpc(_dpc: PSTOR_DPC, extension: PVOID, _a1: PVOID, _a2: PVOID) {
    for number in numbers(extension) {
        let lock = InterruptGuard::acquire(extension);
        let channel = channel(extension, number);
        let mut completed = channel.completed.take();
        let has_changed = std::mem::take(&mut channel.has_changed);
        drop(lock);
        loop {
            let srb = completed.pop();
            if srb.is_null() {
                break;
            }
            StorPortNotification(RequestComplete, extension, srb);
        }
        if has_changed {
            StorPortNotification(BusChangeDetected, extension, number as UCHAR);
        }
    }
}

pub unsafe extern "C-unwind" fn HwResetBus(extension: PVOID, path: ULONG) -> BOOLEAN {
    let adapter = extension.cast::<Adapter>();
    if path >= (*adapter).channel_count || (*adapter).implemented & 1 << path == 0 {
        return FALSE;
    }
    let lock = InterruptGuard::acquire(extension);
    let channel = channel(extension, path);
    channel.reset_for_storport(null_mut());
    channel.ask_for_dpc();
    drop(lock);
    TRUE
}

//! The interrupt: what each port has to say, and the DPC that completes requests.
//!
//! The service routine takes finished requests from the slots and puts them on their channel's list; the DPC
//! takes the lists and completes what is on them with no lock held. PxIS is cleared before PxCI and PxSACT
//! are read, so that what ends in between interrupts again; IS is cleared after PxIS (AHCI 1.3.1, 5.6.4 and
//! 10.7.2.1).

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::channel::*;
use super::ddi::*;
use super::registers::*;
use std::ptr::null_mut;

pub unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<Adapter>();
    if (*Extension).is_gone {
        return FALSE;
    }
    let ports = read(DeviceExtension, (*Extension).base, IS);
    if ports == 0 || ports == u32::MAX {
        // Another device's; or it has been pulled out.
        return FALSE;
    }
    for number in numbers(DeviceExtension).filter(|n| ports & 1 << n != 0) {
        let channel = channel(DeviceExtension, number);
        channel.interrupted();
        channel.ask_for_dpc();
    }
    write(DeviceExtension, (*Extension).base, IS, ports);
    TRUE
}

/// The adapter's one message.
pub unsafe extern "C-unwind" fn HwMSInterrupt(DeviceExtension: PVOID, _MessageId: ULONG) -> BOOLEAN {
    HwInterrupt(DeviceExtension)
}

impl Channel {
    pub(crate) unsafe fn interrupted(&mut self) {
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
pub unsafe extern "C-unwind" fn HwCompletionDpc(
    _Dpc: PSTOR_DPC,
    DeviceExtension: PVOID,
    _SystemArgument1: PVOID,
    _SystemArgument2: PVOID,
) {
    for number in numbers(DeviceExtension) {
        let handle = &mut unused_handle();
        let lock = InterruptGuard::acquire(DeviceExtension, handle);
        let channel = channel(DeviceExtension, number);
        let mut completed = channel.completed.take();
        let has_changed = std::mem::take(&mut channel.has_changed);
        drop(lock);
        loop {
            let Srb = completed.pop();
            if Srb.is_null() {
                break;
            }
            StorPortNotification(RequestComplete, DeviceExtension, Srb);
        }
        if has_changed {
            StorPortNotification(BusChangeDetected, DeviceExtension, number as UCHAR);
        }
    }
}

pub unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, PathId: ULONG) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<Adapter>();
    if PathId >= (*Extension).channel_count || (*Extension).implemented & 1 << PathId == 0 {
        return FALSE;
    }
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    let channel = channel(DeviceExtension, PathId);
    channel.reset_for_storport(null_mut());
    channel.ask_for_dpc();
    drop(lock);
    TRUE
}

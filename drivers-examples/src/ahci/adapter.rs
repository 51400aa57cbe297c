//! The adapter as a whole: taken from the firmware (BOHC), reset (GHC.HR), put into AHCI mode, its ports
//! started.
//!
//! Done when it is found and again whenever it is restarted. Ports by themselves are `start.rs`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::channel::*;
use super::ddi::*;
use super::registers::*;

/// Microseconds between two looks at a bit, and looks: 1 s for a reset (10.4.3), 2 s for the firmware
/// (10.6.3).
const LOOK_US: ULONG = 100;
const RESET_LOOKS: u32 = 10_000;
const HAND_OFF_LOOKS: u32 = 20_000;

/// Looks at a register until `is_done` likes it.
unsafe fn wait_for(
    DeviceExtension: PVOID,
    base: *mut u8,
    register: usize,
    looks: u32,
    is_done: fn(u32) -> bool,
) -> bool {
    for _ in 0..looks {
        if is_done(read(DeviceExtension, base, register)) {
            return true;
        }
        StorPortStallExecution(LOOK_US);
    }
    false
}

/// Takes the adapter from the firmware, resets it and puts it into AHCI mode. `false`: it does not answer.
pub unsafe fn take_over(DeviceExtension: PVOID, base: *mut u8) -> bool {
    if read(DeviceExtension, base, CAP2) & CAP2_BOH != 0 {
        write(DeviceExtension, base, BOHC, BOHC_OOS);
        // Firmware that does not let go in time is not waited for any longer (10.6.3).
        wait_for(DeviceExtension, base, BOHC, HAND_OFF_LOOKS, |value| value & BOHC_BOS == 0);
    }
    write(DeviceExtension, base, GHC, GHC_AE);
    write(DeviceExtension, base, GHC, GHC_AE | GHC_HR);
    if !wait_for(DeviceExtension, base, GHC, RESET_LOOKS, |value| value != u32::MAX && value & GHC_HR == 0) {
        return false;
    }
    write(DeviceExtension, base, GHC, GHC_AE);
    // Versions before 1.0 had other registers.
    read(DeviceExtension, base, VS) >= 0x0001_0000
}

/// Starts every channel. The interrupt lock is held.
pub unsafe fn start_channels(DeviceExtension: PVOID) {
    let Extension = DeviceExtension.cast::<Adapter>();
    write(DeviceExtension, (*Extension).base, GHC, GHC_AE | GHC_IE);
    for number in numbers(DeviceExtension) {
        let channel = channel(DeviceExtension, number);
        channel.begin_start();
        channel.ask_for_dpc();
    }
}

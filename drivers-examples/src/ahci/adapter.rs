//! The adapter as a whole: taken from the firmware (BOHC), reset (GHC.HR), put into AHCI mode, its ports
//! started.
//!
//! Done when it is found and again whenever it is restarted. Ports by themselves are `start.rs`.

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
    extension: PVOID,
    base: *mut u8,
    register: usize,
    looks: u32,
    is_done: fn(u32) -> bool,
) -> bool {
    for _ in 0..looks {
        if is_done(read(extension, base, register)) {
            return true;
        }
        StorPortStallExecution(LOOK_US);
    }
    false
}

/// Takes the adapter from the firmware, resets it and puts it into AHCI mode. `false`: it does not answer.
pub unsafe fn take_over(extension: PVOID, base: *mut u8) -> bool {
    if read(extension, base, CAP2) & CAP2_BOH != 0 {
        write(extension, base, BOHC, BOHC_OOS);
        // Firmware that does not let go in time is not waited for any longer (10.6.3).
        wait_for(extension, base, BOHC, HAND_OFF_LOOKS, |value| value & BOHC_BOS == 0);
    }
    write(extension, base, GHC, GHC_AE);
    write(extension, base, GHC, GHC_AE | GHC_HR);
    if !wait_for(extension, base, GHC, RESET_LOOKS, |value| value != u32::MAX && value & GHC_HR == 0) {
        return false;
    }
    write(extension, base, GHC, GHC_AE);
    // Versions before 1.0 had other registers.
    read(extension, base, VS) >= 0x0001_0000
}

/// Starts every channel. The interrupt lock is held.
pub unsafe fn start_channels(extension: PVOID) {
    let adapter = extension.cast::<Adapter>();
    write(extension, (*adapter).base, GHC, GHC_AE | GHC_IE);
    for number in numbers(extension) {
        let channel = channel(extension, number);
        channel.begin_start();
        channel.ask_for_dpc();
    }
}

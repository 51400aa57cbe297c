//! The adapter as a whole: takes it from the firmware (BOHC), resets it (GHC.HR), puts it into AHCI mode and
//! starts its ports.
//!
//! HwStorFindAdapter and each restart do so. How one port starts is in `start.rs`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::channel::*;
use super::ddi::*;
use super::registers::*;

/// Microseconds between two reads of a register that is waited for.
const LOOK_US: ULONG = 100;
/// Reads until a reset has failed: 1 s (AHCI 1.3.1, 10.4.3).
const RESET_LOOKS: u32 = 10_000;
/// Reads until the firmware is not waited for any longer: 2 s (10.6.3).
const HAND_OFF_LOOKS: u32 = 20_000;

/// Reads a register until `is_done` is true of its value; `false` if that was so in none of `looks` reads.
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

/// Takes the adapter from the firmware, resets it and puts it into AHCI mode. `false`: the reset does not
/// end, or the adapter is older than AHCI 1.0.
pub unsafe fn take_over(DeviceExtension: PVOID, base: *mut u8) -> bool {
    if read(DeviceExtension, base, CAP2) & CAP2_BOH != 0 {
        write(DeviceExtension, base, BOHC, BOHC_OOS);
        // The result does not matter: a driver goes on without firmware that does not let go (10.6.3).
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

/// Turns interrupts on and begins the start of every channel, which a DPC goes on with. The interrupt lock is
/// held.
pub unsafe fn start_channels(DeviceExtension: PVOID) {
    let Extension = DeviceExtension.cast::<Adapter>();
    write(DeviceExtension, (*Extension).base, GHC, GHC_AE | GHC_IE);
    for number in numbers(DeviceExtension) {
        let channel = channel(DeviceExtension, number);
        channel.begin_start();
        channel.ask_for_dpc();
    }
}

//! Memory that a device is told to write, with and without leave.
//!
//! What a port driver does for its miniports, the programs do themselves: they say what the device may reach,
//! and take that back.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new};
use kernel_sim::ddi::*;
use kernel_sim::hardware::{Bus, HardwareModel};
use kernel_sim::machine::Machine;

/// Register: the physical address of a quadword to write; reads as 0 when that is done.
const TARGET: usize = 0;
/// Length of the register file.
const LENGTH: usize = 8;

/// A device that writes one quadword where it is told to.
#[derive(Default)]
pub(super) struct Writer {
    target: u64,
}

impl HardwareModel for Writer {
    fn name(&self) -> &'static str {
        "writer"
    }

    fn line(&self) -> (u32, bool) {
        (0x42, false)
    }

    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        self.target
    }

    fn write(&mut self, offset: usize, _width: u8, value: u64) {
        if offset == TARGET {
            self.target = value;
        }
    }

    fn steps(&self) -> u32 {
        u32::from(self.target != 0)
    }

    fn step(&mut self, _which: u32, bus: &Bus<'_>) {
        // A refused write leaves memory as it is.
        let _ = bus.write(self.target, &1u64.to_ne_bytes());
        self.target = 0;
    }
}

/// Has the device write a quadword to memory that it may reach until `is_taken_back_first` says.
unsafe fn write(is_taken_back_first: bool) {
    let machine = Machine::current().expect("an exhibit runs on a machine");
    let window = machine.device_window(0).expect("the machine has a writer");
    let target: *mut u64 = MmMapIoSpace(LARGE_INTEGER::new(window as i64), LENGTH, MmNonCached).cast();
    let block: *mut u64 = new();
    let physical = machine.physical_of(block as usize).expect("pool is memory of the machine");
    machine.restrict_dma(0);
    machine.admit_dma(0, physical, size_of::<u64>());
    if is_taken_back_first {
        machine.revoke_dma(0, physical, size_of::<u64>());
    }
    WRITE_REGISTER_ULONG64(target, physical);
    while READ_REGISTER_ULONG64(target) != 0 {
        KeStallExecutionProcessor(10);
    }
    if !is_taken_back_first {
        machine.revoke_dma(0, physical, size_of::<u64>());
    }
    free(block);
}

/// Takes memory back before the device has written it.
pub(super) unsafe fn take_back_first() {
    write(true);
}

/// Takes memory back when the device is through with it.
pub(super) unsafe fn take_back_last() {
    write(false);
}

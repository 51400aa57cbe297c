//! `suspect-ids`: an identifier of the device's is an index.
//!
//! **What the driver does.** The device gives a chain back by an identifier, the place of its first
//! descriptor. The driver has an array with the request of each chain, and takes the identifier as the index.
//!
//! **What goes wrong.** A device that is broken, or made to do harm, gives back an identifier
//! that no chain has: the driver reads behind the array and completes what it takes for a request.
//!
//! **The near miss** compares the identifier with the size of the ring, and looks whether the chain is out.
//!
//! **Found by** DRIVER_IRQL_NOT_LESS_OR_EQUAL, where the array is read, with `--fault hostile`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::complete::answered;

pub(super) unsafe extern "C-unwind" fn TrustingEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    DriverEntry::<Trusting>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    DriverEntry::<Careful>(Driver, Path)
}

struct Trusting;

impl Takes for Trusting {
    unsafe fn Take(DeviceExtension: PVOID, Extension: *mut AdapterExtension, Ring: usize) {
        while let Some(Id) = (*Extension).ring[Ring].next_used() {
            let Srb = (*Extension).ring[Ring].owner(Id); // Wrong: the identifier is what the device says.
            (*Extension).ring[Ring].release(Id);
            answered(DeviceExtension, Srb);
        }
    }
}

struct Careful;

impl Takes for Careful {
    unsafe fn Take(DeviceExtension: PVOID, Extension: *mut AdapterExtension, Ring: usize) {
        while let Some(Id) = (*Extension).ring[Ring].next_used() {
            if let Some(Srb) = (*Extension).ring[Ring].release(Id) {
                answered(DeviceExtension, Srb);
            }
        }
    }
}

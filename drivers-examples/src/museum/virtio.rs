//! The miniport with hardware of the museum: `vioscsi`, of which each pair exchanges routines.
//!
//! A [`Form`] says what is registered instead of the clean driver's routines, and what it has in the device
//! extension behind the clean driver's. Invariant: **what a form does not exchange is the clean driver's**,
//! so what is found is in the pair's file.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use std::ptr::null_mut;
use storport_sim::hba::virtio_scsi::Options;

pub(super) use crate::vioscsi::ddi::*;
pub(super) use crate::vioscsi::extension::{
    AdapterExtension, Interrupts, RINGS_MAX, SrbExtension, srb_extension, state,
};
pub(super) use crate::vioscsi::virtio_scsi::FIRST_REQUEST_RING;

/// The routines of the driver that a pair exchanges.
pub(super) trait Form: 'static {
    /// What it has in the device extension besides. Handed out zeroed.
    type More;

    /// Puts its routines in place of the clean driver's.
    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA);
}

/// The whole extension of a form.
#[repr(C)]
struct WITH_MORE<M> {
    Base: AdapterExtension,
    More: M,
}

/// What a form has besides.
pub(super) unsafe fn More<F: Form + ?Sized>(DeviceExtension: PVOID) -> *mut F::More {
    &raw mut (*DeviceExtension.cast::<WITH_MORE<F::More>>()).More
}

/// `DriverEntry`.
pub(super) unsafe extern "C-unwind" fn DriverEntry<F: Form>(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    let mut Data = crate::vioscsi::initialization_data();

    Data.DeviceExtensionSize = size_of::<WITH_MORE<F::More>>() as ULONG;
    F::Exchange(&mut Data);
    StorPortInitialize(DriverObject, RegistryPath, &raw mut Data, null_mut())
}

/// The clean driver's adapter.
pub(super) fn WithMessages(Processors: u8) -> Options {
    Options::for_processors(Processors)
}

/// An adapter with a line instead of messages.
pub(super) fn WithLine(Processors: u8) -> Options {
    Options { has_messages: false, ..Options::for_processors(Processors) }
}

/// An adapter with a line that interrupts before there was anything to tell.
pub(super) fn Early(Processors: u8) -> Options {
    Options { interrupts_early: true, ..WithLine(Processors) }
}

/// An adapter with a line whose configuration changes now and then.
pub(super) fn Changing(Processors: u8) -> Options {
    Options { changes_every: 8, ..WithLine(Processors) }
}

/// The number of rings for requests that a driver uses which is limited to half of them.
pub(super) unsafe fn LimitRings(Extension: *mut AdapterExtension) {
    let Requests = (*Extension).rings - FIRST_REQUEST_RING as u32;
    (*Extension).rings = FIRST_REQUEST_RING as u32 + Requests.div_ceil(2);
}

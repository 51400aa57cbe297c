//! What the I/O manager notes of devices, beside their objects: how StartIo is going, what is to be deleted.
//!
//! A device has a note once something is noted of it, until it is freed. No member of DEVICE_OBJECT is used
//! for this, so nothing that a driver does to its device object changes it. Invariant: there is one note of a
//! device at most.

use crate::ddi::types::{PDEVICE_OBJECT, ULONG};

/// The next packet that a driver is owed when the present StartIo call returns (deferred StartIo).
pub(super) struct Owed {
    pub cancelable: bool,
    pub key: Option<ULONG>,
}

/// Of one device.
#[derive(Default)]
pub(super) struct DeviceNote {
    device: usize,
    /// How many StartIo calls are active.
    pub start_io_active: u32,
    pub owed: Option<Owed>,
    /// What IoSetStartIoAttributes said.
    pub is_deferred: bool,
    pub is_non_cancelable: bool,
    /// It was deleted while another is attached to it, and goes when that is detached.
    pub is_delete_pending: bool,
}

/// Of all of them. They are few: devices that queue packets for StartIo.
#[derive(Default)]
pub(super) struct DeviceNotes(Vec<DeviceNote>);

impl DeviceNotes {
    /// What is noted of a device.
    #[inline]
    pub(super) fn of(&mut self, device: PDEVICE_OBJECT) -> &mut DeviceNote {
        let device = device as usize;
        let at = self.0.iter().position(|note| note.device == device).unwrap_or_else(|| {
            self.0.push(DeviceNote { device, ..DeviceNote::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    pub(super) fn is_delete_pending(&self, device: PDEVICE_OBJECT) -> bool {
        self.0.iter().any(|note| note.device == device as usize && note.is_delete_pending)
    }

    /// The device is no more.
    pub(super) fn forget(&mut self, device: PDEVICE_OBJECT) {
        self.0.retain(|note| note.device != device as usize);
    }
}

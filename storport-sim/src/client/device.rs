//! A device object that closures may take to other threads.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use kernel_sim::ddi::PDEVICE_OBJECT;

/// A live device object: what a [`Client`](super::Client) sends to.
///
/// The device must live as long as requests are sent to it; a disk of an adapter does until the adapter is
/// removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device(PDEVICE_OBJECT);

// SAFETY: device objects are the machine's, made to be used from any of its threads.
unsafe impl Send for Device {}
// SAFETY: a shared `Device` only hands out its pointer; the I/O manager synchronises the object's use.
unsafe impl Sync for Device {}

impl From<PDEVICE_OBJECT> for Device {
    fn from(object: PDEVICE_OBJECT) -> Device {
        Device(object)
    }
}

impl Device {
    /// The device object.
    #[must_use]
    pub fn object(self) -> PDEVICE_OBJECT {
        self.0
    }
}

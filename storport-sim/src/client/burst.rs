//! Requests that were sent and are waited for later, and how requests ended.

use super::{Client, Device, Request};
use kernel_sim::ddi::{NTSTATUS, STATUS_SUCCESS};
use std::collections::BTreeMap;

/// Requests that were sent and not waited for, each by a client of its own.
#[derive(Default)]
pub struct Burst(Vec<Client>);

impl Burst {
    /// Sends one more; a write writes bytes of `fill`. Returns at once, with the request out or back.
    #[track_caller]
    pub fn send(&mut self, device: impl Into<Device>, request: Request, fill: u8) {
        let bytes = match request {
            Request::Read { bytes, .. } | Request::Write { bytes, .. } => bytes,
            Request::Control { input, room, .. } => input.max(room),
            Request::Flush | Request::Other(_) => 0,
        };
        let mut client = Client::new(device, bytes);
        client.data().fill(fill);
        client.send(request);
        self.0.push(client);
    }

    /// How many were sent.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Waits for all of them; how they ended.
    #[track_caller]
    pub fn wait(self) -> Endings {
        let mut endings = Endings::default();
        for mut client in self.0 {
            endings.note(client.wait().0);
        }
        endings
    }
}

/// How requests ended: how many with each status; and data that was not as it should be.
#[derive(Clone, Default, Debug)]
#[must_use = "requests may have failed, and data may be wrong"]
pub struct Endings {
    by_status: BTreeMap<NTSTATUS, u32>,
    wrong: Vec<String>,
}

impl Endings {
    pub(super) fn note(&mut self, status: NTSTATUS) {
        *self.by_status.entry(status).or_default() += 1;
    }

    pub(super) fn note_wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// How many ended with this status.
    ///
    /// # Panics
    /// When data was wrong; so do all routines that return or assert something of the endings.
    #[track_caller]
    #[must_use]
    pub fn count(&self, status: NTSTATUS) -> u32 {
        self.assert_data();
        self.by_status.get(&status).copied().unwrap_or(0)
    }

    /// How many succeeded.
    #[track_caller]
    #[must_use]
    pub fn succeeded(&self) -> u32 {
        self.count(STATUS_SUCCESS)
    }

    /// How many did not.
    #[track_caller]
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.assert_data();
        self.by_status.values().sum::<u32>() - self.succeeded()
    }

    /// Asserts that requests ended in these ways only, and that data was right.
    #[track_caller]
    pub fn assert_only(&self, allowed: &[NTSTATUS]) {
        self.assert_data();
        assert!(self.by_status.keys().all(|status| allowed.contains(status)), "{:x?}", self.by_status);
    }

    #[track_caller]
    fn assert_data(&self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("; "));
    }
}

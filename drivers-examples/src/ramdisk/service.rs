//! Service requests: what is asked of the adapter from above, and those who wait for news.
//!
//! The request begins with a little-endian code; one without is a request for the report. Invariant: a
//! request that waits is completed once, by news or by the end of the adapter, and none begins to wait after
//! that.

use kernel_sim::ddi::{STATUS_CANCELLED, STATUS_SUCCESS};
use kernel_sim::safe::SpinLock;
use storport_sim::miniport::ServiceIrp;

/// The service requests there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// The counts of all units.
    Report,
    /// A new scan of the bus.
    Rescan,
    /// To hear when units have come or gone: kept until they have.
    WaitForChange,
}

impl Request {
    /// The code that stands for it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Request::Report => 0,
            Request::Rescan => 1,
            Request::WaitForChange => 2,
        }
    }

    /// What a sender's buffer asks for; `None` for an undefined code.
    #[must_use]
    pub fn of(input: &[u8]) -> Option<Request> {
        let Some(code) = input.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
            return Some(Request::Report);
        };
        [Request::Report, Request::Rescan, Request::WaitForChange].into_iter().find(|r| r.code() == code)
    }
}

struct List {
    irps: Vec<ServiceIrp>,
    is_over: bool,
}

/// Service requests that wait for news.
pub struct Waiting(SpinLock<List>);

impl Waiting {
    /// No request waits.
    pub const fn new() -> Waiting {
        Waiting(SpinLock::new(List { irps: Vec::new(), is_over: false }))
    }

    /// Keeps a request until there is news.
    pub fn keep(&self, irp: ServiceIrp) {
        let refused = {
            let mut list = self.0.lock();
            if list.is_over {
                Some(irp)
            } else {
                list.irps.push(irp);
                None
            }
        };
        if let Some(irp) = refused {
            irp.complete(STATUS_CANCELLED, 0);
        }
    }

    /// There is news: completes all that wait.
    pub fn tell(&self) {
        let irps = std::mem::take(&mut self.0.lock().irps);
        for irp in irps {
            irp.complete(STATUS_SUCCESS, 0);
        }
    }

    /// The adapter is going: completes all that wait, and any that comes after.
    pub fn end(&self) {
        let irps = {
            let mut list = self.0.lock();
            list.is_over = true;
            std::mem::take(&mut list.irps)
        };
        for irp in irps {
            irp.complete(STATUS_CANCELLED, 0);
        }
    }
}

//! StorPortMSILock: the lock of a message is there in per-message mode only.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::{InterruptSynchronizePerMessage, args, row};
use storport_sim::seen;

rule! {
    /// StorPortAcquireMSISpinLock is called only if the adapter's messages are synchronized one by one.
    ///
    /// ## What is checked
    /// At each StorPortAcquireMSISpinLock, that HwStorFindAdapter set InterruptSynchronizationMode to
    /// InterruptSynchronizePerMessage.
    ///
    /// ## Why it matters
    /// In the other modes there is no lock of a message: the call returns a status and takes nothing. What it
    /// was to protect is open to the interrupt routine.
    ///
    /// ## Source
    /// Microsoft, "StorPortMSILock rule (Storport)": devtest/storport-storportmsilock.
    StorPortMSILock: Locking, Rule, on, only Physical,
    why "there is no lock of a message in this mode: the call takes nothing, and the interrupt routine comes in",
    url "devtest/storport-storportmsilock",
    exhibits "stor-port-msi-lock",
    make |_| StorPortMSILock
}

/// The rule.
struct StorPortMSILock;

impl Rule for StorPortMSILock {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortAcquireMSISpinLock])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let call = event.args::<args::StorPortAcquireMSISpinLock>().filter(|_| is_of_driver(event));
        let Some(call) = call else { return FINE };
        let Some(config) = seen::configuration(call.HwDeviceExtension.pointer()) else { return FINE };
        if config.InterruptSynchronizationMode == InterruptSynchronizePerMessage {
            return FINE;
        }
        let what = "StorPortAcquireMSISpinLock, and the adapter's mode is not InterruptSynchronizePerMessage";
        Some(Breach::new(event, what))
    }
}

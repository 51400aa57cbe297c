//! SpDuplex: the adapter is full duplex.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_FIND_ADAPTER;
use storport_sim::ddi::{SP_RETURN_FOUND, StorSynchronizeFullDuplex};
use storport_sim::seen;

rule! {
    /// HwStorFindAdapter sets SynchronizationModel to StorSynchronizeFullDuplex.
    ///
    /// ## What is checked
    /// The configuration, when HwStorFindAdapter returns SP_RETURN_FOUND. Storport begins with half duplex,
    /// so a miniport that says nothing is found. Off unless asked for: half duplex is slow and not wrong,
    /// and a virtual miniport, which has no interrupt, is called in the same way in both.
    ///
    /// ## Why it matters
    /// In half duplex Storport holds one lock around HwStorStartIo and the interrupt routine, at DIRQL: no
    /// two requests start at the same time, and HwStorStartIo may not allocate nor take a lock.
    ///
    /// ## Source
    /// Microsoft, "SpDuplex rule (Storport)": devtest/storport-spduplex. The page does not name the field,
    /// that of PORT_CONFIGURATION_INFORMATION does.
    SpDuplex: SrbProcessing, Rule, off,
    why "in half duplex one lock at DIRQL is held around HwStorStartIo and the interrupt routine",
    url "devtest/storport-spduplex",
    exhibits "sp-duplex" with "--rules all",
    make |_| SpDuplex
}

/// The rule.
struct SpDuplex;

impl Rule for SpDuplex {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_FIND_ADAPTER])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match seen::found_adapter(event) {
            Some((answer, config))
                if answer == u64::from(SP_RETURN_FOUND)
                    && config.SynchronizationModel != StorSynchronizeFullDuplex =>
            {
                let what = "HwStorFindAdapter leaves SynchronizationModel at half duplex";
                Some(Breach::new(event, what))
            }
            _ => FINE,
        }
    }
}

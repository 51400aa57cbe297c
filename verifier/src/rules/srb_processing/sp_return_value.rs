//! SpReturnValue: HwStorFindAdapter returns one of its four values.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_FIND_ADAPTER;
use storport_sim::ddi::SP_RETURN_BAD_CONFIG;
use storport_sim::seen;

rule! {
    /// HwStorFindAdapter returns SP_RETURN_NOT_FOUND, SP_RETURN_FOUND, SP_RETURN_ERROR or
    /// SP_RETURN_BAD_CONFIG.
    ///
    /// ## What is checked
    /// The value that HwStorFindAdapter returns, of a virtual miniport as well.
    ///
    /// ## Why it matters
    /// Anything else, an NTSTATUS as a rule, is no success: the adapter does not start, and no log says why.
    ///
    /// ## Source
    /// Microsoft, "SpReturnValue rule (Storport)": devtest/storport-spreturnvalue.
    SpReturnValue: SrbProcessing, Rule, on,
    why "a value that Storport does not know is a failure: the adapter does not start, and no log says why",
    url "devtest/storport-spreturnvalue",
    exhibits "sp-return-value",
    make |_| SpReturnValue
}

/// The rule.
struct SpReturnValue;

impl Rule for SpReturnValue {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_FIND_ADAPTER])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match seen::found_adapter(event) {
            Some((answer, _)) if answer > u64::from(SP_RETURN_BAD_CONFIG) => {
                let what =
                    format!("HwStorFindAdapter returned {answer:#x}, which is none of its four values");
                Some(Breach::new(event, what))
            }
            _ => FINE,
        }
    }
}

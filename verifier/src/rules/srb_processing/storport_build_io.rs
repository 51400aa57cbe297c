//! StorPortBuildIo: a request that HwStorBuildIo ended does not come to HwStorStartIo.

use crate::rules::row::rule;
use crate::rules::state::PerSrb;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::frame::Frame;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use storport_sim::callbacks::{HW_STOR_BUILD_IO, HW_STOR_START_IO};

rule! {
    /// An SRB for which HwStorBuildIo returned FALSE is not passed to HwStorStartIo.
    ///
    /// ## What is checked
    /// At each begin of HwStorStartIo, that the last HwStorBuildIo for its SRB did not return FALSE. This is
    /// a promise of the port driver's, here the simulator's own: a miniport cannot break it. That the
    /// miniport completes such a request, in HwStorBuildIo or later, is looked at by LostRequest.
    ///
    /// ## Why it matters
    /// The miniport has completed the SRB, or will: started all the same, it is completed twice.
    ///
    /// ## Source
    /// Microsoft, "StorPortBuildIo rule (Storport)": devtest/storport-storportbuildio.
    StorPortBuildIo: SrbProcessing, Rule, on,
    why "the miniport has completed the request, or will: started all the same, it is completed twice",
    url "devtest/storport-storportbuildio",
    exhibits "stor-port-build-io",
    make |_| StorPortBuildIo::default()
}

/// The last visit of an SRB to HwStorBuildIo, while it lasts; and from then on, if FALSE was returned.
#[derive(Default)]
struct Visit {
    /// The activation, by its address, which tells it from a later one while it lasts.
    frame: usize,
    refused: Option<Box<Moment>>,
}

/// The rule.
#[derive(Default)]
struct StorPortBuildIo {
    visits: PerSrb<Visit>,
}

fn address(frame: &Frame<'_>) -> usize {
    std::ptr::from_ref(frame).addr()
}

impl Rule for StorPortBuildIo {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_BUILD_IO, &HW_STOR_START_IO])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match event.kind {
            EventKind::Begin(frame) if *frame.kind == HW_STOR_BUILD_IO => {
                self.visits.change(event, |visit| {
                    *visit = Some(Visit { frame: address(frame), refused: None });
                });
            }
            EventKind::End(frame, answer) if *frame.kind == HW_STOR_BUILD_IO => {
                self.visits.change(event, |known| {
                    // One that was completed in the call may be on its way again, elsewhere.
                    let Some(visit) = known.as_mut().filter(|visit| visit.frame == address(frame)) else {
                        return;
                    };
                    if answer.value() != 0 {
                        *known = None;
                    } else {
                        visit.refused = Some(Box::new(event.moment_to_keep().labelled("returned FALSE")));
                    }
                });
            }
            // HwStorStartIo: no third callback was asked for.
            EventKind::Begin(_) => {
                let refused = self.visits.change(event, |visit| visit.as_mut()?.refused.take())??;
                let what = "HwStorStartIo called for an SRB for which HwStorBuildIo returned FALSE";
                return Some(Breach::new(event, what).earlier([*refused]));
            }
            _ => {}
        }
        FINE
    }
}

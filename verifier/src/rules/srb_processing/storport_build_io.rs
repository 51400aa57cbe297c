//! StorPortBuildIo: a request that HwStorBuildIo ended does not come to HwStorStartIo.

use crate::rules::row::rule;
use crate::rules::state::{Empties, PerSrb};
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
    make |_| Box::<StorPortBuildIo>::default()
}

/// The last visit of an SRB to HwStorBuildIo.
#[derive(Default)]
struct Visit {
    /// The activation, by its address, which tells it from a later one while it lasts.
    frame: usize,
    refused: Option<Moment>,
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
                self.visits.of(event, |visit| *visit = Visit { frame: address(frame), refused: None });
            }
            // One that was completed in the call may be on its way again, elsewhere.
            EventKind::End(frame, answer) if *frame.kind == HW_STOR_BUILD_IO && answer.value() == 0 => {
                self.visits.of(event, |visit| {
                    if visit.frame == address(frame) {
                        visit.refused = Some(event.moment_to_keep().labelled("returned FALSE"));
                    }
                });
            }
            // HwStorStartIo: no third callback was asked for.
            EventKind::Begin(_) => {
                let refused = self.visits.of(event, |visit| visit.refused.take())??;
                let what = "HwStorStartIo called for an SRB for which HwStorBuildIo returned FALSE";
                return Some(Breach::new(event, what).earlier([refused]));
            }
            _ => {}
        }
        FINE
    }

    fn state(&self) -> Option<&dyn Empties> {
        Some(&self.visits)
    }
}

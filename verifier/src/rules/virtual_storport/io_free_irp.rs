//! IoFreeIrp: an IRP of the driver's own is freed, or has a completion routine that frees it.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use kernel_sim::routine::DRIVER_UNLOAD;
use kernel_sim::seen::has_completion_routine;
use parking_lot::Mutex;
use std::collections::BTreeMap;

rule! {
    /// An IRP from IoAllocateIrp is given to IoFreeIrp, or gets a completion routine.
    ///
    /// ## What is checked
    /// When an IRP that the driver allocated is sent, that its next stack location has a completion routine,
    /// in which the driver gets it back; and when the driver is unloaded, that no IRP is left which was
    /// neither freed nor sent with a completion routine. The static rule asks for one of the two before the
    /// routine ends; a driver that keeps an IRP for later is not told of here. Off unless asked for: an IRP
    /// that comes back to its maker without a routine is a stop of the machine, and so is one that is left.
    ///
    /// ## Why it matters
    /// The IRP is lost: its memory stays allocated, and the I/O manager completes it to a thread that never
    /// sent it.
    ///
    /// ## Source
    /// Microsoft, "IoFreeIrp rule (Storport)": devtest/storport-iofreeirp.
    IoFreeIrp: VirtualStorport, Rule, off, only Virtual,
    why "the IRP's memory is lost, or the I/O manager completes it to a thread that never sent it",
    url "devtest/storport-iofreeirp",
    exhibits "io-free-irp" with "--rules all",
    make |_| IoFreeIrp::default()
}

/// The rule: IRPs that were allocated and have no completion routine yet.
#[derive(Default)]
struct IoFreeIrp {
    live: Mutex<BTreeMap<usize, Moment>>,
}

impl Rule for IoFreeIrp {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::IoFreeIrp, &row::IoCallDriver]).exit(&[&row::IoAllocateIrp]);
        calls.callbacks(&[&DRIVER_UNLOAD])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if let EventKind::End(..) = event.kind {
            let (_, at) = self.live.lock().pop_first()?;
            let what = "the driver is unloaded, and has neither freed nor sent an IRP that it allocated";
            return Some(Breach::new(event, what).earlier([at]));
        }
        // What the system allocates, sends and frees is none of it.
        if !is_of_driver(event) {
            return FINE;
        }
        if let EventKind::Exit(_, irp) = event.kind
            && event.frame().is_some()
            && irp.pointer() != 0
        {
            let at = event.moment_to_keep().labelled("allocated");
            self.live.lock().insert(irp.pointer(), at);
        } else if let Some(call) = event.args::<args::IoFreeIrp>() {
            self.live.lock().remove(&call.Irp.pointer());
        } else if let Some(call) = event.args::<args::IoCallDriver>() {
            let at = self.live.lock().remove(&call.Irp.pointer())?;
            if !has_completion_routine(call.Irp.pointer()) {
                let what = "IoCallDriver for an IRP of the driver's own that has no completion routine";
                return Some(Breach::new(event, what).earlier([at]));
            }
        }
        FINE
    }
}

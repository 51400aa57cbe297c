//! The whole trace of a run, as text: one line an event.

use kernel_sim::hook::{CallbackSet, DdiSet, Event, EventKind, Halt, Interest, Watcher};
use kernel_sim::routine::Arg;
use parking_lot::Mutex;
use std::fmt::Write as _;

/// Collects a run's trace.
pub struct Trace {
    lines: Mutex<String>,
    /// The step before which to stop collecting.
    before: u64,
}

impl Trace {
    /// A trace of everything before step `before`.
    #[must_use]
    pub fn until(before: u64) -> Trace {
        Trace { lines: Mutex::new(String::new()), before }
    }

    /// What was collected.
    #[must_use]
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.lines.lock())
    }
}

impl Watcher for Trace {
    fn interest(&self) -> Interest {
        Interest { enter: DdiSet::ALL, exit: DdiSet::ALL, callbacks: CallbackSet::ALL, ..Interest::NOTHING }
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        if event.step() >= self.before {
            return None;
        }
        let what = match event.kind {
            EventKind::Enter(ddi, args) => {
                let shown: Vec<_> = ddi
                    .params
                    .iter()
                    .zip(args)
                    .map(|((name, _), arg)| format!("{name}={}", value(event, *arg)))
                    .collect();
                format!("{}({})  {}:{}", ddi.name, shown.join(", "), event.site.file(), event.site.line())
            }
            // A routine without a result has nothing to say on the way out.
            EventKind::Exit(_, Arg::Value(0)) => return None,
            EventKind::Exit(ddi, answer) => format!("  {} = {}", ddi.name, value(event, answer)),
            EventKind::Begin(frame) => format!("{} {{", frame.kind.name),
            EventKind::End(frame, _) => format!("}} {}", frame.kind.name),
            EventKind::Moved { .. } | EventKind::Touch { .. } => return None,
        };
        let depth = std::iter::successors(event.frame(), |frame| frame.outer()).count();
        let is_edge = matches!(event.kind, EventKind::Begin(_) | EventKind::End(..));
        let indent = "  ".repeat(depth.saturating_sub(usize::from(is_edge)));
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.lines.lock(),
            "{:>7} {:>12} ns  CPU {}  {:<14}  {indent}{what}",
            event.step(),
            event.time_ns(),
            event.cpu(),
            event.irql().name(),
        );
        None
    }
}

fn value(event: &Event<'_>, arg: Arg) -> String {
    match arg {
        Arg::Value(v) if v < 1 << 16 => v.to_string(),
        Arg::Value(v) => format!("{v:#x}"),
        Arg::Pointer(0) => "NULL".into(),
        Arg::Pointer(p) => kernel_sim::report_address(event.machine_address(p)),
        Arg::Routine => "routine".into(),
        Arg::NoRoutine => "NULL".into(),
    }
}

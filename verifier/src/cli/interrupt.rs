//! SIGINT and SIGTERM: asked to stop, and once more to stop at once.
//!
//! The first one is only noted; the work under way looks at it and ends. The second one ends the process
//! as if there were no handler.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Whether a signal has come.
pub(super) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the host does not let us.
    pub(super) fn listen() -> std::io::Result<Interrupt> {
        let which = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `again` unset and only then sets it.
            flag::register_conditional_default(signal, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
            flag::register_usize(signal, Arc::clone(&which), signal.unsigned_abs() as usize)?;
        }
        Ok(Interrupt(which))
    }

    /// Number of the signal that came, if one did.
    pub(super) fn came(&self) -> Option<u8> {
        let signal = self.0.load(SeqCst);
        (signal != 0).then(|| u8::try_from(signal).unwrap_or(u8::MAX))
    }
}

//! Layer 2: safe Rust over the DDIs, for drivers written new.
//!
//! Each type wraps one kernel object and calls layer 1, so hooks and rules see the same calls. It
//! adds no behaviour. Objects live in driver memory (an extension); a value that was moved after its
//! first use is the caller's mistake, as it would be in C.

mod lock;
mod rundown;
mod semaphore;
mod time;

pub use lock::{SpinGuard, SpinLock};
pub use rundown::{Rundown, RundownGuard};
pub use semaphore::Semaphore;
pub use time::{delay_us, interrupt_time_us, relative_us};

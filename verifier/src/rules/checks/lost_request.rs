//! LostRequest: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

rule! {
    /// Every request is completed.
    ///
    /// ## What is checked
    /// A request still outstanding after sixty seconds of machine time is lost; where a fault plan or events
    /// are on, after the hours that time-outs, resets and retries may take at worst. (A miniport that still
    /// has a request after a bus reset is stopped by Storport long before: bug check 0xF1/0x1007.) A service
    /// request may be kept for as long as other requests come back: the driver may have nothing to tell yet.
    ///
    /// ## Why it matters
    /// The thread that waits for it hangs for ever; so does the shutdown that waits for the thread.
    ///
    /// ## Source
    /// Our own check; sixty seconds is the time-out of Windows' disk class driver.
    LostRequest: Checks, Check, on,
    why "the thread that waits for it hangs for ever; so does the shutdown that waits for the thread",
    exhibits "lost-request"
}

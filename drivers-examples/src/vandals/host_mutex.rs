//! `vandal-host-mutex`: two processors, and a mutex of the standard library held across a call.
//!
//! **What is wrong.** The mutex is none of the kernel's: the machine does not know who holds it, and a thread
//! that waits for it takes its host thread along, on which the holder would have to go on.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
#[expect(clippy::disallowed_types, reason = "the mistake itself")]
use std::sync::Mutex;

#[expect(clippy::disallowed_types, reason = "the mistake itself")]
/// What is counted.
pub struct COUNTER(Mutex<u32>);

unsafe fn Count(Counter: &COUNTER) {
    for _ in 0..4 {
        let mut Count = Counter.0.lock().expect("no holder panics");
        let mut Now = LARGE_INTEGER { QuadPart: 0 };
        let mut Irql = 0;

        KeRaiseIrql(2, &mut Irql);
        KeQuerySystemTime(&mut Now);
        KeLowerIrql(Irql);
        *Count += 1;
    }
}

/// Every processor counts.
pub fn run(config: Config) -> Outcome {
    #[expect(clippy::disallowed_types, reason = "the mistake itself")]
    let counter = COUNTER(Mutex::new(0));
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run_on_every_processor(counter, |counter, _| unsafe { Count(counter) })
}

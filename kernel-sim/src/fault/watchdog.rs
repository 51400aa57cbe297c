//! The watchdog: driver code that makes no call and does not come back.
//!
//! A host thread of its own marks every processor that runs, a few times a second; a processor takes the mark
//! off at its next call. One whose mark stays on for the machine's patience is asked where it is. If that is
//! code of a driver, the run ends there as a runaway, and the fiber is abandoned like one that faulted. Time
//! is the host's, and a busy host is slow: so a thread must have used half of its patience in processor time,
//! or sleep in the host, where nothing of the machine's could wake it.
//!
//! Invariant: this is the one place where the host's clock may end a run; it decides nothing else.

use super::caught::{Why, explain};
use super::post::{POSTS, Place, Post, Silence, Work};
use crate::bugcheck::Ending;
use crate::host_clock::HostClock;
use crate::machine::Machine;
use crate::stack::Stack;
use parking_lot::{Condvar, Mutex};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Once};
use std::time::Duration;

/// How often it looks.
const TICK: Duration = Duration::from_millis(50);
/// Patience once a run is to end soon: the machine has stopped, or the time for all of it is over.
const HURRIED: Duration = Duration::from_millis(500);
/// Memory of the host that driver code may take between two calls.
const BYTES_MAX: usize = 256 << 20;
/// Processor time that it uses for that: other threads take memory, too, but not while this one is at work.
const BUSY_WITH_MEMORY: Duration = Duration::from_millis(100);
/// How often a thread is asked in one tick: it may be in a library, where it cannot be left.
const ASKED_MAX: u32 = 400;

static HURRY: AtomicBool = AtomicBool::new(false);

/// All runs are to end soon, or no longer. From then on driver code that makes no call is given up after half
/// a second, and any other run ends as [`Interrupted`](Ending::Interrupted) half a second later.
pub fn hurry(on: bool) {
    HURRY.store(on, SeqCst);
}

/// While it lives, the watchdog knows that this host thread runs a machine.
pub(crate) struct Watched(Arc<Post>);

/// Tells the watchdog that the calling host thread runs `cpu` of the machine, or all of its processors.
pub(crate) fn watch(machine: &Machine, cpu: Option<u8>) -> Watched {
    let post = super::room::furnish();
    start();
    *post.work.lock() = Some(Work::new(machine, cpu));
    Watched(post)
}

impl Drop for Watched {
    fn drop(&mut self) {
        *self.0.work.lock() = None;
    }
}

fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let thread = std::thread::Builder::new().name("watchdog".into());
        thread.spawn(run).expect("the host refuses a thread");
    });
}

fn run() {
    let (never, bell) = (Mutex::new(()), Condvar::new());
    let mut guard = never.lock();
    loop {
        bell.wait_for(&mut guard, TICK);
        let posts = POSTS.lock().clone();
        let resident_bytes = resident_bytes();
        for post in posts {
            look_after(&post, resident_bytes);
        }
    }
}

fn look_after(post: &Post, resident_bytes: usize) {
    let mut work = post.work.lock();
    let Some(work) = work.as_mut() else { return };
    let hurries = HURRY.load(SeqCst);
    if !hurries {
        work.hurried = None;
    } else if work.hurried.get_or_insert_with(HostClock::start).elapsed() >= HURRIED && work.has_called() {
        return work.machine().stop(Ending::Interrupted);
    }
    if work.has_called() {
        work.silent = Silence::begin(resident_bytes, processor_time(post));
        return work.mark();
    }
    if let Some(why) = reason(post, work, hurries, resident_bytes) {
        explain(why);
        for _ in 0..ASKED_MAX {
            let Some(place) = post.look() else { return };
            if !is_drivers(place) || work.has_called() || post.give_up(why == Why::Blocked) {
                return;
            }
        }
    }
}

/// Why the thread is to be given up, if it is.
fn reason(post: &Post, work: &Work, hurries: bool, resident_bytes: usize) -> Option<Why> {
    let silent = &work.silent;
    let busy = processor_time(post).saturating_sub(silent.processor_time);
    let taken = resident_bytes.saturating_sub(silent.resident_bytes);
    if taken > BYTES_MAX && busy >= BUSY_WITH_MEMORY {
        return Some(Why::TakesMemory);
    }
    let patience = match work.machine().patience {
        Duration::ZERO if hurries => HURRIED,
        Duration::ZERO => return None,
        patience if hurries || work.machine().is_quiet() => patience.min(HURRIED),
        patience => patience,
    };
    match () {
        () if silent.clock.elapsed() < patience => None,
        () if is_asleep(post) => Some(Why::Blocked),
        () if busy >= patience / 2 => Some(Why::Runs),
        () => None,
    }
}

/// Whether the thread is in code of a driver's.
fn is_drivers(place: Place) -> bool {
    place.on_kernel_stack && Stack::of(place.addresses).blame().own.is_none()
}

/// Processor time that the thread has used.
fn processor_time(post: &Post) -> Duration {
    stat(post).map_or(Duration::ZERO, |(_, ticks)| Duration::from_millis(ticks * 10))
}

/// Whether the thread sleeps in the host.
fn is_asleep(post: &Post) -> bool {
    stat(post).is_some_and(|(state, _)| state == 'S')
}

/// State and processor time, in hundredths of a second, of a thread.
fn stat(post: &Post) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{}/stat", post.thread())).ok()?;
    // Behind the name, which may contain anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let (user, system) = (fields.nth(10)?, fields.next()?);
    Some((state, user.parse::<u64>().ok()? + system.parse::<u64>().ok()?))
}

/// Bytes of memory that the process has.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * rustix::param::page_size()
}

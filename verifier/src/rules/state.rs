//! Keyed state for rules: what a rule remembers of a processor, a callback, a request, an object.
//!
//! A rule keeps no locks and most often clears nothing itself: each map here is locked inside, and forgets a
//! key when what it names ends (a callback returns). Where that would
//! cost each request an event, the map says so and the rule takes the state away. Invariant: no rule reads
//! state that was left under its key by something that has ended.

use crossbeam::utils::CachePadded;
use kernel_sim::frame::{Frame, Item};
use kernel_sim::hook::{CallbackSet, Event, EventKind, Interest};
use kernel_sim::machine::PROCESSORS_MAX;
use parking_lot::Mutex;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// State that empties itself.
pub trait Empties {
    /// The events that it has to be told of for that.
    fn interest(&self) -> Interest;

    /// Forgets what ends with this event.
    fn see(&self, event: &Event<'_>);
}

/// What a key names.
pub trait Key {
    /// The key of an event, where the event has one.
    fn of(event: &Event<'_>) -> Option<usize>;

    /// The events that a map has to be told of to notice the end of keys.
    fn interest() -> Interest;

    /// The key that ends with an event.
    fn ended(event: &Event<'_>) -> Option<usize>;
}

macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident, $map:ident, $of:expr, $interest:expr, $ended:expr;)*) => {$(
        $(#[$doc])*
        pub struct $key;

        impl Key for $key {
            fn of(event: &Event<'_>) -> Option<usize> {
                let of: fn(&Event<'_>) -> Option<usize> = $of;
                of(event)
            }
            fn interest() -> Interest {
                $interest
            }
            fn ended(event: &Event<'_>) -> Option<usize> {
                let ended: fn(&Event<'_>) -> Option<usize> = $ended;
                ended(event)
            }
        }

        $(#[$doc])*
        pub type $map<T> = Keyed<$key, T>;
    )*};
}

/// Activations that have state are noted, so those that have none cost nothing.
const NOTED: Interest = Interest { leaving_noted: CallbackSet::ALL, ..Interest::NOTHING };

keys! {
    /// State of a thread; it lasts as long as the machine.
    Thread, PerThread, |event| Some(event.thread() as usize), Interest::NOTHING, |_| None;
    /// State of one activation of a callback, until that returns.
    Activation, PerFrame, |event| frame_of(event).inspect(|frame| frame.note()).map(address), NOTED, |event| match event.kind {
        EventKind::End(frame, _) => Some(address(frame)),
        _ => None,
    };
    /// State of an SRB, by where it lies, until it is taken away: what is told of every request is dear, so
    /// nothing takes it away by itself.
    Srb, PerSrb, |event| srb_of(event), Interest::NOTHING, |_| None;
}

fn frame_of<'a>(event: &'a Event<'_>) -> Option<&'a Frame<'a>> {
    match event.kind {
        EventKind::Begin(frame) | EventKind::End(frame, _) => Some(frame),
        _ => event.frame(),
    }
}

fn address(frame: &Frame<'_>) -> usize {
    std::ptr::from_ref(frame).addr()
}

/// The SRB that the callback of an event is about.
fn srb_of(event: &Event<'_>) -> Option<usize> {
    match frame_of(event)?.item? {
        Item::Srb(at) => Some(at),
        _ => None,
    }
}

/// State of each processor; it lasts as long as the machine, and one processor's never waits for another's.
pub struct PerCpu<T>(OnceLock<Box<[CachePadded<Mutex<T>>]>>);

impl<T> Default for PerCpu<T> {
    fn default() -> PerCpu<T> {
        PerCpu(OnceLock::new())
    }
}

impl<T: Default> PerCpu<T> {
    /// Changes or reads the state of the event's processor.
    pub fn of<R>(&self, event: &Event<'_>, change: impl FnOnce(&mut T) -> R) -> R {
        let make = || (0..PROCESSORS_MAX).map(|_| CachePadded::default()).collect();
        change(&mut self.0.get_or_init(make)[usize::from(event.cpu())].lock())
    }
}

/// Parts of a map, so that processors which are about different things seldom wait for each other.
const PARTS: usize = 8;

/// The states of the few keys that have one at a time, by key: a list whose room stays when they go.
type Sorted<T> = Vec<(usize, T)>;

/// State by key.
pub struct Keyed<K, T> {
    parts: [CachePadded<Mutex<Sorted<T>>>; PARTS],
    key: PhantomData<fn(K)>,
}

impl<K, T> Default for Keyed<K, T> {
    fn default() -> Keyed<K, T> {
        Keyed { parts: std::array::from_fn(|_| CachePadded::default()), key: PhantomData }
    }
}

impl<K, T> Keyed<K, T> {
    /// The part of a key. Keys are addresses most often, which differ in no low bits.
    fn part(&self, key: usize) -> &Mutex<Sorted<T>> {
        &self.parts[key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (usize::BITS - PARTS.ilog2())]
    }
}

/// Where a key stands, or belongs.
fn place<T>(states: &[(usize, T)], key: usize) -> Result<usize, usize> {
    states.binary_search_by_key(&key, |(key, _)| *key)
}

impl<K: Key, T> Keyed<K, T> {
    /// Gives, changes or takes away the state of what the event is about, which has none (`None`) until it is
    /// given one; returns `None` if the event is about no such thing.
    pub fn change<R>(&self, event: &Event<'_>, change: impl FnOnce(&mut Option<T>) -> R) -> Option<R> {
        let key = K::of(event)?;
        let states = &mut *self.part(key).lock();
        let (place, mut state) = match place(states, key) {
            Ok(place) => (place, Some(states.remove(place).1)),
            Err(place) => (place, None),
        };
        let answer = change(&mut state);
        if let Some(state) = state {
            states.insert(place, (key, state));
        }
        Some(answer)
    }
}

impl<K: Key, T: Default> Keyed<K, T> {
    /// Changes or reads the state of what the event is about; `None` if it is about no such thing.
    pub fn of<R>(&self, event: &Event<'_>, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        K::of(event).map(|key| self.at(key, change))
    }

    /// Changes or reads the state of a key.
    fn at<R>(&self, key: usize, change: impl FnOnce(&mut T) -> R) -> R {
        let states = &mut *self.part(key).lock();
        let place = place(states, key).unwrap_or_else(|place| {
            states.insert(place, (key, T::default()));
            place
        });
        change(&mut states[place].1)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }
}

impl<K: Key, T> Empties for Keyed<K, T> {
    fn interest(&self) -> Interest {
        K::interest()
    }

    fn see(&self, event: &Event<'_>) {
        if let Some(key) = K::ended(event) {
            let states = &mut *self.part(key).lock();
            if let Ok(place) = place(states, key) {
                states.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::held::HeldLock;
    use kernel_sim::hook::{Caller, Here};
    use kernel_sim::irql::Irql;
    use kernel_sim::moment::Moment;
    use kernel_sim::routine::{Arg, DEFERRED_ROUTINE};
    use kernel_sim::site::Site;

    /// A processor on which nothing happens.
    struct Idle;

    impl Here for Idle {
        fn cpu(&self) -> u8 {
            3
        }
        fn thread(&self) -> u32 {
            7
        }
        fn irql(&self) -> Irql {
            Irql::PASSIVE
        }
        fn step(&self) -> u64 {
            0
        }
        fn time_ns(&self) -> u64 {
            0
        }
        fn stalled_us(&self) -> u64 {
            0
        }
        fn frame(&self) -> Option<&Frame<'_>> {
            None
        }
        fn caller(&self) -> Caller {
            Caller::Driver
        }
        fn held_count(&self) -> u32 {
            0
        }
        fn held_locks(&self) -> Vec<HeldLock> {
            Vec::new()
        }
        fn held_last(&self) -> Option<HeldLock> {
            None
        }
        fn held_addresses(&self) -> smallvec::SmallVec<[u64; 4]> {
            smallvec::SmallVec::new()
        }
        fn held_lock(&self, _: usize) -> Option<HeldLock> {
            None
        }
        fn machine_address(&self, _: usize) -> u64 {
            0
        }
        fn doer(&self) -> kernel_sim::hook::Doer {
            unreachable!("no test of this module asks who acts")
        }
        fn mark(&self, _: Site) -> kernel_sim::moment::Mark {
            unreachable!("no test of this module remembers an access")
        }
        fn mark_of_call(&self) -> kernel_sim::moment::Mark {
            unreachable!("no test of this module remembers a call")
        }
        fn moment_of(&self, _: &kernel_sim::moment::Mark, _: &'static str) -> Moment {
            Moment::on(3)
        }
        fn is_shared_memory(&self, _: usize) -> bool {
            false
        }
        fn moment(&self) -> Moment {
            Moment::on(3)
        }
        fn moment_to_keep(&self) -> Moment {
            Moment::on(3)
        }
        fn irql_changed(&self) -> Option<Moment> {
            None
        }
        fn taken(&self, lock: &HeldLock) -> Moment {
            Moment::of_taking(3, lock)
        }
    }

    fn event(kind: EventKind<'_>) -> Event<'_> {
        Event::new(kind, Site::caller(), &Idle)
    }

    #[test]
    fn state_of_an_srb_stays_until_it_is_taken_away() {
        let srbs = PerSrb::<u32>::default();
        let frame = |item| Frame::new(&DEFERRED_ROUTINE, &[]).about(item);
        let [one, other, irp] = [Item::Srb(0x10), Item::Srb(0x20), Item::Irp(0x10)].map(frame);
        let about = |frame| event(EventKind::Begin(frame));
        assert_eq!(srbs.change(&about(&one), |state| state.replace(5)), Some(None));
        assert_eq!(srbs.change(&about(&other), |state| *state), Some(None));
        assert_eq!(srbs.change(&about(&irp), |state| *state), None);
        srbs.see(&event(EventKind::End(&one, Arg::Value(0))));
        assert_eq!((srbs.len(), srbs.change(&about(&one), Option::take)), (1, Some(Some(5))));
        assert_eq!(srbs.len(), 0);
    }

    #[test]
    fn each_of_many_keys_has_state_of_its_own() {
        let threads = PerThread::<usize>::default();
        let keys = || (1..200).map(|n| n * 0x40);
        keys().rev().for_each(|key| threads.at(key, |state| *state = key));
        assert!(keys().all(|key| threads.at(key, |state| *state) == key) && threads.len() == 199);
    }

    #[test]
    fn a_map_is_told_of_the_end_of_what_its_keys_name() {
        assert_ne!(PerFrame::<u32>::default().interest().leaving_noted, CallbackSet::EMPTY);
    }

    #[test]
    fn state_of_a_callback_goes_when_it_returns() {
        let frames = PerFrame::<u32>::default();
        let (outer, inner) = (Frame::new(&DEFERRED_ROUTINE, &[]), Frame::new(&DEFERRED_ROUTINE, &[]));
        for frame in [&outer, &inner] {
            frames.of(&event(EventKind::Begin(frame)), |n| *n += 1);
        }
        frames.see(&event(EventKind::End(&inner, Arg::Value(0))));
        assert_eq!(frames.len(), 1);
        assert_eq!(frames.of(&event(EventKind::Begin(&outer)), |n| *n), Some(1));
    }

    #[test]
    fn processors_and_threads_have_state_of_their_own() {
        let begins = Frame::new(&DEFERRED_ROUTINE, &[]);
        let event = event(EventKind::Begin(&begins));
        let (cpus, threads) = (PerCpu::<u32>::default(), PerThread::<u32>::default());
        cpus.of(&event, |n| *n = 1);
        assert_eq!(cpus.of(&event, |n| *n), 1);
        assert_eq!(threads.of(&event, |n| *n), Some(0));
        assert_eq!(threads.at(7, |n| *n + 1), 1);
    }
}

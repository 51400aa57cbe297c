//! Footprints: the objects that each step of a run touched, for strategies that look for equivalent orders.
//!
//! Kept only while a strategy asks for it ([`Choose::follows`]): then every step is shown to it, with
//! all objects that the step saw or changed. A routine whose row says nothing more precise touches
//! everything. It judges nothing: whether two steps may be exchanged is for the strategy to say.
//!
//! Invariant: whatever one processor can see of what another did is touched by both. What a driver
//! keeps in plain memory is not seen: such memory is expected to be guarded by a lock or to belong to
//! one processor at a time.
//!
//! [`Choose::follows`]: crate::choose::Choose::follows

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

use super::Deterministic;
use crate::choose::{Access, Step, Touch, Transition, object};
use crate::machine::Machine;
use crate::processor::Processor;
use crate::routine::{Arg, DdiInfo, Effect};
use std::cell::{Cell, UnsafeCell};

/// The footprint of the step that is being made, as far as it is known.
pub(super) struct Footprint {
    /// Whether the strategy wants to know.
    pub(super) wanted: bool,
    touches: UnsafeCell<Vec<Touch>>,
    began: Cell<Option<Transition>>,
    /// Machine time passed because no processor could go on.
    waited: Cell<bool>,
    /// The first pointer argument of the call that each processor is about to make.
    next_object: [Cell<u64>; 64],
}

impl Footprint {
    pub(super) fn new(wanted: bool) -> Footprint {
        Footprint {
            wanted,
            touches: UnsafeCell::new(Vec::new()),
            began: Cell::new(None),
            waited: Cell::new(false),
            next_object: [const { Cell::new(0) }; 64],
        }
    }
}

impl Footprint {
    pub(super) fn reset(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.touches.get_mut().clear();
        self.began.set(None);
        self.waited.set(false);
    }
}

impl Deterministic {
    /// Whether the strategy follows every step.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.footprint.wanted
    }

    /// Notes that the present step touches an object.
    #[inline]
    pub(crate) fn touch(&self, object: impl FnOnce() -> u64, access: Access) {
        if self.footprint.wanted {
            self.add(object(), access);
        }
    }

    #[cold]
    fn add(&self, object: u64, access: Access) {
        // SAFETY: one host thread; no reference is alive across calls.
        let touches = unsafe { &mut *self.footprint.touches.get() };
        match touches.iter_mut().find(|t| t.object == object) {
            Some(t) => t.access = t.access.and(access),
            None => touches.push(Touch { object, access }),
        }
    }

    /// Remembers which object the call that `cpu` is about to make is for.
    #[cold]
    pub(crate) fn announce(&self, machine: &Machine, cpu: &Processor, args: &[Arg]) {
        let object = match args.first() {
            Some(Arg::Pointer(p)) => machine.machine_address(*p),
            _ => 0,
        };
        self.footprint.next_object[usize::from(cpu.index())].set(object);
    }

    /// Touches what the row of a routine says.
    #[cold]
    pub(crate) fn touch_effect(&self, machine: &Machine, ddi: &DdiInfo, args: &[Arg]) {
        let first = || match args.first() {
            Some(Arg::Pointer(p)) => machine.machine_address(*p),
            _ => object::EVERYTHING,
        };
        match ddi.effect() {
            Effect::Own | Effect::Body | Effect::Acquire => {}
            Effect::Everything => self.add(object::EVERYTHING, Access::Change),
            Effect::Object => self.add(first(), Access::Change),
            Effect::Look => self.add(first(), Access::Look),
            Effect::Clock => self.add(object::CLOCK, Access::Look),
        }
    }

    pub(super) fn note_waited(&self) {
        self.footprint.waited.set(true);
    }

    /// Shows the strategy the step of that number, which ends here and which `cpu` made.
    #[cold]
    pub(super) fn show_step(&self, number: u64, cpu: &Processor) {
        // SAFETY: one host thread; the strategy cannot reach the executor.
        let (choose, touches) = unsafe { (&mut *self.choose.get(), &mut *self.footprint.touches.get()) };
        let n = cpu.index();
        let power_on = Transition::Run(n);
        choose.as_dyn().stepped(&Step {
            number,
            transition: self.footprint.began.take().unwrap_or(power_on),
            touches,
            cpu: n,
            next: cpu.call.get(),
            next_object: self.footprint.next_object[usize::from(n)].take(),
        });
        touches.clear();
    }

    /// Whether a step was begun that the strategy has not been shown.
    pub(super) fn is_in_step(&self) -> bool {
        self.footprint.began.get().is_some()
    }

    /// Notes the transition that begins the next step.
    pub(super) fn begin_step(&self, transition: Transition) {
        self.footprint.began.set(Some(transition));
        if self.footprint.waited.take() {
            self.add(object::EVERYTHING, Access::Change);
        }
    }
}

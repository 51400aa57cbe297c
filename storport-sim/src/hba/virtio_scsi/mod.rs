//! A virtio SCSI host adapter (VIRTIO 1.2, 5.6) behind the modern PCI transport (4.1), before a [`Medium`].
//!
//! A control queue, an event queue, and one request queue per processor or so. The driver puts chains into a
//! ring and writes a notification register; everything else is a *step*: fetching what a ring holds,
//! executing one request, carrying out one task management function, reporting one event, going to sleep over
//! a ring, interrupts that nothing asked for, and the reset itself. So what is done when, and in which order
//! requests end, is the executor's choice.
//!
//! ```text
//! slot.rs       configuration space, where registers lie     registers.rs  the register file, the handshake
//! ring.rs       the device's side of a virtqueue             chain.rs      a descriptor chain as memory
//! tasks.rs      requests the device has, by what they wait for
//! execute.rs    one request, and how its end is delivered    control.rs    task management, events
//! lies.rs       what a hostile device says instead
//! spec.rs       the specification's numbers
//! ```
//!
//! Faults follow the completion's [`Disposition`](crate::disk::fault::Disposition): see `execute`. A driver
//! that breaks the rings, or a request too short to hold its header, makes the device set DEVICE_NEEDS_RESET
//! (2.1.2) and stop; a reset ends that, and a hang. When the medium is pulled out registers read as all ones
//! and nothing happens any more.
//!
//! Not here: packed rings, protection information, parameter changes (a disk of this simulator does not
//! grow), legacy and transitional interfaces. Invariant: whatever is written to registers and rings, the
//! device goes on or asks for a reset; it never panics, and reaches driver memory through the bus only.

mod chain;
mod control;
mod execute;
mod lies;
mod registers;
mod ring;
mod slot;
mod spec;
mod tasks;

#[cfg(test)]
mod tests;

pub use slot::slot;

use crate::Medium;
use chain::Chain;
use kernel_sim::hardware::{Bus, HardwareModel};
use registers::{Asked, Registers};
use ring::{Broken, Ring};
use slot::{COMMON, COMMON_BYTES, CONFIG, CONFIG_BYTES, ISR, NOTIFY, NOTIFY_STRIDE};
use spec::{CONTROL_QUEUE, EVENT_QUEUE, FIRST_REQUEST_QUEUE, ISR_CONFIG, ISR_QUEUE, NO_VECTOR};
use std::collections::VecDeque;
use std::sync::Arc;
use tasks::Tasks;

/// The vector the line is wired to.
pub const VECTOR: u32 = 0x61;
/// Request queues an adapter may have.
pub const REQUEST_QUEUES_MAX: u16 = 16;

/// The options of an adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Request queues, 1 to [`REQUEST_QUEUES_MAX`].
    pub request_queues: u16,
    /// Descriptors of every queue: a power of two, at most 1024.
    pub queue_size: u16,
    /// Whether indirect descriptors are offered.
    pub indirect: bool,
    /// Whether event indices are offered.
    pub event_index: bool,
    /// Whether it has messages: one for each queue and one for the configuration. Without, there is the line.
    pub has_messages: bool,
    /// The highest number of a target, as `max_target` says it; the medium is target 0. Drivers that take it
    /// for the number of targets find none where it is 0.
    pub target_max: u16,
    /// Whether it interrupts for its first request queue once as soon as the driver is ready, though nothing
    /// was used: a driver must be ready for such an interrupt (2.7.7.1).
    pub interrupts_early: bool,
    /// After how many requests each it tells of a changed configuration, in which nothing differs; 0: never.
    pub changes_every: u16,
}

impl Options {
    /// An adapter with a request queue for each processor, and everything on offer.
    #[must_use]
    pub fn for_processors(processors: u8) -> Options {
        Options {
            request_queues: u16::from(processors).clamp(1, REQUEST_QUEUES_MAX),
            queue_size: 256,
            indirect: true,
            event_index: true,
            has_messages: true,
            target_max: 0,
            interrupts_early: false,
            changes_every: 0,
        }
    }

    /// The same, with what is out of bounds put within.
    fn corrected(self) -> Options {
        Options {
            request_queues: self.request_queues.clamp(1, REQUEST_QUEUES_MAX),
            queue_size: self.queue_size.clamp(2, 1024).next_power_of_two(),
            ..self
        }
    }

    fn queues(&self) -> usize {
        FIRST_REQUEST_QUEUE + usize::from(self.request_queues)
    }

    fn messages(&self) -> u32 {
        if self.has_messages { self.queues() as u32 + 1 } else { 0 }
    }
}

/// The adapter. See the module page.
pub struct VirtioScsi {
    medium: Arc<Medium>,
    options: Options,
    registers: Registers,
    rings: Vec<Ring>,
    tasks: Tasks,
    /// Control requests that were fetched.
    controls: VecDeque<Chain>,
    /// Buffers for events, and whether an event found none.
    event_buffers: VecDeque<Chain>,
    has_missed_events: bool,
    /// The early interrupt is still to come.
    is_early: bool,
    /// Requests executed since it told of its configuration last; and whether it is to do so.
    executed: u16,
    has_changed: bool,
    /// Chains without a use, for their room.
    spare: Vec<Chain>,
    /// Data that does not lie in one piece, on its way.
    bounce: Vec<u8>,
    /// A reset was asked for and has not happened.
    is_resetting: bool,
    /// A fault: nothing goes on until the next reset.
    is_hung: bool,
    /// Messages sent and not taken.
    sent: u64,
    /// Lies told, and the identifier that is to be given back beside the next one.
    lies: u32,
    stray: Option<u32>,
}

/// A step that the device could take next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Reset,
    Fetch(usize),
    Execute(usize),
    Deliver(usize),
    Control,
    Event,
    Early,
    Change,
    Sleep(usize),
}

impl VirtioScsi {
    /// An adapter as after power-on. Options out of bounds are put within.
    #[must_use]
    pub fn new(medium: Arc<Medium>, options: Options) -> VirtioScsi {
        crate::register_sources();
        let options = options.corrected();
        VirtioScsi {
            medium,
            options,
            registers: Registers::new(&options),
            rings: (0..options.queues()).map(|_| Ring::new(options.queue_size)).collect(),
            tasks: Tasks::default(),
            controls: VecDeque::new(),
            event_buffers: VecDeque::new(),
            has_missed_events: false,
            is_early: options.interrupts_early,
            executed: 0,
            has_changed: false,
            spare: Vec::new(),
            bounce: Vec::new(),
            is_resetting: false,
            is_hung: false,
            sent: 0,
            lies: 0,
            stray: None,
        }
    }

    /// Everything as after power-on; what the device had of requests is forgotten (2.4).
    fn reset(&mut self) {
        let lies = self.lies;
        *self = VirtioScsi { lies, ..VirtioScsi::new(Arc::clone(&self.medium), self.options) };
    }

    fn notify(&mut self, offset: usize, width: u8, value: u64) {
        let queue = (offset - NOTIFY) / NOTIFY_STRIDE;
        let is_exact = offset.is_multiple_of(NOTIFY_STRIDE) && width == 2 && value == queue as u64;
        if !is_exact || !self.registers.is_running() {
            return;
        }
        if let Some(ring) = self.rings.get_mut(queue).filter(|ring| ring.is_enabled) {
            ring.is_notified = true;
        }
    }

    /// Whether units that came or went are to be reported, or a missed event can be by now.
    fn has_event(&self) -> bool {
        self.medium.changes() != 0 || self.has_missed_events && !self.event_buffers.is_empty()
    }

    /// How many rings could be looked at, and how many could be gone to sleep over.
    fn ring_steps(&self) -> (u32, u32) {
        let notified = self.rings.iter().filter(|ring| ring.is_notified).count();
        let awake = self.rings.iter().filter(|ring| ring.is_awake && !ring.is_notified).count();
        (notified as u32, awake as u32)
    }

    /// The step of a number below [`steps`](HardwareModel::steps). The executor that takes the first one
    /// always goes to sleep over a ring last.
    fn nth_step(&self, which: u32) -> Option<Step> {
        let mut n = which;
        let mut among = |count: usize| {
            let found = (n as usize) < count;
            let at = n as usize;
            n = n.saturating_sub(count as u32);
            found.then_some(at)
        };
        if among(usize::from(self.is_resetting)).is_some() {
            return Some(Step::Reset);
        }
        let (notified, _) = self.ring_steps();
        let nth = |at: usize, wanted: fn(&Ring) -> bool| {
            self.rings.iter().enumerate().filter(|(_, ring)| wanted(ring)).nth(at).map(|(queue, _)| queue)
        };
        if let Some(at) = among(notified as usize) {
            return nth(at, |ring| ring.is_notified).map(Step::Fetch);
        }
        if let Some(at) = among(self.tasks.ready()) {
            return Some(Step::Execute(at));
        }
        if let Some(at) = among(self.tasks.deliverable()) {
            return Some(Step::Deliver(at));
        }
        if among(usize::from(!self.controls.is_empty())).is_some() {
            return Some(Step::Control);
        }
        if among(usize::from(self.has_event())).is_some() {
            return Some(Step::Event);
        }
        if among(usize::from(self.is_early)).is_some() {
            return Some(Step::Early);
        }
        if among(usize::from(self.has_changed)).is_some() {
            return Some(Step::Change);
        }
        nth(n as usize, |ring| ring.is_awake && !ring.is_notified).map(Step::Sleep)
    }

    fn take_step(&mut self, step: Step, bus: &Bus<'_>) -> Result<(), Broken> {
        match step {
            Step::Reset => {
                self.reset();
                Ok(())
            }
            Step::Fetch(queue) => {
                self.rings[queue].is_notified = false;
                let features = self.registers.features();
                self.rings[queue].stay_awake(bus, features)?;
                self.fetch(queue, bus)
            }
            Step::Execute(at) => {
                self.count_executed();
                self.execute(at, bus)
            }
            Step::Deliver(at) => self.deliver_late(at, bus),
            Step::Control => self.carry_out_control(bus),
            Step::Event => self.report_event(bus),
            Step::Early => {
                self.is_early = false;
                let vector = self.rings[FIRST_REQUEST_QUEUE].vector;
                self.interrupt(vector, ISR_QUEUE);
                Ok(())
            }
            Step::Change => {
                self.has_changed = false;
                let vector = self.registers.change_configuration();
                self.interrupt(vector, ISR_CONFIG);
                Ok(())
            }
            Step::Sleep(queue) => {
                let features = self.registers.features();
                if self.rings[queue].fall_asleep(bus, features)? {
                    self.rings[queue].is_notified = true;
                }
                Ok(())
            }
        }
    }

    /// Takes what a ring holds.
    fn fetch(&mut self, queue: usize, bus: &Bus<'_>) -> Result<(), Broken> {
        let features = self.registers.features();
        for _ in 0..self.rings[queue].waiting(bus)? {
            let mut chain = self.spare.pop().unwrap_or_default();
            self.rings[queue].take(bus, features, &mut chain)?;
            match queue {
                CONTROL_QUEUE => self.controls.push_back(chain),
                EVENT_QUEUE => self.event_buffers.push_back(chain),
                _ => self.admit(queue, chain, bus)?,
            }
        }
        Ok(())
    }

    /// Gives a chain back to the driver, with `bytes` written in it, and tells it if it wants to be told.
    fn give_back(
        &mut self,
        queue: usize,
        head: u16,
        bytes: usize,
        times: u16,
        bus: &Bus<'_>,
    ) -> Result<(), Broken> {
        let features = self.registers.features();
        let ring = &mut self.rings[queue];
        let (times, stray) = match self.stray.take() {
            stray if ring.has_room_for_two() => (times, stray),
            _ => (1, None),
        };
        if ring.give_back(bus, features, stray, (head, bytes as u32), times)? {
            let vector = ring.vector;
            self.interrupt(vector, ISR_QUEUE);
        }
        Ok(())
    }

    /// Counts a request towards the next change of the configuration.
    fn count_executed(&mut self) {
        let every = self.options.changes_every;
        if every != 0 {
            self.executed = (self.executed + 1) % every;
            self.has_changed |= self.executed == 0;
        }
    }

    fn interrupt(&mut self, vector: u16, isr: u8) {
        if vector != NO_VECTOR {
            self.sent |= 1 << vector;
        } else if !self.registers.uses_messages(&self.rings) {
            self.registers.isr |= isr;
        }
    }

    /// The driver did what cannot be made sense of.
    fn ask_for_reset(&mut self) {
        let vector = self.registers.ask_for_reset();
        if vector != NO_VECTOR {
            self.sent |= 1 << vector;
        }
    }

    fn has(&self, feature: u64) -> bool {
        self.registers.features() & feature != 0
    }
}

impl HardwareModel for VirtioScsi {
    fn name(&self) -> &'static str {
        "virtio-scsi"
    }

    fn line(&self) -> (u32, bool) {
        let is_used = !self.registers.uses_messages(&self.rings) && !self.medium.is_gone();
        (VECTOR, is_used && self.registers.isr != 0)
    }

    fn read(&mut self, offset: usize, width: u8) -> u64 {
        if self.medium.is_gone() {
            return u64::MAX;
        }
        let value = match offset {
            COMMON..COMMON_END => self.registers.read_common(offset - COMMON, width, &self.rings),
            // Reading it is the acknowledgement.
            ISR if width == 1 => Some(u64::from(std::mem::take(&mut self.registers.isr))),
            CONFIG..CONFIG_END => self.registers.read_config(offset - CONFIG, width),
            _ => None,
        };
        let value = value.unwrap_or(u64::MAX);
        self.say_of_itself(offset, width, value)
    }

    fn write(&mut self, offset: usize, width: u8, value: u64) {
        if self.medium.is_gone() || self.is_resetting {
            return;
        }
        match offset {
            COMMON..COMMON_END => {
                let asked = self.registers.write_common(offset - COMMON, width, value, &mut self.rings);
                if asked == Asked::Reset {
                    // Until it has happened the status reads as it was; one that is zero says that it has.
                    if self.registers.is_untouched() {
                        self.reset();
                    } else {
                        self.is_resetting = true;
                    }
                }
            }
            CONFIG..CONFIG_END => self.registers.write_config(offset - CONFIG, width, value),
            NOTIFY.. => self.notify(offset, width, value),
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        if self.medium.is_gone() {
            return 0;
        }
        let reset = u32::from(self.is_resetting);
        if self.is_hung || !self.registers.is_running() {
            return reset;
        }
        let (notified, awake) = self.ring_steps();
        let requests = self.tasks.ready() + self.tasks.deliverable();
        let unasked = u32::from(self.is_early) + u32::from(self.has_changed);
        let others = u32::from(!self.controls.is_empty()) + u32::from(self.has_event()) + unasked;
        reset + notified + requests as u32 + others + awake
    }

    fn step(&mut self, which: u32, bus: &Bus<'_>) {
        let Some(step) = self.nth_step(which) else { return };
        if self.take_step(step, bus) == Err(Broken) {
            self.ask_for_reset();
        }
    }

    fn message_count(&self) -> u32 {
        self.options.messages()
    }

    fn take_messages(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }

    fn due_ns(&self) -> Option<u64> {
        let goes_on = !self.is_hung && !self.medium.is_gone() && self.registers.is_running();
        if goes_on { self.tasks.due_ns() } else { None }
    }

    fn time_has_come(&mut self, now_ns: u64) {
        self.tasks.time_has_come(now_ns);
    }
}

const COMMON_END: usize = COMMON + COMMON_BYTES;
const CONFIG_END: usize = CONFIG + CONFIG_BYTES;

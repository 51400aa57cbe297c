//! Timers: one ordered set of due times for kernel timers and wait time-outs.
//!
//! When a timer's time has come its expiry is an event of its own, which the schedule may delay. Expiry
//! signals the timer, queues its DPC, and arms it again if it is periodic. A DPC without a target processor
//! goes to any of them: which one expires a timer is Windows' business (the processor that armed it, the one
//! that owns the clock, another that is awake), and no page promises one.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{BugCheck, Ending, TIMER_OR_DPC_INVALID};
use crate::choose::{Access, object as touched};
use crate::ddi::Call;
use crate::ddi::types::{
    BOOLEAN, FALSE, KDPC, KTIMER, LARGE_INTEGER, LIST_ENTRY, LONG, PKDPC, PKTIMER, TIMER_NOTIFICATION_OBJECT,
    TIMER_SYNCHRONIZATION_OBJECT, TIMER_TYPE, TRUE,
};
use crate::irql::Irql;
use crate::kernel::Kernel;
use crate::leftovers;
use crate::lives;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::sync::thread::Thread;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// The IRQL at which the clock interrupt runs and timers expire.
const CLOCK_LEVEL: Irql = Irql(13);

/// System time at power-on, in 100 ns units since 1601: 2024-01-01 00:00 UTC. Fixed, so that runs repeat.
pub(crate) const SYSTEM_TIME_AT_POWER_ON: i64 = 133_485_408_000_000_000;

/// Status of a wait that timed out.
pub(crate) const STATUS_TIMEOUT: i32 = 0x102;

/// The action of a timer that expires.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Expiry {
    /// A KTIMER at this host address, and the processor that armed it.
    Timer { address: usize, armed_by: u8 },
    /// Wait `number` of the thread ends with a time-out.
    Wait { thread: usize, number: u64 },
    /// The due time of this device has come.
    Device(usize),
}

/// An armed timer. Ordered by due time, then by the order of arming.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct TimerEntry {
    pub due_ns: u64,
    pub number: u64,
    pub expiry: Expiry,
}

fn object<'a>(call: &Call, timer: PKTIMER) -> &'a mut KTIMER {
    let address = timer as usize;
    if !call.cpu.is_memory(address, size_of::<KTIMER>()) || !timer.is_aligned() {
        call.bad_pointer(address, "the KTIMER");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; fields are written under the kernel
    // lock, except by `initialize`, whose caller owns the object.
    unsafe { &mut *timer }
}

fn live<'a>(call: &Call, timer: PKTIMER) -> &'a mut KTIMER {
    let object = object(call, timer);
    if !is_live(object) {
        let shown = call.cpu.machine().machine_address(timer as usize);
        call.bug_check(
            TIMER_OR_DPC_INVALID,
            [0, shown, u64::from(call.cpu.irql().0), 0],
            format!("{} was given a KTIMER that was never initialized (or is freed)", call.ddi.name),
        );
    }
    object
}

/// Whether memory holds an initialized timer: its type, and a wait list head that points at itself.
fn is_live(timer: &mut KTIMER) -> bool {
    let kind = timer.Header.Type;
    let list = &raw mut timer.Header.WaitListHead;
    (kind == TIMER_NOTIFICATION_OBJECT || kind == TIMER_SYNCHRONIZATION_OBJECT)
        && timer.Header.WaitListHead.Flink == list
}

pub(crate) unsafe fn initialize(call: &Call, timer: PKTIMER) {
    // SAFETY: the driver's own pointer, which `initialize_ex` resolves before it uses it.
    unsafe { initialize_ex(call, timer, 0) }
}

pub(crate) unsafe fn initialize_ex(call: &Call, timer: PKTIMER, kind: TIMER_TYPE) {
    let t = object(call, timer);
    let machine = call.cpu.machine();
    if machine.linked_objects.load(Relaxed) != 0 && machine.is_armed(timer as usize) {
        lives::stop_in_use(call, timer as usize, "initialises a timer that is armed", Vec::new());
    }
    t.Header.Type = if kind == 0 { TIMER_NOTIFICATION_OBJECT } else { TIMER_SYNCHRONIZATION_OBJECT };
    t.Header.Inserted = 0;
    t.Header.SignalState = 0;
    let list = &raw mut t.Header.WaitListHead;
    t.Header.WaitListHead = LIST_ENTRY { Flink: list, Blink: list };
    t.DueTime = 0;
    t.Period = 0;
    t.Dpc = null_mut();
}

pub(crate) unsafe fn set(call: &Call, timer: PKTIMER, due: LARGE_INTEGER, dpc: PKDPC) -> BOOLEAN {
    // SAFETY: the driver's own pointers, which `set_ex` resolves before it uses them.
    unsafe { set_ex(call, timer, due, 0, dpc) }
}

pub(crate) unsafe fn set_ex(
    call: &Call,
    timer: PKTIMER,
    due: LARGE_INTEGER,
    period_ms: LONG,
    dpc: PKDPC,
) -> BOOLEAN {
    let object = live(call, timer);
    if !dpc.is_null() {
        super::dpc::object(call, dpc);
    }
    let machine = call.cpu.machine();
    let due_ns = machine.due_ns(due.QuadPart());
    call.cpu.meets(timer as usize);
    let mut kernel = machine.kernel.lock();
    let was_armed = machine.disarm(&mut kernel, object);
    object.Header.SignalState = 0;
    object.Dpc = dpc;
    object.Period = u32::try_from(period_ms).unwrap_or(0);
    machine.arm(&mut kernel, due_ns, Expiry::Timer { address: timer as usize, armed_by: call.cpu.index() });
    object.Header.Inserted = 1;
    if let Some(mark) = leftovers::mark_of_driver(call) {
        kernel.driver_timers.insert(timer as usize, mark);
    }
    BOOLEAN::from(was_armed)
}

pub(crate) unsafe fn cancel(call: &Call, timer: PKTIMER) -> BOOLEAN {
    let object = live(call, timer);
    call.cpu.meets(timer as usize);
    let machine = call.cpu.machine();
    let mut kernel = machine.kernel.lock();
    BOOLEAN::from(machine.disarm(&mut kernel, object))
}

pub(crate) unsafe fn read_state(call: &Call, timer: PKTIMER) -> BOOLEAN {
    call.cpu.takes(timer as usize);
    if live(call, timer).Header.SignalState != 0 { TRUE } else { FALSE }
}

impl Machine {
    /// Machine time of a documented due time: negative is relative, positive absolute system time,
    /// both in 100 ns units.
    pub(crate) fn due_ns(&self, due_100ns: i64) -> u64 {
        if due_100ns < 0 {
            self.time_ns().saturating_add(due_100ns.unsigned_abs().saturating_mul(100))
        } else {
            u64::try_from(due_100ns.saturating_sub(SYSTEM_TIME_AT_POWER_ON)).unwrap_or(0).saturating_mul(100)
        }
    }

    /// Arms a timer.
    pub(crate) fn arm(&self, kernel: &mut Kernel, due_ns: u64, expiry: Expiry) -> TimerEntry {
        kernel.timer_number += 1;
        let entry = TimerEntry { due_ns, number: kernel.timer_number, expiry };
        kernel.timers.insert(entry);
        self.linked_objects.fetch_add(1, Relaxed);
        self.note_timers(kernel.timers.first().map(|e| e.due_ns));
        entry
    }

    /// Takes an armed entry out.
    pub(crate) fn disarm_entry(&self, kernel: &mut Kernel, entry: &TimerEntry) {
        if kernel.timers.remove(entry) {
            self.linked_objects.fetch_sub(1, Relaxed);
        }
        self.note_timers(kernel.timers.first().map(|e| e.due_ns));
    }

    fn disarm(&self, kernel: &mut Kernel, timer: &mut KTIMER) -> bool {
        if timer.Header.Inserted == 0 {
            return false;
        }
        timer.Header.Inserted = 0;
        let address = std::ptr::from_mut(timer) as usize;
        kernel.driver_timers.remove(&address);
        let is_it = |e: &&TimerEntry| matches!(e.expiry, Expiry::Timer { address: a, .. } if a == address);
        if let Some(entry) = kernel.timers.iter().find(is_it).copied() {
            self.disarm_entry(kernel, &entry);
        }
        true
    }

    /// Whether the KTIMER at an address is armed.
    fn is_armed(&self, timer: usize) -> bool {
        let is_it =
            |entry: &TimerEntry| matches!(entry.expiry, Expiry::Timer { address, .. } if address == timer);
        self.kernel.lock().timers.iter().any(is_it)
    }

    /// When the next timer is due.
    pub(crate) fn next_timer_due(&self) -> Option<u64> {
        self.kernel.lock().timers.first().map(|e| e.due_ns)
    }

    /// Expires one timer whose time has come.
    pub(crate) fn expire_timer(&self) {
        let now = self.time_ns();
        if self.is_deterministic() {
            self.deterministic().touch(|| touched::CLOCK, Access::Look);
        }
        let mut kernel = self.kernel.lock();
        let due = kernel.timers.iter().take_while(|e| e.due_ns <= now).count() as u32;
        if due == 0 {
            return;
        }
        let at = self.pick(due) as usize;
        let Some(entry) = kernel.timers.iter().nth(at).copied() else { return };
        kernel.timers.remove(&entry);
        self.linked_objects.fetch_sub(1, Relaxed);
        match entry.expiry {
            Expiry::Timer { address, armed_by } => self.expire_object(&mut kernel, address, armed_by, &entry),
            Expiry::Wait { thread, number } => {
                // SAFETY: threads live as long as the machine.
                let thread = unsafe { &*(thread as *const Thread) };
                if thread.wait_number.get() == number && thread.waits_for.get() != 0 {
                    self.wake(&mut kernel, thread, STATUS_TIMEOUT);
                }
            }
            Expiry::Device(n) => {
                // A device's model is locked before the kernel's tables.
                drop(kernel);
                self.device_time_has_come(n, now);
                kernel = self.kernel.lock();
            }
        }
        self.note_timers(kernel.timers.first().map(|e| e.due_ns));
    }

    /// The clock found something other than the object that was armed: a bug check of the driver that armed
    /// it, which has long returned and has no call to show.
    fn stop_at_clock(&self, armed_by: u8, parameters: [u64; 4], what: &str) {
        let now = Moment {
            irql: CLOCK_LEVEL,
            step: self.step_of_moment(),
            time_ns: self.time_ns(),
            ..Moment::on(armed_by)
        };
        let what = format!("{what} was overwritten before the timer expired");
        self.stop(Ending::BugCheck(Box::new(BugCheck {
            stop: TIMER_OR_DPC_INVALID,
            parameters,
            what,
            now,
            earlier: Vec::new(),
            raised_at: None,
        })));
    }

    /// The processor that takes the clock interrupt of a timer which names none: the one that armed it,
    /// unless the schedule says otherwise.
    fn pick_processor(&self, armed_by: u8) -> u8 {
        let processors = self.processors.len() as u32;
        ((u32::from(armed_by) + self.pick(processors)) % processors) as u8
    }

    fn expire_object(&self, kernel: &mut Kernel, address: usize, armed_by: u8, entry: &TimerEntry) {
        // SAFETY: an armed timer was resolved when it was armed, and freeing its memory while it is
        // armed is refused by the pool.
        let timer = unsafe { &mut *(address as PKTIMER) };
        if !is_live(timer) {
            // It lay on a stack, for instance, and its routine has returned.
            self.stop_at_clock(armed_by, [0, self.machine_address(address), 0, 0], "an armed KTIMER");
            return;
        }
        timer.Header.Inserted = 0;
        if timer.Period != 0 {
            let due_ns = entry.due_ns + u64::from(timer.Period) * 1_000_000;
            self.arm(kernel, due_ns, entry.expiry);
            timer.Header.Inserted = 1;
        } else {
            kernel.driver_timers.remove(&address);
        }
        self.signal(kernel, address);
        if !timer.Dpc.is_null() {
            self.touch(timer.Dpc as usize);
            self.passes(address, timer.Dpc as usize);
            let is_memory =
                self.memory.contains(timer.Dpc as usize, size_of::<KDPC>()) && timer.Dpc.is_aligned();
            // SAFETY: room for a KDPC in mapped memory, aligned, by the test; any bytes are one.
            let dpc = is_memory.then(|| unsafe { &mut *timer.Dpc });
            let Some(dpc) = dpc.filter(|dpc| super::dpc::is_live(dpc, self.processors.len())) else {
                let shown = self.machine_address(timer.Dpc as usize);
                self.stop_at_clock(armed_by, [1, shown, 0, 0], "the KDPC of an armed timer");
                return;
            };
            // The clock interrupt asks for the DPC on the processor it goes to.
            let expires_on = if dpc.Number == 0 { self.pick_processor(armed_by) } else { armed_by };
            let target = super::dpc::target(dpc, expires_on);
            // SAFETY: a live KDPC in mapped memory, by the tests before.
            unsafe { self.queue_dpc(dpc, null_mut(), null_mut(), target, false) };
        }
    }
}

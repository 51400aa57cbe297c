//! Dispatcher objects and waiting for them: events, timers, threads, semaphores, mutexes.
//!
//! The signal state lives in the object's header, in driver memory; who waits is kept in the
//! kernel's tables. Invariant: a thread on a wait list is parked, or about to park without another
//! look at anything the driver can change.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{
    ATTEMPTED_SWITCH_FROM_DPC, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER, KMODE_EXCEPTION_NOT_HANDLED,
};
use crate::ddi::Call;
use crate::ddi::types::{
    BOOLEAN, DISPATCHER_HEADER, EVENT_NOTIFICATION_OBJECT, EVENT_SYNCHRONIZATION_OBJECT, EVENT_TYPE, KEVENT,
    KPRIORITY, KPROCESSOR_MODE, KSEMAPHORE, KWAIT_REASON, LIST_ENTRY, LONG, MUTANT_OBJECT, NTSTATUS, PKEVENT,
    PKSEMAPHORE, PLARGE_INTEGER, PVOID, SEMAPHORE_OBJECT, STATUS_SUCCESS, TIMER_SYNCHRONIZATION_OBJECT,
};
use crate::irql::Irql;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::order;
use crate::processor::Processor;
use crate::routine::IntoArg;
use crate::sync::mutex;
use crate::sync::thread::{Thread, unwind};
use crate::sync::timer::{Expiry, STATUS_TIMEOUT};
use crate::sync::wait_blocks;
use crate::sync::wait_many::Several;
use parking_lot::MutexGuard;

/// The wait-list key of threads that only let time pass.
const DELAY_KEY: usize = 16;

/// The exception that Windows raises for a semaphore released beyond its limit.
const STATUS_SEMAPHORE_LIMIT_EXCEEDED: u64 = 0xC000_0047;

/// The header behind a driver's pointer to a dispatcher object. An initialized one has a wait list
/// head that points at itself.
pub(super) fn header<'a>(call: &Call, object: PVOID, what: &str) -> &'a mut DISPATCHER_HEADER {
    let address = object as usize;
    let header = object.cast::<DISPATCHER_HEADER>();
    if !call.cpu.is_memory(address, size_of::<DISPATCHER_HEADER>()) || !header.is_aligned() {
        call.bad_pointer(address, what);
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; its state changes under the kernel
    // lock.
    let header = unsafe { &mut *header };
    if header.WaitListHead.Flink != &raw mut header.WaitListHead {
        call.bad_pointer(address, what);
    }
    header
}

pub(super) fn initialize(call: &Call, object: PVOID, bytes: usize, kind: u8, state: LONG, what: &str) {
    let address = object as usize;
    let header = object.cast::<DISPATCHER_HEADER>();
    if !call.cpu.is_memory(address, bytes) || !header.is_aligned() {
        call.bad_pointer(address, what);
    }
    // SAFETY: mapped, aligned memory of the machine that the caller gives us to initialize.
    unsafe {
        let list = &raw mut (*header).WaitListHead;
        *header = DISPATCHER_HEADER {
            Type: kind,
            Signalling: 0,
            Size: (bytes / 4) as u8,
            Inserted: 0,
            SignalState: state,
            WaitListHead: LIST_ENTRY { Flink: list, Blink: list },
        };
    }
}

pub(crate) unsafe fn initialize_event(call: &Call, event: PKEVENT, kind: EVENT_TYPE, state: BOOLEAN) {
    let kind = if kind == 0 { EVENT_NOTIFICATION_OBJECT } else { EVENT_SYNCHRONIZATION_OBJECT };
    initialize(call, event.cast(), size_of::<KEVENT>(), kind, LONG::from(state != 0), "the KEVENT");
}

pub(crate) unsafe fn initialize_semaphore(call: &Call, semaphore: PKSEMAPHORE, count: LONG, limit: LONG) {
    initialize(call, semaphore.cast(), size_of::<KSEMAPHORE>(), SEMAPHORE_OBJECT, count, "the KSEMAPHORE");
    // SAFETY: `initialize` found room for a whole KSEMAPHORE in mapped memory, aligned.
    unsafe { (*semaphore).Limit = limit };
}

pub(crate) fn initialize_thread_object(call: &Call, object: PVOID) {
    initialize(
        call,
        object,
        size_of::<DISPATCHER_HEADER>(),
        crate::ddi::types::THREAD_OBJECT,
        0,
        "the thread object",
    );
}

pub(crate) unsafe fn set_event(call: &Call, event: PKEVENT, increment: KPRIORITY, wait: BOOLEAN) -> LONG {
    if wait != 0 {
        call.unusual(&[event.into_arg(), increment.into_arg(), wait.into_arg()]);
    }
    let header = header(call, event.cast(), "the KEVENT");
    let irql = call.cpu.irql();
    if irql > Irql::DISPATCH {
        let shown = call.cpu.machine().machine_address(event as usize);
        call.bug_check(VERIFIER, [0x80, u64::from(irql.0), shown, 0], format!("KeSetEvent called at {irql}"));
    }
    let machine = call.cpu.machine();
    let mut kernel = machine.kernel.lock();
    let before = header.SignalState;
    machine.signal(&mut kernel, event as usize);
    before
}

pub(crate) unsafe fn reset_event(call: &Call, event: PKEVENT) -> LONG {
    let header = header(call, event.cast(), "the KEVENT");
    call.cpu.takes(event as usize);
    let _kernel = call.cpu.machine().kernel.lock();
    std::mem::replace(&mut header.SignalState, 0)
}

pub(crate) unsafe fn clear_event(call: &Call, event: PKEVENT) {
    // SAFETY: the driver's own pointer, which `reset_event` resolves before it uses it.
    unsafe { reset_event(call, event) };
}

pub(crate) unsafe fn read_state_event(call: &Call, event: PKEVENT) -> LONG {
    call.cpu.takes(event as usize);
    header(call, event.cast(), "the KEVENT").SignalState
}

pub(crate) unsafe fn release_semaphore(
    call: &Call,
    semaphore: PKSEMAPHORE,
    _increment: KPRIORITY,
    adjustment: LONG,
    _wait: BOOLEAN,
) -> LONG {
    let header = header(call, semaphore.cast(), "the KSEMAPHORE");
    let machine = call.cpu.machine();
    let mut kernel = machine.kernel.lock();
    let before = header.SignalState;
    // SAFETY: the type says that it was initialized as a semaphore, for which `initialize` wants room for the
    // whole object in mapped memory.
    let limit = if header.Type == SEMAPHORE_OBJECT { unsafe { (*semaphore).Limit } } else { LONG::MAX };
    let after = before.checked_add(adjustment).filter(|after| adjustment > 0 && *after <= limit);
    let Some(after) = after else {
        drop(kernel);
        let shown = machine.machine_address(semaphore as usize);
        call.bug_check(
            KMODE_EXCEPTION_NOT_HANDLED,
            [STATUS_SEMAPHORE_LIMIT_EXCEEDED, 0, shown, 0],
            format!("KeReleaseSemaphore adds {adjustment} to a count of {before}; the limit is {limit}"),
        );
    };
    header.SignalState = after;
    call.cpu.gives(semaphore as usize);
    machine.satisfy(&mut kernel, semaphore as usize);
    before
}

pub(crate) unsafe fn wait_for_single_object(
    call: &Call,
    object: PVOID,
    _reason: KWAIT_REASON,
    _mode: KPROCESSOR_MODE,
    _alertable: BOOLEAN,
    timeout: PLARGE_INTEGER,
) -> NTSTATUS {
    let header = header(call, object, "the object to wait for");
    let timeout = (!timeout.is_null()).then(|| {
        call.check_input(timeout);
        // SAFETY: `check_input` found it in readable memory, aligned; any bytes are a LARGE_INTEGER.
        unsafe { (*timeout).QuadPart() }
    });
    check_may_wait(call, object as usize, timeout);
    let machine = call.cpu.machine();
    let kernel = machine.kernel.lock();
    // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
    let status = if consume(header, unsafe { &*call.cpu.thread.get() }) {
        drop(kernel);
        call.cpu.takes(object as usize);
        STATUS_SUCCESS
    } else if timeout == Some(0) {
        drop(kernel);
        STATUS_TIMEOUT
    } else {
        machine.sleep_on(call, kernel, object as usize, timeout.map(|t| machine.due_ns(t)))
    };
    if header.Type == MUTANT_OBJECT {
        machine.note_owned(call, &[object as usize]);
    }
    status
}

/// Waiting gives the processor up, which is possible below DISPATCH_LEVEL only.
pub(crate) fn check_may_wait(call: &Call, object: usize, timeout: Option<i64>) {
    let irql = call.cpu.irql();
    if call.cpu.may_dispatch() || (irql <= Irql::DISPATCH && timeout == Some(0)) {
        return;
    }
    if call.cpu.in_dpc.get() != 0 && call.cpu.in_isr.get() == 0 {
        call.bug_check(
            ATTEMPTED_SWITCH_FROM_DPC,
            [0; 4],
            format!("{} waits inside a DPC routine", call.ddi.name),
        );
    }
    let shown = call.cpu.machine().machine_address(object);
    call.bug_check(
        VERIFIER,
        [0x3B, u64::from(irql.0), shown, u64::from(timeout.is_some())],
        format!("{} waits at {irql}", call.ddi.name),
    )
}

pub(crate) unsafe fn delay(
    call: &Call,
    _mode: KPROCESSOR_MODE,
    _alertable: BOOLEAN,
    interval: PLARGE_INTEGER,
) -> NTSTATUS {
    call.check_input(interval);
    // SAFETY: `check_input` found it in readable memory, aligned; any bytes are a LARGE_INTEGER.
    let interval = unsafe { (*interval).QuadPart() };
    check_may_wait(call, interval as usize, None);
    let machine = call.cpu.machine();
    let kernel = machine.kernel.lock();
    machine.sleep_on(call, kernel, DELAY_KEY, Some(machine.due_ns(interval)));
    STATUS_SUCCESS
}

/// Whether an object has a signal to give to that thread.
pub(super) fn is_signaled(header: &mut DISPATCHER_HEADER, thread: &Thread) -> bool {
    header.SignalState > 0 || (header.Type == MUTANT_OBJECT && mutex::can_be_had(header, thread))
}

/// Takes the signal of an object for that thread, if it has one to give.
pub(super) fn consume(header: &mut DISPATCHER_HEADER, thread: &Thread) -> bool {
    if header.Type == MUTANT_OBJECT {
        return mutex::take(header, thread);
    }
    if header.SignalState <= 0 {
        return false;
    }
    match header.Type {
        EVENT_SYNCHRONIZATION_OBJECT | TIMER_SYNCHRONIZATION_OBJECT => header.SignalState = 0,
        SEMAPHORE_OBJECT => header.SignalState -= 1,
        _ => {}
    }
    true
}

impl Machine {
    /// Parks the present thread until it is woken for `key` or the time is up.
    pub(crate) fn sleep_on(
        &self,
        call: &Call,
        mut kernel: MutexGuard<'_, Kernel>,
        key: usize,
        due_ns: Option<u64>,
    ) -> NTSTATUS {
        let cpu = call.cpu;
        let at = cpu.thread.get();
        // SAFETY: threads live as long as the machine.
        let me = unsafe { &*at };
        me.wait_number.set(me.wait_number.get() + 1);
        me.waits_for.set(key);
        me.wait_timer.set(due_ns.map(|due| {
            self.arm(&mut kernel, due, Expiry::Wait { thread: at as usize, number: me.wait_number.get() })
        }));
        kernel.waits.entry(key).or_default().push_back(at);
        drop(kernel);
        let outer = cpu.call.replace(Some((call.ddi, call.site)));
        self.switch_away(cpu);
        if self.is_quiet() {
            unwind(cpu);
        }
        cpu.takes(order::thread(me));
        cpu.call.set(outer);
        me.wait_status.get()
    }

    /// Parks the present thread until one of several objects is signaled, or all are, or the time is up.
    pub(super) fn sleep_on_several(
        &self,
        call: &Call,
        mut kernel: MutexGuard<'_, Kernel>,
        several: Several,
        due_ns: Option<u64>,
    ) -> NTSTATUS {
        let at = call.cpu.thread.get();
        let first = several.keys[0];
        if let Err(since) = wait_blocks::begin(call, &mut kernel.wait_blocks, &several.blocks) {
            drop(kernel);
            wait_blocks::stop_in_two_waits(call, several.blocks.start, &since);
        }
        for key in &several.keys[1..] {
            kernel.waits.entry(*key).or_default().push_back(at);
        }
        // SAFETY: threads live as long as the machine; the field is guarded by the kernel lock.
        unsafe { *(*at).several.get() = several };
        self.sleep_on(call, kernel, first, due_ns)
    }

    /// As `sleep_on`, for the machine's own threads: they return when the machine stops.
    pub(crate) fn sleep_quietly(&self, cpu: &Processor, mut kernel: MutexGuard<'_, Kernel>, key: usize) {
        let at = cpu.thread.get();
        // SAFETY: threads live as long as the machine.
        unsafe { (*at).waits_for.set(key) };
        kernel.waits.entry(key).or_default().push_back(at);
        drop(kernel);
        self.switch_away(cpu);
        // SAFETY: threads live as long as the machine.
        cpu.takes(order::thread(unsafe { &*at }));
    }

    /// Ends a thread's wait.
    pub(crate) fn wake(&self, kernel: &mut Kernel, thread: &Thread, status: NTSTATUS) {
        let key = thread.waits_for.replace(0);
        self.touch(key);
        self.passes(key, order::thread(thread));
        Processor::current().gives(order::thread(thread));
        kernel.strike_from_wait(key, thread);
        // SAFETY: guarded by the kernel lock, which the caller holds.
        let several = std::mem::take(unsafe { &mut *thread.several.get() });
        for key in several.keys {
            self.passes(key, order::thread(thread));
            kernel.strike_from_wait(key, thread);
        }
        kernel.wait_blocks.end(self, several.blocks.start);
        if let Some(entry) = thread.wait_timer.take() {
            self.disarm_entry(kernel, &entry);
        }
        thread.wait_status.set(status);
        kernel.ready[usize::from(thread.home)].push_back(thread);
        self.note_ready(thread.home, true);
        self.ring_ready(thread.home);
    }

    /// Wakes every thread that waits for `key`.
    pub(crate) fn wake_all(&self, kernel: &mut Kernel, key: usize) {
        while let Some(thread) = kernel.waits.get(&key).and_then(|list| list.front().copied()) {
            // SAFETY: threads live as long as the machine.
            self.wake(kernel, unsafe { &*thread }, STATUS_SUCCESS);
        }
    }

    /// Wakes one of the threads that wait for `key`; the schedule says which.
    pub(crate) fn wake_any(&self, kernel: &mut Kernel, key: usize) {
        let n = kernel.waits.get(&key).map_or(0, std::collections::VecDeque::len) as u32;
        if n == 0 {
            return;
        }
        let at = if n > 1 { self.pick(n) } else { 0 };
        if let Some(thread) = kernel.waits.get(&key).and_then(|list| list.get(at as usize).copied()) {
            // SAFETY: threads live as long as the machine.
            self.wake(kernel, unsafe { &*thread }, STATUS_SUCCESS);
        }
    }

    /// Signals the object at `address` and lets those go who were waiting for it.
    pub(crate) fn signal(&self, kernel: &mut Kernel, address: usize) {
        self.touch(address);
        Processor::current().gives(address);
        // SAFETY: callers resolved the object; its header lies in mapped memory.
        unsafe { (*(address as *mut DISPATCHER_HEADER)).SignalState = 1 };
        self.satisfy(kernel, address);
    }

    /// Gives the signals of an object to its waiters, first come, first served. A thread that waits for
    /// several objects, and cannot have them all, is passed over.
    pub(super) fn satisfy(&self, kernel: &mut Kernel, address: usize) {
        let mut at = 0;
        while let Some(thread) = kernel.waits.get(&address).and_then(|list| list.get(at).copied()) {
            // SAFETY: callers resolved the object; its header lies in mapped memory.
            let header = unsafe { &mut *(address as *mut DISPATCHER_HEADER) };
            if header.SignalState <= 0 {
                break;
            }
            // SAFETY: threads live as long as the machine; the field is guarded by the kernel lock.
            let (thread, several) = unsafe { (&*thread, !(*(*thread).several.get()).keys.is_empty()) };
            let status = if several {
                self.satisfy_several(thread)
            } else {
                consume(header, thread).then_some(STATUS_SUCCESS)
            };
            match status {
                Some(status) => self.wake(kernel, thread, status),
                None => at += 1,
            }
        }
    }

    /// A thread ended: signals its object, unless the last reference is gone and the object with it.
    pub(crate) fn signal_thread_end(&self, thread: &Thread) {
        let mut kernel = self.kernel.lock();
        kernel.driver_threads.remove(&thread.number);
        let object = thread.object.get();
        if object != 0 {
            self.signal(&mut kernel, object);
        }
    }
}

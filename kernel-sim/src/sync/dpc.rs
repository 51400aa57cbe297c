//! Deferred procedure calls: one queue per processor, drained as the IRQL falls below DISPATCH.
//!
//! A DPC object is in at most one queue, once; it may be queued again while its routine runs. A
//! request on the target's own processor is honoured as soon as its IRQL permits (unless of low
//! importance); requests from elsewhere arrive when the schedule says so.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{IRQL_UNEXPECTED_VALUE, TIMER_OR_DPC_INVALID};
use crate::ddi::types::{
    BOOLEAN, CCHAR, DPC_OBJECT, FALSE, HIGH_IMPORTANCE, KDPC, KDPC_IMPORTANCE, LOW_IMPORTANCE,
    MEDIUM_IMPORTANCE, PKDEFERRED_ROUTINE, PKDPC, PVOID, TRUE,
};
use crate::ddi::{Call, callback};
use crate::frame::Frame;
use crate::image::Routine as _;
use crate::irql::Irql;
use crate::lives;
use crate::machine::Machine;
use crate::processor::Processor;
use crate::routine::Arg;
use crate::routine::{Callback, DEFERRED_ROUTINE};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::SeqCst};

/// The wait-list key of threads that flush DPC queues; no object lies at such an address.
const FLUSH_KEY: usize = 8;

pub(crate) fn object<'a>(call: &Call, dpc: PKDPC) -> &'a mut KDPC {
    let address = dpc as usize;
    if !call.cpu.is_memory(address, size_of::<KDPC>()) || !dpc.is_aligned() {
        call.bad_pointer(address, "the KDPC");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data. Fields are written under the
    // lock of the queue it is in, except by `initialize`, whose caller owns the object.
    unsafe { &mut *dpc }
}

fn live<'a>(call: &Call, dpc: PKDPC) -> &'a mut KDPC {
    let object = object(call, dpc);
    if !is_live(object, call.cpu.machine().processors.len()) {
        let shown = call.cpu.machine().machine_address(dpc as usize);
        call.bug_check(
            TIMER_OR_DPC_INVALID,
            [1, shown, u64::from(call.cpu.irql().0), 0],
            format!("{} was given a KDPC that was never initialized (or is freed)", call.ddi.name),
        );
    }
    object
}

/// Whether memory holds an initialized DPC object that names no processor beyond the last.
pub(crate) fn is_live(dpc: &KDPC, processors: usize) -> bool {
    dpc.Type == DPC_OBJECT && usize::from(dpc.Number) <= processors
}

pub(crate) unsafe fn initialize(call: &Call, dpc: PKDPC, routine: PKDEFERRED_ROUTINE, context: PVOID) {
    let machine = call.cpu.machine();
    if machine.linked_objects.load(Relaxed) != 0
        && machine.dpcs.each().any(|queue| queue.queue.contains(&dpc))
    {
        lives::stop_in_use(call, dpc as usize, "initialises a DPC that is queued", Vec::new());
    }
    *object(call, dpc) = KDPC {
        Type: DPC_OBJECT,
        Importance: MEDIUM_IMPORTANCE as u8,
        Number: 0,
        DpcListEntry: KDPC::UNLINKED,
        ProcessorHistory: 0,
        DeferredRoutine: routine,
        DeferredContext: context,
        SystemArgument1: null_mut(),
        SystemArgument2: null_mut(),
        DpcData: null_mut(),
    };
}

pub(crate) unsafe fn set_importance(call: &Call, dpc: PKDPC, importance: KDPC_IMPORTANCE) {
    live(call, dpc).Importance = importance as u8;
}

pub(crate) unsafe fn set_target(call: &Call, dpc: PKDPC, number: CCHAR) {
    let processors = call.cpu.machine().processors.len();
    let object = live(call, dpc);
    if !usize::try_from(number).is_ok_and(|n| n < processors) {
        let shown = call.cpu.machine().machine_address(dpc as usize);
        call.bug_check(
            TIMER_OR_DPC_INVALID,
            [3, shown, number as u64, processors as u64],
            format!("{} names processor {number}; the machine has {processors}", call.ddi.name),
        );
    }
    // Our encoding: 0 is "no target", else the index plus one.
    object.Number = number as u16 + 1;
}

pub(crate) unsafe fn insert(call: &Call, dpc: PKDPC, argument1: PVOID, argument2: PVOID) -> BOOLEAN {
    live(call, dpc);
    // SAFETY: `live` found a KDPC in mapped memory that names no processor beyond the last.
    BOOLEAN::from(unsafe { queue_here(call, dpc, argument1, argument2) })
}

/// The processor a DPC goes to when processor `here` queues it.
pub(crate) fn target(dpc: &KDPC, here: u8) -> u8 {
    if dpc.Number == 0 { here } else { (dpc.Number - 1) as u8 }
}

/// Queues a DPC for the calling processor's driver; returns whether it was not queued already.
///
/// # Safety
/// The object is mapped memory of the machine, and names no processor beyond the last.
pub(crate) unsafe fn queue_here(call: &Call, dpc: PKDPC, a1: PVOID, a2: PVOID) -> bool {
    let here = call.cpu.index();
    // SAFETY: the caller resolved the object: mapped memory of the machine, a known processor.
    unsafe {
        let target = target(&*dpc, here);
        call.cpu.machine().queue_dpc(dpc, a1, a2, target, target == here)
    }
}

/// Which queue a DPC is in: null for none, else its processor's index plus one. Changed under that queue's
/// lock.
///
/// # Safety
/// The object is mapped memory of the machine.
unsafe fn link<'a>(dpc: PKDPC) -> &'a AtomicPtr<std::ffi::c_void> {
    // SAFETY: the caller resolved the object, and the field is aligned as its type says.
    unsafe { AtomicPtr::from_ptr(&raw mut (*dpc).DpcData) }
}

pub(crate) unsafe fn remove(call: &Call, dpc: PKDPC) -> BOOLEAN {
    live(call, dpc);
    call.cpu.meets(dpc as usize);
    let machine = call.cpu.machine();
    // SAFETY: `live` found a KDPC in mapped memory, aligned.
    let link = unsafe { link(dpc) };
    let Some(n) = (link.load(SeqCst) as usize).checked_sub(1).filter(|n| *n < machine.processors.len())
    else {
        return FALSE;
    };
    let mut queue = machine.dpcs.of(n);
    let before = queue.queue.len();
    queue.queue.retain(|queued| !std::ptr::eq(*queued, dpc));
    let found = before - queue.queue.len();
    machine.linked_objects.fetch_sub(found, Relaxed);
    if found == 0 {
        // Its routine has begun meanwhile.
        return FALSE;
    }
    link.store(null_mut(), SeqCst);
    TRUE
}

/// Waits until every DPC queued now, on any processor, has run.
pub(crate) unsafe fn flush(call: &Call) {
    super::wait::check_may_wait(call, 0, None);
    let machine = call.cpu.machine();
    let busy: Vec<(usize, u64)> = {
        let queues = machine.dpcs.each().enumerate();
        queues.filter(|(_, q)| q.running || !q.queue.is_empty()).map(|(n, q)| (n, q.drains)).collect()
    };
    // Before the counts are looked at: a processor that drains looks for flushers after it has counted.
    machine.dpcs.flushers.fetch_add(1, SeqCst);
    for (n, drains) in &busy {
        machine.request_dpcs(*n as u8, *n == usize::from(call.cpu.index()));
        if *n == usize::from(call.cpu.index()) {
            machine.after_call(call.cpu);
        }
        loop {
            let kernel = machine.kernel.lock();
            if machine.dpcs.of(*n).drains != *drains {
                break;
            }
            machine.sleep_on(call, kernel, FLUSH_KEY, None);
        }
    }
    machine.dpcs.flushers.fetch_sub(1, SeqCst);
    call.cpu.takes(FLUSH_KEY);
}

impl Machine {
    /// Queues a DPC for processor `target`; returns whether it was not queued already. `is_own`: that
    /// processor is the one that queues it.
    ///
    /// # Safety
    /// The object is mapped memory of the machine.
    pub(crate) unsafe fn queue_dpc(
        &self,
        dpc: PKDPC,
        a1: PVOID,
        a2: PVOID,
        target: u8,
        is_own: bool,
    ) -> bool {
        // Before it is looked whether it is queued: the routine has yet to run then, too.
        Processor::current().gives(dpc as usize);
        let mut queue = self.dpcs.of(usize::from(target));
        let mark = (usize::from(target) + 1) as PVOID;
        // SAFETY: the caller resolved the object. The processor that has linked it may write to it, under the
        // lock of the queue it is in.
        let importance = unsafe {
            if link(dpc).compare_exchange(null_mut(), mark, SeqCst, SeqCst).is_err() {
                return false;
            }
            (*dpc).SystemArgument1 = a1;
            (*dpc).SystemArgument2 = a2;
            i32::from((*dpc).Importance)
        };
        self.linked_objects.fetch_add(1, Relaxed);
        if importance == HIGH_IMPORTANCE {
            queue.queue.push_front(dpc);
        } else {
            queue.queue.push_back(dpc);
        }
        self.request_dpcs(target, is_own && importance != LOW_IMPORTANCE);
        true
    }

    /// Runs the DPC queue of `cpu` dry.
    pub(crate) fn drain_dpcs(&self, cpu: &Processor) {
        let before = cpu.irql();
        let n = usize::from(cpu.index());
        cpu.set_irql(Irql::DISPATCH);
        cpu.in_dpc.set(cpu.in_dpc.get() + 1);
        while let Some(dpc) = self.next_dpc(n) {
            cpu.count(|s| s.dpcs += 1);
            run(cpu, &DEFERRED_ROUTINE, &dpc);
        }
        cpu.in_dpc.set(cpu.in_dpc.get() - 1);
        cpu.set_irql(before);
    }

    fn next_dpc(&self, n: usize) -> Option<Queued> {
        let mut queue = self.dpcs.of(n);
        let Some(dpc) = queue.queue.pop_front() else {
            queue.running = false;
            queue.drains += 1;
            // With the queue locked: a DPC that is queued from now on pends itself again.
            self.note_dpcs_drained(n as u8);
            drop(queue);
            if self.dpcs.flushers.load(SeqCst) != 0 {
                self.wake_all(&mut self.kernel.lock(), FLUSH_KEY);
            }
            return None;
        };
        queue.running = true;
        self.touch(dpc as usize);
        self.processors[n].takes(dpc as usize);
        self.linked_objects.fetch_sub(1, Relaxed);
        // SAFETY: a queued object was resolved when it was queued, and freeing its memory while it is
        // queued is refused by the pool.
        unsafe {
            let object = &*dpc;
            let queued = Queued {
                dpc,
                routine: object.DeferredRoutine,
                context: object.DeferredContext,
                arguments: (object.SystemArgument1, object.SystemArgument2),
            };
            // From here on another processor may queue it again, and write to it.
            link(dpc).store(null_mut(), SeqCst);
            Some(queued)
        }
    }
}

struct Queued {
    dpc: PKDPC,
    routine: PKDEFERRED_ROUTINE,
    context: PVOID,
    arguments: (PVOID, PVOID),
}

fn run(cpu: &Processor, kind: &'static Callback, dpc: &Queued) {
    let Some(routine) = dpc.routine else { return };
    let args = [
        Arg::Pointer(dpc.dpc as usize),
        Arg::Pointer(dpc.context as usize),
        Arg::Pointer(dpc.arguments.0 as usize),
        Arg::Pointer(dpc.arguments.1 as usize),
    ];
    let frame = Frame::new(kind, &args);
    callback(cpu, &frame, || {
        // SAFETY: the routine and its arguments are the driver's own, called as documented.
        unsafe { routine.go((dpc.dpc, dpc.context, dpc.arguments.0, dpc.arguments.1)) }
    });
    // For those who flush.
    cpu.gives(FLUSH_KEY);
    let irql = cpu.irql();
    if irql != Irql::DISPATCH {
        // The low byte names the caller; Microsoft documents values for APCs, callouts and ISRs only.
        let p1 = u64::from(irql.0) << 16 | u64::from(Irql::DISPATCH.0) << 8;
        let what = format!("a DPC routine returned at {irql}");
        cpu.bug_check_after(IRQL_UNEXPECTED_VALUE, [p1, 0, 0, 0], what, cpu.irql_left_by(&frame));
    }
}

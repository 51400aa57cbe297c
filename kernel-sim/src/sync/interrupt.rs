//! Interrupt objects: level-triggered lines, service routines at their DIRQL.
//!
//! A line stays pended while a device asserts it. Any processor of the interrupt's set whose IRQL is
//! below the device's may accept it; its service routine runs under the interrupt's spin lock, which
//! the kernel holds for the driver and which therefore is not counted as the driver's. Invariant: an
//! interrupt is in service on one processor at most, and is not delivered again before that one is
//! through with it, however the line moves meanwhile.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::types::{
    BOOLEAN, KAFFINITY, KINTERRUPT, KINTERRUPT_MODE, KIRQL, Latched, NTSTATUS, PKINTERRUPT,
    PKSERVICE_ROUTINE, PKSPIN_LOCK, PKSYNCHRONIZE_ROUTINE, PVOID, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS, ULONG,
};
use crate::ddi::{Call, callback, row};
use crate::frame::Frame;
use crate::hook::GRAIN;
use crate::image::Routine as _;
use crate::irql::Irql;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::order;
use crate::pool::{allocate_object, tag};
use crate::processor::{Processor, pend};
use crate::routine::Arg;
use crate::routine::{INTERRUPT_SERVICE, SYNCH_CRITSECTION};
use crate::site::Site;
use crate::sync::lock;
use std::sync::atomic::Ordering::SeqCst;

/// The wait-list key of threads that disconnect an interrupt in service.
const DISCONNECT_KEY: usize = 32;

/// A connected interrupt.
pub(crate) struct InterruptObject {
    interrupt: PKINTERRUPT,
    vector: u32,
    irql: Irql,
    mask: u64,
    pended: bool,
    /// A processor has accepted it and has not yet finished.
    in_service: bool,
    /// Edges count, not levels: a message. It may be pended again while it is in service.
    latched: bool,
    /// The processor that is told next (parallel executor).
    turn: u8,
}

impl InterruptObject {
    /// Pended, and not in service: a message that came meanwhile waits until the routine has returned.
    fn may_be_taken(&self) -> bool {
        self.pended && !self.in_service
    }
}

fn object<'a>(call: &Call, interrupt: PKINTERRUPT) -> &'a mut KINTERRUPT {
    let address = interrupt as usize;
    if !call.cpu.is_memory(address, size_of::<KINTERRUPT>()) || !interrupt.is_aligned() {
        call.bad_pointer(address, "the KINTERRUPT");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data.
    let object = unsafe { &mut *interrupt };
    if object.Type != KINTERRUPT::TYPE {
        call.bad_pointer(address, "the KINTERRUPT");
    }
    object
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn connect(
    call: &Call,
    out: *mut PKINTERRUPT,
    routine: PKSERVICE_ROUTINE,
    context: PVOID,
    spin_lock: PKSPIN_LOCK,
    vector: ULONG,
    irql: KIRQL,
    synchronize_irql: KIRQL,
    mode: KINTERRUPT_MODE,
    _share: BOOLEAN,
    mask: KAFFINITY,
    _floating_save: BOOLEAN,
) -> NTSTATUS {
    call.check_output(out);
    let machine = call.cpu.machine();
    let all_processors = u64::MAX >> (64 - machine.processors.len());
    let level = Irql(irql);
    if routine.is_none()
        || level < Irql::DEVICE_MIN
        || level > Irql::DEVICE_MAX
        || synchronize_irql < irql
        || mask & all_processors == 0
    {
        return STATUS_INVALID_PARAMETER;
    }
    let interrupt: PKINTERRUPT = allocate_object(call, size_of::<KINTERRUPT>(), tag(b"KInt")).cast();
    if interrupt.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of a KINTERRUPT's size, which no other thread knows yet; `check_output`
    // found room for the pointer in mapped memory, aligned.
    unsafe {
        let own = &raw mut (*interrupt).OwnLock;
        *interrupt = KINTERRUPT {
            Type: KINTERRUPT::TYPE,
            ServiceRoutine: routine,
            ServiceContext: context,
            ActualLock: if spin_lock.is_null() { own } else { spin_lock },
            OwnLock: 0,
            Irql: irql,
            SynchronizeIrql: synchronize_irql,
            Vector: vector,
        };
        *out = interrupt;
    }
    machine.kernel.lock().interrupts.push(InterruptObject {
        interrupt,
        vector,
        irql: level,
        mask: mask & all_processors,
        pended: false,
        in_service: false,
        latched: mode == Latched,
        turn: 0,
    });
    call.cpu.gives(interrupt as usize);
    machine.look_at_line(vector);
    STATUS_SUCCESS
}

pub(crate) unsafe fn disconnect(call: &Call, interrupt: PKINTERRUPT) {
    let object = object(call, interrupt);
    let machine = call.cpu.machine();
    loop {
        let mut kernel = machine.kernel.lock();
        let Some(at) = kernel.interrupts.iter().position(|i| std::ptr::eq(i.interrupt, interrupt)) else {
            drop(kernel);
            call.bad_pointer(interrupt as usize, "the KINTERRUPT");
        };
        let known = &mut kernel.interrupts[at];
        // From here on no processor accepts it; a service routine already running is waited for.
        known.mask = 0;
        known.pended = false;
        if known.in_service && call.cpu.irql() < Irql::DISPATCH {
            machine.note_interrupts(&pended_levels(&kernel), None);
            machine.sleep_on(call, kernel, DISCONNECT_KEY, None);
            continue;
        }
        kernel.interrupts.remove(at);
        machine.note_interrupts(&pended_levels(&kernel), None);
        break;
    }
    call.cpu.takes(interrupt as usize + GRAIN);
    object.Type = 0;
    machine.pool_free(call, interrupt.cast(), None);
}

pub(crate) unsafe fn acquire_lock(call: &Call, interrupt: PKINTERRUPT) -> KIRQL {
    let object = object(call, interrupt);
    let before = call.cpu.irql();
    raise_to(call, Irql(object.SynchronizeIrql));
    lock::take(call, object.ActualLock, before, false);
    before.0
}

pub(crate) unsafe fn release_lock(call: &Call, interrupt: PKINTERRUPT, old: KIRQL) {
    let object = object(call, interrupt);
    let irql = call.cpu.irql();
    if Irql(old) > irql {
        let what = format!("{} asked to lower the IRQL from {irql} to {}", call.ddi.name, Irql(old));
        call.bug_check(VERIFIER, [0x31, u64::from(irql.0), u64::from(old), 0], what);
    }
    lock::give(call, object.ActualLock);
    call.cpu.set_irql(Irql(old));
}

pub(crate) unsafe fn synchronize(
    call: &Call,
    interrupt: PKINTERRUPT,
    routine: PKSYNCHRONIZE_ROUTINE,
    context: PVOID,
) -> BOOLEAN {
    let Some(routine) = routine else { call.bad_pointer(0, "the SynchCritSection routine") };
    // SAFETY: the driver's own pointer, which `acquire_lock` resolves before it uses it.
    let before = unsafe { acquire_lock(call, interrupt) };
    let level = call.cpu.irql();
    // SAFETY: the routine and its context are the driver's own, called as documented.
    let answer =
        callback(call.cpu, &Frame::new(&SYNCH_CRITSECTION, &[Arg::Pointer(context as usize)]), || unsafe {
            routine.go((context,))
        });
    call.cpu.set_irql(level);
    // SAFETY: the driver's own pointer; `acquire_lock` found a connected interrupt there.
    unsafe { release_lock(call, interrupt, before) };
    answer
}

fn raise_to(call: &Call, to: Irql) {
    let irql = call.cpu.irql();
    if irql > to {
        call.bug_check(
            VERIFIER,
            [0x30, u64::from(irql.0), u64::from(to.0), 0],
            format!("{} called at {irql}, above the interrupt's {to}", call.ddi.name),
        );
    }
    call.cpu.set_irql(to);
}

/// The highest pended device IRQL for each processor, 0 where nothing is pended.
fn pended_levels(kernel: &Kernel) -> [u8; 64] {
    let mut levels = [0; 64];
    for i in kernel.interrupts.iter().filter(|i| i.may_be_taken()) {
        for (n, level) in levels.iter_mut().enumerate() {
            if i.mask & (1 << n) != 0 {
                *level = i.irql.0.max(*level);
            }
        }
    }
    levels
}

impl Machine {
    /// Pends the interrupts of `vector` while any device asserts it.
    pub(crate) fn look_at_line(&self, vector: u32) {
        let mut kernel = self.kernel.lock();
        let asserted = self.line_asserted(vector);
        let mut ring = None;
        let concerned = |i: &&mut InterruptObject| {
            i.vector == vector && i.mask != 0 && !i.latched && !i.in_service && i.pended != asserted
        };
        for i in kernel.interrupts.iter_mut().filter(concerned) {
            i.pended = asserted;
            if asserted {
                ring = Some(next_in(i.mask, &mut i.turn));
            }
        }
        self.note_interrupts(&pended_levels(&kernel), ring);
    }

    /// A message has arrived: pends the latched interrupt of `vector`, if it is connected.
    pub(crate) fn deliver_message(&self, vector: u32) {
        let mut kernel = self.kernel.lock();
        let mut ring = None;
        for i in kernel.interrupts.iter_mut().filter(|i| i.vector == vector && i.latched && i.mask != 0) {
            i.pended = true;
            ring = Some(next_in(i.mask, &mut i.turn));
        }
        self.note_interrupts(&pended_levels(&kernel), ring);
    }

    /// Accepts the interrupts that `cpu`'s IRQL permits: one in the deterministic executor, where each is a
    /// choice, all of them in the parallel one. Returns whether there was any.
    pub(crate) fn accept_interrupts(&self, cpu: &Processor) -> bool {
        let mut any = false;
        cpu.pending().fetch_and(!pend::INTERRUPT, SeqCst);
        while let Some((interrupt, vector)) = self.take_interrupt(cpu) {
            any = true;
            self.serve(cpu, interrupt, vector);
            if self.is_deterministic() {
                break;
            }
        }
        any
    }

    /// Takes the most urgent interrupt that `cpu` may accept; leaves a masked one pended.
    fn take_interrupt(&self, cpu: &Processor) -> Option<(PKINTERRUPT, u32)> {
        let mut kernel = self.kernel.lock();
        let bit = 1 << cpu.index();
        let irql = cpu.irql();
        let best = kernel
            .interrupts
            .iter_mut()
            .filter(|i| i.may_be_taken() && i.mask & bit != 0)
            .reduce(|best, i| if i.irql > best.irql { i } else { best })?;
        if best.irql <= irql {
            // Masked here; look again when the IRQL falls.
            cpu.pending().fetch_or(pend::INTERRUPT, SeqCst);
            return None;
        }
        best.pended = false;
        best.in_service = true;
        let taken = (best.interrupt, best.vector);
        self.note_interrupts(&pended_levels(&kernel), None);
        Some(taken)
    }

    /// Runs one service routine.
    fn serve(&self, cpu: &Processor, interrupt: PKINTERRUPT, vector: u32) {
        cpu.count(|s| s.interrupts += 1);
        // SAFETY: connected interrupts are in pool memory until disconnected.
        let object = unsafe { &*interrupt };
        let before = cpu.irql();
        let level = Irql(object.SynchronizeIrql);
        cpu.set_irql(level);
        cpu.in_isr.set(cpu.in_isr.get() + 1);
        // The kernel takes the lock; it has no call or source line of the driver's to show.
        // SAFETY: a real processor lives as long as its run.
        let call =
            Call::on(unsafe { &*std::ptr::from_ref(cpu) }, &row::KeAcquireInterruptSpinLock, Site::caller());
        lock::take_word(&call, lock::word(&call, object.ActualLock), false);
        cpu.takes_from_both(interrupt as usize, order::vector(vector));
        let args = [Arg::Pointer(interrupt as usize), Arg::Pointer(object.ServiceContext as usize)];
        let frame = Frame::new(&INTERRUPT_SERVICE, &args);
        if let Some(routine) = object.ServiceRoutine {
            // SAFETY: the routine and its context are the driver's own, called as documented.
            callback(cpu, &frame, || unsafe { routine.go((interrupt, object.ServiceContext)) });
        }
        let after = cpu.irql();
        if after != level {
            cpu.bug_check_after(
                VERIFIER,
                [0x111, 0, u64::from(level.0), u64::from(after.0)],
                format!("an interrupt service routine returned at {after}"),
                cpu.irql_left_by(&frame),
            );
        }
        lock::give_word(&call, lock::word(&call, object.ActualLock));
        // For who disconnects it.
        cpu.gives(interrupt as usize + GRAIN);
        self.end_of_interrupt(interrupt, vector);
        cpu.in_isr.set(cpu.in_isr.get() - 1);
        cpu.set_irql(before);
        if cpu.may_dispatch() && cpu.pending().load(SeqCst) & pend::DPC != 0 {
            self.drain_dpcs(cpu);
        }
    }
}

impl Kernel {
    /// Whether any processor would accept an interrupt that is pended, as its IRQL is now.
    pub(crate) fn has_acceptable_interrupt(&self, processors: &[Processor]) -> bool {
        let accepts = |i: &InterruptObject, cpu: &Processor| {
            i.may_be_taken() && i.mask & (1 << cpu.index()) != 0 && i.irql > cpu.irql()
        };
        self.interrupts.iter().any(|i| processors.iter().any(|cpu| accepts(i, cpu)))
    }
}

impl Machine {
    /// The service routine is through: a line still asserted is delivered again.
    fn end_of_interrupt(&self, interrupt: PKINTERRUPT, vector: u32) {
        {
            let mut kernel = self.kernel.lock();
            if let Some(i) = kernel.interrupts.iter_mut().find(|i| std::ptr::eq(i.interrupt, interrupt)) {
                i.in_service = false;
                let ring = i.pended.then(|| next_in(i.mask, &mut i.turn));
                self.note_interrupts(&pended_levels(&kernel), ring);
            }
            self.wake_all(&mut kernel, DISCONNECT_KEY);
        }
        self.look_at_line(vector);
    }
}

/// The next processor of a set, in turn.
fn next_in(mask: u64, turn: &mut u8) -> u8 {
    let from = *turn % 64;
    let rotated = mask.rotate_right(u32::from(from));
    let next = (u32::from(from) + rotated.trailing_zeros()) % 64;
    *turn = next as u8 + 1;
    next as u8
}

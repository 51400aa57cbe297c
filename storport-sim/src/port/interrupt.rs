//! Interrupts of an adapter: its line, or its messages, and the locks that keep their routines out.
//!
//! The service routines are connected before HwStorInitialize runs and disconnected after the adapter
//! has stopped. With InterruptSynchronizePerMessage every message has a lock of its own, and "the
//! interrupt lock" is all of them, the lowest level first: a routine that holds its lock may be interrupted
//! by one of a higher level, which then waits for its own. Otherwise there is one lock.
//! The documentation gives StorPortAcquireMSISpinLock no order among messages; none is enforced here.
//! Invariant: the kernel holds the lock of a line or message around its service routine.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::{AdapterState, Objects};
use super::pci_slot::PciSlot;
use super::{adapter, own_cx};
use crate::callbacks::system_lock;
use crate::callbacks::{HW_STOR_INTERRUPT, HW_STOR_MS_INTERRUPT, HW_STOR_SYNCHRONIZED_ACCESS, STORPORT};
use crate::ddi::{
    InterruptSupportNone, InterruptSynchronizePerMessage, MESSAGE_INTERRUPT_INFORMATION,
    PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE, PMESSAGE_INTERRUPT_INFORMATION, PSTOR_SYNCHRONIZED_ACCESS,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::bus::{InterruptSource, MESSAGES_MAX};
use kernel_sim::ddi::{
    BOOLEAN, Call, FALSE, IoConnectInterrupt, IoDisconnectInterrupt, KINTERRUPT, LARGE_INTEGER, Latched,
    LevelSensitive, NT_SUCCESS, PKINTERRUPT, PKSERVICE_ROUTINE, PKSPIN_LOCK, PULONG, PVOID, TRUE, ULONG,
    as_system,
};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use kernel_sim::routine::{Arg, IntoArg};
use kernel_sim::unhooked;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

/// What a message's service routine is given.
#[repr(C)]
pub(super) struct MessageContext {
    adapter: *const AdapterState,
    message: ULONG,
}

/// The interrupts of one adapter.
pub(super) struct Interrupts {
    line: InterruptSource,
    messages: Vec<InterruptSource>,
    /// The numbers of the messages, the lowest level first.
    by_level: Vec<usize>,
    connected: Box<[AtomicPtr<KINTERRUPT>]>,
    /// How many messages are connected; 0: the line is.
    message_count: AtomicU32,
    per_message: AtomicBool,
    /// The level the interrupt lock is held at.
    irql: AtomicU8,
}

impl Interrupts {
    pub(super) fn new(machine: &Machine, slot: &PciSlot) -> Option<Interrupts> {
        let line = machine.device_line(slot.device)?;
        let messages = if slot.messages { machine.device_messages(slot.device) } else { Vec::new() };
        let mut by_level: Vec<usize> = (0..messages.len()).collect();
        by_level.sort_by_key(|n| messages[*n].irql);
        Some(Interrupts {
            line,
            by_level,
            connected: (0..messages.len().max(1)).map(|_| AtomicPtr::new(null_mut())).collect(),
            messages,
            message_count: AtomicU32::new(0),
            per_message: AtomicBool::new(false),
            irql: AtomicU8::new(line.irql.0),
        })
    }

    /// What the configuration says of the interrupt before the miniport has chosen.
    pub(super) fn first(&self) -> (InterruptSource, i32) {
        match self.messages.first() {
            Some(message) => (*message, Latched),
            None => (self.line, LevelSensitive),
        }
    }

    /// The level the interrupt lock is held at.
    pub(super) fn irql(&self) -> Irql {
        Irql(self.irql.load(Relaxed))
    }

    /// How many messages are connected; 0 while the line is.
    pub(super) fn connected_messages(&self) -> u32 {
        self.message_count.load(Acquire)
    }

    fn is_per_message(&self) -> bool {
        self.per_message.load(Relaxed)
    }

    /// What a message is called with; `None` if it is not connected.
    fn message(&self, n: ULONG) -> Option<&InterruptSource> {
        self.messages.get(n as usize).filter(|_| n < self.connected_messages())
    }
}

fn message_lock(objects: *mut Objects, n: usize) -> PKSPIN_LOCK {
    // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
    unsafe {
        (&raw mut (*objects).message_locks).cast::<usize>().wrapping_add(n.min(MESSAGES_MAX as usize - 1))
    }
}

impl AdapterState {
    /// Connects what the miniport chose in HwStorFindAdapter: its messages, or its line. `false`: the
    /// machine is out of memory. PASSIVE_LEVEL.
    pub(super) fn connect_interrupts(&self) -> bool {
        let Some(hardware) = &self.hardware else { return true };
        let interrupts = &hardware.interrupts;
        let config = self.config();
        let mode = config.InterruptSynchronizationMode;
        let by_message = config.HwMSInterruptRoutine.is_some()
            && mode != InterruptSupportNone
            && !interrupts.messages.is_empty();
        if !by_message {
            interrupts.irql.store(interrupts.line.irql.0, Relaxed);
            let context = std::ptr::from_ref(self).cast_mut().cast();
            let lock = self.interrupt_lock_word();
            let level = interrupts.line.irql;
            return connect(
                &interrupts.connected[0],
                interrupts.line,
                LevelSensitive,
                level,
                lock,
                Some(line_service),
                context,
            );
        }
        let per_message = mode == InterruptSynchronizePerMessage;
        let highest = interrupts.messages.iter().map(|m| m.irql).max().unwrap_or(interrupts.line.irql);
        interrupts.irql.store(highest.0, Relaxed);
        interrupts.per_message.store(per_message, Relaxed);
        interrupts.message_count.store(interrupts.messages.len() as u32, Release);
        interrupts.messages.iter().zip(&interrupts.connected).enumerate().all(|(n, (message, slot))| {
            let (lock, level) = if per_message {
                (message_lock(self.objects, n), message.irql)
            } else {
                (self.interrupt_lock_word(), highest)
            };
            // SAFETY: the adapter's objects have a context for every message, and live as long as it is
            // known.
            let context = unsafe {
                let context = (&raw mut (*self.objects).message_contexts).cast::<MessageContext>().add(n);
                *context = MessageContext { adapter: self, message: n as ULONG };
                context.cast()
            };
            connect(slot, *message, Latched, level, lock, Some(message_service), context)
        })
    }

    /// Takes the service routines off; waits for one that runs. PASSIVE_LEVEL.
    pub(super) fn disconnect_interrupts(&self) {
        let Some(hardware) = &self.hardware else { return };
        for slot in &hardware.interrupts.connected {
            let interrupt = slot.swap(null_mut(), Acquire);
            if !interrupt.is_null() {
                // SAFETY: connected by us and disconnected once.
                unsafe { IoDisconnectInterrupt(interrupt) };
            }
        }
    }

    fn interrupt_lock_word(&self) -> PKSPIN_LOCK {
        // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
        unsafe { &raw mut (*self.objects).interrupt_lock }
    }

    /// The level InterruptLock is held at. Without an interrupt there is no higher one than DISPATCH_LEVEL.
    pub(super) fn interrupt_irql(&self) -> Irql {
        self.hardware.as_ref().map_or(Irql::DISPATCH, |h| h.interrupts.irql())
    }

    /// The locks that together are InterruptLock, in the order they are taken.
    fn interrupt_locks(&self) -> impl DoubleEndedIterator<Item = PKSPIN_LOCK> {
        let interrupts = self.hardware.as_ref().map(|h| &h.interrupts);
        let per_message = interrupts.filter(|i| i.is_per_message() && i.connected_messages() != 0);
        let one = if per_message.is_none() { Some(self.interrupt_lock_word()) } else { None };
        let many = per_message.map_or(&[][..], |i| &i.by_level);
        one.into_iter().chain(many.iter().map(|n| message_lock(self.objects, *n)))
    }

    /// Takes InterruptLock for the driver whose call `call` is: as one lock of the driver's, however many
    /// messages it stands for. Returns the level before.
    pub(super) fn acquire_interrupt_lock(&self, call: &Call) -> Irql {
        let mut locks = self.interrupt_locks();
        let first = locks.next().expect("at least one");
        let before = unhooked::acquire_for_driver(call, first, self.interrupt_irql());
        locks.for_each(|lock| unhooked::acquire(call, lock));
        before
    }

    /// Gives back what [`AdapterState::acquire_interrupt_lock`] took.
    pub(super) fn release_interrupt_lock(&self, call: &Call, to: Irql) {
        let first = self.interrupt_locks().next().expect("at least one");
        self.interrupt_locks().skip(1).for_each(|lock| unhooked::release(call, lock));
        unhooked::release_for_driver(call, first, to);
    }

    /// Runs something with every interrupt routine of the adapter kept out; not counted as the driver's.
    pub(super) fn with_interrupts_out<R>(&self, call: &Call, body: impl FnOnce() -> R) -> R {
        let before = unhooked::raise_irql(call.cpu, self.interrupt_irql());
        self.interrupt_locks().for_each(|lock| unhooked::acquire(call, lock));
        let answer = body();
        self.interrupt_locks().rev().for_each(|lock| unhooked::release(call, lock));
        unhooked::restore_irql(call.cpu, before);
        answer
    }
}

fn connect(
    slot: &AtomicPtr<KINTERRUPT>,
    source: InterruptSource,
    mode: i32,
    level: Irql,
    lock: PKSPIN_LOCK,
    routine: PKSERVICE_ROUTINE,
    context: PVOID,
) -> bool {
    let mut interrupt: PKINTERRUPT = null_mut();
    let irql = source.irql.0;
    // SAFETY: the lock and the context live until the interrupt is disconnected; the output is on our stack.
    let status = unsafe {
        IoConnectInterrupt(
            &raw mut interrupt,
            routine,
            context,
            lock,
            source.vector,
            irql,
            level.0,
            mode,
            TRUE,
            u64::MAX,
            FALSE,
        )
    };
    slot.store(interrupt, Release);
    NT_SUCCESS(status)
}

/// The service routine of every adapter's line.
unsafe extern "C-unwind" fn line_service(_interrupt: PKINTERRUPT, context: PVOID) -> BOOLEAN {
    let cpu = Processor::current();
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(cpu, &STORPORT, || {
        let Some(routine) = adapter.registration.data.HwInterrupt else { return FALSE };
        let args = [Arg::Pointer(adapter.extension as usize)];
        let frame = Frame::new(&HW_STOR_INTERRUPT, &args).under(&[system_lock::INTERRUPT]);
        let _inside = adapter.enter(cpu);
        // SAFETY: the miniport registered the routine for this call, and its extension lives as long as the
        // adapter.
        adapter.call(frame, cpu.irql(), || unsafe { routine.go((adapter.extension,)) })
    })
}

/// The service routine of every message.
unsafe extern "C-unwind" fn message_service(_interrupt: PKINTERRUPT, context: PVOID) -> BOOLEAN {
    let cpu = Processor::current();
    // SAFETY: the context is one of the adapter's, which is kept until the machine has come to rest.
    let (adapter, message) = unsafe {
        let context = &*context.cast::<MessageContext>();
        (&*context.adapter, context.message)
    };
    as_system(cpu, &STORPORT, || {
        let routine: PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE =
            adapter.config.get().and_then(|config| config.HwMSInterruptRoutine);
        let Some(routine) = routine else { return FALSE };
        let args = [Arg::Pointer(adapter.extension as usize), Arg::Value(message.into())];
        let frame = Frame::new(&HW_STOR_MS_INTERRUPT, &args).under(&[system_lock::INTERRUPT]);
        let _inside = adapter.enter(cpu);
        // SAFETY: the miniport registered the routine for this call, and its extension lives as long as the
        // adapter.
        adapter.call(frame, cpu.irql(), || unsafe { routine.go((adapter.extension, message)) })
    })
}

pub(crate) unsafe fn msi_info(
    call: &Call,
    extension: PVOID,
    message: ULONG,
    out: PMESSAGE_INTERRUPT_INFORMATION,
) -> ULONG {
    call.check_output(out);
    let interrupts = adapter(call, extension).hardware.as_ref().map(|h| &h.interrupts);
    let Some(interrupts) = interrupts.filter(|i| i.connected_messages() != 0) else {
        return STOR_STATUS_UNSUCCESSFUL;
    };
    let Some(source) = interrupts.message(message) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: found in mapped memory above.
    unsafe {
        *out = MESSAGE_INTERRUPT_INFORMATION {
            MessageId: message,
            MessageData: source.message_data,
            MessageAddress: LARGE_INTEGER::new(source.message_address as i64),
            InterruptVector: source.vector,
            InterruptLevel: ULONG::from(source.irql.0),
            InterruptMode: Latched,
        };
    }
    STOR_STATUS_SUCCESS
}

/// A message's lock, and its level. Outside per-message mode there is none: STOR_STATUS_UNSUCCESSFUL, and no
/// lock is taken (what Windows returns there is not documented).
fn message_lock_of(
    call: &Call,
    adapter: &AdapterState,
    message: ULONG,
) -> Result<(PKSPIN_LOCK, Irql), ULONG> {
    let interrupts = adapter.hardware.as_ref().map(|h| &h.interrupts).filter(|i| i.is_per_message());
    let source =
        interrupts.ok_or(STOR_STATUS_UNSUCCESSFUL)?.message(message).ok_or(STOR_STATUS_INVALID_PARAMETER)?;
    // A routine of a higher message may hold the lock of a lower one: the level never falls.
    Ok((message_lock(adapter.objects, message as usize), source.irql.max(call.cpu.irql())))
}

pub(crate) unsafe fn acquire_msi(call: &Call, extension: PVOID, message: ULONG, old: PULONG) -> ULONG {
    call.check_output(old);
    match message_lock_of(call, adapter(call, extension), message) {
        Ok((lock, level)) => {
            let before = unhooked::acquire_for_driver(call, lock, level);
            // SAFETY: found in mapped memory above.
            unsafe { *old = ULONG::from(before.0) };
            STOR_STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

pub(crate) unsafe fn release_msi(call: &Call, extension: PVOID, message: ULONG, old: ULONG) -> ULONG {
    match message_lock_of(call, adapter(call, extension), message) {
        Ok((lock, _)) => {
            unhooked::release_for_driver(call, lock, Irql(old as u8));
            STOR_STATUS_SUCCESS
        }
        Err(status) => status,
    }
}

/// Windows runs the routine as KeSynchronizeExecution would. Nothing counts as the driver's lock: it
/// asked for a routine to be run and not for a lock.
pub(crate) unsafe fn synchronize_access(
    call: &Call,
    extension: PVOID,
    routine: PSTOR_SYNCHRONIZED_ACCESS,
    context: PVOID,
) -> BOOLEAN {
    let adapter = adapter(call, extension);
    let Some(routine) = routine else { call.bad_pointer(0, "the SynchronizedAccessRoutine") };
    adapter.with_interrupts_out(call, || {
        let args = [Arg::Pointer(adapter.extension as usize), Arg::Pointer(context as usize)];
        let frame = Frame::new(&HW_STOR_SYNCHRONIZED_ACCESS, &args).under(&[system_lock::INTERRUPT]);
        adapter.call(frame, adapter.interrupt_irql(), || {
            // SAFETY: the miniport gave the routine and its arguments together, for a call like this; they
            // live until it.
            unsafe { routine.go((adapter.extension, context)) }
        })
    })
}

impl AdapterState {
    /// Runs a life-cycle callback as the pages for hardware want it: at DIRQL under the interrupt lock. A
    /// virtual adapter has neither.
    pub(super) fn call_with_interrupts_out<R: IntoArg>(
        &self,
        frame: Frame<'_>,
        body: impl FnOnce() -> R,
    ) -> R {
        if self.hardware.is_none() {
            return self.call(frame, Irql::PASSIVE, body);
        }
        let frame = frame.under(&[system_lock::INTERRUPT]);
        self.with_interrupts_out(&own_cx(), || self.call(frame, self.interrupt_irql(), body))
    }
}

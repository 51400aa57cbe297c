//! One place for an outstanding request: its IRP, its buffer, and the way back.
//!
//! The IRP comes back through a completion routine that runs wherever the driver completes it: it notes the
//! slot and rings the job's doorbell. Invariant: a slot has one request at most, and its buffers are the
//! slot's own again when that has come back. It is not made of `storport_sim::client`, whose requests come
//! back to an event each: a job waits for any of its slots, takes the time in the completion routine, and
//! keeps its MDL from one request to the next, so as to measure the driver and not itself. (That a request is
//! completed once is the kernel's and the port driver's to watch: bug checks 0x44 and 0xF1/0x2004.)

#![expect(unsafe_code, reason = "the rig calls layer 1, as a client of the driver")]

use super::doorbell::Doorbell;
use super::operations::Operation;
use crossbeam::queue::ArrayQueue;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::cell::Cell;
use std::ptr::null_mut;

/// IOCTL_MINIPORT_PROCESS_SERVICE_IRP of ntddscsi.h.
pub(crate) const IOCTL_MINIPORT_PROCESS_SERVICE_IRP: ULONG = 0x0004_D038;

/// Bytes of a buffer that a device control request is sent with, at least.
const CONTROL_BYTES: u32 = 512;

/// Where completion routines of one job leave what came back.
pub(super) struct Inbox {
    pub done: ArrayQueue<u32>,
    pub doorbell: Doorbell,
}

/// The context of a completion routine.
struct Context {
    inbox: *const Inbox,
    slot: u32,
    /// When it came back, by the clock of latencies.
    completed_at: Cell<u64>,
}

/// See the module page.
pub(super) struct Slot {
    irp: PIRP,
    mdl: PMDL,
    /// The part of the buffer that the MDL describes, and its length.
    mdl_bytes: u32,
    buffer: PVOID,
    buffer_bytes: u32,
    context: Box<Context>,
    pub sent_at: u64,
    pub what: Option<Operation>,
    /// The file object that its requests name; null for none.
    pub file: PFILE_OBJECT,
}

/// The parts of a slot that a request carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    Nothing,
    /// The data, described by the MDL.
    Mdl,
    /// The buffer as the system buffer of a device control request.
    SystemBuffer,
}

/// The clock of latencies: steps in the deterministic executor, nanoseconds in the parallel one.
pub(super) fn now(machine: &Machine) -> u64 {
    if machine.is_deterministic() { machine.step() } else { machine.time_ns() }
}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    // SAFETY: the job passed a context that outlives the request, and waits for the ring before it
    // touches the slot again.
    unsafe {
        let context = &*context.cast::<Context>();
        let inbox = &*context.inbox;
        if let Some(machine) = Machine::current() {
            context.completed_at.set(now(machine));
        }
        // Cannot be full: it has room for every slot.
        let _ = inbox.done.push(context.slot);
        inbox.doorbell.ring();
    }
    // The IRP is the job's own; no driver above it may touch it.
    STATUS_MORE_PROCESSING_REQUIRED
}

impl Slot {
    /// The IRP of its request.
    pub(super) fn irp(&self) -> PIRP {
        self.irp
    }

    /// A slot with an IRP of `stack_size` locations and room for `bytes` bytes.
    pub(super) fn new(machine: &Machine, stack_size: i8, bytes: u32, inbox: *const Inbox, slot: u32) -> Slot {
        let context = Box::new(Context { inbox, slot, completed_at: Cell::new(0) });
        let mut new = Slot {
            irp: null_mut(),
            mdl: null_mut(),
            mdl_bytes: 0,
            buffer: null_mut(),
            buffer_bytes: 0,
            context,
            sent_at: 0,
            what: None,
            file: null_mut(),
        };
        new.grow(machine, bytes.max(CONTROL_BYTES));
        // SAFETY: an allocation routine with a valid size.
        new.irp = unsafe { IoAllocateIrp(stack_size, FALSE) };
        assert!(!new.irp.is_null(), "the machine is out of memory for the workload");
        new.describe(bytes);
        new
    }

    fn grow(&mut self, machine: &Machine, bytes: u32) {
        if !self.buffer.is_null() {
            machine.free_system(self.buffer);
        }
        self.buffer = machine.allocate_system(bytes as usize);
        self.buffer_bytes = bytes;
        assert!(!self.buffer.is_null(), "the machine is out of memory for the workload");
    }

    /// Has the MDL describe so many bytes of the buffer.
    fn describe(&mut self, bytes: u32) {
        // SAFETY: the slot's own MDL, and a buffer of at least that size.
        unsafe {
            if !self.mdl.is_null() {
                IoFreeMdl(self.mdl);
            }
            self.mdl = IoAllocateMdl(self.buffer, bytes, FALSE, FALSE, null_mut());
            assert!(!self.mdl.is_null(), "the machine is out of memory for the workload");
            MmBuildMdlForNonPagedPool(self.mdl);
        }
        self.mdl_bytes = bytes;
    }

    /// Makes room for so many bytes of data, described by the MDL. No request is outstanding.
    pub(super) fn prepare(&mut self, machine: &Machine, bytes: u32) {
        let has_grown = bytes > self.buffer_bytes;
        if has_grown {
            self.grow(machine, bytes.next_power_of_two());
        }
        if has_grown || bytes != self.mdl_bytes {
            self.describe(bytes);
        }
    }

    /// The first bytes of the buffer. No request is outstanding.
    pub(super) fn data(&mut self, bytes: u32) -> &mut [u8] {
        assert!(bytes <= self.buffer_bytes, "a buffer of {} bytes", self.buffer_bytes);
        // SAFETY: the buffer has that many bytes, and is the slot's own while no request is out.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.cast(), bytes as usize) }
    }

    /// Sends the IRP with what `fill` writes into its next location, and cancels it then if that is wanted.
    pub(super) fn send(
        &mut self,
        target: PDEVICE_OBJECT,
        carries: Carries,
        cancel: bool,
        fill: impl FnOnce(&mut IO_STACK_LOCATION),
    ) {
        // SAFETY: the slot's IRP, MDL and buffer are idle; the target is a live device whose stack the IRP
        // has locations for; the context outlives the request.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            let next = &mut *IoGetNextIrpStackLocation(self.irp);
            next.FileObject = self.file;
            fill(next);
            match carries {
                Carries::Nothing => {}
                Carries::Mdl => (*self.irp).MdlAddress = self.mdl,
                Carries::SystemBuffer => (*self.irp).AssociatedIrp.SystemBuffer = self.buffer,
            }
            let context: *const Context = &raw const *self.context;
            IoSetCompletionRoutine(self.irp, Some(came_back), context as PVOID, true, true, true);
            let irp = self.irp;
            IoCallDriver(target, irp);
            if cancel {
                IoCancelIrp(irp);
            }
        }
    }

    /// How a request that came back ended: its status, its Information, and how long it took.
    pub(super) fn outcome(&self) -> (NTSTATUS, usize, u64) {
        let latency = self.context.completed_at.get().saturating_sub(self.sent_at).max(1);
        // SAFETY: the IRP came back and is the slot's own.
        let io = unsafe { (*self.irp).IoStatus };
        (io.Status(), io.Information, latency)
    }

    /// Gives everything back. No request is outstanding.
    pub(super) fn free(self, machine: &Machine) {
        // SAFETY: no request is outstanding.
        unsafe {
            IoFreeIrp(self.irp);
            IoFreeMdl(self.mdl);
        }
        machine.free_system(self.buffer);
    }
}

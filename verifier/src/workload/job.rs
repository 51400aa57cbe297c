//! One job: a system thread that keeps requests outstanding and checks every answer.
//!
//! Requests live in slots. A slot's IRP comes back to the job through a completion routine that runs
//! wherever the driver completes it: it notes the slot and rings the job's doorbell. Invariant: at
//! most one request is outstanding for a block, so what a read must return is known when it is sent.

use super::operations::{Operation, Operations, Part};
use super::options::{Amount, Mode};
use super::statistics::Statistics;
use super::{Disk, Shared, pattern, report, report_status};
use crate::rules::workload_checks;
use crossbeam::queue::ArrayQueue;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use sha2::{Digest, Sha256};
use std::ptr::null_mut;

/// IOCTL_MINIPORT_PROCESS_SERVICE_IRP of ntddscsi.h.
const IOCTL_MINIPORT_PROCESS_SERVICE_IRP: ULONG = 0x0004_D038;

/// Machine time after which an outstanding request is lost, in 100 ns units, relative.
const LOST_AFTER: i64 = -60 * 10_000_000;

/// A semaphore in machine memory.
#[derive(Clone, Copy)]
pub(super) struct Doorbell {
    semaphore: PKSEMAPHORE,
    timeout: PLARGE_INTEGER,
}

// SAFETY: the semaphore is a kernel object, made to be used from any thread of the machine; the
// time-out is read only.
unsafe impl Send for Doorbell {}

impl Doorbell {
    pub(super) fn new(machine: &Machine) -> Doorbell {
        let semaphore: PKSEMAPHORE = machine.allocate_system(size_of::<KSEMAPHORE>()).cast();
        let timeout: PLARGE_INTEGER = machine.allocate_system(size_of::<LARGE_INTEGER>()).cast();
        assert!(!semaphore.is_null() && !timeout.is_null(), "the machine is out of memory for the workload");
        // SAFETY: fresh blocks of those sizes.
        unsafe {
            KeInitializeSemaphore(semaphore, 0, LONG::MAX);
            *timeout = LARGE_INTEGER::new(LOST_AFTER);
        }
        Doorbell { semaphore, timeout }
    }

    pub(super) fn ring(self) {
        // SAFETY: the semaphore lives until `free`.
        unsafe { KeReleaseSemaphore(self.semaphore, 0, 1, FALSE) };
    }

    /// Waits for a ring; answers whether one came in time.
    pub(super) fn wait(self, timeout: Option<()>) -> bool {
        let timeout = if timeout.is_some() { self.timeout } else { null_mut() };
        // SAFETY: as in `ring`.
        let status =
            unsafe { KeWaitForSingleObject(self.semaphore.cast(), Executive, KernelMode, FALSE, timeout) };
        status == STATUS_SUCCESS
    }

    pub(super) fn free(self, machine: &Machine) {
        machine.free_system(self.semaphore.cast());
        machine.free_system(self.timeout.cast());
    }
}

/// Where completion routines of one job leave what came back.
struct Inbox {
    done: ArrayQueue<u32>,
    doorbell: Doorbell,
}

/// The context of a completion routine.
struct SlotContext {
    inbox: *const Inbox,
    slot: u32,
    /// Time or step of completion.
    completed_at: std::cell::Cell<u64>,
}

/// One place for an outstanding request.
struct Slot {
    irp: PIRP,
    mdl: PMDL,
    buffer: PVOID,
    context: Box<SlotContext>,
    sent_at: u64,
    what: Option<Operation>,
    /// What a read must return.
    expected: u32,
}

struct Job<'a> {
    shared: &'a Shared,
    machine: &'static Machine,
    part: Part,
    inbox: Box<Inbox>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    generations: Vec<u32>,
    busy: Vec<bool>,
    statistics: Statistics,
    digest: Option<InOrder>,
    outstanding: u32,
}

/// Takes blocks in any order and digests them in the disk's.
struct InOrder {
    hash: Sha256,
    next: u64,
    early: std::collections::BTreeMap<u64, Vec<u8>>,
}

impl InOrder {
    fn take(&mut self, block: u64, data: &[u8]) {
        if block != self.next {
            self.early.insert(block, data.to_vec());
            return;
        }
        self.hash.update(data);
        self.next += 1;
        while let Some(data) = self.early.remove(&self.next) {
            self.hash.update(&data);
            self.next += 1;
        }
    }
}

/// The clock of latencies: steps in the deterministic executor, nanoseconds in the parallel one.
fn now(machine: &Machine) -> u64 {
    if machine.is_deterministic() { machine.step() } else { machine.time_ns() }
}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    // SAFETY: the job passed a context that outlives the request, and waits for the ring before it
    // touches the slot again.
    unsafe {
        let context = &*context.cast::<SlotContext>();
        let inbox = &*context.inbox;
        if let Some(machine) = Machine::current() {
            context.completed_at.set(now(machine));
        }
        // Cannot be full: it has room for every slot.
        let _ = inbox.done.push(context.slot);
        inbox.doorbell.ring();
    }
    // The IRP is the job's own; nobody above it may touch it.
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Runs job `n` of `jobs`.
pub(super) fn run(shared: &Shared, n: u32, jobs: u32) {
    let machine = Machine::current().expect("a job runs on a machine");
    let options = &shared.options;
    let blocks = shared.disk.bytes / u64::from(options.block_bytes);
    let part = Part::of(n, jobs, blocks);
    let depth = options.depth / jobs + u32::from(n < options.depth % jobs);
    let mut job = Job::new(shared, machine, part, depth.max(1));
    let takes_service = shared.disk.service.is_some();
    let end_ns = match options.amount {
        Amount::TimeNs(ns) => machine.time_ns().saturating_add(ns),
        _ => u64::MAX,
    };
    for operation in Operations::new(options, n, jobs, part, takes_service) {
        if end_ns != u64::MAX && machine.time_ns() >= end_ns {
            break;
        }
        job.submit(operation);
    }
    job.drain();
    job.finish();
}

impl<'a> Job<'a> {
    fn new(shared: &'a Shared, machine: &'static Machine, part: Part, depth: u32) -> Job<'a> {
        let options = &shared.options;
        let doorbell = Doorbell::new(machine);
        let inbox = Box::new(Inbox { done: ArrayQueue::new(depth as usize), doorbell });
        let slots = (0..depth).map(|slot| Slot::new(machine, shared, &raw const *inbox, slot)).collect();
        let part_blocks = usize::try_from(part.blocks).unwrap_or(usize::MAX);
        let digest = (options.mode == Mode::Read).then(|| InOrder {
            hash: Sha256::new(),
            next: part.first,
            early: Default::default(),
        });
        Job {
            shared,
            machine,
            part,
            inbox,
            slots,
            free: (0..depth).rev().collect(),
            generations: vec![0; part_blocks],
            busy: vec![false; part_blocks],
            statistics: Statistics::new(),
            digest,
            outstanding: 0,
        }
    }

    fn index(&self, block: u64) -> usize {
        (block - self.part.first) as usize
    }

    /// Sends an operation, waiting first until its block and a slot are free. A flush waits for all
    /// writes before it, as a file system does.
    fn submit(&mut self, operation: Operation) {
        match operation {
            Operation::Read { block, .. } | Operation::Write { block } => {
                while self.busy[self.index(block)] {
                    self.receive();
                }
            }
            Operation::Flush => self.drain(),
            Operation::Service => {}
        }
        let slot = loop {
            match self.free.pop() {
                Some(slot) => break slot,
                None => self.receive(),
            }
        };
        self.send(slot, operation);
    }

    fn send(&mut self, slot: u32, operation: Operation) {
        let Disk { device, service, .. } = self.shared.disk;
        let bytes = self.shared.options.block_bytes;
        let (mut target, mut cancel) = (device, false);
        let mut expected = 0;
        if let Operation::Read { block, .. } | Operation::Write { block } = operation {
            let index = self.index(block);
            self.busy[index] = true;
            if matches!(operation, Operation::Write { .. }) {
                self.generations[index] += 1;
            }
            expected = self.generations[index];
        }
        self.outstanding += 1;
        let at = now(self.machine);
        let s = &mut self.slots[slot as usize];
        s.what = Some(operation);
        s.expected = expected;
        s.sent_at = at;
        // SAFETY: the slot's IRP, MDL and buffer are the job's own and idle; the target is a live
        // device whose stack the IRP has locations for.
        unsafe {
            IoReuseIrp(s.irp, STATUS_SUCCESS);
            let next = &mut *IoGetNextIrpStackLocation(s.irp);
            match operation {
                Operation::Read { block, cancel: wanted } => {
                    cancel = wanted;
                    next.MajorFunction = IRP_MJ_READ as UCHAR;
                    next.Parameters.Read = transfer(block, bytes);
                    (*s.irp).MdlAddress = s.mdl;
                }
                Operation::Write { block } => {
                    next.MajorFunction = IRP_MJ_WRITE as UCHAR;
                    next.Parameters.Write = transfer(block, bytes);
                    (*s.irp).MdlAddress = s.mdl;
                    let buffer = std::slice::from_raw_parts_mut(s.buffer.cast::<u8>(), bytes as usize);
                    pattern::stamp(buffer, block * u64::from(bytes), expected);
                }
                Operation::Flush => next.MajorFunction = IRP_MJ_FLUSH_BUFFERS as UCHAR,
                Operation::Service => {
                    target = service.unwrap_or(device);
                    next.MajorFunction = IRP_MJ_DEVICE_CONTROL as UCHAR;
                    next.Parameters.DeviceIoControl = IO_STACK_LOCATION_Parameters_DeviceIoControl {
                        OutputBufferLength: bytes,
                        InputBufferLength: 0,
                        IoControlCode: IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                        Type3InputBuffer: null_mut(),
                    };
                    (*s.irp).AssociatedIrp.SystemBuffer = s.buffer;
                }
            }
            let context: *const SlotContext = &raw const *s.context;
            IoSetCompletionRoutine(s.irp, Some(came_back), context as PVOID, true, true, true);
            let irp = s.irp;
            IoCallDriver(target, irp);
            if cancel {
                IoCancelIrp(irp);
            }
        }
    }

    /// Takes one request back and checks it.
    fn receive(&mut self) {
        if !self.inbox.doorbell.wait(Some(())) {
            let lost: Vec<_> = self.slots.iter().filter_map(|s| s.what).map(|o| format!("{o:?}")).collect();
            report(
                &workload_checks::LOST_REQUEST,
                "IoCallDriver",
                "the thread that sent it waits for ever",
                format!(
                    "{} requests were not completed within 60 seconds of machine time: {}",
                    lost.len(),
                    lost.join(", ")
                ),
            );
        }
        let slot = self.inbox.done.pop().expect("one ring for each request that came back");
        self.outstanding -= 1;
        match self.check(slot) {
            Some(again) => self.send(slot, again),
            None => self.free.push(slot),
        }
    }

    /// Checks what came back; answers what to send again. A digest needs every block, so a read that
    /// was cancelled is sent once more.
    fn check(&mut self, slot: u32) -> Option<Operation> {
        let bytes = self.shared.options.block_bytes;
        let s = &mut self.slots[slot as usize];
        let operation = s.what.take().expect("a slot that came back was sent");
        let latency = s.context.completed_at.get().saturating_sub(s.sent_at).max(1);
        // SAFETY: the IRP came back and is the job's own; so are its buffer and status.
        let (status, information, data) = unsafe {
            let io = (*s.irp).IoStatus;
            (io.Status(), io.Information, std::slice::from_raw_parts(s.buffer.cast::<u8>(), bytes as usize))
        };
        match operation {
            Operation::Read { block, cancel } => {
                let index = (block - self.part.first) as usize;
                self.busy[index] = false;
                if cancel && status == STATUS_CANCELLED {
                    self.statistics.cancelled += 1;
                    return self.digest.as_ref().map(|_| Operation::Read { block, cancel: false });
                }
                let offset = block * u64::from(bytes);
                check_status("IRP_MJ_READ", offset, bytes, status, information);
                self.statistics.reads += 1;
                self.statistics.bytes_read += u64::from(bytes);
                let _ = self.statistics.latency.record(latency);
                if s.expected != 0 || self.shared.options.zeroed {
                    if let Err(m) = pattern::check(data, offset, s.expected) {
                        wrong_data(&m, s.expected);
                    }
                    self.statistics.sectors_verified += u64::from(bytes) / pattern::SECTOR as u64;
                }
                if let Some(digest) = &mut self.digest {
                    digest.take(block, data);
                }
            }
            Operation::Write { block } => {
                let index = (block - self.part.first) as usize;
                self.busy[index] = false;
                check_status("IRP_MJ_WRITE", block * u64::from(bytes), bytes, status, information);
                self.statistics.writes += 1;
                self.statistics.bytes_written += u64::from(bytes);
                let _ = self.statistics.latency.record(latency);
            }
            Operation::Flush => {
                check_status("IRP_MJ_FLUSH_BUFFERS", 0, 0, status, 0);
                self.statistics.flushes += 1;
            }
            Operation::Service => {
                if status < 0 {
                    report_status("IRP_MJ_DEVICE_CONTROL", 0, 0, status);
                }
                self.statistics.services += 1;
            }
        }
        None
    }

    /// Waits for everything outstanding.
    fn drain(&mut self) {
        while self.outstanding != 0 {
            self.receive();
        }
    }

    /// Reads back every block it wrote, gives its memory back, hands its figures in.
    fn finish(mut self) {
        if !matches!(self.shared.options.mode, Mode::Read | Mode::RandRead) {
            self.read_back();
        }
        for slot in &self.slots {
            // SAFETY: no request is outstanding.
            unsafe {
                IoFreeIrp(slot.irp);
                IoFreeMdl(slot.mdl);
            }
            self.machine.free_system(slot.buffer);
        }
        self.inbox.doorbell.free(self.machine);
        if let Some(digest) = self.digest.take()
            && digest.early.is_empty()
        {
            self.statistics.digest = Some(digest.hash.finalize().into());
        }
        self.shared.results.lock().add(&self.statistics);
    }

    fn read_back(&mut self) {
        let written: Vec<u64> = (0..self.part.blocks)
            .filter(|n| self.generations[*n as usize] != 0)
            .map(|n| self.part.first + n)
            .collect();
        for block in written {
            self.submit(Operation::Read { block, cancel: false });
        }
        self.drain();
    }
}

fn transfer(block: u64, bytes: u32) -> IO_STACK_LOCATION_Parameters_Read {
    let offset = block * u64::from(bytes);
    IO_STACK_LOCATION_Parameters_Read { Length: bytes, Key: 0, ByteOffset: LARGE_INTEGER::new(offset as i64) }
}

fn check_status(call: &'static str, offset: u64, bytes: u32, status: NTSTATUS, information: usize) {
    if status != STATUS_SUCCESS {
        report_status(call, offset, bytes, status);
    }
    if information != bytes as usize {
        report(
            &workload_checks::REQUEST_STATUS,
            call,
            "a caller takes Information as the number of bytes moved",
            format!(
                "a request for {bytes} bytes at offset {offset} succeeded with Information {information}"
            ),
        );
    }
}

fn wrong_data(mismatch: &pattern::Mismatch, expected: u32) -> ! {
    let expected = if expected == 0 { "zeros".into() } else { format!("generation {expected}") };
    report(
        &workload_checks::DATA_INTEGRITY,
        "IRP_MJ_READ",
        "a file with this data in it is corrupt, and nobody was told",
        format!(
            "the sector at offset {} should hold {expected} and holds {}",
            mismatch.offset, mismatch.holds
        ),
    )
}

impl Slot {
    fn new(machine: &Machine, shared: &Shared, inbox: *const Inbox, slot: u32) -> Slot {
        let bytes = shared.options.block_bytes;
        let buffer = machine.allocate_system(bytes as usize);
        // SAFETY: both devices are live.
        let stack = unsafe {
            let service = shared.disk.service.map_or(0, |d| (*d).StackSize);
            (*shared.disk.device).StackSize.max(service)
        };
        // SAFETY: allocation routines with valid sizes; the buffer is the block just allocated.
        let (irp, mdl) = unsafe {
            let irp = IoAllocateIrp(stack, FALSE);
            let mdl = IoAllocateMdl(buffer, bytes, FALSE, FALSE, null_mut());
            assert!(
                !buffer.is_null() && !irp.is_null() && !mdl.is_null(),
                "the machine is out of memory for the workload"
            );
            MmBuildMdlForNonPagedPool(mdl);
            (irp, mdl)
        };
        let context = Box::new(SlotContext { inbox, slot, completed_at: std::cell::Cell::new(0) });
        Slot { irp, mdl, buffer, context, sent_at: 0, what: None, expected: 0 }
    }
}

//! A small client of a disk device: threads that keep several requests outstanding and check what
//! comes back.
//!
//! Each thread owns a part of the disk and has at most one request outstanding for a block, so it
//! knows what every read must return. One more thread cancels requests right after they were sent,
//! from another processor. A wrong answer is a panic, which ends the run with a bug check.

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::cell::Cell;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Bytes of a block: the unit of transfers.
pub const BLOCK: usize = 1024;
/// Blocks of each thread's part.
const PART: u64 = 16;

/// What to send.
#[derive(Clone, Copy)]
pub struct Workload {
    pub threads: u32,
    /// Requests outstanding, of all threads.
    pub depth: u32,
    /// Requests in all.
    pub requests: u32,
    pub seed: u64,
    /// Cancel one in so many; 0 for none.
    pub cancel_every: u32,
    /// How often to send IRP_MJ_CLEANUP meanwhile, which cancels whatever is queued.
    pub cleanups: u32,
}

/// What came back.
#[derive(Default)]
pub struct Figures {
    pub completed: AtomicU32,
    pub cancelled: AtomicU32,
}

/// Bytes of disk a workload needs.
pub fn disk_bytes(workload: &Workload) -> u64 {
    u64::from(workload.threads) * PART * BLOCK as u64
}

/// A semaphore in machine memory.
#[derive(Clone, Copy)]
struct Semaphore(PKSEMAPHORE);

// SAFETY: a kernel object, made to be used from any thread of the machine.
unsafe impl Send for Semaphore {}

impl Semaphore {
    fn new(machine: &Machine) -> Semaphore {
        let semaphore: PKSEMAPHORE = machine.allocate_system(size_of::<KSEMAPHORE>()).cast();
        // SAFETY: a fresh block of that size.
        unsafe { KeInitializeSemaphore(semaphore, 0, LONG::MAX) };
        Semaphore(semaphore)
    }

    fn release(self) {
        // SAFETY: the block lives as long as the machine.
        unsafe { KeReleaseSemaphore(self.0, 0, 1, FALSE) };
    }

    fn wait(self) {
        // SAFETY: as above.
        unsafe { KeWaitForSingleObject(self.0.cast(), Executive, KernelMode, FALSE, null_mut()) };
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Read,
    Write,
    Flush,
}

/// One place for an outstanding request.
struct Slot {
    irp: PIRP,
    mdl: PMDL,
    buffer: *mut u8,
    done: Semaphore,
    /// Rings the thread that cancels, and its answer; both null where nobody cancels.
    cancel: Option<(Semaphore, Semaphore)>,
    cancels: Cell<bool>,
    outstanding: Cell<Option<(Kind, u64)>>,
}

/// Runs a workload against `device`; call from the boot thread.
pub fn run(machine: &'static Machine, device: PDEVICE_OBJECT, workload: Workload) -> Arc<Figures> {
    let figures = Arc::new(Figures::default());
    let ended = Semaphore::new(machine);
    for n in 0..workload.threads {
        let (figures, device) = (Arc::clone(&figures), device as usize);
        machine.start_thread(None, move || {
            Thread::new(machine, device as PDEVICE_OBJECT, workload, n, &figures).run();
            ended.release();
        });
    }
    for _ in 0..workload.cleanups {
        let done = send(machine, device, |_, next| next.MajorFunction = IRP_MJ_CLEANUP as UCHAR);
        assert_eq!(done.Status(), STATUS_SUCCESS);
    }
    for _ in 0..workload.threads {
        ended.wait();
    }
    figures
}

/// Sends one request, made ready by `fill`, and waits for it.
pub fn send(
    machine: &'static Machine,
    device: PDEVICE_OBJECT,
    fill: impl FnOnce(&mut IRP, &mut IO_STACK_LOCATION),
) -> IO_STATUS_BLOCK {
    let slot = Slot::new(machine, device, false);
    // SAFETY: the slot is fresh, the device live; the slot is freed after the request came back.
    unsafe {
        (*slot.irp).MdlAddress = slot.mdl;
        (*slot.irp).AssociatedIrp.SystemBuffer = slot.buffer.cast();
        fill(&mut *slot.irp, &mut *IoGetNextIrpStackLocation(slot.irp));
        let context = std::ptr::from_ref::<Slot>(&slot) as PVOID;
        IoSetCompletionRoutine(slot.irp, Some(came_back), context, true, true, true);
        IoCallDriver(device, slot.irp);
        slot.done.wait();
        let status = (*slot.irp).IoStatus;
        slot.free();
        status
    }
}

struct Thread<'a> {
    device: PDEVICE_OBJECT,
    workload: Workload,
    number: u32,
    random: u64,
    #[expect(clippy::vec_box, reason = "completion routines point at slots")]
    slots: Vec<Box<Slot>>,
    generations: [u8; PART as usize],
    figures: &'a Figures,
}

impl<'a> Thread<'a> {
    fn new(
        machine: &'static Machine,
        device: PDEVICE_OBJECT,
        workload: Workload,
        number: u32,
        figures: &'a Figures,
    ) -> Thread<'a> {
        let depth = (workload.depth / workload.threads).max(1);
        Thread {
            device,
            workload,
            number,
            random: workload.seed ^ u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            slots: (0..depth).map(|_| Slot::new(machine, device, workload.cancel_every != 0)).collect(),
            generations: [0; PART as usize],
            figures,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.random >> 33) % n
    }

    fn run(&mut self) {
        let requests = self.workload.requests / self.workload.threads;
        for n in 0..requests {
            let at = n as usize % self.slots.len();
            self.receive(at);
            let block = self.below(PART);
            if self.slots.iter().any(|s| s.outstanding.get().is_some_and(|(_, b)| b == block)) {
                continue;
            }
            let kind = match self.below(16) {
                0 => Kind::Flush,
                1..=8 => Kind::Read,
                _ => Kind::Write,
            };
            let cancel =
                self.workload.cancel_every != 0 && self.below(self.workload.cancel_every.into()) == 0;
            self.send(at, kind, block, cancel);
        }
        for at in 0..self.slots.len() {
            self.receive(at);
        }
        for block in 0..PART {
            self.send(0, Kind::Read, block, false);
            self.receive(0);
        }
        for slot in &self.slots {
            slot.free();
        }
    }

    fn fill(&self, block: u64, generation: u8) -> u8 {
        if generation == 0 { 0 } else { (block as u8) << 4 ^ (self.number as u8) << 6 ^ generation | 1 }
    }

    fn send(&mut self, at: usize, kind: Kind, block: u64, cancel: bool) {
        let next_generation = self.generations[block as usize].wrapping_add(1).max(1);
        let fill = self.fill(block, next_generation);
        let slot = &self.slots[at];
        slot.outstanding.set(Some((kind, block)));
        slot.cancels.set(cancel);
        // SAFETY: the slot is idle: IRP, MDL and buffer are ours. The device is live.
        unsafe {
            IoReuseIrp(slot.irp, STATUS_SUCCESS);
            let next = &mut *IoGetNextIrpStackLocation(slot.irp);
            next.MajorFunction = match kind {
                Kind::Read => IRP_MJ_READ,
                Kind::Write => IRP_MJ_WRITE,
                Kind::Flush => IRP_MJ_FLUSH_BUFFERS,
            } as UCHAR;
            if kind != Kind::Flush {
                let offset = (u64::from(self.number) * PART + block) * BLOCK as u64;
                next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                    Length: BLOCK as ULONG,
                    Key: 0,
                    ByteOffset: LARGE_INTEGER::new(offset as i64),
                };
                (*slot.irp).MdlAddress = slot.mdl;
                slot.buffer.write_bytes(if kind == Kind::Write { fill } else { 0xEE }, BLOCK);
            }
            let context = std::ptr::from_ref::<Slot>(slot) as PVOID;
            IoSetCompletionRoutine(slot.irp, Some(came_back), context, true, true, true);
            if cancel && let Some((wanted, _)) = slot.cancel {
                wanted.release();
            }
            IoCallDriver(self.device, slot.irp);
        }
    }

    /// Waits for the slot's request, if there is one, and checks it.
    fn receive(&mut self, at: usize) {
        let slot = &self.slots[at];
        let Some((kind, block)) = slot.outstanding.take() else { return };
        slot.done.wait();
        if slot.cancels.get()
            && let Some((_, cancelled)) = slot.cancel
        {
            cancelled.wait();
        }
        // SAFETY: the request came back, and whoever cancelled it is through with it.
        let (status, information, data) = unsafe {
            let io = (*slot.irp).IoStatus;
            (io.Status(), io.Information, std::slice::from_raw_parts(slot.buffer, BLOCK))
        };
        if status == STATUS_CANCELLED {
            let wanted = slot.cancels.get() || self.workload.cleanups != 0;
            assert!(wanted && information == 0, "cancelled, and nobody asked for it");
            self.figures.cancelled.fetch_add(1, SeqCst);
            return;
        }
        assert_eq!(status, STATUS_SUCCESS, "{kind:?} of block {block}");
        assert_eq!(information, if kind == Kind::Flush { 0 } else { BLOCK });
        self.figures.completed.fetch_add(1, SeqCst);
        let generation = &mut self.generations[block as usize];
        match kind {
            Kind::Write => *generation = generation.wrapping_add(1).max(1),
            Kind::Read => {
                let expected = self.fill(block, self.generations[block as usize]);
                assert!(
                    data.iter().all(|b| *b == expected),
                    "block {block} holds {:#x}, not {expected:#x}",
                    data[0]
                );
            }
            Kind::Flush => {}
        }
    }
}

/// The IRP stays the slot's.
unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    // SAFETY: the slot outlives its request.
    unsafe { (*context.cast::<Slot>()).done.release() };
    STATUS_MORE_PROCESSING_REQUIRED
}

impl Slot {
    fn new(machine: &'static Machine, device: PDEVICE_OBJECT, cancels: bool) -> Box<Slot> {
        // SAFETY: allocation routines; the buffer is a fresh block of that size.
        let (irp, mdl, buffer) = unsafe {
            let buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, BLOCK, u32::from_le_bytes(*b"Test"));
            let mdl = IoAllocateMdl(buffer, BLOCK as ULONG, FALSE, FALSE, null_mut());
            MmBuildMdlForNonPagedPool(mdl);
            (IoAllocateIrp((*device).StackSize, FALSE), mdl, buffer.cast())
        };
        let cancel = cancels.then(|| (Semaphore::new(machine), Semaphore::new(machine)));
        if let Some((wanted, cancelled)) = cancel {
            let irp = irp as usize;
            machine.start_thread(None, move || {
                loop {
                    wanted.wait();
                    // SAFETY: the slot does not touch its IRP again before we release it.
                    unsafe { IoCancelIrp(irp as PIRP) };
                    cancelled.release();
                }
            });
        }
        Box::new(Slot {
            irp,
            mdl,
            buffer,
            done: Semaphore::new(machine),
            cancel,
            cancels: Cell::new(false),
            outstanding: Cell::new(None),
        })
    }

    fn free(&self) {
        // SAFETY: nothing is outstanding.
        unsafe {
            IoFreeIrp(self.irp);
            IoFreeMdl(self.mdl);
            ExFreePool(self.buffer.cast());
        }
    }
}

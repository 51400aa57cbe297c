//! A machine with a disk on it, a driver loaded, and a client that sends requests.

pub mod physical;
mod physical_driver;
mod test_hba;
pub mod tiny;

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::disk::{Geometry, Identity, MemoryStore, ScsiDisk, Target};
use storport_sim::{Adapter, Medium};

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 4 << 20;

/// A disk of [`DISK_BYTES`] in memory.
pub fn disk() -> ScsiDisk {
    let store = Box::new(MemoryStore::new(DISK_BYTES));
    ScsiDisk::new(store, Geometry::default(), Identity::default()).unwrap()
}

/// Runs `body` as the boot thread of a machine whose medium has `disks` disks of [`DISK_BYTES`].
pub fn run(cpus: u8, execution: Execution, disks: usize, body: impl FnOnce() + Send + 'static) -> Outcome {
    let medium = Arc::new(Medium::new((0..disks).map(|_| disk()).collect::<Target>()));
    Config::new(cpus, execution).unwrap().run(move || {
        Machine::current().unwrap().attach(medium);
        body();
    })
}

/// Loads a driver, starts its adapter, runs `body`, and takes both down again.
pub fn with_adapter(entry: PDRIVER_INITIALIZE, body: impl FnOnce(&Adapter)) {
    let machine = Machine::current().unwrap();
    let driver = machine.load_driver(entry).expect("the driver loads");
    let adapter = Adapter::start(driver).expect("the adapter starts");
    body(&adapter);
    adapter.remove();
    machine.unload_driver(driver);
}

/// Every execution a property should hold under: some seeds on some numbers of processors, and real threads.
/// `STORSIM_SOAK=N` makes it N times as many seeds.
pub fn executions(seeds: u64) -> impl Iterator<Item = (u8, Execution, String)> {
    let soak = std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let seeds = seeds * soak;
    (1..=4).flat_map(move |cpus| {
        let seeded =
            (0..seeds).map(move |seed| (cpus, Execution::Seeded(seed), format!("{cpus} CPUs, seed {seed}")));
        seeded.chain([(cpus, Execution::Parallel, format!("{cpus} CPUs, parallel"))])
    })
}

/// Asserts that a run ended by itself.
pub fn assert_completed(outcome: &Outcome, what: &str) {
    assert!(matches!(outcome.ending, Ending::Completed), "{what}: {:?}", outcome.ending);
}

/// One request at a time, with a buffer of its own.
pub struct Client {
    device: PDEVICE_OBJECT,
    irp: PIRP,
    block: *mut Block,
    bytes: usize,
}

#[repr(C)]
struct Block {
    event: KEVENT,
    /// The processor of the completion routine, plus one.
    completed_on: u32,
    data: [u8; 0],
}

impl Client {
    /// A client of a disk with room for `bytes` bytes.
    pub fn new(device: PDEVICE_OBJECT, bytes: usize) -> Client {
        let machine = Machine::current().unwrap();
        let block: *mut Block = machine.allocate_system(size_of::<Block>() + bytes).cast();
        assert!(!block.is_null());
        // SAFETY: a live device object; a fresh block.
        unsafe {
            KeInitializeEvent(&raw mut (*block).event, SynchronizationEvent, FALSE);
            Client { device, irp: IoAllocateIrp((*device).StackSize, FALSE), block, bytes }
        }
    }

    /// The buffer.
    pub fn data(&mut self) -> &mut [u8] {
        // SAFETY: the block has that many bytes behind its header, and no request is out.
        unsafe { std::slice::from_raw_parts_mut((&raw mut (*self.block).data).cast(), self.bytes) }
    }

    /// Sends a read, write or flush of the first `length` bytes of the buffer; waits for its status and
    /// information.
    pub fn request(&mut self, major: usize, offset: i64, length: usize) -> (NTSTATUS, usize) {
        assert!(length <= self.bytes);
        // SAFETY: our own IRP, buffer and event, which outlive the wait.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            let data: PVOID = (&raw mut (*self.block).data).cast();
            let mdl = IoAllocateMdl(data, length as u32, FALSE, FALSE, self.irp);
            MmBuildMdlForNonPagedPool(mdl);
            let next = &mut *IoGetNextIrpStackLocation(self.irp);
            next.MajorFunction = major as u8;
            next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                Length: length as u32,
                Key: 0,
                ByteOffset: LARGE_INTEGER::new(offset),
            };
            let event = &raw mut (*self.block).event;
            IoSetCompletionRoutine(self.irp, Some(done), self.block.cast(), true, true, true);
            IoCallDriver(self.device, self.irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            IoFreeMdl(mdl);
            ((*self.irp).IoStatus.Status(), (*self.irp).IoStatus.Information)
        }
    }

    /// The processor on which the last request was completed.
    pub fn completed_on(&self) -> Option<u8> {
        // SAFETY: no request is out.
        unsafe { (*self.block).completed_on }.checked_sub(1).map(|n| n as u8)
    }

    /// Gives everything back.
    pub fn close(self) {
        // SAFETY: no request is out.
        unsafe { IoFreeIrp(self.irp) };
        Machine::current().unwrap().free_system(self.block.cast());
    }
}

unsafe extern "C-unwind" fn done(_device: PDEVICE_OBJECT, _irp: PIRP, block: PVOID) -> NTSTATUS {
    // SAFETY: the context is the client's block, whose event it waits for.
    unsafe {
        let block = block.cast::<Block>();
        (*block).completed_on = u32::from(Processor::current().index()) + 1;
        KeSetEvent(&raw mut (*block).event, 0, FALSE);
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Sends a device control request and waits for it.
pub fn device_control(device: PDEVICE_OBJECT, code: u32, buffer: PVOID, bytes: u32) -> (NTSTATUS, usize) {
    let machine = Machine::current().unwrap();
    let event: PKEVENT = machine.allocate_system(size_of::<KEVENT>()).cast();
    let mut status = IO_STATUS_BLOCK::new(0, 0);
    // SAFETY: event and status block outlive the wait.
    unsafe {
        KeInitializeEvent(event, NotificationEvent, FALSE);
        let irp = IoBuildDeviceIoControlRequest(
            code,
            device,
            buffer,
            bytes,
            buffer,
            bytes,
            FALSE,
            event,
            &raw mut status,
        );
        IoCallDriver(device, irp);
        KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
    }
    machine.free_system(event.cast());
    (status.Status(), status.Information)
}

/// Runs `body(n)` on `count` system threads and waits until all have returned.
pub fn on_threads(count: usize, body: impl Fn(usize) + Send + Sync + 'static) {
    struct Work {
        body: Box<dyn Fn(usize) + Send + Sync>,
        next: std::sync::atomic::AtomicUsize,
        done: PKEVENT,
    }
    unsafe extern "C-unwind" fn start(context: PVOID) {
        // SAFETY: `on_threads` waits for every thread before the work goes away.
        unsafe {
            let work = &*context.cast::<Work>();
            (work.body)(work.next.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
            KeReleaseSemaphore(work.done.cast(), 0, 1, FALSE);
        }
    }
    let machine = Machine::current().unwrap();
    let done: PKEVENT = machine.allocate_system(size_of::<KSEMAPHORE>()).cast();
    let work = Box::new(Work { body: Box::new(body), next: 0.into(), done });
    let context: PVOID = (&raw const *work).cast_mut().cast();
    // SAFETY: the semaphore and the work outlive the threads.
    unsafe {
        KeInitializeSemaphore(done.cast(), 0, count as i32);
        for _ in 0..count {
            let mut handle = null_mut();
            PsCreateSystemThread(
                &raw mut handle,
                0,
                null_mut(),
                null_mut(),
                null_mut(),
                Some(start),
                context,
            );
            ZwClose(handle);
        }
        for _ in 0..count {
            KeWaitForSingleObject(done.cast(), Executive, KernelMode, FALSE, null_mut());
        }
    }
    machine.free_system(done.cast());
}

/// Reads the first 4 KiB of a disk; the status.
pub fn read_once(disk: PDEVICE_OBJECT) -> NTSTATUS {
    let mut client = Client::new(disk, 4096);
    let (status, _) = client.request(IRP_MJ_READ, 0, 4096);
    client.close();
    status
}

/// The stop code and the first parameter of a run that ended in a bug check.
#[track_caller]
pub fn stopped(outcome: &Outcome) -> (u32, u64) {
    let Ending::BugCheck(check) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    (check.stop.code, check.parameters[0])
}

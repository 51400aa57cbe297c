//! A machine with the ramdisk on it, and clients that send it requests and wait.

use drivers_examples::ramdisk;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::disk::fault::{FaultInjector, FaultPlan};
use storport_sim::disk::{Geometry, Identity, MemoryStore, ScsiDisk};
use storport_sim::{Adapter, Medium, Parameter, StartError};

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 1 << 20;
/// Bytes of a request.
pub const BYTES: u32 = 4096;

/// A disk of [`DISK_BYTES`].
pub fn disk() -> ScsiDisk {
    ScsiDisk::new(Box::new(MemoryStore::new(DISK_BYTES)), Geometry::default(), Identity::default()).unwrap()
}

/// What a test has in hand while the adapter is started.
pub struct Rig<'a> {
    pub medium: &'a Medium,
    pub adapter: &'a Adapter,
}

impl Rig<'_> {
    /// Lets commands meet the faults of a plan from now on.
    pub fn set_faults(&self, plan: &str, seed: u64) {
        let plan = plan.parse().expect("a fault plan");
        self.medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, seed))));
    }

    /// Faults that commands have met.
    pub fn faults_met(&self) -> u64 {
        self.medium.with(|target| target.faults().map_or(0, |f| f.counts().map(|c| c.injected).sum()))
    }

    /// The first disk.
    pub fn disk(&self) -> PDEVICE_OBJECT {
        self.adapter.disks()[0]
    }
}

/// Runs `body` with the adapter started over a medium of `disks` disks, and takes everything down again.
/// Asserts that the machine completes and the driver left no pool behind.
#[track_caller]
pub fn run(
    cpus: u8,
    execution: Execution,
    disks: usize,
    body: impl FnOnce(&Rig<'_>) + Send + 'static,
) -> Outcome {
    run_and_end(cpus, execution, disks, None, body, Adapter::remove)
}

/// As [`run`] with one disk, with what a plan wants of the pool.
#[track_caller]
pub fn run_with_policy(
    cpus: u8,
    execution: Execution,
    plan: &str,
    seed: u64,
    body: impl FnOnce(&Rig<'_>, u64) + Send + 'static,
) -> Outcome {
    let config = config(cpus, execution, plan, seed);
    run_config(config, 1, None, move |rig| body(rig, seed), Adapter::remove)
}

fn config(cpus: u8, execution: Execution, plan: &str, seed: u64) -> Config {
    let plan: FaultPlan = plan.parse().expect("a fault plan");
    let policy = plan.allocation_policy(seed).expect("a plan about the pool");
    Config::new(cpus, execution).unwrap().fail_allocations(Box::new(policy))
}

/// Starts the adapter on a machine whose pool fails by plan: it refuses, and leaves nothing behind.
#[track_caller]
pub fn starts_not(plan: &str) {
    let medium = Arc::new(Medium::new([disk()].into_iter().collect()));
    let outcome = config(2, Execution::Seeded(1), plan, 1).run(move || {
        let machine = Machine::current().unwrap();
        machine.attach(Arc::clone(&medium));
        let driver = machine.load_driver(Some(ramdisk::driver_entry)).expect("the driver loads");
        assert_eq!(Adapter::start(driver).err(), Some(StartError::NotInitialized));
        machine.unload_driver(driver);
        assert!(machine.leaks().is_empty(), "{:?}", machine.leaks());
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    assert_eq!(outcome.failed_allocations.len(), 1);
}

/// As [`run`], with a number of workers, and with another end than removal.
#[track_caller]
pub fn run_and_end(
    cpus: u8,
    execution: Execution,
    disks: usize,
    workers: Option<u32>,
    body: impl FnOnce(&Rig<'_>) + Send + 'static,
    end: impl FnOnce(Adapter) + Send + 'static,
) -> Outcome {
    let what = match &execution {
        Execution::Seeded(seed) => format!("{cpus} CPUs, seed {seed}"),
        _ => format!("{cpus} CPUs, parallel"),
    };
    let _says_where = Context(what);
    run_config(Config::new(cpus, execution).unwrap(), disks, workers, body, end)
}

/// Says which run it was, if that panics.
struct Context(String);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("with {}", self.0);
        }
    }
}

#[track_caller]
fn run_config(
    config: Config,
    disks: usize,
    workers: Option<u32>,
    body: impl FnOnce(&Rig<'_>) + Send + 'static,
    end: impl FnOnce(Adapter) + Send + 'static,
) -> Outcome {
    let medium = Arc::new(Medium::new((0..disks).map(|_| disk()).collect()));
    let weak = Arc::downgrade(&medium);
    let outcome = config.run(move || {
        let machine = Machine::current().unwrap();
        machine.attach(Arc::clone(&medium));
        let driver = machine.load_driver(Some(ramdisk::driver_entry)).expect("the driver loads");
        let parameters = workers.map(|n| ("Workers", Parameter::Dword(n)));
        let adapter = Adapter::start_with_parameters(driver, parameters).expect("the adapter starts");
        body(&Rig { medium: &medium, adapter: &adapter });
        end(adapter);
        machine.unload_driver(driver);
        assert!(machine.leaks().is_empty(), "{:?}", machine.leaks());
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    assert!(weak.upgrade().is_none(), "somebody still has the medium");
    outcome
}

/// Seeds on one to four processors; `STORSIM_SOAK=N` makes it N times as many.
pub fn seeded(seeds: u64) -> impl Iterator<Item = (u8, u64)> {
    let soak: u64 = std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    (1..=4).flat_map(move |cpus| (0..seeds * soak).map(move |seed| (cpus, seed)))
}

/// One request at a time to one device, with a buffer of [`BYTES`].
pub struct Client {
    device: PDEVICE_OBJECT,
    irp: PIRP,
    event: PKEVENT,
    buffer: PVOID,
    mdl: PMDL,
}

// SAFETY: kernel objects and memory of the machine, used by one thread at a time.
unsafe impl Send for Client {}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the client's event, which waits.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}

impl Client {
    pub fn new(device: PDEVICE_OBJECT) -> Client {
        let machine = Machine::current().unwrap();
        let event: PKEVENT = machine.allocate_system(size_of::<KEVENT>()).cast();
        let buffer = machine.allocate_system(BYTES as usize);
        // SAFETY: a live device, a fresh event and a fresh buffer.
        unsafe {
            KeInitializeEvent(event, SynchronizationEvent, FALSE);
            let irp = IoAllocateIrp((*device).StackSize, FALSE);
            let mdl = IoAllocateMdl(buffer, BYTES, FALSE, FALSE, null_mut());
            MmBuildMdlForNonPagedPool(mdl);
            Client { device, irp, event, buffer, mdl }
        }
    }

    pub fn data(&mut self) -> &mut [u8] {
        // SAFETY: the client's own buffer, and no request is out.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.cast(), BYTES as usize) }
    }

    fn send(&mut self, fill: impl FnOnce(&mut IO_STACK_LOCATION, &mut IRP)) {
        // SAFETY: the client's own IRP and event, and no request is out.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            fill(&mut *IoGetNextIrpStackLocation(self.irp), &mut *self.irp);
            IoSetCompletionRoutine(self.irp, Some(came_back), self.event.cast(), true, true, true);
            IoCallDriver(self.device, self.irp);
        }
    }

    /// Waits for the request that was sent; its status.
    pub fn wait(&mut self) -> NTSTATUS {
        // SAFETY: the client's own IRP and event.
        unsafe {
            KeWaitForSingleObject(self.event.cast(), Executive, KernelMode, FALSE, null_mut());
            (*self.irp).IoStatus.Status()
        }
    }

    fn send_transfer(&mut self, major: usize, block: u64) {
        let mdl = self.mdl;
        self.send(|next, irp| {
            next.MajorFunction = major as u8;
            next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                Length: BYTES,
                Key: 0,
                ByteOffset: LARGE_INTEGER::new((block * u64::from(BYTES)) as i64),
            };
            irp.MdlAddress = mdl;
        })
    }

    /// Sends a write and does not wait.
    pub fn send_write(&mut self, block: u64, byte: u8) {
        self.data().fill(byte);
        self.send_transfer(IRP_MJ_WRITE, block);
    }

    /// Sends a flush and does not wait.
    pub fn send_flush(&mut self) {
        self.send(|next, _| next.MajorFunction = IRP_MJ_FLUSH_BUFFERS as u8);
    }

    pub fn write(&mut self, block: u64, byte: u8) -> NTSTATUS {
        self.send_write(block, byte);
        self.wait()
    }

    /// Reads a block; what it is filled with, if the read succeeds.
    pub fn read(&mut self, block: u64) -> Result<u8, NTSTATUS> {
        self.data().fill(0xEE);
        self.send_transfer(IRP_MJ_READ, block);
        match self.wait() {
            STATUS_SUCCESS => {
                let first = self.data()[0];
                assert!(self.data().iter().all(|byte| *byte == first), "a torn block");
                Ok(first)
            }
            status => Err(status),
        }
    }

    pub fn flush(&mut self) -> NTSTATUS {
        self.send_flush();
        self.wait()
    }

    /// Sends a service request; its status and how many bytes answer it.
    pub fn service(&mut self, input: &[u8], room: u32) -> (NTSTATUS, usize) {
        self.data()[..input.len()].copy_from_slice(input);
        let buffer = self.buffer;
        self.send(|next, irp| {
            next.MajorFunction = IRP_MJ_DEVICE_CONTROL as u8;
            next.Parameters.DeviceIoControl = IO_STACK_LOCATION_Parameters_DeviceIoControl {
                OutputBufferLength: room,
                InputBufferLength: input.len() as u32,
                IoControlCode: storport_sim::ddi::IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
                Type3InputBuffer: null_mut(),
            };
            irp.AssociatedIrp.SystemBuffer = buffer;
        });
        let status = self.wait();
        // SAFETY: the IRP has come back.
        (status, unsafe { (*self.irp).IoStatus.Information })
    }

    pub fn close(self) {
        // SAFETY: no request is out.
        unsafe {
            IoFreeIrp(self.irp);
            IoFreeMdl(self.mdl);
        }
        let machine = Machine::current().unwrap();
        machine.free_system(self.event.cast());
        machine.free_system(self.buffer);
    }
}

/// Threads of the rig's that were started.
pub struct Threads {
    done: PKSEMAPHORE,
    left: u32,
}

// SAFETY: the semaphore is a kernel object, made to be used from any thread of the machine.
unsafe impl Send for Threads {}

/// Starts `count` threads, on all processors in turn.
pub fn start(count: u32, body: impl Fn(u32) + Send + Sync + 'static) -> Threads {
    let machine = Machine::current().unwrap();
    let done: PKSEMAPHORE = machine.allocate_system(size_of::<KSEMAPHORE>()).cast();
    // SAFETY: a fresh block.
    unsafe { KeInitializeSemaphore(done, 0, count as i32) };
    let (body, bell) = (Arc::new(body), done as usize);
    for n in 0..count {
        let body = Arc::clone(&body);
        machine.start_thread(Some((n % u32::from(machine.processor_count())) as u8), move || {
            body(n);
            // SAFETY: the semaphore stays until all threads have rung.
            unsafe { KeReleaseSemaphore(bell as PKSEMAPHORE, 0, 1, FALSE) };
        });
    }
    Threads { done, left: count }
}

impl Threads {
    /// Waits until all have ended.
    pub fn join(self) {
        for _ in 0..self.left {
            // SAFETY: the semaphore is this value's.
            unsafe {
                KeWaitForSingleObject(self.done.cast(), Executive, KernelMode, FALSE, null_mut());
            }
        }
        Machine::current().unwrap().free_system(self.done.cast());
    }
}

/// Threads that each write, flush and read back blocks of their own; how many requests failed, and that what
/// succeeded was right.
pub fn work(device: PDEVICE_OBJECT, threads: u32, rounds: u8) -> u32 {
    let failed = Arc::new(AtomicU32::new(0));
    let (device, count) = (device as usize, Arc::clone(&failed));
    start(threads, move |n| {
        let mut client = Client::new(device as PDEVICE_OBJECT);
        for round in 1..=rounds {
            let block = u64::from(n) * 8 + u64::from(round % 8);
            let wrote = client.write(block, round);
            let flushed = client.flush();
            let read = client.read(block);
            let good = [wrote == STATUS_SUCCESS, flushed == STATUS_SUCCESS, read.is_ok()];
            count.fetch_add(good.iter().filter(|good| !**good).count() as u32, SeqCst);
            if let (STATUS_SUCCESS, Ok(byte)) = (wrote, read) {
                assert_eq!(byte, round, "block {block}");
            }
        }
        client.close();
    })
    .join();
    failed.load(SeqCst)
}

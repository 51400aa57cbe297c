//! A machine with the adapter, the driver loaded, and clients of its disks.

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use storport_sim::disk::fault::FaultInjector;
use storport_sim::disk::{Geometry, Identity, MemoryStore, ScsiDisk, Target};
use storport_sim::hba::ahci::Ahci;
use storport_sim::scsi::Lun;
use storport_sim::{Adapter, Medium, Parameter, PciSlot};

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 1 << 20;
/// Bytes of a request, unless a test says otherwise.
pub const BLOCK: usize = 4096;

/// What the machine has.
#[derive(Clone, Copy)]
pub struct Setup {
    pub disks: usize,
    /// The port of an ATAPI device.
    pub packet: Option<u8>,
    /// Whether it interrupts by a message.
    pub by_message: bool,
    /// Whether the adapter takes queued commands.
    pub queues: bool,
    pub entry: PDRIVER_INITIALIZE,
    /// A fault plan that is at work when the adapter starts; empty for none.
    pub plan: &'static str,
    /// Whether power is switched by ScsiAdapterPower.
    pub is_power_managed: bool,
}

/// One disk, one message.
pub const ONE_DISK: Setup = Setup {
    disks: 1,
    packet: None,
    by_message: true,
    queues: true,
    entry: Some(drivers_examples::ahci::driver_entry),
    plan: "",
    is_power_managed: false,
};

/// What a test reaches besides the machine.
pub struct Bench {
    pub medium: Arc<Medium>,
    pub adapter: Adapter,
    pub driver: PDRIVER_OBJECT,
}

pub fn disk() -> ScsiDisk {
    ScsiDisk::new(Box::new(MemoryStore::new(DISK_BYTES)), Geometry::default(), Identity::default()).unwrap()
}

pub fn machine() -> &'static Machine {
    Machine::current().unwrap()
}

/// Runs `body` on a machine whose adapter has started. The body gives the adapter back, or has removed it;
/// the device must not have reached for memory it was not given.
pub fn run(
    setup: Setup,
    cpus: u8,
    execution: Execution,
    body: impl FnOnce(Bench) -> Option<Adapter> + Send + 'static,
) -> Outcome {
    let medium = Arc::new(Medium::new((0..setup.disks).map(|_| disk()).collect::<Target>()));
    let plan = setup.plan.parse().unwrap();
    medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
    let mut model = Ahci::new(Arc::clone(&medium), 2);
    if let Some(port) = setup.packet {
        model = model.with_packet_device(port);
    }
    if !setup.queues {
        model = model.without_queueing();
    }
    let (model, slot) = if setup.by_message {
        (model.with_message(), Ahci::slot())
    } else {
        (model, Ahci::slot().line_only())
    };
    let slot = slot.parameter("AdapterPower", Parameter::Dword(setup.is_power_managed.into()));
    Config::new(cpus, execution)
        .unwrap()
        .hardware(Box::new(model))
        .run(move || on_machine(setup.entry, medium, slot, body))
}

fn on_machine(
    entry: PDRIVER_INITIALIZE,
    medium: Arc<Medium>,
    slot: PciSlot,
    body: impl FnOnce(Bench) -> Option<Adapter>,
) {
    let driver = machine().load_driver(entry).expect("the driver loads");
    let adapter = Adapter::start_device(driver, slot).expect("the adapter starts");
    if let Some(adapter) = body(Bench { medium, adapter, driver }) {
        adapter.remove();
    }
    machine().unload_driver(driver);
    assert_eq!(machine().dma_faults(0), [], "the device reached for memory it was not given");
}

impl Bench {
    /// Puts a fault plan to work.
    pub fn faults(&self, plan: &str, seed: u64) {
        let plan = plan.parse().unwrap();
        self.medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, seed))));
    }

    pub fn disk(&self, n: usize) -> usize {
        self.adapter.disks()[n] as usize
    }

    pub fn unplug(&self, unit: u16) -> Option<ScsiDisk> {
        let disk = self.medium.unplug(Lun::new(unit).unwrap());
        machine().touch_device(0);
        disk
    }

    pub fn plug_in(&self, unit: u16, disk: ScsiDisk) {
        self.medium.plug_in(Lun::new(unit).unwrap(), disk);
        machine().touch_device(0);
    }
}

/// Waits, in machine time.
pub fn wait_ms(ms: i64) {
    let mut interval = LARGE_INTEGER::new(-10_000 * ms);
    // SAFETY: PASSIVE_LEVEL; the interval is on this thread's stack.
    unsafe { KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval) };
}

/// How many times as many seeds: `STORSIM_SOAK`.
pub fn soak() -> u64 {
    std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// Some seeds on 1, 2 and 4 processors.
pub fn seeded(seeds: u64) -> impl Iterator<Item = (u8, u64)> {
    [1, 2, 4].into_iter().flat_map(move |cpus| (0..seeds * soak()).map(move |seed| (cpus, seed)))
}

#[track_caller]
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
    data: [u8; 0],
}

impl Client {
    pub fn new(device: usize, bytes: usize) -> Client {
        let device = device as PDEVICE_OBJECT;
        let block: *mut Block =
            machine().allocate_system(size_of::<Block>().next_multiple_of(64) + bytes + 64).cast();
        assert!(!block.is_null());
        // SAFETY: a live device object; a fresh block.
        unsafe {
            KeInitializeEvent(&raw mut (*block).event, SynchronizationEvent, FALSE);
            Client { device, irp: IoAllocateIrp((*device).StackSize, FALSE), block, bytes }
        }
    }

    fn buffer(&self) -> *mut u8 {
        self.block.cast::<u8>().wrapping_add(size_of::<Block>().next_multiple_of(64))
    }

    pub fn data(&mut self) -> &mut [u8] {
        // SAFETY: the block has that many bytes behind its header, and no request is out.
        unsafe { std::slice::from_raw_parts_mut(self.buffer(), self.bytes) }
    }

    /// Sends a read, write or flush and waits for its status.
    pub fn request(&mut self, major: usize, offset: u64, length: usize) -> NTSTATUS {
        assert!(length <= self.bytes);
        // SAFETY: our own IRP, buffer and event, which outlive the wait.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            let mdl = IoAllocateMdl(self.buffer().cast(), length as u32, FALSE, FALSE, self.irp);
            MmBuildMdlForNonPagedPool(mdl);
            let next = &mut *IoGetNextIrpStackLocation(self.irp);
            next.MajorFunction = major as u8;
            next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                Length: length as u32,
                Key: 0,
                ByteOffset: LARGE_INTEGER::new(offset as i64),
            };
            let event = &raw mut (*self.block).event;
            IoSetCompletionRoutine(self.irp, Some(done), event.cast(), true, true, true);
            IoCallDriver(self.device, self.irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            IoFreeMdl(mdl);
            (*self.irp).IoStatus.Status()
        }
    }

    pub fn close(self) {
        // SAFETY: no request is out.
        unsafe { IoFreeIrp(self.irp) };
        machine().free_system(self.block.cast());
    }
}

unsafe extern "C-unwind" fn done(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the client's event, which it waits for.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}

/// How requests of a load ended.
#[derive(Clone, Default)]
pub struct Endings(Arc<Mutex<std::collections::BTreeMap<NTSTATUS, u32>>>);

impl Endings {
    pub fn count(&self, status: NTSTATUS) -> u32 {
        self.0.lock().get(&status).copied().unwrap_or(0)
    }

    fn note(&self, status: NTSTATUS) {
        *self.0.lock().entry(status).or_default() += 1;
    }

    /// Asserts that requests ended in these ways only.
    #[track_caller]
    pub fn assert_only(&self, allowed: &[NTSTATUS]) {
        let endings = self.0.lock();
        assert!(endings.keys().all(|status| allowed.contains(status)), "{endings:x?}");
    }
}

/// Clients that write, read back and compare, each in a part of the disk of its own, with a flush now and
/// then.
pub struct Load {
    left: Arc<AtomicU32>,
    is_stopped: Arc<AtomicBool>,
    pub endings: Endings,
}

impl Load {
    /// Starts `clients` threads of `rounds` rounds each. What a failed write left is not known, so nothing is
    /// compared until a write of the place has succeeded.
    pub fn start(disk: usize, clients: u32, rounds: u32) -> Load {
        let load = Load {
            left: Arc::new(AtomicU32::new(clients)),
            is_stopped: Arc::default(),
            endings: Endings::default(),
        };
        for n in 0..clients {
            let (left, is_stopped) = (Arc::clone(&load.left), Arc::clone(&load.is_stopped));
            let endings = load.endings.clone();
            machine().start_thread(None, move || {
                client(disk, n, rounds, &endings, &is_stopped);
                left.fetch_sub(1, SeqCst);
            });
        }
        load
    }

    /// Nothing more is sent. When this returns, under the deterministic executor, every client has ended or
    /// waits for a request: time passes only when nobody can go on.
    pub fn stop(&self) {
        self.is_stopped.store(true, SeqCst);
        wait_ms(5);
    }

    pub fn is_done(&self) -> bool {
        self.left.load(SeqCst) == 0
    }

    pub fn wait(&self) {
        while !self.is_done() {
            wait_ms(1);
        }
    }
}

fn client(disk: usize, n: u32, rounds: u32, endings: &Endings, is_stopped: &AtomicBool) {
    if is_stopped.load(SeqCst) {
        return;
    }
    let mut client = Client::new(disk, BLOCK);
    let offset = u64::from(n) * BLOCK as u64;
    for round in 0..rounds {
        let length = if (n + round).is_multiple_of(3) { 512 } else { BLOCK };
        let pattern = |at: usize| (at as u32 ^ n.wrapping_mul(31) ^ round.wrapping_mul(7)) as u8;
        for (at, byte) in client.data().iter_mut().enumerate() {
            *byte = pattern(at);
        }
        let written = client.request(IRP_MJ_WRITE, offset, length);
        endings.note(written);
        if is_stopped.load(SeqCst) {
            break;
        }
        if (n + round).is_multiple_of(5) {
            endings.note(client.request(IRP_MJ_FLUSH_BUFFERS, 0, 0));
            if is_stopped.load(SeqCst) {
                break;
            }
        }
        client.data().fill(0xEE);
        let read = client.request(IRP_MJ_READ, offset, length);
        endings.note(read);
        if written == STATUS_SUCCESS && read == STATUS_SUCCESS {
            let wrong =
                client.data()[..length].iter().enumerate().position(|(at, byte)| *byte != pattern(at));
            assert_eq!(wrong, None, "client {n}, round {round}");
        }
        if [written, read].contains(&STATUS_DEVICE_DOES_NOT_EXIST) || is_stopped.load(SeqCst) {
            break;
        }
    }
    client.close();
}

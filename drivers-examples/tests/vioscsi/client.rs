//! Clients that write and read back blocks of their own, one request at a time each.
//!
//! A request may fail where the test says so; what was written and read back without a failure has to agree,
//! always.

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// Bytes of one request.
const BYTES: usize = 4096;

/// What became of the clients' requests.
#[derive(Default)]
pub struct Tally {
    pub good: AtomicU64,
    pub failed: AtomicU64,
    running: AtomicU32,
}

impl Tally {
    /// Waits until all clients are through; looks less often the longer it takes.
    pub fn wait(&self) {
        let mut pause_us = 500;
        while self.running.load(SeqCst) != 0 {
            super::rig::sleep_us(pause_us);
            pause_us = (pause_us * 2).min(200_000);
        }
    }

    #[track_caller]
    pub fn assert_all_good(&self) {
        assert_eq!(self.failed.load(SeqCst), 0, "of {} requests", self.good.load(SeqCst));
    }
}

/// Starts clients of a disk: each writes and reads back its block `rounds` times.
pub fn start(disk: PDEVICE_OBJECT, clients: u32, rounds: u32) -> Arc<Tally> {
    let tally = Arc::<Tally>::default();
    start_more(&tally, disk, clients, rounds);
    tally
}

pub fn start_more(tally: &Arc<Tally>, disk: PDEVICE_OBJECT, clients: u32, rounds: u32) {
    let disk = disk as usize;
    tally.running.fetch_add(clients, SeqCst);
    for n in 0..clients {
        let tally = Arc::clone(tally);
        Machine::current().unwrap().start_thread(None, move || {
            let mut client = Client::new(disk as PDEVICE_OBJECT);
            for round in 0..rounds {
                client.write_and_read(n, round as u8, &tally);
            }
            client.close();
            tally.running.fetch_sub(1, SeqCst);
        });
    }
}

/// Writes and reads back from the calling thread.
pub fn work(disk: PDEVICE_OBJECT, clients: u32, rounds: u32) -> Arc<Tally> {
    let tally = start(disk, clients, rounds);
    tally.wait();
    tally
}

/// Whether a disk can be read now.
pub fn is_served(disk: PDEVICE_OBJECT) -> bool {
    let mut client = Client::new(disk);
    let status = client.request(IRP_MJ_READ, 0);
    client.close();
    status == STATUS_SUCCESS
}

/// Reads that were sent and not waited for.
#[derive(Default)]
pub struct Burst(Vec<Client>);

impl Burst {
    /// Sends one more.
    pub fn send(&mut self, disk: PDEVICE_OBJECT) {
        let mut client = Client::new(disk);
        client.send(IRP_MJ_READ, (self.0.len() % 64 * BYTES) as i64);
        self.0.push(client);
    }

    /// Waits for all; how many succeeded, and how many did not.
    pub fn wait(self) -> (usize, usize) {
        let all = self.0.len();
        let good = self.0.into_iter().filter_map(|mut client| {
            let status = client.wait();
            client.close();
            (status == STATUS_SUCCESS).then_some(())
        });
        let good = good.count();
        (good, all - good)
    }
}

struct Client {
    disk: PDEVICE_OBJECT,
    irp: PIRP,
    block: *mut Block,
}

#[repr(C)]
struct Block {
    event: KEVENT,
    data: [u8; BYTES],
}

impl Client {
    fn new(disk: PDEVICE_OBJECT) -> Client {
        let block: *mut Block = Machine::current().unwrap().allocate_system(size_of::<Block>()).cast();
        assert!(!block.is_null());
        // SAFETY: a live device object; a fresh block.
        unsafe {
            KeInitializeEvent(&raw mut (*block).event, SynchronizationEvent, FALSE);
            Client { disk, irp: IoAllocateIrp((*disk).StackSize, FALSE), block }
        }
    }

    fn data(&mut self) -> &mut [u8; BYTES] {
        // SAFETY: no request is out.
        unsafe { &mut (*self.block).data }
    }

    fn write_and_read(&mut self, n: u32, round: u8, tally: &Tally) {
        let at = i64::from(n) * BYTES as i64;
        let fill = (n as u8).wrapping_mul(31).wrapping_add(round) | 1;
        self.data().fill(fill);
        let count = |status: NTSTATUS| {
            let counter = if status == STATUS_SUCCESS { &tally.good } else { &tally.failed };
            counter.fetch_add(1, SeqCst);
            status == STATUS_SUCCESS
        };
        let was_written = count(self.request(IRP_MJ_WRITE, at));
        self.data().fill(0);
        if count(self.request(IRP_MJ_READ, at)) && was_written {
            assert!(self.data().iter().all(|b| *b == fill), "client {n}, round {round}");
        }
    }

    fn request(&mut self, major: usize, offset: i64) -> NTSTATUS {
        self.send(major, offset);
        self.wait()
    }

    fn send(&mut self, major: usize, offset: i64) {
        // SAFETY: our own IRP, buffer and event, which outlive the wait.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            let data: PVOID = (&raw mut (*self.block).data).cast();
            let mdl = IoAllocateMdl(data, BYTES as u32, FALSE, FALSE, self.irp);
            MmBuildMdlForNonPagedPool(mdl);
            let next = &mut *IoGetNextIrpStackLocation(self.irp);
            next.MajorFunction = major as u8;
            next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                Length: BYTES as u32,
                Key: 0,
                ByteOffset: LARGE_INTEGER::new(offset),
            };
            let event = &raw mut (*self.block).event;
            IoSetCompletionRoutine(self.irp, Some(done), event.cast(), true, true, true);
            IoCallDriver(self.disk, self.irp);
        }
    }

    fn wait(&mut self) -> NTSTATUS {
        // SAFETY: as above; a request is out.
        unsafe {
            let event = &raw mut (*self.block).event;
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            IoFreeMdl((*self.irp).MdlAddress);
            (*self.irp).IoStatus.Status()
        }
    }

    fn close(self) {
        // SAFETY: no request is out.
        unsafe { IoFreeIrp(self.irp) };
        Machine::current().unwrap().free_system(self.block.cast());
    }
}

unsafe extern "C-unwind" fn done(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the client's event, which it waits for.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}

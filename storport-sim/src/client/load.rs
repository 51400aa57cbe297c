//! Clients that write, read back and compare, each in a part of the disk of its own.
//!
//! Nothing is drawn: the schedule decides what meets what. A block that a write failed for may hold anything,
//! and is compared again once a write of it has succeeded.

use super::{Client, Device, Endings, Request, Threads, sleep_us};
use kernel_sim::ddi::{NTSTATUS, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_SUCCESS};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Threads that work on one disk. In each round a thread writes its blocks, may flush, and reads them back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// How many threads. Thread `n` has the `n`th part of the disk.
    pub threads: u32,
    /// Rounds of each.
    pub rounds: u32,
    /// Requests that a thread keeps outstanding, each for a block of its own.
    pub depth: u32,
    /// Blocks of a thread's part; rounds go through them in turn.
    pub blocks: u32,
    /// Flushes in one of so many rounds; 0: never.
    pub flush_every: u32,
}

/// A load that was started.
pub struct Running {
    threads: Threads,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    endings: Mutex<Endings>,
    is_stopped: AtomicBool,
}

impl Load {
    /// Bytes of a block. One request in three moves its first sector only.
    pub const BLOCK_BYTES: usize = 4096;

    /// A load of so many threads and rounds, with one block and one request for each thread, and a flush
    /// every fifth round.
    #[must_use]
    pub const fn of(threads: u32, rounds: u32) -> Load {
        Load { threads, rounds, depth: 1, blocks: 1, flush_every: 5 }
    }

    /// Starts the threads and returns.
    #[track_caller]
    pub fn start(self, device: impl Into<Device>) -> Running {
        let device = device.into();
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let threads = Threads::start(self.threads, move |n| {
            if !of_thread.is_stopped.load(SeqCst) {
                Part::new(self, device, n, &of_thread).work();
            }
        });
        Running { threads, shared }
    }

    /// Starts the threads and waits for them.
    #[track_caller]
    pub fn run(self, device: impl Into<Device>) -> Endings {
        self.start(device).wait()
    }
}

impl Running {
    /// Tells the threads to send nothing more. When this returns, under the deterministic executor, each of
    /// them has ended or waits for a request: time passes only when no thread can go on.
    #[track_caller]
    pub fn stop(&self) {
        self.shared.is_stopped.store(true, SeqCst);
        sleep_us(5000);
    }

    /// Waits until all threads have ended; how their requests did.
    #[track_caller]
    pub fn wait(self) -> Endings {
        self.threads.join();
        std::mem::take(&mut *self.shared.endings.lock())
    }
}

/// A thread's part of the disk, and one client for each request that it keeps outstanding.
struct Part<'a> {
    load: Load,
    number: u32,
    clients: Vec<Client>,
    shared: &'a Shared,
    /// A disk that is gone gets no more requests.
    is_over: bool,
}

impl<'a> Part<'a> {
    fn new(load: Load, device: Device, number: u32, shared: &'a Shared) -> Part<'a> {
        let clients = (0..load.depth.max(1)).map(|_| Client::new(device, Load::BLOCK_BYTES)).collect();
        Part { load, number, clients, shared, is_over: false }
    }

    fn work(mut self) {
        for round in 0..self.load.rounds {
            let written = self.send_all(round, true);
            let flushes =
                self.load.flush_every != 0 && (self.number + round).is_multiple_of(self.load.flush_every);
            if flushes && self.goes_on() {
                let status = self.clients[0].flush();
                self.note(status);
            }
            if !self.goes_on() {
                break;
            }
            let read = self.send_all(round, false);
            self.compare(round, &written, &read);
            if !self.goes_on() {
                break;
            }
        }
    }

    fn goes_on(&self) -> bool {
        !self.is_over && !self.shared.is_stopped.load(SeqCst)
    }

    fn note(&mut self, status: NTSTATUS) {
        self.is_over |= status == STATUS_DEVICE_DOES_NOT_EXIST;
        self.shared.endings.lock().note(status);
    }

    /// The place and the length of a client's request in a round, in bytes.
    fn place(&self, round: u32, client: usize) -> (i64, usize) {
        let (depth, client) = (self.clients.len() as u32, client as u32);
        let blocks = self.load.blocks.max(depth);
        let block = self.number * blocks + (round * depth + client) % blocks;
        let is_short = (self.number + round + client).is_multiple_of(3);
        (i64::from(block) * Load::BLOCK_BYTES as i64, if is_short { 512 } else { Load::BLOCK_BYTES })
    }

    fn byte(&self, round: u32, client: usize, at: usize) -> u8 {
        (at as u32 ^ (self.number * 31) ^ (round * 7) ^ (client as u32 * 13)) as u8
    }

    /// Sends every client's request and waits for all.
    fn send_all(&mut self, round: u32, writes: bool) -> Vec<NTSTATUS> {
        for n in 0..self.clients.len() {
            let (offset, bytes) = self.place(round, n);
            if writes {
                let data: Vec<u8> = (0..bytes).map(|at| self.byte(round, n, at)).collect();
                self.clients[n].data()[..bytes].copy_from_slice(&data);
                self.clients[n].send(Request::Write { offset, bytes });
            } else {
                self.clients[n].data().fill(0xEE);
                self.clients[n].send(Request::Read { offset, bytes });
            }
        }
        let statuses: Vec<_> = self.clients.iter_mut().map(|client| client.wait().0).collect();
        statuses.iter().for_each(|status| self.note(*status));
        statuses
    }

    fn compare(&mut self, round: u32, written: &[NTSTATUS], read: &[NTSTATUS]) {
        for n in 0..self.clients.len() {
            if (written[n], read[n]) != (STATUS_SUCCESS, STATUS_SUCCESS) {
                continue;
            }
            let (offset, bytes) = self.place(round, n);
            let expected: Vec<u8> = (0..bytes).map(|at| self.byte(round, n, at)).collect();
            let data = &self.clients[n].data()[..bytes];
            if let Some(at) = (0..bytes).find(|at| data[*at] != expected[*at]) {
                let what = format!(
                    "thread {}, round {round}: byte {at} of the {bytes} at {offset} is {:#x}, not {:#x}",
                    self.number, data[at], expected[at]
                );
                self.shared.endings.lock().note_wrong(what);
            }
        }
    }
}

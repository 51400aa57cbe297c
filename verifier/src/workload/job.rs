//! One job: a system thread that keeps requests outstanding and checks every result.
//!
//! Requests live in slots. Invariant: at most one request is outstanding for a unit of the disk, so what a
//! read must return is known when it is sent.

#![expect(unsafe_code, reason = "the rig calls layer 1, as a client of the driver")]

use super::doorbell::Doorbell;
use super::expected::Expected;
use super::handle::Handle;
use super::operations::{Extent, Operation, Operations, Part, Takes};
use super::options::{Amount, Mode};
use super::slot::{Carries, IOCTL_MINIPORT_PROCESS_SERVICE_IRP, Inbox, Slot, now};
use super::statistics::OfJob;
use super::{Shared, pattern, report, report_status};
use crate::rules;
use crossbeam::queue::ArrayQueue;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::ptr::null_mut;
use storport_sim::ddi::{
    DEVICE_DATA_SET_RANGE, DEVICE_MANAGE_DATA_SET_ATTRIBUTES, DeviceDsmAction_Trim,
    IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES,
};
use storport_sim::disk::fault::OpClass;
use storport_sim::seen;

/// Requests of a job between two pauses, where it has any.
const PAUSE_AFTER: u64 = 16;
/// Requests a job still sends after the device is gone: they must end, too.
const AFTERWARDS: u32 = 16;
/// Where the range of a trim lies in its buffer: behind the header, aligned.
const RANGE_AT: usize = 32;
const TRIM_BYTES: u32 = (RANGE_AT + size_of::<DEVICE_DATA_SET_RANGE>()) as u32;

struct Job<'a> {
    shared: &'a Shared,
    machine: &'static Machine,
    part: Part,
    unit_bytes: u32,
    inbox: Box<Inbox>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    expected: Expected,
    statistics: OfJob<'a>,
    digest: Option<InOrder>,
    outstanding: u32,
    handle: Handle,
    /// The last handle is gone, and what is under way may end as cancelled.
    is_cleaned_up: bool,
    /// Writes and trims that were cancelled with their handle.
    again: Vec<Operation>,
}

/// Takes blocks in any order and digests them in the disk's.
struct InOrder {
    hash: Sha256,
    next: u64,
    early: std::collections::BTreeMap<u64, Vec<u8>>,
}

impl InOrder {
    fn take(&mut self, offset: u64, data: &[u8]) {
        if offset != self.next {
            self.early.insert(offset, data.to_vec());
            return;
        }
        self.digest(data);
        while let Some(data) = self.early.remove(&self.next) {
            self.digest(&data);
        }
    }

    fn digest(&mut self, data: &[u8]) {
        self.hash.update(data);
        self.next += data.len() as u64;
    }
}

/// A tenth of a second of machine time in which nothing is sent.
fn pause() {
    kernel_sim::safe::delay_us(100_000);
}

/// Runs job `n` of `jobs`.
pub(super) fn run(shared: &Shared, n: u32, jobs: u32) {
    let machine = Machine::current().expect("a job runs on a machine");
    let options = &shared.options;
    let units = shared.disk.bytes / u64::from(options.block_bytes.min);
    let part = Part::of(n, jobs, units, options.luns);
    let depth = options.depth / jobs + u32::from(n < options.depth % jobs);
    let mut job = Job::new(shared, machine, part, depth.max(1));
    let takes = Takes { service: shared.disk.service.is_some(), trims: shared.disk.trims.is_some() };
    let end_ns = match options.amount {
        Amount::TimeNs(ns) => machine.time_ns().saturating_add(ns),
        _ => u64::MAX,
    };
    let (mut afterwards, mut sent) = (0, 0u64);
    for operation in Operations::new(options, n, jobs, part, takes) {
        let is_time_up = end_ns != u64::MAX && machine.time_ns() >= end_ns;
        if is_time_up || afterwards == AFTERWARDS {
            break;
        }
        // A digest needs every read, and one that is cancelled would be sent again.
        if job.handle.is_used_up() && job.digest.is_none() {
            job.close_handle();
            job.handle.open(machine);
            job.make_good();
        }
        afterwards += u32::from(shared.permitted.is_expected() && shared.permitted.is_gone());
        job.submit(operation);
        sent += 1;
        if shared.permitted.has_pauses() && sent % PAUSE_AFTER == 0 {
            job.drain();
            pause();
        }
    }
    job.drain();
    shared.await_read_back();
    job.finish();
}

impl<'a> Job<'a> {
    fn new(shared: &'a Shared, machine: &'static Machine, part: Part, depth: u32) -> Job<'a> {
        let options = &shared.options;
        let unit_bytes = options.block_bytes.min;
        let doorbell = Doorbell::new(machine, shared.permitted.patience_s());
        let inbox = Box::new(Inbox { done: ArrayQueue::new(depth as usize), doorbell });
        // SAFETY: both devices are live.
        let stack_size = unsafe {
            let service = shared.disk.service.map_or(0, |d| (*d).StackSize);
            shared.disk.devices.iter().map(|d| (**d).StackSize).fold(service, i8::max)
        };
        let slot = |n| Slot::new(machine, stack_size, unit_bytes, &raw const *inbox, n);
        let slots = (0..depth).map(slot).collect();
        let digest = (options.mode == Mode::Read).then(|| InOrder {
            hash: Sha256::new(),
            next: part.first * u64::from(unit_bytes),
            early: Default::default(),
        });
        Job {
            shared,
            machine,
            part,
            unit_bytes,
            inbox,
            slots,
            free: (0..depth).rev().collect(),
            expected: Expected::new(part, unit_bytes, options.zeroed),
            statistics: OfJob::new(&shared.results),
            digest,
            outstanding: 0,
            handle: Handle::none(shared.disk.has_handles.then_some(shared.disk.devices[0]), depth),
            is_cleaned_up: false,
            again: Vec::new(),
        }
    }

    /// Sends an operation, waiting first until its units and a slot are free. A flush waits for all
    /// writes before it, as a file system does.
    fn submit(&mut self, operation: Operation) {
        if let Some(at) = operation.extent() {
            while self.expected.is_busy(at) {
                self.receive();
            }
        }
        if operation == Operation::Flush {
            self.drain();
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
        let disk = &self.shared.disk;
        let unit_bytes = self.unit_bytes;
        let (device, offset) = match operation.extent() {
            Some(at) => disk.place(at.offset(unit_bytes)),
            // A flush goes to each in turn.
            None => (disk.devices[self.statistics.flushes as usize % disk.devices.len()], 0),
        };
        self.shared.permitted.count_request();
        self.outstanding += 1;
        let at = now(self.machine);
        let s = &mut self.slots[slot as usize];
        s.what = Some(operation);
        s.sent_at = at;
        s.file = self.handle.for_request();
        if let Some(at) = operation.extent() {
            self.expected.set_busy(at, true);
        }
        match operation {
            Operation::Read { at, cancel } => {
                s.prepare(self.machine, at.bytes(unit_bytes));
                s.send(device, Carries::Mdl, cancel, |next| {
                    next.MajorFunction = IRP_MJ_READ as UCHAR;
                    next.Parameters.Read = transfer(offset, at.bytes(unit_bytes));
                });
            }
            Operation::Write { at } => {
                s.prepare(self.machine, at.bytes(unit_bytes));
                self.expected.stamp(at, s.data(at.bytes(unit_bytes)));
                s.send(device, Carries::Mdl, false, |next| {
                    next.MajorFunction = IRP_MJ_WRITE as UCHAR;
                    next.Parameters.Write = transfer(offset, at.bytes(unit_bytes));
                });
            }
            Operation::Trim { at } => {
                s.data(TRIM_BYTES).copy_from_slice(&trim_request(offset, at.bytes(unit_bytes)));
                s.send(device, Carries::SystemBuffer, false, |next| {
                    next.MajorFunction = IRP_MJ_DEVICE_CONTROL as UCHAR;
                    next.Parameters.DeviceIoControl =
                        control(IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES, TRIM_BYTES, 0);
                });
            }
            Operation::Flush => s.send(device, Carries::Nothing, false, |next| {
                next.MajorFunction = IRP_MJ_FLUSH_BUFFERS as UCHAR;
            }),
            Operation::Service => {
                s.send(disk.service.unwrap_or(device), Carries::SystemBuffer, false, |next| {
                    next.MajorFunction = IRP_MJ_DEVICE_CONTROL as UCHAR;
                    next.Parameters.DeviceIoControl =
                        control(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, 0, unit_bytes);
                });
            }
        }
    }

    /// Where the requests that are outstanding were last in a driver's hands, as far as the port driver
    /// knows.
    fn last_in_hands(&self) -> Vec<Moment> {
        let machine = Machine::current().expect("a job runs on a machine");
        let out = self.slots.iter().filter(|slot| slot.what.is_some());
        out.flat_map(|slot| seen::last_in_hands(machine, slot.irp() as usize)).collect()
    }

    /// Waits until a request comes back; returns whether one did in time. A driver may keep service requests
    /// for as long as others come back, to whatever job: it has nothing to tell yet.
    fn wait_a_while(&self) -> bool {
        loop {
            let before = self.shared.came_back();
            if self.inbox.doorbell.wait_a_while() {
                return true;
            }
            let is_kept = self.slots.iter().filter_map(|s| s.what).all(|what| what == Operation::Service);
            if !is_kept || self.shared.came_back() == before {
                return false;
            }
        }
    }

    /// Takes one request back and checks it.
    fn receive(&mut self) {
        if !self.wait_a_while() {
            let what = self.slots.iter().filter_map(|s| s.what);
            let lost: Vec<_> = what.map(|o| o.in_words(self.unit_bytes)).collect();
            let requests = match lost.len() {
                1 => "1 request was".to_owned(),
                n => format!("{n} requests were"),
            };
            report(
                &rules::lost_request::ROW,
                "the thread that sent it waits for ever",
                format!(
                    "{requests} not completed within {} seconds of machine time{}: {}",
                    self.shared.permitted.patience_s(),
                    if self.is_cleaned_up { ", IRP_MJ_CLEANUP among them" } else { "" },
                    lost.join(", ")
                ),
                self.last_in_hands(),
            );
        }
        let slot = self.inbox.done.pop().expect("one ring for each request that came back");
        self.outstanding -= 1;
        self.shared.count_return();
        match self.check(slot) {
            Some(again) => self.send(slot, again),
            None => self.free.push(slot),
        }
    }

    /// Checks what came back; returns what to send again. A digest needs every block, so a read that was
    /// cancelled is sent once more.
    fn check(&mut self, slot: u32) -> Option<Operation> {
        let s = &mut self.slots[slot as usize];
        let operation = s.what.take().expect("a slot that came back was sent");
        let (status, information, latency) = s.outcome();
        if let Some(at) = operation.extent() {
            self.expected.set_busy(at, false);
        }
        if let Operation::Read { at, cancel: true } = operation
            && status == STATUS_CANCELLED
        {
            self.statistics.cancelled += 1;
            return self.digest.as_ref().map(|_| Operation::Read { at, cancel: false });
        }
        if status == STATUS_CANCELLED && self.is_cleaned_up {
            self.statistics.cancelled += 1;
            self.may_be_done(operation);
            if is_change(operation) {
                self.again.push(operation);
            }
            return None;
        }
        if status != STATUS_SUCCESS && !(operation == Operation::Service && status >= 0) {
            self.failed(operation, status);
            return None;
        }
        if self.moved_fewer_bytes(operation, information) {
            self.not_done(operation);
            return None;
        }
        match operation {
            Operation::Read { at, .. } => {
                self.read_is_right(slot, at);
                let _ = self.statistics.latency.record(latency);
            }
            Operation::Write { at } => {
                self.expected.written(at);
                self.statistics.writes += 1;
                self.statistics.bytes_written += u64::from(at.bytes(self.unit_bytes));
                let _ = self.statistics.latency.record(latency);
            }
            Operation::Trim { at } => {
                let reads_zeros = self.shared.disk.trims.is_some_and(|t| t.reads_zeros);
                self.expected.trimmed(at, reads_zeros);
                self.statistics.trims += 1;
                self.statistics.bytes_trimmed += u64::from(at.bytes(self.unit_bytes));
            }
            Operation::Flush => {
                self.statistics.flushes += 1;
                // Whoever keeps these lines knows what must be on the disk from now on.
                tracing::debug!(flushes = self.statistics.flushes, first_block = self.part.first, "flushed");
            }
            Operation::Service => self.statistics.services += 1,
        }
        None
    }

    fn read_is_right(&mut self, slot: u32, at: Extent) {
        let bytes = at.bytes(self.unit_bytes);
        let data = &*self.slots[slot as usize].data(bytes);
        match self.expected.check(at, data) {
            Ok(sectors) => self.statistics.sectors_verified += sectors,
            Err(mismatch) => wrong_data(&mismatch),
        }
        if let Some(digest) = &mut self.digest {
            digest.take(at.offset(self.unit_bytes), data);
        }
        self.statistics.reads += 1;
        self.statistics.bytes_read += u64::from(bytes);
    }

    /// A request that ended with an error: one it may end with, or a finding.
    fn failed(&mut self, operation: Operation, status: NTSTATUS) {
        let permitted = &self.shared.permitted;
        if !permitted.allows(class_of(operation), status) {
            report_status(&operation.in_words(self.unit_bytes), status, permitted.is_expected());
        }
        self.not_done(operation);
    }

    /// A request did not do all it was to do.
    fn not_done(&mut self, operation: Operation) {
        self.may_be_done(operation);
        self.statistics.failed += 1;
    }

    /// It is not known what a request did.
    fn may_be_done(&mut self, operation: Operation) {
        match operation {
            // A digest of less than everything is none.
            Operation::Read { .. } => self.digest = None,
            Operation::Write { at } => self.expected.maybe_written(at),
            Operation::Trim { at } => self.expected.trimmed(at, false),
            Operation::Flush | Operation::Service => {}
        }
    }

    /// Whether a read or write that succeeded moved fewer bytes than it was to, as a fault may have it.
    fn moved_fewer_bytes(&self, operation: Operation, information: usize) -> bool {
        let (Operation::Read { at, .. } | Operation::Write { at }) = operation else { return false };
        let bytes = at.bytes(self.unit_bytes) as usize;
        let row = match information.cmp(&bytes) {
            Ordering::Equal => return false,
            Ordering::Less if self.shared.permitted.allows_fewer_bytes(class_of(operation)) => return true,
            Ordering::Less => &rules::fewer_bytes::ROW,
            Ordering::Greater => &rules::request_status::ROW,
        };
        report(
            row,
            "a caller takes Information as the number of bytes moved",
            format!("{} succeeded with Information {information}", operation.in_words(self.unit_bytes)),
            Vec::new(),
        )
    }

    /// Gives the handle up among requests, waits for those, and closes it.
    fn close_handle(&mut self) {
        if let Some(file) = self.handle.give_up(self.machine) {
            self.is_cleaned_up = true;
            self.drain();
            self.is_cleaned_up = false;
            file.close(self.machine);
        }
    }

    /// Sends what was cancelled with the last handle once more, and waits for it: the disk holds in the end
    /// what the same requests make of it without a driver. A write has the data it had.
    fn make_good(&mut self) {
        for operation in std::mem::take(&mut self.again) {
            if let Operation::Write { at } = operation {
                self.expected.take_back(at);
            }
            self.submit(operation);
        }
        self.drain();
    }

    /// Waits for everything outstanding.
    fn drain(&mut self) {
        while self.outstanding != 0 {
            self.receive();
        }
    }

    /// Reads back every unit it changed, gives its memory back, hands its figures in.
    fn finish(mut self) {
        if !self.shared.options.mode.only_reads() && !self.shared.permitted.is_gone() {
            self.read_back();
        }
        self.close_handle();
        for slot in self.slots {
            slot.free(self.machine);
        }
        self.inbox.doorbell.free(self.machine);
        if let Some(digest) = self.digest.take()
            && digest.early.is_empty()
        {
            self.statistics.digest = Some(digest.hash.finalize().into());
        }
    }

    /// In requests as long as the options allow.
    fn read_back(&mut self) {
        let sizes = self.shared.options.block_bytes;
        let units_max = sizes.max / sizes.min;
        let mut extents: Vec<Extent> = Vec::new();
        for unit in self.expected.touched() {
            debug_assert!(unit >= self.part.first && unit - self.part.first < self.part.units);
            match extents.last_mut() {
                Some(last)
                    if last.first + u64::from(last.units) == unit
                        && last.units < units_max
                        && !unit.is_multiple_of(self.part.disk) =>
                {
                    last.units += 1;
                }
                _ => extents.push(Extent { first: unit, units: 1 }),
            }
        }
        for at in extents {
            self.submit(Operation::Read { at, cancel: false });
        }
        self.drain();
    }
}

fn is_change(operation: Operation) -> bool {
    matches!(operation, Operation::Write { .. } | Operation::Trim { .. })
}

fn class_of(operation: Operation) -> OpClass {
    match operation {
        Operation::Read { .. } => OpClass::Read,
        Operation::Write { .. } | Operation::Trim { .. } => OpClass::Write,
        Operation::Flush => OpClass::Flush,
        Operation::Service => OpClass::Other,
    }
}

fn transfer(offset: u64, bytes: u32) -> IO_STACK_LOCATION_Parameters_Read {
    IO_STACK_LOCATION_Parameters_Read {
        Length: bytes,
        __bindgen_padding_0: 0,
        Key: 0,
        __bindgen_padding_1: 0,
        ByteOffset: LARGE_INTEGER::new(offset as i64),
    }
}

fn control(
    code: ULONG,
    input_bytes: ULONG,
    output_bytes: ULONG,
) -> IO_STACK_LOCATION_Parameters_DeviceIoControl {
    IO_STACK_LOCATION_Parameters_DeviceIoControl {
        OutputBufferLength: output_bytes,
        __bindgen_padding_0: 0,
        InputBufferLength: input_bytes,
        __bindgen_padding_1: 0,
        IoControlCode: code,
        Type3InputBuffer: null_mut(),
    }
}

/// DEVICE_MANAGE_DATA_SET_ATTRIBUTES with one range, in bytes.
fn trim_request(offset: u64, bytes: u32) -> [u8; TRIM_BYTES as usize] {
    let header = DEVICE_MANAGE_DATA_SET_ATTRIBUTES {
        Size: size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>() as ULONG,
        Action: DeviceDsmAction_Trim,
        Flags: 0,
        ParameterBlockOffset: 0,
        ParameterBlockLength: 0,
        DataSetRangesOffset: RANGE_AT as ULONG,
        DataSetRangesLength: size_of::<DEVICE_DATA_SET_RANGE>() as ULONG,
    };
    let range = DEVICE_DATA_SET_RANGE { StartingOffset: offset as i64, LengthInBytes: bytes.into() };
    let mut request = [0u8; TRIM_BYTES as usize];
    // SAFETY: both structures fit where they are put, and have no padding.
    unsafe {
        request.as_mut_ptr().cast::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>().write_unaligned(header);
        request.as_mut_ptr().add(RANGE_AT).cast::<DEVICE_DATA_SET_RANGE>().write_unaligned(range);
    }
    request
}

fn wrong_data(mismatch: &pattern::Mismatch) -> ! {
    report(
        &rules::data_integrity::ROW,
        "a file with this data in it is corrupt, and no error was reported",
        format!(
            "the sector at offset {} should hold {} and holds {}",
            mismatch.offset, mismatch.should_hold, mismatch.holds
        ),
        Vec::new(),
    )
}

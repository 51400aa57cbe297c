//! One request at a time: its IRP, its buffer, and the way back.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use super::canceller::Canceller;
use super::{Device, allocate, machine, trim};
use crate::ddi::{DEVICE_MANAGE_DATA_SET_ATTRIBUTES, IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES};
use kernel_sim::ddi::*;
use kernel_sim::processor::Processor;
use std::ptr::null_mut;

/// What to send. Offsets and lengths are in bytes; a device refuses what it does not take, the client nothing
/// but more bytes than its buffer has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// `IRP_MJ_READ` into the buffer.
    Read {
        /// Where on the disk.
        offset: i64,
        /// How much.
        bytes: usize,
    },
    /// `IRP_MJ_WRITE` of the buffer.
    Write {
        /// Where on the disk.
        offset: i64,
        /// How much.
        bytes: usize,
    },
    /// `IRP_MJ_FLUSH_BUFFERS`.
    Flush,
    /// `IRP_MJ_DEVICE_CONTROL`, buffered: the buffer holds the input and takes the output.
    Control {
        /// The control code.
        code: u32,
        /// Bytes of input.
        input: usize,
        /// Room for output.
        room: usize,
    },
    /// Another major function, without data.
    Other(usize),
}

/// The part of a request that its completion routine uses; it lies in the machine's memory.
#[repr(C)]
struct Block {
    event: KEVENT,
    /// The processor of the completion routine, plus one.
    completed_on: u32,
}

/// Sends one request at a time to one device. Use it from a thread of the machine at PASSIVE_LEVEL, one at a
/// time.
///
/// Its memory comes back when it is dropped; dropping it while a request is out is the caller's mistake, and
/// a panic. Its IRP counts as a driver's pool: drop it before the driver is unloaded, which is checked for
/// leaks.
pub struct Client {
    device: Device,
    irp: PIRP,
    block: *mut Block,
    buffer: *mut u8,
    bytes: usize,
    is_out: bool,
    /// The MDL of the request that is out or came back last.
    mdl: PMDL,
    canceller: Option<Canceller>,
}

// SAFETY: kernel objects and memory of the machine, used by the thread that has the client.
unsafe impl Send for Client {}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, block: PVOID) -> NTSTATUS {
    // SAFETY: the context is the client's block, whose event the client waits for.
    unsafe {
        let block = block.cast::<Block>();
        (*block).completed_on = u32::from(Processor::current().index()) + 1;
        KeSetEvent(&raw mut (*block).event, 0, FALSE);
    }
    // The IRP is the client's own.
    STATUS_MORE_PROCESSING_REQUIRED
}

impl Client {
    /// A client of a live device with a buffer of `bytes` zeros.
    ///
    /// # Panics
    /// When the machine has no memory for it, and outside a machine; so do all routines here.
    #[track_caller]
    #[must_use]
    pub fn new(device: impl Into<Device>, bytes: usize) -> Client {
        let device = device.into();
        let block: *mut Block = allocate(size_of::<Block>()).cast();
        let buffer = allocate(bytes.max(8)).cast();
        // SAFETY: a live device object; a fresh block.
        let irp = unsafe {
            KeInitializeEvent(&raw mut (*block).event, SynchronizationEvent, FALSE);
            IoAllocateIrp((*device.object()).StackSize, FALSE)
        };
        assert!(!irp.is_null(), "the machine is out of memory for a client");
        Client { device, irp, block, buffer, bytes, is_out: false, mdl: null_mut(), canceller: None }
    }

    /// The IRP of its requests, one after the other.
    #[must_use]
    pub fn irp(&self) -> PIRP {
        self.irp
    }

    /// The buffer.
    ///
    /// # Panics
    /// While a request is out: the buffer is the driver's then.
    #[track_caller]
    pub fn data(&mut self) -> &mut [u8] {
        assert!(!self.is_out, "the buffer belongs to the request that is out");
        // SAFETY: the client's own buffer of that size, and no request is out.
        unsafe { std::slice::from_raw_parts_mut(self.buffer, self.bytes) }
    }

    /// Sends a request and does not wait for it.
    ///
    /// # Panics
    /// When one is out already, and when it moves more bytes than the buffer has.
    #[track_caller]
    pub fn send(&mut self, request: Request) {
        let location = |next: &mut IO_STACK_LOCATION, major: usize| next.MajorFunction = major as UCHAR;
        match request {
            Request::Read { offset, bytes } => self.transfer(IRP_MJ_READ, offset, bytes),
            Request::Write { offset, bytes } => self.transfer(IRP_MJ_WRITE, offset, bytes),
            Request::Flush => self.send_filled(|_, next| location(next, IRP_MJ_FLUSH_BUFFERS)),
            Request::Other(major) => self.send_filled(|_, next| location(next, major)),
            Request::Control { code, input, room } => {
                self.check_room(input.max(room));
                let buffer = self.buffer;
                self.send_filled(|irp, next| {
                    location(next, IRP_MJ_DEVICE_CONTROL);
                    next.Parameters.DeviceIoControl = IO_STACK_LOCATION_Parameters_DeviceIoControl {
                        OutputBufferLength: room as ULONG,
                        __bindgen_padding_0: 0,
                        InputBufferLength: input as ULONG,
                        __bindgen_padding_1: 0,
                        IoControlCode: code,
                        Type3InputBuffer: null_mut(),
                    };
                    irp.AssociatedIrp.SystemBuffer = buffer.cast();
                });
            }
        }
    }

    #[track_caller]
    fn transfer(&mut self, major: usize, offset: i64, bytes: usize) {
        self.check_room(bytes);
        let mdl = self.describe(bytes);
        self.send_filled(|irp, next| {
            next.MajorFunction = major as UCHAR;
            next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
                Length: bytes as ULONG,
                __bindgen_padding_0: 0,
                Key: 0,
                __bindgen_padding_1: 0,
                ByteOffset: LARGE_INTEGER::new(offset),
            };
            irp.MdlAddress = mdl;
        });
    }

    /// An MDL of the front of the buffer, which is freed when the next request is back.
    #[track_caller]
    pub(super) fn describe(&mut self, bytes: usize) -> PMDL {
        // SAFETY: the client's own buffer, at least as long as that.
        unsafe {
            self.mdl = IoAllocateMdl(self.buffer.cast(), bytes as ULONG, FALSE, FALSE, null_mut());
            assert!(!self.mdl.is_null(), "the machine is out of memory for a client");
            MmBuildMdlForNonPagedPool(self.mdl);
        }
        self.mdl
    }

    #[track_caller]
    fn check_room(&self, bytes: usize) {
        assert!(bytes <= self.bytes, "{bytes} bytes with a buffer of {}", self.bytes);
    }

    /// Sends whatever `fill` makes of the IRP and its next stack location, for requests that [`Request`] has
    /// no word for. What they point to must stay until the request has come back.
    ///
    /// # Panics
    /// When a request is out already.
    #[track_caller]
    pub fn send_filled(&mut self, fill: impl FnOnce(&mut IRP, &mut IO_STACK_LOCATION)) {
        assert!(!self.is_out, "a client has one request out at a time");
        self.is_out = true;
        // SAFETY: the client's own IRP, with nothing out; event and buffer stay until the request is back;
        // the device is live.
        unsafe {
            IoReuseIrp(self.irp, STATUS_SUCCESS);
            fill(&mut *self.irp, &mut *IoGetNextIrpStackLocation(self.irp));
            IoSetCompletionRoutine(self.irp, Some(came_back), self.block.cast(), true, true, true);
            if let Some(canceller) = &mut self.canceller {
                canceller.begin(self.irp);
            }
            IoCallDriver(self.device.object(), self.irp);
        }
    }

    /// As [`Client::send`], while another thread cancels the request: before the driver sees it, meanwhile or
    /// after, as the schedule has it. The first time starts that thread.
    #[track_caller]
    pub fn send_and_cancel(&mut self, request: Request) {
        self.canceller.get_or_insert_with(Canceller::start).want();
        self.send(request);
    }

    /// `IoCancelIrp` of the request that is out; whether a cancel routine ran. FALSE if none is out.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        // SAFETY: the client's own IRP, which it has not taken back.
        self.is_out && unsafe { IoCancelIrp(self.irp) } != FALSE
    }

    /// Waits for the request that is out; its status and its Information.
    ///
    /// # Panics
    /// When none is out.
    #[track_caller]
    pub fn wait(&mut self) -> (NTSTATUS, usize) {
        self.wait_until(null_mut()).expect("a wait without a time-out")
    }

    /// As [`Client::wait`], for so many microseconds of machine time at most; `None` if the request is still
    /// out then.
    #[track_caller]
    pub fn wait_for(&mut self, us: u64) -> Option<(NTSTATUS, usize)> {
        // In units of 100 ns, relative.
        let mut timeout = LARGE_INTEGER::new(-i64::try_from(us.saturating_mul(10)).unwrap_or(i64::MAX));
        self.wait_until(&raw mut timeout)
    }

    #[track_caller]
    fn wait_until(&mut self, timeout: PLARGE_INTEGER) -> Option<(NTSTATUS, usize)> {
        assert!(self.is_out, "no request is out");
        // SAFETY: the client's own event, IRP and MDL; the time-out is null or on the caller's stack.
        unsafe {
            let event = (&raw mut (*self.block).event).cast();
            if KeWaitForSingleObject(event, Executive, KernelMode, FALSE, timeout) != STATUS_SUCCESS {
                return None;
            }
            if let Some(canceller) = &mut self.canceller {
                canceller.end();
            }
            self.is_out = false;
            self.free_mdl();
            let io = (*self.irp).IoStatus;
            Some((io.Status(), io.Information))
        }
    }

    fn free_mdl(&mut self) {
        let mdl = std::mem::replace(&mut self.mdl, null_mut());
        if !mdl.is_null() {
            // SAFETY: the client's own MDL, of a request that is back.
            unsafe { IoFreeMdl(mdl) };
        }
    }

    /// Sends a request and waits for it; its status and its Information.
    #[track_caller]
    pub fn request(&mut self, request: Request) -> (NTSTATUS, usize) {
        self.send(request);
        self.wait()
    }

    /// Reads into the buffer and waits.
    #[track_caller]
    pub fn read(&mut self, offset: i64, bytes: usize) -> (NTSTATUS, usize) {
        self.request(Request::Read { offset, bytes })
    }

    /// Writes from the buffer and waits.
    #[track_caller]
    pub fn write(&mut self, offset: i64, bytes: usize) -> (NTSTATUS, usize) {
        self.request(Request::Write { offset, bytes })
    }

    /// Flushes and waits; the status.
    #[track_caller]
    pub fn flush(&mut self) -> NTSTATUS {
        self.request(Request::Flush).0
    }

    /// Sends a device control request with this input, and waits. Its output, as long as the Information
    /// says, is then at the front of the buffer.
    #[track_caller]
    pub fn control(&mut self, code: u32, input: &[u8], room: usize) -> (NTSTATUS, usize) {
        self.check_room(input.len());
        self.data()[..input.len()].copy_from_slice(input);
        self.request(Request::Control { code, input: input.len(), room })
    }

    /// Trims ranges, each an offset and a length in bytes, and waits; the status. Takes the front of the
    /// buffer.
    #[track_caller]
    pub fn trim(&mut self, ranges: &[(i64, u64)]) -> NTSTATUS {
        self.trim_with(ranges, |_| {})
    }

    /// As [`Client::trim`], with a header that `change` has had its way with.
    #[track_caller]
    pub fn trim_with(
        &mut self,
        ranges: &[(i64, u64)],
        change: impl FnOnce(&mut DEVICE_MANAGE_DATA_SET_ATTRIBUTES),
    ) -> NTSTATUS {
        let input = trim::request(ranges, change);
        self.control(IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES, &input, 0).0
    }

    /// The processor on which the last request was completed.
    #[must_use]
    pub fn completed_on(&self) -> Option<u8> {
        // SAFETY: the client's own block.
        unsafe { (*self.block).completed_on }.checked_sub(1).map(|n| n as u8)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The machine stops, and takes its memory back itself: a request may still be out.
            return;
        }
        assert!(!self.is_out, "a client was dropped while its request was out");
        if let Some(canceller) = self.canceller.take() {
            canceller.finish();
        }
        // SAFETY: nothing is out.
        unsafe { IoFreeIrp(self.irp) };
        machine().free_system(self.block.cast());
        machine().free_system(self.buffer.cast());
    }
}

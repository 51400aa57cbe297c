//! Single requests: what the driver takes, what it refuses, what it makes of the device's errors.

use crate::client::{BLOCK, send};
use drivers_examples::wdm_startio;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::io;
use storport_sim::controller::DiskController;
use storport_sim::disk::{BackingStore, MemoryStore};

const DISK_BYTES: u64 = 64 << 10;

/// Runs `body` with the disk device, started over `store`.
fn with_disk(store: impl BackingStore + 'static, body: fn(&'static Machine, PDEVICE_OBJECT)) {
    let config = Config::new(2, Execution::Seeded(3)).unwrap();
    let outcome = config.hardware(Box::new(DiskController::new(Box::new(store)))).run(move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(wdm_startio::driver_entry)).expect("the driver loads");
        assert_eq!(machine.add_device(driver, 1).err(), Some(STATUS_DEVICE_DOES_NOT_EXIST));
        let device = machine.add_device(driver, 0).expect("the device starts");
        body(machine, device.top());
        device.remove();
        machine.unload_driver(driver);
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

/// The status and information of a transfer.
fn transfer(
    machine: &'static Machine,
    device: PDEVICE_OBJECT,
    major: usize,
    offset: i64,
    bytes: u32,
) -> (NTSTATUS, usize) {
    let done = send(machine, device, |_, next| {
        next.MajorFunction = major as UCHAR;
        next.Parameters.Read = IO_STACK_LOCATION_Parameters_Read {
            Length: bytes,
            Key: 0,
            ByteOffset: LARGE_INTEGER::new(offset),
        };
    });
    (done.Status(), done.Information)
}

#[test]
fn transfers_that_make_no_sense_are_refused() {
    with_disk(MemoryStore::new(DISK_BYTES), |machine, device| {
        let end = DISK_BYTES as i64;
        let refused = [
            (1, 512),
            (-512, 512),
            (0, 100),
            (end, 512),
            (end - 512, 1024),
            (i64::MAX - 511, 512),
            (0, 1 << 20),
        ];
        for (offset, bytes) in refused {
            for major in [IRP_MJ_READ, IRP_MJ_WRITE] {
                let got = transfer(machine, device, major, offset, bytes);
                assert_eq!(got, (STATUS_INVALID_PARAMETER, 0), "{bytes} bytes at {offset}");
            }
        }
        assert_eq!(transfer(machine, device, IRP_MJ_READ, end - 1024, 1024), (STATUS_SUCCESS, 1024));
        assert_eq!(transfer(machine, device, IRP_MJ_READ, end, 0), (STATUS_SUCCESS, 0));
        let no_buffer = send(machine, device, |irp, next| {
            irp.MdlAddress = std::ptr::null_mut();
            next.MajorFunction = IRP_MJ_READ as UCHAR;
            next.Parameters.Read.Length = 512;
        });
        assert_eq!(no_buffer.Status(), STATUS_INVALID_PARAMETER);
    });
}

#[test]
fn tells_its_length() {
    with_disk(MemoryStore::new(DISK_BYTES), |machine, device| {
        let answer = machine.allocate_system(8);
        let ask = |code, bytes| {
            let done = send(machine, device, |irp, next| {
                next.MajorFunction = IRP_MJ_DEVICE_CONTROL as UCHAR;
                next.Parameters.DeviceIoControl = IO_STACK_LOCATION_Parameters_DeviceIoControl {
                    OutputBufferLength: bytes,
                    InputBufferLength: 0,
                    IoControlCode: code,
                    Type3InputBuffer: std::ptr::null_mut(),
                };
                irp.AssociatedIrp.SystemBuffer = answer;
            });
            (done.Status(), done.Information)
        };
        assert_eq!(ask(IOCTL_DISK_GET_LENGTH_INFO, 8), (STATUS_SUCCESS, 8));
        // SAFETY: the block has room for the answer.
        assert_eq!(unsafe { *answer.cast::<u64>() }, DISK_BYTES);
        assert_eq!(ask(IOCTL_DISK_GET_LENGTH_INFO, 4), (STATUS_BUFFER_TOO_SMALL, 0));
        assert_eq!(ask(0x1234, 8), (STATUS_INVALID_DEVICE_REQUEST, 0));
    });
}

#[test]
fn opens_closes_and_refuses_what_it_does_not_know() {
    with_disk(MemoryStore::new(DISK_BYTES), |machine, device| {
        for (major, status) in [
            (IRP_MJ_CREATE, STATUS_SUCCESS),
            (IRP_MJ_CLEANUP, STATUS_SUCCESS),
            (IRP_MJ_CLOSE, STATUS_SUCCESS),
            (IRP_MJ_FLUSH_BUFFERS, STATUS_SUCCESS),
            (IRP_MJ_SCSI, STATUS_INVALID_DEVICE_REQUEST),
        ] {
            let done = send(machine, device, |_, next| next.MajorFunction = major as UCHAR);
            assert_eq!(done.Status(), status, "major function {major:#x}");
        }
    });
}

/// A medium that fails, and may not be written.
struct WornOut;

impl BackingStore for WornOut {
    fn len_bytes(&self) -> u64 {
        DISK_BYTES
    }
    fn read_at(&mut self, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("worn out"))
    }
    fn write_at(&mut self, _offset: u64, _data: &[u8]) -> io::Result<()> {
        Err(io::Error::other("worn out"))
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::Error::other("worn out"))
    }
    fn is_read_only(&self) -> bool {
        true
    }
}

#[test]
fn the_devices_errors_reach_the_sender() {
    with_disk(WornOut, |machine, device| {
        let bytes = BLOCK as u32;
        assert_eq!(transfer(machine, device, IRP_MJ_READ, 0, bytes), (STATUS_IO_DEVICE_ERROR, 0));
        assert_eq!(transfer(machine, device, IRP_MJ_WRITE, 0, bytes), (STATUS_MEDIA_WRITE_PROTECTED, 0));
        let done = send(machine, device, |_, next| next.MajorFunction = IRP_MJ_FLUSH_BUFFERS as UCHAR);
        assert_eq!(done.Status(), STATUS_IO_DEVICE_ERROR);
    });
}

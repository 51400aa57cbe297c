//! Single requests: what the driver takes, what it refuses, what it makes of the device's errors.

use crate::client::BLOCK;
use drivers_examples::wdm_startio;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::io;
use storport_sim::client::{Client, Request};
use storport_sim::controller::DiskController;
use storport_sim::disk::{BackingStore, MemoryStore};

const DISK_BYTES: u64 = 64 << 10;

/// Runs `body` with the disk device, started over `store`.
fn with_disk(store: impl BackingStore + 'static, body: fn(PDEVICE_OBJECT)) {
    let config = Config::new(2, Execution::Seeded(3)).unwrap();
    let outcome = config.hardware(Box::new(DiskController::new(Box::new(store)))).run(move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(wdm_startio::driver_entry)).expect("the driver loads");
        assert_eq!(machine.add_device(driver, 1).err(), Some(STATUS_DEVICE_DOES_NOT_EXIST));
        let device = machine.add_device(driver, 0).expect("the device starts");
        body(device.top());
        device.remove();
        machine.unload_driver(driver);
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn transfers_that_make_no_sense_are_refused() {
    with_disk(MemoryStore::new(DISK_BYTES), |device| {
        let end = DISK_BYTES as i64;
        let mut client = Client::new(device, 1 << 20);
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
            for got in [client.read(offset, bytes), client.write(offset, bytes)] {
                assert_eq!(got, (STATUS_INVALID_PARAMETER, 0), "{bytes} bytes at {offset}");
            }
        }
        assert_eq!(client.read(end - 1024, 1024), (STATUS_SUCCESS, 1024));
        assert_eq!(client.read(end, 0), (STATUS_SUCCESS, 0));
        client.send_filled(|_, next| {
            next.MajorFunction = IRP_MJ_READ as UCHAR;
            next.Parameters.Read.Length = 512;
        });
        assert_eq!(client.wait().0, STATUS_INVALID_PARAMETER, "no buffer");
    });
}

#[test]
fn tells_its_length() {
    with_disk(MemoryStore::new(DISK_BYTES), |device| {
        let mut client = Client::new(device, 8);
        assert_eq!(client.control(IOCTL_DISK_GET_LENGTH_INFO, &[], 8), (STATUS_SUCCESS, 8));
        assert_eq!(client.data(), DISK_BYTES.to_le_bytes());
        assert_eq!(client.control(IOCTL_DISK_GET_LENGTH_INFO, &[], 4), (STATUS_BUFFER_TOO_SMALL, 0));
        assert_eq!(client.control(0x1234, &[], 8), (STATUS_INVALID_DEVICE_REQUEST, 0));
    });
}

#[test]
fn opens_closes_and_refuses_what_it_does_not_know() {
    with_disk(MemoryStore::new(DISK_BYTES), |device| {
        for (major, status) in [
            (IRP_MJ_CREATE, STATUS_SUCCESS),
            (IRP_MJ_CLEANUP, STATUS_SUCCESS),
            (IRP_MJ_CLOSE, STATUS_SUCCESS),
            (IRP_MJ_FLUSH_BUFFERS, STATUS_SUCCESS),
            (IRP_MJ_SCSI, STATUS_INVALID_DEVICE_REQUEST),
        ] {
            let done = Client::new(device, 0).request(Request::Other(major));
            assert_eq!(done.0, status, "major function {major:#x}");
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
    with_disk(WornOut, |device| {
        let mut client = Client::new(device, BLOCK);
        assert_eq!(client.read(0, BLOCK), (STATUS_IO_DEVICE_ERROR, 0));
        assert_eq!(client.write(0, BLOCK), (STATUS_MEDIA_WRITE_PROTECTED, 0));
        assert_eq!(client.flush(), STATUS_IO_DEVICE_ERROR);
    });
}

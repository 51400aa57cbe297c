//! Command blocks that a client sends to a disk, and disks that cannot be written.

use crate::rig::{assert_completed, disk, executions, run, tiny, with_adapter};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use storport_sim::Medium;
use storport_sim::client::{Client, CommandEnd, CommandError, Data, Request, check_command, send_command};
use storport_sim::ddi::*;
use storport_sim::scsi::{Lun, ScsiStatus};

const READ_10: [u8; 10] = [0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0];
const WRITE_10: [u8; 10] = [0x2A, 0, 0, 0, 0, 3, 0, 0, 1, 0];
const INQUIRY: [u8; 6] = [0x12, 0, 0, 0, 36, 0];

/// Sense key and additional sense of a command that ended in CHECK CONDITION.
fn sense_of(end: &CommandEnd) -> (u8, u8, u8) {
    assert_eq!((end.status, end.scsi_status), (STATUS_SUCCESS, ScsiStatus::CHECK_CONDITION), "{end:?}");
    (end.sense[2] & 0xF, end.sense[12], end.sense[13])
}

#[test]
fn a_client_sends_any_command_block() {
    for (cpus, execution, name) in executions(4) {
        let outcome = run(cpus, execution, 2, || {
            with_adapter(Some(tiny::entry), |adapter| {
                let send = |cdb: &[u8], data| send_command(adapter.disks()[1], cdb, data).unwrap();
                let inquiry = send(&INQUIRY, Data::In(36));
                assert_eq!((inquiry.scsi_status, inquiry.moved), (ScsiStatus::GOOD, 36));
                assert_eq!(inquiry.data[8..16], *b"STORSIM ");
                let sector = vec![0x5A; 512];
                assert_eq!(send(&WRITE_10, Data::Out(&sector)).scsi_status, ScsiStatus::GOOD);
                assert_eq!(send(&READ_10, Data::In(512)).data, sector);
                assert_eq!(send(&[0; 6], Data::None).moved, 0);
                // It is tried once, and the unit's word is the client's to judge.
                assert_eq!(sense_of(&send(&[0xC0; 6], Data::None)), (5, 0x20, 0), "no such command");
                // Room for less than the unit would send.
                assert_eq!(send(&INQUIRY, Data::In(8)).moved, 8);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_disk_that_cannot_be_written_says_so() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        let protected = || disk().write_protected();
        let medium = Medium::of(Machine::current().unwrap()).unwrap();
        medium.with(|target| {
            target.detach(Lun::new(0).unwrap());
            target.attach(Lun::new(0).unwrap(), protected());
        });
        with_adapter(Some(tiny::entry), |adapter| {
            let unit = adapter.disks()[0];
            let sector = vec![1; 512];
            let write = send_command(unit, &WRITE_10, Data::Out(&sector)).unwrap();
            assert_eq!(sense_of(&write), (7, 0x27, 0));
            let mode = send_command(unit, &[0x1A, 0, 0x3F, 0, 4, 0], Data::In(4)).unwrap();
            assert_eq!(mode.data[2] & 0x80, 0x80, "WP");
            let mut client = Client::new(unit, 512);
            assert_eq!(client.write(0, 512).0, STATUS_MEDIA_WRITE_PROTECTED);
            assert_eq!(client.read(0, 512).0, STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "write-protected");
}

#[test]
fn what_cannot_be_sent_is_refused_in_one_line() {
    assert_eq!(check_command(&[], Data::None), Err(CommandError::Length(0)));
    assert_eq!(check_command(&[0; 17], Data::None), Err(CommandError::Length(17)));
    let why = check_command(&INQUIRY, Data::In(usize::MAX)).unwrap_err().to_string();
    assert_eq!(why, format!("{} bytes of data; 1048576 at most", usize::MAX));
}

/// What the request of a structure that `change` has had its way with ends in, with so much room behind it.
fn ends_in(client: &mut Client, room: usize, change: impl FnOnce(&mut SCSI_PASS_THROUGH_DIRECT)) -> NTSTATUS {
    let bytes = size_of::<SCSI_PASS_THROUGH_DIRECT>();
    let mut asked = SCSI_PASS_THROUGH_DIRECT {
        Length: bytes as u16,
        ScsiStatus: 0,
        PathId: 9,
        TargetId: 9,
        Lun: 9,
        CdbLength: 6,
        SenseInfoLength: 8,
        DataIn: SCSI_IOCTL_DATA_UNSPECIFIED,
        DataTransferLength: 0,
        TimeOutValue: 10,
        DataBuffer: std::ptr::null_mut(),
        SenseInfoOffset: bytes as u32,
        Cdb: [0; 16],
    };
    change(&mut asked);
    // SAFETY: a structure of plain numbers and one pointer, without padding that matters; the buffer is
    // longer.
    unsafe { client.data().as_mut_ptr().cast::<SCSI_PASS_THROUGH_DIRECT>().write_unaligned(asked) };
    client.request(Request::Control { code: IOCTL_SCSI_PASS_THROUGH_DIRECT, input: bytes, room }).0
}

#[test]
fn a_request_outside_the_limits_of_the_page_reaches_no_miniport() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 128);
            let before = adapter.statistics(adapter.disks()[0]);
            assert_eq!(ends_in(&mut client, 64, |_| {}), STATUS_SUCCESS, "the address is the disk's");
            assert_eq!(ends_in(&mut client, 40, |_| {}), STATUS_BUFFER_TOO_SMALL);
            let mut refused = |what: &str, change: fn(&mut SCSI_PASS_THROUGH_DIRECT)| {
                assert_eq!(ends_in(&mut client, 64, change), STATUS_INVALID_PARAMETER, "{what}");
            };
            refused("another length", |asked| asked.Length = 44);
            refused("no command block", |asked| asked.CdbLength = 0);
            refused("a long command block", |asked| asked.CdbLength = 17);
            refused("a direction that is none", |asked| asked.DataIn = 3);
            refused("no time", |asked| asked.TimeOutValue = 0);
            refused("data without a buffer", |asked| asked.DataTransferLength = 512);
            refused("more data than the adapter moves", |asked| asked.DataTransferLength = u32::MAX);
            refused("sense data over the structure", |asked| asked.SenseInfoOffset = 8);
            refused("sense data behind the end", |asked| asked.SenseInfoOffset = 60);
            assert_eq!(adapter.statistics(adapter.disks()[0]), before);
        });
    });
    assert_completed(&outcome, "limits");
}

/// Ends every command that it does not know with as much sense data as there is room for, each byte with its
/// number.
unsafe extern "C-unwind" fn start_io_says_much(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now, with a
    // sense buffer of the length it says.
    unsafe {
        let s = &mut *srb;
        if s.Function == SRB_FUNCTION_EXECUTE_SCSI && s.Cdb[0] == 0xC0 {
            let room = std::slice::from_raw_parts_mut(
                s.SenseInfoBuffer.cast::<u8>(),
                s.SenseInfoBufferLength.into(),
            );
            room.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
            s.ScsiStatus = SCSISTAT_CHECK_CONDITION;
            s.SrbStatus = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
        } else {
            tiny::execute(extension, srb);
        }
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}

unsafe extern "C-unwind" fn says_much(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { tiny::register(driver, path, |data| data.HwStartIo = Some(start_io_says_much)) }
}

#[test]
fn a_client_gets_as_much_sense_data_as_it_has_room_for() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(says_much), |adapter| {
            let end = send_command(adapter.disks()[0], &[0xC0; 6], Data::None).unwrap();
            assert_eq!((end.status, end.scsi_status), (STATUS_SUCCESS, ScsiStatus::CHECK_CONDITION));
            assert_eq!(end.sense, (0..u8::MAX).collect::<Vec<_>>());
        });
    });
    assert_completed(&outcome, "much sense data");
}

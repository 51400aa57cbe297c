//! A client's request: checked, sent down piece by piece, completed.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::complete::complete_now;
use super::disk::Disk;
use super::ends::{self, End};
use super::packet::{Operation, Packet};
use super::trim::Trim;
use crate::callbacks::DISK_CLASS;
use crate::ddi::{
    SRB_FLAGS_ADAPTER_CACHE_ENABLE, SRB_FLAGS_DATA_IN, SRB_FLAGS_DATA_OUT, SRB_FLAGS_NO_DATA_TRANSFER,
    SRB_FLAGS_NO_QUEUE_FREEZE, SRB_FLAGS_QUEUE_ACTION_ENABLE, SRB_FUNCTION_EXECUTE_SCSI,
    SRB_SIMPLE_TAG_REQUEST, SrbAssignSrbFlags, SrbGetCdb, SrbGetDataTransferLength, SrbRoom, SrbSetCdbLength,
    SrbSetDataBuffer, SrbSetDataTransferLength, SrbSetRequestAttribute, SrbSetSenseInfoBuffer,
    SrbSetSenseInfoBufferLength, SrbSetTimeOutValue, set_function,
};
use crate::scsi::{Opcode, Rw10, Rw16, Unmap};
use kernel_sim::ddi::{
    IO_STATUS_BLOCK, IRP_MJ_SCSI, IoCallDriver, IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation,
    IoMarkIrpPending, IoSetCompletionRoutine, KeInitializeDpc, KeInitializeTimer, KeInsertQueueDpc,
    KeSetTimer, LARGE_INTEGER, MmGetMdlByteCount, MmGetMdlVirtualAddress, NTSTATUS, PDEVICE_OBJECT, PIRP,
    PKDPC, PVOID, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING, STATUS_SUCCESS, as_system,
};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use zerocopy::IntoBytes;

/// Seconds in the units of a timer, 100 ns.
const SECOND_100NS: i64 = 10_000_000;

/// A read or write: whole blocks, all of them on the disk, described by an MDL.
///
/// # Safety
/// The IRP is one that the disk's dispatch routine was called with.
pub(super) unsafe fn transfer(cpu: &Processor, disk: &Disk, irp: PIRP, operation: Operation) -> NTSTATUS {
    // SAFETY: the I/O manager's live IRP and its MDL.
    unsafe {
        let parameters = (*IoGetCurrentIrpStackLocation(irp)).Parameters.Read;
        let length = parameters.Length;
        let block_bytes = u64::from(disk.capacity.block_bytes);
        let Ok(offset) = u64::try_from(parameters.ByteOffset.QuadPart()) else {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        };
        let fits = offset.checked_add(u64::from(length)).is_some_and(|end| end <= disk.capacity.bytes());
        if !fits || offset % block_bytes != 0 || u64::from(length) % block_bytes != 0 {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        }
        if length == 0 {
            return complete_now(irp, STATUS_SUCCESS, 0);
        }
        let mdl = (*irp).MdlAddress;
        if mdl.is_null() || MmGetMdlByteCount(mdl) < length {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        }
        send(cpu, disk, irp, (operation, offset / block_bytes, length), null_mut())
    }
}

/// Sends a flush.
///
/// # Safety
/// As for [`transfer`].
pub(super) unsafe fn flush(cpu: &Processor, disk: &Disk, irp: PIRP) -> NTSTATUS {
    // SAFETY: the caller's IRP; a flush has no trim.
    unsafe { send(cpu, disk, irp, (Operation::Flush, 0, 0), null_mut()) }
}

/// Sends the commands of a trim, whose first list is written; the trim is this request's from here on.
///
/// # Safety
/// As for [`transfer`], and the trim was made for this IRP.
pub(super) unsafe fn send_trim(cpu: &Processor, disk: &Disk, irp: PIRP, trim: *mut Trim) -> NTSTATUS {
    // SAFETY: the caller's IRP and trim.
    unsafe { send(cpu, disk, irp, (Operation::Unmap, 0, 0), trim) }
}

/// Gets a packet for a request and sends its first piece.
unsafe fn send(
    cpu: &Processor,
    disk: &Disk,
    irp: PIRP,
    (operation, block, length): (Operation, u64, u32),
    trim: *mut Trim,
) -> NTSTATUS {
    let packet = disk.packets.take(cpu);
    // SAFETY: a packet that is ours now; the I/O manager's live IRP.
    unsafe {
        if packet.is_null() {
            if !trim.is_null() {
                Trim::free(trim, irp);
            }
            return complete_now(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
        }
        let p = &mut *packet;
        p.disk = (&raw const *disk).cast();
        p.irp = irp;
        p.operation = operation;
        p.block = block;
        p.length = length;
        p.done = 0;
        p.retries = 0;
        p.moved = 0;
        p.trim = trim;
        IoMarkIrpPending(irp);
        send_piece(packet);
    }
    STATUS_PENDING
}

/// The disk of a packet that is in use.
unsafe fn disk_of<'a>(packet: &Packet) -> &'a Disk {
    // SAFETY: `send` stored the disk's address, and a disk lives until nothing is outstanding.
    unsafe { &*packet.disk.cast() }
}

/// Sends what comes next of a packet's request down, in the client's own IRP.
unsafe fn send_piece(packet: *mut Packet) {
    // SAFETY: the packet is ours until the IRP is sent.
    unsafe {
        let p = &mut *packet;
        let disk = disk_of(p);
        p.piece = match p.operation {
            Operation::Unmap => (*p.trim).list_bytes(),
            _ => (p.length - p.done).min(disk.piece_max),
        };
        let srb = fill_srb(p, disk);
        let irp = p.irp;
        let next = &mut *IoGetNextIrpStackLocation(irp);
        next.MajorFunction = IRP_MJ_SCSI as u8;
        next.MinorFunction = 0;
        next.Parameters.Scsi.Srb = srb;
        IoSetCompletionRoutine(irp, Some(piece_done), packet.cast(), true, true, true);
        // The completion routine sees any failure.
        let _ = IoCallDriver(disk.lower, irp);
    }
}

/// Writes the SRB of a packet's present piece.
unsafe fn fill_srb(p: &mut Packet, disk: &Disk) -> PVOID {
    let block = p.block + u64::from(p.done / disk.capacity.block_bytes);
    let blocks = p.piece / disk.capacity.block_bytes;
    let (direction, data) = match p.operation {
        // SAFETY: a read or write has an MDL, checked when it came.
        Operation::Read => (SRB_FLAGS_DATA_IN, unsafe { data_of(p) }),
        // SAFETY: a read or write has an MDL, checked when it came.
        Operation::Write => (SRB_FLAGS_DATA_OUT, unsafe { data_of(p) }),
        Operation::Flush => (SRB_FLAGS_NO_DATA_TRANSFER, null_mut()),
        // SAFETY: a trim has its list until it ends.
        Operation::Unmap => (SRB_FLAGS_DATA_OUT, unsafe { (*p.trim).list() }),
    };
    let mut cdb = [0; 16];
    let short = u32::try_from(block).ok().zip(u16::try_from(blocks).ok());
    let cdb_length = match (p.operation, short) {
        (Operation::Unmap, _) => put(&mut cdb, Unmap::of(p.piece as u16).as_bytes()),
        (Operation::Flush, _) => put(&mut cdb, Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0).as_bytes()),
        (Operation::Read, Some((lba, n))) => put(&mut cdb, Rw10::new(Opcode::READ_10, lba, n).as_bytes()),
        (Operation::Write, Some((lba, n))) => put(&mut cdb, Rw10::new(Opcode::WRITE_10, lba, n).as_bytes()),
        (Operation::Read, None) => put(&mut cdb, Rw16::new(Opcode::READ_16, block, blocks).as_bytes()),
        (Operation::Write, None) => put(&mut cdb, Rw16::new(Opcode::WRITE_16, block, blocks).as_bytes()),
    };
    // SAFETY: the packet's own room, in which no request is out.
    unsafe {
        let srb = SrbRoom::prepare(&raw mut p.srb, disk.is_extended);
        set_function(srb, SRB_FUNCTION_EXECUTE_SCSI);
        SrbSetRequestAttribute(srb, SRB_SIMPLE_TAG_REQUEST);
        SrbAssignSrbFlags(
            srb,
            direction
                | SRB_FLAGS_QUEUE_ACTION_ENABLE
                | SRB_FLAGS_NO_QUEUE_FREEZE
                | SRB_FLAGS_ADAPTER_CACHE_ENABLE,
        );
        SrbSetDataTransferLength(srb, p.piece);
        SrbSetDataBuffer(srb, data);
        SrbSetTimeOutValue(srb, disk.timeout_s.load(Relaxed));
        SrbSetSenseInfoBuffer(srb, (&raw mut p.sense).cast());
        SrbSetSenseInfoBufferLength(srb, p.sense.len() as u8);
        SrbSetCdbLength(srb, cdb_length);
        SrbGetCdb(srb).copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
        srb
    }
}

/// Copies `command` to the front of `cdb`; returns its length.
fn put(cdb: &mut [u8; 16], command: &[u8]) -> u8 {
    cdb[..command.len()].copy_from_slice(command);
    command.len() as u8
}

/// The present piece's part of the client's buffer.
unsafe fn data_of(p: &Packet) -> PVOID {
    // SAFETY: the caller's request has an MDL that covers its length.
    unsafe { MmGetMdlVirtualAddress((*p.irp).MdlAddress).wrapping_byte_add(p.done as usize) }
}

/// Sends the present piece again after so many seconds; after none, in a DPC of its own, not inside the call
/// that has just completed it.
unsafe fn send_piece_again(packet: *mut Packet, after_s: u32) {
    // SAFETY: the packet is ours until its piece is sent, and so are its timer and its DPC, which are not
    // in use: a packet has one piece at a time.
    unsafe {
        disk_of(&*packet).delayed.fetch_add(1, SeqCst);
        let (timer, dpc) = (&raw mut (*packet).timer, &raw mut (*packet).dpc);
        KeInitializeDpc(dpc, Some(delay_over), packet.cast());
        if after_s == 0 {
            KeInsertQueueDpc(dpc, null_mut(), null_mut());
        } else {
            KeInitializeTimer(timer);
            KeSetTimer(timer, LARGE_INTEGER::new(-i64::from(after_s) * SECOND_100NS), dpc);
        }
    }
}

/// The time of a piece has come.
unsafe extern "C-unwind" fn delay_over(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    let packet: *mut Packet = context.cast();
    // SAFETY: the context is the packet, which has been ours meanwhile; its disk outlives it.
    as_system(Processor::current(), &DISK_CLASS, || unsafe {
        let disk = disk_of(&*packet);
        send_piece(packet);
        disk.delayed.fetch_sub(1, SeqCst);
    });
}

/// Whether something of a packet's request is left to be sent, now that its present piece has succeeded.
fn advance(p: &mut Packet, disk: &Disk) -> bool {
    let srb: PVOID = (&raw mut p.srb).cast();
    p.done = p.done.wrapping_add(p.piece);
    p.retries = 0;
    match p.operation {
        Operation::Unmap => {
            let Some(limits) = disk.provisioning() else { return false };
            // SAFETY: a trim has its list until it ends.
            unsafe { (*p.trim).advance(disk.capacity, limits) }
        }
        Operation::Flush => false,
        Operation::Read | Operation::Write => {
            // SAFETY: the packet's SRB, which has come back.
            p.moved = p.moved.saturating_add(unsafe { SrbGetDataTransferLength(srb) });
            p.done < p.length
        }
    }
}

/// A piece has come back.
unsafe extern "C-unwind" fn piece_done(_device: PDEVICE_OBJECT, irp: PIRP, context: PVOID) -> NTSTATUS {
    let cpu = Processor::current();
    let packet: *mut Packet = context.cast();
    // SAFETY: the context is the packet that was sent, which is ours again.
    as_system(cpu, &DISK_CLASS, || unsafe {
        let p = &mut *packet;
        let disk = disk_of(p);
        let row = ends::row_of(p);
        disk.counters.count(cpu, row);
        let status = match row.end {
            End::Success => {
                if advance(p, disk) {
                    send_piece(packet);
                    return STATUS_MORE_PROCESSING_REQUIRED;
                }
                STATUS_SUCCESS
            }
            End::Again { after_s, retries, .. } if p.retries < retries => {
                p.retries += 1;
                disk.counters.retried(cpu, row);
                send_piece_again(packet, after_s);
                return STATUS_MORE_PROCESSING_REQUIRED;
            }
            End::Again { status, .. } | End::Fail(status) => status,
            End::OfTheSrb => ends::system_status(p),
        };
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, p.moved as usize);
        if !p.trim.is_null() {
            Trim::free(std::mem::replace(&mut p.trim, null_mut()), irp);
        }
        disk.packets.give(cpu, packet);
        if (*irp).PendingReturned != 0 {
            IoMarkIrpPending(irp);
        }
        STATUS_SUCCESS
    })
}

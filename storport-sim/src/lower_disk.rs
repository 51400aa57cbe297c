//! A disk that its bus driver serves: what is below a filter driver, or a driver without hardware of its own.
//!
//! It takes IRP_MJ_READ, IRP_MJ_WRITE, IRP_MJ_FLUSH_BUFFERS and IOCTL_DISK_GET_LENGTH_INFO, as a disk class
//! driver does, with an MDL. Of four requests it completes one in its dispatch routine and pends the others,
//! which a DPC completes: drivers above see both ways. A command that a fault of the plan strikes ends with
//! STATUS_IO_DEVICE_ERROR, whichever it is. It is the system's, not under test. Invariant: a request is
//! completed once.

#![expect(unsafe_code, reason = "fills and reads IRPs in driver memory")]

use crate::callbacks::LOWER_DISK;
use crate::disk::BackingStore;
use crate::disk::fault::{FaultKind, SharedFaults, Subject};
use crate::scsi::Opcode;
use kernel_sim::LowerDevice;
use kernel_sim::ddi::{
    IO_DISK_INCREMENT, IO_STATUS_BLOCK, IOCTL_DISK_GET_LENGTH_INFO, IRP_MJ_CLEANUP, IRP_MJ_CLOSE,
    IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_READ, IRP_MJ_WRITE, IoCompleteRequest,
    IoGetCurrentIrpStackLocation, IoMarkIrpPending, KDPC, KeFlushQueuedDpcs, KeInitializeDpc,
    KeInsertQueueDpc, MmGetMdlByteCount, NTSTATUS, PDEVICE_OBJECT, PIRP, PKDPC, PVOID,
    STATUS_BUFFER_TOO_SMALL, STATUS_DEVICE_NOT_CONNECTED, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_IO_DEVICE_ERROR, STATUS_PENDING, STATUS_SUCCESS, as_system,
};
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::SeqCst};

/// One request of so many is completed at once.
const AT_ONCE_ONE_IN: u32 = 4;
/// Bytes of a block.
const BLOCK: u64 = 512;

/// See the module page.
pub struct LowerDisk {
    store: Mutex<Box<dyn BackingStore>>,
    faults: SharedFaults,
    waiting: Mutex<VecDeque<Waiting>>,
    dpc: AtomicPtr<KDPC>,
    sent: AtomicU32,
    is_gone: AtomicBool,
}

/// A request that is pended.
struct Waiting(PIRP);
// SAFETY: the IRP is the disk's until it completes it.
unsafe impl Send for Waiting {}

impl LowerDisk {
    /// A disk over a store, whose requests meet these faults. `None`: the machine is out of memory.
    #[must_use]
    pub fn new(
        machine: &Machine,
        store: Box<dyn BackingStore>,
        faults: SharedFaults,
    ) -> Option<Arc<LowerDisk>> {
        let dpc: PKDPC = machine.allocate_system(size_of::<KDPC>()).cast();
        if dpc.is_null() {
            return None;
        }
        let disk = Arc::new(LowerDisk {
            store: Mutex::new(store),
            faults,
            waiting: Mutex::default(),
            dpc: AtomicPtr::new(dpc),
            sent: AtomicU32::new(0),
            is_gone: AtomicBool::new(false),
        });
        // SAFETY: a fresh block; the machine keeps the disk until it has come to rest.
        unsafe { KeInitializeDpc(dpc, Some(complete_waiting), Arc::as_ptr(&disk).cast_mut().cast()) };
        Some(disk)
    }

    /// Carries a request out; its status, and how many bytes were moved.
    unsafe fn carry_out(&self, irp: PIRP) -> (NTSTATUS, usize) {
        // SAFETY: the caller has a live IRP of ours; a read or write has an MDL of the system's memory.
        unsafe {
            let location = &*IoGetCurrentIrpStackLocation(irp);
            let major = usize::from(location.MajorFunction);
            if self.is_gone.load(SeqCst) {
                return (STATUS_DEVICE_NOT_CONNECTED, 0);
            }
            if major == IRP_MJ_FLUSH_BUFFERS {
                let is_struck = self.is_struck(Subject::of_blocks(Opcode::SYNCHRONIZE_CACHE_16, 0, 0));
                let flushed = !is_struck && self.store.lock().flush().is_ok();
                return if flushed { (STATUS_SUCCESS, 0) } else { (STATUS_IO_DEVICE_ERROR, 0) };
            }
            let parameters = location.Parameters.Read;
            let bytes = parameters.Length;
            let mut store = self.store.lock();
            let Ok(offset) = u64::try_from(parameters.ByteOffset.QuadPart()) else {
                return (STATUS_INVALID_PARAMETER, 0);
            };
            let fits = offset.checked_add(bytes.into()).is_some_and(|end| end <= store.len_bytes());
            if !fits || offset % BLOCK != 0 || u64::from(bytes) % BLOCK != 0 {
                return (STATUS_INVALID_PARAMETER, 0);
            }
            if bytes == 0 {
                return (STATUS_SUCCESS, 0);
            }
            let mdl = (*irp).MdlAddress;
            if mdl.is_null() || MmGetMdlByteCount(mdl) < bytes || (*mdl).MappedSystemVa.is_null() {
                return (STATUS_INVALID_PARAMETER, 0);
            }
            let opcode = if major == IRP_MJ_READ { Opcode::READ_16 } else { Opcode::WRITE_16 };
            let blocks = u64::from(bytes) / BLOCK;
            if self.is_struck(Subject::of_blocks(opcode, offset / BLOCK, blocks)) {
                return (STATUS_IO_DEVICE_ERROR, 0);
            }
            let data: *mut u8 = (*mdl).MappedSystemVa.cast();
            let done = if major == IRP_MJ_READ {
                store.read_at(offset, std::slice::from_raw_parts_mut(data, bytes as usize))
            } else {
                store.write_at(offset, std::slice::from_raw_parts(data, bytes as usize))
            };
            if done.is_ok() { (STATUS_SUCCESS, bytes as usize) } else { (STATUS_IO_DEVICE_ERROR, 0) }
        }
    }

    /// Whether a command meets a fault that fails it.
    fn is_struck(&self, subject: Subject) -> bool {
        let harmless =
            |kind| matches!(kind, FaultKind::LateCompletion { .. } | FaultKind::DuplicateCompletion);
        self.faults.lock().decide(&subject).is_some_and(|fault| !harmless(fault.kind))
    }

    /// Completes a request that is ours.
    unsafe fn complete(irp: PIRP, (status, information): (NTSTATUS, usize)) -> NTSTATUS {
        // SAFETY: the caller has a live IRP of ours, and gives it up.
        unsafe {
            (*irp).IoStatus = IO_STATUS_BLOCK::new(status, information);
            IoCompleteRequest(irp, IO_DISK_INCREMENT);
        }
        status
    }

    /// IOCTL_DISK_GET_LENGTH_INFO, or nothing we know.
    unsafe fn device_control(&self, irp: PIRP) -> (NTSTATUS, usize) {
        // SAFETY: the caller has a live IRP of ours; its buffer is as long as it says.
        unsafe {
            let parameters = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl;
            let buffer = (*irp).AssociatedIrp.SystemBuffer;
            if parameters.IoControlCode != IOCTL_DISK_GET_LENGTH_INFO {
                return (STATUS_INVALID_DEVICE_REQUEST, 0);
            }
            if (parameters.OutputBufferLength as usize) < size_of::<u64>() || buffer.is_null() {
                return (STATUS_BUFFER_TOO_SMALL, 0);
            }
            buffer.cast::<u64>().write_unaligned(self.store.lock().len_bytes());
            (STATUS_SUCCESS, size_of::<u64>())
        }
    }
}

impl LowerDevice for LowerDisk {
    unsafe fn dispatch(&self, _device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
        // SAFETY: the I/O manager's live IRP, which is ours now.
        as_system(Processor::current(), &LOWER_DISK, || unsafe {
            match usize::from((*IoGetCurrentIrpStackLocation(irp)).MajorFunction) {
                IRP_MJ_READ | IRP_MJ_WRITE | IRP_MJ_FLUSH_BUFFERS => {
                    if self.sent.fetch_add(1, SeqCst).is_multiple_of(AT_ONCE_ONE_IN) {
                        let end = self.carry_out(irp);
                        return Self::complete(irp, end);
                    }
                    IoMarkIrpPending(irp);
                    self.waiting.lock().push_back(Waiting(irp));
                    KeInsertQueueDpc(self.dpc.load(SeqCst), null_mut(), null_mut());
                    STATUS_PENDING
                }
                IRP_MJ_CREATE | IRP_MJ_CLEANUP | IRP_MJ_CLOSE => Self::complete(irp, (STATUS_SUCCESS, 0)),
                IRP_MJ_DEVICE_CONTROL => {
                    let end = self.device_control(irp);
                    Self::complete(irp, end)
                }
                _ => Self::complete(irp, (STATUS_INVALID_DEVICE_REQUEST, 0)),
            }
        })
    }

    fn pull_out(&self) {
        self.is_gone.store(true, SeqCst);
    }

    fn end(&self) {
        let machine = Machine::current().expect("a device ends on its machine");
        // SAFETY: PASSIVE_LEVEL.
        unsafe { KeFlushQueuedDpcs() };
        machine.free_system(self.dpc.swap(null_mut(), SeqCst).cast());
    }
}

/// Completes every request that is pended.
unsafe extern "C-unwind" fn complete_waiting(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the disk, which the machine keeps until it has come to rest.
    let disk = unsafe { &*context.cast::<LowerDisk>() };
    as_system(Processor::current(), &LOWER_DISK, || {
        loop {
            let Some(Waiting(irp)) = disk.waiting.lock().pop_front() else { return };
            // SAFETY: a request that waits is ours.
            unsafe {
                let end = disk.carry_out(irp);
                LowerDisk::complete(irp, end);
            }
        }
    });
}

//! Events in Storport's words: SRBs and locks, for watchers. It judges nothing.
//!
//! It reads the arguments of events and the memory they name, which is checked first. Invariant: an answer is
//! of what the miniport passed, whether that is right or wrong.

#![expect(unsafe_code, reason = "reads SRBs and lock handles behind checked pointers")]

use crate::callbacks::{self as kinds, HW_STOR_FIND_ADAPTER};
use crate::ddi::{
    DpcLock, InterruptLock, PORT_CONFIGURATION_INFORMATION, PSCSI_REQUEST_BLOCK, RequestComplete,
    SCSI_REQUEST_BLOCK, STOR_LOCK_HANDLE, STOR_SPINLOCK, StartIoLock, VIRTUAL_HW_INITIALIZATION_DATA, args,
};
use crate::port::initialize::with_zeros_behind;
use crate::port::{self, hands};
use kernel_sim::ddi::{Internal, PIRP, PVOID};
use kernel_sim::hook::{Event, EventKind};
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use kernel_sim::routine::Callback;

/// A notification of the miniport's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notification {
    /// It gives an SRB back.
    RequestComplete(SrbFacts),
}

/// The fields of an SRB that rules look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrbFacts {
    /// The host address of its memory.
    pub address: usize,
    /// `SrbStatus`, with its flag bits.
    pub status: u8,
}

/// A lock of Storport's, as a miniport names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// The name of its kind: `StartIoLock`.
    pub name: &'static str,
    /// What it belongs to, by host address: the device extension, or of a DpcLock the STOR_DPC.
    pub object: usize,
}

/// A miniport's use of a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockUse {
    /// It takes it.
    Acquire(Lock),
    /// It gives it back.
    Release(Lock),
}

/// The value at a host address, if that is memory of the machine.
fn read<T: Copy>(address: usize) -> Option<T> {
    let is_inside = Machine::current()?.is_accessible(address, size_of::<T>());
    // SAFETY: all bytes are memory of the machine that can be read; `T` is plain data.
    is_inside.then(|| unsafe { (address as *const T).read_unaligned() })
}

/// The notification that an event is, if it is the entry of StorPortNotification with one that is known here.
#[must_use]
pub fn notification(event: &Event<'_>) -> Option<Notification> {
    let call = event.args::<args::StorPortNotification>()?;
    if call.NotificationType.value() != RequestComplete.number() as u64 {
        return None;
    }
    let address = call.Srb.pointer();
    let srb: SCSI_REQUEST_BLOCK = read(address)?;
    Some(Notification::RequestComplete(SrbFacts { address, status: srb.SrbStatus }))
}

fn lock(kind: STOR_SPINLOCK, extension: usize, context: usize) -> Option<Lock> {
    match kind {
        k if k == StartIoLock => Some(Lock { name: "StartIoLock", object: extension }),
        k if k == InterruptLock => Some(Lock { name: "InterruptLock", object: extension }),
        k if k == DpcLock => Some(Lock { name: "DpcLock", object: context }),
        _ => None,
    }
}

/// The use of a lock that an event is, if it is the entry of StorPortAcquireSpinLock or
/// StorPortReleaseSpinLock.
#[must_use]
pub fn storport_lock(event: &Event<'_>) -> Option<LockUse> {
    if let Some(call) = event.args::<args::StorPortAcquireSpinLock>() {
        let kind = call.SpinLock.value() as STOR_SPINLOCK;
        return lock(kind, call.HwDeviceExtension.pointer(), call.LockContext.pointer())
            .map(LockUse::Acquire);
    }
    let call = event.args::<args::StorPortReleaseSpinLock>()?;
    let handle: STOR_LOCK_HANDLE = read(call.LockHandle.pointer())?;
    let context = handle.Context.LockQueue.Next as usize;
    lock(handle.Lock, call.HwDeviceExtension.pointer(), context).map(LockUse::Release)
}

/// What a miniport registers, if the event is the entry of StorPortInitialize: as much of it as there is,
/// and zeros behind. Of a miniport with hardware it is another structure, which differs in the type of one
/// routine only.
fn initialization_data(event: &Event<'_>) -> Option<VIRTUAL_HW_INITIALIZATION_DATA> {
    let call = event.args::<args::StorPortInitialize>()?;
    let address = call.HwInitializationData.pointer();
    let bytes = (read::<u32>(address)? as usize).min(size_of::<VIRTUAL_HW_INITIALIZATION_DATA>());
    let is_inside = Machine::current()?.is_accessible(address, bytes);
    // SAFETY: so many bytes are memory of the machine that can be read.
    is_inside.then(|| unsafe { with_zeros_behind(address as *const u8, bytes) })
}

/// The device that a miniport says it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Registers {
    /// None: it is a virtual miniport.
    Virtual,
    /// One with these identifiers, in the letters that it gives; empty where it gives none.
    Device {
        /// `VendorId`.
        vendor: String,
        /// `DeviceId`.
        device: String,
    },
}

/// The device that a miniport registers for, if the event is the entry of StorPortInitialize.
#[must_use]
pub fn registers(event: &Event<'_>) -> Option<Registers> {
    let data = initialization_data(event)?;
    if data.AdapterInterfaceType == Internal {
        return Some(Registers::Virtual);
    }
    let text = |from: PVOID, bytes: u16| {
        let letters = (0..usize::from(bytes)).map_while(|n| read::<u8>((from as usize).checked_add(n)?));
        letters.map(|byte| char::from(byte).to_ascii_uppercase()).collect()
    };
    let (vendor, device) =
        (text(data.VendorId, data.VendorIdLength), text(data.DeviceId, data.DeviceIdLength));
    Some(Registers::Device { vendor, device })
}

/// The callbacks that a miniport registers, if the event is the entry of StorPortInitialize.
#[must_use]
pub fn registered(event: &Event<'_>) -> Vec<&'static Callback> {
    let Some(data) = initialization_data(event) else { return Vec::new() };
    let routines = [
        (data.HwFindAdapter.is_some(), &HW_STOR_FIND_ADAPTER),
        (data.HwInitialize.is_some(), &kinds::HW_STOR_INITIALIZE),
        (data.HwBuildIo.is_some(), &kinds::HW_STOR_BUILD_IO),
        (data.HwStartIo.is_some(), &kinds::HW_STOR_START_IO),
        (data.HwInterrupt.is_some(), &kinds::HW_STOR_INTERRUPT),
        (data.HwResetBus.is_some(), &kinds::HW_STOR_RESET_BUS),
        (data.HwAdapterControl.is_some(), &kinds::HW_STOR_ADAPTER_CONTROL),
        (data.HwUnitControl.is_some(), &kinds::HW_STOR_UNIT_CONTROL),
        (data.HwProcessServiceRequest.is_some(), &kinds::HW_STOR_PROCESS_SERVICE_REQUEST),
        (data.HwCompleteServiceIrp.is_some(), &kinds::HW_STOR_COMPLETE_SERVICE_IRP),
        (data.HwFreeAdapterResources.is_some(), &kinds::HW_STOR_FREE_ADAPTER_RESOURCES),
    ];
    routines.into_iter().filter(|(is_there, _)| *is_there).map(|(_, kind)| kind).collect()
}

/// How HwStorFindAdapter ended, if an event is its end: what it returned, and the configuration as it left
/// it.
#[must_use]
pub fn found_adapter(event: &Event<'_>) -> Option<(u64, PORT_CONFIGURATION_INFORMATION)> {
    let EventKind::End(frame, answer) = event.kind else { return None };
    if *frame.kind != HW_STOR_FIND_ADAPTER {
        return None;
    }
    let config = read(frame.arg("ConfigInfo")?.pointer())?;
    Some((answer.value(), config))
}

/// The configuration of the adapter with that device extension, as HwStorFindAdapter left it.
#[must_use]
pub fn configuration(extension: usize) -> Option<PORT_CONFIGURATION_INFORMATION> {
    port::configuration(Machine::current()?, extension as PVOID)
}

/// When the SRB at a host address was handed to the miniport; `None` if the miniport does not have it.
#[must_use]
pub fn handed_out(_event: &Event<'_>, srb: usize) -> Option<Moment> {
    hands::handed_out(Machine::current()?, srb as PSCSI_REQUEST_BLOCK)
}

/// Where the request of an IRP was last in a miniport's hands, oldest first, as far as the port driver knows:
/// when its SRB was handed out, and when it was given back, if it was.
#[must_use]
pub fn last_in_hands(machine: &Machine, irp: usize) -> Vec<Moment> {
    hands::last_in_hands(machine, irp as PIRP)
}

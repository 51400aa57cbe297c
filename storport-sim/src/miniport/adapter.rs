//! The trait a virtual miniport implements, and the callbacks that lead to it.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use super::extension::Extension;
use super::thread::Threads;
use super::{Configuration, FindError, ServiceIrp, Srb};
use crate::ddi::{
    Internal, PBOOLEAN, PCHAR, PPORT_CONFIGURATION_INFORMATION, PSCSI_REQUEST_BLOCK,
    SCSI_ADAPTER_CONTROL_STATUS, SCSI_ADAPTER_CONTROL_TYPE, SCSI_SUPPORTED_CONTROL_TYPE_LIST,
    SCSI_UNIT_CONTROL_STATUS, SCSI_UNIT_CONTROL_TYPE, SP_RETURN_FOUND, STOR_ADAPTER_FEATURE_ABORT_COMMAND,
    STOR_ADDR_BTL8, STOR_MAP_NON_READ_WRITE_BUFFERS, STOR_UNIT_CONTROL_POWER, ScsiAdapterControlSuccess,
    ScsiAdapterControlUnsuccessful, ScsiAdapterSurpriseRemoval, ScsiQuerySupportedControlTypes,
    ScsiQuerySupportedUnitControlTypes, ScsiRestartAdapter, ScsiStopAdapter, ScsiUnitControlSuccess,
    ScsiUnitControlUnsuccessful, ScsiUnitPower, ScsiUnitRemove, ScsiUnitStart, ScsiUnitSurpriseRemoval,
    StorPortInitialize, StorPowerDeviceD0, StorSynchronizeFullDuplex, VIRTUAL_HW_INITIALIZATION_DATA,
};
use kernel_sim::ddi::{BOOLEAN, NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, PVOID, TRUE, ULONG};
use std::ptr::null_mut;

/// Requests of Storport to the adapter as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdapterControl {
    /// Stop using the adapter; resources stay: `ScsiStopAdapter`.
    Stop,
    /// Use it again: `ScsiRestartAdapter`.
    Restart,
    /// The adapter was pulled out: `ScsiAdapterSurpriseRemoval`. Asked for with
    /// [`VirtualMiniport::HEARS_OF_REMOVAL`].
    SurpriseRemoval,
}

/// Where a unit is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UnitAddress {
    /// The bus.
    pub path: u8,
    /// The target on that bus.
    pub target: u8,
    /// The logical unit of that target.
    pub lun: u8,
}

/// News of Storport's about one unit: `HwStorUnitControl`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnitControl {
    /// Storport has found it: a new device with a zeroed extension. `ScsiUnitStart`.
    Start,
    /// It sleeps from now on (D3), or is awake again (D0): `ScsiUnitPower`.
    Power {
        /// Whether it is awake.
        is_awake: bool,
    },
    /// It has gone without notice; its requests are still to be completed: `ScsiUnitSurpriseRemoval`.
    SurpriseRemoval,
    /// It is removed, with its extension: the last that is said of it. `ScsiUnitRemove`.
    Remove,
}

/// A virtual miniport. The value is the adapter extension: it lies in the memory Storport gives an
/// adapter, from `find_adapter` to `free_adapter_resources`, and is dropped then.
///
/// Callbacks may run on several processors at once, hence `Sync`.
pub trait VirtualMiniport: Send + Sync + Sized + 'static {
    /// Whether service requests are accepted. Without it [`Self::process_service_request`] and
    /// [`Self::complete_service_irps`] are never called.
    const SERVICE_REQUESTS: bool = false;
    /// Whether `start_io` understands `SRB_FUNCTION_ABORT_COMMAND`, with which Storport then begins the
    /// recovery of a late request: `STOR_ADAPTER_FEATURE_ABORT_COMMAND`.
    const ABORTS_COMMANDS: bool = false;

    /// Whether [`Self::adapter_control`] is told of [`AdapterControl::SurpriseRemoval`].
    const HEARS_OF_REMOVAL: bool = false;
    /// Whether [`Self::unit_control`] is told of units.
    const HEARS_OF_UNITS: bool = false;

    /// `HwStorFindAdapter`, PASSIVE_LEVEL: describes the adapter and makes its extension.
    ///
    /// # Errors
    /// When there is no adapter to offer; it is not started then.
    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Self, FindError>;

    /// `HwStorInitialize`, PASSIVE_LEVEL: readies the adapter; `false` if that fails.
    fn initialize(&self) -> bool {
        true
    }

    /// How many system threads the adapter has while it runs, [`THREADS_MAX`](super::THREADS_MAX) at most:
    /// asked at PASSIVE_LEVEL, after `initialize` has succeeded and again before a restart. The adapter does
    /// not start if the system has no such thread for it.
    fn threads(&self) -> u32 {
        0
    }

    /// What system thread `number` (from 0) does, at PASSIVE_LEVEL, until [`end_threads`](Self::end_threads)
    /// was called. A thread that returns earlier is not started again.
    fn thread(&self, number: u32) {
        let _ = number;
    }

    /// All system threads are to return: called at PASSIVE_LEVEL before the adapter is stopped or its
    /// resources are freed, where it has been started; a wait for them follows.
    fn end_threads(&self) {}

    /// `HwStorStartIo`, DISPATCH_LEVEL, no lock held: a request to execute, now or later.
    fn start_io(&self, srb: Srb);

    /// `HwStorResetBus`, DISPATCH_LEVEL, under the StartIo lock: completes every request of a bus that
    /// the miniport still has. `true` if the reset succeeded.
    fn reset_bus(&self, path: u8) -> bool;

    /// `HwStorAdapterControl`, PASSIVE_LEVEL: `true` if it was done.
    fn adapter_control(&self, control: AdapterControl) -> bool {
        let _ = control;
        true
    }

    /// `HwStorUnitControl`, PASSIVE_LEVEL, for [`UnitControl::Power`] DISPATCH_LEVEL: `true` if it was done.
    fn unit_control(&self, unit: UnitAddress, control: UnitControl) -> bool {
        let _ = (unit, control);
        true
    }

    /// `HwStorProcessServiceRequest`, PASSIVE_LEVEL: a request to keep until the miniport has a result for
    /// it.
    fn process_service_request(&self, irp: ServiceIrp) {
        irp.complete(kernel_sim::ddi::STATUS_INVALID_DEVICE_REQUEST, 0);
    }

    /// `HwStorCompleteServiceIrp`, PASSIVE_LEVEL: the adapter is being removed; completes all service
    /// requests the miniport still has.
    fn complete_service_irps(&self) {}

    /// `HwStorFreeAdapterResources`, PASSIVE_LEVEL: the last callback, after the threads have ended. The
    /// value is dropped next; on a machine that has stopped it is dropped without this.
    fn free_adapter_resources(&self) {}
}

/// Registers `M` with Storport: the last call of an entry point, whose status it returns.
///
/// # Safety
/// The arguments are those the entry point was called with.
#[track_caller]
pub unsafe fn register<M: VirtualMiniport>(
    driver_object: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
) -> NTSTATUS {
    const { assert!(align_of::<M>() <= 64, "Storport aligns an extension to 64 bytes") };
    let mut data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = Internal;
    data.HwFindAdapter = Some(find_adapter::<M>);
    data.HwInitialize = Some(initialize::<M>);
    data.HwStartIo = Some(start_io::<M>);
    data.HwResetBus = Some(reset_bus::<M>);
    data.HwAdapterControl = Some(adapter_control::<M>);
    data.HwFreeAdapterResources = Some(free_adapter_resources::<M>);
    if M::HEARS_OF_UNITS {
        data.HwUnitControl = Some(unit_control::<M>);
    }
    if M::SERVICE_REQUESTS {
        data.HwProcessServiceRequest = Some(process_service_request::<M>);
        data.HwCompleteServiceIrp = Some(complete_service_irp::<M>);
    }
    data.DeviceExtensionSize = size_of::<Extension<M>>() as ULONG;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    // SAFETY: the caller passes its entry point's arguments; the data is complete.
    unsafe { StorPortInitialize(driver_object, registry_path, (&raw mut data).cast(), null_mut()) }
}

unsafe extern "C-unwind" fn find_adapter<M: VirtualMiniport>(
    extension: PVOID,
    _context: PVOID,
    _bus_information: PVOID,
    _lower_device: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes a fresh extension of the size asked for, and a configuration it has filled in.
    unsafe {
        (*config).VirtualDevice = TRUE;
        (*config).SynchronizationModel = StorSynchronizeFullDuplex;
        if M::ABORTS_COMMANDS {
            (*config).FeatureSupport |= STOR_ADAPTER_FEATURE_ABORT_COMMAND;
        }
        match M::find_adapter(&mut Configuration { config: &mut *config, extension }) {
            Ok(value) => {
                Extension::fill(extension, value);
                SP_RETURN_FOUND
            }
            Err(error) => error.code(),
        }
    }
}

unsafe extern "C-unwind" fn initialize<M: VirtualMiniport>(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, at PASSIVE_LEVEL; it gives the
    // extension back to `free_adapter_resources`, which waits for the threads.
    BOOLEAN::from(unsafe { adapter::<M>(extension).initialize() && start_threads::<M>(extension) })
}

/// The adapter behind Storport's pointer.
///
/// # Safety
/// `find_adapter` has succeeded on this extension, and `free_adapter_resources` has not been called.
unsafe fn adapter<'a, M: VirtualMiniport>(extension: PVOID) -> &'a M {
    // SAFETY: Storport calls in that order, so the value is there.
    unsafe { Extension::<M>::of(extension) }.adapter()
}

/// Starts the adapter's threads; those that run are ended if not all of them can.
///
/// # Safety
/// As for [`adapter`]; at PASSIVE_LEVEL, with no thread running, in a callback that has no other beside it
/// but `start_io`.
unsafe fn start_threads<M: VirtualMiniport>(extension: PVOID) -> bool {
    // SAFETY: the caller promises an extension with an adapter, at PASSIVE_LEVEL, and no thread running.
    let all_run = unsafe { Threads::start::<M>(extension) };
    if !all_run {
        // SAFETY: the caller promises an extension with an adapter, at PASSIVE_LEVEL.
        unsafe { end_threads::<M>(extension) };
    }
    all_run
}

/// Ends the adapter's threads, if they run, and waits for them.
///
/// # Safety
/// As for [`start_threads`], but for the threads.
unsafe fn end_threads<M: VirtualMiniport>(extension: PVOID) {
    // SAFETY: the caller promises an extension with an adapter.
    let of = unsafe { Extension::<M>::of(extension) };
    if of.threads.are_running() {
        of.adapter().end_threads();
        // SAFETY: the caller is at PASSIVE_LEVEL, in a callback that Storport runs alone.
        unsafe { of.threads.join() };
    }
}

unsafe extern "C-unwind" fn start_io<M: VirtualMiniport>(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> BOOLEAN {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, and gives the SRB to us alone.
    unsafe { adapter::<M>(extension).start_io(Srb::new(extension, srb)) };
    TRUE
}

unsafe extern "C-unwind" fn reset_bus<M: VirtualMiniport>(extension: PVOID, path: ULONG) -> BOOLEAN {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, so the adapter is there.
    BOOLEAN::from(unsafe { adapter::<M>(extension) }.reset_bus(path as u8))
}

unsafe extern "C-unwind" fn adapter_control<M: VirtualMiniport>(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, so the adapter is there.
    let adapter = unsafe { adapter::<M>(extension) };
    if kind == ScsiQuerySupportedControlTypes {
        // SAFETY: for this type the parameters are a list with a flag per type.
        unsafe { report_control_types(parameters.cast(), M::HEARS_OF_REMOVAL) };
        return ScsiAdapterControlSuccess;
    }
    let done = match kind {
        k if k == ScsiStopAdapter => {
            // SAFETY: Storport stops a virtual adapter at PASSIVE_LEVEL, with nothing outstanding.
            unsafe { end_threads::<M>(extension) };
            adapter.adapter_control(AdapterControl::Stop)
        }
        k if k == ScsiRestartAdapter => {
            // SAFETY: Storport restarts at PASSIVE_LEVEL an adapter whose stop ended the threads.
            adapter.adapter_control(AdapterControl::Restart) && unsafe { start_threads::<M>(extension) }
        }
        k if k == ScsiAdapterSurpriseRemoval => adapter.adapter_control(AdapterControl::SurpriseRemoval),
        _ => false,
    };
    if done { ScsiAdapterControlSuccess } else { ScsiAdapterControlUnsuccessful }
}

/// Stop and restart are mandatory.
unsafe fn report_control_types(list: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST, hears_of_removal: bool) {
    let removal = hears_of_removal.then_some(ScsiAdapterSurpriseRemoval);
    let mandatory = [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter];
    // SAFETY: the caller has Storport's list.
    unsafe { report_types(list, mandatory.into_iter().chain(removal)) };
}

/// Sets the flags of these types. The lists for adapters and for units have one layout.
unsafe fn report_types(list: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST, kinds: impl Iterator<Item = i32>) {
    // SAFETY: Storport's list, with as many flags as it says.
    unsafe {
        let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
        for kind in kinds {
            if (kind as u32) < (*list).MaxControlType {
                *flags.add(kind as usize) = TRUE;
            }
        }
    }
}

unsafe extern "C-unwind" fn unit_control<M: VirtualMiniport>(
    extension: PVOID,
    kind: SCSI_UNIT_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_UNIT_CONTROL_STATUS {
    if kind == ScsiQuerySupportedUnitControlTypes {
        let kinds = [kind, ScsiUnitStart, ScsiUnitPower, ScsiUnitSurpriseRemoval, ScsiUnitRemove];
        // SAFETY: for this type the parameters are a list with a flag per type.
        unsafe { report_types(parameters.cast(), kinds.into_iter()) };
        return ScsiUnitControlSuccess;
    }
    // SAFETY: for the types that were reported the parameters are an address, for power a structure with one;
    // addresses are of the only kind there is here.
    let (address, control) = unsafe {
        match kind {
            k if k == ScsiUnitPower => {
                let power = &*parameters.cast::<STOR_UNIT_CONTROL_POWER>();
                let is_awake = power.PowerState == StorPowerDeviceD0;
                (power.Address.cast::<STOR_ADDR_BTL8>().read(), UnitControl::Power { is_awake })
            }
            k if k == ScsiUnitStart => (parameters.cast::<STOR_ADDR_BTL8>().read(), UnitControl::Start),
            k if k == ScsiUnitSurpriseRemoval => {
                (parameters.cast::<STOR_ADDR_BTL8>().read(), UnitControl::SurpriseRemoval)
            }
            k if k == ScsiUnitRemove => (parameters.cast::<STOR_ADDR_BTL8>().read(), UnitControl::Remove),
            _ => return ScsiUnitControlUnsuccessful,
        }
    };
    let unit = UnitAddress { path: address.Path, target: address.Target, lun: address.Lun };
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, so the adapter is there.
    let done = unsafe { adapter::<M>(extension) }.unit_control(unit, control);
    if done { ScsiUnitControlSuccess } else { ScsiUnitControlUnsuccessful }
}

unsafe extern "C-unwind" fn process_service_request<M: VirtualMiniport>(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, and gives the IRP to us alone.
    unsafe { adapter::<M>(extension).process_service_request(ServiceIrp::new(extension, irp.cast())) };
}

unsafe extern "C-unwind" fn complete_service_irp<M: VirtualMiniport>(extension: PVOID) {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded, so the adapter is there.
    unsafe { adapter::<M>(extension) }.complete_service_irps();
}

unsafe extern "C-unwind" fn free_adapter_resources<M: VirtualMiniport>(extension: PVOID) {
    if Extension::<M>::is_filled(extension) {
        // SAFETY: this is Storport's last callback for the adapter, so its value has no users but the
        // threads, which are waited for.
        unsafe {
            end_threads::<M>(extension);
            adapter::<M>(extension).free_adapter_resources();
            Extension::<M>::empty(extension);
        }
    }
}

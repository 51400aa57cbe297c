//! The trait a virtual miniport implements, and the callbacks that lead to it.

use super::{Configuration, FindError, ServiceIrp, Srb};
use crate::ddi::{
    Internal, PBOOLEAN, PCHAR, PPORT_CONFIGURATION_INFORMATION, PSCSI_REQUEST_BLOCK,
    SCSI_ADAPTER_CONTROL_STATUS, SCSI_ADAPTER_CONTROL_TYPE, SCSI_SUPPORTED_CONTROL_TYPE_LIST,
    SP_RETURN_FOUND, STOR_MAP_NON_READ_WRITE_BUFFERS, ScsiAdapterControlSuccess,
    ScsiAdapterControlUnsuccessful, ScsiQuerySupportedControlTypes, ScsiRestartAdapter, ScsiStopAdapter,
    StorPortInitialize, VIRTUAL_HW_INITIALIZATION_DATA,
};
use kernel_sim::ddi::{BOOLEAN, NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, PVOID, TRUE, ULONG};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::Arc;

/// What Storport asks of the adapter as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdapterControl {
    /// Stop using the adapter; resources stay: `ScsiStopAdapter`.
    Stop,
    /// Use it again: `ScsiRestartAdapter`.
    Restart,
}

/// A virtual miniport. The value is the adapter extension: it lies in the memory Storport gives an
/// adapter, from `find_adapter` to `free_adapter_resources`, and is dropped then.
///
/// Callbacks may run on several processors at once, hence `Sync`.
pub trait VirtualMiniport: Send + Sync + Sized + 'static {
    /// Whether service requests are accepted. Without it [`Self::process_service_request`] and
    /// [`Self::complete_service_irps`] are never called.
    const SERVICE_REQUESTS: bool = false;

    /// `HwStorFindAdapter`, PASSIVE_LEVEL: describes the adapter and makes its extension.
    ///
    /// # Errors
    /// When there is no adapter to offer; it is not started then.
    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Self, FindError>;

    /// `HwStorInitialize`, PASSIVE_LEVEL: readies the adapter; `false` if that fails.
    fn initialize(&self) -> bool {
        true
    }

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

    /// `HwStorProcessServiceRequest`, PASSIVE_LEVEL: a request to keep until there is an answer.
    fn process_service_request(&self, irp: ServiceIrp) {
        irp.complete(kernel_sim::ddi::STATUS_INVALID_DEVICE_REQUEST, 0);
    }

    /// `HwStorCompleteServiceIrp`, PASSIVE_LEVEL: the adapter is being removed; completes all service
    /// requests the miniport still has.
    fn complete_service_irps(&self) {}
}

/// The adapter extension.
#[repr(C)]
struct Extension<M> {
    value: MaybeUninit<M>,
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
    // SAFETY: forwarded from the caller; the data is complete.
    unsafe { StorPortInitialize(driver_object, registry_path, (&raw mut data).cast(), null_mut()) }
}

/// The adapter behind Storport's pointer.
///
/// # Safety
/// `find_adapter` has succeeded on this extension, and `free_adapter_resources` has not been called.
unsafe fn adapter<'a, M>(extension: PVOID) -> &'a M {
    // SAFETY: Storport calls in that order, so the value is there.
    unsafe { (*extension.cast::<Extension<M>>()).value.assume_init_ref() }
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
    // SAFETY: Storport's own arguments: a fresh extension and a prefilled configuration.
    unsafe {
        (*config).VirtualDevice = TRUE;
        match M::find_adapter(&mut Configuration(&mut *config)) {
            Ok(value) => {
                (*extension.cast::<Extension<M>>()).value.write(value);
                Leftovers::add(extension, drop_extension::<M>);
                SP_RETURN_FOUND
            }
            Err(error) => error.code(),
        }
    }
}

unsafe extern "C-unwind" fn initialize<M: VirtualMiniport>(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport calls this after HwStorFindAdapter has succeeded.
    BOOLEAN::from(unsafe { adapter::<M>(extension) }.initialize())
}

unsafe extern "C-unwind" fn start_io<M: VirtualMiniport>(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> BOOLEAN {
    // SAFETY: as in `initialize`; Storport gives the SRB to us alone.
    unsafe { adapter::<M>(extension).start_io(Srb::new(extension, srb)) };
    TRUE
}

unsafe extern "C-unwind" fn reset_bus<M: VirtualMiniport>(extension: PVOID, path: ULONG) -> BOOLEAN {
    // SAFETY: as in `initialize`.
    BOOLEAN::from(unsafe { adapter::<M>(extension) }.reset_bus(path as u8))
}

unsafe extern "C-unwind" fn adapter_control<M: VirtualMiniport>(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: as in `initialize`.
    let adapter = unsafe { adapter::<M>(extension) };
    if kind == ScsiQuerySupportedControlTypes {
        // SAFETY: for this type the parameters are a list with a flag per type.
        unsafe { report_control_types(parameters.cast()) };
        return ScsiAdapterControlSuccess;
    }
    let control = match kind {
        k if k == ScsiStopAdapter => AdapterControl::Stop,
        k if k == ScsiRestartAdapter => AdapterControl::Restart,
        _ => return ScsiAdapterControlUnsuccessful,
    };
    if adapter.adapter_control(control) { ScsiAdapterControlSuccess } else { ScsiAdapterControlUnsuccessful }
}

/// Stop and restart are mandatory; no other type is supported on this layer.
unsafe fn report_control_types(list: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST) {
    // SAFETY: Storport's list, with as many flags as it says.
    unsafe {
        let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
        for kind in [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter] {
            if (kind as u32) < (*list).MaxControlType {
                *flags.add(kind as usize) = TRUE;
            }
        }
    }
}

unsafe extern "C-unwind" fn process_service_request<M: VirtualMiniport>(extension: PVOID, irp: PVOID) {
    // SAFETY: as in `initialize`; Storport gives the IRP to us alone.
    unsafe { adapter::<M>(extension).process_service_request(ServiceIrp::new(extension, irp.cast())) };
}

unsafe extern "C-unwind" fn complete_service_irp<M: VirtualMiniport>(extension: PVOID) {
    // SAFETY: as in `initialize`.
    unsafe { adapter::<M>(extension) }.complete_service_irps();
}

unsafe extern "C-unwind" fn free_adapter_resources<M: VirtualMiniport>(extension: PVOID) {
    if Leftovers::remove(extension) {
        // SAFETY: `find_adapter` put the value there, and this is the last callback of the adapter.
        unsafe { drop_extension::<M>(extension) };
    }
}

unsafe fn drop_extension<M>(extension: PVOID) {
    // SAFETY: forwarded from the callers: the value is there, and nobody uses it afterwards.
    unsafe { (*extension.cast::<Extension<M>>()).value.assume_init_drop() };
}

/// Extensions that hold a value. A machine that stops takes its memory down without asking the driver,
/// and what the values own on the host has to go with it.
#[derive(Default)]
struct Leftovers(Mutex<Vec<Leftover>>);

/// The address of an extension, and what drops its value.
type Leftover = (usize, unsafe fn(PVOID));

impl Leftovers {
    fn of(machine: &Machine) -> Arc<Leftovers> {
        machine.kept::<Leftovers>().unwrap_or_else(|| {
            machine.keep(Arc::new(Leftovers::default()));
            machine.kept::<Leftovers>().expect("just kept")
        })
    }

    fn add(extension: PVOID, drop: unsafe fn(PVOID)) {
        let machine = Machine::current().expect("callbacks run on a machine");
        Leftovers::of(machine).0.lock().push((extension as usize, drop));
    }

    fn remove(extension: PVOID) -> bool {
        let machine = Machine::current().expect("callbacks run on a machine");
        let leftovers = Leftovers::of(machine);
        let mut list = leftovers.0.lock();
        let before = list.len();
        list.retain(|(at, _)| *at != extension as usize);
        list.len() != before
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for (extension, drop) in self.0.get_mut().drain(..) {
            // SAFETY: the machine has come to rest and its memory is still mapped; `remove` was not
            // called, so the value is there.
            unsafe { drop(extension as PVOID) };
        }
    }
}

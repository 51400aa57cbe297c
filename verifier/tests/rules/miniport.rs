//! A virtual miniport whose routines a test says, for rules about miniports. It has no disk.

use super::*;
use std::sync::Arc;
use storport_sim::Adapter;
use storport_sim::ddi::*;

/// What the miniport does besides being there.
#[derive(Clone, Copy)]
pub(crate) struct Ways {
    /// What HwStorFindAdapter returns.
    pub found: ULONG,
    /// In HwStorInitialize, with the device extension.
    pub initializes: unsafe fn(PVOID),
    /// In HwStorStartIo, before it completes the SRB.
    pub starts: unsafe fn(PVOID, PSCSI_REQUEST_BLOCK),
}

impl Ways {
    pub(crate) const NOTHING: Ways = Ways { found: SP_RETURN_FOUND, initializes: |_| {}, starts: |_, _| {} };
}

/// The ways of the miniport of this machine.
fn ways() -> Ways {
    *Machine::current().and_then(Machine::attached_ref::<Ways>).expect("the test's")
}

unsafe extern "C-unwind" fn find_adapter(
    _extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _lower: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    (*config).VirtualDevice = TRUE;
    (*config).SynchronizationModel = StorSynchronizeFullDuplex;
    (*config).MaximumTransferLength = 64 << 10;
    (*config).NumberOfPhysicalBreaks = 17;
    (*config).MaximumNumberOfTargets = 1;
    ways().found
}

unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
    (ways().initializes)(extension);
    TRUE
}

unsafe extern "C-unwind" fn start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    (ways().starts)(extension, srb);
    (*srb).SrbStatus = SRB_STATUS_NO_DEVICE;
    StorPortNotification(RequestComplete, extension, srb);
    TRUE
}

unsafe extern "C-unwind" fn reset_bus(_extension: PVOID, _path: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn adapter_control(
    _extension: PVOID,
    _kind: SCSI_ADAPTER_CONTROL_TYPE,
    _parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlUnsuccessful
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    let mut data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = Internal;
    data.HwFindAdapter = Some(find_adapter);
    data.HwInitialize = Some(initialize);
    data.HwStartIo = Some(start_io);
    data.HwResetBus = Some(reset_bus);
    data.HwAdapterControl = Some(adapter_control);
    data.DeviceExtensionSize = 64;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    StorPortInitialize(driver, path, (&raw mut data).cast(), null_mut())
}

/// Starts an adapter of the miniport, if it can be, and takes it away.
fn run(ways: Ways) {
    let machine = Machine::current().expect("a machine runs");
    machine.attach(Arc::new(ways));
    let driver = machine.load_driver(Some(entry)).expect("the driver loads");
    if let Ok(adapter) = Adapter::start(driver) {
        adapter.remove();
    }
    machine.unload_driver(driver);
}

/// As `says`, of a miniport.
pub(crate) fn says_of(row: &str, ways: Ways) -> Option<Finding> {
    told_by(row, move || run(ways))
}

/// As `is_told`, of a miniport.
#[track_caller]
pub(crate) fn is_told_of(row: &str, ways: Ways) -> Finding {
    says_of(row, ways).unwrap_or_else(|| panic!("{row} has nothing to say"))
}

/// As `is_fine`, of a miniport.
#[track_caller]
pub(crate) fn is_fine_of(ways: Ways) {
    let about_virtual = rules::TABLE.iter().filter(|row| row.scope != Scope::Physical);
    assert_fine(ends(about_virtual, Sites::Kept, move || run(ways)));
}

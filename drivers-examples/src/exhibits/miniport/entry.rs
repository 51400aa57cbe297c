//! Entry points of exhibits: the base miniport with one routine exchanged.

/// Declares the entry points of exhibits, by the routine that is exchanged:
///
/// - `name: starts => routine` calls it with each read and write;
/// - `name: initializes => routine` calls it in place of HwStorInitialize, `controls` in place of
///   HwStorAdapterControl;
/// - `name: stops => routine` calls it with the request that stops the adapter for plug and play;
/// - `name: finds => routine` calls it with the configuration that HwStorFindAdapter has filled in.
///
/// With `physical` before them it is the miniport of an adapter with hardware.
macro_rules! exhibits {
    ($($(#[$doc:meta])* $entry:ident: $($kind:ident)+ => $routine:path;)+) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by the I/O manager with its own arguments.
        pub unsafe extern "C-unwind" fn $entry(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
            exhibits!(@$($kind)+ $routine, Driver, Path)
        }
    )+};
    (@starts $routine:path, $driver:ident, $path:ident) => {{
        exhibits!(@start_io $routine);
        Register($driver, $path, Ways { StartIo: Some(HwStartIo), ..Ways::VIRTUAL })
    }};
    (@physical starts $routine:path, $driver:ident, $path:ident) => {{
        exhibits!(@start_io $routine);
        Register($driver, $path, Ways { StartIo: Some(HwStartIo), ..Ways::PHYSICAL })
    }};
    (@physical stops $routine:path, $driver:ident, $path:ident) => {{
        unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
            if IsStop(Srb) {
                $routine(DeviceExtension, Srb);
            } else {
                ExecuteAndComplete(DeviceExtension, Srb);
            }
            TRUE
        }
        Register($driver, $path, Ways { StartIo: Some(HwStartIo), ..Ways::PHYSICAL })
    }};
    (@start_io $routine:path) => {
        unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
            // What a scan sends is treated right.
            if MovesBlocks(Srb) {
                $routine(DeviceExtension, Srb);
            } else {
                ExecuteAndComplete(DeviceExtension, Srb);
            }
            TRUE
        }
    };
    (@initializes $routine:path, $driver:ident, $path:ident) => {
        Register($driver, $path, Ways { Initialize: Some($routine), ..Ways::VIRTUAL })
    };
    (@physical initializes $routine:path, $driver:ident, $path:ident) => {
        Register($driver, $path, Ways { Initialize: Some($routine), ..Ways::PHYSICAL })
    };
    (@controls $routine:path, $driver:ident, $path:ident) => {
        Register($driver, $path, Ways { AdapterControl: Some($routine), ..Ways::VIRTUAL })
    };
    (@finds $routine:path, $driver:ident, $path:ident) => {{
        unsafe extern "C-unwind" fn HwFindAdapter(
            DeviceExtension: PVOID,
            _HwContext: PVOID,
            _BusInformation: PVOID,
            _LowerDevice: PVOID,
            _ArgumentString: PCHAR,
            ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
            _Again: PBOOLEAN,
        ) -> ULONG {
            let Answer = Find(DeviceExtension, ConfigInfo);
            (*ConfigInfo).VirtualDevice = TRUE;
            if Answer == SP_RETURN_FOUND { $routine(ConfigInfo) } else { Answer }
        }
        Register($driver, $path, Ways { Find: Finds::Virtual(Some(HwFindAdapter)), ..Ways::VIRTUAL })
    }};
    (@physical finds $routine:path, $driver:ident, $path:ident) => {{
        unsafe extern "C-unwind" fn HwFindAdapter(
            DeviceExtension: PVOID,
            _HwContext: PVOID,
            _BusInformation: PVOID,
            _ArgumentString: PCHAR,
            ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
            _Again: PBOOLEAN,
        ) -> ULONG {
            let Answer = Find(DeviceExtension, ConfigInfo);
            if Answer == SP_RETURN_FOUND { $routine(ConfigInfo) } else { Answer }
        }
        Register($driver, $path, Ways { Find: Finds::Physical(Some(HwFindAdapter)), ..Ways::PHYSICAL })
    }};
}

pub(super) use exhibits;

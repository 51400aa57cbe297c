//! Handles of registry keys, used and closed as they may be and as they may not.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::base::{Register, Ways};
use super::entry::exhibits;
use std::mem::zeroed;
use std::ptr::null_mut;
use storport_sim::ddi::*;

exhibits! {
    /// Reads a value with a handle that it has closed.
    reads_closed: initializes => HwInitializeReadsClosed;
    /// Reads a value, closes the handle, and opens the key again.
    reads_again: initializes => HwInitializeReadsAgain;
    /// Never closes a handle.
    keeps_open: initializes => HwInitializeKeepsOpen;
    /// Deletes the key that a handle is of, and does not close the handle.
    deletes: initializes => HwInitializeDeletes;
}

/// The path of a key, as it lies on the stack.
type KeyPath = [u16; 72];

/// A key's path as C has it.
fn Wide(path: &str) -> KeyPath {
    let mut wide = [0; size_of::<KeyPath>() / 2];
    for (to, from) in wide.iter_mut().zip(path.encode_utf16()) {
        *to = from;
    }
    wide
}

/// Opens the key of the driver's parameters; makes it if it is not there. NULL: there is none.
unsafe fn CreateParameters() -> HANDLE {
    let mut Path = Wide(r"\Registry\Machine\System\CurrentControlSet\Services\driver\Parameters");
    let (mut Name, mut Attributes, mut Key): (UNICODE_STRING, OBJECT_ATTRIBUTES, HANDLE) = zeroed();

    RtlInitUnicodeString(&raw mut Name, Path.as_mut_ptr());
    InitializeObjectAttributes(
        &raw mut Attributes,
        &raw mut Name,
        OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
        null_mut(),
        null_mut(),
    );
    let To = &raw mut Key;
    ZwCreateKey(To, KEY_READ | KEY_WRITE, &raw mut Attributes, 0, null_mut(), 0, null_mut());
    Key
}

/// Opens the driver's own key.
unsafe fn OpenService() -> HANDLE {
    let mut Path = Wide(r"\Registry\Machine\System\CurrentControlSet\Services\driver");
    let (mut Name, mut Attributes, mut Key): (UNICODE_STRING, OBJECT_ATTRIBUTES, HANDLE) = zeroed();

    RtlInitUnicodeString(&raw mut Name, Path.as_mut_ptr());
    InitializeObjectAttributes(
        &raw mut Attributes,
        &raw mut Name,
        OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
        null_mut(),
        null_mut(),
    );
    ZwOpenKey(&raw mut Key, KEY_READ, &raw mut Attributes);
    Key
}

/// Reads a value, if it is there.
unsafe fn Read(Key: HANDLE) -> NTSTATUS {
    let mut Path = Wide("Units");
    let (mut Name, mut Value, mut Length): (UNICODE_STRING, KEY_VALUE_PARTIAL_INFORMATION, ULONG) = zeroed();

    RtlInitUnicodeString(&raw mut Name, Path.as_mut_ptr());
    let Bytes = size_of::<KEY_VALUE_PARTIAL_INFORMATION>() as ULONG;
    let To = (&raw mut Value).cast();
    ZwQueryValueKey(Key, &raw mut Name, KeyValuePartialInformation, To, Bytes, &raw mut Length)
}

unsafe extern "C-unwind" fn HwInitializeReadsClosed(_DeviceExtension: PVOID) -> BOOLEAN {
    let Key = CreateParameters();
    ZwClose(Key);
    Read(Key); // Wrong: the handle is closed.
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeReadsAgain(_DeviceExtension: PVOID) -> BOOLEAN {
    for _ in 0..2 {
        let Key = CreateParameters();
        Read(Key);
        ZwClose(Key);
    }
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeKeepsOpen(_DeviceExtension: PVOID) -> BOOLEAN {
    let Key = OpenService();
    Read(Key);
    TRUE // Wrong: nothing has the handle any more.
}

unsafe extern "C-unwind" fn HwInitializeDeletes(_DeviceExtension: PVOID) -> BOOLEAN {
    let (Parameters, Service) = (CreateParameters(), OpenService());
    Read(Service);
    ZwDeleteKey(Parameters);
    ZwClose(Service);
    TRUE
}

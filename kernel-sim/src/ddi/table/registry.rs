//! Rows of the registry, and of the network's interface, of which a rule about drivers names two routines.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::ddi::types::*;
use crate::registry;
use crate::sync::network;

ddis! {
    // Keys
    /// Opens a registry key, which is made if only the last part of its path is not there.
    ZwCreateKey = 450(
        KeyHandle: PHANDLE, DesiredAccess: ACCESS_MASK, ObjectAttributes: POBJECT_ATTRIBUTES, TitleIndex: ULONG,
        Class: PUNICODE_STRING, CreateOptions: ULONG, Disposition: PULONG,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::create_key;
    /// Opens a registry key.
    ZwOpenKey = 451(KeyHandle: PHANDLE, DesiredAccess: ACCESS_MASK, ObjectAttributes: POBJECT_ATTRIBUTES) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::open_key;
    /// Deletes a registry key that has no keys below it.
    ZwDeleteKey = 452(KeyHandle: HANDLE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::delete_key;
    /// Writes a key to disk, of which there is none: does nothing to an open handle.
    ZwFlushKey = 453(KeyHandle: HANDLE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::flush_key;
    /// What is known of a key.
    ZwQueryKey = 454(
        KeyHandle: HANDLE, KeyInformationClass: KEY_INFORMATION_CLASS, KeyInformation: PVOID, Length: ULONG,
        ResultLength: PULONG,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::query_key;
    /// What is known of one of the keys below a key, by its number.
    ZwEnumerateKey = 455(
        KeyHandle: HANDLE, Index: ULONG, KeyInformationClass: KEY_INFORMATION_CLASS, KeyInformation: PVOID, Length: ULONG,
        ResultLength: PULONG,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::enumerate_key;

    // Values
    /// A value by its name.
    ZwQueryValueKey = 456(
        KeyHandle: HANDLE, ValueName: PUNICODE_STRING, KeyValueInformationClass: KEY_VALUE_INFORMATION_CLASS,
        KeyValueInformation: PVOID, Length: ULONG, ResultLength: PULONG,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::query_value_key;
    /// A value by its number.
    ZwEnumerateValueKey = 457(
        KeyHandle: HANDLE, Index: ULONG, KeyValueInformationClass: KEY_VALUE_INFORMATION_CLASS, KeyValueInformation: PVOID,
        Length: ULONG, ResultLength: PULONG,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::enumerate_value_key;
    /// Writes a value, which is made if it is not there.
    ZwSetValueKey = 458(KeyHandle: HANDLE, ValueName: PUNICODE_STRING, TitleIndex: ULONG, Type: ULONG, Data: PVOID, DataSize: ULONG) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::set_value_key;
    /// Deletes a value.
    ZwDeleteValueKey = 459(KeyHandle: HANDLE, ValueName: PUNICODE_STRING) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => registry::delete_value_key;

    // Network
    /// Asks to be told when network addresses come and go. There is no network: nothing is ever told.
    TdiRegisterPnPHandlers = 460(ClientInterfaceInfo: PVOID, InterfaceInfoSize: ULONG, BindingHandle: PHANDLE) -> NTSTATUS,
        header "tdikrnl.h", irql (PASSIVE, APC), Ignored, Plain => network::register_handlers;
    /// Ends what TdiRegisterPnPHandlers began.
    TdiDeregisterPnPHandlers = 461(BindingHandle: HANDLE) -> NTSTATUS,
        header "tdikrnl.h", irql (PASSIVE, APC), Ignored, Plain => network::deregister_handlers;
}

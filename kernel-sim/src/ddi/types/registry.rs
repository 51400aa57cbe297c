//! Structures and numbers of the registry (Zw*Key). A field's meaning is the WDK's.
#![expect(missing_docs, reason = "fields have the WDK's names and meanings")]

use super::*;

pub type KEY_INFORMATION_CLASS = i32;
pub type KEY_VALUE_INFORMATION_CLASS = i32;
crate::wdk_numbers! {
    in REGISTRY_NUMBERS;

    OBJ_INHERIT: ULONG = 0x2;
    OBJ_CASE_INSENSITIVE: ULONG = 0x40;
    OBJ_KERNEL_HANDLE: ULONG = 0x200;
    KEY_QUERY_VALUE: ACCESS_MASK = 0x1;
    KEY_SET_VALUE: ACCESS_MASK = 0x2;
    KEY_CREATE_SUB_KEY: ACCESS_MASK = 0x4;
    KEY_ENUMERATE_SUB_KEYS: ACCESS_MASK = 0x8;
    KEY_READ: ACCESS_MASK = 0x20019;
    KEY_WRITE: ACCESS_MASK = 0x20006;
    KEY_ALL_ACCESS: ACCESS_MASK = 0xF003F;
    REG_OPTION_NON_VOLATILE: ULONG = 0x0;
    REG_OPTION_VOLATILE: ULONG = 0x1;
    REG_CREATED_NEW_KEY: ULONG = 1;
    REG_OPENED_EXISTING_KEY: ULONG = 2;
    REG_NONE: ULONG = 0;
    REG_SZ: ULONG = 1;
    REG_EXPAND_SZ: ULONG = 2;
    REG_BINARY: ULONG = 3;
    REG_DWORD: ULONG = 4;
    REG_MULTI_SZ: ULONG = 7;
    REG_QWORD: ULONG = 11;
    KeyBasicInformation: KEY_INFORMATION_CLASS = 0;
    KeyNodeInformation: KEY_INFORMATION_CLASS = 1;
    KeyFullInformation: KEY_INFORMATION_CLASS = 2;
    KeyValueBasicInformation: KEY_VALUE_INFORMATION_CLASS = 0;
    KeyValueFullInformation: KEY_VALUE_INFORMATION_CLASS = 1;
    KeyValuePartialInformation: KEY_VALUE_INFORMATION_CLASS = 2;
}

/// What names an object: registry keys here, threads have no names.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OBJECT_ATTRIBUTES {
    pub Length: ULONG,
    pub RootDirectory: HANDLE,
    pub ObjectName: PUNICODE_STRING,
    pub Attributes: ULONG,
    pub SecurityDescriptor: PVOID,
    pub SecurityQualityOfService: PVOID,
}
pub type POBJECT_ATTRIBUTES = *mut OBJECT_ATTRIBUTES;

/// Of varying length: the name is as long as it says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KEY_BASIC_INFORMATION {
    pub LastWriteTime: LARGE_INTEGER,
    pub TitleIndex: ULONG,
    pub NameLength: ULONG,
    pub Name: [u16; 1],
}
pub type PKEY_BASIC_INFORMATION = *mut KEY_BASIC_INFORMATION;

/// Of varying length: the class is as long as it says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KEY_FULL_INFORMATION {
    pub LastWriteTime: LARGE_INTEGER,
    pub TitleIndex: ULONG,
    pub ClassOffset: ULONG,
    pub ClassLength: ULONG,
    pub SubKeys: ULONG,
    pub MaxNameLen: ULONG,
    pub MaxClassLen: ULONG,
    pub Values: ULONG,
    pub MaxValueNameLen: ULONG,
    pub MaxValueDataLen: ULONG,
    pub Class: [u16; 1],
}
pub type PKEY_FULL_INFORMATION = *mut KEY_FULL_INFORMATION;

/// Of varying length: the name is as long as it says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KEY_VALUE_BASIC_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub NameLength: ULONG,
    pub Name: [u16; 1],
}
pub type PKEY_VALUE_BASIC_INFORMATION = *mut KEY_VALUE_BASIC_INFORMATION;

/// Of varying length: name and data are as long as it says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KEY_VALUE_FULL_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub DataOffset: ULONG,
    pub DataLength: ULONG,
    pub NameLength: ULONG,
    pub Name: [u16; 1],
}
pub type PKEY_VALUE_FULL_INFORMATION = *mut KEY_VALUE_FULL_INFORMATION;

/// Of varying length: the data are as long as it says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KEY_VALUE_PARTIAL_INFORMATION {
    pub TitleIndex: ULONG,
    pub Type: ULONG,
    pub DataLength: ULONG,
    pub Data: [UCHAR; 1],
}
pub type PKEY_VALUE_PARTIAL_INFORMATION = *mut KEY_VALUE_PARTIAL_INFORMATION;

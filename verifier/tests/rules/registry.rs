//! Handles of registry keys: used, closed, deleted, by the routine that opened them.

use super::*;

/// The attributes of the driver's own key, on the stack of who calls with them.
unsafe fn with_key(open: impl FnOnce(*mut HANDLE, POBJECT_ATTRIBUTES)) -> HANDLE {
    let path = r"\Registry\Machine\System\CurrentControlSet\Services\driver";
    let mut wide = [0_u16; 72];
    wide.iter_mut().zip(path.encode_utf16()).for_each(|(to, from)| *to = from);
    let mut name: UNICODE_STRING = std::mem::zeroed();
    let mut attributes: OBJECT_ATTRIBUTES = std::mem::zeroed();
    let mut key: HANDLE = null_mut();
    RtlInitUnicodeString(&raw mut name, wide.as_mut_ptr());
    let flags = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE;
    InitializeObjectAttributes(&raw mut attributes, &raw mut name, flags, null_mut(), null_mut());
    open(&raw mut key, &raw mut attributes);
    key
}

/// Opens the key, which is there.
unsafe fn open() -> HANDLE {
    ZwClose(create());
    with_key(|key, attributes| {
        // SAFETY: both live on the caller's stack.
        unsafe { ZwOpenKey(key, KEY_READ | KEY_WRITE, attributes) };
    })
}

unsafe fn create() -> HANDLE {
    with_key(|key, attributes| {
        // SAFETY: both live on the caller's stack.
        unsafe { ZwCreateKey(key, KEY_READ | KEY_WRITE, attributes, 0, null_mut(), 0, null_mut()) };
    })
}

unsafe fn closed_twice(_: X) {
    let key = open();
    ZwClose(key);
    ZwClose(key);
}

unsafe fn created_and_closed_twice(_: X) {
    let key = create();
    ZwClose(key);
    ZwClose(key);
}

unsafe fn deleted_and_closed(_: X) {
    let key = open();
    ZwDeleteKey(key);
    ZwClose(key);
}

unsafe fn deleted_and_flushed(_: X) {
    let key = open();
    ZwDeleteKey(key);
    ZwFlushKey(key);
}

unsafe fn never_opened(_: X) {
    ZwFlushKey(0x7777_0000_usize as HANDLE);
}

#[test]
fn a_closed_handle_is_used_no_more_by_the_word_of_the_rule_of_its_routine() {
    is_told("ZwRegistryOpen", closed_twice);
    assert!(says("ZwRegistryCreate", closed_twice).is_none());
    is_told("ZwRegistryCreate", created_and_closed_twice);
    assert!(says("ZwRegistryOpen", created_and_closed_twice).is_none());
}

#[test]
fn a_handle_of_a_deleted_key_may_be_closed() {
    is_fine(deleted_and_closed);
    is_told("ZwRegistryOpen", deleted_and_flushed);
}

#[test]
fn of_a_handle_that_was_never_opened_one_rule_tells() {
    is_told("ZwRegistryOpen", never_opened);
    assert!(says("ZwRegistryCreate", never_opened).is_none());
}

//! Registry keys by handle: opened, made, read, written, listed, deleted.

#![expect(unsafe_code, reason = "tests call layer 1")]
#![expect(unsafe_op_in_unsafe_fn, reason = "every function works on raw pointers throughout")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::frame::Frame;
use kernel_sim::machine::{Config, Execution};
use kernel_sim::processor::Processor;
use kernel_sim::registry_failure::{RegistryPolicy, RegistryRead};
use kernel_sim::routine::DRIVER_ENTRY;
use std::mem::zeroed;
use std::ptr::null_mut;

const SERVICES: &str = r"\Registry\Machine\System\CurrentControlSet\Services";

/// A name and room for its characters, on the stack of the thread.
struct Name {
    units: [u16; 96],
    string: UNICODE_STRING,
}

impl Name {
    /// To be kept where it is once its string is used.
    fn new(text: &str) -> Name {
        let mut name = Name {
            units: [0; 96],
            string: UNICODE_STRING { Length: 0, MaximumLength: 0, Buffer: null_mut() },
        };
        text.encode_utf16().zip(&mut name.units).for_each(|(from, to)| *to = from);
        name
    }

    unsafe fn string(&mut self) -> PUNICODE_STRING {
        RtlInitUnicodeString(&raw mut self.string, self.units.as_mut_ptr());
        &raw mut self.string
    }
}

unsafe fn open_in(root: HANDLE, path: &str, creates: bool) -> (NTSTATUS, HANDLE, ULONG) {
    let (mut name, mut attributes, mut key, mut how) = (Name::new(path), zeroed(), null_mut(), 0);
    InitializeObjectAttributes(&raw mut attributes, name.string(), OBJ_KERNEL_HANDLE, root, null_mut());
    let (attributes, to) = (&raw mut attributes, &raw mut key);
    let status = match creates {
        true => ZwCreateKey(to, KEY_ALL_ACCESS, attributes, 0, null_mut(), 0, &raw mut how),
        false => ZwOpenKey(to, KEY_READ, attributes),
    };
    (status, key, how)
}

unsafe fn set(key: HANDLE, name: &str, mut value: u32) -> NTSTATUS {
    ZwSetValueKey(key, Name::new(name).string(), 0, REG_DWORD, (&raw mut value).cast(), 4)
}

/// What a query of a value gives, in room for so many bytes of data.
unsafe fn query(key: HANDLE, name: &str, room: ULONG) -> (NTSTATUS, ULONG, [ULONG; 4]) {
    let (mut words, mut length) = ([0; 4], 0);
    let to = (&raw mut words).cast();
    let class = KeyValuePartialInformation;
    let status = ZwQueryValueKey(key, Name::new(name).string(), class, to, 12 + room, &raw mut length);
    (status, length, words)
}

fn run(body: unsafe fn()) {
    // SAFETY: the body is a test's own, for the boot thread at PASSIVE_LEVEL.
    let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(move || unsafe { body() });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn a_key_is_made_once_and_found_below_another() {
    unsafe fn body() {
        let (status, services, _) = open_in(null_mut(), SERVICES, false);
        assert_eq!(status, STATUS_SUCCESS);
        let (status, first, how) = open_in(services, "disk", true);
        assert_eq!((status, how), (STATUS_SUCCESS, REG_CREATED_NEW_KEY));
        let (status, second, how) = open_in(services, "DISK", true);
        assert_eq!((status, how), (STATUS_SUCCESS, REG_OPENED_EXISTING_KEY));
        assert_ne!(first, second, "each has a handle of its own");
        assert_eq!(open_in(services, r"none\at all", true).0, STATUS_OBJECT_NAME_NOT_FOUND);
        assert_eq!(open_in(null_mut(), "disk", false).0, STATUS_OBJECT_PATH_SYNTAX_BAD);
        assert_eq!(open_in(0x444 as HANDLE, "disk", false).0, STATUS_INVALID_HANDLE);
    }
    run(body);
}

#[test]
fn a_value_is_read_as_it_was_written_as_far_as_there_is_room() {
    unsafe fn body() {
        let (_, key, _) = open_in(null_mut(), &format!(r"{SERVICES}\driver"), false);
        assert_eq!(query(key, "Units", 4).0, STATUS_OBJECT_NAME_NOT_FOUND);
        assert_eq!(set(key, "Units", 7), STATUS_SUCCESS);
        assert_eq!(query(key, "units", 4), (STATUS_SUCCESS, 16, [0, REG_DWORD, 4, 7]));
        assert_eq!(query(key, "Units", 0), (STATUS_BUFFER_OVERFLOW, 16, [0, REG_DWORD, 4, 0]));
        assert_eq!(set(key, "Units", 9), STATUS_SUCCESS);
        assert_eq!(query(key, "Units", 4).2[3], 9);
        assert_eq!(ZwDeleteValueKey(key, Name::new("Units").string()), STATUS_SUCCESS);
        assert_eq!(query(key, "Units", 4).0, STATUS_OBJECT_NAME_NOT_FOUND);
        assert_eq!(ZwClose(key), STATUS_SUCCESS);
        assert_eq!(set(key, "Units", 1), STATUS_INVALID_HANDLE);
    }
    run(body);
}

#[test]
fn keys_and_values_are_counted_and_listed() {
    unsafe fn body() {
        let (_, key, _) = open_in(null_mut(), &format!(r"{SERVICES}\driver"), false);
        for name in ["b", "a", "Parameters"] {
            open_in(key, name, true);
            set(key, name, 1);
        }
        let (mut full, mut length): (KEY_FULL_INFORMATION, _) = (zeroed(), 0);
        let bytes = size_of::<KEY_FULL_INFORMATION>() as ULONG;
        let status = ZwQueryKey(key, KeyFullInformation, (&raw mut full).cast(), bytes, &raw mut length);
        assert_eq!((status, full.SubKeys, full.Values, full.MaxNameLen), (STATUS_SUCCESS, 3, 3, 20));
        assert_eq!((full.MaxValueNameLen, full.MaxValueDataLen), (20, 4));
        let mut basic: [u16; 16] = [0; 16];
        let mut nth = |n| {
            let to = (&raw mut basic).cast();
            (ZwEnumerateKey(key, n, KeyBasicInformation, to, 32, &raw mut length), basic[8])
        };
        assert_eq!(nth(0), (STATUS_SUCCESS, b'a'.into()));
        assert_eq!(nth(1), (STATUS_SUCCESS, b'b'.into()));
        assert_eq!(nth(3).0, STATUS_NO_MORE_ENTRIES);
        let mut value: [u16; 16] = [0; 16];
        let to = (&raw mut value).cast();
        let status = ZwEnumerateValueKey(key, 2, KeyValueBasicInformation, to, 32, &raw mut length);
        assert_eq!((status, length, value[6]), (STATUS_SUCCESS, 32, b'P'.into()));
    }
    run(body);
}

#[test]
fn a_deleted_key_can_only_be_closed() {
    unsafe fn body() {
        let (_, key, _) = open_in(null_mut(), &format!(r"{SERVICES}\driver"), false);
        let (_, below, _) = open_in(key, "Parameters", true);
        assert_eq!(ZwDeleteKey(key), STATUS_CANNOT_DELETE);
        assert_eq!(ZwFlushKey(below), STATUS_SUCCESS);
        assert_eq!(ZwDeleteKey(below), STATUS_SUCCESS);
        assert_eq!(set(below, "Units", 1), STATUS_KEY_DELETED);
        assert_eq!(ZwClose(below), STATUS_SUCCESS);
        assert_eq!(ZwDeleteKey(key), STATUS_SUCCESS);
    }
    run(body);
}

/// What it begins with in each run, whatever the last one left.
#[test]
fn the_registry_begins_anew_with_each_run() {
    unsafe fn body() {
        let (_, key, how) = open_in(null_mut(), &format!(r"{SERVICES}\other"), true);
        assert_eq!(how, REG_CREATED_NEW_KEY);
        ZwClose(key);
    }
    run(body);
    run(body);
}

#[test]
fn a_driver_is_told_its_own_key() {
    unsafe extern "C-unwind" fn entry(_driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
        let (mut attributes, mut key) = (zeroed(), null_mut());
        InitializeObjectAttributes(&raw mut attributes, path, OBJ_KERNEL_HANDLE, null_mut(), null_mut());
        assert_eq!(ZwOpenKey(&raw mut key, KEY_READ, &raw mut attributes), STATUS_SUCCESS);
        ZwClose(key)
    }
    unsafe fn body() {
        let machine = kernel_sim::machine::Machine::current().unwrap();
        assert!(machine.load_driver(Some(entry)).is_ok());
    }
    run(body);
}

/// Refuses the second read, and checks what it is asked about.
struct Second(u32);

impl RegistryPolicy for Second {
    fn fails(&mut self, read: &RegistryRead) -> bool {
        assert!(matches!(read.ddi.name, "ZwOpenKey" | "ZwQueryValueKey"), "{}", read.ddi.name);
        assert!(read.site.file().ends_with("tests/registry.rs"), "{}", read.site);
        self.0 += 1;
        self.0 == 2
    }
}

#[test]
fn a_read_of_a_driver_fails_as_a_policy_says_and_no_other() {
    let outcome =
        Config::new(1, Execution::Seeded(0)).unwrap().fail_registry_reads(Box::new(Second(0))).run(|| {
            let path = format!(r"{SERVICES}\driver");
            // The boot thread is no driver: the policy is not asked.
            // SAFETY: routines with valid arguments, at PASSIVE_LEVEL.
            let key = unsafe { open_in(null_mut(), &path, false).1 };
            // SAFETY: as above.
            unsafe { assert_eq!(set(key, "Units", 7), STATUS_SUCCESS) };
            callback(Processor::current(), &Frame::new(&DRIVER_ENTRY, &[]), || {
                // SAFETY: as above.
                unsafe {
                    let (status, key, _) = open_in(null_mut(), &path, false);
                    assert_eq!(status, STATUS_SUCCESS);
                    assert_eq!(query(key, "Units", 4).0, STATUS_OBJECT_NAME_NOT_FOUND, "the second");
                    assert_eq!(query(key, "Units", 4), (STATUS_SUCCESS, 16, [0, REG_DWORD, 4, 7]));
                    ZwClose(key);
                }
            });
            // SAFETY: as above.
            unsafe { ZwClose(key) };
        });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    assert_eq!(outcome.failed_registry_reads, 1);
}

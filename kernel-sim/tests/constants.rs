//! Constants of a driver that is a part of the program: read where Windows reads them, written nowhere.

#![expect(unsafe_code, reason = "tests call layer 1")]
#![expect(unsafe_op_in_unsafe_fn, reason = "every function works on raw pointers throughout")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Outcome};
use std::mem::zeroed;
use std::ptr::null_mut;

/// "\Registry\Machine\System" in the image, as RTL_CONSTANT_STRING has it: a string that holds an address.
const KEY: &UNICODE_STRING = &string_of(&KEY_UNITS);
static KEY_UNITS: [u16; 24] = units(br"\Registry\Machine\System");
/// What can be written is no constant, and lives longer than a machine.
static GLOBAL: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(-1);
static A_MOMENT: LARGE_INTEGER = LARGE_INTEGER::new(-10_000);

const fn units<const N: usize>(text: &[u8; N]) -> [u16; N] {
    let mut units = [0; N];
    let mut n = 0;
    while n < N {
        units[n] = text[n] as u16;
        n += 1;
    }
    units
}

const fn string_of<const N: usize>(units: &'static [u16; N]) -> UNICODE_STRING {
    let bytes = 2 * N as u16;
    UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units.as_ptr().cast_mut() }
}

fn run(body: unsafe fn()) -> Outcome {
    // SAFETY: the body is a test's own, for the boot thread at PASSIVE_LEVEL.
    Config::new(1, Execution::Seeded(0)).unwrap().run(move || unsafe { body() })
}

unsafe fn open(name: *const UNICODE_STRING) -> NTSTATUS {
    let (mut attributes, mut key) = (zeroed(), null_mut());
    InitializeObjectAttributes(
        &raw mut attributes,
        name.cast_mut(),
        OBJ_KERNEL_HANDLE,
        null_mut(),
        null_mut(),
    );
    let status = ZwOpenKey(&raw mut key, KEY_READ, &raw mut attributes);
    if NT_SUCCESS(status) {
        ZwClose(key);
    }
    status
}

#[test]
fn a_string_and_an_interval_may_be_constants() {
    unsafe fn body() {
        assert_eq!(open(KEY), STATUS_SUCCESS);
        let interval = (&raw const A_MOMENT).cast_mut();
        assert_eq!(KeDelayExecutionThread(KernelMode, FALSE, interval), STATUS_SUCCESS);
    }
    let outcome = run(body);
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

fn stops(body: unsafe fn(), code: u32, says: &str) {
    match run(body).ending {
        Ending::BugCheck(check) => {
            assert_eq!(check.stop.code, code, "{}", check.what);
            assert!(check.what.contains(says), "{}", check.what);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_written_to_a_constant() {
    unsafe fn by_a_routine() {
        KeQuerySystemTime((&raw const A_MOMENT).cast_mut());
    }
    unsafe fn as_an_object() {
        KeInitializeEvent((&raw const KEY_UNITS).cast::<KEVENT>().cast_mut(), NotificationEvent, FALSE);
    }
    unsafe fn by_the_driver() {
        std::hint::black_box((&raw const KEY_UNITS).cast_mut().cast::<u16>()).write_volatile(0);
    }
    stops(by_a_routine, 0xBE, "which cannot be written");
    stops(as_an_object, 0xBE, "which cannot be written");
    stops(by_the_driver, 0xBE, "in its image, which can be read only");
}

#[test]
fn a_global_and_the_heap_of_the_host_are_no_constants() {
    unsafe fn global() {
        KeDelayExecutionThread(KernelMode, FALSE, GLOBAL.as_ptr().cast());
    }
    unsafe fn heap() {
        let characters = Box::new([u16::from(b'x'); 3]);
        let name = UNICODE_STRING { Length: 6, MaximumLength: 6, Buffer: characters.as_ptr().cast_mut() };
        open(&raw const name);
    }
    stops(global, 0x50, "is not a live object");
    stops(heap, 0x50, "is not a live object");
}

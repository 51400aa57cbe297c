//! Loads and stores of instrumented images: what `storsim cc --race` makes of each is a call of these.
//!
//! Clang calls a routine before each access that could be shared, by names that are ThreadSanitizer's; its
//! run time is not here, these routines stand in its place. A plain or volatile access is then made by the
//! image itself, so what a store stores is not known; atomic ones are made here. What is told is what a
//! `Shared` cell tells. Accesses of stacks are none. A word that one thread or one interrupt level alone
//! has touched is no scheduling point: who else comes to it has one first
//! (`exec/deterministic/shared_words.rs`). Volatile accesses are ordered, as Microsoft's compiler makes
//! them for x64 (/volatile:ms). Invariant: an access of memory that is not the machine's is left to the
//! image, where it faults in its own line.

#![expect(unsafe_code, reason = "atomic operations on driver memory")]

use super::activation::caller_site;
use super::export::Export;
use crate::choose;
use crate::ddi::{Access, show_touch};
use crate::hook::{Manner, TouchKind};
use crate::processor::{Processor, flag};
use crate::shared;
use std::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    Ordering::{Acquire, SeqCst},
    fence,
};

/// Longer copies are mostly data of requests: they are told of at their first and last bytes only. Our
/// choice: two uses of one buffer still meet, and a copy costs two accesses.
const COPY_BYTES_MAX: usize = 64;

/// The routines that an image imports that was built like this.
pub(super) const MARK: &str = "__tsan_init";

/// An access is about to be made, from the line that called the running routine.
#[inline]
fn access(address: usize, bytes: usize, kind: TouchKind, manner: Manner) {
    let cpu = Processor::current();
    if !cpu.is_real() || !cpu.machine().memory.is_shared(address) {
        return;
    }
    let site = caller_site();
    let row = if kind == TouchKind::Read { &shared::MEMORY_READ } else { &shared::MEMORY_WRITE };
    let is_point = cpu.hooks() & flag::DETERMINISTIC == 0
        || cpu.machine().deterministic().is_shared_word(cpu, address, bytes);
    let is_told = if is_point {
        shared::point(address, row, site)
    } else {
        cpu.show_life();
        let machine = cpu.machine();
        machine.deterministic().touch(|| machine.machine_address(address), touches(kind));
        cpu.hooks_of(row.id) & (flag::EVENTS | flag::QUIET) == flag::EVENTS
    };
    if is_told {
        show_touch(cpu, site, Access { address, bytes, kind, manner }, read(cpu, address, bytes, kind));
    }
}

/// How the footprint of a step has it.
fn touches(kind: TouchKind) -> choose::Access {
    if kind == TouchKind::Read { choose::Access::Look } else { choose::Access::Change }
}

/// The value that a read is about to see; that of a write is not known.
fn read(cpu: &Processor, address: usize, bytes: usize, kind: TouchKind) -> Option<u64> {
    let is_value = kind == TouchKind::Read && bytes <= 8 && cpu.machine().memory.contains(address, bytes);
    is_value.then(|| {
        let mut value = [0; 8];
        // SAFETY: open memory of the machine, as just found.
        unsafe { (address as *const u8).copy_to_nonoverlapping(value.as_mut_ptr(), bytes) };
        u64::from_le_bytes(value)
    })
}

/// C's memory routines of instrumented images: a range is read or written.
pub(super) fn range(address: usize, bytes: usize, kind: TouchKind) {
    let cpu = Processor::current();
    if !cpu.mapped_image().is_some_and(|mapped| mapped.image().is_instrumented()) {
        return;
    }
    if bytes <= COPY_BYTES_MAX {
        if bytes != 0 {
            access(address, bytes, kind, Manner::Plain);
        }
        return;
    }
    access(address, 1, kind, Manner::Plain);
    access(address + bytes - 1, 1, kind, Manner::Plain);
}

unsafe extern "win64-unwind" fn plain_read<const N: usize>(address: usize) {
    access(address, N, TouchKind::Read, Manner::Plain);
}

unsafe extern "win64-unwind" fn plain_write<const N: usize>(address: usize) {
    access(address, N, TouchKind::Write, Manner::Plain);
}

unsafe extern "win64-unwind" fn volatile_read<const N: usize>(address: usize) {
    access(address, N, TouchKind::Read, Manner::Ordered);
}

unsafe extern "win64-unwind" fn volatile_write<const N: usize>(address: usize) {
    access(address, N, TouchKind::Write, Manner::Ordered);
}

unsafe extern "win64-unwind" fn range_read(address: usize, bytes: usize) {
    access(address, bytes.max(1), TouchKind::Read, Manner::Plain);
}

unsafe extern "win64-unwind" fn range_write(address: usize, bytes: usize) {
    access(address, bytes.max(1), TouchKind::Write, Manner::Plain);
}

unsafe extern "win64-unwind" fn nothing() {}

/// `__ATOMIC_RELAXED`.
const RELAXED: i32 = 0;

fn manner(order: i32) -> Manner {
    if order == RELAXED { Manner::NoFence } else { Manner::Ordered }
}

unsafe extern "win64-unwind" fn thread_fence(_order: i32) {
    fence(SeqCst);
}

macro_rules! atomics {
    ($($module:ident, $word:ty, $atomic:ty, $bits:literal;)*) => {$(
        mod $module {
            use super::*;

            /// The word at an address that the image names.
            fn word(address: *mut $word, kind: TouchKind, order: i32) -> &'static $atomic {
                access(address as usize, size_of::<$word>(), kind, manner(order));
                let cpu = Processor::current();
                if !cpu.is_memory(address as usize, size_of::<$word>()) || !address.is_aligned() {
                    cpu.bad_pointer(address as usize, "the operand of an atomic operation");
                }
                // SAFETY: aligned memory of the machine, as just found; all of it is readable as integers.
                // The reference does not outlive the operation.
                unsafe { <$atomic>::from_ptr(address) }
            }

            unsafe extern "win64-unwind" fn load(from: *mut $word, order: i32) -> $word {
                word(from, TouchKind::Read, order).load(Acquire)
            }

            unsafe extern "win64-unwind" fn store(to: *mut $word, value: $word, order: i32) {
                word(to, TouchKind::Write, order).store(value, SeqCst);
            }

            unsafe extern "win64-unwind" fn exchange(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).swap(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn add(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_add(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn sub(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_sub(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn and(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_and(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn or(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_or(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn xor(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_xor(value, SeqCst)
            }

            unsafe extern "win64-unwind" fn nand(at: *mut $word, value: $word, order: i32) -> $word {
                word(at, TouchKind::Update, order).fetch_nand(value, SeqCst)
            }

            /// Returns what was there.
            unsafe extern "win64-unwind" fn compare_exchange_value(
                at: *mut $word,
                expected: $word,
                value: $word,
                order: i32,
                _failed: i32,
            ) -> $word {
                let word = word(at, TouchKind::Update, order);
                word.compare_exchange(expected, value, SeqCst, SeqCst).unwrap_or_else(|was| was)
            }

            /// Returns whether it was exchanged; what was there goes to `expected`.
            unsafe extern "win64-unwind" fn compare_exchange(
                at: *mut $word,
                expected: *mut $word,
                value: $word,
                order: i32,
                _failed: i32,
            ) -> i32 {
                let word = word(at, TouchKind::Update, order);
                // SAFETY: a variable of the function that was compiled to this call.
                let expected = unsafe { &mut *expected };
                match word.compare_exchange(*expected, value, SeqCst, SeqCst) {
                    Ok(_) => 1,
                    Err(was) => {
                        *expected = was;
                        0
                    }
                }
            }

            pub(super) fn exports() -> impl Iterator<Item = Export> {
                routines(&[
                    (concat!("__tsan_atomic", $bits, "_load"), load as *const (), 2),
                    (concat!("__tsan_atomic", $bits, "_store"), store as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_exchange"), exchange as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_add"), add as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_sub"), sub as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_and"), and as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_or"), or as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_xor"), xor as *const (), 3),
                    (concat!("__tsan_atomic", $bits, "_fetch_nand"), nand as *const (), 3),
                    (
                        concat!("__tsan_atomic", $bits, "_compare_exchange_val"),
                        compare_exchange_value as *const (),
                        5,
                    ),
                    (
                        concat!("__tsan_atomic", $bits, "_compare_exchange_strong"),
                        compare_exchange as *const (),
                        5,
                    ),
                    (
                        concat!("__tsan_atomic", $bits, "_compare_exchange_weak"),
                        compare_exchange as *const (),
                        5,
                    ),
                ])
            }
        }
    )*};
}

atomics! {
    bits_8, u8, AtomicU8, "8";
    bits_16, u16, AtomicU16, "16";
    bits_32, u32, AtomicU32, "32";
    bits_64, u64, AtomicU64, "64";
}

fn routines(list: &[(&'static str, *const (), u32)]) -> impl Iterator<Item = Export> + use<> {
    let exports = list.iter().map(|(name, at, arguments)| Export {
        name,
        address: *at as usize,
        arguments: *arguments,
    });
    exports.collect::<Vec<_>>().into_iter()
}

macro_rules! sized {
    ($($bytes:literal),*) => {
        [$(
            (concat!("__tsan_read", $bytes), plain_read::<$bytes> as *const (), 1),
            (concat!("__tsan_write", $bytes), plain_write::<$bytes> as *const (), 1),
            (concat!("__tsan_read_write", $bytes), plain_write::<$bytes> as *const (), 1),
            (concat!("__tsan_unaligned_read", $bytes), plain_read::<$bytes> as *const (), 1),
            (concat!("__tsan_unaligned_write", $bytes), plain_write::<$bytes> as *const (), 1),
            (concat!("__tsan_unaligned_read_write", $bytes), plain_write::<$bytes> as *const (), 1),
            (concat!("__tsan_volatile_read", $bytes), volatile_read::<$bytes> as *const (), 1),
            (concat!("__tsan_volatile_write", $bytes), volatile_write::<$bytes> as *const (), 1),
            (concat!("__tsan_unaligned_volatile_read", $bytes), volatile_read::<$bytes> as *const (), 1),
            (concat!("__tsan_unaligned_volatile_write", $bytes), volatile_write::<$bytes> as *const (), 1),
        )*]
    };
}

/// All of them.
pub(super) fn exports() -> impl Iterator<Item = Export> {
    let others = [
        ("__tsan_read_range", range_read as *const (), 2),
        ("__tsan_write_range", range_write as *const (), 2),
        ("__tsan_atomic_thread_fence", thread_fence as *const (), 1),
        ("__tsan_atomic_signal_fence", nothing as *const (), 1),
        (MARK, nothing as *const (), 0),
        ("__tsan_func_entry", nothing as *const (), 1),
        ("__tsan_func_exit", nothing as *const (), 0),
    ];
    routines(&sized!(1, 2, 4, 8, 16))
        .chain(routines(&others))
        .chain(bits_8::exports())
        .chain(bits_16::exports())
        .chain(bits_32::exports())
        .chain(bits_64::exports())
}

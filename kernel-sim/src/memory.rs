//! The address space of one machine: everything a driver may point at.
//!
//! One reserved range of host memory holds the pool, the register windows, the kernel stacks and an image,
//! so "is this pointer memory of this machine?" is one subtraction and one comparison. It is not
//! an allocator (see `pool`) and knows no object types. Invariant: while a machine runs, every byte
//! of the range is mapped, except the guard page below each stack, and closed pages of a guarded machine.
//!
//! What a report shows is a *machine address*: the offset into the range on a fixed canonical
//! base, so the same run prints the same addresses in every process.

#![expect(unsafe_code, reason = "maps and unmaps the address space of a machine")]

use crate::fiber::STACK_BYTES;
use crate::guard::Guard;
pub use crate::guard::POOL_BYTES;
use parking_lot::Mutex;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::any::Any;
use std::ptr::{NonNull, null_mut};

/// Where the range begins in machine addresses: the start of the x64 system pool region.
pub const MACHINE_BASE: u64 = 0xFFFF_C000_0000_0000;

/// Bytes of the range that device register windows occupy, after the pool.
pub const WINDOW_BYTES: usize = 64 * WINDOW_STRIDE;
/// Bytes of one device's register window.
pub const WINDOW_STRIDE: usize = 64 << 10;
/// Kernel threads a machine can have alive at once.
pub const STACKS_MAX: usize = 1024;
const GUARD_BYTES: usize = 4096;
const STACK_STRIDE: usize = STACK_BYTES + GUARD_BYTES;
const STACKS_OFFSET: usize = POOL_BYTES + WINDOW_BYTES;
/// Where an image lies, behind the stacks.
pub(crate) const IMAGE_OFFSET: usize = STACKS_OFFSET + STACKS_MAX * STACK_STRIDE;
/// Bytes of the range where an image lies.
pub(crate) const IMAGE_ROOM_BYTES: usize = 16 << 20;
pub(crate) const TOTAL_BYTES: usize = IMAGE_OFFSET + IMAGE_ROOM_BYTES;

/// Pool pages that stay committed between machines; above it they go back to the host.
const KEEP_BYTES: usize = 8 << 20;
/// Address spaces kept for the next machine.
const SPARES_MAX: usize = 4;

static SPARES: Mutex<Vec<AddressSpace>> = Mutex::new(Vec::new());

/// What lies at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// The pool.
    Pool,
    /// Register windows of devices.
    Registers,
    /// A kernel stack.
    Stack,
    /// The guard page below the stack of that index.
    Guard(usize),
    /// The image of a driver, or room for one.
    Image,
    /// No memory of the machine.
    Elsewhere,
}

/// A machine's memory. Taken with [`AddressSpace::take`], given back with [`AddressSpace::give_back`].
pub(crate) struct AddressSpace {
    base: NonNull<u8>,
    /// Stacks whose guard page has been set up, since the range was mapped.
    guarded: Mutex<usize>,
    /// Which pages are closed, on a guarded machine.
    guard: Option<Guard>,
    /// What is known of the image that lies there, kept for a next machine with the same.
    pub(crate) tenant: Option<Box<dyn Any + Send + Sync>>,
}

// SAFETY: the range is plain memory owned by this value; the pool and the machine decide who may touch which
// byte when, and synchronise it.
unsafe impl Send for AddressSpace {}
// SAFETY: the shared methods only compute addresses; accesses to the bytes are synchronised by the machine.
unsafe impl Sync for AddressSpace {}

impl AddressSpace {
    /// A range ready for use: a spare one if there is one, else newly mapped.
    ///
    /// # Panics
    /// When the host refuses to reserve the range.
    pub(crate) fn take() -> AddressSpace {
        let spare = SPARES.lock().pop();
        spare.unwrap_or_else(|| {
            Self::map().unwrap_or_else(|e| panic!("cannot reserve {TOTAL_BYTES} bytes for a machine: {e}"))
        })
    }

    /// Sees to it that a range can be taken.
    ///
    /// # Errors
    /// When the host refuses to reserve it.
    pub(crate) fn reserve() -> std::io::Result<()> {
        if SPARES.lock().is_empty() {
            let fresh = Self::map()?;
            SPARES.lock().push(fresh);
        }
        Ok(())
    }

    /// Whether a host address is memory of the machine and no stack's.
    pub(crate) fn is_shared(&self, host: usize) -> bool {
        let offset = host.wrapping_sub(self.base());
        offset < STACKS_OFFSET || (IMAGE_OFFSET..TOTAL_BYTES).contains(&offset)
    }

    fn map() -> std::io::Result<AddressSpace> {
        // SAFETY: an anonymous private mapping at an address of the kernel's choosing.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                null_mut(),
                TOTAL_BYTES,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        }?;
        Ok(AddressSpace {
            base: NonNull::new(base.cast()).expect("mmap returned null"),
            guarded: Mutex::new(0),
            guard: None,
            tenant: None,
        })
    }

    /// Closes the guarded part of the pool. `false`: the host refuses, and nothing is guarded.
    pub(crate) fn close_pages(&mut self) -> bool {
        self.guard = Guard::new(self.base);
        self.guard.is_some()
    }

    /// Which pages are closed, on a guarded machine.
    #[inline]
    pub(crate) fn guard(&self) -> Option<&Guard> {
        self.guard.as_ref()
    }

    /// Returns the range for the next machine. `pool_used` is the plain pool's high-water mark in bytes.
    pub(crate) fn give_back(mut self, pool_used: usize) {
        if self.guard.take().is_some_and(|guard| !guard.end()) {
            // Pages stay closed: nobody can use it again.
            return;
        }
        if pool_used > KEEP_BYTES {
            // SAFETY: the pages lie in our own mapping, and the machine that used them is gone.
            let _ = unsafe {
                rustix::mm::madvise(
                    self.base.as_ptr().add(KEEP_BYTES).cast(),
                    POOL_BYTES - KEEP_BYTES,
                    Advice::LinuxDontNeed,
                )
            };
        }
        let mut spares = SPARES.lock();
        if spares.len() < SPARES_MAX {
            spares.push(self);
        }
    }

    /// The first host address of the range; the pool starts here.
    pub(crate) fn base(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// The first host address of the register windows.
    pub(crate) fn windows(&self) -> usize {
        self.base() + POOL_BYTES
    }

    /// Whether `bytes` bytes at `address` lie in the range, on pages that are open.
    #[inline]
    pub(crate) fn contains(&self, address: usize, bytes: usize) -> bool {
        self.spans(address, bytes)
            && self.guard.as_ref().is_none_or(|guard| guard.is_open(address - self.base(), bytes))
    }

    /// Whether `bytes` bytes at `address` lie in the range.
    #[inline]
    pub(crate) fn spans(&self, address: usize, bytes: usize) -> bool {
        bytes <= TOTAL_BYTES && address.wrapping_sub(self.base()) <= TOTAL_BYTES - bytes
    }

    /// The machine address of a host address, or 0 for null and addresses outside the range.
    pub(crate) fn machine_address(&self, address: usize) -> u64 {
        if self.spans(address, 1) { MACHINE_BASE + (address - self.base()) as u64 } else { 0 }
    }

    /// As [`AddressSpace::machine_address`], but one address for a whole stack: where in its frame a
    /// local lies is the compiler's business, and differs from build to build.
    #[inline]
    pub(crate) fn stable_address(&self, address: usize) -> u64 {
        let offset = address.wrapping_sub(self.base());
        if offset < STACKS_OFFSET {
            return MACHINE_BASE + offset as u64;
        }
        if offset >= TOTAL_BYTES {
            return 0;
        }
        if offset >= IMAGE_OFFSET {
            return MACHINE_BASE + offset as u64;
        }
        let stack = (offset - STACKS_OFFSET) / STACK_STRIDE;
        MACHINE_BASE + (STACKS_OFFSET + stack * STACK_STRIDE) as u64
    }

    /// What lies at a host address.
    pub(crate) fn place(&self, address: usize) -> Place {
        let Some(offset) = address.checked_sub(self.base()).filter(|offset| *offset < TOTAL_BYTES) else {
            return Place::Elsewhere;
        };
        match offset.checked_sub(STACKS_OFFSET) {
            None if offset < POOL_BYTES => Place::Pool,
            None => Place::Registers,
            Some(_) if offset >= IMAGE_OFFSET => Place::Image,
            Some(at) if at % STACK_STRIDE < GUARD_BYTES => Place::Guard(at / STACK_STRIDE),
            Some(_) => Place::Stack,
        }
    }

    /// Index of the stack that an address lies in, its guard page included.
    pub(crate) fn stack_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.base())?;
        let at = offset.checked_sub(STACKS_OFFSET).filter(|_| offset < IMAGE_OFFSET)?;
        Some(at / STACK_STRIDE)
    }

    /// Bounds of the stack that an address lies in, without its guard page.
    pub(crate) fn stack_around(&self, address: usize) -> Option<(usize, usize)> {
        let guard = self.base() + STACKS_OFFSET + self.stack_of(address)? * STACK_STRIDE;
        Some((guard + GUARD_BYTES, guard + STACK_STRIDE))
    }

    /// Bounds of stack `index` (limit, base), its guard page in place.
    pub(crate) fn stack(&self, index: usize) -> (usize, usize) {
        assert!(index < STACKS_MAX, "stack {index} is past the last");
        let mut guarded = self.guarded.lock();
        while *guarded <= index {
            let guard = self.base() + STACKS_OFFSET + *guarded * STACK_STRIDE;
            // SAFETY: the guard page lies in our mapping, below the stack it guards, and no stack
            // reaches into it.
            unsafe { rustix::mm::mprotect(guard as *mut _, GUARD_BYTES, MprotectFlags::empty()) }
                .expect("cannot protect a stack's guard page");
            *guarded += 1;
        }
        let guard = self.base() + STACKS_OFFSET + index * STACK_STRIDE;
        (guard, guard + STACK_STRIDE)
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // SAFETY: we mapped exactly this range and nothing outlives the owner.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), TOTAL_BYTES) };
    }
}

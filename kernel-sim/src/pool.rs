//! The pool: where drivers' memory comes from.
//!
//! Blocks lie in the machine's address space, in power-of-two classes; what is known about a block
//! is kept outside of it, so a driver that writes past its end cannot confuse the allocator.
//! Invariant: equal sequences of calls give equal addresses and equal contents.

#![expect(unsafe_code, reason = "fills and checks blocks of driver memory")]

use crate::allocation_failure;
use crate::bugcheck::{
    BAD_POOL_CALLER, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER, TIMER_OR_DPC_INVALID,
};
use crate::ddi::Call;
use crate::ddi::types::{
    NonPagedPool, NonPagedPoolNx, POOL_FLAG_NON_PAGED, POOL_FLAG_PAGED, POOL_FLAG_UNINITIALIZED, POOL_FLAGS,
    POOL_TYPE, PVOID, SIZE_T, ULONG,
};
use crate::frame::Item;
use crate::hook::Owner;
use crate::irql::Irql;
use crate::kernel::DpcQueue;
use crate::machine::Machine;
use crate::memory::POOL_BYTES;
use crate::site::Site;
use crate::sync::timer::Expiry;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// Four characters as a pool tag.
#[must_use]
pub const fn tag(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

/// What fresh uninitialized memory holds, and what freed memory holds.
pub(crate) const FRESH: u8 = 0xA5;
pub(crate) const FREED: u8 = 0xDD;
/// Bytes of a freed block that are overwritten; more would make freeing large buffers slow.
const FREED_BYTES_MAX: usize = 512;
/// Guard bytes behind each block, checked when it is freed.
const TAIL_BYTES: usize = 16;
const TAIL: u8 = 0xFB;
/// Pool in use up to which a machine is kept for the next run.
pub(crate) const REUSE_BYTES_MAX: usize = 1 << 20;
const CLASS_MIN: u32 = 6;
const CLASSES: usize = 31;
/// Offset of the first block: the null page is never handed out.
const FIRST: usize = 4096;

/// A live block.
#[derive(Clone, Copy, Debug)]
struct Block {
    bytes: usize,
    tag: u32,
    site: Site,
    paged: bool,
    /// Allocated by the machine itself: not the driver's to free or to leak.
    system: bool,
}

/// A block that was never freed.
#[derive(Clone, Copy, Debug)]
pub struct Leak {
    /// Its tag.
    pub tag: u32,
    /// Its size in bytes.
    pub bytes: usize,
    /// Where it was allocated.
    pub site: Site,
}

/// The allocator of one machine.
pub(crate) struct Pool {
    base: usize,
    used: usize,
    free: [Vec<u32>; CLASSES],
    /// By offset / 64: index into `blocks` plus one, or 0.
    index: Vec<u32>,
    blocks: Vec<Option<Block>>,
    spare: Vec<u32>,
}

impl Pool {
    pub(crate) fn new(base: usize) -> Pool {
        Pool {
            base,
            used: FIRST,
            free: [const { Vec::new() }; CLASSES],
            index: Vec::new(),
            blocks: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Forgets every block.
    pub(crate) fn reset(&mut self) {
        self.used = FIRST;
        self.free.iter_mut().for_each(Vec::clear);
        self.index.clear();
        self.blocks.clear();
        self.spare.clear();
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used
    }

    fn take(&mut self, bytes: usize, block: Block) -> Option<usize> {
        let class = class_of(bytes)?;
        let offset = match self.free[class].pop() {
            Some(slot) => (slot as usize) << CLASS_MIN,
            None => {
                let size = 1usize << class;
                // Blocks of a page and more are page-aligned, smaller ones aligned to their size.
                let at = self.used.next_multiple_of(size.min(4096));
                if at + size > POOL_BYTES {
                    return None;
                }
                self.used = at + size;
                at
            }
        };
        let slot = offset >> CLASS_MIN;
        if self.index.len() <= slot {
            self.index.resize(slot + 1, 0);
        }
        let number = match self.spare.pop() {
            Some(n) => {
                self.blocks[n as usize] = Some(block);
                n
            }
            None => {
                self.blocks.push(Some(block));
                (self.blocks.len() - 1) as u32
            }
        };
        self.index[slot] = number + 1;
        let host = self.base + offset;
        // SAFETY: the block lies in mapped memory and was just reserved; no reference to it exists yet.
        unsafe { ((host + bytes) as *mut u8).write_bytes(TAIL, TAIL_BYTES) };
        Some(host)
    }

    fn find(&self, host: usize) -> Option<(usize, Block)> {
        let offset = host.checked_sub(self.base)?;
        if offset % (1 << CLASS_MIN) != 0 {
            return None;
        }
        let slot = offset >> CLASS_MIN;
        let number = self.index.get(slot).copied().filter(|n| *n != 0)?;
        Some((slot, self.blocks[number as usize - 1]?))
    }

    fn give(&mut self, slot: usize, block: Block) {
        let number = std::mem::take(&mut self.index[slot]) - 1;
        self.blocks[number as usize] = None;
        self.spare.push(number);
        let class = class_of(block.bytes).expect("a live block has a class");
        self.free[class].push(slot as u32);
        let host = self.base + (slot << CLASS_MIN);
        // SAFETY: the block is free now and lies in mapped memory.
        unsafe { (host as *mut u8).write_bytes(FREED, block.bytes.min(FREED_BYTES_MAX)) };
    }
}

/// Power of two that holds the bytes and the guard behind them.
fn class_of(bytes: usize) -> Option<usize> {
    let class = (bytes.checked_add(TAIL_BYTES)?).next_power_of_two().trailing_zeros().max(CLASS_MIN) as usize;
    (class < CLASSES).then_some(class)
}

impl Machine {
    fn allocate_block(&self, bytes: usize, block: Block, fill: u8) -> PVOID {
        let Some(host) = self.pool.lock().take(bytes, block) else { return null_mut() };
        // SAFETY: a fresh block of that size in mapped memory.
        unsafe { (host as *mut u8).write_bytes(fill, bytes) };
        host as PVOID
    }

    /// Zeroed memory for an object that a driver asked the kernel for.
    pub(crate) fn pool_allocate_zeroed(&self, bytes: usize, tag: u32, site: Site) -> PVOID {
        self.allocate_block(bytes, Block { bytes, tag, site, paged: false, system: false }, 0)
    }

    /// Zeroed memory for an object of the system itself (device objects of the port driver, the
    /// test client's buffers): never counted as a driver's leak. Null when the pool is exhausted.
    #[track_caller]
    pub fn allocate_system(&self, bytes: usize) -> PVOID {
        let site = Site::caller();
        self.allocate_block(bytes, Block { bytes, tag: tag(b"Sys "), site, paged: false, system: true }, 0)
    }

    /// Frees memory from [`Machine::allocate_system`].
    ///
    /// # Panics
    /// When it is not such memory.
    pub fn free_system(&self, address: PVOID) {
        let mut pool = self.pool.lock();
        let (slot, block) = pool.find(address as usize).expect("not a block of the system's");
        assert!(block.system, "a driver's block freed as the system's");
        pool.give(slot, block);
    }

    /// Frees a block; every way to do it wrong is a bug check.
    pub(crate) fn pool_free(&self, call: &Call, address: PVOID, expected_tag: Option<u32>) {
        let irql = call.cpu.irql();
        let shown = self.machine_address(address as usize);
        if self.linked_objects.load(Relaxed) != 0 {
            self.check_unlinked(call, address as usize);
        }
        let mut pool = self.pool.lock();
        let Some((slot, block)) = pool.find(address as usize).filter(|(_, b)| !b.system) else {
            drop(pool);
            let what = format!(
                "{} was given {}, which is no live pool block",
                call.ddi.name,
                crate::report_address(shown)
            );
            call.bug_check(VERIFIER, [0x10, shown, 0, 0], what);
        };
        // SAFETY: the guard bytes belong to the block and lie in mapped memory.
        let tail =
            unsafe { std::slice::from_raw_parts((address as usize + block.bytes) as *const u8, TAIL_BYTES) };
        let overrun = tail.iter().any(|b| *b != TAIL);
        let wrong_tag = expected_tag.is_some_and(|t| t != 0 && t != block.tag);
        if irql > Irql::DISPATCH || (block.paged && irql > Irql::APC) || overrun || wrong_tag {
            drop(pool);
            self.refuse_free(call, shown, &block, overrun, wrong_tag);
        }
        pool.give(slot, block);
        drop(pool);
        call.moved(Item::Pool(address as usize), Owner::Driver, Owner::Free);
    }

    /// Refuses to free a block that holds an armed timer or a queued DPC: the kernel would go on
    /// using it.
    #[cold]
    fn check_unlinked(&self, call: &Call, address: usize) {
        let Some((_, block)) = self.pool.lock().find(address) else { return };
        let holds = |object: usize| object.wrapping_sub(address) < block.bytes;
        let (timer, dpc) = {
            let kernel = self.kernel.lock();
            let timer = kernel.timers.iter().find_map(|entry| match entry.expiry {
                Expiry::Timer { address, .. } if holds(address) => Some(address),
                _ => None,
            });
            let queued =
                |queue: &DpcQueue| queue.queue.iter().map(|dpc| *dpc as usize).find(|dpc| holds(*dpc));
            (timer, self.dpcs.each().find_map(|queue| queued(&queue)))
        };
        let (start, end) = (self.machine_address(address), self.machine_address(address + block.bytes));
        if let Some(timer) = timer {
            let timer = self.machine_address(timer);
            let what = format!("{} frees memory that holds an armed timer", call.ddi.name);
            call.bug_check(VERIFIER, [0x15, timer, 0, start], what);
        }
        if let Some(dpc) = dpc {
            let dpc = self.machine_address(dpc);
            let what = format!("{} frees memory that holds a queued DPC", call.ddi.name);
            call.bug_check(TIMER_OR_DPC_INVALID, [1, dpc, start, end], what);
        }
    }

    #[cold]
    fn refuse_free(&self, call: &Call, shown: u64, block: &Block, overrun: bool, wrong_tag: bool) -> ! {
        let irql = call.cpu.irql();
        let at = format!("{} bytes allocated at {}", block.bytes, block.site);
        if overrun {
            call.bug_check(
                VERIFIER,
                [0x51, shown, 0, 0],
                format!("the block was written past its end ({at})"),
            );
        }
        if wrong_tag {
            call.bug_check(
                BAD_POOL_CALLER,
                [0x0A, shown, u64::from(block.tag), 0],
                format!("freed with another tag than it was allocated with ({at})"),
            );
        }
        let check = if block.paged { 0x11 } else { 0x12 };
        call.bug_check(
            VERIFIER,
            [check, u64::from(irql.0), u64::from(block.paged), shown],
            format!("{} called at {irql} ({at})", call.ddi.name),
        )
    }

    /// Blocks that drivers allocated and have not freed, oldest address first.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        let pool = self.pool.lock();
        let live = pool.index.iter().filter(|n| **n != 0).filter_map(|n| pool.blocks[*n as usize - 1]);
        live.filter(|b| !b.system).map(|b| Leak { tag: b.tag, bytes: b.bytes, site: b.site }).collect()
    }
}

/// Zeroed memory for an object that a driver's call makes. Null when the pool is exhausted, or when the
/// allocation is made to fail.
pub(crate) fn allocate_object(call: &Call, bytes: usize, tag: u32) -> PVOID {
    if allocation_failure::fails(call, bytes) {
        return null_mut();
    }
    call.cpu.machine().pool_allocate_zeroed(bytes, tag, call.site)
}

pub(crate) fn allocate(call: &Call, bytes: SIZE_T, tag: ULONG, paged: bool, zeroed: bool) -> PVOID {
    let irql = call.cpu.irql();
    if bytes == 0 {
        call.bug_check(
            VERIFIER,
            [0x00, u64::from(irql.0), u64::from(paged), 0],
            "a pool allocation of zero bytes",
        );
    }
    if paged && irql > Irql::APC {
        call.bug_check(
            VERIFIER,
            [0x01, u64::from(irql.0), 1, bytes as u64],
            format!("paged pool allocated at {irql}"),
        );
    }
    if irql > Irql::DISPATCH {
        call.bug_check(
            VERIFIER,
            [0x02, u64::from(irql.0), 0, bytes as u64],
            format!("nonpaged pool allocated at {irql}"),
        );
    }
    if allocation_failure::fails(call, bytes) {
        return null_mut();
    }
    let block = Block { bytes, tag, site: call.site, paged, system: false };
    let at = call.cpu.machine().allocate_block(bytes, block, if zeroed { 0 } else { FRESH });
    if !at.is_null() {
        call.moved(Item::Pool(at as usize), Owner::Free, Owner::Driver);
    }
    at
}

pub(crate) unsafe fn allocate2(call: &Call, flags: POOL_FLAGS, bytes: SIZE_T, tag: ULONG) -> PVOID {
    let paged = flags & POOL_FLAG_PAGED != 0;
    if !paged && flags & POOL_FLAG_NON_PAGED == 0 {
        // Neither kind named: the documentation promises NULL for invalid flags.
        return null_mut();
    }
    allocate(call, bytes, tag, paged, flags & POOL_FLAG_UNINITIALIZED == 0)
}

pub(crate) unsafe fn allocate_with_tag(call: &Call, kind: POOL_TYPE, bytes: SIZE_T, tag: ULONG) -> PVOID {
    allocate(call, bytes, tag, !(kind == NonPagedPool || kind == NonPagedPoolNx), false)
}

pub(crate) unsafe fn free(call: &Call, address: PVOID) {
    call.cpu.machine().pool_free(call, address, None);
}

pub(crate) unsafe fn free_with_tag(call: &Call, address: PVOID, tag: ULONG) {
    call.cpu.machine().pool_free(call, address, Some(tag));
}

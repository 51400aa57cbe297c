//! The pool: where drivers' memory comes from.
//!
//! Blocks lie in the machine's address space: side by side (`plain`), or in a guarded machine on pages of
//! their own (`guarded`). Here is what is the same for both: who may allocate and free what, and what the
//! machine says of one who does it wrong, or uses memory that is not lent to him (`misuse`). Invariant: equal
//! sequences of calls give equal addresses and equal contents.

#![expect(unsafe_code, reason = "fills blocks of driver memory")]

mod guarded;
mod misuse;
mod plain;

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
use crate::guard::{GUARDED_FROM, Memory};
use crate::hook::Owner;
use crate::irql::Irql;
use crate::kernel::DpcQueue;
use crate::lives;
use crate::machine::Machine;
use crate::marks::Marks;
use crate::memory::{AddressSpace, POOL_BYTES};
use crate::moment::Moment;
use crate::processor::Processor;
use crate::site::Site;
use crate::stamp::Mark;
use crate::sync::resource;
use crate::sync::timer::Expiry;
use crate::sync::wait_blocks;
use guarded::GuardedBlocks;
pub(crate) use guarded::Met;
use plain::PlainBlocks;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// Four characters as a pool tag.
#[must_use]
pub const fn tag(name: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*name)
}

/// The bytes of fresh uninitialized memory, and of freed memory.
pub(crate) const FRESH: u8 = 0xA5;
pub(crate) const FREED: u8 = 0xDD;
/// Guard bytes behind each block, checked when it is freed; on a guarded machine all the rest of its pages.
const TAIL_BYTES: usize = 16;
const TAIL: u8 = 0xFB;
/// Pool in use up to which a machine is kept for the next run.
pub(crate) const REUSE_BYTES_MAX: usize = 1 << 20;
/// What drivers' blocks are aligned to at least, and what objects of the system are.
const ALIGNMENT: usize = 16;
const PAST_ITS_END: &str = "past its end";
/// Parameter 1 of a stop for what was written beside a block.
const OVERRUN: u64 = 0x51;
const SYSTEM_ALIGNMENT: usize = 64;

/// Whose a block is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// A driver's, to free.
    Driver,
    /// The machine's own: not the driver's to free or to leak.
    System,
    /// The machine's, lent to a driver with a request: what of it, as "the SRB".
    Request(&'static str),
}

/// A live block.
#[derive(Clone, Copy, Debug)]
struct Block {
    bytes: usize,
    tag: u32,
    site: Site,
    /// When; not known of the system's.
    mark: Option<Mark>,
    paged: bool,
    of: Of,
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
    plain: PlainBlocks,
    guarded: Option<GuardedBlocks>,
    /// When blocks were freed.
    freed: Marks,
}

/// A place for a block.
struct Taken {
    host: usize,
    /// A byte of the place that was written while it was free.
    written: Option<usize>,
    /// Whether nothing but zeros lies there.
    is_zero: bool,
}

impl Block {
    /// A block that this call of a driver allocates.
    fn of(call: &Call, bytes: usize, tag: u32, paged: bool) -> Block {
        Block { bytes, tag, site: call.site, mark: Some(Mark::of(call)), paged, of: Of::Driver }
    }

    /// When it was allocated.
    fn allocated(&self, machine: &Machine) -> Vec<Moment> {
        self.mark.map(|mark| mark.moment(machine, "allocated")).into_iter().collect()
    }
}

impl Pool {
    pub(crate) fn new(base: usize, memory: Memory) -> Pool {
        Pool {
            base,
            plain: PlainBlocks::new(base),
            guarded: Pool::guarded_blocks(memory),
            freed: Marks::default(),
        }
    }

    fn guarded_blocks(memory: Memory) -> Option<GuardedBlocks> {
        match memory {
            Memory::Plain => None,
            Memory::Guarded(placement) => Some(GuardedBlocks::new(placement)),
        }
    }

    /// Forgets every block; the pages of guarded ones [are closed](Pool::close_all).
    pub(crate) fn reset(&mut self, memory: Memory) {
        self.plain.reset();
        self.guarded = Pool::guarded_blocks(memory);
        self.freed = Marks::default();
    }

    /// Closes every page of the guarded part; whether that was done.
    pub(crate) fn close_all(&self, memory: &AddressSpace) -> bool {
        match (&self.guarded, memory.guard()) {
            (Some(guarded), Some(guard)) => guarded.close_all(guard),
            _ => true,
        }
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.plain.used_bytes()
    }

    fn take(&mut self, memory: &AddressSpace, block: Block, alignment: usize) -> Option<Taken> {
        if let (Some(guarded), Some(guard)) = (&mut self.guarded, memory.guard())
            && let Some(offset) = guarded.take(guard, block, alignment)
        {
            let placed = *guarded.find(offset).expect("just placed");
            for range in GuardedBlocks::slack(&placed) {
                // SAFETY: the pages of the block were just opened, and no other code knows of them yet.
                unsafe { ((self.base + range.start) as *mut u8).write_bytes(TAIL, range.len()) };
            }
            return Some(Taken { host: self.base + offset, written: None, is_zero: true });
        }
        let end = if self.guarded.is_some() { GUARDED_FROM } else { POOL_BYTES };
        let (offset, written) = self.plain.take(block, end)?;
        Some(Taken { host: self.base + offset, written: written.map(|at| self.base + at), is_zero: false })
    }

    /// The live block that begins at an address.
    fn find(&self, host: usize) -> Option<Block> {
        let offset = host.checked_sub(self.base)?;
        match &self.guarded {
            Some(guarded) if offset >= GUARDED_FROM => guarded.find(offset).map(|placed| placed.block),
            _ => self.plain.find(offset),
        }
    }

    /// On which side of a live block something was written, if anywhere: "past its end".
    fn damage(&self, host: usize, block: &Block) -> Option<&'static str> {
        let offset = host - self.base;
        let Some(placed) = self.guarded.as_ref().and_then(|guarded| guarded.find(offset)) else {
            return (!self.plain.is_tail_intact(offset, block)).then_some(PAST_ITS_END);
        };
        let is_damaged = |range: &std::ops::Range<usize>| {
            // SAFETY: these bytes lie on the pages of a block in use, which are open.
            let bytes =
                unsafe { std::slice::from_raw_parts((self.base + range.start) as *const u8, range.len()) };
            // Pieces of a length that the compiler knows are compared without a branch for each byte.
            let (pieces, rest) = bytes.as_chunks::<64>();
            pieces.iter().any(|piece| *piece != [TAIL; 64]) || rest.iter().any(|byte| *byte != TAIL)
        };
        let [before, behind] = GuardedBlocks::slack(placed);
        let sides = [(behind, PAST_ITS_END), (before, "before its beginning")];
        sides.into_iter().find(|(range, _)| is_damaged(range)).map(|(_, side)| side)
    }

    /// Frees a live block, in that call if one did it.
    fn give_back(&mut self, memory: &AddressSpace, host: usize, block: &Block, at: Option<Mark>) {
        let offset = host - self.base;
        match (&mut self.guarded, memory.guard()) {
            (Some(guarded), Some(guard)) if offset >= GUARDED_FROM => guarded.give_back(guard, offset, at),
            _ => {
                self.plain.give_back(offset, block);
                if let Some(mark) = at {
                    self.freed.note(host, mark);
                }
            }
        }
    }

    /// When the block at an address, which is free, was freed.
    fn freed_at(&self, host: usize) -> Option<Mark> {
        match self.guarded.as_ref().and_then(|guarded| guarded.meet(host.checked_sub(self.base)?)) {
            Some((_, Met::GivenBack { at, .. })) => at,
            _ => self.freed.get(host),
        }
    }
}

impl Machine {
    fn allocate_block(&self, block: Block, fill: u8, alignment: usize) -> PVOID {
        let Some(taken) = self.pool.lock().take(&self.memory, block, alignment) else { return null_mut() };
        if let Some(at) = taken.written {
            misuse::stop_at_written(Processor::current(), taken.host, at);
        }
        Processor::current().has_fresh(taken.host, block.bytes);
        if fill != 0 || !taken.is_zero {
            // SAFETY: a fresh block of that size in mapped memory.
            unsafe { (taken.host as *mut u8).write_bytes(fill, block.bytes) };
        }
        taken.host as PVOID
    }

    /// Zeroed memory for what a model works on, which no call of a driver allocates.
    pub(crate) fn pool_allocate_zeroed(&self, bytes: usize, alignment: usize, tag: u32, site: Site) -> PVOID {
        let block = Block { bytes, tag, site, mark: None, paged: false, of: Of::Driver };
        self.allocate_block(block, 0, alignment)
    }

    /// Zeroed memory for an object of the system itself (device objects of the port driver, the
    /// test client's buffers): never counted as a driver's leak. Null when the pool is exhausted.
    #[track_caller]
    pub fn allocate_system(&self, bytes: usize) -> PVOID {
        let site = Site::caller();
        let block = Block { bytes, tag: tag(b"Sys "), site, mark: None, paged: false, of: Of::System };
        self.allocate_block(block, 0, SYSTEM_ALIGNMENT)
    }

    /// Frees memory from [`Machine::allocate_system`].
    ///
    /// # Panics
    /// When it is not such memory.
    pub fn free_system(&self, address: PVOID) {
        let mut pool = self.pool.lock();
        let block = pool.find(address as usize).expect("not a block of the system's");
        assert!(block.of == Of::System, "freed as the system's, which it is not: {block:?}");
        pool.give_back(&self.memory, address as usize, &block, None);
    }

    /// Whether blocks lie on pages of their own, which are closed while they are not lent.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.memory.guard().is_some()
    }

    /// Memory to be lent to a driver with a request on a guarded machine: `part` says what of it, as
    /// "the SRB". Null on other machines, and where there is no room.
    #[track_caller]
    pub fn lend(&self, part: &'static str, bytes: usize, alignment: usize) -> PVOID {
        if bytes == 0 || !self.is_guarded() {
            return null_mut();
        }
        let cpu = Processor::current();
        let mark = cpu.is_real().then(|| Mark::of_entry(cpu, cpu.frame().kind));
        let block = Block {
            bytes,
            tag: tag(b"Lent"),
            site: Site::caller(),
            mark,
            paged: false,
            of: Of::Request(part),
        };
        self.allocate_block(block, 0, alignment)
    }

    /// Takes back, in this call, what [`Machine::lend`] lent: an access to it is told of from now on.
    /// Returns where beside it the driver wrote, if it did: "past its end".
    ///
    /// # Panics
    /// When it is not such memory.
    pub fn take_back(&self, call: &Call, address: PVOID) -> Option<&'static str> {
        let mut pool = self.pool.lock();
        let block = pool.find(address as usize).expect("not a block that was lent");
        let damage = pool.damage(address as usize, &block);
        pool.give_back(&self.memory, address as usize, &block, Some(Mark::of(call)));
        damage
    }

    /// Frees a block; every way to do it wrong is a bug check.
    pub(crate) fn pool_free(&self, call: &Call, address: PVOID, expected_tag: Option<u32>) {
        let irql = call.cpu.irql();
        let shown = self.machine_address(address as usize);
        if self.linked_objects.load(Relaxed) != 0 {
            self.check_unlinked(call, address as usize);
        }
        if self.processors.iter().any(|cpu| cpu.held_count() != 0) {
            self.check_no_lock_held(call, address as usize);
        }
        let mut pool = self.pool.lock();
        let Some(block) = pool.find(address as usize).filter(|block| block.of == Of::Driver) else {
            drop(pool);
            let what = format!(
                "{} was given {}, which is no live pool block",
                call.ddi.name,
                crate::report_address(shown)
            );
            let earlier = self.freed_before(address as usize);
            call.bug_check_after(VERIFIER, [0x10, shown, 0, 0], what, earlier);
        };
        let damage = pool.damage(address as usize, &block);
        let wrong_tag = expected_tag.is_some_and(|t| t != 0 && t != block.tag);
        if irql > Irql::DISPATCH || (block.paged && irql > Irql::APC) || damage.is_some() || wrong_tag {
            drop(pool);
            self.refuse_free(call, shown, &block, damage, wrong_tag);
        }
        pool.give_back(&self.memory, address as usize, &block, Some(Mark::of(call)));
        drop(pool);
        call.moved(Item::Pool(address as usize), Owner::Driver, Owner::Free);
    }

    /// When the block at an address, which is free, was freed; as far as that is known.
    pub(crate) fn freed_before(&self, address: usize) -> Vec<Moment> {
        let mark = self.pool.lock().freed_at(address);
        mark.map(|mark| mark.moment(self, "freed")).into_iter().collect()
    }

    /// Refuses to free a block that holds an armed timer, a queued DPC, an owned mutex, the wait blocks of a
    /// wait or a resource that was not deleted: the kernel would go on using it.
    #[cold]
    fn check_unlinked(&self, call: &Call, address: usize) {
        let Some(block) = self.pool.lock().find(address) else { return };
        let holds = |object: usize| object.wrapping_sub(address) < block.bytes;
        let (timer, dpc, mutex, blocks, resource) = {
            let kernel = self.kernel.lock();
            let timer = kernel.timers.iter().find_map(|entry| match entry.expiry {
                Expiry::Timer { address, .. } if holds(address) => Some(address),
                _ => None,
            });
            let mutex = kernel.owned.range(address..address + block.bytes).next();
            let mutex = mutex.map(|(at, owned)| (*at, owned.since));
            let queued =
                |queue: &DpcQueue| queue.queue.iter().map(|dpc| *dpc as usize).find(|dpc| holds(*dpc));
            let blocks = kernel.wait_blocks.within(&(address..address + block.bytes));
            let resource = resource::live_within(&kernel, address..address + block.bytes);
            (timer, self.dpcs.each().find_map(|queue| queued(&queue)), mutex, blocks, resource)
        };
        if let Some((blocks, since)) = blocks {
            wait_blocks::stop_freed(call, blocks, &since);
        }
        if let Some((mutex, since)) = mutex {
            let taken = vec![since.moment(self, "taken")];
            lives::stop_in_use(call, mutex, "frees memory that holds a mutex which a thread owns", taken);
        }
        let (start, end) = (self.machine_address(address), self.machine_address(address + block.bytes));
        if let Some((resource, since)) = resource {
            let resource = self.machine_address(resource);
            let what = format!("{} frees memory that holds a resource which was not deleted", call.ddi.name);
            let initialized = since.map(|since| since.moment(self, "initialized"));
            let earlier = initialized.into_iter().collect();
            call.bug_check_after(VERIFIER, [0xD2, resource, start, end - start], what, earlier);
        }
        if let Some(timer) = timer {
            let timer = self.machine_address(timer);
            let what = format!("{} frees memory that holds an armed timer", call.ddi.name);
            call.bug_check_after(VERIFIER, [0x15, timer, 0, start], what, block.allocated(self));
        }
        if let Some(dpc) = dpc {
            let dpc = self.machine_address(dpc);
            let what = format!("{} frees memory that holds a queued DPC", call.ddi.name);
            call.bug_check_after(TIMER_OR_DPC_INVALID, [1, dpc, start, end], what, block.allocated(self));
        }
    }

    /// Refuses to free a block that holds a spin lock which a driver holds.
    #[cold]
    fn check_no_lock_held(&self, call: &Call, address: usize) {
        let Some(block) = self.pool.lock().find(address) else { return };
        if let Some((lock, taken)) = self.lock_held_in(address, block.bytes) {
            lives::stop_in_use(call, lock, "frees memory that holds a spin lock which is held", taken);
        }
    }

    #[cold]
    fn refuse_free(
        &self,
        call: &Call,
        shown: u64,
        block: &Block,
        damage: Option<&str>,
        wrong_tag: bool,
    ) -> ! {
        let irql = call.cpu.irql();
        let bytes = block.bytes;
        let (stop, parameters, what) = if let Some(side) = damage {
            let what = format!("the block of {bytes} bytes was written {side}");
            (VERIFIER, [OVERRUN, shown, 0, 0], what)
        } else if wrong_tag {
            let what =
                format!("a block of {bytes} bytes is freed with another tag than it was allocated with");
            (BAD_POOL_CALLER, [0x0A, shown, u64::from(block.tag), 0], what)
        } else {
            let check = if block.paged { 0x11 } else { 0x12 };
            let what = format!("{} of a block of {bytes} bytes called at {irql}", call.ddi.name);
            (VERIFIER, [check, u64::from(irql.0), u64::from(block.paged), shown], what)
        };
        call.bug_check_after(stop, parameters, what, block.allocated(self))
    }

    /// Blocks that drivers allocated and have not freed, oldest address first.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        let pool = self.pool.lock();
        let guarded = pool.guarded.iter().flat_map(GuardedBlocks::in_use).copied();
        let live = pool.plain.in_use().chain(guarded).filter(|block| block.of == Of::Driver);
        live.map(|b| Leak { tag: b.tag, bytes: b.bytes, site: b.site }).collect()
    }
}

/// Zeroed memory for an object that a driver's call makes. Null when the pool is exhausted, or when the
/// allocation is made to fail.
pub(crate) fn allocate_object(call: &Call, bytes: usize, tag: u32) -> PVOID {
    if allocation_failure::fails(call, bytes) {
        return null_mut();
    }
    call.cpu.machine().allocate_block(Block::of(call, bytes, tag, false), 0, ALIGNMENT)
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
    let block = Block::of(call, bytes, tag, paged);
    let at = call.cpu.machine().allocate_block(block, if zeroed { 0 } else { FRESH }, ALIGNMENT);
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

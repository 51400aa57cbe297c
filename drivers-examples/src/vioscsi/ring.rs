//! The driver's side of a split virtqueue.
//!
//! Chains are put in and taken out under the ring's lock, which the callers hold; indices are shared with the
//! device and accessed as such. A used element whose chain is not outstanding is passed over: a device that
//! gives one back twice does no harm. Invariant: `outstanding` has an entry for a head exactly while the
//! device has its chain.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::{PVOID, Shared};
use super::virtio::{AVAIL_NO_INTERRUPT, DESC_INDIRECT, DESC_NEXT, Descriptor, USED_NO_NOTIFY};
use std::ptr::null_mut;
use std::sync::atomic::{Ordering::SeqCst, fence};

/// One entry of the used ring.
#[repr(C)]
#[derive(Clone, Copy)]
struct UsedElement {
    id: u32,
    length: u32,
}

/// The object that waits for a chain, and how many descriptors of the ring the chain takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Outstanding {
    owner: PVOID,
    count: u16,
}

/// One virtqueue.
#[repr(C)]
pub struct Ring {
    pub size: u16,
    pub uses_events: bool,
    /// The register that notifications are written to.
    pub notify: *mut u16,
    descriptors: *mut Descriptor,
    available: *mut u16,
    used: *mut u16,
    outstanding: *mut Outstanding,
    /// The device's addresses of the three areas.
    pub descriptors_physical: u64,
    pub available_physical: u64,
    pub used_physical: u64,
    first_free: u16,
    free: u16,
    /// The index of what is put in next, and what it was when the device was last notified or need not be.
    next: u16,
    told: u16,
    /// The index of what is taken out next.
    seen: u16,
}

/// Bytes of a ring's areas, each on a boundary of its own.
const ALIGN: usize = 64;

fn round(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN)
}

/// Bytes that a ring of this size takes of the uncached extension.
pub fn bytes(size: u16) -> usize {
    let n = usize::from(size);
    round(16 * n) + round(6 + 2 * n) + round(6 + 8 * n) + round(size_of::<Outstanding>() * n)
}

impl Ring {
    /// Lays a ring out in zeroed memory of the uncached extension.
    ///
    /// # Safety
    /// The memory has [`bytes`] of the size and is aligned; `physical` is its address for the device.
    pub unsafe fn lay_out(&mut self, size: u16, memory: *mut u8, physical: u64) {
        let n = usize::from(size);
        let available = round(16 * n);
        let used = available + round(6 + 2 * n);
        let outstanding = used + round(6 + 8 * n);
        self.size = size;
        self.descriptors = memory.cast();
        self.available = memory.wrapping_add(available).cast();
        self.used = memory.wrapping_add(used).cast();
        self.outstanding = memory.wrapping_add(outstanding).cast();
        self.descriptors_physical = physical;
        self.available_physical = physical + available as u64;
        self.used_physical = physical + used as u64;
    }

    /// Makes the ring empty. The device does not use it, and nothing is outstanding.
    ///
    /// # Safety
    /// It was laid out, and nothing else uses it.
    pub unsafe fn clear(&mut self, uses_events: bool) {
        let n = usize::from(self.size);
        self.uses_events = uses_events;
        (self.next, self.told, self.seen) = (0, 0, 0);
        (self.first_free, self.free) = (0, self.size);
        // Areas of the sizes they were laid out with.
        self.available.cast::<u8>().write_bytes(0, 6 + 2 * n);
        self.used.cast::<u8>().write_bytes(0, 6 + 8 * n);
        for at in 0..n {
            let next = (at + 1) as u16;
            *self.descriptors.add(at) = Descriptor { address: 0, length: 0, flags: 0, next };
            *self.outstanding.add(at) = Outstanding { owner: null_mut(), count: 0 };
        }
    }

    /// An index, an event or the flags: what device and driver tell each other by.
    unsafe fn word(area: *mut u16, at: usize) -> &'static Shared<u16> {
        // The callers stay within the area, which lives as long as the adapter; a cell is laid out as what it
        // holds, and the device accesses it whole.
        &*area.add(at).cast()
    }

    fn slot(&self, index: u16) -> usize {
        usize::from(index & (self.size - 1))
    }

    /// Puts a chain in. `table` is its descriptors in order, chained by their places in the table. `false`:
    /// no room.
    ///
    /// With a physical address the table itself is lent, behind one descriptor of the ring; without, it is
    /// copied.
    ///
    /// # Safety
    /// The ring's lock is held; the table and what it points at stay until the chain is taken out.
    pub unsafe fn add(&mut self, table: &[Descriptor], indirect: Option<u64>, owner: PVOID) -> bool {
        let count = if indirect.is_some() { 1 } else { table.len() };
        if count > usize::from(self.free) {
            return false;
        }
        let head = self.first_free;
        // Heads and free descriptors are below the size.
        match indirect {
            Some(address) => {
                let d = &mut *self.descriptors.add(usize::from(head));
                (d.address, d.length, d.flags) = (address, size_of_val(table) as u32, DESC_INDIRECT);
                self.first_free = d.next;
            }
            None => {
                for from in table {
                    let d = &mut *self.descriptors.add(usize::from(self.first_free));
                    // The free list is the chain.
                    (d.address, d.length, d.flags) = (from.address, from.length, from.flags);
                    self.first_free = d.next;
                }
            }
        }
        self.free -= count as u16;
        *self.outstanding.add(usize::from(head)) = Outstanding { owner, count: count as u16 };
        self.available.add(2 + self.slot(self.next)).write_volatile(head);
        self.next = self.next.wrapping_add(1);
        // The device sees the entry before the index.
        Self::word(self.available, 1).set(self.next);
        true
    }

    /// Whether the device wants a notification for the chains put in since the last call.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn needs_notification(&mut self) -> bool {
        // The index goes out before the device's wish is read, or each side could wait for the other.
        fence(SeqCst);
        let (before, now) = (std::mem::replace(&mut self.told, self.next), self.next);
        // The used ring has flags, index, 4 words per element, and the event.
        if !self.uses_events {
            return Self::word(self.used, 0).get() & USED_NO_NOTIFY == 0;
        }
        let event = Self::word(self.used, 2 + 4 * usize::from(self.size)).get();
        now.wrapping_sub(event).wrapping_sub(1) < now.wrapping_sub(before)
    }

    /// Takes out the next chain that the device has given back; returns its owner.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn take(&mut self) -> Option<PVOID> {
        while let Some(id) = self.next_used() {
            if let Some(owner) = self.release(id) {
                return Some(owner);
            }
        }
        None
    }

    /// The identifier in the next used element, whatever it is.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn next_used(&mut self) -> Option<u32> {
        if Self::word(self.used, 1).get() == self.seen {
            return None;
        }
        // As laid out.
        let element = self.used.add(2 + 4 * self.slot(self.seen)).cast::<UsedElement>().read_volatile();
        self.seen = self.seen.wrapping_add(1);
        Some(element.id)
    }

    /// The owner in the entry of an identifier, for a caller that has compared it with the size.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn owner(&self, id: u32) -> PVOID {
        (*self.outstanding.wrapping_add(id as usize)).owner
    }

    /// Takes a chain out that is outstanding; `None` if it is not.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn release(&mut self, id: u32) -> Option<PVOID> {
        if id >= u32::from(self.size) {
            return None;
        }
        // Below the size; the lock is held.
        let record = &mut *self.outstanding.add(id as usize);
        let owner = std::mem::replace(&mut record.owner, null_mut());
        if owner.is_null() {
            return None;
        }
        let mut last = id as u16;
        for _ in 1..record.count {
            last = (*self.descriptors.add(usize::from(last))).next;
        }
        let end = &mut *self.descriptors.add(usize::from(last));
        debug_assert!(end.flags & DESC_NEXT == 0);
        end.next = self.first_free;
        self.first_free = id as u16;
        self.free += record.count;
        Some(owner)
    }

    /// Takes any chain out that is outstanding: for a device that does not have them any more.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn withdraw(&mut self) -> Option<PVOID> {
        // Below the size.
        (0..u32::from(self.size)).find_map(|id| self.release(id))
    }

    /// Asks for no interrupts. With event indices the index stays behind, which does that.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn disable_interrupts(&mut self) {
        if !self.uses_events {
            // The flags of the available ring.
            Self::word(self.available, 0).set(AVAIL_NO_INTERRUPT);
        }
    }

    /// Asks for an interrupt when the next chain comes back. `false`: one has come back meanwhile, for
    /// which no interrupt may come.
    ///
    /// # Safety
    /// The ring's lock is held.
    pub unsafe fn enable_interrupts(&mut self) -> bool {
        // The available ring has flags, index, a word per element, and the event.
        if self.uses_events {
            Self::word(self.available, 2 + usize::from(self.size)).set(self.seen);
        } else {
            Self::word(self.available, 0).set(0);
        }
        fence(SeqCst);
        Self::word(self.used, 1).get() == self.seen
    }
}

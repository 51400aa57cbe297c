//! The device's side of a split virtqueue (2.7).
//!
//! A ring is three areas of driver memory: descriptors, what is available, what is used. The device takes
//! chains from the second and gives them back in the third; both sides say when they want to be told
//! (EVENT_IDX, or one flag each). It knows nothing of SCSI. Whatever a driver may not do (an index past the
//! end, a loop, a readable descriptor behind a writable one, an indirect table that was not agreed on) is
//! [`Broken`], after which the device asks to be reset. Invariant: no index from driver memory is used before
//! it was compared with the ring's size.

use super::chain::{Chain, Segment};
use super::spec::{AVAIL_NO_INTERRUPT, Descriptor, NO_VECTOR, USED_NO_NOTIFY, descriptor, feature};
use kernel_sim::hardware::{BadAddress, Bus};
use zerocopy::FromBytes;

/// Bytes of a descriptor.
const DESCRIPTOR: usize = size_of::<Descriptor>();

/// The driver broke a rule of the rings, or gave an address the device may not reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Broken;

impl From<BadAddress> for Broken {
    fn from(_: BadAddress) -> Broken {
        Broken
    }
}

/// One virtqueue.
pub(super) struct Ring {
    /// The registers of the queue.
    pub size: u16,
    pub size_max: u16,
    pub vector: u16,
    pub is_enabled: bool,
    pub descriptors: u64,
    pub available: u64,
    pub used: u64,
    /// The driver has notified, and the device has not looked since.
    pub is_notified: bool,
    /// The device looks again by itself, and has told the driver so.
    pub is_awake: bool,
    next_available: u16,
    /// Used elements written, how many when each head was given back last, and how many the driver has
    /// certainly read.
    given: u64,
    given_at: Box<[u64]>,
    read_by_driver: u64,
}

impl Ring {
    pub fn new(size_max: u16) -> Ring {
        Ring {
            size: size_max,
            size_max,
            vector: NO_VECTOR,
            is_enabled: false,
            descriptors: 0,
            available: 0,
            used: 0,
            is_notified: false,
            is_awake: false,
            next_available: 0,
            given: 0,
            given_at: vec![0; usize::from(size_max)].into(),
            read_by_driver: 0,
        }
    }

    fn slot(&self, n: u16) -> u64 {
        u64::from(n & (self.size - 1))
    }

    fn used_event(&self) -> u64 {
        self.available.wrapping_add(4 + 2 * u64::from(self.size))
    }

    fn available_event(&self) -> u64 {
        self.used.wrapping_add(4 + 8 * u64::from(self.size))
    }

    /// How many chains wait to be taken.
    pub fn waiting(&self, bus: &Bus<'_>) -> Result<u16, Broken> {
        let index = bus.load_u16(self.available.wrapping_add(2))?;
        let waiting = index.wrapping_sub(self.next_available);
        if waiting > self.size { Err(Broken) } else { Ok(waiting) }
    }

    /// Takes the next chain; one waits.
    pub fn take(&mut self, bus: &Bus<'_>, features: u64, chain: &mut Chain) -> Result<(), Broken> {
        let head = bus.load_u16(self.available.wrapping_add(4 + 2 * self.slot(self.next_available)))?;
        if head >= self.size {
            return Err(Broken);
        }
        self.next_available = self.next_available.wrapping_add(1);
        // A head comes back only after the driver has read that it was given back.
        self.read_by_driver = self.read_by_driver.max(self.given_at[usize::from(head)]);
        chain.clear();
        chain.head = head;
        let bytes = usize::from(self.size) * DESCRIPTOR;
        bus.with(self.descriptors, bytes, |table| walk(bus, table, head, features, true, chain))?
    }

    /// Says that notifications are not needed: the device looks again by itself.
    pub fn stay_awake(&mut self, bus: &Bus<'_>, features: u64) -> Result<(), Broken> {
        self.is_awake = true;
        if features & feature::RING_EVENT_IDX == 0 {
            bus.store_u16(self.used, USED_NO_NOTIFY)?;
        }
        // With EVENT_IDX the index stays where it is, behind what the driver adds next.
        Ok(())
    }

    /// Asks for a notification of the next chain. Returns whether some came meanwhile, for which there is
    /// none.
    pub fn fall_asleep(&mut self, bus: &Bus<'_>, features: u64) -> Result<bool, Broken> {
        self.is_awake = false;
        if features & feature::RING_EVENT_IDX == 0 {
            bus.store_u16(self.used, 0)?;
        } else {
            bus.store_u16(self.available_event(), self.next_available)?;
        }
        Ok(self.waiting(bus)? != 0)
    }

    /// Whether there is certainly room for one more used element than chains the driver lent.
    ///
    /// A device has no business giving a chain back twice, and a ring has room for each once. Where the
    /// driver has read on is known from the heads it uses again.
    pub fn has_room_for_two(&self) -> bool {
        self.given - self.read_by_driver + 1 < u64::from(self.size)
    }

    /// Gives a chain back `times` times, in which the device has written so many bytes; behind a `stray`
    /// identifier, if there is one. Returns whether the driver wants to be notified.
    pub fn give_back(
        &mut self,
        bus: &Bus<'_>,
        features: u64,
        stray: Option<u32>,
        (head, bytes): (u16, u32),
        times: u16,
    ) -> Result<bool, Broken> {
        let before = self.given as u16;
        let own = std::iter::repeat_n(u32::from(head), times.into());
        for id in stray.into_iter().chain(own) {
            let mut element = [0; 8];
            element[..4].copy_from_slice(&id.to_le_bytes());
            element[4..].copy_from_slice(&bytes.to_le_bytes());
            bus.write(self.used.wrapping_add(4 + 8 * self.slot(self.given as u16)), &element)?;
            self.given += 1;
        }
        self.given_at[usize::from(head)] = self.given;
        let now = self.given as u16;
        bus.store_u16(self.used.wrapping_add(2), now)?;
        if features & feature::RING_EVENT_IDX == 0 {
            return Ok(bus.load_u16(self.available)? & AVAIL_NO_INTERRUPT == 0);
        }
        let event = bus.load_u16(self.used_event())?;
        Ok(is_event_passed(event, now, before))
    }
}

/// Whether an index that went from `before` to `now` has passed the one the other side wants to be told of
/// (2.7.10, "vring_need_event").
fn is_event_passed(event: u16, now: u16, before: u16) -> bool {
    now.wrapping_sub(event).wrapping_sub(1) < now.wrapping_sub(before)
}

/// Follows a chain through a table of descriptors.
fn walk(
    bus: &Bus<'_>,
    table: &[u8],
    head: u16,
    features: u64,
    may_be_indirect: bool,
    chain: &mut Chain,
) -> Result<(), Broken> {
    let count = table.len() / DESCRIPTOR;
    let mut at = usize::from(head);
    // More steps than descriptors are a loop.
    for _ in 0..count {
        let raw = table.get(at * DESCRIPTOR..).ok_or(Broken)?;
        let (d, _) = Descriptor::read_from_prefix(raw).map_err(|_| Broken)?;
        let (address, bytes, flags) = (d.address.get(), d.bytes.get() as usize, d.flags.get());
        let has_next = flags & descriptor::NEXT != 0;
        if flags & descriptor::INDIRECT != 0 {
            let is_agreed = features & feature::RING_INDIRECT_DESC != 0;
            let fits = bytes != 0 && bytes.is_multiple_of(DESCRIPTOR) && bytes <= usize::from(u16::MAX);
            if !may_be_indirect || !is_agreed || has_next || !fits {
                return Err(Broken);
            }
            return bus.with(address, bytes, |inner| walk(bus, inner, 0, features, false, chain))?;
        }
        let segment = Segment { address, bytes };
        if flags & descriptor::WRITE != 0 {
            chain.writable.push(segment);
        } else if chain.writable.bytes() == 0 {
            chain.readable.push(segment);
        } else {
            return Err(Broken);
        }
        if !has_next {
            return Ok(());
        }
        at = usize::from(d.next.get());
    }
    Err(Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_passed_once_and_over_the_end_of_the_numbers() {
        assert!(is_event_passed(5, 6, 5));
        assert!(!is_event_passed(5, 7, 6), "it was passed before");
        assert!(!is_event_passed(7, 7, 5), "it is not reached yet");
        assert!(is_event_passed(u16::MAX, 0, u16::MAX));
        assert!(is_event_passed(0, 2, u16::MAX));
        assert!(!is_event_passed(9, 2, u16::MAX));
    }
}

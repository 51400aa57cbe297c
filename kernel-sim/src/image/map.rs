//! An image in the memory of a machine.
//!
//! The first machine of an address space copies it there, relocates it and leads its imports to stubs behind
//! it; for every further run its writable sections are made as they were. Invariant: what a run begins with
//! does not depend on the runs before it.

#![expect(unsafe_code, reason = "fills and protects a range of the address space")]

use super::parse::Image;
use super::{activation, runtime};
use crate::memory::{AddressSpace, IMAGE_OFFSET, IMAGE_ROOM_BYTES};
use rustix::mm::{MprotectFlags, mprotect};
use std::ptr::NonNull;

/// The largest image: stubs for its imports lie behind it.
pub(super) const IMAGE_BYTES_MAX: usize = 12 << 20;
pub(super) const PAGE: usize = 4096;
/// Bytes of the code in front of an imported routine.
const STUB_BYTES: usize = 48;
/// The stub of the first import that did not fit would lie past the room.
const IMPORTS_MAX: usize = (IMAGE_ROOM_BYTES - IMAGE_BYTES_MAX) / STUB_BYTES - 1;

/// An image, mapped.
pub(crate) struct Mapped {
    image: &'static Image,
    base: NonNull<u8>,
    /// Its writable sections as a run begins with them: where, and what.
    pristine: Vec<(usize, Vec<u8>)>,
}

impl Mapped {
    /// The image in the room for it, as a run begins with it: mapped there now, or by a machine before.
    /// `None`: the host refuses, or it imports too much.
    pub(crate) fn in_memory(image: &'static Image, memory: &mut AddressSpace) -> Option<Box<Mapped>> {
        let tenant = memory.tenant.take().and_then(|tenant| tenant.downcast::<Mapped>().ok());
        if let Some(mut mapped) = tenant.filter(|mapped| std::ptr::eq(mapped.image, image)) {
            mapped.restore();
            return Some(mapped);
        }
        let base = NonNull::new((memory.base() + IMAGE_OFFSET) as *mut u8)?;
        // SAFETY: the room for images of a range on which no machine runs yet.
        unsafe { Mapped::new(image, base) }.map(Box::new)
    }

    /// Maps an image at `base`. `None`: the host refuses, or it imports too much.
    ///
    /// # Safety
    /// [`IMAGE_ROOM_BYTES`] from `base` on are mapped, page-aligned and for images only; nothing runs there.
    unsafe fn new(image: &'static Image, base: NonNull<u8>) -> Option<Mapped> {
        if image.imports.len() > IMPORTS_MAX {
            return None;
        }
        activation::find_cell();
        // SAFETY: the caller's promise: the range is ours to change.
        unsafe {
            mprotect(base.as_ptr().cast(), IMAGE_ROOM_BYTES, MprotectFlags::READ | MprotectFlags::WRITE)
        }
        .ok()?;
        let stubs = image.pristine.len().next_multiple_of(PAGE);
        let end = (stubs + image.imports.len() * STUB_BYTES).next_multiple_of(PAGE);
        // SAFETY: as above, and readable and writable now.
        let room = unsafe { std::slice::from_raw_parts_mut(base.as_ptr(), end) };
        room[..image.pristine.len()].copy_from_slice(&image.pristine);
        room[image.pristine.len()..].fill(INT3);
        let moved_by = (base.as_ptr() as u64).wrapping_sub(image.preferred);
        for place in &image.relocations {
            add(room, *place, moved_by);
        }
        for (n, import) in image.imports.iter().enumerate() {
            let at = stubs + n * STUB_BYTES;
            let code = match &import.export {
                Some(routine) => stub(routine.address, routine.arguments.saturating_sub(4), None),
                None => stub(runtime::absent(), 0, Some((image.number, n))),
            };
            room[at..at + code.len()].copy_from_slice(&code);
            for slot in &import.slots {
                room[*slot..*slot + 8].copy_from_slice(&(base.as_ptr() as u64 + at as u64).to_le_bytes());
            }
        }
        let writable = image.sections.iter().filter(|section| section.writes);
        let pristine = writable.map(|s| (s.begin, room[s.begin..s.begin + s.bytes].to_vec())).collect();
        let mapped = Mapped { image, base, pristine };
        mapped.protect(stubs, end)?;
        Some(mapped)
    }

    fn protect(&self, stubs: usize, end: usize) -> Option<()> {
        let set = |begin: usize, bytes: usize, flags: MprotectFlags| {
            // SAFETY: pages of the range that `new` was given.
            unsafe { mprotect(self.base.as_ptr().add(begin).cast(), bytes.next_multiple_of(PAGE), flags) }
                .ok()
        };
        set(0, IMAGE_ROOM_BYTES, MprotectFlags::READ)?;
        for section in self.image.sections.iter().filter(|section| section.bytes != 0) {
            let mut flags = MprotectFlags::READ;
            flags.set(MprotectFlags::WRITE, section.writes);
            flags.set(MprotectFlags::EXEC, section.runs);
            set(section.begin, section.bytes, flags)?;
        }
        set(stubs, end - stubs, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    /// Makes it as a run begins with it.
    fn restore(&mut self) {
        for (begin, bytes) in &self.pristine {
            // SAFETY: a writable section of the image; no run has begun.
            unsafe { self.base.as_ptr().add(*begin).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        }
    }

    pub(crate) fn image(&self) -> &'static Image {
        self.image
    }

    /// Where execution of it begins.
    pub(super) fn entry(&self) -> usize {
        self.base.as_ptr() as usize + self.image.entry
    }

    /// The place in the image that is at an address, if one is; stubs do not count.
    #[inline]
    pub(crate) fn place_of(&self, address: usize) -> Option<usize> {
        Some(address.wrapping_sub(self.base.as_ptr() as usize))
            .filter(|place| *place < self.image.pristine.len())
    }
}

// SAFETY: it owns what it says of the address space; the bytes are the driver's to synchronise.
unsafe impl Send for Mapped {}
// SAFETY: its shared methods compute addresses only.
unsafe impl Sync for Mapped {}

const INT3: u8 = 0xCC;

fn add(room: &mut [u8], place: usize, by: u64) {
    let word = &mut room[place..place + 8];
    let old = u64::from_le_bytes(word.try_into().expect("eight bytes"));
    word.copy_from_slice(&old.wrapping_add(by).to_le_bytes());
}

/// The code in front of a routine: says which it is, and goes to the gate. A routine that is not here gets
/// two numbers, which name it, instead of the arguments.
fn stub(routine: usize, stack_words: u32, names: Option<(usize, usize)>) -> Vec<u8> {
    let is_bare = routine == activation::probe();
    let mut code = Vec::with_capacity(STUB_BYTES);
    if let Some((image, import)) = names {
        code.push(0xB9); // mov ecx, image
        code.extend((image as u32).to_le_bytes());
        code.push(0xBA); // mov edx, import
        code.extend((import as u32).to_le_bytes());
    }
    code.extend([0x49, 0xBB]); // mov r11, routine
    code.extend((routine as u64).to_le_bytes());
    if is_bare {
        code.extend([0x41, 0xFF, 0xE3]); // jmp r11
        return code;
    }
    code.extend([0x41, 0xBA]); // mov r10d, stack_words
    code.extend(stack_words.min(activation::STACK_WORDS_MAX).to_le_bytes());
    code.extend([0x48, 0xB8]); // mov rax, gate
    code.extend((activation::gate() as u64).to_le_bytes());
    code.extend([0xFF, 0xE0]); // jmp rax
    debug_assert!(code.len() <= STUB_BYTES);
    code
}

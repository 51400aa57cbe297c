//! Walks over the frames of an image, by the unwind tables of x64 Windows (.pdata and .xdata).
//!
//! Only calls are walked back over, not exceptions: what is wanted of each frame is where it returns to.
//! Invariant: nothing is read but the image's tables and the kernel stack, so a walk over a broken stack
//! ends.

#![expect(unsafe_code, reason = "reads a kernel stack within its bounds")]

use super::activation::{GATE_FRAME_BYTES, gate, gate_end};
use super::map::Mapped;
use super::parse::Image;
use super::registry;
use crate::processor::Processor;

/// Frames walked.
const DEPTH_MAX: usize = 64;

/// The frames of an image behind a frame of `gate`, if it is one: innermost first, as stacks keep them.
pub(super) fn frames_behind(instruction: usize, stack_pointer: usize) -> Vec<usize> {
    if !(gate()..gate_end()).contains(&instruction) {
        return Vec::new();
    }
    let gate_frame = stack_pointer + GATE_FRAME_BYTES;
    let Some(stack) = Bounds::around(stack_pointer) else { return Vec::new() };
    let (Some(frame_pointer), Some(instruction)) = (stack.word(gate_frame), stack.word(gate_frame + 8))
    else {
        return Vec::new();
    };
    frames_from(instruction, true, gate_frame + 16, frame_pointer)
}

/// The frames of an image from `instruction` on, which is a return address or was about to be executed; empty
/// if that is not code of one.
pub(crate) fn frames_from(
    instruction: usize,
    is_return: bool,
    stack_pointer: usize,
    frame_pointer: usize,
) -> Vec<usize> {
    let mut frames = Vec::new();
    let Some(mapped) = Processor::current().mapped_image() else { return frames };
    let Some(stack) = Bounds::around(stack_pointer) else { return frames };
    // Frames are named by what lies before their address.
    let instruction = if is_return { instruction } else { instruction + 1 };
    let mut walk = Walk { mapped, stack, instruction, is_return, stack_pointer, frame_pointer };
    while let Some(frame) = registry::frame_at(walk.instruction) {
        frames.push(frame);
        if frames.len() == DEPTH_MAX || walk.step().is_none() {
            break;
        }
    }
    frames
}

/// The kernel stack that an address lies in.
#[derive(Clone, Copy)]
struct Bounds {
    limit: usize,
    base: usize,
}

impl Bounds {
    fn around(address: usize) -> Option<Bounds> {
        let machine = Processor::current().machine();
        let (limit, base) = machine.memory.stack_around(address)?;
        Some(Bounds { limit, base })
    }

    fn word(self, address: usize) -> Option<usize> {
        let fits =
            address >= self.limit && address <= self.base - size_of::<usize>() && address.is_multiple_of(8);
        // SAFETY: within a stack of the machine above its guard page, which is mapped.
        fits.then(|| unsafe { (address as *const usize).read() })
    }
}

struct Walk<'a> {
    mapped: &'a Mapped,
    stack: Bounds,
    instruction: usize,
    is_return: bool,
    stack_pointer: usize,
    frame_pointer: usize,
}

/// Numbers of registers in unwind codes.
const RBP: u8 = 5;

/// Operations of unwind codes.
mod operation {
    pub const PUSH_NONVOL: u8 = 0;
    pub const ALLOC_LARGE: u8 = 1;
    pub const ALLOC_SMALL: u8 = 2;
    pub const SET_FPREG: u8 = 3;
    pub const SAVE_NONVOL: u8 = 4;
    pub const SAVE_NONVOL_FAR: u8 = 5;
    pub const SAVE_XMM128: u8 = 8;
    pub const SAVE_XMM128_FAR: u8 = 9;
    pub const PUSH_MACHFRAME: u8 = 10;
}

impl Walk<'_> {
    /// To the caller. `None`: the tables do not lead there.
    fn step(&mut self) -> Option<()> {
        let image = self.mapped.image();
        // What was called may be the last instruction of a function.
        let place = self.mapped.place_of(self.instruction - 1)? as u32;
        if let Some(function) = image.function_at(place) {
            let mut info = function.unwind;
            // Where in the prologue the function is; past it, all codes apply.
            let mut offset = place - function.begin + u32::from(self.is_return);
            // A function may be described in parts, each naming the next.
            for _ in 0..8 {
                match self.undo(image, info, offset)? {
                    Some(next) => (info, offset) = (next, u32::MAX),
                    None => break,
                }
            }
        }
        self.instruction = self.stack.word(self.stack_pointer)?;
        self.stack_pointer += 8;
        self.is_return = true;
        Some(())
    }

    /// The stack pointer of a function that keeps it in a register. `None`: in one whose value is not known.
    fn set_stack_pointer(&mut self, frame_register: u8, frame_offset: usize) -> Option<()> {
        let known = (frame_register == RBP).then_some(self.frame_pointer)?;
        self.stack_pointer = known.checked_sub(frame_offset)?;
        Some(())
    }

    /// Undoes one part of a function's prologue; the next part, if there is one.
    fn undo(&mut self, image: &Image, info: u32, offset: u32) -> Option<Option<u32>> {
        let head = image.bytes_at(info, 4)?;
        let (flags, prologue, count) = (head[0] >> 3, u32::from(head[1]), u32::from(head[2]));
        let (frame_register, frame_offset) = (head[3] & 15, usize::from(head[3] >> 4) * 16);
        let codes = image.bytes_at(info + 4, count * 2)?;
        let word = |n: usize| Some(u16::from_le_bytes(codes.get(n * 2..n * 2 + 2)?.try_into().ok()?));
        let in_prologue = offset < prologue;
        if frame_register != 0 && !in_prologue {
            self.set_stack_pointer(frame_register, frame_offset)?;
        }
        let mut n = 0;
        while n < count as usize {
            let [at, what] = word(n)?.to_le_bytes();
            let (operation, detail) = (what & 15, what >> 4);
            let applies = !in_prologue || u32::from(at) <= offset;
            let (words, far) = match operation {
                operation::ALLOC_LARGE if detail == 0 => (2, usize::from(word(n + 1)?) * 8),
                operation::SAVE_NONVOL | operation::SAVE_XMM128 => (2, usize::from(word(n + 1)?)),
                operation::ALLOC_LARGE | operation::SAVE_NONVOL_FAR | operation::SAVE_XMM128_FAR => {
                    (3, usize::from(word(n + 1)?) | usize::from(word(n + 2)?) << 16)
                }
                _ => (1, 0),
            };
            n += words;
            if !applies {
                continue;
            }
            match operation {
                operation::PUSH_NONVOL => {
                    if detail == RBP {
                        self.frame_pointer = self.stack.word(self.stack_pointer)?;
                    }
                    self.stack_pointer += 8;
                }
                operation::ALLOC_LARGE => self.stack_pointer += far,
                operation::ALLOC_SMALL => self.stack_pointer += usize::from(detail) * 8 + 8,
                operation::SET_FPREG => self.set_stack_pointer(frame_register, frame_offset)?,
                operation::PUSH_MACHFRAME => return None,
                operation::SAVE_NONVOL if detail == RBP => {
                    self.frame_pointer = self.stack.word(self.stack_pointer + far * 8)?;
                }
                operation::SAVE_NONVOL_FAR if detail == RBP => {
                    self.frame_pointer = self.stack.word(self.stack_pointer + far)?;
                }
                _ => {}
            }
        }
        const CHAINED: u8 = 4;
        if flags & CHAINED == 0 {
            return Some(None);
        }
        let chained = image.bytes_at(info + 4 + (count + count % 2) * 2, 12)?;
        Some(Some(u32::from_le_bytes(chained[8..].try_into().ok()?)))
    }
}

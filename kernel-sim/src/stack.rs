//! Call stacks of driver code: return addresses, made into names and lines only when a report is printed.
//!
//! Walking a stack costs microseconds and naming its frames milliseconds, so the first is done where a
//! finding is made (and, on a machine that gathers evidence, where something is taken, handed out or given
//! back), the second by the report. Invariant: a stack decides nothing; it is in no hash and no comparison
//! of runs.

use crate::own_sources;
use crate::program;
use parking_lot::Mutex;
use std::sync::OnceLock;

/// Return addresses kept of one stack, foreign frames besides.
const DEPTH_MAX: usize = 96;

/// A call stack: return addresses and foreign frames, innermost first. Empty where none was taken.
#[derive(Clone, Default)]
pub struct Stack(Box<[usize]>);

/// A frame of a stack, as its debug information names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StackFrame {
    /// The function, without hash and crate disambiguator.
    pub function: String,
    /// The source file, as the debug information has it: an absolute path as a rule.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// Whose code a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whose {
    /// The simulator's.
    Own,
    /// The standard library's or a registry crate's.
    Library,
    Driver,
}

/// Whose code was running when something went wrong.
#[derive(Default)]
pub(crate) struct Blame {
    /// The innermost frame of a driver's, if there is one.
    pub(crate) driver: Option<StackFrame>,
    /// The innermost frame of the simulator's that lies further in: the driver had called it.
    pub(crate) own: Option<StackFrame>,
}

impl Blame {
    /// Whether only code of the simulator's was running. Where nothing is known, it is the driver's.
    pub(crate) fn is_own(&self) -> bool {
        self.driver.is_none() && self.own.is_some()
    }
}

/// What knows frames that the host's unwinder cannot read: those of code that is no part of the program.
pub(crate) struct Foreign {
    /// The frames that the unwinder passed over behind the frame with that instruction and stack pointer, as
    /// words that no address is like.
    pub(crate) frames_behind: fn(usize, usize) -> Vec<usize>,
    /// The functions of such a word, innermost first.
    pub(crate) frames_of: fn(usize) -> Option<Vec<StackFrame>>,
}

/// Set once there is such code.
pub(crate) static FOREIGN: OnceLock<Foreign> = OnceLock::new();

/// Names a stack that a machine keeps.
#[derive(Clone, Copy, Default)]
pub struct StackId(u32);

impl StackId {
    /// No stack was kept.
    pub const NONE: StackId = StackId(0);

    /// This one, or another if it is none.
    pub(crate) fn or_else(self, other: impl FnOnce() -> StackId) -> StackId {
        if self.0 == 0 { other() } else { self }
    }

    /// As a number, for where only numbers can be kept.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// The name that [`StackId::number`] gave a number of.
    pub(crate) fn numbered(number: u32) -> StackId {
        StackId(number)
    }
}

/// The stacks that one machine keeps.
#[derive(Default)]
pub(crate) struct Stacks(Mutex<Vec<Stack>>);

impl Stacks {
    /// Takes the present stack and keeps it.
    #[cold]
    pub(crate) fn keep(&self) -> StackId {
        let stack = Stack::capture();
        let mut kept = self.0.lock();
        kept.push(stack);
        StackId(kept.len() as u32)
    }

    pub(crate) fn get(&self, id: StackId) -> Stack {
        let kept = self.0.lock();
        (id.0 as usize).checked_sub(1).and_then(|n| kept.get(n)).cloned().unwrap_or_default()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Stack {
    /// The stack of the calling code.
    #[must_use]
    pub fn capture() -> Stack {
        let mut addresses = Vec::with_capacity(32);
        backtrace::trace(|frame| {
            let address = frame.ip() as usize;
            addresses.push(address);
            if let Some(foreign) = FOREIGN.get() {
                addresses.extend((foreign.frames_behind)(address, frame.sp() as usize));
            }
            addresses.len() < DEPTH_MAX
        });
        Stack(addresses.into())
    }

    /// The stack of code that was interrupted at `instruction`, on top of which the calling code runs. If
    /// nothing leads there, the interrupted instruction alone. `is_return`: it is a return address.
    pub(crate) fn interrupted_at(instruction: usize, is_return: bool) -> Stack {
        let Stack(all) = Stack::capture();
        let at = all.iter().position(|address| *address == instruction);
        let mut addresses: Vec<usize> = at.map_or_else(|| vec![instruction], |at| all[at..].to_vec());
        // A frame is named by what lies before its address: here that is to be the instruction itself.
        addresses[0] = instruction.wrapping_add(usize::from(!is_return));
        Stack(addresses.into())
    }

    /// The same stack, with foreign frames on top of it.
    pub(crate) fn under(self, mut frames: Vec<usize>) -> Stack {
        frames.extend(self.0);
        Stack(frames.into())
    }

    /// A stack that was walked elsewhere.
    pub(crate) fn of(addresses: Vec<usize>) -> Stack {
        Stack(addresses.into())
    }

    /// Whose code was running, as far as debug information tells.
    pub(crate) fn blame(&self) -> Blame {
        let mut blame = Blame::default();
        self.each_frame(|whose, frame| {
            match whose {
                Whose::Library => {}
                Whose::Own => blame.own = blame.own.take().or(Some(frame)),
                Whose::Driver => blame.driver = Some(frame),
            }
            blame.driver.is_none()
        });
        blame
    }

    /// The files that its frames lie in.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        self.each_frame(|_, frame| {
            files.push(frame.file);
            true
        });
        files
    }

    /// Whether none was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The frames of code that is not the simulator's, the standard library's or a registry crate's,
    /// innermost first: the driver's. Empty where the program carries no debug information.
    #[must_use]
    pub fn driver_frames(&self) -> Vec<StackFrame> {
        let mut frames = Vec::new();
        self.each_frame(|whose, frame| {
            if whose == Whose::Driver {
                frames.push(frame);
            }
            true
        });
        frames
    }

    /// Tells of each frame that has a line, innermost first, until `told` returns false.
    fn each_frame(&self, mut told: impl FnMut(Whose, StackFrame) -> bool) {
        // Below the bottom of the fiber lies whatever started the machine.
        let mut is_over = false;
        for address in &self.0 {
            if is_over {
                break;
            }
            if let Some(frames) = FOREIGN.get().and_then(|foreign| (foreign.frames_of)(*address)) {
                is_over = frames.into_iter().any(|frame| !told(Whose::Driver, frame));
                continue;
            }
            backtrace::resolve(*address as *mut _, |symbol| {
                let (Some(name), Some(file), Some(line)) =
                    (symbol.name(), symbol.filename(), symbol.lineno())
                else {
                    return;
                };
                let file = file.to_string_lossy().replace('\\', "/");
                let whose = match () {
                    () if own_sources::is_own(&file) => Whose::Own,
                    () if is_library(&file) || !program::contains(*address) => Whose::Library,
                    () => Whose::Driver,
                };
                let is_bottom = whose == Whose::Own && file.ends_with("/fiber.rs");
                if is_over {
                    return;
                }
                // `{:#}` leaves out the hash.
                let function = format!("{name:#}");
                let column = symbol.colno().unwrap_or(1);
                is_over = !told(whose, StackFrame { function, file, line, column }) || is_bottom;
            });
        }
    }
}

fn is_library(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/registry/src/") || file.contains("/rustlib/src/")
}

impl PartialEq for StackId {
    /// Always: as for the stack it names.
    fn eq(&self, _: &StackId) -> bool {
        true
    }
}

impl Eq for StackId {}

impl std::fmt::Debug for StackId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StackId")
    }
}

impl PartialEq for Stack {
    /// Always: where code was called from says nothing about what was found.
    fn eq(&self, _: &Stack) -> bool {
        true
    }
}

impl Eq for Stack {}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stack")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_gives_back_the_stack_it_kept() {
        let stacks = Stacks::default();
        let id = stacks.keep();
        assert!(!stacks.get(id).is_empty() && stacks.get(StackId::NONE).is_empty());
        stacks.clear();
        assert!(stacks.get(id).is_empty());
    }
}

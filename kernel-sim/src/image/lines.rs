//! From places in an image to lines of its source, by the DWARF in the file.
//!
//! A file without debug information has no lines: its places are named by the image and the offset.
//! Invariant: the same place has the same name in every run.

use crate::stack::StackFrame;
use parking_lot::Mutex;
use std::rc::Rc;

type Reader = gimli::EndianRcSlice<gimli::LittleEndian>;

/// The lines of one image.
pub(super) struct Lines {
    preferred: u64,
    /// Names and contents of the sections with debug information, until it is asked for.
    context: Mutex<State>,
}

enum State {
    Sections(Vec<(String, Vec<u8>)>),
    Ready(Option<Held>),
}

struct Held(addr2line::Context<Reader>);

// SAFETY: its reference counts are the context's own; the context is reached under the mutex only, and
// nothing that is handed out shares them.
#[expect(unsafe_code, reason = "a context with reference counts behind a mutex")]
unsafe impl Send for Held {}

impl Lines {
    pub(super) fn new(preferred: u64, sections: Vec<(String, Vec<u8>)>) -> Lines {
        Lines { preferred, context: Mutex::new(State::Sections(sections)) }
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&*self.context.lock(), State::Sections(sections) if sections.is_empty())
    }

    /// The source files that its functions lie in, in order.
    pub(super) fn files(&self) -> Vec<String> {
        let mut state = self.context.lock();
        if let State::Sections(sections) = &*state {
            *state = State::Ready(read(sections));
        }
        let State::Ready(Some(Held(context))) = &*state else { return Vec::new() };
        let Ok(locations) = context.find_location_range(0, u64::MAX) else { return Vec::new() };
        let mut files: Vec<String> =
            locations.filter_map(|(_, _, location)| location.file.map(tidy)).collect();
        files.sort();
        files.dedup();
        files
    }

    /// What lies before `place` (a return address): functions, innermost inlined one first.
    pub(super) fn frames(&self, image: &str, place: usize) -> Vec<StackFrame> {
        let mut state = self.context.lock();
        if let State::Sections(sections) = &*state {
            *state = State::Ready(read(sections));
        }
        let State::Ready(Some(Held(context))) = &*state else { return vec![nameless(image, place)] };
        let address = (self.preferred + place as u64).wrapping_sub(1);
        let mut found = Vec::new();
        let Ok(mut frames) = context.find_frames(address).skip_all_loads() else {
            return vec![nameless(image, place)];
        };
        while let Ok(Some(frame)) = frames.next() {
            let Some(location) = frame.location else { continue };
            let (Some(file), line) = (location.file, location.line.unwrap_or(0)) else { continue };
            let function = frame.function.and_then(|f| f.demangle().ok().map(|name| name.into_owned()));
            found.push(StackFrame {
                function: function.unwrap_or_else(|| format!("{image}+{place:#x}")),
                file: tidy(file),
                line: if line == 0 { nearest_line(context, address, self.preferred) } else { line },
                column: location.column.unwrap_or(0).max(1),
            });
        }
        if found.is_empty() { vec![nameless(image, place)] } else { found }
    }
}

/// Compilers say line 0 of code that belongs to no line; the last one before it is near.
fn nearest_line(context: &addr2line::Context<Reader>, address: u64, floor: u64) -> u32 {
    const BYTES_BACK: u64 = 256;
    let before = (address.saturating_sub(BYTES_BACK).max(floor)..address).rev();
    let line = |address| context.find_location(address).ok().flatten().and_then(|location| location.line);
    before.into_iter().find_map(|address| line(address).filter(|line| *line != 0)).unwrap_or(1)
}

fn nameless(image: &str, place: usize) -> StackFrame {
    StackFrame { function: format!("{image}+{place:#x}"), file: image.to_owned(), line: 1, column: 1 }
}

/// Without what leads from a directory to itself, and with one kind of separator.
fn tidy(file: &str) -> String {
    let file = file.replace('\\', "/");
    file.strip_prefix("./").map_or_else(|| file.clone(), str::to_owned)
}

fn read(sections: &[(String, Vec<u8>)]) -> Option<Held> {
    let load = |id: gimli::SectionId| -> Result<Reader, gimli::Error> {
        let found = sections.iter().find(|(name, _)| name == id.name());
        let bytes = found.map_or(&[][..], |(_, bytes)| bytes.as_slice());
        Ok(Reader::new(Rc::from(bytes), gimli::LittleEndian))
    };
    let dwarf = gimli::Dwarf::load(load).ok()?;
    addr2line::Context::from_dwarf(dwarf).ok().map(Held)
}

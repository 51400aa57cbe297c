//! A PE file, parsed and checked once: everything that mapping it needs.
//!
//! Invariant: whatever a parsed image names (sections, relocations, import slots, functions) lies inside it.

use super::access;
use super::export::{Export, exported};
use super::lines::Lines;
use super::map::IMAGE_BYTES_MAX;
use super::registry;
use crate::site::{AtomicSite, Site};
use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_EXCEPTION, IMAGE_REL_BASED_ABSOLUTE, IMAGE_REL_BASED_DIR64, ImageNtHeaders64,
};
use object::read::pe::{ImageOptionalHeader, Import, PeFile64};
use object::{Object, ObjectSection};
use std::path::Path;

/// Why a file is no image that can be loaded: completes "FILE: ".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAnImage(String);

impl NotAnImage {
    fn new(why: impl std::fmt::Display) -> NotAnImage {
        NotAnImage(why.to_string())
    }
}

impl std::fmt::Display for NotAnImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotAnImage {}

/// Machine types of PE files.
const IMAGE_FILE_MACHINE_AMD64: u16 = 0x8664;
const IMAGE_SCN_MEM_EXECUTE: u32 = 0x2000_0000;
const IMAGE_SCN_MEM_WRITE: u32 = 0x8000_0000;

/// A part of an image.
pub(super) struct Section {
    pub(super) begin: usize,
    pub(super) bytes: usize,
    pub(super) writes: bool,
    pub(super) runs: bool,
}

/// An imported routine.
pub(super) struct ImportedRoutine {
    /// Where its address is put.
    pub(super) slots: Vec<usize>,
    pub(super) name: String,
    /// What it leads to, if there is such a routine here.
    pub(super) export: Option<Export>,
}

/// A function, as the unwind tables have it.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) begin: u32,
    pub(super) end: u32,
    pub(super) unwind: u32,
}

/// A driver as a file, parsed. Kept as long as the process lives.
pub struct Image {
    pub(super) number: usize,
    name: String,
    file: Vec<u8>,
    /// Its bytes as the file has them, each section in its place.
    pub(super) pristine: Vec<u8>,
    /// The address it was linked for.
    pub(super) preferred: u64,
    /// Where it holds addresses of its own.
    pub(super) relocations: Vec<usize>,
    pub(super) imports: Vec<ImportedRoutine>,
    pub(super) sections: Vec<Section>,
    pub(super) entry: usize,
    is_instrumented: bool,
    functions: Vec<Function>,
    pub(super) lines: Lines,
    /// The lines of places that were asked for.
    sites: Vec<AtomicSite>,
}

impl Image {
    /// Parses the bytes of a file of that name.
    ///
    /// # Errors
    /// When they are no driver for x64 that can be loaded here: says why, in one line.
    pub fn load(path: &Path, bytes: Vec<u8>) -> Result<&'static Image, NotAnImage> {
        let name =
            path.file_name().map_or_else(|| "image".to_owned(), |name| name.to_string_lossy().into_owned());
        let mut image = Parser { bytes: &bytes, file: parse(&bytes)? }.image(name)?;
        image.file = bytes;
        super::export::export([]);
        for import in &mut image.imports {
            import.export = exported(&import.name);
        }
        let is_instrumented = image.imports().any(|name| name == access::MARK);
        image.is_instrumented = is_instrumented;
        Ok(registry::keep(image))
    }

    /// The name of its file, without directories.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of its file.
    #[must_use]
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// Names of imported routines that are not here: a call of one ends the run as a limit of the simulator.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.imports.iter().filter(|i| i.export.is_none()).map(|i| i.name.as_str()).collect()
    }

    /// Whether it calls before each access of memory that could be shared.
    #[must_use]
    pub fn is_instrumented(&self) -> bool {
        self.is_instrumented
    }

    /// Names of the routines it imports.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(|import| import.name.as_str())
    }

    /// Whether it carries lines of its source.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Source files that its calls lie in.
    #[must_use]
    pub fn source_files(&self) -> Vec<String> {
        self.lines.files()
    }

    /// The line of what lies before `place`: the innermost that is in no header, since inline functions of
    /// headers stand for what their callers do.
    #[inline]
    pub(super) fn site(&self, place: usize) -> Site {
        let Some(kept) = self.sites.get(place) else { return Site::intern(&self.name, 1, 1) };
        kept.load().unwrap_or_else(|| {
            let site = self.find_site(place);
            kept.store(Some(site));
            site
        })
    }

    #[cold]
    fn find_site(&self, place: usize) -> Site {
        let frames = self.lines.frames(&self.name, place);
        let in_source = frames.iter().find(|frame| !frame.file.ends_with(".h"));
        match in_source.or(frames.first()) {
            Some(frame) => Site::intern(&frame.file, frame.line, frame.column),
            None => Site::intern(&self.name, 1, 1),
        }
    }

    /// The function that a place lies in, unless it is one without a frame.
    pub(super) fn function_at(&self, place: u32) -> Option<Function> {
        let after = self.functions.partition_point(|function| function.begin <= place);
        let function = *self.functions.get(after.checked_sub(1)?)?;
        (place < function.end).then_some(function)
    }

    /// Bytes of it as the file has them.
    pub(super) fn bytes_at(&self, place: u32, bytes: u32) -> Option<&[u8]> {
        self.pristine.get(place as usize..)?.get(..bytes as usize)
    }
}

fn parse(bytes: &[u8]) -> Result<PeFile64<'_>, NotAnImage> {
    if !bytes.starts_with(b"MZ") {
        return Err(NotAnImage::new("not a PE file"));
    }
    // A file for 32 bits has another optional header, which the parser for 64 bits calls broken.
    if let Ok(file) = object::read::pe::PeFile32::parse(bytes) {
        let machine = file.nt_headers().file_header.machine.get(LE).0;
        return Err(NotAnImage::new(format!(
            "a 32-bit PE file (machine {machine:#x}); drivers here are x64"
        )));
    }
    let file = PeFile64::parse(bytes).map_err(|e| NotAnImage::new(format!("a broken PE file: {e}")))?;
    let machine = file.nt_headers().file_header.machine.get(LE).0;
    if machine != IMAGE_FILE_MACHINE_AMD64 {
        return Err(NotAnImage::new(format!(
            "a PE file for machine {machine:#x}; drivers here are x64 (0x8664)"
        )));
    }
    Ok(file)
}

struct Parser<'a> {
    bytes: &'a [u8],
    file: PeFile64<'a>,
}

fn broken(e: object::Error) -> NotAnImage {
    NotAnImage::new(format!("a broken PE file: {e}"))
}

impl Parser<'_> {
    fn image(&self, name: String) -> Result<Image, NotAnImage> {
        let header = &self.file.nt_headers().optional_header;
        let size = header.size_of_image() as usize;
        if size == 0 || size > IMAGE_BYTES_MAX {
            return Err(NotAnImage::new(format!(
                "an image of {size} bytes; at most {IMAGE_BYTES_MAX} fit into a machine"
            )));
        }
        let mut pristine = vec![0; size];
        let sections = self.sections(&mut pristine)?;
        let entry = header.address_of_entry_point() as usize;
        if !sections.iter().any(|s| s.runs && (s.begin..s.begin + s.bytes).contains(&entry)) {
            return Err(NotAnImage::new("a PE file whose entry point lies in no code: not a driver"));
        }
        let imports = self.imports(size)?;
        if imports.is_empty() {
            return Err(NotAnImage::new("a PE file that imports no routine: not a driver"));
        }
        let preferred = header.image_base();
        let debug = self.file.sections().filter_map(|section| {
            let name = section.name().ok().filter(|name| name.starts_with(".debug_"))?;
            Some((name.to_owned(), section.data().ok()?.to_vec()))
        });
        Ok(Image {
            number: 0,
            name,
            file: Vec::new(),
            preferred,
            relocations: self.relocations(size)?,
            imports,
            sections,
            entry,
            is_instrumented: false,
            functions: self.functions(&pristine),
            lines: Lines::new(preferred, debug.collect()),
            sites: (0..size).map(|_| AtomicSite::default()).collect(),
            pristine,
        })
    }

    /// The sections, copied to their places.
    fn sections(&self, pristine: &mut [u8]) -> Result<Vec<Section>, NotAnImage> {
        let headers = self.file.nt_headers().optional_header.size_of_headers() as usize;
        let head = headers.min(self.bytes.len()).min(pristine.len());
        pristine[..head].copy_from_slice(&self.bytes[..head]);
        let mut sections = Vec::new();
        for section in self.file.section_table().iter() {
            let begin = section.virtual_address.get(LE) as usize;
            let bytes = section.virtual_size.get(LE) as usize;
            let raw = section.pe_data(self.bytes).map_err(broken)?;
            let flags = section.characteristics.get(LE).0;
            if !begin.is_multiple_of(super::map::PAGE)
                || begin.checked_add(bytes).is_none_or(|end| end > pristine.len())
            {
                // Whatever its bytes are, it is one word of one line.
                let name = section.raw_name().escape_ascii();
                return Err(NotAnImage::new(format!(
                    "a broken PE file: section {name} lies outside the image"
                )));
            }
            let known = raw.len().min(bytes);
            pristine[begin..begin + known].copy_from_slice(&raw[..known]);
            sections.push(Section {
                begin,
                bytes,
                writes: flags & IMAGE_SCN_MEM_WRITE != 0,
                runs: flags & IMAGE_SCN_MEM_EXECUTE != 0,
            });
        }
        Ok(sections)
    }

    fn relocations(&self, size: usize) -> Result<Vec<usize>, NotAnImage> {
        let mut found = Vec::new();
        let directories = self.file.data_directories();
        let blocks = directories.relocation_blocks(self.bytes, &self.file.section_table()).map_err(broken)?;
        let Some(mut blocks) = blocks else { return Ok(found) };
        while let Some(block) = blocks.next().map_err(broken)? {
            for relocation in block {
                let place = relocation.virtual_address as usize;
                match relocation.typ {
                    IMAGE_REL_BASED_ABSOLUTE => {}
                    IMAGE_REL_BASED_DIR64 if place + 8 <= size => found.push(place),
                    kind => {
                        return Err(NotAnImage::new(format!(
                            "a broken PE file: relocation of type {kind:?} at {place:#x}"
                        )));
                    }
                }
            }
        }
        Ok(found)
    }

    fn imports(&self, size: usize) -> Result<Vec<ImportedRoutine>, NotAnImage> {
        let mut found: Vec<ImportedRoutine> = Vec::new();
        let Some(table) = self.file.import_table().map_err(broken)? else { return Ok(found) };
        let mut libraries = table.descriptors().map_err(broken)?;
        while let Some(library) = libraries.next().map_err(broken)? {
            let mut slot = library.first_thunk.get(LE) as usize;
            let names = match library.original_first_thunk.get(LE) {
                0 => library.first_thunk.get(LE),
                names => names,
            };
            let mut thunks = table.thunks(names).map_err(broken)?;
            while let Some(thunk) = thunks.next::<ImageNtHeaders64>().map_err(broken)? {
                let name = match table.import::<ImageNtHeaders64>(thunk).map_err(broken)? {
                    Import::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
                    Import::Ordinal(number) => {
                        let library = table.name(library.name.get(LE)).map_err(broken)?;
                        format!("#{number} of {}", String::from_utf8_lossy(library))
                    }
                };
                if slot.checked_add(8).is_none_or(|end| end > size) {
                    return Err(NotAnImage::new(format!(
                        "a broken PE file: the slot of import {name} lies outside"
                    )));
                }
                match found.iter_mut().find(|import| import.name == name) {
                    Some(known) => known.slots.push(slot),
                    None => found.push(ImportedRoutine { slots: vec![slot], name, export: None }),
                }
                slot += 8;
            }
        }
        Ok(found)
    }

    /// The functions of the unwind tables. A broken table is as good as none: stacks are shorter then.
    fn functions(&self, pristine: &[u8]) -> Vec<Function> {
        let Some(directory) = self.file.data_directory(IMAGE_DIRECTORY_ENTRY_EXCEPTION) else {
            return Vec::new();
        };
        let (begin, bytes) = directory.address_range();
        let table = pristine.get(begin as usize..).and_then(|rest| rest.get(..bytes as usize)).unwrap_or(&[]);
        let mut functions: Vec<Function> = table
            .chunks_exact(12)
            .map(|row| {
                let word = |n: usize| u32::from_le_bytes([row[n], row[n + 1], row[n + 2], row[n + 3]]);
                Function { begin: word(0), end: word(4), unwind: word(8) }
            })
            .filter(|function| function.begin < function.end)
            .collect();
        functions.sort_by_key(|function| function.begin);
        functions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why_not(bytes: &[u8]) -> String {
        match Image::load(Path::new("odd.sys"), bytes.to_vec()) {
            Ok(_) => "loaded".into(),
            Err(why) => why.to_string(),
        }
    }

    /// A file with a header for a machine and an optional header of a kind, and nothing else.
    fn header(machine: u16, magic: u16) -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3C] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        bytes[0x84..0x86].copy_from_slice(&machine.to_le_bytes());
        bytes[0x94] = 0xF0;
        bytes[0x98..0x9A].copy_from_slice(&magic.to_le_bytes());
        bytes
    }

    #[test]
    fn what_is_no_driver_for_x64_is_refused_in_a_line() {
        assert_eq!(why_not(b""), "not a PE file");
        assert_eq!(why_not(b"\x7fELF"), "not a PE file");
        assert!(why_not(b"MZ").starts_with("a broken PE file: "));
        assert_eq!(why_not(&header(0x14C, 0x10B)), "a 32-bit PE file (machine 0x14c); drivers here are x64");
        assert_eq!(
            why_not(&header(0xAA64, 0x20B)),
            "a PE file for machine 0xaa64; drivers here are x64 (0x8664)"
        );
        assert!(why_not(&header(0x8664, 0x20B)).starts_with("an image of 0 bytes"));
    }
}

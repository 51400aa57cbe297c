//! The images of this process, by number, and what an address in one of them is.
//!
//! A machine and its memory come and go, an image stays. So a stack keeps a frame of an image as a mark, the
//! image's number and the place in it, which means the same in every machine and after its end.

use super::parse::Image;
use super::unwind::frames_behind;
use crate::processor::Processor;
use crate::site::Site;
use crate::stack::{FOREIGN, Foreign, StackFrame};
use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether there is one.
static ANY: AtomicBool = AtomicBool::new(false);
static IMAGES: RwLock<Vec<&'static Image>> = RwLock::new(Vec::new());

/// No address of the host has this bit.
const MARK: usize = 1 << 63;

/// Keeps an image for ever; returns it with its number.
pub(super) fn keep(mut image: Image) -> &'static Image {
    // Set once, and to the same.
    let _ = FOREIGN.set(Foreign { frames_behind, frames_of });
    let mut images = IMAGES.write();
    image.number = images.len();
    let image: &'static Image = Box::leak(Box::new(image));
    images.push(image);
    ANY.store(true, Relaxed);
    image
}

/// Whether this process has loaded an image.
#[inline]
pub(super) fn are_any() -> bool {
    ANY.load(Relaxed)
}

/// The name of an image's import.
pub(super) fn import_name(image: usize, import: usize) -> String {
    let images = IMAGES.read();
    let import = images.get(image).and_then(|image| image.imports.get(import));
    import.map_or_else(|| "an import".to_owned(), |import| import.name.clone())
}

/// The frame of code at `address`, to be kept in a stack, if that is code of the present machine's image.
pub(super) fn frame_at(address: usize) -> Option<usize> {
    let mapped = Processor::current().mapped_image()?;
    let place = mapped.place_of(address)?;
    Some(MARK | mapped.image().number << 32 | place)
}

/// The source lines of a word of a stack that is a frame of an image, innermost inlined function first.
fn frames_of(word: usize) -> Option<Vec<StackFrame>> {
    if word & MARK == 0 {
        return None;
    }
    let images = IMAGES.read();
    let image = images.get((word & !MARK) >> 32)?;
    Some(image.lines.frames(image.name(), word & 0xFFFF_FFFF))
}

/// The line of the call that returns to `address`.
#[inline]
pub(super) fn site_of_return(address: usize) -> Site {
    let mapped = Processor::current().mapped_image();
    match mapped.and_then(|mapped| Some((mapped.image(), mapped.place_of(address)?))) {
        Some((image, place)) => image.site(place),
        None => Site::caller(),
    }
}

//! Which addresses are code or constants of the program itself, and not of a library of the host's.
//!
//! Code of a library may hold a lock of the library (of its allocator, say), and cannot be left where it is;
//! and it is no driver's, whatever its debug information says. A driver that is a part of the program has its
//! literals in the program's read-only memory, as a driver of Windows has them in its image; what can be
//! written is no driver's (globals outlive the machine). Invariant: as long as nothing is known, all
//! code is the program's, and nothing is a constant.

#![expect(unsafe_code, reason = "reads the program headers")]

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static BEGIN: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);
/// The program's read-only memory: what is linked so, and what is closed once addresses are filled in (a
/// constant that holds a pointer).
static CONSTANTS: OnceLock<Vec<Range<usize>>> = OnceLock::new();

/// Whether the program's code is there; true as long as it was not found. May be called in a signal handler.
pub(crate) fn contains(address: usize) -> bool {
    let end = END.load(Relaxed);
    end == 0 || (BEGIN.load(Relaxed)..end).contains(&address)
}

/// Whether so many bytes at an address are the program's, and can be read but never written. Not for signal
/// handlers.
pub(crate) fn is_constant(address: usize, bytes: usize) -> bool {
    find();
    let Some(end) = address.checked_add(bytes) else { return false };
    CONSTANTS.get().is_some_and(|all| all.iter().any(|range| range.start <= address && end <= range.end))
}

/// Finds out where the program's code and its constants are.
pub(crate) fn find() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callback keeps to the list it is given.
        #[cfg(target_os = "linux")]
        unsafe {
            libc::dl_iterate_phdr(Some(visit), std::ptr::null_mut());
        }
    });
}

#[cfg(target_os = "linux")]
unsafe extern "C" fn visit(
    info: *mut libc::dl_phdr_info,
    _: libc::size_t,
    _: *mut libc::c_void,
) -> libc::c_int {
    let here = find as *const () as usize;
    // SAFETY: the list is the host's, valid during the call.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr as usize, std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)))
    };
    let place = |h: &libc::Elf64_Phdr| {
        let begin = base + h.p_vaddr as usize;
        begin..begin + h.p_memsz as usize
    };
    let mut loaded = headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
    let Some(code) = loaded.find(|h| h.p_flags & libc::PF_X != 0 && place(h).contains(&here)) else {
        return 0;
    };
    BEGIN.store(place(code).start, Relaxed);
    END.store(place(code).end, Relaxed);
    let is_constant = |h: &&libc::Elf64_Phdr| {
        h.p_type == libc::PT_GNU_RELRO
            || h.p_type == libc::PT_LOAD && h.p_flags & (libc::PF_R | libc::PF_W) == libc::PF_R
    };
    // It is this object, and there is one of it: nothing was stored before.
    let _ = CONSTANTS.set(headers.iter().filter(is_constant).map(place).collect());
    0
}

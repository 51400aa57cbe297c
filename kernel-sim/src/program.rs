//! Which addresses are code of the program itself, and not of a library of the host's.
//!
//! Code of a library may hold a lock of the library (of its allocator, say), and cannot be left where it is;
//! and it is no driver's, whatever its debug information says. Invariant: as long as nothing is known, all
//! code is the program's.

#![expect(unsafe_code, reason = "reads the program headers")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static BEGIN: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Whether the program's code is there; true as long as it was not found. May be called in a signal handler.
pub(crate) fn contains(address: usize) -> bool {
    let end = END.load(Relaxed);
    end == 0 || (BEGIN.load(Relaxed)..end).contains(&address)
}

/// Finds out where the program's code is.
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
    let code = headers.iter().filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_X != 0);
    for header in code {
        let begin = base + header.p_vaddr as usize;
        let end = begin + header.p_memsz as usize;
        if (begin..end).contains(&here) {
            BEGIN.store(begin, Relaxed);
            END.store(end, Relaxed);
        }
    }
    0
}

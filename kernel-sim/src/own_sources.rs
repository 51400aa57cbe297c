//! Which source files are the simulator's own.
//!
//! A panic raised in one of them is a failure of the simulator, and a frame of a call stack that lies in one
//! is no driver's. Each crate of the simulator names its own directory; no crate knows the directories of
//! those above it. Files of the standard library and of other packages are not listed here. Invariant: the
//! list only grows.

use parking_lot::RwLock;

/// Directories, as the compiler names them, each with its last separator. This crate's own is not among them.
static DIRECTORIES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// Registers the directory of a crate's root file as the simulator's own.
///
/// A crate does it for itself, before any of its code runs on a machine, in its `lib.rs`:
/// `kernel_sim::own_sources::register(file!())`. Doing it again changes nothing.
pub fn register(root_file: &'static str) {
    let directory = directory_of(root_file);
    if !directory.is_empty() && !DIRECTORIES.read().contains(&directory) {
        DIRECTORIES.write().push(directory);
    }
}

/// Whether a source file, named as the compiler or as debug information names it, is the simulator's own.
pub(crate) fn is_own(file: &str) -> bool {
    is_in(file, directory_of(file!())) || DIRECTORIES.read().iter().any(|directory| is_in(file, directory))
}

/// What the debug information's name of one of the simulator's own files has in front of the compiler's.
pub(crate) fn root_of(file: &str) -> Option<&str> {
    let root_in = |directory: &str| Some(&file[..file.find(directory)?]).filter(|_| is_in(file, directory));
    root_in(directory_of(file!())).or_else(|| DIRECTORIES.read().iter().find_map(|d| root_in(d)))
}

/// The path up to its last separator, which stays.
fn directory_of(file: &str) -> &str {
    &file[..file.rfind(['/', '\\']).map_or(0, |at| at + 1)]
}

/// Whether `directory` leads to the file, from its root or from any directory above it: debug information has
/// absolute paths where the compiler's are relative to the workspace.
fn is_in(file: &str, directory: &str) -> bool {
    file.match_indices(directory).any(|(at, _)| at == 0 || file[..at].ends_with(['/', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_own_once_its_crate_has_registered() {
        assert!(is_own(file!()));
        assert!(!is_own("upper-sim/src/port/start.rs"));
        register("upper-sim/src/lib.rs");
        assert!(is_own("upper-sim/src/port/start.rs"));
        assert!(is_own("/home/someone/storage/upper-sim/src/lib.rs"));
    }

    #[test]
    fn a_directory_that_only_ends_alike_is_not_own() {
        register("port-sim/src/lib.rs");
        assert!(!is_own("my-port-sim/src/lib.rs"));
        assert!(!is_own("port-sim/tests/rig.rs"));
    }
}

//! The name of the program that runs, which is mostly a driver author's own.

use std::path::Path;

/// The name where the host gives none.
const NAME_DEFAULT: &str = "storsim";

/// The file name of the program that was started, for the commands that reports and messages print.
pub(crate) fn program_name() -> String {
    let started = std::env::args_os().next();
    let name = started.as_deref().map(Path::new).and_then(Path::file_name);
    name.map_or_else(|| NAME_DEFAULT.to_owned(), |name| name.to_string_lossy().into_owned())
}

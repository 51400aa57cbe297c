//! The line of a fault, named as the compiler names it.
//!
//! Debug information has absolute paths, everything else here those of the compiler: relative to the
//! workspace that was built. What leads from one to the other is any file known by both names.

use crate::own_sources;
use crate::processor::Processor;
use crate::site::Site;
use crate::stack::{Stack, StackFrame};
use std::sync::OnceLock;

/// The site of a frame of `stack`, which `cpu` ran.
pub(super) fn site(cpu: &Processor, stack: &Stack, frame: &StackFrame) -> Site {
    let last = std::iter::successors(Some(cpu.frame()), |f| f.outer()).find_map(|f| f.last_site());
    let known = [last, cpu.call.get().map(|(_, site)| site)];
    let known = known.into_iter().flatten().map(|site| site.file());
    let files = stack.files();
    let root = known
        .flat_map(|short| files.iter().filter_map(move |long| root_of(long, short)))
        .chain(own_root())
        .find(|root| frame.file.starts_with(*root));
    let file = root.map_or(frame.file.as_str(), |root| &frame.file[root.len()..]);
    Site::intern(file, frame.line, frame.column)
}

/// The workspace that this crate was built in: that of the driver too, unless it was built elsewhere.
fn own_root() -> Option<&'static str> {
    static ROOT: OnceLock<Option<String>> = OnceLock::new();
    let find = || {
        let here = Stack::of(vec![own_root as *const () as usize + 1]);
        here.files().iter().find_map(|file| own_sources::root_of(file)).map(str::to_owned)
    };
    ROOT.get_or_init(find).as_deref()
}

/// The directory in which `long` is called `short`, with its last separator.
fn root_of<'a>(long: &'a str, short: &str) -> Option<&'a str> {
    long.strip_suffix(short).filter(|root| root.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_what_a_file_has_in_front_of_its_shorter_name() {
        assert_eq!(root_of("/home/a/drivers/src/odd.rs", "src/odd.rs"), Some("/home/a/drivers/"));
        assert_eq!(root_of("/home/a/drivers/src/odd.rs", "rc/odd.rs"), None);
        assert_eq!(root_of("/home/a/drivers/src/odd.rs", "src/even.rs"), None);
    }
}

//! Names from the driver's source, for reports: a lock by its argument, a `Shared` field by its name.
//!
//! It reads the quoted line as text and knows no Rust; where a line is not of the form expected there is no
//! name, and the report shows what the machine knows.

use crate::driver::Driver;
use kernel_sim::held::HeldLock;

/// The line of a source file that the driver brings.
pub(super) fn line(driver: &Driver, file: &str, line: u32) -> Option<&'static str> {
    // A fault's file may be known by its absolute path only.
    let is_it =
        |path: &str| file.strip_suffix(path).is_some_and(|root| root.is_empty() || root.ends_with('/'));
    let source = driver.sources.iter().find(|source| is_it(source.path))?;
    source.text.lines().nth(line.checked_sub(1)? as usize)
}

/// A file of debug information as the driver's sources name it, or its last parts.
pub(super) fn known(driver: &Driver, file: &str) -> String {
    let known = driver.sources.iter().map(|source| source.path).find(|path| file.ends_with(path));
    known.map_or_else(
        || {
            let parts: Vec<_> = file.rsplit('/').take(3).collect();
            parts.into_iter().rev().collect::<Vec<_>>().join("/")
        },
        str::to_owned,
    )
}

/// The name of the system's lock for cancellation, which has none in a driver's source.
pub(super) const CANCEL_LOCK: &str = "the cancel spin lock";

/// The argument by which a held lock was taken, as the source has it; else its address.
pub(super) fn lock(driver: &Driver, lock: &HeldLock) -> String {
    let at = lock.site;
    let position = match lock.routine.name {
        "IoAcquireCancelSpinLock" | "IoCancelIrp" => return CANCEL_LOCK.to_owned(),
        "StorPortAcquireSpinLock" | "StorPortAcquireSpinLockEx" => 1,
        _ => 0,
    };
    let name = line(driver, at.file(), at.line()).and_then(|text| {
        argument(text, at.column(), lock.routine.name, position).or_else(|| locked(text, at.column()))
    });
    name.unwrap_or_else(|| kernel_sim::report_address(lock.address))
}

/// An argument of the call of `routine` at a column, counted from zero.
fn argument(line: &str, column: u32, routine: &str, position: usize) -> Option<String> {
    let call = line.get(column.checked_sub(1)? as usize..)?;
    let mut arguments = call.strip_prefix(routine)?.strip_prefix('(')?;
    for _ in 0..position {
        arguments = &arguments[end_of_argument(arguments)? + 1..];
    }
    let name = arguments[..end_of_argument(arguments)?].trim();
    let name =
        ["&raw mut ", "&raw const ", "&mut ", "&"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Where the first of these arguments ends.
fn end_of_argument(arguments: &str) -> Option<usize> {
    let mut depth = 0_u32;
    arguments.find(|c| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' if depth != 0 => depth -= 1,
            ')' | ',' if depth == 0 => return true,
            _ => {}
        }
        false
    })
}

/// The field that is locked by the method called at a column: `list` of `self.list.lock()`.
fn locked(line: &str, column: u32) -> Option<String> {
    let call = line.get(column.checked_sub(1)? as usize..)?;
    call.starts_with("lock(").then(|| receiver(line, column))?.map(str::to_owned)
}

/// The field whose method is called at a column: `Busy` of `(*Extension).Busy.get()`.
pub(super) fn receiver(line: &str, column: u32) -> Option<&str> {
    let before = line.get(..column.checked_sub(1)? as usize)?.strip_suffix('.')?;
    let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
    let name = &before[start..];
    name.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_called_as_its_argument() {
        let line = "    KeAcquireSpinLock(&raw mut (*Ordered).Locks[0], &mut irql);";
        assert_eq!(argument(line, 5, "KeAcquireSpinLock", 0).as_deref(), Some("(*Ordered).Locks[0]"));
        assert_eq!(argument(line, 5, "KeAcquireSpinLock", 1).as_deref(), Some("irql"));
        assert_eq!(argument(line, 5, "KeAcquireSpinLock", 2), None);
        assert_eq!(argument(line, 5, "KeAcquireSpinLockAtDpcLevel", 0), None);
        let line = "StorPortAcquireSpinLock(of(0, 1), StartIoLock, null_mut(), &raw mut handle);";
        assert_eq!(argument(line, 1, "StorPortAcquireSpinLock", 1).as_deref(), Some("StartIoLock"));
    }

    #[test]
    fn a_field_is_called_by_its_name() {
        let line = "    if (*Extension).Busy.get() != 0 {";
        assert_eq!(receiver(line, 26), Some("Busy"));
        assert_eq!(receiver("cells[0].get()", 10), None);
        assert_eq!(locked("self.list.lock();", 11).as_deref(), Some("list"));
        assert_eq!(locked("self.list.take();", 11), None);
    }
}

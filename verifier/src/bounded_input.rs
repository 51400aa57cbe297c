//! Input files that are read whole: never more of them than a file of this program can have.
//!
//! A disk image given by mistake is refused after its first bytes, or at the bound, instead of filling the
//! memory first. A pipe or a device, which may never end or never begin, is not opened at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that a file may have: far more than the longest schedule or the output of the longest campaign.
const BYTES_MAX: u64 = 1 << 30;
/// Bytes that are looked at first.
const HEAD_BYTES: usize = 4096;

/// The bytes of a file; of one that does not begin as its kind of file begins, the first bytes only.
///
/// # Errors
/// When it cannot be read, is no regular file, or is larger than any file of this program.
pub(crate) fn read(path: &Path, begins: impl FnOnce(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    read_from(File::open(path)?, begins)
}

/// As [`read`], from what is open already.
///
/// # Errors
/// As for [`read`].
pub(crate) fn read_from(input: impl Read, begins: impl FnOnce(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut input = input.take(BYTES_MAX + 1);
    let mut bytes = Vec::new();
    input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes)?;
    if !begins(&bytes) {
        return Ok(bytes);
    }
    input.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        let why = format!("larger than {} MiB", BYTES_MAX >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_otherwise_is_not_read_on() {
        let read = read_from(io::repeat(0), |head| head.starts_with(b"storsim")).unwrap();
        assert_eq!(read, [0; HEAD_BYTES]);
    }

    #[test]
    fn what_begins_rightly_is_read_whole() {
        let text = [b'x'; 3 * HEAD_BYTES];
        assert_eq!(read_from(&text[..], |head| head.starts_with(b"x")).unwrap(), text);
    }
}

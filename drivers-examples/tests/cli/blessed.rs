//! Files in `blessed/` that hold what was printed once and found good.

use std::path::Path;

/// Compares `text` with the blessed file; writes that instead under `STORSIM_BLESS`.
#[track_caller]
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/blessed").join(name);
    if std::env::var_os("STORSIM_BLESS").is_some() {
        std::fs::write(&path, text).expect("the blessed directory is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, found,
        "{name} differs; if the change is meant: STORSIM_BLESS=1 cargo test -p drivers-examples --test cli"
    );
}

//! Runs the program in a directory of its own, and reads what it says.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Every driver that breaks SpinLockSafe in every run: its name, the call, the routine that took the lock,
/// and the files in which both happen.
pub struct Broken {
    pub driver: &'static str,
    pub call: &'static str,
    pub routine: &'static str,
    pub file: &'static str,
}

pub const BROKEN: [Broken; 4] = [
    Broken {
        driver: "wdm-startio-complete-under-lock",
        call: "IoCompleteRequest",
        routine: "KeAcquireSpinLockAtDpcLevel",
        file: "drivers-examples/src/wdm_startio/complete_under_lock.rs",
    },
    Broken {
        driver: "wdm-startio-next-under-lock",
        call: "IoStartNextPacket",
        routine: "KeAcquireSpinLockAtDpcLevel",
        file: "drivers-examples/src/wdm_startio/next_under_lock.rs",
    },
    Broken {
        driver: "wdm-startio-complete-under-cancel-lock",
        call: "IoCompleteRequest",
        routine: "IoAcquireCancelSpinLock",
        file: "drivers-examples/src/wdm_startio/complete_under_cancel_lock.rs",
    },
    Broken {
        driver: "ramdisk-service-irp-under-lock",
        call: "IoCompleteRequest",
        routine: "KeAcquireSpinLockRaiseToDpc",
        file: "drivers-examples/src/ramdisk_service_irp_under_lock.rs",
    },
];

/// The drivers that no rule has anything to say about.
pub const CLEAN: [&str; 4] = ["wdm-startio", "ramdisk", "vioscsi", "ahci"];

/// `small`, or `large` under `STORSIM_SOAK`.
pub fn soak<T>(small: T, large: T) -> T {
    if std::env::var_os("STORSIM_SOAK").is_some() { large } else { small }
}

/// A directory to run `storsim` in; gone afterwards.
pub struct Desk {
    directory: TempDir,
}

/// What one call of `storsim` said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { directory: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the directory is writable");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the file is there")
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("the file is text")
    }

    /// Runs `storsim` with the words of `line`.
    pub fn storsim(&self, line: &str) -> Said {
        self.storsim_at(None, line)
    }

    /// As [`Desk::storsim`], on a terminal of that width.
    pub fn storsim_at(&self, width: Option<usize>, line: &str) -> Said {
        let mut command = Command::cargo_bin("storsim").expect("the program was built with the tests");
        match width {
            Some(width) => command.env("COLUMNS", width.to_string()),
            None => command.env_remove("COLUMNS"),
        };
        let output = command
            .args(line.split_whitespace())
            .current_dir(self.directory.path())
            .env("NO_COLOR", "1")
            .output()
            .expect("the program starts");
        Said {
            status: output.status.code().expect("the program ends by itself"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Runs `storsim` with the words of `line`, which must succeed.
    #[track_caller]
    pub fn clean(&self, line: &str) -> Said {
        let said = self.storsim(line);
        assert_eq!(said.status, 0, "{line}: {said:?}");
        said
    }

    /// Runs `storsim` with the words of `line`, which must be refused: status 2, nothing on standard output,
    /// one line on standard error that holds each of `names`.
    #[track_caller]
    pub fn refused(&self, line: &str, names: &[&str]) {
        let said = self.storsim(line);
        assert_eq!(said.status, 2, "{line}: {said:?}");
        assert_eq!(said.out, "", "{line}");
        assert_eq!(said.err.lines().count(), 1, "{line}: {}", said.err);
        for name in names {
            assert!(said.err.contains(name), "{line}: '{name}' is not in: {}", said.err);
        }
    }
}

impl Said {
    /// What it said beside its report, without the lines that tell now and then how far it is: how many of
    /// those there are, the host's clock decides.
    pub fn complaints(&self) -> String {
        let is_progress = |line: &&str| line.ends_with(" s so far");
        self.err.lines().filter(|line| !is_progress(line)).collect()
    }

    /// The one line of JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let mut lines = self.out.lines();
        let line = lines.next().unwrap_or_else(|| panic!("nothing was printed: {self:?}"));
        assert_eq!(lines.next(), None, "one object a line, one line a run");
        serde_json::from_str(line).expect("the line is JSON")
    }

    /// The text behind `label` in a text report.
    #[track_caller]
    pub fn field(&self, label: &str) -> &str {
        let line = self.out.lines().find_map(|l| l.trim_start().strip_prefix(label));
        line.unwrap_or_else(|| panic!("'{label}' is not in: {self:?}")).trim()
    }
}

//! The compiler, the linker and the maker of import libraries: where they are, and what to install where they
//! are not.

use crate::cli::ended::Refusal;
use std::path::PathBuf;
use std::process::Command;

/// A tool that is wanted.
pub(super) struct Wanted {
    program: &'static str,
    /// The package that has it on Debian and its like.
    package: &'static str,
}

pub(super) const CLANG: Wanted = Wanted { program: "clang", package: "clang" };
pub(super) const LLD_LINK: Wanted = Wanted { program: "lld-link", package: "lld" };
pub(super) const DLLTOOL: Wanted = Wanted { program: "llvm-dlltool", package: "llvm" };

/// Versions under whose number a tool may be installed, best first.
const VERSIONS: std::ops::RangeInclusive<u32> = 14..=22;

/// A tool that is there.
pub(super) struct Tool(PathBuf);

impl Tool {
    /// Looks for it on the PATH, without and with a version.
    pub(super) fn find(wanted: &Wanted) -> Result<Tool, Refusal> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let versioned = VERSIONS.rev().map(|version| format!("{}-{version}", wanted.program));
        for name in [wanted.program.to_owned()].into_iter().chain(versioned) {
            if let Some(found) = std::env::split_paths(&path).map(|d| d.join(&name)).find(|p| p.is_file()) {
                return Ok(Tool(found));
            }
        }
        let Wanted { program, package } = wanted;
        Err(Refusal(format!("cc: {program} is not on the PATH; on Debian: apt-get install {package}")))
    }

    pub(super) fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// Where clang's own headers are.
    pub(super) fn own_headers(&self) -> Result<PathBuf, Refusal> {
        let output = self.command().arg("-print-resource-dir").output();
        let output = output.map_err(|e| Refusal(format!("{}: {e}", self.0.display())))?;
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).join("include"))
    }
}

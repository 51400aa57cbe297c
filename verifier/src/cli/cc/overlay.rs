//! What Microsoft's build does to sources before the compiler sees them: names of files without regard to
//! case, and headers that the tracing preprocessor (WPP) would generate.
//!
//! The first is an overlay of the file system, which clang reads; the second are headers in which tracing
//! does nothing. Sources themselves are never changed.

use serde_json::json;
use std::collections::BTreeSet;
use std::io::Result;
use std::path::{Path, PathBuf};

/// An overlay in which files of the directories of sources and headers are found in any case; its file.
pub(super) fn case_blind(sources: &[PathBuf], searched: &[PathBuf], room: &Path) -> Result<PathBuf> {
    let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
    let beside = sources.iter().filter_map(|source| source.parent());
    for directory in beside.chain(searched.iter().map(PathBuf::as_path)) {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        collect(&std::path::absolute(directory)?, &mut directories, 0);
    }
    let roots: Vec<_> = directories
        .iter()
        .map(|directory| {
            let files = files_of(directory).into_iter().map(|file| {
                json!({
                    "type": "file",
                    "name": file.file_name().unwrap_or_default().to_string_lossy(),
                    "external-contents": file.to_string_lossy(),
                })
            });
            let contents: Vec<_> = files.collect();
            json!({ "type": "directory", "name": directory.to_string_lossy(), "contents": contents })
        })
        .collect();
    let overlay = json!({
        "version": 0,
        "case-sensitive": "false",
        "use-external-names": "false",
        "roots": roots,
    });
    let path = room.join("overlay.yaml");
    std::fs::write(&path, overlay.to_string())?;
    Ok(path)
}

/// A directory and those below it, not deep.
fn collect(directory: &Path, into: &mut BTreeSet<PathBuf>, depth: usize) {
    const DEPTH_MAX: usize = 3;
    const DIRECTORIES_MAX: usize = 500;
    if depth > DEPTH_MAX || into.len() >= DIRECTORIES_MAX || !into.insert(directory.to_owned()) {
        return;
    }
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        collect(&entry.path(), into, depth + 1);
    }
}

/// The headers and sources in a directory.
fn files_of(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let is_c = |path: &PathBuf| {
        let extension = path.extension().map(|e| e.to_ascii_lowercase());
        path.is_file() && extension.is_some_and(|e| ["c", "h", "tmh", "inc"].iter().any(|known| e == *known))
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_c).collect();
    files.sort();
    files
}

/// A directory with a header for each `.tmh` that a source or a header beside it includes. The macros that
/// WPP's configuration declares there (`// FUNC Name...`) do nothing.
pub(super) fn tracing_stubs(sources: &[PathBuf], room: &Path) -> Result<PathBuf> {
    let directory = room.join("tmh");
    std::fs::create_dir_all(&directory)?;
    let mut looked_at: BTreeSet<PathBuf> = sources.iter().cloned().collect();
    for source in sources {
        let beside =
            source.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        looked_at.extend(files_of(beside));
    }
    let (mut names, mut macros) = (BTreeSet::new(), BTreeSet::new());
    for path in looked_at {
        let bytes = std::fs::read(&path)?;
        for line in String::from_utf8_lossy(&bytes).lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix('#').map(str::trim_start)
                && let Some(rest) = rest.strip_prefix("include")
                && let Some(name) = rest.trim().strip_prefix('"').and_then(|rest| rest.split('"').next())
                && name.to_ascii_lowercase().ends_with(".tmh")
            {
                names.insert(name.to_owned());
            }
            if let Some(rest) = line.strip_prefix("//").map(str::trim_start)
                && let Some(rest) = rest.strip_prefix("FUNC ")
            {
                let end = rest.trim_start().find(|c: char| !(c.is_alphanumeric() || c == '_'));
                macros.insert(rest.trim_start()[..end.unwrap_or(rest.trim_start().len())].to_owned());
            }
        }
    }
    let mut text = String::from("#pragma once\n");
    macros.extend(["WPP_INIT_TRACING".to_owned(), "WPP_CLEANUP".to_owned()]);
    for name in macros.iter().filter(|name| !name.is_empty()) {
        text.push_str(&format!("#define {name}(...) ((void)0)\n"));
    }
    for name in names.iter().filter(|name| !name.contains(['/', '\\'])) {
        std::fs::write(directory.join(name), &text)?;
    }
    Ok(directory)
}

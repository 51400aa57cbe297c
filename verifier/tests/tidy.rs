//! The house in order: what the tree and its comments promise to look like.
//!
//! It reads the source tree from this crate's manifest on, as text. It asks no version control, so it runs
//! on a bare checkout too. That README's pasted output is what the program prints is tested where the
//! program is: `drivers-examples/tests/cli/readme.rs`.

use std::path::{Path, PathBuf};

/// The files of the repository's root.
const ROOT_FILES: [&str; 9] = [
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "rustfmt.toml",
];

/// The folders of the repository's root that hold sources, and the configuration of cargo-mutants.
const ROOT_FOLDERS: [&str; 6] =
    [".cargo", "benches", "drivers-examples", "kernel-sim", "storport-sim", "verifier"];

/// What a checkout may have besides: version control, a build service, and what builds and runs leave.
const NOT_OURS: [&str; 4] = [".ci", ".git", "schedules", "target"];

/// Columns that a comment line has at most.
const COLUMNS_MAX: usize = 110;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Every file below the folders with sources, and of the root.
fn files() -> Vec<PathBuf> {
    let mut found: Vec<_> = ROOT_FILES.iter().map(|name| root().join(name)).collect();
    let mut open: Vec<_> = ROOT_FOLDERS.iter().map(|name| root().join(name)).collect();
    while let Some(path) = open.pop() {
        if !path.is_dir() {
            found.push(path);
        } else if !NOT_OURS.contains(&name_of(&path)) {
            open.extend(entries(&path));
        }
    }
    assert!(found.len() > 500, "this is not the whole tree: {} files", found.len());
    found.sort();
    found
}

/// What `fault` has to say about lines of Rust sources, as `path:line: text`.
fn lines_with(fault: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in files().iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        let of_file = path.strip_prefix(root()).unwrap().display();
        for (n, line) in text.lines().enumerate().filter(|(_, line)| fault(line)) {
            found.push(format!("{of_file}:{}: {}", n + 1, line.trim()));
        }
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn the_root_has_the_known_files_only() {
    let strangers: Vec<_> = entries(root())
        .into_iter()
        .filter(|path| {
            let name = name_of(path);
            let known: &[&str] = if path.is_dir() { &ROOT_FOLDERS } else { &ROOT_FILES };
            !known.contains(&name) && !NOT_OURS.contains(&name) && !name.ends_with(".schedule")
        })
        .collect();
    assert!(strangers.is_empty(), "not known in the root: {strangers:?}");
    for name in ROOT_FILES {
        assert!(root().join(name).is_file(), "{name} is gone");
    }
}

#[test]
fn no_file_is_empty() {
    let empty: Vec<_> =
        files().into_iter().filter(|path| std::fs::metadata(path).unwrap().len() == 0).collect();
    assert!(empty.is_empty(), "empty files: {empty:?}");
}

#[test]
fn comments_fit_into_110_columns() {
    let wide = lines_with(|line| is_comment(line) && line.chars().count() > COLUMNS_MAX);
    assert!(wide.is_empty(), "wider than {COLUMNS_MAX} columns:\n{}", wide.join("\n"));
}

/// A function returns; devices, disks and miniports may answer.
#[test]
fn documentation_says_returns_instead_of_answers() {
    const FOR_RETURNS: [&str; 5] =
        ["; answers ", "Answers whether", "Answers how", "Answers what it", "Answers `None`"];
    let says = |line: &str| is_comment(line) && FOR_RETURNS.iter().any(|words| line.contains(words));
    let here = Path::new(file!()).file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
    let found: Vec<_> = lines_with(says).into_iter().filter(|at| !at.contains(here)).collect();
    assert!(found.is_empty(), "say \"returns\":\n{}", found.join("\n"));
}

/// Their manifests say that they are tested from outside: a test in there would never run.
#[test]
fn crates_that_build_no_unit_tests_have_none() {
    let is_test = |line: &str| ["#[test]", "#[cfg(test)]"].contains(&line.trim());
    for name in ["benches", "drivers-examples"] {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        assert!(manifest.contains("test = false"), "{name} builds unit tests now");
        let sources = format!("{name}/src/");
        let inside: Vec<_> = lines_with(is_test).into_iter().filter(|at| at.starts_with(&sources)).collect();
        assert!(inside.is_empty(), "{}", inside.join("\n"));
    }
}

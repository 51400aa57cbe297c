//! What the crates promise not to contain, kept true.
//!
//! ARCHITECTURE.md names these absences; each is a test here. They read the sources as text, which is
//! cruder than a compiler and sees what a compiler does not: comments, names, habits.

use std::path::{Path, PathBuf};

/// One line of a source file.
struct Line {
    /// The file, from the workspace's root.
    file: String,
    number: usize,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![under.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "no sources in {}", under.display());
    found.sort();
    found
}

/// Every source line of a crate.
fn lines(krate: &str) -> Vec<Line> {
    let of_file = |path: PathBuf| {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        lines.into_iter().enumerate().map(move |(n, text)| Line { file: file.clone(), number: n + 1, text })
    };
    files(&root().join(krate).join("src")).into_iter().flat_map(of_file).collect()
}

fn is_comment(line: &Line) -> bool {
    line.text.trim_start().starts_with("//")
}

/// Whether `word` stands in `text` with no letter, digit or underscore beside it.
fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        !inside(text[..at].chars().next_back()) && !inside(text[at + word.len()..].chars().next())
    })
}

#[track_caller]
fn assert_none(lines: impl IntoIterator<Item = Line>, found: impl Fn(&Line) -> bool, why: &str) {
    let found: Vec<_> = lines
        .into_iter()
        .filter(|line| found(line))
        .map(|line| format!("{}:{}: {}", line.file, line.number, line.text.trim()))
        .collect();
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

/// The dependencies of a crate, the ones for its tests too.
fn dependencies(krate: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside && let Some(name) = line.split(['.', '=', ' ']).next().filter(|n| !n.is_empty()) {
            names.push(name.to_owned());
        }
    }
    assert!(!names.is_empty(), "{krate} has no dependencies at all");
    names
}

const CRATES: [&str; 4] = ["kernel-sim", "storport-sim", "verifier", "drivers-examples"];

/// Lines of kernel-sim that may name Storport, each for its reason.
fn may_name_storport(line: &Line) -> bool {
    match line.file.as_str() {
        // The page that says it knows nothing of it.
        "kernel-sim/src/lib.rs" => line.text.starts_with("//!"),
        // Microsoft's own words on a stop code.
        "kernel-sim/src/bugcheck.rs" => is_comment(line),
        _ => false,
    }
}

#[test]
fn the_kernel_has_never_heard_of_storport() {
    let names_it = |line: &Line| line.text.to_lowercase().contains("storport") && !may_name_storport(line);
    assert_none(lines("kernel-sim"), names_it, "kernel-sim names Storport");
}

#[test]
fn storport_has_never_heard_of_a_rule() {
    let names_one = |line: &Line| {
        !is_comment(line) && ["verifier", "SpinLockSafe"].iter().any(|w| has_word(&line.text, w))
    };
    assert_none(lines("storport-sim"), names_one, "storport-sim names a rule");
}

#[test]
fn arrows_between_the_crates_go_down_only() {
    for (n, krate) in CRATES.iter().enumerate() {
        let dependencies = dependencies(krate);
        for above in &CRATES[n..] {
            assert!(!dependencies.iter().any(|d| d == above), "{krate} depends on {above}");
        }
    }
}

#[test]
fn the_wall_clock_is_read_in_one_place() {
    for krate in CRATES {
        let reads = |line: &Line| {
            line.file != "kernel-sim/src/host_clock.rs"
                && !is_comment(line)
                && ["Instant", "SystemTime"].iter().any(|w| has_word(&line.text, w))
        };
        assert_none(lines(krate), reads, "the wall clock outside host_clock.rs");
    }
}

#[test]
fn nothing_depends_on_a_hash_order() {
    for krate in CRATES {
        let hashes = |line: &Line| {
            let words = ["HashMap", "HashSet", "RandomState", "DefaultHasher"];
            !is_comment(line) && words.iter().any(|w| has_word(&line.text, w))
        };
        assert_none(lines(krate), hashes, "a container in random order");
    }
}

#[test]
fn locks_of_the_host_are_parking_lots() {
    for krate in CRATES {
        let locks = |line: &Line| {
            let std = line.text.split("std::sync::").skip(1);
            let words = ["Mutex", "RwLock", "Condvar"];
            // A path, or a list in braces.
            let names = |rest: &str| {
                let end =
                    if rest.starts_with('{') { rest.find('}') } else { rest.find([';', ',', ' ', '<']) };
                let part = &rest[..end.unwrap_or(rest.len())];
                !part.starts_with("atomic") && words.iter().any(|w| has_word(part, w))
            };
            // One of the vandals holds a lock of std across a call: that is its mistake.
            let is_vandal = line.file.contains("/vandals/");
            !is_comment(line) && !is_vandal && std.into_iter().any(names)
        };
        assert_none(lines(krate), locks, "a lock of std");
    }
}

#[test]
fn no_decision_depends_on_a_thread_of_the_host() {
    for krate in CRATES {
        let asks = |line: &Line| {
            // The jobs of a stress: how many there are changes no result, which is a test of its own. And
            // those of a shrinking, whose results are looked at in the order of what was asked for.
            let counts_cores = ["verifier/src/cli/summary.rs", "verifier/src/explore/shrink/ahead.rs"]
                .contains(&line.file.as_str())
                && line.text.contains("available_parallelism");
            // A test's name, for the line that makes its failure again.
            let names_a_test =
                line.file == "verifier/src/check.rs" && line.text.contains("thread::current()");
            !is_comment(line)
                && !counts_cores
                && !names_a_test
                && ["thread::current()", "ThreadId", "available_parallelism"]
                    .iter()
                    .any(|w| line.text.contains(w))
        };
        assert_none(lines(krate), asks, "a thread of the host is asked for");
    }
}

#[test]
fn randomness_comes_in_through_one_door() {
    let names = ["rand", "getrandom", "fastrand", "oorandom"];
    for krate in CRATES {
        let dependencies = dependencies(krate);
        assert!(!dependencies.iter().any(|d| names.contains(&d.as_str())), "{krate}: {dependencies:?}");
        assert_none(
            lines(krate),
            |line| {
                line.text.contains("RandomChoose::new")
                    && ![
                        "kernel-sim/src/choose.rs",
                        "kernel-sim/src/power.rs",
                        "verifier/src/explore/random.rs",
                    ]
                    .contains(&line.file.as_str())
            },
            "random choices made elsewhere",
        );
    }
}

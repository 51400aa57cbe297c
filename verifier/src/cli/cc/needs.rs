//! `storsim-cc.toml`: what the sources of a driver want to be compiled with, said once, beside them.
//!
//! ```toml
//! sources = ["adapter.c", "../shared/ring.c"]
//! include = ["../shared"]                    # directories of headers, as -I
//! system = ["../mine"]                       # searched last, as --system
//! define = ["NTDDI_VERSION=0x0A000000"]      # as -D
//! ```
//!
//! All of it may be left out; paths are from where the file is. A directory on the command line stands for
//! the sources that its file names; beside sources that the command line names, the file says the rest.
//! Flags come first where order counts. Invariant: a file is found good as a whole before anything is
//! compiled.

use crate::cli::args::CcArguments;
use crate::cli::ended::Refusal;
use crate::cli::toml_text;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use toml::Spanned;

/// The file that is looked for in the directories of sources.
const NAME: &str = "storsim-cc.toml";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Text {
    sources: Vec<Spanned<PathBuf>>,
    include: Vec<Spanned<PathBuf>>,
    system: Vec<Spanned<PathBuf>>,
    define: Vec<Spanned<String>>,
}

/// The arguments with what the files beside the sources add; all of its sources are there.
pub(super) fn complete(arguments: &CcArguments) -> Result<CcArguments, Refusal> {
    let mut complete = CcArguments { sources: Vec::new(), ..arguments.clone() };
    let mut seen = BTreeSet::new();
    for source in &arguments.sources {
        if source.is_dir() {
            let Some(needs) = read(source)? else {
                return Err(Refusal(format!("{}: no {NAME} is in it to name sources", source.display())));
            };
            if needs.sources.is_empty() {
                return Err(Refusal(format!("{}: it names no 'sources'", source.join(NAME).display())));
            }
            complete.sources.extend(needs.sources.iter().cloned());
            if seen.insert(source.clone()) {
                add(&mut complete, needs);
            }
            continue;
        }
        if !source.is_file() {
            return Err(Refusal(format!("{}: no such file", source.display())));
        }
        complete.sources.push(source.clone());
        let directory = source.parent().unwrap_or(Path::new("")).to_owned();
        if seen.insert(directory.clone())
            && let Some(needs) = read(&directory)?
        {
            add(&mut complete, needs);
        }
    }
    if let Some(odd) = complete.sources.iter().find(|source| !is_source(source)) {
        let of_a_directory =
            if odd.ends_with(NAME) { "; name its directory to have the sources in it" } else { "" };
        return Err(Refusal(format!("{}: no source in C{of_a_directory}", odd.display())));
    }
    Ok(complete)
}

/// Whether clang compiles it: what it does not know it hands to a linker, and says nothing.
fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["c", "cc", "cpp", "cxx"].contains(&extension.to_ascii_lowercase().as_str())
}

fn add(complete: &mut CcArguments, needs: Needs) {
    complete.include.extend(needs.include);
    complete.system.extend(needs.system);
    // The last definition of a macro counts: a flag's.
    complete.define.splice(0..0, needs.define);
}

/// What a file says, its paths from the working directory.
struct Needs {
    sources: Vec<PathBuf>,
    include: Vec<PathBuf>,
    system: Vec<PathBuf>,
    define: Vec<String>,
}

fn read(directory: &Path) -> Result<Option<Needs>, Refusal> {
    let path = directory.join(NAME);
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &file, directory).map(Some),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
        Err(why) if why.kind() == ErrorKind::InvalidData => Err(Refusal(format!("{file}: it is not UTF-8"))),
        Err(why) => Err(Refusal(format!("{file}: {why}"))),
    }
}

fn parse(text: &str, file: &str, directory: &Path) -> Result<Needs, Refusal> {
    let refuse = |at: usize, why: &str| toml_text::refusal(text, file, at, why);
    let read: Text = toml_text::parse(text, file)?;
    let found = |paths: Vec<Spanned<PathBuf>>, what: &str, is_there: fn(&Path) -> bool| {
        let mut all = Vec::new();
        for path in paths {
            let from_here = folded(&directory.join(path.get_ref()));
            if !is_there(&from_here) {
                let why = format!("no {what} is at {}", from_here.display());
                return Err(refuse(path.span().start, &why));
            }
            all.push(from_here);
        }
        Ok(all)
    };
    let sources = found(read.sources, "source", Path::is_file)?;
    let include = found(read.include, "directory", Path::is_dir)?;
    let system = found(read.system, "directory", Path::is_dir)?;
    let mut define = Vec::new();
    for text in read.define {
        if !text.get_ref().starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            return Err(refuse(text.span().start, &format!("'{}' defines no macro", text.get_ref())));
        }
        define.push(text.into_inner());
    }
    Ok(Needs { sources, include, system, define })
}

/// The shorter name of the same file: reports have the names that clang is given, and `a/../b/c.c` is hard
/// to read.
fn folded(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let is_below = matches!(short.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if is_below => {
                short.pop();
            }
            Component::CurDir => {}
            part => short.push(part),
        }
    }
    // Not so where a link leads elsewhere.
    let is_same = match (std::fs::canonicalize(path), std::fs::canonicalize(&short)) {
        (Ok(long), Ok(short)) => long == short,
        _ => false,
    };
    if is_same { short } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with a driver's folder `d`, in it `a.c`, and beside it `shared` with `b.c`.
    fn room() -> tempfile::TempDir {
        let room = tempfile::tempdir().expect("a directory for temporary files");
        for (folder, source) in [("d", "a.c"), ("shared", "b.c")] {
            std::fs::create_dir(room.path().join(folder)).expect("room");
            std::fs::write(room.path().join(folder).join(source), "").expect("room");
        }
        room
    }

    fn arguments(sources: Vec<PathBuf>) -> CcArguments {
        CcArguments {
            sources,
            output: "x.sys".into(),
            include: vec!["first".into()],
            system: Vec::new(),
            define: vec!["A=2".into()],
            race: true,
        }
    }

    fn why(text: &str) -> String {
        let room = room();
        match parse(text, "t.toml", &room.path().join("d")) {
            Ok(_) => "it is good".to_owned(),
            Err(why) => why.0,
        }
    }

    #[test]
    fn a_directory_stands_for_what_its_file_says() {
        let room = room();
        let (d, shared) = (room.path().join("d"), room.path().join("shared"));
        let text = "sources = [\"a.c\", \"../shared/b.c\"]\ninclude = [\"../shared\"]\ndefine = [\"A=1\"]\n";
        std::fs::write(d.join(NAME), text).expect("room");
        let complete = complete(&arguments(vec![d.clone()])).unwrap();
        assert_eq!(complete.sources, [d.join("a.c"), shared.join("b.c")]);
        // The flags come first where the first counts, and last where the last does.
        assert_eq!(complete.include, [PathBuf::from("first"), shared]);
        assert_eq!(complete.define, ["A=1", "A=2"]);
        assert!(complete.race);
    }

    #[test]
    fn sources_that_are_named_get_the_rest_from_the_file_beside_them() {
        let room = room();
        let d = room.path().join("d");
        let text = "sources = [\"../shared/b.c\"]\nsystem = [\".\"]\n";
        std::fs::write(d.join(NAME), text).expect("room");
        let complete = complete(&arguments(vec![d.join("a.c"), room.path().join("shared/b.c")])).unwrap();
        assert_eq!(complete.sources, [d.join("a.c"), room.path().join("shared/b.c")]);
        assert_eq!(complete.system, [d]);
    }

    #[test]
    fn a_directory_without_sources_is_refused() {
        let room = room();
        let d = room.path().join("d");
        let refused = |words: &str| {
            let Err(why) = complete(&arguments(vec![d.clone()])) else { panic!("it is taken") };
            assert!(why.0.ends_with(words), "{}", why.0);
        };
        refused("d: no storsim-cc.toml is in it to name sources");
        std::fs::write(d.join(NAME), "define = [\"A\"]\n").expect("room");
        refused("storsim-cc.toml: it names no 'sources'");
    }

    #[test]
    fn a_bad_file_is_told_with_its_line() {
        for (text, begins, part) in [
            ("includes = [\"x\"]\n", "t.toml:1: ", "unknown field `includes`"),
            ("\ninclude = [\"x\"]\n", "t.toml:2: ", "no directory is at "),
            ("sources = [\"a.c\",\n \"b.c\"]\n", "t.toml:2: ", "no source is at "),
            ("include = [\"a.c\"]\n", "t.toml:1: ", "no directory is at "),
            ("define = [\"A\", \"=1\"]\n", "t.toml:1: ", "'=1' defines no macro"),
            ("define = 3\n", "t.toml:1: ", "invalid type"),
            ("define\n", "t.toml:1: ", ""),
        ] {
            let why = why(text);
            assert!(why.starts_with(begins) && why.contains(part), "{why}");
            assert_eq!(why.lines().count(), 1, "{why}");
        }
    }
}

//! Folders whose files do not import each other in circles.
//!
//! A circle of files inside one crate costs no build order; it costs the reader, who can begin nowhere. The
//! test reads the sources as text: every path that begins with `self`, `super` or `crate`, and in a `mod.rs`
//! every path that begins with one of its modules, is an import. Declaring a module is not one. It does not
//! see methods: a file that calls a method which another file implements for a common type does not import
//! that file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Folders without circles, from the workspace's root, each with the files that are looked at; no file named:
/// all.
///
/// A folder stands for a module of its crate, with the files of its subfolders.
const FOLDERS: &[(&str, &[&str])] = &[
    ("storport-sim/src/class", &[]),
    ("drivers-examples/src/ahci", &[]),
    ("drivers-examples/src/vioscsi", &[]),
    ("verifier/src/cli", &[]),
];

/// A module by its path within the crate: `["ahci", "translate", "block"]`.
type Module = Vec<String>;
/// Which modules each module imports.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// The text before a file's inline tests, which import their own file and what they try it with.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().expect("a beginning")
}

/// The source without comments and literals, whose contents become blanks.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            let mut is_escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            code.push(c);
            c.len_utf8()
        };
        if c == '"' || rest.starts_with("//") || rest.starts_with("'\"'") {
            code.push(' ');
        }
        rest = &rest[skipped..];
    }
    code
}

/// Words and the marks that paths are made of.
fn tokens(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            found.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The paths of a tree `a::{b, c::d}` that begins at `at`, each behind `before`; where the tree ends.
fn read_tree(tokens: &[String], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    at = read_tree(tokens, at, &path, found);
                    while tokens.get(at).is_some_and(|token| token != "," && token != "}") {
                        at += 1; // `as name`
                    }
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            Some(word) if is_word(word) => path.push(word.to_owned()),
            _ => {}
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token != "::") {
            found.push(path);
            return at;
        }
        at += 1;
    }
}

/// Every path of a file that begins with one of `roots`.
fn paths(text: &str, roots: &BTreeSet<String>) -> Vec<Vec<String>> {
    let tokens = tokens(&code_of(without_tests(text)));
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins =
            roots.contains(&tokens[at]) && (at == 0 || tokens[at - 1] != "::" && tokens[at - 1] != ".");
        if begins && tokens.get(at + 1).is_some_and(|token| token == "::") {
            read_tree(&tokens, at, &[], &mut found);
        }
    }
    found
}

/// The module that a path names, or whose item it names.
fn module_of(path: &[String], from: &Module, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut absolute = match path[0].as_str() {
        "crate" => Vec::new(),
        _ => from.clone(),
    };
    for word in path {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(absolute.pop()),
            word => absolute.push(word.to_owned()),
        }
    }
    (0..=absolute.len()).rev().map(|n| absolute[..n].to_vec()).find(|module| all.contains_key(module))
}

/// The imports among the files of a folder: `files` holds each module's text.
fn imports(files: &BTreeMap<Module, String>) -> Imports {
    let of = |(module, text): (&Module, &String)| {
        let children =
            files.keys().filter(|other| other.len() == module.len() + 1 && other.starts_with(module));
        let mut roots: BTreeSet<_> = children.map(|child| child[module.len()].clone()).collect();
        roots.extend(["self", "super", "crate"].map(str::to_owned));
        let named = paths(text, &roots).into_iter().filter_map(|path| module_of(&path, module, files));
        (module.clone(), named.filter(|other| other != module).collect())
    };
    files.iter().map(of).collect()
}

/// A circle, beginning and ending with the same module.
fn circle(imports: &Imports) -> Option<Vec<Module>> {
    fn walk(at: &Module, imports: &Imports, way: &mut Vec<Module>, done: &mut BTreeSet<Module>) -> bool {
        if let Some(first) = way.iter().position(|module| module == at) {
            way.drain(..first);
            way.push(at.clone());
            return true;
        }
        if !done.contains(at) {
            way.push(at.clone());
            if imports.get(at).into_iter().flatten().any(|next| walk(next, imports, way, done)) {
                return true;
            }
            way.pop();
            done.insert(at.clone());
        }
        false
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| {
        let mut way = Vec::new();
        walk(module, imports, &mut way, &mut done).then_some(way)
    })
}

/// The modules of a folder and their texts.
fn read_folder(folder: &str, only: &[&str]) -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let (krate, module) = folder.split_once("/src").expect("a folder of a crate's sources");
    let module: Module = module.split('/').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let mut found = BTreeMap::new();
    let mut open = vec![module];
    while let Some(module) = open.pop() {
        let directory = root.join(krate).join("src").join(module.join("/"));
        for entry in std::fs::read_dir(&directory).expect(folder) {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name in UTF-8").to_owned();
            let mut module = module.clone();
            if name != "mod" && name != "lib" {
                module.push(name);
            }
            if path.is_dir() {
                open.push(module);
            } else if path.extension().is_some_and(|e| e == "rs") && name_is_in(&path, only) {
                found.insert(module, std::fs::read_to_string(&path).expect("a source that can be read"));
            }
        }
    }
    assert!(found.len() > 1, "no files in {folder}");
    found
}

fn name_is_in(path: &Path, only: &[&str]) -> bool {
    only.is_empty() || only.iter().any(|name| path.ends_with(name))
}

fn show(circle: &[Module]) -> String {
    circle.iter().map(|module| module.join("::")).collect::<Vec<_>>().join("\n    imports ")
}

#[test]
fn no_folder_has_a_circle_of_files() {
    let circles: Vec<_> = FOLDERS
        .iter()
        .filter_map(|(folder, only)| {
            circle(&imports(&read_folder(folder, only))).map(|found| (folder, found))
        })
        .map(|(folder, found)| format!("{folder}:\n    {}", show(&found)))
        .collect();
    assert!(circles.is_empty(), "circles of files\n{}", circles.join("\n"));
}

fn example(files: &[(&str, &str)]) -> Option<String> {
    let module = |name: &str| name.split("::").map(str::to_owned).collect::<Module>();
    let files = files.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect();
    circle(&imports(&files)).map(|found| show(&found))
}

#[test]
fn a_circle_through_grouped_imports_is_found() {
    let files = [
        ("a", "mod b; mod c; mod d;"),
        ("a::b", "use super::{c::{self, Word}, d as other};"),
        ("a::c", "use crate::a::d::*;"),
        ("a::d", "fn f() { super::b::g() }"),
    ];
    assert_eq!(example(&files).unwrap(), "a::b\n    imports a::c\n    imports a::d\n    imports a::b");
}

#[test]
fn a_child_that_needs_an_item_of_the_parent_that_calls_it_is_a_circle() {
    let files = [("a", "mod b; struct Item; fn f() { b::g() }"), ("a::b", "use super::Item;")];
    assert_eq!(example(&files).unwrap(), "a\n    imports a::b\n    imports a");
}

#[test]
fn comments_literals_and_declarations_are_no_imports() {
    let files = [
        ("a", "mod b; mod c; fn f() { let it = b.c::<u8>(); }"),
        ("a::b", "use super::c; // super::b::x"),
        ("a::c", "/// [`super::b`]\nconst TEXT: &str = \"super::b::x \\\" super::b::x\";"),
    ];
    assert_eq!(example(&files), None);
}

/// The ground floor of kernel-sim: the words that all of it uses, which import nothing above them.
const GROUND_FLOOR: &[&str] = &[
    "bugcheck",
    "choose",
    "dma",
    "fiber",
    "frame",
    "guard",
    "held",
    "hook",
    "irql",
    "memory",
    "moment",
    "own_sources",
    "program",
    "routine",
    "site",
    "split_mix",
    "stack",
];

#[test]
fn the_ground_floor_of_the_kernel_imports_nothing_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut imports = 0;
    for module in GROUND_FLOOR {
        let file = root.join(format!("kernel-sim/src/{module}.rs"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let code = code_of(without_tests(&text));
        for (at, path) in code.match_indices("crate::") {
            let rest = &code[at + path.len()..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let imported = &rest[..end];
            assert!(GROUND_FLOOR.contains(&imported), "{module} imports {imported:?}, which is above it");
            imports += 1;
        }
    }
    assert!(imports > GROUND_FLOOR.len(), "the paths are not found any more: {imports}");
}

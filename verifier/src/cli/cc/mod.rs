//! `storsim cc`: from the C sources of a driver to a file that `--sys` takes.
//!
//! The one place that knows how clang and lld are to be called: the target, the headers, the tracing stubs,
//! the import library. It compiles the sources as they are; a driver's own project files are not read, but a
//! file of ours beside the sources is (`needs.rs`). What kind of driver it is makes no difference here: the
//! entry point is DriverEntry for all, and what it registers is asked when it runs. What the compiler has to
//! say goes to standard error as it says it. Invariant: the same sources, flags and tools
//! give the same file.

mod needs;
mod overlay;
mod tools;
mod wdk;

use super::args::CcArguments;
use super::ended::{Found, Refusal};
use object::read::{Object, ObjectSymbol};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use tools::Tool;

/// What is wrong with driver code whatever its author's compiler says; and, as a warning, a result that is
/// dropped although it is to be inspected.
const DIAGNOSTICS: [&str; 4] =
    ["-Wno-everything", "-Wunused-result", "-Werror=implicit-function-declaration", "-Werror=int-conversion"];

/// What makes clang call a routine before each load and store that could be shared. Its driver refuses to
/// do so for Windows, where it has no run time; the simulator is the run time. Volatile accesses are called
/// by other names. Where functions begin and end is known without calls.
const INSTRUMENTED: [&str; 6] = [
    "-Xclang",
    "-fsanitize=thread",
    "-mllvm",
    "-tsan-distinguish-volatile",
    "-mllvm",
    "-tsan-instrument-func-entry-exit=0",
];

pub(super) fn cc(arguments: &CcArguments) -> Result<Found, Refusal> {
    let clang = Tool::find(&tools::CLANG)?;
    let (dlltool, lld) = (Tool::find(&tools::DLLTOOL)?, Tool::find(&tools::LLD_LINK)?);
    let arguments = &needs::complete(arguments)?;
    let room = tempfile::tempdir().map_err(|e| Refusal(format!("a directory for temporary files: {e}")))?;
    let room = room.path();
    let wdk = wdk::unpack(room).map_err(|e| failed(room, &e))?;
    let stubs = overlay::tracing_stubs(&arguments.sources, room).map_err(|e| failed(room, &e))?;
    let searched: Vec<PathBuf> = [wdk, stubs].into_iter().chain(arguments.include.iter().cloned()).collect();
    let overlay = overlay::case_blind(&arguments.sources, &searched, room).map_err(|e| failed(room, &e))?;
    let mut objects = Vec::new();
    for (n, source) in arguments.sources.iter().enumerate() {
        let object = room.join(format!("{n}.obj"));
        compile(&clang, source, &object, room, &searched, &overlay, arguments)?;
        objects.push(object);
    }
    let library = import_library(&dlltool, &objects, room)?;
    link(&lld, &objects, &library, &arguments.output)?;
    Ok(Found::Nothing)
}

fn failed(path: &Path, why: &std::io::Error) -> Refusal {
    Refusal(format!("{}: {why}", path.display()))
}

fn compile(
    clang: &Tool,
    source: &Path,
    object: &Path,
    room: &Path,
    searched: &[PathBuf],
    overlay: &Path,
    arguments: &CcArguments,
) -> Result<(), Refusal> {
    let mut command = clang.command();
    command.args(["--target=x86_64-pc-windows-msvc", "-c", "-O1", "-ffreestanding", "-nostdinc"]);
    command.args(["-fms-extensions", "-fms-compatibility", "-fms-compatibility-version=19.30"]);
    // Lines, with columns, under names that do not depend on the directory.
    command.args(["-g", "-gdwarf-4", "-gcolumn-info", "-fdebug-compilation-dir=."]);
    for (directory, name) in [(room, "storsim"), (&clang.own_headers()?, "clang")] {
        command.arg(format!("-fdebug-prefix-map={}={name}", directory.display()));
    }
    command.args(DIAGNOSTICS);
    command.arg("-ivfsoverlay").arg(overlay);
    for directory in searched {
        command.arg("-I").arg(directory);
    }
    command.arg("-isystem").arg(clang.own_headers()?);
    for directory in &arguments.system {
        command.arg("-isystem").arg(directory);
    }
    if arguments.race {
        command.args(INSTRUMENTED);
    }
    for define in &arguments.define {
        command.arg(format!("-D{define}"));
    }
    command.arg(source).arg("-o").arg(object);
    run(&mut command, &format!("{} is not compiled", source.display()))
}

/// A library of everything that the objects do not define themselves.
fn import_library(dlltool: &Tool, objects: &[PathBuf], room: &Path) -> Result<PathBuf, Refusal> {
    let (mut wanted, mut defined) = (BTreeSet::new(), BTreeSet::new());
    for path in objects {
        let bytes = std::fs::read(path).map_err(|e| failed(path, &e))?;
        let file = object::read::coff::CoffFile::<&[u8]>::parse(&*bytes)
            .map_err(|e| Refusal(format!("{}: what clang made is no object file: {e}", path.display())))?;
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if symbol.is_undefined() {
                wanted.insert(name.strip_prefix("__imp_").unwrap_or(name).to_owned());
            } else if symbol.is_global() {
                defined.insert(name.to_owned());
            }
        }
    }
    let names: Vec<_> = wanted.difference(&defined).map(String::as_str).collect();
    let definition = room.join("imports.def");
    let text = format!("LIBRARY storsim.sys\nEXPORTS\n{}\n", names.join("\n"));
    std::fs::write(&definition, text).map_err(|e| failed(&definition, &e))?;
    let library = room.join("imports.lib");
    let mut command = dlltool.command();
    command.args(["-m", "i386:x86-64", "-d"]).arg(&definition).arg("-l").arg(&library);
    run(&mut command, "the import library is not made")?;
    Ok(library)
}

fn link(lld: &Tool, objects: &[PathBuf], library: &Path, output: &Path) -> Result<(), Refusal> {
    let mut command = lld.command();
    command.args([
        "/subsystem:native",
        "/driver",
        "/entry:DriverEntry",
        "/nodefaultlib",
        "/debug:dwarf",
        "/Brepro",
    ]);
    command.arg(flag("/out:", output)).args(objects).arg(library);
    run(&mut command, &format!("{} is not linked", output.display()))
}

fn flag(name: &str, path: &Path) -> OsString {
    let mut flag = OsString::from(name);
    flag.push(path);
    flag
}

fn run(command: &mut Command, what: &str) -> Result<(), Refusal> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| Refusal(format!("{program}: {e}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Refusal(format!("{what}: {program} refused, as it says above")))
    }
}

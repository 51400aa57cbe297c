//! The checked-in files are made again, where clang and lld are found, and run as they do; so do the forms of
//! the driver that are not checked in.

use super::{desk, line, stdout, storsim};
use tempfile::TempDir;

/// Whether the tools are there. CI sets STORSIM_WANTS_CLANG, so that the tests cannot be skipped there.
fn tools_are_here() -> bool {
    let is_here = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let are = ["clang", "lld-link", "llvm-dlltool"].into_iter().all(is_here);
    assert!(are || std::env::var_os("STORSIM_WANTS_CLANG").is_none(), "clang, lld and llvm are wanted");
    are
}

/// Compiles `c/vmini.c` with a macro into a file of the desk, if that can be done.
fn cc(desk: &TempDir, define: &str, output: &str) -> bool {
    if !tools_are_here() {
        return false;
    }
    // Named as when the checked-in files were made.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::os::unix::fs::symlink(format!("{root}/drivers-examples"), desk.path().join("drivers-examples"))
        .expect("a link");
    storsim(desk, &format!("cc drivers-examples/c/vmini.c -D {define} -o {output}")).success();
    true
}

#[test]
fn the_checked_in_files_are_what_the_sources_make() {
    for (define, checked_in) in [("NOTHING", "vmini.sys"), ("COMPLETE_UNDER_LOCK", "broken.sys")] {
        let desk = desk();
        if !cc(&desk, define, "again.sys") {
            return;
        }
        let status = if checked_in == "vmini.sys" { 0 } else { 1 };
        let runs = [checked_in, "again.sys"]
            .map(|sys| stdout(&storsim(&desk, &format!("run --sys {sys} --ios 100 --seed 3")).code(status)));
        assert_eq!(line(&runs[0], "trace "), line(&runs[1], "trace "));
    }
}

#[test]
fn a_pointer_that_is_null_is_a_bug_check_with_its_line() {
    let desk = desk();
    if !cc(&desk, "READ_NULL", "null.sys") {
        return;
    }
    let found = stdout(&storsim(&desk, "run --sys null.sys").code(1));
    assert!(found.contains("error[DRIVER_IRQL_NOT_LESS_OR_EQUAL]"), "{found}");
    assert!(found.contains("read NULL"), "{found}");
    assert!(line(&found, "--> ").contains("drivers-examples/c/vmini.c:"), "{found}");
}

#[test]
fn the_headers_lay_structures_out_as_the_table_says() {
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    let mut text = String::from("#include <storport.h>\n");
    for row in include_str!("../../wdk/layouts.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = row.split('\t').collect();
        let [structure, member, number] = fields[..] else { panic!("{row}") };
        text += &match member {
            "-" => format!("C_ASSERT(sizeof({structure}) == {number});\n"),
            _ => format!("C_ASSERT(offsetof({structure}, {member}) == {number});\n"),
        };
    }
    text += "NTSTATUS DriverEntry(PDRIVER_OBJECT D, PUNICODE_STRING P) { return StorPortInitialize(D, P, NULL, NULL); }\n";
    std::fs::write(desk.path().join("layouts.c"), text).expect("room for a file");
    storsim(&desk, "cc layouts.c -o layouts.sys").success();
}

#[test]
fn what_cannot_be_compiled_is_refused() {
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    std::fs::write(desk.path().join("odd.c"), "int DriverEntry(void) { return Undeclared(1); }\n")
        .expect("room");
    let assert = storsim(&desk, "cc odd.c -o odd.sys").code(2);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert!(stderr.contains("error: odd.c is not compiled"), "{stderr}");
}

//! The checked-in files are made again, where clang and lld are found, and run as they do; so do the forms of
//! the driver that are not checked in.

use super::{desk, line, stdout, storsim};
use tempfile::TempDir;

/// Whether the tools are there. CI sets STORSIM_WANTS_CLANG, so that the tests cannot be skipped there.
pub(super) fn tools_are_here() -> bool {
    let is_here = |program: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let are = ["clang", "lld-link", "llvm-dlltool"].into_iter().all(is_here);
    assert!(are || std::env::var_os("STORSIM_WANTS_CLANG").is_none(), "clang, lld and llvm are wanted");
    are
}

/// Compiles `c/vmini.c` with a macro, and what flags follow it, into a file of the desk, if that can be done.
fn cc(desk: &TempDir, define: &str, output: &str) -> bool {
    if !tools_are_here() {
        return false;
    }
    // Named as when the checked-in files were made.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::os::unix::fs::symlink(format!("{root}/drivers-examples"), desk.path().join("drivers-examples"))
        .expect("a link");
    storsim(desk, &format!("cc drivers-examples/c/vmini.c -D {define} -o {output}")).success().stderr("");
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

/// What the compiler says of a DriverEntry with that body.
fn said_of(desk: &TempDir, body: &str) -> String {
    let text = format!(
        "#include <ntddk.h>\nNTSTATUS DriverEntry(PDRIVER_OBJECT D, PUNICODE_STRING P) {{ {body} }}\n"
    );
    std::fs::write(desk.path().join("entry.c"), text).expect("room for a file");
    let compiled = storsim(desk, "cc entry.c -o entry.sys").success();
    String::from_utf8_lossy(&compiled.get_output().stderr).into_owned()
}

#[test]
fn a_result_that_is_to_be_inspected_is_not_dropped_in_silence() {
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    let call = "IoSetCompletionRoutineEx(D->DeviceObject, NULL, NULL, NULL, TRUE, TRUE, TRUE)";
    let said = said_of(&desk, &format!("{call}; return STATUS_SUCCESS;"));
    assert!(said.contains("entry.c:2:") && said.contains("[-Wunused-result]"), "{said}");
    assert_eq!(said_of(&desk, &format!("return {call};")), "");
    // Of others nothing is said, whatever is done with what they return.
    assert_eq!(said_of(&desk, "KeSetEvent(NULL, 0, FALSE); return STATUS_SUCCESS;"), "");
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
    let mut text = String::from("#include <storport.h>\n#include <ntdddisk.h>\n");
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
    // A file that is no source, which clang would pass over.
    std::fs::write(desk.path().join("odd.txt"), "no C").expect("room");
    let assert = storsim(&desk, "cc odd.txt -o odd.sys").code(2);
    assert_eq!(String::from_utf8_lossy(&assert.get_output().stderr), "error: odd.txt: no source in C\n");
    // What the file beside the sources says is looked at before anything is compiled.
    std::fs::write(desk.path().join("storsim-cc.toml"), "defines = [\"A\"]\n").expect("room");
    let assert = storsim(&desk, "cc odd.c -o odd.sys").code(2);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.starts_with("error: ") && stderr.contains("storsim-cc.toml:1: unknown field `defines`"),
        "{stderr}"
    );
}

#[test]
fn a_lost_update_of_c_code_is_found_where_its_loads_and_stores_are_seen() {
    let desk = desk();
    if !cc(&desk, "UNLOCKED_COUNT --race", "seen.sys") {
        return;
    }
    let found = stdout(&storsim(&desk, "stress --sys seen.sys --schedules 10 --plain").code(1));
    assert!(found.contains("error[DataRace]"), "{found}");
    let lines = found.lines().filter(|line| line.contains("--> drivers-examples/c/vmini.c:"));
    assert_eq!(lines.count(), 2, "{found}");
    assert!(found.contains("Extension->UnderWay += By;"), "{found}");
    for (flags, schedules) in [("-D UNLOCKED_COUNT", 200), ("-D NOTHING --race", 40)] {
        storsim(&desk, &format!("cc drivers-examples/c/vmini.c {flags} -o other.sys")).success();
        storsim(&desk, &format!("stress --sys other.sys --schedules {schedules}")).success();
    }
}

#[test]
fn what_the_headers_have_for_fields_without_a_lock_is_no_plain_access() {
    let body = "static LONG Flag; static volatile LONG Polled; static ULONG Seen; static PVOID Kept;\n\
        WriteRelease(&Flag, ReadAcquire(&Flag) + 1); Polled++; InterlockedIncrement((PLONG)&Seen);\n\
        if (ReadULongNoFence(&Seen) != 0) WritePointerRelease(&Kept, NULL);\n";
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    std::fs::write(desk.path().join("odd.c"), in_start_io("", body)).expect("room for a file");
    storsim(&desk, "cc odd.c --race -o odd.sys").success();
    storsim(&desk, "stress --sys odd.sys --schedules 20 --plain").success();
    std::fs::write(desk.path().join("odd.c"), in_start_io("", "static ULONG Seen; Seen++;"))
        .expect("room for a file");
    storsim(&desk, "cc odd.c --race -o odd.sys").success();
    let found = stdout(&storsim(&desk, "run --sys odd.sys --no-shrink").code(1));
    assert!(found.contains("error[DataRace]"), "{found}");
}

/// The driver with something done first in StartIo.
fn in_start_io(helper: &str, body: &str) -> String {
    const START_IO: &str = "static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)\n{\n";
    in_driver(START_IO, &format!("{helper}\n{START_IO}{body}\n"))
}

/// The driver with a text in the place of another.
pub(super) fn in_driver(old: &str, new: &str) -> String {
    let source = include_str!("../../c/vmini.c");
    let odd = source.replace(old, new);
    assert_ne!(odd, source);
    odd
}

/// The driver with something done in StartIo once thirty requests have come, and what is found.
fn found_in(helper: &str, body: &str) -> Option<String> {
    if !tools_are_here() {
        return None;
    }
    let desk = desk();
    let odd = in_start_io(helper, &format!("static volatile ULONG Calls; if (++Calls > 30) {{ {body} }}"));
    std::fs::write(desk.path().join("odd.c"), odd).expect("room for a file");
    storsim(&desk, "cc odd.c -o odd.sys").success();
    let found = stdout(&storsim(&desk, "run --sys odd.sys --no-shrink --runaway 1").code(1));
    // Every one of them has a line of the source.
    assert!(line(&found, "--> ").contains("odd.c:"), "{found}");
    Some(found)
}

#[test]
fn c_code_that_faults_or_does_not_come_back_ends_like_rust_code() {
    let deep = "static ULONG Deep(volatile ULONG N) { volatile ULONG A[64]; A[N & 63] = N; return Deep(N + 1) + A[3]; }";
    let big = "static ULONG Big(ULONG N) { volatile UCHAR A[300000]; A[N] = 1; return A[N + 5]; }";
    for (helper, body, verdict) in [
        ("", "for (;;) Calls++;", "error[runaway]"),
        (deep, "Calls += Deep(Calls);", "error[UNEXPECTED_KERNEL_MODE_TRAP]: the kernel stack overflowed"),
        // A frame larger than the guard page.
        (big, "Calls += Big(Calls);", "error[UNEXPECTED_KERNEL_MODE_TRAP]: the kernel stack overflowed"),
        ("", "VOID (*volatile Routine)(VOID) = NULL; Routine();", "the driver executed NULL"),
        ("", "*(volatile UCHAR *)StartIo = 0;", "in its image, which can be read only"),
        // A constant where a routine writes; where it reads, one will do.
        (
            "static const ULONGLONG Moment = 1; static const CHAR Name[] = \"Depth\";",
            "StorPortDebugPrint(0, (PCHAR)Name); StorPortQuerySystemTime((PLARGE_INTEGER)&Moment);",
            "in its image, which can be read only inside StorPortQuerySystemTime",
        ),
    ] {
        let Some(found) = found_in(helper, body) else { return };
        let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(found.contains(verdict), "{verdict}:\n{found}");
    }
}

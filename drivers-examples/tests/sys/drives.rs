//! What a driver from a file drives, where `--as` does not say.

use super::made_again::{in_driver, tools_are_here};
use super::{desk, stdout, storsim};

/// `c/vmini.c` as a miniport of an adapter, which registers what `also` says; the page of the file, or why
/// there is none.
fn page(also: &str) -> Result<String, String> {
    let desk = desk();
    let internal = "Data.AdapterInterfaceType = Internal;";
    let as_physical = format!(
        "Data.AdapterInterfaceType = PCIBus; {also}\n\
         Data.HwInterrupt = (PHW_INTERRUPT)Initialize;"
    );
    std::fs::write(desk.path().join("odd.c"), in_driver(internal, &as_physical)).expect("room for a file");
    storsim(&desk, "cc odd.c -o odd.sys").success();
    let assert = storsim(&desk, "explain --sys odd.sys");
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    match assert.get_output().status.code() {
        Some(0) => Ok(stdout(&assert)),
        Some(2) => {
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            Err(stderr)
        }
        _ => panic!("{stderr}"),
    }
}

#[test]
fn a_miniport_that_names_its_adapter_gets_that() {
    if !tools_are_here() {
        return;
    }
    let named = "Data.VendorId = \"1AF4\"; Data.VendorIdLength = 4; Data.DeviceId = \"1048\"; Data.DeviceIdLength = 4;";
    let found = page(named).expect("it is known");
    assert!(found.contains("a miniport of a virtio SCSI adapter, from a file"), "{found}");
    let why =
        page("Data.VendorId = \"10EC\"; Data.VendorIdLength = 4;").expect_err("there is no such adapter");
    assert!(
        why.contains("it registers adapter \"10EC\", \"\", which is not here, so --as must say"),
        "{why}"
    );
}

#[test]
fn one_that_does_not_is_asked_for_in_one_line() {
    if !tools_are_here() {
        return;
    }
    let why = page("").expect_err("it cannot be known");
    assert!(why.starts_with("error: --sys: odd.sys: it registers an adapter without naming it"), "{why}");
    assert!(why.contains("--as must say what it drives: virtual, virtio-scsi, ahci or wdm"), "{why}");
}

#[test]
fn the_flag_is_believed() {
    let desk = desk();
    let assert = storsim(&desk, "run --sys vmini.sys --as wdm").code(2);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

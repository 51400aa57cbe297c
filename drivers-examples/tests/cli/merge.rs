//! Shards that do not make a whole are refused, with what is wrong with them.

use crate::storsim::Desk;

/// A desk with what some shards of a clean driver said, each in a file of its own.
fn desk(files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    for (file, flags) in files {
        let said = desk.clean(&format!("stress ramdisk --ios 5 --format json --strategy random {flags}"));
        desk.write(file, said.out);
    }
    desk
}

#[test]
fn a_hole_is_refused_with_the_missing_seeds() {
    let desk = desk(&[("a", "--seeds 0..10"), ("b", "--seeds 12..20")]);
    desk.refused("merge a b", &["ramdisk", "10..12", "in no part"]);
    desk.refused("merge b a", &["ramdisk", "10..12", "in no part"]);
}

#[test]
fn an_overlap_is_refused_with_the_seeds_that_are_there_twice() {
    let desk = desk(&[("a", "--seeds 0..10"), ("b", "--seeds 8..20"), ("c", "--seeds 2..4")]);
    desk.refused("merge a b", &["8..10", "two parts"]);
    desk.refused("merge a c", &["2..4", "two parts"]);
}

#[test]
fn parts_of_different_explorations_are_refused_with_the_difference() {
    let desk = desk(&[
        ("a", "--seeds 0..10"),
        ("cpus", "--seeds 10..20 --cpus 2"),
        ("bs", "--seeds 10..20 --bs 8k"),
        ("going", "--seeds 10..20 --keep-going"),
        ("rules", "--seeds 10..20 --rules none"),
    ]);
    desk.refused("merge a cpus", &["option cpus", "4 and 2"]);
    desk.refused("merge a bs", &["option workload"]);
    desk.refused("merge a going", &["option keep_going"]);
    desk.refused("merge a rules", &["option rules"]);
    desk.write(
        "other",
        desk.text("cpus").replace("\"random\"", "\"pct:3\"").replace("\"cpus\":2", "\"cpus\":4"),
    );
    desk.refused("merge a other", &["strategy", "random and pct:3"]);
}

#[test]
fn the_same_seeds_with_another_outcome_are_refused() {
    let desk = desk(&[("a", "--seeds 0..10")]);
    let text = desk.text("a");
    let at = text.find("\"steps\":").expect("a field") + 8;
    desk.write("b", format!("{}1{}", &text[..at], &text[at..]));
    desk.refused("merge a b", &["0..10", "disagree"]);
}

#[test]
fn what_is_no_output_of_a_stress_is_refused_with_its_place() {
    let desk = desk(&[("a", "--seeds 0..10")]);
    let text = desk.text("a");
    desk.refused("merge", &["FILE"]);
    desk.refused("merge nowhere", &["nowhere"]);
    desk.refused("merge .", &["."]);
    for (file, bytes, says) in [
        ("empty", "", "cut short"),
        ("half", &text[..text.len() / 2], "half:1:"),
        ("other", "{\"schema\":1}\n", "other:1:"),
        ("words", "clean: ramdisk\n", "words:1:"),
        ("finding", "{\"record\":\"finding\"}\n", "does not end with a summary"),
        ("newer", &text.replace("\"schema\":1", "\"schema\":2"), "schema 2"),
        ("wrong", &text.replace("\"executions\":10", "\"executions\":11"), "11 executions"),
        ("seeds", &text.replace("[[0,10]]", "[]"), "one range"),
        ("after", &format!("{text}rest\n"), "after:2:"),
    ] {
        desk.write(file, bytes);
        desk.refused(&format!("merge a {file}"), &[says]);
    }
    desk.write("binary", [0xFF, 0, 1]);
    desk.refused("merge binary", &["binary"]);
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let desk = desk(&[("a", "--seeds 0..10"), ("b", "--seeds 10..20")]);
    let both = desk.clean("merge a b").out;
    let output = assert_cmd::Command::cargo_bin("storsim")
        .expect("the program was built with the tests")
        .args(["merge", "-"])
        .write_stdin(desk.text("b") + &desk.text("a"))
        .output()
        .expect("the program starts");
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), both));
}

#[test]
fn a_shard_that_is_missing_is_named_and_the_whole_is_not_complete() {
    let desk = desk(&[
        ("a", "--seeds 0..30 --shard 1/3"),
        ("b", "--seeds 0..30 --shard 2/3"),
        ("c", "--seeds 0..30 --shard 3/3"),
    ]);
    for (files, missing) in [("a b", "20..30"), ("b c", "0..10"), ("b", "0..10 and 20..30")] {
        let said = desk.storsim(&format!("merge {files}"));
        assert_eq!(said.status, 2, "{said:?}");
        assert_eq!(said.json()["complete"], false);
        assert_eq!(said.err, format!("error: ramdisk: seeds {missing} of 0..30 are in no part\n"));
    }
    assert_eq!(desk.clean("merge a b c").json()["complete"], true);
}

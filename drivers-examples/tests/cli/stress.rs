//! Many schedules: what is found depends on the seeds alone, not on how they were split.

use crate::storsim::{CLEAN, Desk, Said, soak};
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// The driver whose bug shows under few schedules only, with little I/O; nothing here is about making it
/// short.
const RARE: &str = "wdm-startio-rare --ios 50 --format json --strategy random --no-shrink";

fn lines(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect()
}

/// The one summary among the lines: the last.
#[track_caller]
fn summary(said: &Said) -> Value {
    let lines = lines(said);
    let (last, rest) = lines.split_last().unwrap_or_else(|| panic!("nothing was printed: {said:?}"));
    assert_eq!(last["record"], "summary", "{said:?}");
    assert!(rest.iter().all(|line| line["record"] == "finding"), "{said:?}");
    last.clone()
}

/// Executes each shard and writes what it says to a file; returns the files.
fn shards(desk: &Desk, what: &str, count: u64) -> Vec<String> {
    let shard = |n: u64| {
        let said = desk.storsim(&format!("stress {what} --shard {n}/{count}"));
        assert!(matches!(said.status, 0 | 1), "{said:?}");
        let file = format!("shard{n}of{count}.jsonl");
        desk.write(&file, said.out);
        file
    };
    (1..=count).map(shard).collect()
}

#[test]
fn however_the_seeds_are_split_the_summary_is_the_same() {
    let desk = Desk::new();
    let what = format!("{RARE} --keep-going --seeds 0..{}", soak(2_000, 100_000));
    let whole = desk.storsim(&format!("stress {what}"));
    let line = whole.out.lines().last().expect("a summary");
    assert_eq!(whole.status, 1);
    for count in [1, 3, 10] {
        let mut files = shards(&desk, &what, count);
        let merged = desk.storsim(&format!("merge {}", files.join(" ")));
        assert_eq!((merged.status, merged.out.as_str(), merged.err.as_str()), (1, &*format!("{line}\n"), ""));
        // The order does not matter, and a shard counts once.
        files.reverse();
        files.push(files[0].clone());
        assert_eq!(desk.storsim(&format!("merge {}", files.join(" "))).out, merged.out);
        // What was merged can be merged again.
        desk.write("merged.jsonl", &merged.out);
        assert_eq!(desk.storsim("merge merged.jsonl merged.jsonl").out, merged.out);
    }
}

#[test]
fn the_number_of_jobs_changes_nothing() {
    for flags in ["--seeds 0..200 --keep-going", "--seeds 0..200", "--seeds 13..60"] {
        let of = |jobs: u32| Desk::new().storsim(&format!("stress {RARE} {flags} --jobs {jobs}"));
        let one = of(1);
        for jobs in [2, 5] {
            assert_eq!(of(jobs).out, one.out, "{flags} --jobs {jobs}");
        }
    }
}

/// Seeds of the rare driver that find something on the plain machine, by running each.
fn seeds_that_find(range: std::ops::Range<u64>) -> Vec<u64> {
    let desk = Desk::new();
    let run = RARE.replace("--strategy random ", "");
    let finds = |seed: &u64| desk.storsim(&format!("run {run} --seed {seed}")).status == 1;
    range.filter(finds).collect()
}

#[test]
fn the_finding_with_the_lowest_seed_is_told_whichever_thread_was_faster() {
    let finding = seeds_that_find(0..60);
    let lowest = *finding.first().expect("some of sixty seeds find it");
    for _ in 0..soak(2, 100) {
        let desk = Desk::new();
        // Made short: only then does it have the call stacks of all moments, as a replay has.
        let rare = RARE.replace(" --no-shrink", "");
        let said = desk.storsim(&format!("stress {rare} --plain --seeds 0..1000000 --jobs 2"));
        assert_eq!((said.status, said.complaints().as_str()), (1, ""));
        let [found, summary] = &lines(&said)[..] else { panic!("a finding and a summary: {said:?}") };
        let file = format!("wdm-startio-rare-seed{lowest}.schedule");
        assert_eq!(found["seed"], lowest);
        assert_eq!(summary["seeds"], serde_json::json!([[0, lowest + 1]]));
        assert_eq!(summary["findings"][0]["schedule"], *file);
        let replay = desk.storsim(&format!("replay schedules/{file} --format json"));
        assert_eq!(replay.json()["finding"], found["run"]["finding"]);
    }
}

#[test]
fn with_keep_going_a_finding_is_one_however_often_it_is_made() {
    let finding = seeds_that_find(0..60);
    let desk = Desk::new();
    let said = desk.storsim(&format!("stress {RARE} --plain --seeds 0..60 --keep-going"));
    assert_eq!((said.status, lines(&said).len()), (1, 2));
    let summary = summary(&said);
    let [found] = &summary["findings"].as_array().expect("a list")[..] else { panic!("{summary}") };
    assert_eq!((&found["seed"], &found["count"]), (&finding[0].into(), &finding.len().into()));
    assert_eq!(std::fs::read_dir(desk.path(".")).unwrap().count(), 1, "one schedule file a finding");
}

#[test]
fn a_stopping_stress_in_shards_tells_what_the_whole_tells() {
    let desk = Desk::new();
    let what = format!("{RARE} --seeds 60..150");
    let whole = summary(&desk.storsim(&format!("stress {what}")));
    let files = shards(&desk, &what, 3);
    assert_eq!(summary(&desk.storsim(&format!("merge {}", files.join(" ")))), whole);
}

#[test]
fn a_summary_has_these_fields_and_no_others() {
    let said = Desk::new().storsim(&format!("stress {RARE} --seeds 60..120"));
    let [found, summary] = &lines(&said)[..] else { panic!("{said:?}") };
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(summary),
        [
            "complete",
            "driver",
            "executions",
            "findings",
            "options",
            "record",
            "schema",
            "seeds",
            "steps",
            "storsim",
            "strategy",
            "totals"
        ]
    );
    assert_eq!((&summary["schema"], &summary["complete"]), (&1.into(), &true.into()));
    assert_eq!(summary["strategy"], "random");
    let [finding] = &summary["findings"].as_array().expect("a list")[..] else { panic!("{summary}") };
    assert_eq!(keys(finding), ["call", "count", "location", "rule", "schedule", "seed", "waits"]);
    assert_eq!((&finding["rule"], &finding["call"]), (&"SpinLockSafe".into(), &"IoCompleteRequest".into()));
    assert_eq!(finding["location"], found["run"]["finding"]["now"]["location"]);
    assert_eq!(
        keys(&summary["options"]),
        ["cpus", "draws", "keep_going", "rules", "sites", "size", "workload"]
    );
}

#[test]
fn every_driver_has_a_summary_of_its_own() {
    let desk = Desk::new();
    let what = "ramdisk wdm-startio wdm-startio-next-under-lock --ios 10 --format json --schedules 6";
    let said = desk.storsim(&format!("stress {what}"));
    assert_eq!(said.status, 1);
    let summaries: Vec<_> = lines(&said).into_iter().filter(|line| line["record"] == "summary").collect();
    let told = |key: &str| summaries.iter().map(|s| s[key].to_string()).collect::<Vec<_>>();
    assert_eq!(told("driver"), ["\"ramdisk\"", "\"wdm-startio\"", "\"wdm-startio-next-under-lock\""]);
    assert_eq!(told("executions"), ["6", "6", "1"]);
    let clean = desk.clean("stress ramdisk --ios 10 --schedules 6 --format json");
    assert_eq!(clean.json()["findings"], serde_json::json!([]));
}

#[test]
fn the_text_has_the_report_the_table_and_the_line() {
    let desk = Desk::new();
    let said = desk.storsim("stress wdm-startio-rare --ios 50 --seeds 0..60 --keep-going");
    assert_eq!((said.status, said.complaints().as_str()), (1, ""));
    assert!(said.out.contains("error[SpinLockSafe]"));
    assert!(said.out.contains("storsim replay schedules/wdm-startio-rare-seed"));
    assert!(said.field("found").ends_with("where"));
    let line = said.field("wdm-startio-rare  ");
    assert!(line.starts_with("60 schedules, ") && line.contains(" a second over "), "{line}");
    let clean = desk.clean("stress ramdisk --ios 10 --schedules 3");
    assert!(clean.out.starts_with("clean: ramdisk broke no rule in 3 schedules\n"), "{}", clean.out);
}

#[test]
fn a_limit_in_time_ends_it_and_is_not_complete_where_seeds_are_left() {
    let said = Desk::new().clean("stress ramdisk --ios 10 --format json --time 200ms");
    assert_eq!(said.json()["complete"], true);
    assert!(said.json()["executions"].as_u64() > Some(0));
    let said = Desk::new().clean("stress ramdisk --ios 10 --format json --time 200ms --seeds 0..100000000");
    assert_eq!(said.json()["complete"], false);
}

/// Interrupts a stress once it has printed a finding; returns its exit status and the lines.
fn interrupted(signal: &str, flags: &str) -> (Option<i32>, Vec<Value>) {
    let desk = Desk::new();
    let mut child = Command::new(cargo_bin("storsim"))
        .args(format!("stress {RARE} --seeds 0..100000000 --jobs 2").split(' '))
        .args(flags.split_whitespace())
        .current_dir(desk.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut text = String::new();
    out.read_line(&mut text).expect("a line");
    let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(kill.success());
    out.read_to_string(&mut text).expect("text");
    let status = child.wait().expect("the program ends");
    (status.code(), text.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect())
}

#[test]
fn a_signal_ends_it_with_a_summary_of_what_was_done() {
    for signal in ["-INT", "-TERM"] {
        let (status, lines) = interrupted(signal, "--keep-going");
        assert_eq!(status, Some(1), "something was found");
        let summary = lines.last().expect("a summary");
        assert_eq!((&summary["record"], &summary["complete"]), (&"summary".into(), &false.into()));
        let end = summary["seeds"][0][1].as_u64().expect("a seed");
        assert_eq!(summary["executions"], end);
        // The seeds it says were done are done: a stress of just those comes to the same.
        let flags = format!("stress {RARE} --keep-going --seeds 0..{end}");
        let mut again = self::summary(&Desk::new().storsim(&flags));
        again["complete"] = false.into();
        assert_eq!(again, *summary);
    }
}

/// A stress of clean drivers prints no result before its end: what it says with `--verbose` tells that
/// it has begun, and so listens.
#[test]
fn a_signal_with_nothing_found_is_told_by_the_status() {
    for (signal, expected) in [("-INT", 130), ("-TERM", 143)] {
        let desk = Desk::new();
        let mut child = Command::new(cargo_bin("storsim"))
            .args(
                "stress wdm-startio ramdisk --ios 5 --format json --strategy random --schedules 100000000 --jobs 2".split(' '),
            )
            .args("--time 2s --verbose".split(' '))
            .current_dir(desk.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // It speaks of its first execution when it has begun to listen for signals.
        let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        err.read_line(&mut line).expect("a line");
        assert!(line.contains("power on"), "{line}");
        let drain = std::thread::scope(|scope| {
            let drain = scope.spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
            let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
            assert!(kill.expect("kill").success());
            drain.join()
        });
        drain.expect("a thread").expect("a pipe");
        let mut out = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
        assert_eq!(child.wait().expect("the program ends").code(), Some(expected));
        assert_eq!(out.lines().count(), 1, "the second driver is left out: {out}");
        let summary: Value = serde_json::from_str(&out).expect("a summary");
        assert_eq!(summary["complete"], false);
    }
}

#[test]
fn a_bad_flag_is_refused_by_its_name() {
    for (flags, names) in [
        ("", ["DRIVER", ""]),
        ("nobody", ["'nobody'", ""]),
        ("ramdisk --strategy luck", ["--strategy", "'luck'"]),
        ("ramdisk --schedules 0", ["--schedules", "0"]),
        ("ramdisk --schedules 5 --seeds 0..5", ["--schedules", "--seeds"]),
        ("ramdisk --seeds 5", ["--seeds", "'5'"]),
        ("ramdisk --seeds 5..5", ["--seeds", "5..5"]),
        ("ramdisk --seeds 9..5", ["--seeds", "9..5"]),
        ("ramdisk --seeds 0..18446744073709551616", ["--seeds", ""]),
        ("ramdisk --time 0s", ["--time", "no time"]),
        ("ramdisk --jobs 0", ["--jobs", "0"]),
        ("ramdisk --jobs 100000", ["--jobs", "100000"]),
        ("ramdisk --shard 0/3", ["--shard", "0 of 3"]),
        ("ramdisk --shard 4/3", ["--shard", "4 of 3"]),
        ("ramdisk --shard 1", ["--shard", "'1'"]),
        ("ramdisk --shard 1/2 --time 1s", ["--shard", "--seeds"]),
        ("ramdisk --shard 1/9 --schedules 3", ["nothing to explore", "1/9"]),
        ("ramdisk --image x", ["--image", ""]),
        ("ramdisk --seed 3", ["--seed", ""]),
        ("ramdisk --executor parallel", ["--executor", ""]),
        ("ramdisk --size 4k --bs 64k", ["--size 4096", "65536"]),
        ("ramdisk --schedule-dir nowhere", ["--schedule-dir", "nowhere"]),
        ("ramdisk --rules Nonsense", ["--rules", "'Nonsense'"]),
    ] {
        Desk::new().refused(&format!("stress {flags}"), &names);
    }
}

#[test]
fn the_environment_says_which_shard_it_is() {
    let run = |pairs: &[(&str, &str)]| {
        let mut command = Command::new(cargo_bin("storsim"));
        // This test may itself be a job of a runner.
        command.env_clear().envs(pairs.iter().copied());
        let output = command
            .args("stress ramdisk --ios 5 --format json --seeds 0..10 --shard auto".split(' '))
            .output()
            .expect("the program starts");
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (status, out, err) = run(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "2")]);
    assert_eq!((status, err.as_str()), (Some(0), "shard 2/2 of GitLab CI\n"));
    assert!(out.contains("\"seeds\":[[5,10]]"), "{out}");
    for (pairs, says) in [
        (&[][..], "nothing in the environment"),
        (&[("JOB_COMPLETION_INDEX", "0")], "JOB_COMPLETIONS"),
        (&[("PARALLEL_SEQ", "1")], "{#}/N"),
    ] {
        let (status, out, err) = run(pairs);
        assert_eq!((status, out.as_str(), err.lines().count()), (Some(2), "", 1), "{err}");
        assert!(err.contains("--shard auto") && err.contains(says), "{err}");
    }
}

#[test]
fn a_driver_that_is_not_repeatable_is_told_with_the_call_from_which_on() {
    let said = Desk::new().clean("stress vandal-global --schedules 3");
    let line =
        said.out.lines().find(|line| line.starts_with("not repeatable from step ")).expect("it is told");
    assert!(line.contains("KeSetEvent at drivers-examples/src/vandals/global.rs:"), "{line}");
    let said = Desk::new().clean("stress vandal-global --schedules 3 --format json");
    assert_eq!(said.json()["unrepeatable"]["seed"], 1);
    for driver in CLEAN {
        let said = Desk::new().clean(&format!("stress {driver} --schedules 20 --ios 20"));
        assert!(!said.out.contains("not repeatable"), "{}", said.out);
    }
}

#[test]
fn without_a_terminal_a_line_says_now_and_then_how_far_it_is() {
    let said = Desk::new().clean("stress ramdisk --ios 10 --schedules 100000000 --time 3500ms --progress 1");
    let lines: Vec<_> = said.err.lines().filter(|line| line.starts_with("ramdisk: ")).collect();
    assert!((2..=4).contains(&lines.len()), "{}", said.err);
    assert!(lines.iter().all(|line| line.contains(" schedules, ")), "{}", said.err);
    let said = Desk::new().clean("stress ramdisk --ios 10 --schedules 100000000 --time 1500ms --progress 0");
    assert_eq!(said.err, "");
}

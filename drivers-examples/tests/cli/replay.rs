//! A schedule file is the run: it gives the same report for ever, or says where it no longer fits.

use crate::blessed;
use crate::storsim::{Desk, soak};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::OnceLock;

/// The seed of a run of `wdm-startio-rare` that was caught, and that of one that was not.
fn caught_and_clean(desk: &Desk, seeds: std::ops::RangeInclusive<u64>) -> (Vec<u64>, Vec<u64>) {
    seeds.partition(|seed| {
        let flags = "--no-shrink --format json";
        let said = desk.storsim(&format!("run wdm-startio-rare --seed {seed} {flags}"));
        let outcome = said.json()["outcome"].clone();
        assert!(outcome == "finding" || outcome == "clean", "seed {seed}: {outcome}");
        assert_eq!(said.status, i32::from(outcome == "finding"), "seed {seed}");
        outcome == "finding"
    })
}

/// A schedule that a run of the rare driver wrote, and what the run printed.
struct Recorded {
    desk: Desk,
    file: String,
    run: Value,
}

/// Seeds of which one is caught soon.
const SEEDS: std::ops::RangeInclusive<u64> = 26..=27;

/// The one run of all these tests, in a directory of the caller's: to make it short takes long.
fn recorded() -> Recorded {
    static RECORDED: OnceLock<(String, String, Value)> = OnceLock::new();
    let (file, text, run) = RECORDED.get_or_init(|| {
        let desk = Desk::new();
        let (caught, _) = caught_and_clean(&desk, SEEDS);
        let seed = caught.first().expect("some of these seeds are caught");
        let said = desk.storsim(&format!("run wdm-startio-rare --seed {seed} --format json"));
        let run = said.json();
        let file = run["schedule"].as_str().expect("a finding writes its schedule").to_owned();
        assert_eq!(file, format!("schedules/wdm-startio-rare-seed{seed}.schedule"));
        let text = desk.text(&file);
        (file, text, run)
    });
    let desk = Desk::new();
    std::fs::create_dir(desk.path("schedules")).expect("the directory is writable");
    desk.write(file, text);
    Recorded { desk, file: file.clone(), run: run.clone() }
}

impl Recorded {
    fn text(&self) -> String {
        self.desk.text(&self.file)
    }

    /// Writes a changed schedule, which must be refused with one line that holds `names`.
    #[track_caller]
    fn refuses(&self, change: impl FnOnce(String) -> String, names: &[&str]) {
        let text = change(self.text());
        assert_ne!(text, self.text(), "the change changes nothing");
        self.desk.write("changed.schedule", text);
        let mut names = names.to_vec();
        names.push("changed.schedule");
        self.desk.refused("replay changed.schedule", &names);
        self.desk.refused("replay changed.schedule --format json", &names);
    }
}

#[test]
fn the_rare_driver_is_caught_by_some_seeds_and_not_by_all() {
    let desk = Desk::new();
    let (caught, clean) = caught_and_clean(&desk, 1..=soak(60, 1000));
    assert!(caught.len() >= 2 && clean.len() >= 5, "caught: {caught:?}");
    for seed in caught {
        assert!(desk.path(format!("schedules/wdm-startio-rare-seed{seed}.schedule")).is_file());
    }
    for seed in clean {
        assert!(!desk.path(format!("schedules/wdm-startio-rare-seed{seed}.schedule")).exists());
    }
}

#[test]
fn a_replay_gives_the_same_report_byte_for_byte() {
    let r = recorded();
    let first = r.desk.storsim(&format!("replay {}", r.file));
    assert_eq!((first.status, first.complaints().as_str()), (1, ""));
    assert!(first.out.contains("error[SpinLockSafe]"));
    for _ in 1..soak(20, 100) {
        let again = r.desk.storsim(&format!("replay {}", r.file));
        assert_eq!(again.status, 1);
        assert!(again.out == first.out, "a replay printed something else");
    }
}

/// An object without one of its keys, which must be there.
fn without(mut object: Value, key: &str) -> Value {
    let removed = object.as_object_mut().expect("an object").remove(key);
    assert!(removed.is_some(), "no '{key}' in {object}");
    object
}

#[test]
fn a_replay_finds_what_the_run_found() {
    let r = recorded();
    let said = r.desk.storsim(&format!("replay {} --format json", r.file));
    assert_eq!(said.status, 1);
    let replay = said.json();
    assert_eq!(replay["fit"]["exact"], true);
    assert_eq!(replay["fit"]["never_applied"], Value::Array(Vec::new()));
    assert_eq!(without(replay, "fit"), without(r.run, "shrunk"));
}

#[test]
fn a_quiet_replay_prints_what_the_run_printed() {
    let desk = Desk::new();
    let run = desk.storsim("run wdm-startio-next-under-lock --seed 3");
    let replay = desk.storsim("replay schedules/wdm-startio-next-under-lock-seed3.schedule --quiet");
    assert_eq!((run.status, replay.status), (1, 1));
    let (before, shrunk) = run.out.split_once("shrunk from ").expect("a finding is shrunk");
    assert!(shrunk.ends_with("minimal: it needs no deviation at all\n\n"), "{shrunk}");
    let (again, fit) = replay.out.split_once("the schedule fits ").expect("a replay says how it fits");
    assert!(fit.starts_with("exactly: "), "{fit}");
    assert_eq!(again, before);
}

#[test]
fn a_finding_is_shrunk_and_drawn() {
    let r = recorded();
    let shrunk = &r.run["shrunk"];
    assert_eq!(shrunk["from"]["requests"], 1000);
    assert_eq!(shrunk["minimal"], true, "{shrunk}");
    let deviations = r.run["timeline"]["deviations"].as_array().expect("a list");
    assert_eq!(shrunk["to"]["deviations"], deviations.len());
    let rows = r.run["timeline"]["rows"].as_array().expect("a list");
    let last = rows.last().expect("a row");
    assert_eq!((&last["ended"], &last["last"]), (&"over".into(), &r.run["steps"]));
    assert_eq!(last["holds"], r.run["finding"]["now"]["locks"]);
    for (n, deviation) in deviations.iter().enumerate() {
        let has_it = |row: &&Value| row["deviations"].as_array().is_some_and(|d| d.contains(&(n + 1).into()));
        assert_eq!(rows.iter().filter(has_it).count(), 1, "{deviation}");
        assert!(r.text().contains(&format!("\n{}\n", deviation.as_str().unwrap())));
    }
    assert!(r.text().len() <= 1024, "{}", r.text());
}

#[test]
fn the_report_of_a_shrunk_schedule_reads_as_it_was_blessed() {
    let r = recorded();
    let said = r.desk.storsim(&format!("replay --quiet {}", r.file));
    // The fingerprint changes with every edit of the driver.
    let text: String =
        r.text().lines().filter(|l| !l.starts_with("sources ")).flat_map(|l| [l, "\n"]).collect();
    blessed::check("shrunk.txt", &format!("{text}\n{}", said.out));
}

/// A run without its call stacks: of what came before a finding they are taken by replays only.
fn without_stacks(mut run: Value) -> Value {
    for moment in run["finding"]["earlier"].as_array_mut().expect("a list") {
        *moment = without(moment.take(), "stack");
    }
    run
}

#[test]
fn a_run_that_is_not_shrunk_is_kept_as_its_seed() {
    let desk = Desk::new();
    let (caught, _) = caught_and_clean(&desk, SEEDS);
    let seed = caught[0];
    let flags = "--no-shrink --format json";
    let run = desk.storsim(&format!("run wdm-startio-rare --seed {seed} {flags}")).json();
    assert!(run.get("shrunk").is_none() && run.get("timeline").is_none());
    let file = format!("schedules/wdm-startio-rare-seed{seed}.schedule");
    assert!(desk.text(&file).contains(&format!("\nbase random {seed}\n")));
    let replay = desk.storsim(&format!("replay {file} --format json"));
    let again = without_stacks(without(replay.json(), "fit"));
    assert_eq!((replay.status, again), (1, without_stacks(run)));
    // Other operations under the same choices are another run.
    let text = desk.text(&file).replace("\"seed\":", "\"seed\":1");
    desk.write("changed.schedule", text);
    let said = desk.storsim("replay changed.schedule --quiet --format json");
    assert!(said.status == 2 || said.json()["fit"]["same_finding"] == true, "{said:?}");
}

#[test]
fn a_schedule_of_changed_sources_says_so() {
    let r = recorded();
    let sources = r.text().lines().find_map(|l| l.strip_prefix("sources ")).unwrap().to_owned();
    r.desk.write("old.schedule", r.text().replace(&sources, &"0".repeat(64)));
    let said = r.desk.storsim("replay --quiet old.schedule");
    assert_eq!(said.status, 1);
    assert!(
        said.out.contains("\nthe driver's sources have changed since, but not what it did"),
        "{}",
        said.out
    );
    let trace = r.text().lines().find_map(|l| l.strip_prefix("trace ")).unwrap().to_owned();
    r.desk.write(
        "older.schedule",
        r.text().replace(&sources, &"0".repeat(64)).replace(&trace, &"0".repeat(16)),
    );
    let said = r.desk.storsim("replay --quiet older.schedule");
    assert_eq!(said.status, 1);
    assert!(said.out.contains("sources have changed since; the schedule still reproduces"), "{}", said.out);
    r.desk.write(
        "other.schedule",
        r.text().replace(&trace, &"0".repeat(16)).replace("found Spin", "found Spun"),
    );
    let said = r.desk.storsim("replay --quiet other.schedule");
    assert!(said.out.contains("although the driver's sources are"), "{}", said.out);
    assert!(said.out.contains("no longer reproduces"), "{}", said.out);
}

#[test]
fn a_run_that_writes_to_an_image_is_not_made_again_and_again() {
    let desk = Desk::new();
    desk.write("disk.img", vec![0; 1 << 20]);
    let line = "run wdm-startio-next-under-lock --image disk.img --rw randwrite";
    let said = desk.storsim(line);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("not shrunk") && said.err.lines().count() == 1, "{}", said.err);
    assert!(desk.text("schedules/wdm-startio-next-under-lock-seed1.schedule").contains("\nbase random 1\n"));
}

#[test]
fn the_trace_ends_before_the_step_asked_for() {
    let r = recorded();
    let steps = |out: &str| -> Vec<u64> {
        let of_trace = out.lines().filter(|l| l.contains(" ns  CPU "));
        of_trace.map(|l| l.split_whitespace().next().unwrap().parse().unwrap()).collect()
    };
    let whole = r.desk.storsim(&format!("replay {}", r.file)).out;
    let cut = r.desk.storsim(&format!("replay {} --stop-before 50", r.file));
    assert_eq!(cut.status, 1, "what was found is still told");
    let (all, early) = (steps(&whole), steps(&cut.out));
    assert_eq!(all.last().copied(), r.run["finding"]["now"]["step"].as_u64());
    assert_eq!(early, all.iter().copied().filter(|s| *s < 50).collect::<Vec<_>>());
    assert!(!early.is_empty() && early.len() < all.len());
    assert!(cut.out.contains("error[SpinLockSafe]"));
}

#[test]
fn a_replay_writes_nothing() {
    let r = recorded();
    let before = r.text();
    let files = || std::fs::read_dir(r.desk.path(".")).unwrap().count();
    let count = files();
    r.desk.storsim(&format!("replay {}", r.file));
    assert_eq!((files(), r.text()), (count, before));
}

#[test]
fn a_schedule_with_another_directory_goes_there() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("found")).unwrap();
    let line = "run ramdisk-service-irp-under-lock --schedule-dir found --format json";
    let run = desk.storsim(line).json();
    assert_eq!(run["schedule"], "found/ramdisk-service-irp-under-lock-seed1.schedule");
    let replay = desk.storsim("replay found/ramdisk-service-irp-under-lock-seed1.schedule --format json");
    assert_eq!(without(replay.json(), "fit"), without(run, "shrunk"));
}

#[test]
fn a_schedule_file_can_be_read_as_any_other_file() {
    let desk = Desk::new();
    desk.storsim("run deadlocks-on-itself --seed 1");
    desk.write("other", "");
    let mode = |name: &str| std::fs::metadata(desk.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("schedules/deadlocks-on-itself-seed1.schedule"), mode("other"));
}

#[test]
fn a_finding_is_told_in_full_where_its_schedule_cannot_be_saved() {
    let desk = Desk::new();
    // A file is in the way: no directory can be made there.
    desk.write("schedules", "");
    let said = desk.storsim("run wdm-startio-next-under-lock deadlocks-on-itself");
    assert_eq!((said.status, said.complaints().as_str()), (1, ""));
    assert_eq!(said.out.matches("\nerror[").count(), 2, "{}", said.out);
    assert_eq!(said.out.matches("  note    the schedule could not be saved: schedules/").count(), 2);
    assert!(!said.out.contains("storsim replay"), "{}", said.out);
    let said = desk.storsim("run deadlocks-on-itself --format json");
    let not_saved = &said.json()["schedule_not_saved"];
    assert!(
        not_saved["why"].as_str().is_some_and(|why| why.contains("deadlocks-on-itself-seed1.schedule")),
        "{said:?}"
    );
    assert!(not_saved["deviations"].is_array(), "{said:?}");
}

#[test]
fn a_report_names_the_program_that_was_started() {
    let desk = Desk::new();
    std::os::unix::fs::symlink(assert_cmd::cargo::cargo_bin("storsim"), desk.path("mydriver")).unwrap();
    let output = std::process::Command::new(desk.path("mydriver"))
        .args(["run", "deadlocks-on-itself"])
        .current_dir(desk.path("."))
        .env("COLUMNS", "200")
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("  replay  mydriver replay schedules/deadlocks-on-itself-seed1.schedule\n"),
        "{text}"
    );
}

#[test]
fn a_schedule_that_replaces_another_says_so() {
    let desk = Desk::new();
    let again = |flags: &str| desk.storsim(&format!("run deadlocks-on-itself --seed 1 {flags}")).err;
    assert_eq!(again(""), "");
    assert_eq!(again(""), "", "the same schedule replaces nothing");
    desk.write("schedules/deadlocks-on-itself-seed1.schedule", "yesterday's");
    assert!(again("").contains("schedules/deadlocks-on-itself-seed1.schedule: replaced"));
}

#[test]
fn a_schedule_cut_short_is_refused_wherever_it_was_cut() {
    let r = recorded();
    let length = r.text().len();
    for at in [0, 1, 18, 19, 30, 60, length / 2, length - 100, length - 80, length - 5, length - 2] {
        r.refuses(|text| text[..at].to_owned(), &["changed.schedule:"]);
    }
}

#[test]
fn a_foreign_file_is_refused() {
    let r = recorded();
    r.refuses(|_| "#!/bin/sh\nexit 0\n".into(), &["changed.schedule:1:"]);
    r.refuses(|text| format!("\n{text}"), &["changed.schedule:1:"]);
    r.refuses(|text| format!("{text}more\n"), &["after 'end'"]);
    r.desk.write("binary.schedule", [0xFF, 0xFE, 0, 1]);
    r.desk.refused("replay binary.schedule", &["binary.schedule"]);
    r.desk.refused("replay nowhere.schedule", &["nowhere.schedule"]);
    r.desk.refused("replay .", &["."]);
}

#[test]
fn another_format_version_is_refused_by_its_number() {
    let r = recorded();
    for version in ["1", "3", "22"] {
        let other = |text: String| text.replacen("schedule 2", &format!("schedule {version}"), 1);
        r.refuses(other, &["changed.schedule:1:", &format!("format {version}")]);
    }
}

#[test]
fn an_unknown_driver_or_rule_is_refused_by_its_name() {
    let r = recorded();
    r.refuses(
        |text| text.replace("driver wdm-startio-rare", "driver nobody"),
        &["changed.schedule:2:", "'nobody'"],
    );
    r.refuses(
        |text| text.replace("\"rules\":\"default\"", "\"rules\":\"SpinLockUnsafe\""),
        &["changed.schedule:3:", "'SpinLockUnsafe'"],
    );
}

#[test]
fn a_setup_that_no_flag_could_ask_for_is_refused() {
    let r = recorded();
    for (from, to) in [
        ("\"cpus\":4", "\"cpus\":0"),
        ("\"cpus\":4", "\"cpus\":65"),
        ("\"cpus\":4", "\"cpus\":400"),
        ("\"cpus\":4", "\"processors\":4"),
        ("\"depth\":8", "\"depth\":0"),
        ("\"depth\":8", "\"depth\":4000000000"),
        ("\"block_bytes\":4096", "\"block_bytes\":4095"),
        ("\"block_bytes\":4096", "\"block_bytes\":0"),
        ("\"block_bytes\":4096", "\"block_bytes\":4294966784"),
        ("\"size\":16777216", "\"size\":0"),
        ("\"size\":16777216", "\"size\":4097"),
        ("\"size\":16777216", "\"size\":9223372036854771712"),
        ("\"size\":16777216", "\"size\":null"),
        ("\"ios\":", "\"ios\":-"),
        ("\"ios\":", "\"time_ns\":"),
        ("\"ios\":", "\"iops\":"),
    ] {
        r.refuses(|text| text.replace(from, to), &["changed.schedule:3:"]);
    }
    let too_small = |text: String| {
        text.replace("\"size\":16777216", "\"size\":4096")
            .replace("\"block_bytes\":4096", "\"block_bytes\":8192")
    };
    r.refuses(too_small, &["4096 bytes are too few"]);
}

/// A text with its first deviation changed.
fn with_first(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|l| l.starts_with("deviations ")).unwrap() + 1;
    lines[at] = change(&lines[at]);
    lines.join("\n") + "\n"
}

#[test]
fn choices_that_no_longer_fit_are_refused_with_the_step_where_they_part() {
    let r = recorded();
    for (take, word) in [
        ("run cpu 63", "only 4 processors"),
        ("step device 9", "device 9"),
        ("expire a timer", "none is due"),
        ("interrupt cpu 3", "nothing is pended"),
    ] {
        let instead = |line: &str| format!("{}: {take}", line.rsplit_once(": ").unwrap().0);
        r.refuses(|text| with_first(&text, instead), &["step ", word]);
    }
    let never = |text: String| {
        text.lines()
            .map(|line| if line.starts_with("cpu ") { line.replacen(" before ", " before Nt", 1) } else { line.into() } + "\n")
            .collect()
    };
    r.refuses(never, &["step ", "(clean)", "never applied: cpu ", " before Nt"]);
}

#[test]
fn deviations_that_are_none_are_refused_with_their_line() {
    let r = recorded();
    for line in
        ["", "r0*7", "cpu 0", "cpu 64 between calls #1 in kernel: pick 0", "cpu 0 before X #1 in Y: run"]
    {
        r.refuses(|text| with_first(&text, |_| line.to_owned()), &["changed.schedule:9:"]);
    }
    let promise = |n: &str| {
        let n = n.to_owned();
        move |text: String| text.replacen("deviations ", &format!("deviations {n}"), 1)
    };
    r.refuses(promise("1000000000000000"), &["changed.schedule:", "promises"]);
    r.refuses(promise("-"), &["changed.schedule:8:", "deviations"]);
}

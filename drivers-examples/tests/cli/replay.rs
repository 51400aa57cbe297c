//! A schedule file is the run: it gives the same report for ever, or says where it no longer fits.

use crate::storsim::{Desk, soak};
use serde_json::Value;

/// The seed of a run of `wdm-startio-rare` that was caught, and that of one that was not.
fn caught_and_clean(desk: &Desk, seeds: std::ops::RangeInclusive<u64>) -> (Vec<u64>, Vec<u64>) {
    seeds.partition(|seed| {
        let said = desk.storsim(&format!("run wdm-startio-rare --seed {seed} --ios 300 --format json"));
        let outcome = said.json()["outcome"].clone();
        assert!(outcome == "violation" || outcome == "clean", "seed {seed}: {outcome}");
        assert_eq!(said.status, i32::from(outcome == "violation"), "seed {seed}");
        outcome == "violation"
    })
}

/// A schedule that a run of the rare driver wrote, and what the run printed.
struct Recorded {
    desk: Desk,
    file: String,
    run: Value,
}

fn recorded() -> Recorded {
    let desk = Desk::new();
    let (caught, _) = caught_and_clean(&desk, 1..=10);
    let seed = caught.first().expect("some of ten seeds are caught");
    let said = desk.storsim(&format!("run wdm-startio-rare --seed {seed} --ios 300 --format json"));
    let run = said.json();
    let file = run["schedule"].as_str().expect("a finding writes its schedule").to_owned();
    assert_eq!(file, format!("wdm-startio-rare-seed{seed}.schedule"));
    Recorded { desk, file, run }
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
    assert!(caught.len() >= 5 && clean.len() >= 5, "caught: {caught:?}");
    for seed in caught {
        assert!(desk.path(format!("wdm-startio-rare-seed{seed}.schedule")).is_file());
    }
    for seed in clean {
        assert!(!desk.path(format!("wdm-startio-rare-seed{seed}.schedule")).exists());
    }
}

#[test]
fn a_replay_gives_the_same_report_byte_for_byte() {
    let r = recorded();
    let first = r.desk.storsim(&format!("replay {}", r.file));
    assert_eq!((first.status, first.err.as_str()), (1, ""));
    assert!(first.out.contains("error[SpinLockSafe]"));
    for _ in 1..soak(20, 100) {
        let again = r.desk.storsim(&format!("replay {}", r.file));
        assert_eq!(again.status, 1);
        assert!(again.out == first.out, "a replay printed something else");
    }
}

#[test]
fn a_replay_finds_what_the_run_found() {
    let r = recorded();
    let said = r.desk.storsim(&format!("replay {} --format json", r.file));
    assert_eq!(said.status, 1);
    assert_eq!(said.json(), r.run);
}

#[test]
fn a_quiet_replay_prints_what_the_run_printed() {
    let desk = Desk::new();
    let run = desk.storsim("run wdm-startio-next-under-lock --seed 3");
    let replay = desk.storsim("replay wdm-startio-next-under-lock-seed3.schedule --quiet");
    assert_eq!((run.status, replay.status), (1, 1));
    assert_eq!(replay.out, run.out);
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
    assert_eq!(all.last().copied(), r.run["violations"][0]["step"].as_u64());
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
    assert_eq!(replay.json(), run);
}

#[test]
fn a_schedule_cut_short_is_refused_wherever_it_was_cut() {
    let r = recorded();
    let length = r.text().len();
    for at in [0, 1, 18, 19, 30, 60, length / 2, length - 100, length - 5, length - 2] {
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
    let newer = |text: String| text.replacen("storsim schedule 1", "storsim schedule 2", 1);
    recorded().refuses(newer, &["changed.schedule:1:", "format 2"]);
}

#[test]
fn an_unknown_driver_or_rule_is_refused_by_its_name() {
    let r = recorded();
    r.refuses(
        |text| text.replace("driver wdm-startio-rare", "driver nobody"),
        &["changed.schedule:2:", "'nobody'"],
    );
    r.refuses(
        |text| text.replace("SpinLockSafe", "SpinLockUnsafe"),
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
        ("\"ios\":300", "\"ios\":0"),
        ("\"ios\":300", "\"time_ns\":300"),
    ] {
        r.refuses(|text| text.replace(from, to), &["changed.schedule:3:"]);
    }
    let too_small = |text: String| {
        text.replace("\"size\":16777216", "\"size\":4096")
            .replace("\"block_bytes\":4096", "\"block_bytes\":8192")
    };
    r.refuses(too_small, &["4096 bytes are too few"]);
}

#[test]
fn choices_that_no_longer_fit_are_refused_with_the_step_where_they_part() {
    let r = recorded();
    let choices_line = |text: &str| text.lines().position(|l| l.starts_with("choices ")).unwrap() + 1;
    let with_first = |text: String, choice: &str| {
        let at = choices_line(&text);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (first, rest) = lines[at].split_once(' ').unwrap();
        let times = first.split_once('*').map_or(String::new(), |(_, times)| format!("*{times}"));
        lines[at] = format!("{choice}{times} {rest}");
        lines.join("\n") + "\n"
    };
    r.refuses(|text| with_first(text, "r63"), &["step ", "CPU 63"]);
    r.refuses(|text| with_first(text, "v9"), &["step ", "device 9"]);
    // More requests than the choices were made for: the run goes on where the schedule ends, or parts before.
    r.refuses(|text| text.replace("\"seed\":", "\"seed\":1"), &["step "]);
    r.refuses(|text| text.replace("\"cpus\":4", "\"cpus\":2"), &["step "]);
}

#[test]
fn choices_that_are_none_are_refused_with_their_line() {
    let r = recorded();
    let line = r.text().lines().position(|l| l.starts_with("choices ")).unwrap() + 2;
    let place = format!("changed.schedule:{line}:");
    let instead = |choice: &'static str| {
        move |text: String| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let rest = lines[line - 1].split_once(' ').unwrap().1.to_owned();
            lines[line - 1] = format!("{choice} {rest}");
            lines.join("\n") + "\n"
        }
    };
    for choice in ["q1", "r", "r256", "r-1", "é1", "p4294967296", "t1", "r1*x", "r1*-1", "r1*99999999999"] {
        r.refuses(instead(choice), &[&place, choice]);
    }
    let endless = |text: String| {
        let text = instead("r1*18446744073709551615")(text);
        let count = text.lines().find(|l| l.starts_with("choices ")).unwrap().to_owned();
        text.replace(&count, "choices 18446744073709551615")
    };
    r.refuses(endless, &[&place, "does not fit"]);
}

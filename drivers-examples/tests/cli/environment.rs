//! A stress with no flag draws an environment from each seed, says what a finding needs of it, repeats it.

use crate::storsim::{CLEAN, Desk, soak};
use serde_json::Value;

fn summary(out: &str) -> Value {
    serde_json::from_str(out.lines().last().expect("a summary")).expect("JSON")
}

#[test]
fn what_only_an_event_shows_is_found_without_a_flag() {
    let desk = Desk::new();
    let said = desk.storsim("stress adapter-restart");
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.out.contains("error[AdapterRestart]"), "{said:?}");
    let needs = said.field("needs: ");
    let (needs, not) = needs.split_once("; not: ").expect("it has more than it needs");
    assert_eq!(needs, "stop-restart", "{said:?}");
    assert!(!not.is_empty());
    let file = said.field("replay ").rsplit(' ').next().expect("a file").to_owned();
    let text = desk.text(&file);
    assert!(text.contains(r#""events":["stop-restart"]"#) && text.contains("\nenvironment {"), "{text}");
    let replay = desk.storsim(&format!("replay {file} --quiet"));
    assert_eq!((replay.status, replay.field("needs: ").split(';').next()), (1, Some("stop-restart")));
    let json = desk.storsim(&format!("replay {file} --format json")).json();
    assert_eq!(json["environment"]["needs"], serde_json::json!(["stop-restart"]));
    assert_eq!(json["fit"]["same_trace"], true, "{json}");
}

#[test]
fn a_schedule_that_is_not_shrunk_has_all_that_was_drawn() {
    let desk = Desk::new();
    let said = desk.storsim("stress adapter-restart --no-shrink");
    assert_eq!(said.status, 1, "{said:?}");
    let drawn = said.field("drawn: ");
    assert!(drawn.contains("stop-restart") && drawn.contains(", "), "{said:?}");
    let file = said.field("replay ").rsplit(' ').next().expect("a file");
    let replay = desk.storsim(&format!("replay {file} --quiet"));
    assert_eq!((replay.status, replay.field("drawn: ")), (1, drawn));
    assert!(!replay.out.contains("needs"), "{replay:?}");
}

#[test]
fn a_plain_stress_has_no_environment() {
    let said =
        Desk::new().clean("stress adapter-restart ramdisk --plain --schedules 12 --ios 20 --format json");
    for line in said.out.lines() {
        let summary = summary(line);
        assert_eq!(summary["totals"]["events"]["restarts"], 0);
        assert_eq!(summary["options"].get("draws"), None, "{summary}");
        let drawn = &summary["totals"]["drawn"];
        assert!(drawn.as_object().is_none_or(|drawn| drawn.keys().all(|part| part == "memory")), "{summary}");
    }
}

#[test]
fn a_plain_seed_has_the_schedule_that_it_has_in_a_plain_stress() {
    let steps = |flags: &str| {
        let said = Desk::new().clean(&format!("stress ramdisk --ios 30 --format json {flags}"));
        summary(&said.out)["steps"].clone()
    };
    for seeds in ["1..2", "4..5", "7..8"] {
        assert_eq!(steps(&format!("--seeds {seeds}")), steps(&format!("--seeds {seeds} --plain")), "{seeds}");
    }
    assert_ne!(steps("--seeds 2..3"), steps("--seeds 2..3 --plain"));
}

#[test]
fn a_flag_pins_its_own_part_for_all_seeds() {
    let line = "stress ramdisk --schedules 30 --cpus 2 --ios 20 --event reset --step-time 0 --format json";
    let summary = summary(&Desk::new().clean(line).out);
    let drawn = summary["totals"]["drawn"].as_object().expect("parts");
    for part in ["processors", "requests", "events", "speed"] {
        assert!(!drawn.contains_key(part), "{part}: {summary}");
    }
    for part in ["mix", "sizes", "depth", "units", "faults", "completion"] {
        assert!(drawn.contains_key(part), "{part}: {summary}");
    }
    assert_eq!(summary["totals"]["events"]["restarts"], 0);
    assert!(summary["totals"]["events"]["unit_resets"].as_u64() > Some(0));
}

#[test]
fn environments_are_those_of_the_seeds_whatever_the_jobs_and_shards() {
    let desk = Desk::new();
    let flags = "stress ramdisk wdm-startio --seeds 0..60 --format json";
    let whole = desk.clean(&format!("{flags} --jobs 1")).out;
    assert_eq!(desk.clean(&format!("{flags} --jobs 3")).out, whole);
    for n in 1..=3 {
        let part = desk.clean(&format!("{flags} --shard {n}/3"));
        desk.write(&format!("{n}.jsonl"), part.out);
    }
    let merged: Vec<Value> = desk.clean("merge 2.jsonl 3.jsonl 1.jsonl").out.lines().map(summary).collect();
    for line in whole.lines().map(summary) {
        let of = merged.iter().find(|summary| summary["driver"] == line["driver"]).expect("the same driver");
        assert_eq!(*of, line);
    }
}

#[test]
fn clean_drivers_are_clean_in_every_environment() {
    for driver in CLEAN {
        Desk::new().clean(&format!("stress {driver} --seeds 0..{} --keep-going", soak(90, 20_000)));
    }
}

#[test]
fn the_new_flags_are_refused_where_they_mean_nothing() {
    Desk::new().refused("stress ahci --completion in-call", &["ahci", "--completion", "virtual"]);
    Desk::new().refused("run ramdisk --executor parallel --step-time 1us", &["--step-time", "parallel"]);
    Desk::new().refused("run ramdisk --step-time 1s", &["--step-time", "1s"]);
    Desk::new().refused("stress lock-order --step-time 1us", &["--step-time", "model"]);
    let exhaustive = "stress ramdisk --strategy exhaustive --step-time 1us";
    Desk::new().refused(exhaustive, &["--step-time", "exhaustive"]);
}

#[test]
fn completion_in_the_call_and_steps_that_take_time_can_be_asked_for() {
    for flags in ["--completion in-call", "--step-time 100ns", "--step-time 10us --completion in-call"] {
        let run = |flags| Desk::new().clean(&format!("run ramdisk --ios 100 --format json {flags}")).json();
        assert_ne!(run(flags)["trace_hash"], run("")["trace_hash"], "{flags}");
        assert_eq!(run(flags)["trace_hash"], run(flags)["trace_hash"], "{flags}");
    }
}

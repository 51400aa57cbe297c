//! The algebra of merging.

use super::*;

fn part(seeds: [u64; 2], found: &[(&str, u64, u64)]) -> Summary {
    let findings = found.iter().map(|(rule, seed, count)| Finding {
        rule: (*rule).into(),
        call: None,
        location: None,
        waits: Vec::new(),
        seed: *seed,
        count: *count,
        schedule: Some(format!("d-seed{seed}.schedule")),
    });
    Summary {
        head: Head {
            schema: SCHEMA,
            record: Record::Summary,
            storsim: "0".into(),
            driver: "d".into(),
            strategy: "random".into(),
            options: BTreeMap::from([(KEEP_GOING.into(), Value::Bool(true))]),
        },
        seeds: vec![seeds],
        asked: None,
        executions: seeds[1] - seeds[0],
        steps: seeds[1] * 3,
        discarded: 0,
        totals: Totals { requests: seeds[1] - seeds[0], ..Totals::default() },
        unrepeatable: None,
        complete: true,
        findings: findings.collect(),
        statement: None,
    }
}

fn stopping(mut part: Summary) -> Summary {
    part.head.options.insert(KEEP_GOING.into(), Value::Bool(false));
    part
}

fn merged(parts: &[&Summary]) -> Result<Summary, MergeError> {
    merge(parts.iter().map(|part| (*part).clone()).collect()).map(|mut all| {
        assert_eq!(all.len(), 1);
        all.remove(0)
    })
}

#[test]
fn merging_is_associative_commutative_and_idempotent() {
    let a = part([0, 10], &[("X", 4, 2)]);
    let b = part([10, 30], &[("Y", 12, 1), ("X", 15, 3)]);
    let c = part([30, 31], &[("Z", 30, 1)]);
    let whole = merged(&[&a, &b, &c]).unwrap();
    assert_eq!((whole.seeds.clone(), whole.executions), (vec![[0, 31]], 31));
    assert_eq!(whole.check(), Ok(()));
    let found: Vec<_> = whole.findings.iter().map(|f| (f.rule.as_str(), f.seed, f.count)).collect();
    assert_eq!(found, [("X", 4, 5), ("Y", 12, 1), ("Z", 30, 1)]);
    assert_eq!(merged(&[&c, &a, &b]).unwrap(), whole);
    let (left, right) = (merged(&[&a, &b]).unwrap(), merged(&[&c, &b]).unwrap());
    assert_eq!(merged(&[&left, &c]).unwrap(), whole);
    assert_eq!(merged(&[&right, &a]).unwrap(), whole);
    assert_eq!(merged(&[&a, &b, &a, &c, &c]).unwrap(), whole);
    assert_eq!(merged(&[&whole, &whole]).unwrap(), whole);
}

#[test]
fn a_hole_an_overlap_and_a_disagreement_are_errors() {
    let driver = || "d".to_owned();
    let a = part([0, 10], &[]);
    let hole = merged(&[&a, &part([12, 20], &[])]);
    assert_eq!(hole, Err(MergeError::Hole { driver: driver(), from: 10, to: 12 }));
    let overlap = merged(&[&a, &part([8, 20], &[])]);
    assert_eq!(overlap, Err(MergeError::Overlap { driver: driver(), from: 8, to: 10 }));
    let inside = merged(&[&a, &part([3, 5], &[])]);
    assert_eq!(inside, Err(MergeError::Overlap { driver: driver(), from: 3, to: 5 }));
    let disagree = merged(&[&a, &part([0, 10], &[("X", 4, 1)])]);
    assert_eq!(disagree, Err(MergeError::Disagree { driver: driver(), from: 0, to: 10 }));
}

#[test]
fn parts_of_different_explorations_are_errors_that_say_in_what() {
    let a = part([0, 10], &[]);
    let mut version = part([10, 20], &[]);
    version.head.storsim = "1".into();
    let mut strategy = part([10, 20], &[]);
    strategy.head.strategy = "pct:3".into();
    let mut option = part([10, 20], &[]);
    option.head.options.insert("cpus".into(), Value::from(2));
    for (b, what) in [
        (version, "storsim"),
        (strategy, "strategy: random and pct:3"),
        (option, "option cpus: none and 2"),
        (stopping(part([10, 20], &[])), "option keep_going: true and false"),
    ] {
        let error = merged(&[&a, &b]).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn behind_a_part_that_stopped_nothing_matters() {
    let clean = stopping(part([0, 100], &[]));
    let stopped = stopping(part([100, 108], &[("X", 107, 1)]));
    let later = stopping(part([200, 205], &[("Y", 204, 1)]));
    let whole = merged(&[&clean, &stopped, &later]).unwrap();
    assert_eq!(whole.seeds, [[0, 108]]);
    assert_eq!(whole.findings, stopped.findings);
    let right = merged(&[&later, &stopped]).unwrap();
    assert_eq!(right, stopped);
    assert_eq!(merged(&[&right, &clean]).unwrap(), whole);
    assert!(matches!(merged(&[&clean, &later]), Err(MergeError::Hole { .. })));
}

#[test]
fn what_follows_an_interrupted_part_makes_up_for_it() {
    let cut = |seeds| Summary { complete: false, ..part(seeds, &[]) };
    let rest = part([10, 20], &[]);
    assert!(merged(&[&cut([0, 10]), &rest]).unwrap().complete);
    assert!(!merged(&[&part([0, 10], &[]), &cut([10, 15])]).unwrap().complete);
}

#[test]
fn drivers_are_kept_apart() {
    let mut other = part([5, 6], &[]);
    other.head.driver = "c".into();
    let all = merge(vec![part([0, 10], &[]), other]).unwrap();
    let names: Vec<_> = all.iter().map(|s| s.head.driver.as_str()).collect();
    assert_eq!(names, ["c", "d"]);
}

#[test]
fn a_summary_that_does_not_hold_together_is_noticed() {
    assert_eq!(part([0, 10], &[("X", 4, 2)]).check(), Ok(()));
    for change in [
        (|s| s.head.schema = 2) as fn(&mut Summary),
        |s| s.seeds.clear(),
        |s| s.seeds.push([10, 11]),
        |s| s.seeds = vec![[10, 0]],
        |s| s.executions = 9,
        |s| s.findings[0].seed = 10,
        |s| s.findings[0].count = 0,
        |s| s.findings[0].count = 11,
    ] {
        let mut summary = part([0, 10], &[("X", 4, 2)]);
        change(&mut summary);
        assert!(summary.check().is_err(), "{summary:?}");
    }
}

#[test]
fn a_part_that_is_missing_leaves_the_whole_incomplete_and_is_named() {
    let asked = |seeds| Summary { asked: Some([0, 30]), ..part(seeds, &[]) };
    let parts = [asked([0, 10]), asked([10, 20]), asked([20, 30])];
    let whole = merged(&parts.each_ref()).unwrap();
    assert!(whole.complete && whole.missing().is_empty());
    let first_two = merged(&[&parts[0], &parts[1]]).unwrap();
    assert_eq!((first_two.complete, first_two.missing()), (false, vec![[20, 30]]));
    let last_two = merged(&[&parts[1], &parts[2]]).unwrap();
    assert_eq!((last_two.complete, last_two.missing()), (false, vec![[0, 10]]));
    assert_eq!(merged(&[&first_two, &parts[2]]).unwrap(), whole, "the rest may come later");
    let stopped = stopping(Summary { asked: Some([0, 30]), ..part([0, 5], &[("X", 4, 1)]) });
    assert!(merged(&[&stopped]).unwrap().missing().is_empty(), "behind a finding nothing matters");
    let more = merged(&[&first_two, &parts[2], &part([30, 40], &[])]).unwrap();
    assert_eq!((more.complete, more.asked), (true, None), "what was asked for later, without shards");
}

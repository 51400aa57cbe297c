//! What is reported of every bug of the museum by a stress with no flag, as a terminal of 80 columns shows
//! it: the finding, the command that shows it again, and what of the environment it needs.

use crate::blessed;
use crate::storsim::Desk;
use drivers_examples::museum::PAIRS;

/// A seed that finds each, and flags: a schedule that is not soon made small is reported as it was found.
/// Where a change of the simulator's gives the seeds other schedules, `storsim stress NAME` says which one
/// does now.
const SEEDS: &[(&str, u64, &str)] = &[
    ("r01", 1, ""),
    ("r02", 492, "--no-shrink"),
    ("r03", 1, ""),
    ("r04", 29, ""),
    ("r05", 1, ""),
    ("r06", 1, "--no-shrink"),
    ("r07", 1, "--no-shrink"),
    ("r08", 3, ""),
    ("r09", 1, ""),
    ("r10", 8, ""),
    ("r11", 1, ""),
    ("r12", 1, ""),
    ("r13", 42, ""),
    ("r14", 19, ""),
    ("r15", 42, ""),
    ("r16", 1, ""),
    ("r17", 7, "--no-shrink"),
    ("r18", 9, ""),
    ("r19", 26, ""),
    ("r20", 1, ""),
    ("r21", 1, ""),
    ("r22", 22, "--no-shrink"),
    ("r23", 1, ""),
    ("r24", 1, ""),
    ("r25", 1, ""),
    ("r26", 8, ""),
    ("r27", 80, ""),
    ("r28", 1, ""),
    ("r29", 5, ""),
    ("r30", 92, "--no-shrink"),
    ("r31", 3, "--no-shrink"),
    ("r32", 59, "--no-shrink"),
];

/// The finding of a report and what it needs: not the schedule between, which changes with any call that the
/// port driver or the workload makes.
fn finding(report: &str) -> String {
    let start = report.find("error[").unwrap_or_else(|| panic!("nothing was found: {report}"));
    let whole = report[start..].split("\n\n").next().unwrap_or_default();
    let below = ["\nschedule: ", "\nneeds: ", "\ndrawn: "];
    let finding = &whole[..below.iter().filter_map(|label| whole.find(label)).min().unwrap_or(whole.len())];
    let environment = below[1..].iter().find_map(|label| whole.find(label)).map_or("", |at| &whole[at..]);
    format!("{finding}{environment}\n")
}

#[test]
fn what_is_reported_of_every_bug_of_the_museum_reads_as_it_was_blessed() {
    assert_eq!(
        SEEDS.iter().map(|(name, ..)| *name).collect::<Vec<_>>(),
        PAIRS.each_ref().map(|p| p.buggy.name)
    );
    for (name, seed, flags) in SEEDS {
        let line = format!("stress {name} --seeds {seed}..{} {flags}", seed + 1);
        let said = Desk::new().storsim_at(Some(80), &line);
        assert_eq!(said.status, 1, "{line}: {said:?}");
        blessed::check(&format!("museum/{name}.txt"), &finding(&said.out));
    }
}

//! Each suspect is found by its row, in its own file; its near miss is silent under the rules that are on.
//! (Some of those that are off count the microseconds that a reset of a lying device takes.)

use drivers_examples::suspects::{SUSPECTS, Suspect};
use verifier::driver::Expects;
use verifier::explore::{self, Program};
use verifier::finding::{Finding, RunEnd};
use verifier::rules::Selection;
use verifier::run::{Contents, Event, MemoryChoice, Parts, Run, Setup};
use verifier::workload::Amount;

/// Seeds within which a suspect has to be found, and those of each near miss.
const SEEDS_MAX: u64 = 400;
const SEEDS_NEAR_MISS: u64 = 200;

/// The code at the place of each finding, in the suspect's own file; none where the harm shows elsewhere.
const PLACES: &[(&str, &str)] = &[
    ("suspect-ids", ""),
    ("suspect-sense", "read_volatile()"),
    ("suspect-ports", ""),
    ("suspect-timer", "(*Adapter).Done.get()"),
    ("suspect-units", "InterlockedIncrement("),
    ("suspect-unit-power", "KeDelayExecutionThread("),
    ("suspect-power", ""),
    ("suspect-unit-start", "KeDelayExecutionThread("),
    ("suspect-registry", "Number % (*Adapter).Queues"),
    ("suspect-cleanup", ""),
    ("suspect-cleanup-lost", ""),
    ("suspect-cleanup-write", ""),
    ("suspect-handle", "InterlockedIncrement("),
    ("suspect-filter-pending", ""),
    ("suspect-filter-frees", ""),
];

/// Rows that may find one first, by the harm that it does elsewhere.
const BY_HARM: &[(&str, &str)] = &[
    ("suspect-ids", "KMODE_EXCEPTION_NOT_HANDLED"),
    ("suspect-ids", "PAGE_FAULT_IN_NONPAGED_AREA"),
    ("suspect-ids", "SCSI_VERIFIER_DETECTED_VIOLATION"),
];

/// What `storsim stress` runs with its flags, but of a smaller disk.
fn program(suspect: &'static Suspect, rules: Selection) -> Program {
    let mut setup = Setup { rules, ..Setup::of_model(&suspect.driver) };
    setup.cpus = 4;
    setup.contents = Contents::Memory { bytes: 1 << 20 };
    setup.workload.amount = Amount::Ios(200);
    setup.workload.block_bytes = 4096.into();
    setup.workload.depth = 8;
    setup.environment.draws = Parts::drawable();
    let mut words = suspect.with.split_whitespace();
    while let Some(flag) = words.next() {
        setup.environment.draws = Parts::NONE;
        let value = words.next().expect("a flag has a value");
        match flag {
            "--fault" => setup.disturbances.faults = value.parse().expect("a fault plan"),
            "--event" => setup.disturbances.events = vec![event(value)],
            "--luns" => setup.workload.luns = value.parse().expect("a number"),
            "--memory" => setup.memory = MemoryChoice::Guarded,
            _ => panic!("{}: this test does not know {flag}", suspect.driver.name),
        }
    }
    Program { driver: &suspect.driver, setup }
}

/// The event of that word.
fn event(word: &str) -> Event {
    Event::NAMES.into_iter().find(|(name, _)| *name == word).expect("an event").1
}

fn runs(program: &Program, seeds: u64) -> impl Iterator<Item = (u64, Run)> + '_ {
    let strategy = explore::strategy("portfolio", program).expect("a strategy");
    (0..seeds).map(move |seed| {
        let of_seed = Program { setup: program.setup.of_seed(program.driver, seed), ..*program };
        let run = of_seed.execute_closely(seed, &|| strategy.chooser(seed));
        (seed, run.unwrap_or_else(|why| panic!("{}: {why}", program.driver.name)))
    })
}

fn first_found(suspect: &'static Suspect) -> Finding {
    let program = program(suspect, Selection::default());
    for (seed, run) in runs(&program, SEEDS_MAX) {
        match run.end {
            RunEnd::Found(finding) if is_late(suspect, &finding) => {}
            RunEnd::Found(finding) if BY_HARM.contains(&(suspect.driver.name, finding.of.name)) => {}
            RunEnd::Found(finding) => return *finding,
            RunEnd::Clean => {}
            other => panic!("{}, seed {seed}: {other:?}", suspect.driver.name),
        }
    }
    panic!("{}: nothing was found", suspect.driver.name)
}

/// Whether sense data was only found to be too long when the request was completed: a few bytes too many lie
/// where the buffer ends before its page does.
fn is_late(suspect: &Suspect, finding: &Finding) -> bool {
    suspect.driver.name == "suspect-sense"
        && finding.site().is_some_and(|site| !site.file().contains("/suspects/"))
}

fn is_near_miss(suspect: &&Suspect) -> bool {
    suspect.driver.expects == Expects::Clean
}

#[test]
fn a_suspect_is_found_by_its_row_where_it_trusts() {
    let suspects: Vec<_> = SUSPECTS.iter().filter(|suspect| !is_near_miss(suspect)).collect();
    let names: Vec<_> = suspects.iter().map(|suspect| suspect.driver.name).collect();
    assert_eq!(PLACES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    for (suspect, (name, code)) in suspects.into_iter().zip(PLACES) {
        let (Expects::MayStop(row) | Expects::MayBreak(row)) = suspect.driver.expects else {
            panic!("{name}: nothing is expected")
        };
        let finding = first_found(suspect);
        assert_eq!(finding.of.name, row, "{name}: {}", finding.what);
        if code.is_empty() {
            continue;
        }
        let site = finding.site().expect("a line");
        let file =
            name.trim_start_matches("suspect-").replace("unit-power", "units").replace("unit-start", "power");
        assert!(site.file().ends_with(&format!("suspects/{file}.rs")), "{name}: {site}");
        let source = suspect.driver.sources.iter().find(|s| s.path == site.file()).expect("its source");
        let line = source.text.lines().nth(site.line() as usize - 1).expect("a line of it");
        assert!(line.contains(code), "{name}: {line}");
    }
}

#[test]
fn a_near_miss_is_silent() {
    for suspect in SUSPECTS.iter().filter(is_near_miss) {
        let program = program(suspect, Selection::default());
        let mut verified = 0;
        for (seed, run) in runs(&program, SEEDS_NEAR_MISS) {
            let name = suspect.driver.name;
            assert!(matches!(run.end, RunEnd::Clean), "{name}, seed {seed}: {:?}", run.end);
            verified += run.statistics.sectors_verified;
        }
        assert!(verified > 1000, "{}: {verified} sectors verified", suspect.driver.name);
    }
}

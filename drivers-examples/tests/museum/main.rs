//! Each bug of the museum is found by its row, where it is made; its repair is silent under every rule.

use drivers_examples::museum::{PAIRS, Pair};
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::{self, Program};
use verifier::finding::{Finding, RunEnd};
use verifier::rules::Selection;
use verifier::run::{Contents, Event, Run, Setup};
use verifier::workload::{Amount, Sizes};

/// Seeds within which a bug has to be found.
const SEEDS_MAX: u64 = 400;
/// Seeds of each repair.
const SEEDS_FIXED: u64 = 200;

/// The code at the place of each finding, in the pair's own file; none where it is in no line of that.
const PLACES: &[(&str, &str)] = &[
    ("r01", "IoCompleteRequest(Irp"),
    ("r02", "StorPortNotification(RequestComplete"),
    ("r03", ""),
    ("r04", "StorPortAcquireSpinLock("),
    ("r05", "StorPortAcquireSpinLock("),
    ("r06", ""),
    ("r07", ""),
    ("r08", "StorPortFreeContiguousMemorySpecifyCache("),
    ("r09", "KeWaitForSingleObject("),
    ("r10", ""),
    ("r11", "KeAcquireSpinLockForDpc("),
    ("r12", "StorPortStallExecution("),
    ("r13", ""),
    ("r14", ""),
    ("r15", ""),
    ("r16", ""),
    ("r17", "StorPortCompleteServiceIrp("),
    ("r18", ""),
    ("r19", ""),
    ("r20", "InsertTailList("),
    ("r21", "IoReleaseRemoveLockAndWait("),
    ("r22", "(*Queue).Runs += 1"),
    ("r23", "StorPortAcquireSpinLock("),
    ("r24", "StorPortInitializePerfOpts("),
    ("r25", ""),
    ("r26", "write_volatile(0)"),
    ("r27", "ExFreePoolWithTag(Connection"),
    ("r28", "KeWaitForMultipleObjects("),
    ("r29", "IoCompleteRequest(Irp"),
    ("r30", ""),
    ("r31", ""),
    ("r32", "InitializeListHead("),
];

/// Rows that may find a bug first, by the harm that it does elsewhere.
const BY_HARM: &[(&str, &str)] = &[
    ("r06", "DRIVER_VERIFIER_DMA_VIOLATION"),
    ("r06", "REQUEST_TOUCHED_AFTER_COMPLETION"),
    ("r07", "DRIVER_VERIFIER_DMA_VIOLATION"),
    ("r07", "REQUEST_TOUCHED_AFTER_COMPLETION"),
    ("r12", "DataRace"),
    ("r17", "RequestStatus"),
];

/// What `storsim stress` runs with the flags of the pair, but of fewer requests, with more flushes and
/// services among them.
fn program(driver: &'static Driver, pair: &Pair, rules: Selection) -> Program {
    let mut setup = Setup { rules, ..Setup::of_model(driver) };
    setup.cpus = 4;
    setup.contents = Contents::Memory { bytes: 1 << 20 };
    setup.workload.amount = Amount::Ios(60);
    setup.workload.block_bytes = 4096.into();
    setup.workload.depth = 8;
    setup.workload.flush_every = 4;
    setup.workload.service_every = 8;
    setup.workload.cancel_every = if driver.cancels { 16 } else { 0 };
    let mut words = pair.with.split_whitespace();
    while let Some(flag) = words.next() {
        let value = words.next().expect("a flag has a value");
        let event = |word| Event::NAMES.into_iter().find(|(name, _)| *name == word).expect("an event").1;
        match flag {
            "--event" => setup.disturbances.events = value.split(',').map(event).collect(),
            "--fault" => setup.disturbances.faults = value.parse().expect("a fault plan"),
            "--bs" => setup.workload.block_bytes = sizes(value),
            "--rules" if driver.expects != Expects::Clean => {
                setup.rules = Selection::parse(value).expect("rows");
            }
            "--rules" => {}
            _ => panic!("{}: this test does not know {flag}", driver.name),
        }
    }
    Program { driver, setup }
}

/// A range of sizes such as 512..64k.
fn sizes(text: &str) -> Sizes {
    let bytes = |text: &str| match text.strip_suffix('k') {
        Some(kilobytes) => kilobytes.parse::<u32>().expect("a number") << 10,
        None => text.parse().expect("a number"),
    };
    let (min, max) = text.split_once("..").expect("a range");
    Sizes { min: bytes(min), max: bytes(max) }
}

fn runs(program: &Program, seeds: u64) -> impl Iterator<Item = (u64, Run)> + '_ {
    let strategy = explore::strategy("portfolio", program).expect("a strategy");
    (0..seeds).map(move |seed| {
        let run = program.execute_closely(seed, &|| strategy.chooser(seed));
        (seed, run.unwrap_or_else(|why| panic!("{}: {why}", program.driver.name)))
    })
}

fn first_found(pair: &'static Pair) -> Finding {
    let program = program(&pair.buggy, pair, Selection::default());
    for (seed, run) in runs(&program, SEEDS_MAX) {
        match run.end {
            RunEnd::Found(finding) if BY_HARM.contains(&(pair.buggy.name, finding.of.name)) => {}
            RunEnd::Found(finding) => return *finding,
            RunEnd::Clean => {}
            other => panic!("{}, seed {seed}: {other:?}", pair.buggy.name),
        }
    }
    panic!("{}: nothing was found", pair.buggy.name)
}

#[test]
fn a_bug_is_found_by_its_row_where_it_is_made() {
    assert_eq!(
        PLACES.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        PAIRS.each_ref().map(|p| p.buggy.name)
    );
    for (pair, (name, code)) in PAIRS.iter().zip(PLACES) {
        let (Expects::Breaks(row) | Expects::MayBreak(row) | Expects::Stops(row) | Expects::MayStop(row)) =
            pair.buggy.expects
        else {
            panic!("{name}: nothing is expected")
        };
        let finding = first_found(pair);
        assert_eq!(finding.of.name, row, "{name}: {}", finding.what);
        if code.is_empty() {
            continue;
        }
        let site = finding.site().expect("a line");
        assert!(site.file().ends_with(&format!("museum/{name}.rs")), "{name}: {site}");
        let source = pair.buggy.sources.iter().find(|source| source.path == site.file()).expect("its source");
        let line = source.text.lines().nth(site.line() as usize - 1).expect("a line of it");
        let at = &line[(site.column() as usize).saturating_sub(1)..];
        assert!(at.starts_with(code), "{name}: {at}");
    }
}

/// No rule finds anything in the repairs of one kind of driver.
fn assert_silent(is_kind: fn(&Kind) -> bool) {
    for pair in PAIRS.iter().filter(|pair| is_kind(&pair.fixed.kind)) {
        let program = program(&pair.fixed, pair, Selection::all());
        let mut verified = 0;
        for (seed, run) in runs(&program, SEEDS_FIXED) {
            assert!(matches!(run.end, RunEnd::Clean), "{}, seed {seed}: {:?}", pair.fixed.name, run.end);
            verified += run.statistics.sectors_verified;
        }
        assert!(verified > 1000, "{}: {verified} sectors verified", pair.fixed.name);
    }
}

#[test]
fn a_repair_of_a_wdm_driver_is_silent_under_every_rule() {
    assert_silent(|kind| matches!(kind, Kind::Wdm { .. }));
}

#[test]
fn a_repair_of_a_virtual_miniport_is_silent_under_every_rule() {
    assert_silent(|kind| matches!(kind, Kind::VirtualMiniport { .. }));
}

#[test]
fn a_repair_of_a_miniport_with_hardware_is_silent_under_every_rule() {
    assert_silent(|kind| matches!(kind, Kind::Miniport { .. }));
}

/// A pair's file is among its sources, and its page has every part.
#[test]
fn every_form_has_its_sources_and_its_page() {
    for pair in &PAIRS {
        let path = format!("drivers-examples/src/museum/{}.rs", pair.buggy.name);
        let source = pair.buggy.sources.iter().find(|source| source.path == path).expect("its file");
        for part in ["**What the driver does.**", "**What goes wrong.**", "**What Windows does.**"] {
            assert!(source.text.contains(part), "{path}: {part}");
        }
        for part in ["**The fix.**", "**Found by**", "**Source.**"] {
            assert!(source.text.contains(part), "{path}: {part}");
        }
        let said = pair.with.split_whitespace().all(|word| source.text.contains(word));
        assert!(said, "{path} does not say {}", pair.with);
    }
}

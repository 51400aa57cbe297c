//! What drivers do on their first day neither kills the tool nor hangs it, and is told with its line.

mod command_line;

use drivers_examples::vandals;
use kernel_sim::moment::Moment;
use std::time::Duration;
use verifier::driver::{Driver, Kind};
use verifier::explore::Program;
use verifier::finding::{Finding, RunEnd};
use verifier::run::{Chooser, Contents, Executor, MemoryChoice, Setup, once};
use verifier::workload::Amount;

/// Where each vandal does it: its row, the file, and the code at the line and column.
pub const VANDALS: [(&Driver, &str, &str, &str); 19] = [
    (&vandals::NULL_READ, "PAGE_FAULT_IN_NONPAGED_AREA", "null_read.rs", "read_volatile()"),
    (&vandals::WILD_WRITE, "DRIVER_IRQL_NOT_LESS_OR_EQUAL", "wild_write.rs", "write_volatile(1)"),
    (&vandals::STACK_OVERFLOW, "UNEXPECTED_KERNEL_MODE_TRAP", "stack_overflow.rs", ""),
    (
        &vandals::ILLEGAL_INSTRUCTION,
        "KMODE_EXCEPTION_NOT_HANDLED",
        "illegal_instruction.rs",
        "std::arch::asm!",
    ),
    (&vandals::EXECUTE_DATA, "PAGE_FAULT_IN_NONPAGED_AREA", "execute_data.rs", "(Table.read())()"),
    (&vandals::DIVIDE_BY_ZERO, "KMODE_EXCEPTION_NOT_HANDLED", "divide_by_zero.rs", "std::arch::asm!"),
    (&vandals::PANIC_IN_DROP, "KMODE_EXCEPTION_NOT_HANDLED", "panic_in_drop.rs", "assert!(Now"),
    (&vandals::SPIN, "runaway", "spin.rs", ""),
    (&vandals::HOST_MUTEX, "runaway", "host_mutex.rs", "lock()"),
    (&vandals::HOST_MUTEX_AND_LOCK, "runaway", "host_mutex.rs", "lock()"),
    (&vandals::ALLOCATES, "runaway", "allocates.rs", ""),
    (&vandals::STALL, "StallAtRaisedIrql", "stall.rs", "KeStallExecutionProcessor(Under)"),
    (&vandals::IRQL_LEFT_RAISED, "IRQL_UNEXPECTED_VALUE", "irql_left_raised.rs", "KeRaiseIrql("),
    (&vandals::LOCK_NEVER_INITIALISED, "OBJECT_MISUSED", "lock_never_initialised.rs", "KeAcquireSpinLock("),
    (&vandals::LOCK_FREED_HELD, "OBJECT_MISUSED", "lock_freed_held.rs", "ExFreePoolWithTag("),
    (&vandals::TIMER_INITIALISED_ARMED, "OBJECT_MISUSED", "timer_initialised_armed.rs", "KeInitializeTimer("),
    (&vandals::DPC_OF_FREED_MEMORY, "TIMER_OR_DPC_INVALID", "dpc_of_freed_memory.rs", "ExFreePoolWithTag("),
    (
        &vandals::SHARED_QUEUE_HANDLE,
        "OBJECT_MISUSED",
        "shared_queue_handle.rs",
        "KeAcquireInStackQueuedSpinLock(",
    ),
    (&vandals::SHARED_WAIT_BLOCKS, "OBJECT_MISUSED", "shared_wait_blocks.rs", "KeWaitForMultipleObjects("),
];

/// Where each vandal of memory does it: its row, the code at the line and column, and what is told of before.
const VANDALS_OF_MEMORY: [(&Driver, &str, &str, &[&str]); 11] = [
    (&vandals::FREED_READ, FREED, "read_volatile()", &["allocated", "freed"]),
    (&vandals::FREED_WRITE, FREED, "write_volatile(1)", &["allocated", "freed"]),
    (&vandals::DOUBLE_FREE, "DRIVER_VERIFIER_DETECTED_VIOLATION", "ExFreePoolWithTag", &["freed"]),
    (&vandals::OVERRUN_READ, BEYOND, "read_volatile()", &["allocated"]),
    (&vandals::OVERRUN_WRITE, BEYOND, "write_volatile(7)", &["allocated"]),
    (&vandals::LENGTH_BELIEVED, BEYOND, "read_volatile()", &["allocated"]),
    (&vandals::SRB_WRITTEN, TOUCHED, "write_volatile(SRB_STATUS_SUCCESS)", &["handed out", "completed"]),
    (&vandals::DATA_WRITTEN, TOUCHED, "write_volatile(First)", &["handed out", "completed"]),
    (&vandals::SENSE_WRITTEN, TOUCHED, "write_volatile(0)", &["handed out", "completed"]),
    (&vandals::SENSE_OVERRUN, BEYOND, "write_volatile(0)", &["handed out"]),
    (&vandals::EXTENSION_USED, TOUCHED, "write_volatile(1)", &["handed out", "completed"]),
];
const FREED: &str = "DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL";
const BEYOND: &str = "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION";
const TOUCHED: &str = "REQUEST_TOUCHED_AFTER_COMPLETION";

/// How a user would run it, with the memory that each seed draws; on real threads, with guarded memory.
fn setup_of(driver: &Driver, executor: Executor) -> Setup {
    let mut setup = Setup { executor, patience: Duration::from_secs(1), ..Setup::of_model(driver) };
    if !matches!(driver.kind, Kind::Model { .. }) {
        setup.contents = Contents::Memory { bytes: 1 << 20 };
        setup.workload.amount = Amount::Ios(20);
        setup.workload.block_bytes = 4096.into();
    }
    if executor == Executor::Parallel {
        setup.memory = MemoryChoice::GuardedEnds;
    }
    setup
}

fn first_found(driver: &'static Driver, executor: Executor) -> Option<Finding> {
    let program = Program { driver, setup: setup_of(driver, executor) };
    (1..101).find_map(|seed| {
        let run = program.execute_closely(seed, &|| Chooser::Seeded).expect("a vandal runs");
        match run.end {
            RunEnd::Found(finding) => Some(*finding),
            RunEnd::Clean => None,
            other => panic!("{}: {other:?}", driver.name),
        }
    })
}

#[test]
fn misused_memory_is_told_of_where_it_is_misused_and_since_when_it_is_not_the_drivers() {
    for executor in [Executor::Deterministic, Executor::Parallel] {
        for (driver, row, code, labels) in VANDALS_OF_MEMORY {
            let finding = first_found(driver, executor).unwrap_or_else(|| panic!("{} is clean", driver.name));
            assert_eq!(finding.of.name, row, "{}: {}", driver.name, finding.what);
            assert!(code_at(&finding).starts_with(code), "{}: {:?}", driver.name, finding.site());
            let told: Vec<_> = finding.earlier.iter().map(|moment| &*moment.label).collect();
            assert_eq!(told, labels, "{}", driver.name);
        }
    }
}

#[test]
fn near_misses_of_vandals_are_silent() {
    let is_near_miss = |driver: &&&'static Driver| driver.name.ends_with("-near-miss");
    for driver in vandals::ALL.iter().filter(is_near_miss) {
        for executor in [Executor::Deterministic, Executor::Parallel] {
            assert_eq!(first_found(driver, executor), None, "{}", driver.name);
        }
    }
}

/// The code at the place of a finding.
fn code_at(finding: &Finding) -> &'static str {
    let site = finding.site().expect("a line");
    let vandal = vandals::ALL.iter().flat_map(|driver| driver.sources);
    let source =
        vandal.into_iter().find(|source| source.path == site.file()).unwrap_or_else(|| panic!("{site}"));
    let line = source.text.lines().nth(site.line() as usize - 1).expect("a line of it");
    &line[(site.column() as usize).saturating_sub(1)..]
}

/// What the first of some runs finds that finds anything.
fn found(driver: &'static Driver, executor: Executor) -> Option<Finding> {
    let setup = Setup { executor, patience: Duration::from_secs(1), ..Setup::of_model(driver) };
    (1..21).find_map(|seed| {
        let run = once(driver, &setup, seed, Chooser::Seeded, None).expect("a model runs");
        match run.end {
            RunEnd::Found(finding) => Some(*finding),
            RunEnd::Clean => None,
            other => panic!("{}: {other:?}", driver.name),
        }
    })
}

fn assert_found(executor: Executor) {
    for (driver, row, file, code) in VANDALS {
        let Some(finding) = found(driver, executor) else {
            // On real threads a mutex of the host is one, and two processors may never meet.
            let may_miss =
                [&vandals::HOST_MUTEX, &vandals::DPC_OF_FREED_MEMORY, &vandals::SHARED_QUEUE_HANDLE];
            assert_eq!(executor, Executor::Parallel, "{}", driver.name);
            assert!(may_miss.iter().any(|may| may.name == driver.name), "{}", driver.name);
            continue;
        };
        assert_eq!(finding.of.name, row, "{}: {}", driver.name, finding.what);
        let Some(site) = finding.site() else {
            // It had returned, and the short path of calls notes no line.
            assert_eq!((driver.name, executor), (vandals::IRQL_LEFT_RAISED.name, Executor::Parallel));
            continue;
        };
        assert!(site.file().ends_with(file), "{}: {site}", driver.name);
        assert!(code_at(&finding).starts_with(code), "{}: {site}", driver.name);
        assert!(!finding.now.stack.is_empty(), "{}: no call stack", driver.name);
    }
}

#[test]
fn each_is_found_in_its_line_by_the_deterministic_executor() {
    assert_found(Executor::Deterministic);
}

#[test]
fn each_is_found_in_its_line_on_real_threads() {
    assert_found(Executor::Parallel);
}

#[test]
fn a_page_fault_tells_address_and_irql_as_windows_does() {
    let parameters = |driver| found(driver, Executor::Deterministic).and_then(|f| f.stop).unwrap().parameters;
    assert_eq!(parameters(&vandals::NULL_READ), Some([0x10, 0, 0, 0]));
    assert_eq!(parameters(&vandals::WILD_WRITE), Some([0xFFFF_F800_1234_5000, 2, 1, 0]));
    assert_eq!(parameters(&vandals::STACK_OVERFLOW), Some([8, 0, 0, 0]));
    assert_eq!(parameters(&vandals::ILLEGAL_INSTRUCTION), Some([0xC000_001D, 0, 0, 0]));
    assert_eq!(parameters(&vandals::DIVIDE_BY_ZERO), Some([0xC000_0094, 0, 0, 0]));
    let [address, access, ..] = parameters(&vandals::EXECUTE_DATA).unwrap();
    assert!(address >= kernel_sim::MACHINE_BASE && access == 0x10, "{address:x}");
}

/// The earlier moments that a finding shows: label, and the code at the line.
fn earlier(driver: &'static Driver) -> Vec<(String, String)> {
    let finding = found(driver, Executor::Deterministic).expect("it is found");
    let code = |moment: &Moment| {
        let site = moment.site.expect("a line");
        let source = driver.sources.iter().find(|source| source.path == site.file()).expect("its source");
        source.text.lines().nth(site.line() as usize - 1).expect("a line of it").trim().to_owned()
    };
    finding.earlier.iter().map(|moment| (moment.label.to_string(), code(moment))).collect()
}

#[test]
fn the_earlier_moment_is_told_as_well() {
    for (driver, label, line) in [
        (&vandals::STALL, "taken", "KeAcquireSpinLock(Lock, &raw mut Irql);"),
        (&vandals::LOCK_FREED_HELD, "taken", "KeAcquireSpinLock(&raw mut (*Object).Lock, &raw mut Irql);"),
        (&vandals::DPC_OF_FREED_MEMORY, "allocated", "let Dpc: PKDPC = ExAllocatePool2("),
        (&vandals::SHARED_QUEUE_HANDLE, "taken", "KeAcquireInStackQueuedSpinLock(Lock, Handle);"),
    ] {
        let earlier = earlier(driver);
        let is_it = |(l, code): &(String, String)| l == label && code.starts_with(line);
        assert!(earlier.iter().any(is_it), "{}: {earlier:?}", driver.name);
    }
}

#[test]
fn a_test_reports_a_fault_and_goes_on() {
    verifier::check(&vandals::NULL_READ).seeds(1..3).fails_with("PAGE_FAULT_IN_NONPAGED_AREA");
    verifier::check(&vandals::STACK_OVERFLOW).strategy("random").fails_with("UNEXPECTED_KERNEL_MODE_TRAP");
    verifier::check(&vandals::PANIC_IN_DROP).exhaustive().fails_with("KMODE_EXCEPTION_NOT_HANDLED");
}

#[test]
fn a_test_reports_what_does_not_come_back() {
    let patience = Duration::from_secs(1);
    verifier::check(&vandals::SPIN).runaway(patience).seeds(1..3).fails_with("runaway");
    verifier::check(&vandals::HOST_MUTEX).runaway(patience).fails_with("runaway");
}

#[test]
fn every_vandal_has_its_sources() {
    for driver in vandals::ALL {
        assert!(!driver.sources.is_empty() && driver.name.starts_with("vandal-"));
    }
}

/// Its loop makes calls, so the clock of the host is not needed: under random choices an execution with more
/// steps than it could need is a livelock.
#[test]
fn a_dpc_that_makes_calls_for_ever_is_a_livelock() {
    let setup = setup_of(&vandals::DESCRIPTOR_OF_NOTHING, Executor::Deterministic);
    let run = once(&vandals::DESCRIPTOR_OF_NOTHING, &setup, 1, Chooser::Seeded, None).expect("it runs");
    assert_eq!(run.end.finding().map(|finding| finding.of.name), Some("livelock"));
    verifier::check(&vandals::DESCRIPTOR_OF_NOTHING).fails_with("livelock");
}

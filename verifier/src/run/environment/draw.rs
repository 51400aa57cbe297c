//! The draw: which environment a seed has.
//!
//! One seed in three is plain, the first among them, so that what needs no environment is found at once and
//! cheaply. Of the others each part is drawn or left plain by itself: environments that lack something find
//! what those with everything hide. Most of them have fewer requests than plain ones, so that they take no
//! longer. Which values there are, and how likely they are, is our choice. Invariant: each part has draws of
//! its own, so that one that is pinned changes nothing about the others but what does not go with it; there
//! are not many different rules of faults, so that their counts stay a short list.

use super::{Bears, Part, Parts};
use crate::driver::Driver;
use crate::run::disturbances::{Disturbances, Event};
use crate::run::setup::{Contents, Setup, check_size};
use crate::workload::{Amount, Mode, Sizes};
use kernel_sim::split_mix::{SplitMix64, mix};
use storport_sim::CompleteWhere;
use storport_sim::disk::fault::{FaultKind, FaultPlan, Phase};

/// Sets these draws apart from others of the same seed.
const SALT: u64 = 0x656E_7669_726F_6E73;
/// Events that have draws of their own, so that the others have the same whether there are these or not.
const LATER: [Event; 2] = [Event::Rebalance, Event::Units];
/// Sets those draws apart from the others.
const LATER_SALT: u64 = 0x6C61_7465_725F_6576;
/// One seed in so many has one of them.
const LATER_ONE_IN: u32 = 12;
/// One seed in so many is plain.
const PLAIN_ONE_IN: u64 = 3;

/// How often a part is drawn at all, in eighths.
const fn chance(part: Part) -> u32 {
    match part {
        Part::Requests => 8,
        Part::Processors | Part::Events | Part::Speed => 4,
        Part::Mix | Part::Sizes | Part::Depth | Part::Faults | Part::Completion | Part::Registry => 3,
        Part::Units | Part::Allocations => 2,
        Part::Memory => 0,
    }
}

const REQUESTS: [u64; 8] = [24, 24, 64, 64, 160, 160, 400, 1000];
const MIXES: [Mode; 8] = [
    Mode::Mixed,
    Mode::Mixed,
    Mode::Mixed,
    Mode::RandRead,
    Mode::RandWrite,
    Mode::Write,
    Mode::Read,
    Mode::RandTrim,
];
const SIZES: [Sizes; 6] = [
    Sizes::of(512),
    Sizes { min: 512, max: 4 << 10 },
    Sizes { min: 4 << 10, max: 16 << 10 },
    Sizes { min: 512, max: 64 << 10 },
    Sizes::of(64 << 10),
    Sizes { min: 512, max: 1 << 20 },
];
/// Bytes that a run moves at most, if each of its requests were as large as it can be.
const MOVED_MAX: u64 = 16 << 20;
const DEPTHS: [u32; 7] = [1, 2, 4, 16, 32, 64, 256];
const PROCESSORS: [u8; 5] = [1, 2, 3, 6, 8];
const UNITS: [u8; 4] = [2, 2, 3, 8];
const STEPS_NS: [u32; 2] = [100, 10_000];
/// Steps between leaps to the next timer; primes, so that they meet each request elsewhere.
const TIMERS_EVERY: [u32; 4] = [0, 0, 251, 1009];
/// Requests of [`PIECE`] bytes that may be outstanding for each so many steps between leaps: each leap may be
/// a second, and a request has sixty for its time-out. A request takes some 50 steps of one processor; half
/// of the seconds are left for those that meet a fault.
const STEPS_A_PIECE: u64 = 5;
/// Bytes that adapters move at once.
const PIECE: u32 = 64 << 10;
/// Which commands a fault strikes.
const PACES: [&str; 4] = ["p=0.01", "p=0.05", "every=7", "after=5,times=1"];
/// The same for faults that end the device.
const ONCE: [&str; 4] = ["after=1,times=1", "after=10,times=1", "after=40,times=1", "after=150,times=1"];
/// Allocations of the start that are let by before one fails: the first few matter most.
const STARTS: u32 = 24;
/// Registry reads that are let by before one fails: drivers make few.
const READS: u32 = 8;
/// Seconds of a time-out below which steps take no time: commands that wait their turn would time out.
const TIMEOUT_S_MIN: u32 = 30;

/// Whether a seed has the environment that was asked for, with nothing drawn.
pub(crate) fn is_plain(seed: u64) -> bool {
    seed % PLAIN_ONE_IN == 1
}

/// Draws `parts` of a setup, as far as the driver bears them.
pub(super) fn draw(setup: &mut Setup, parts: Parts, driver: &Driver, seed: u64) {
    let bears = Bears::of(driver);
    let asked = setup.clone();
    for part in parts.iter().filter(|part| bears.part(*part)) {
        let mut numbers = SplitMix64::new(mix(seed ^ SALT) ^ mix(part as u64 + 1));
        if numbers.below(8) < chance(part) {
            draw_part(part, setup, bears, &mut numbers);
        }
    }
    if parts.has(Part::Events) {
        later_events(setup, bears, seed);
    }
    make_it_fit(setup, parts, &asked);
    setup.environment.drawn = parts.iter().filter(|part| !part.is_same(&asked, setup)).collect();
}

fn one_of<T: Copy>(all: &[T], numbers: &mut SplitMix64) -> T {
    all[numbers.below(all.len() as u32) as usize]
}

fn draw_part(part: Part, setup: &mut Setup, bears: Bears, numbers: &mut SplitMix64) {
    match part {
        // The whole disk once is as long as it is.
        Part::Requests => {
            if let Amount::Ios(n) = &mut setup.workload.amount {
                *n = one_of(&REQUESTS, numbers);
            }
        }
        Part::Mix => {
            let mode = one_of(&MIXES, numbers);
            if !mode.only_trims() || bears.trims() {
                setup.workload.mode = mode;
            }
        }
        Part::Sizes => setup.workload.block_bytes = one_of(&SIZES, numbers),
        Part::Depth => setup.workload.depth = one_of(&DEPTHS, numbers),
        Part::Processors => setup.cpus = one_of(&PROCESSORS, numbers),
        Part::Units => setup.workload.luns = one_of(&UNITS, numbers),
        Part::Events => setup.disturbances.events = events(bears, numbers),
        Part::Faults => setup.disturbances.faults.rules = faults(bears, numbers),
        Part::Allocations => setup.disturbances.faults.allocations = allocations(numbers),
        Part::Completion => setup.environment.completion = CompleteWhere::InCall,
        Part::Speed => {
            setup.environment.step_ns = one_of(&STEPS_NS, numbers);
            setup.environment.timers_every = one_of(&TIMERS_EVERY, numbers);
        }
        Part::Memory => {}
        Part::Registry => setup.disturbances.faults.registry = registry(numbers),
    }
}

/// One event, or some.
fn events(bears: Bears, numbers: &mut SplitMix64) -> Vec<Event> {
    let is_of_these = |event: &Event| bears.event(*event) && !LATER.contains(event);
    let all: Vec<Event> = Event::NAMES.iter().map(|(_, event)| *event).filter(is_of_these).collect();
    if all.is_empty() {
        return all;
    }
    let one = one_of(&all, numbers);
    let with_others = numbers.below(2) == 0;
    all.into_iter().filter(|event| *event == one || with_others && numbers.below(2) == 0).collect()
}

/// Adds one of the events that are drawn apart from the others, to one seed in [`LATER_ONE_IN`].
fn later_events(setup: &mut Setup, bears: Bears, seed: u64) {
    let mut numbers = SplitMix64::new(mix(seed ^ LATER_SALT));
    let all: Vec<Event> = LATER.into_iter().filter(|event| bears.event(*event)).collect();
    if numbers.below(LATER_ONE_IN) == 0 && !all.is_empty() {
        setup.disturbances.events.push(one_of(&all, &mut numbers));
    }
}

/// One to three rules about commands.
fn faults(bears: Bears, numbers: &mut SplitMix64) -> Vec<storport_sim::disk::fault::FaultRule> {
    // Hostile devices are asked for by flag: what is found with one is no bug of a driver that may trust its
    // own.
    let all: Vec<FaultKind> = FaultKind::all()
        .filter(|kind| bears.fault(*kind) && !kind.is_hostile() && kind.is_of_commands())
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    let rules = 1 + numbers.below(3);
    let mut plan = FaultPlan::default();
    for _ in 0..rules {
        let kind = one_of(&all, numbers);
        let paces = if matches!(kind, FaultKind::SurpriseRemoval) { &ONCE } else { &PACES };
        let rule = format!("{}:{}", kind.name(), one_of(paces, numbers));
        if !plan.names(kind) {
            plan.rules.push(rule.parse().expect("a rule that this file writes"));
        }
    }
    plan.rules
}

/// A rule about the driver's allocations in one part of its life.
fn allocations(numbers: &mut SplitMix64) -> Vec<storport_sim::disk::fault::CallRule> {
    let (_, phase) = one_of(&Phase::NAMES, numbers);
    let pace = match phase {
        Phase::Start => format!("after={},times=1", numbers.below(STARTS)),
        Phase::Io => one_of(&["p=0.02", "p=0.2"], numbers).to_owned(),
        Phase::Unload => "p=0.5".to_owned(),
    };
    let rule = format!("allocation:when={},{pace}", phase.word());
    rule.parse::<FaultPlan>().expect("a rule that this file writes").allocations
}

/// A rule about what the driver reads from the registry: all of it, or some.
fn registry(numbers: &mut SplitMix64) -> Vec<storport_sim::disk::fault::CallRule> {
    let rule = match numbers.below(4) {
        0 => "registry".to_owned(),
        1 => "registry:p=0.5".to_owned(),
        _ => format!("registry:after={},times=1", numbers.below(READS)),
    };
    rule.parse::<FaultPlan>().expect("a rule that this file writes").registry
}

/// Takes back what does not go with the rest, or with what was asked for.
fn make_it_fit(setup: &mut Setup, parts: Parts, asked: &Setup) {
    let take_back = |setup: &mut Setup, part: Part| {
        if parts.has(part) {
            part.copy(asked, setup);
        }
    };
    let is_low = |setup: &Setup| setup.disturbances.timeout_s.is_some_and(|s| s < TIMEOUT_S_MIN);
    if is_low(setup) {
        take_back(setup, Part::Speed);
    }
    let Amount::Ios(requests) = setup.workload.amount else {
        // Over the whole disk the size is the number of requests.
        take_back(setup, Part::Sizes);
        take_back(setup, Part::Mix);
        return;
    };
    let sizes = setup.workload.block_bytes;
    if requests.saturating_mul(sizes.max.into()) > MOVED_MAX && parts.has(Part::Sizes) {
        let min = u64::from(sizes.min);
        match (MOVED_MAX / requests) / min * min {
            0 => take_back(setup, Part::Sizes),
            max => setup.workload.block_bytes.max = max as u32,
        }
    }
    if setup.workload.mode.is_sequential() && asked.workload.mode.is_sequential() {
        take_back(setup, Part::Mix);
    }
    // Faults that strike a scan's own commands leave little of what a unit that comes is to find: the two are
    // tried together by flag.
    let Disturbances { faults, events, .. } = &mut setup.disturbances;
    if !faults.is_empty() && events.contains(&Event::Hotplug) {
        if parts.has(Part::Events) {
            events.retain(|event| *event != Event::Hotplug);
        } else {
            take_back(setup, Part::Faults);
            take_back(setup, Part::Allocations);
        }
    }
    let pieces = u64::from(setup.workload.depth) * u64::from(setup.workload.block_bytes.max.div_ceil(PIECE));
    if parts.has(Part::Speed) && u64::from(setup.environment.timers_every) < pieces * STEPS_A_PIECE {
        setup.environment.timers_every = 0;
    }
    if let Contents::Memory { bytes } = setup.contents
        && check_size(setup, bytes * u64::from(setup.workload.luns)).is_err()
    {
        let fitted = [Part::Sizes, Part::Depth, Part::Units, Part::Processors];
        fitted.into_iter().for_each(|part| take_back(setup, part));
    }
    let min = setup.workload.block_bytes.min;
    if matches!(setup.contents, Contents::Memory { bytes } if !bytes.is_multiple_of(min.into())) {
        take_back(setup, Part::Units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Expects, Kind};
    use crate::run::setup::check_disturbances;

    #[test]
    fn one_seed_in_three_is_plain_the_first_among_them() {
        assert!(is_plain(1) && !is_plain(2) && !is_plain(3));
        assert_eq!((1..=3000).filter(|seed| is_plain(*seed)).count(), 1000);
    }

    static MINIPORT: Driver = Driver {
        name: "miniport",
        aliases: &[],
        summary: "is not run",
        expects: Expects::Clean,
        kind: Kind::VirtualMiniport { entry: None },
        cancels: false,
        reads_registry: true,
        image: None,
        sources: &[],
    };
    static MODEL: Driver = Driver { kind: Kind::Model { cpus: 2, run: &not_run }, ..MINIPORT };

    fn not_run(_: kernel_sim::machine::Config) -> kernel_sim::machine::Outcome {
        unreachable!("it is not run")
    }

    /// What a stress with no flag gives that driver under a seed, but for the parts that are pinned.
    fn drawn(driver: &Driver, seed: u64, pinned: &[Part]) -> Setup {
        let mut setup = Setup::of_model(driver);
        setup.cpus = 4;
        setup.workload.amount = Amount::Ios(1000);
        setup.workload.block_bytes = 4096.into();
        setup.workload.depth = 8;
        setup.contents = Contents::Memory { bytes: 16 << 20 };
        setup.environment.draws = Parts::drawable().iter().filter(|part| !pinned.contains(part)).collect();
        setup.of_seed(driver, seed)
    }

    #[test]
    fn whatever_is_drawn_can_be_run() {
        for seed in 0..5_000 {
            let setup = drawn(&MINIPORT, seed, &[]);
            assert!(setup.environment.draws.is_empty());
            assert!(setup.environment.drawn.is_empty() || !is_plain(seed), "seed {seed}");
            check_disturbances(&MINIPORT, &setup.disturbances).unwrap();
            check_size(&setup, (16 << 20) * u64::from(setup.workload.luns)).unwrap();
            let Amount::Ios(requests) = setup.workload.amount else { panic!("{:?}", setup.workload.amount) };
            assert!(requests * u64::from(setup.workload.block_bytes.max) <= MOVED_MAX, "seed {seed}");
        }
    }

    #[test]
    fn every_part_is_drawn_by_some_seed_and_only_what_the_driver_bears() {
        let all: Parts =
            (0..200).flat_map(|seed| drawn(&MINIPORT, seed, &[]).environment.drawn.iter()).collect();
        assert_eq!(all, Parts::drawable());
        for seed in 0..200 {
            assert!(drawn(&MODEL, seed, &[]).environment.drawn.is_empty());
        }
    }

    #[test]
    fn a_part_that_is_pinned_changes_nothing_about_the_others() {
        // These depend on no other part.
        let others =
            [Part::Processors, Part::Depth, Part::Mix, Part::Completion, Part::Speed, Part::Requests];
        for seed in 0..300 {
            let whole = drawn(&MINIPORT, seed, &[]);
            let pinned = drawn(&MINIPORT, seed, &[Part::Events, Part::Units]);
            assert!(pinned.disturbances.events.is_empty() && pinned.workload.luns == 1);
            assert!(others.iter().all(|part| part.is_same(&whole, &pinned)), "seed {seed}");
        }
    }

    #[test]
    fn the_rules_that_can_be_drawn_are_few() {
        let mut rules = std::collections::BTreeSet::new();
        for seed in 0..20_000 {
            let mut numbers = SplitMix64::new(mix(seed));
            rules.extend(allocations(&mut numbers).iter().map(ToString::to_string));
        }
        assert_eq!(rules.len(), STARTS as usize + 3, "{rules:?}");
    }
}

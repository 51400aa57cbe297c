//! Rules about the pool: what they say, and which allocations they strike.

use crate::disk::fault::{CallRule, CallSite, FaultKind, FaultPlan, Pace, Phase, Probability, SharedPhase};
use kernel_sim::allocation_failure::{AllocationPolicy, AllocationRequest};
use kernel_sim::registry_failure::{RegistryPolicy, RegistryRead};
use kernel_sim::site::Site;
use std::num::NonZeroU64;

#[track_caller]
fn request() -> AllocationRequest {
    let site = Site::caller();
    AllocationRequest { ddi: &crate::ddi::row::StorPortAllocatePool, site, bytes: 100 }
}

fn strikes(plan: &str, seed: u64, here: AllocationRequest) -> Vec<u32> {
    let plan: FaultPlan = plan.parse().unwrap();
    let mut policy = plan.allocation_policy(seed, &SharedPhase::default()).expect("a rule about the pool");
    (0..12).filter(|_| AllocationPolicy::fails(&mut policy, &here)).collect()
}

#[test]
fn a_site_makes_allocation_a_rule_about_the_pool() {
    let plan: FaultPlan =
        "allocation:op=read; allocation:site=a/b.rs:7,after=2,every=3,p=0.5,times=4".parse().unwrap();
    assert_eq!(plan.rules.len(), 1);
    let pace = Pace {
        after: 2,
        every: NonZeroU64::new(3),
        p: Probability::from_billionths(500_000_000),
        times: Some(4),
    };
    let site = CallSite { file: "a/b.rs".into(), line: Some(7) };
    assert_eq!(
        plan.allocations,
        [CallRule { kind: FaultKind::AllocationFailure, site: Some(site), when: None, pace }]
    );
    assert_eq!(plan.to_string(), "allocation:op=read;allocation:site=a/b.rs:7,after=2,every=3,p=0.5,times=4");
    assert!(
        "allocation:op=read"
            .parse::<FaultPlan>()
            .unwrap()
            .allocation_policy(1, &SharedPhase::default())
            .is_none()
    );
}

#[test]
fn wrong_sites_are_refused_by_name() {
    for (text, named) in [
        ("allocation:site=", "site= is not FILE or FILE:LINE"),
        ("allocation:site=:3", "site=:3 is not FILE or FILE:LINE"),
        ("allocation:site=a.rs:0", "site=a.rs:0 is not FILE or FILE:LINE"),
        ("allocation:site=a.rs:99999999999", "is not FILE or FILE:LINE"),
        ("busy:site=a.rs", "site and when belong to allocation"),
        ("busy:when=io", "site and when belong to allocation"),
        ("allocation:when=boot", "when=boot is not start, io or unload"),
        ("allocation:when=io,lba=1..2", "lba is about commands"),
        ("allocation:site=a.rs,op=read", "op is about commands"),
        ("allocation:lun=1,site=a.rs", "lun is about commands"),
        ("allocation:site=a.rs,site=b.rs", "site is given twice"),
    ] {
        let error = text.parse::<FaultPlan>().unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn a_time_makes_allocation_a_rule_about_the_pool_and_counts_what_is_allocated_then() {
    let plan: FaultPlan =
        "allocation:when=unload;allocation:site=allocation.rs,when=io,every=2".parse().unwrap();
    assert!(plan.rules.is_empty());
    assert_eq!(plan.to_string(), "allocation:when=unload;allocation:site=allocation.rs,when=io,every=2");
    assert_eq!(plan.allocations[1].in_words(), "at a site like allocation.rs during io");
    let phase = SharedPhase::default();
    let mut policy = plan.allocation_policy(1, &phase).expect("two rules about the pool");
    let counted = policy.clone();
    let mut failing = |phase_now| {
        phase.set(phase_now);
        (0..4).filter(|_| AllocationPolicy::fails(&mut policy, &request())).collect::<Vec<_>>()
    };
    assert!(failing(Phase::Start).is_empty());
    assert_eq!(failing(Phase::Io), [1, 3]);
    assert_eq!(failing(Phase::Unload), [0, 1, 2, 3]);
    let counts: Vec<_> = counted.counts().iter().map(|count| (count.matched, count.failed)).collect();
    assert_eq!(counts, [(4, 4), (4, 2)]);
}

#[test]
fn a_site_is_the_end_of_a_path_in_whole_parts() {
    let site = |text| CallSite::read(text).unwrap();
    assert!(site("b.rs").is_at("a/b.rs", 3));
    assert!(site("a/b.rs:3").is_at("x/a/b.rs", 3));
    assert!(site("/a/b.rs").is_at("/x/a/b.rs", 3));
    assert!(!site("b.rs:4").is_at("a/b.rs", 3));
    assert!(!site("b.rs").is_at("a/bb.rs", 3));
    assert!(!site("x/b.rs").is_at("b.rs", 3));
}

#[test]
fn rules_count_the_allocations_of_their_place() {
    let here = request();
    let line = here.site.line();
    let at = |settings: &str| format!("allocation:site=tests/allocation.rs:{line}{settings}");
    assert_eq!(strikes(&at(",after=2,every=3"), 1, here), [4, 7, 10]);
    assert_eq!(strikes(&at(",times=2"), 1, here), [0, 1]);
    assert_eq!(strikes("allocation:site=allocation.rs", 1, here).len(), 12);
    assert!(strikes("allocation:site=allocation.rs:1", 1, here).is_empty());
    let half = strikes(&at(",p=0.5"), 3, here);
    assert_eq!(half, strikes(&at(",p=0.5"), 3, here), "a seed is a run");
    assert!(!half.is_empty() && half.len() < 12);
    assert_ne!(half, strikes(&at(",p=0.5"), 4, here));
}

#[test]
fn the_registry_has_rules_of_its_own() {
    let plan: FaultPlan = "busy; registry; registry:when=io,every=2".parse().unwrap();
    assert_eq!((plan.rules.len(), plan.allocations.len(), plan.registry.len()), (1, 0, 2));
    assert_eq!(plan.to_string(), "busy;registry;registry:when=io,every=2");
    assert!(plan.allocation_policy(1, &SharedPhase::default()).is_none());
    let phase = SharedPhase::default();
    let plan: FaultPlan = "registry:when=io,every=2".parse().unwrap();
    let mut policy = plan.registry_policy(1, &phase).expect("a rule about the registry");
    let read = RegistryRead { ddi: &crate::ddi::row::StorPortRegistryRead, site: Site::caller() };
    let mut failing = |phase_now| {
        phase.set(phase_now);
        (0..4).filter(|_| RegistryPolicy::fails(&mut policy, &read)).collect::<Vec<_>>()
    };
    assert!(failing(Phase::Start).is_empty());
    assert_eq!(failing(Phase::Io), [1, 3]);
    for text in ["all", "answers", "hostile"] {
        assert!(text.parse::<FaultPlan>().unwrap().registry.is_empty(), "{text}");
    }
    let wrong = "registry:op=read".parse::<FaultPlan>().unwrap_err().to_string();
    assert!(wrong.contains("op is about commands"), "{wrong}");
}

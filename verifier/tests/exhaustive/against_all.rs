//! The search against brute force: small random programs, all their schedules made one by one, and
//! the set of what can come out of them compared with what the search saw.

use super::*;
use kernel_sim::bugcheck::Ending;
use kernel_sim::choose::{Choose, Enabled, Parted, RandomChoose, Transition};
use kernel_sim::ddi::types::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use kernel_sim::shared::Shared;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One operation of a random program.
#[derive(Clone, Copy, Debug)]
enum Op {
    Get(usize),
    Set(usize, u32),
    Exchange(usize, i32),
    Locked(usize, usize),
    OwnDpc,
    OtherDpc,
    RaiseAndLower,
    SetEvent,
    Await,
    SetTimer,
    CancelTimer,
}

const CPUS: usize = 3;

#[repr(C)]
struct State {
    cells: [Shared<u32>; 2],
    longs: [UnsafeCell<LONG>; 2],
    locks: [SpinLock<u32>; 2],
    dpcs: [UnsafeCell<KDPC>; CPUS],
    event: UnsafeCell<KEVENT>,
    timer: UnsafeCell<KTIMER>,
    /// What each processor's thread and its DPC saw, folded; on the host, to outlive the machine.
    seen: *const [AtomicU64; 2 * CPUS],
}
// SAFETY: fields are used by calls that synchronise, or by one processor each.
unsafe impl Sync for State {}

thread_local! {
    static PROGRAM: RefCell<[Vec<Op>; CPUS]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
    static SEEN: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn saw(state: &State, who: usize, what: u64) {
    // SAFETY: the host's array outlives the run; each has its own element.
    let seen = unsafe { &(&*state.seen)[who] };
    seen.store(seen.load(Relaxed).rotate_left(7).wrapping_mul(31) + what + 1, Relaxed);
}

unsafe extern "C-unwind" fn dpc(dpc: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
    // SAFETY: the context is the state.
    let state = unsafe { &*context.cast::<State>() };
    let n = state.dpcs.iter().position(|d| std::ptr::eq(d.get(), dpc)).unwrap();
    saw(state, CPUS + n, u64::from(state.cells[0].read_no_fence()));
    state.cells[0].write_no_fence(100 + n as u32);
}

fn program(config: Config) -> Outcome {
    let ops = PROGRAM.with_borrow(Clone::clone);
    let seen: [AtomicU64; 2 * CPUS] = Default::default();
    // SAFETY: zero is a valid value of every field; objects are initialized before use.
    let state = State { seen: &raw const seen, ..unsafe { std::mem::zeroed() } };
    let outcome = config.run_on_every_processor(state, move |state: &'static State, cpu| {
        let me = usize::from(cpu);
        let dpc_object = state.dpcs[me].get();
        // SAFETY: objects of the state, used as documented.
        unsafe {
            KeInitializeDpc(dpc_object, Some(dpc), std::ptr::from_ref(state) as PVOID);
            if ops[me].iter().any(|op| matches!(op, Op::OtherDpc)) {
                KeSetTargetProcessorDpc(dpc_object, ((me + 1) % CPUS) as CCHAR);
            }
            if me == 0 {
                KeInitializeEvent(state.event.get(), NotificationEvent, FALSE);
                KeInitializeTimer(state.timer.get());
            }
            for op in &ops[me] {
                match *op {
                    Op::Get(n) => saw(state, me, u64::from(state.cells[n].read_no_fence())),
                    Op::Set(n, v) => state.cells[n].write_no_fence(v),
                    Op::Exchange(n, v) => saw(state, me, InterlockedExchange(state.longs[n].get(), v) as u64),
                    Op::Locked(n, m) => {
                        let mut outer = state.locks[n].lock();
                        *outer = *outer * 3 + u32::from(cpu) + 1;
                        saw(state, me, u64::from(*outer));
                        if m != n {
                            let inner = state.locks[m].lock();
                            saw(state, me, u64::from(*inner));
                        }
                    }
                    Op::OwnDpc | Op::OtherDpc => {
                        saw(
                            state,
                            me,
                            u64::from(KeInsertQueueDpc(
                                dpc_object,
                                std::ptr::null_mut(),
                                std::ptr::null_mut(),
                            )),
                        );
                    }
                    Op::RaiseAndLower => {
                        let old = KfRaiseIrql(2);
                        saw(state, me, u64::from(state.cells[0].read_no_fence()));
                        KeLowerIrql(old);
                    }
                    Op::SetEvent => {
                        KeSetEvent(state.event.get(), 0, FALSE);
                    }
                    Op::Await => {
                        KeWaitForSingleObject(
                            state.event.get().cast(),
                            Executive,
                            KernelMode,
                            FALSE,
                            std::ptr::null_mut(),
                        );
                        saw(state, me, 7);
                    }
                    Op::SetTimer => {
                        // Due at once: it expires when the schedule says so.
                        let due = LARGE_INTEGER::new(0);
                        saw(state, me, u64::from(KeSetTimer(state.timer.get(), due, dpc_object)));
                    }
                    Op::CancelTimer => saw(state, me, u64::from(KeCancelTimer(state.timer.get()))),
                }
            }
        }
    });
    match &outcome.ending {
        Ending::Completed => {
            let seen: Vec<_> = seen.iter().map(|s| s.load(Relaxed)).collect();
            SEEN.with_borrow_mut(|all| all.insert(format!("{seen:?}")));
        }
        Ending::Parted(_) => {}
        Ending::Deadlock(_) => {
            SEEN.with_borrow_mut(|all| all.insert("deadlock".into()));
        }
        other => panic!("{other:?}"),
    }
    outcome
}

/// All choices in order, like the digits of a number that is counted up.
#[derive(Default)]
struct Odometer {
    digits: Vec<(u32, u32)>,
    at: usize,
}

struct Counting(Arc<Mutex<Odometer>>);

impl Counting {
    fn digit(&self, n: u32) -> u32 {
        let mut o = self.0.lock();
        if o.at == o.digits.len() {
            o.digits.push((0, n));
        }
        let (digit, _) = o.digits[o.at];
        o.at += 1;
        digit
    }
}

impl Choose for Counting {
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        Some(enabled.nth(self.digit(enabled.len())))
    }
    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.digit(n))
    }
    fn parted(&self) -> Parted {
        unreachable!("never refuses")
    }
}

/// Everything that can come out, by making every schedule; `None` if there are too many.
fn by_force(max: usize) -> Option<BTreeSet<String>> {
    SEEN.with_borrow_mut(BTreeSet::clear);
    let odometer = Arc::new(Mutex::new(Odometer::default()));
    for _ in 0..max {
        let choose = Box::new(Counting(Arc::clone(&odometer)));
        program(Config::new(CPUS as u8, Execution::Chosen(choose)).unwrap());
        let mut o = odometer.lock();
        o.at = 0;
        while o.digits.last().is_some_and(|(digit, n)| digit + 1 == *n) {
            o.digits.pop();
        }
        match o.digits.last_mut() {
            Some((digit, _)) => *digit += 1,
            None => return Some(SEEN.with_borrow(Clone::clone)),
        }
    }
    None
}

fn random_program(random: &mut RandomChoose) -> [Vec<Op>; CPUS] {
    let mut below = |n: u32| random.pick(0, n.max(2)).unwrap() % n;
    let mut event = false;
    std::array::from_fn(|cpu| {
        let len = if cpu == 2 { below(2) } else { 1 + below(2) };
        (0..len)
            .map(|_| match below(14) {
                0 | 1 => Op::Get(below(2) as usize),
                2 | 3 => Op::Set(below(2) as usize, 1 + below(3)),
                4 => Op::Exchange(below(2) as usize, 1 + below(2) as i32),
                5 | 6 => Op::Locked(below(2) as usize, below(2) as usize),
                7 => Op::OwnDpc,
                8 => Op::OtherDpc,
                9 => Op::RaiseAndLower,
                10 => Op::SetTimer,
                11 => Op::CancelTimer,
                _ if cpu == 0 => {
                    event = true;
                    Op::SetEvent
                }
                _ if event => Op::Await,
                _ => Op::Get(0),
            })
            .collect()
    })
}

#[test]
fn the_search_sees_all_that_can_come_out() {
    static PROGRAM_DRIVER: Driver = model(CPUS as u8, &program);
    let programs = if std::env::var_os("STORSIM_SOAK").is_some() { 5000 } else { 150 };
    let mut random = RandomChoose::new(7);
    let (mut compared, mut redundant, mut impossible, mut executions) = (0, 0, 0, 0);
    for _ in 0..programs {
        let ops = random_program(&mut random);
        PROGRAM.with_borrow_mut(|p| *p = ops.clone());
        let Some(all) = by_force(20_000) else { continue };
        compared += 1;
        SEEN.with_borrow_mut(BTreeSet::clear);
        let (coverage, _) = explore(&PROGRAM_DRIVER, 1);
        let seen = SEEN.with_borrow(Clone::clone);
        assert!(coverage.left == 0, "{ops:?}: {}", coverage.statement());
        assert_eq!(seen, all, "{ops:?}: {}", coverage.statement());
        redundant += coverage.redundant;
        impossible += coverage.impossible;
        executions += coverage.executions;
    }
    println!("{compared} programs, {executions} executions, {redundant} redundant, {impossible} impossible");
    assert!(compared > programs / 3, "only {compared} programs were small enough to compare");
}

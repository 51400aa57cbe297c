//! The table of explorers: ours beside shuttle and loom, each pair measured in turn.

use benches::explorers::{Explored, exhaustive, seeded};
use benches::peers::loom::{self, Bounds};
use benches::peers::shuttle;
use benches::programs::Program;
use std::fmt::Write as _;
use std::time::Duration;

/// Rounds of a pair.
const ROUNDS: usize = 21;
/// Steps that a round makes about: long enough for the clock, short enough to be disturbed seldom.
const ROUND_STEPS: u64 = 400_000;
const PCT: &str = "pct:3";

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// The medians of both sides and of their ratio, over rounds made in turn.
fn in_turn(mut ours: impl FnMut() -> f64, mut theirs: impl FnMut() -> f64) -> (f64, f64, f64) {
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(), theirs())).collect();
    let mut of = |key: fn(&(f64, f64)) -> f64| {
        rounds.sort_by(|a, b| key(a).total_cmp(&key(b)));
        key(&rounds[ROUNDS / 2])
    };
    (of(|r| r.0), of(|r| r.1), of(|r| r.0 / r.1))
}

struct Row {
    what: String,
    ours: String,
    theirs: String,
    ratio: f64,
    bound: f64,
    at_least: bool,
}

impl Row {
    fn write(&self, page: &mut String) {
        let is_met = if self.at_least { self.ratio >= self.bound } else { self.ratio <= self.bound };
        let bound = format!("{} {}", if self.at_least { "at least" } else { "at most" }, self.bound);
        let verdict = if is_met { "met" } else { "**missed**" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| {} | {} | {} | {:.2} | {bound} | {verdict} |",
            self.what, self.ours, self.theirs, self.ratio
        );
    }
}

/// Executions of a program that make a round, by the steps of one.
fn executions(program: Program) -> u64 {
    let one = seeded(program, "random", 1, 1);
    (ROUND_STEPS / one.steps.max(1)).max(1)
}

fn rates(rows: &mut Vec<Row>) {
    type Rate = fn(&Explored) -> f64;
    let by_execution: Rate = |e| per_second(e.executions, e.took);
    let by_step: Rate = |e| per_second(e.steps, e.took);
    for (program, what, rate, bound) in [
        (Program::Lock2x3, "executions/s", by_execution, 10.0),
        (Program::Lock3x2, "executions/s", by_execution, 10.0),
        (Program::Lock4x200, "executions/s", by_execution, 4.0),
        (Program::Lock4x200, "steps/s", by_step, 5.0),
    ] {
        let n = executions(program);
        let theirs = || {
            let e = shuttle::random(program, usize::try_from(n).expect("few"), 1);
            rate(&Explored { executions: e.executions, steps: e.steps, took: e.took })
        };
        let (ours, theirs, ratio) = in_turn(|| rate(&seeded(program, "random", n, 1)), theirs);
        rows.push(Row {
            what: format!("{}, random: {what}, beside shuttle", program.name()),
            ours: format!("{ours:.0}"),
            theirs: format!("{theirs:.0}"),
            ratio,
            bound,
            at_least: true,
        });
    }
    for program in [Program::Lock2x3, Program::Lock3x2, Program::Lock4x200] {
        let n = executions(program);
        let cost = |word| seeded(program, word, n, 1).took.as_nanos() as f64 / n as f64;
        let (ours, theirs, ratio) = in_turn(|| cost(PCT), || cost("random"));
        rows.push(Row {
            what: format!("{}, {PCT} beside our random: ns an execution", program.name()),
            ours: format!("{ours:.0}"),
            theirs: format!("{theirs:.0}"),
            ratio,
            bound: 1.2,
            at_least: false,
        });
        let rate = |jobs: usize| by_execution(&seeded(program, "random", n * jobs as u64, jobs));
        let (ours, theirs, ratio) = in_turn(|| rate(2), || rate(1));
        rows.push(Row {
            what: format!("{}, random, two jobs beside one: executions/s", program.name()),
            ours: format!("{ours:.0}"),
            theirs: format!("{theirs:.0}"),
            ratio,
            bound: 1.9,
            at_least: true,
        });
    }
}

fn exhaustion(rows: &mut Vec<Row>) {
    let unbounded = Bounds { preemptions: None, executions: None, time: Some(Duration::from_secs(60)) };
    let mut theirs: Vec<loom::Explored> =
        (0..3).map(|_| loom::exhaust(Program::Lock3x2, unbounded)).collect();
    theirs.sort_by_key(|e| e.took);
    let milliseconds = |took: Duration| took.as_secs_f64() * 1e3;
    let ours = |program| {
        let mut rounds: Vec<Explored> = (0..ROUNDS).map(|_| exhaustive(program)).collect();
        rounds.sort_by_key(|e| e.took);
        rounds[ROUNDS / 2]
    };
    let (mine, peer) = (ours(Program::Lock3x2), &theirs[1]);
    let shown = |executions: u64, took| format!("{executions} in {:.2} ms", milliseconds(took));
    rows.push(Row {
        what: "one-lock-3x2, every schedule, beside loom without bound: time of theirs / ours".into(),
        ours: shown(mine.executions, mine.took),
        theirs: shown(peer.executions, peer.took),
        ratio: peer.took.as_secs_f64() / mine.took.as_secs_f64(),
        bound: 500.0,
        at_least: true,
    });
    let all = ours(Program::Lock3x3);
    rows.push(Row {
        what: "one-lock-3x3, every schedule: ms".into(),
        ours: shown(all.executions, all.took),
        theirs: String::new(),
        ratio: milliseconds(all.took),
        bound: 20.0,
        at_least: false,
    });
}

fn step(rows: &mut Vec<Row>) {
    let n = executions(Program::Lock4x200);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let e = seeded(Program::Lock4x200, "random", n, 1);
            e.took.as_nanos() as f64 / e.steps as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rows.push(Row {
        what: "one-lock-4x200, random, SpinLockSafe on: ns a step".into(),
        ours: format!("{:.1}", rounds[ROUNDS / 2]),
        theirs: String::new(),
        ratio: rounds[ROUNDS / 2],
        bound: 35.0,
        at_least: false,
    });
}

/// The section of the page.
pub fn section() -> String {
    let mut rows = Vec::new();
    rates(&mut rows);
    step(&mut rows);
    exhaustion(&mut rows);
    let mut page = String::from(
        "\n## Explorers\n\nMedians of rounds in turn; the ratio is the median of the rounds' ratios. Ours run with SpinLockSafe.\n\
         What a step is differs: shuttle makes more of them for the same program.\n\n\
         | what | ours | theirs | ratio | target | |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for row in &rows {
        row.write(&mut page);
    }
    page
}

//! Whatever is written to registers and memory, the adapter goes on: it never panics, and a reset brings it
//! back.
//!
//! `STORSIM_SOAK=N` makes it N times as long.

use super::super::registers::*;
use super::host::{Give, Host, on_machine};
use kernel_sim::split_mix::SplitMix64;
use std::cell::Cell;

/// Numbers that look random.
struct Numbers(Cell<SplitMix64>);

impl Numbers {
    fn next(&self) -> u64 {
        let mut numbers = self.0.get();
        let next = numbers.next_u64();
        self.0.set(numbers);
        next
    }

    fn below(&self, n: u64) -> u64 {
        self.next() % n
    }
}

fn rounds() -> u64 {
    let soak = std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    3_000 * soak
}

fn comes_back(host: &Host) {
    host.write(GHC, ghc::AE | ghc::HR);
    while host.read(GHC) & ghc::HR != 0 {}
    host.medium.with(|target| target.set_faults(None));
    host.bring_up();
}

/// A command that a driver might give, or one with a few bytes changed.
fn some_command(n: &Numbers) -> Give {
    const CODES: [u8; 20] = [
        0x06, 0x25, 0x2F, 0x35, 0x3D, 0x42, 0x60, 0x61, 0xA0, 0xA1, 0xB0, 0xE0, 0xE1, 0xE5, 0xE7, 0xEA, 0xEC,
        0xEF, 0x08, 0x90,
    ];
    let code = CODES[n.below(CODES.len() as u64) as usize];
    let mut give = Give::new(code).at(n.below(300)).count(n.below(6) as u16).features(n.below(6) as u16);
    give.is_queued = code & 0xFE == 0x60;
    give.bytes = [0, 2, 512, 2048][n.below(4) as usize];
    give.flags = if n.below(2) == 0 { 1 << 6 } else { 0 } | if n.below(4) == 0 { 1 << 5 } else { 0 };
    n.next().to_le_bytes().iter().zip(&mut give.packet).for_each(|(from, to)| *to = *from);
    if n.below(4) == 0 {
        give.frame[n.below(16) as usize] = n.next() as u8;
    }
    if n.below(16) == 0 {
        give.flags = n.next() as u32 & 0xFFFF;
    }
    give
}

fn disturb(host: &Host, n: &Numbers) {
    match n.below(12) {
        0..=5 => host.give(n.below(32) as usize, some_command(n)),
        6 => host.lay_out(n.below(32) as usize, &some_command(n), Some(n.next())),
        7 => host.set_px(4 * n.below(32) as usize, n.next() as u32),
        8 => host.write(4 * n.below(64) as usize, n.next() as u32 & !ghc::HR),
        9 => host.set_px(px::IS, u32::MAX),
        10 => host.stop_or_start(n.below(2) == 0),
        _ => host.let_pass(),
    }
}

impl Host {
    fn stop_or_start(&self, starts: bool) {
        let start = if starts { cmd::ST } else { 0 };
        self.set_px(px::CMD, cmd::SUD | cmd::FRE | start);
    }
}

#[test]
fn garbage_never_stops_the_adapter_for_good() {
    for is_packet in [false, true] {
        on_machine(is_packet, move |host| {
            let n = Numbers(Cell::new(SplitMix64::new(host.read(PI).into())));
            host.bring_up();
            host.faults(
                "medium-error:p=0.02;aborted:p=0.02;late:p=0.1;duplicate:p=0.1;dropped:p=0.02;short:p=0.05",
            );
            for round in 0..rounds() {
                disturb(host, &n);
                if round % 500 == 499 {
                    comes_back(host);
                    host.faults(
                        "busy:p=0.05;hung:p=0.01;allocation:p=0.05;unit-attention:p=0.05;bad-sense:p=0.05",
                    );
                }
            }
            comes_back(host);
            let identify = if host.px(px::SIG) == SIGNATURE_ATAPI { 0xA1 } else { 0xEC };
            assert_eq!(host.carry_out(Give::new(identify).bytes(512)), 0x50);
        });
    }
}

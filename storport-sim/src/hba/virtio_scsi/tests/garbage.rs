//! Garbage in registers and rings: the device goes on or asks for a reset, and never panics.
//!
//! A short run by default, a long one with STORSIM_SOAK.

use super::hand::*;

/// A xorshift generator: the tests' own dice.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn rounds(small: u64, large: u64) -> u64 {
    if std::env::var_os("STORSIM_SOAK").is_some() { large } else { small }
}

#[test]
fn garbage_in_registers_is_survived() {
    let rounds = rounds(30, 3000);
    run(
        || medium(""),
        options(),
        move |hand, _| {
            let mut dice = Dice(0x1234_5678_9ABC_DEF1);
            for _ in 0..rounds {
                for _ in 0..60 {
                    let structure = dice.one_of(&[COMMON, COMMON, COMMON, ISR, CONFIG, NOTIFY, 0x8000]);
                    let offset = structure + dice.below(0x48);
                    let width = dice.one_of(&[1u8, 2, 4, 8]);
                    let offset = offset / usize::from(width) * usize::from(width);
                    let value = dice.one_of(&[0, 1, 3, 11, 15, u64::MAX, 0x1_0000_0000, dice.0]);
                    if dice.below(3) == 0 {
                        hand.read(offset, width);
                    } else {
                        hand.write(offset, width, value);
                    }
                }
                hand.wait();
                hand.bring_up(ALL);
                assert_eq!(hand.command(&[0; 6], 0, false), Some(Answer::good(108)));
            }
        },
    );
}

#[test]
fn garbage_in_rings_is_survived() {
    let rounds = rounds(200, 20_000);
    run(
        || medium("dropped:p=0.05; late:p=0.05; duplicate:p=0.1"),
        options(),
        move |hand, _| {
            let mut dice = Dice(0xFEDC_BA98_7654_3211);
            for _ in 0..rounds {
                let features = dice.one_of(&[ALL, VERSION_1, VERSION_1 | INDIRECT, VERSION_1 | EVENT_INDEX]);
                hand.bring_up(features);
                hand.put_command(dice.below(3) as u8, dice.next(), &read_10(dice.0 as u8, 1));
                for _ in 0..6 {
                    let queue = dice.one_of(&[0, 1, REQUESTS, REQUESTS, REQUESTS]);
                    if dice.below(3) == 0 {
                        scribble(hand, queue, &mut dice);
                    } else {
                        let parts: Vec<Part> = (0..1 + dice.below(4))
                            .map(|n| Part {
                                at: dice.one_of(&[0, 0x100, 0x200, 0x1000]),
                                bytes: dice.one_of(&[0, 1, 16, 24, 51, 108, 512, 0x3000]),
                                is_written: n != 0 && dice.below(3) != 0,
                            })
                            .collect();
                        hand.submit(queue, &parts, dice.below(2) == 0);
                    }
                }
                hand.wait();
            }
            hand.bring_up(ALL);
            assert!(hand.read(STATUS, 1) == 15);
        },
    );
}

/// Writes over a descriptor, an entry or an index, and notifies.
fn scribble(hand: &mut Hand, queue: usize, dice: &mut Dice) {
    let (area, value) = (dice.below(3), dice.next());
    let at = hand.area(queue, area) + dice.below(80);
    let value = dice.one_of(&[value, value & 0xFF, u64::MAX, hand.physical(0), hand.physical(0x4_0000)]);
    hand.put(at, &value.to_le_bytes());
    hand.write(NOTIFY + 4 * queue, 2, queue as u64);
}

//! Status, features, and how registers are accessed.

use super::hand::*;

#[test]
fn features_are_agreed_on_or_not() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            let agree = |hand: &mut Hand, features: u64| {
                hand.reset();
                hand.write(STATUS, 1, 3);
                for half in 0..2 {
                    hand.write(COMMON + 8, 4, half);
                    hand.write(COMMON + 12, 4, features >> (32 * half) & 0xFFFF_FFFF);
                }
                hand.write(STATUS, 1, 3 | 8);
                hand.read(STATUS, 1) & 8 != 0
            };
            assert!(agree(hand, ALL));
            assert!(agree(hand, VERSION_1), "less than was offered");
            assert!(!agree(hand, HOTPLUG), "a modern device insists on version 1");
            assert!(!agree(hand, VERSION_1 | 1 << 5), "more than was offered");
            hand.write(STATUS, 1, 3 | 8 | 4);
            assert_eq!(hand.read(STATUS, 1), 3, "not ready before features are agreed on");
        },
    );
}

#[test]
fn registers_are_accessed_whole() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.reset();
            assert_eq!(hand.read(COMMON + 0x12, 2), 3, "three queues");
            assert_eq!(hand.read(COMMON + 0x12, 1), 0xFF);
            assert_eq!(hand.read(COMMON + 0x10, 4), 0xFFFF_FFFF);
            assert_eq!(hand.read(COMMON + 0x20, 8), u64::MAX, "wide fields by halves only");
            hand.write(STATUS, 4, 3);
            assert_eq!(hand.read(STATUS, 1), 0);
            assert_eq!(hand.read(CONFIG, 4), 1, "one request queue");
            assert_eq!(hand.read(CONFIG + 24, 4), 32);
            assert_eq!(hand.read(0x500, 4), 0xFFFF_FFFF, "between the structures");
        },
    );
}

#[test]
fn a_queue_is_fixed_once_it_is_enabled() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.reset();
            hand.write(COMMON + 0x18, 2, 3);
            assert_eq!(hand.read(COMMON + 0x18, 2), 8, "no power of two");
            hand.write(COMMON + 0x18, 2, 16);
            assert_eq!(hand.read(COMMON + 0x18, 2), 8, "more than it has");
            hand.write(COMMON + 0x1C, 2, 1);
            assert_eq!(hand.read(COMMON + 0x1C, 2), 0, "not before features are agreed on");
            hand.bring_up(ALL);
            hand.write(COMMON + 0x18, 2, 4);
            assert_eq!(hand.read(COMMON + 0x18, 2), 8);
            hand.write(COMMON + 0x16, 2, 99);
            assert_eq!(hand.read(COMMON + 0x18, 2), 0, "there is no such queue");
            hand.write(COMMON + 0x1A, 2, 0);
            assert_eq!(hand.read(COMMON + 0x1A, 2), 0xFFFF, "nor a message for it");
        },
    );
}

#[test]
fn a_reset_forgets_everything() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            assert_eq!(hand.command(&[0; 6], 0, false), Some(Answer::good(108)));
            hand.reset();
            assert_eq!(hand.read(COMMON + 0x1C, 2), 0);
            hand.bring_up(VERSION_1);
            assert_eq!(hand.command(&[0; 6], 0, false), Some(Answer::good(108)));
        },
    );
}

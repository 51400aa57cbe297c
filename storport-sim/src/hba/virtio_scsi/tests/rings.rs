//! Chains, indices over their ends, suppression, and what a driver may not do.

use super::super::spec::descriptor::{INDIRECT as TABLE, NEXT, WRITE};
use super::hand::*;

const NEEDS_RESET: u64 = 64;

#[test]
fn data_goes_to_the_disk_and_comes_back() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            for features in [VERSION_1, ALL] {
                hand.bring_up(features);
                // More requests than the ring has places, and each takes several.
                for n in 0..40u8 {
                    hand.data(0x1000, 1024).fill(n);
                    assert_eq!(hand.command(&write_10(n, 2), 1024, true), Some(Answer::good(108)));
                    hand.data(0x1000, 1024).fill(0xFF);
                    assert_eq!(hand.command(&read_10(n, 2), 1024, false), Some(Answer::good(108 + 1024)));
                    assert!(hand.data(0x1000, 1024).iter().all(|b| *b == n));
                }
            }
        },
    );
}

#[test]
fn framing_is_the_drivers_business() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            hand.data(0x1000, 512).fill(0xA5);
            assert_eq!(hand.command(&write_10(3, 1), 512, true), Some(Answer::good(108)));
            hand.put_command(0, 1, &read_10(3, 1));
            hand.data(0x1000, 0x3000).fill(0);
            // Header, answer and data cut anywhere, the data in three places.
            let parts = [
                sent(0, 5),
                sent(5, 46),
                written(0x100, 7),
                written(0x107, 101),
                written(0x1001, 100),
                written(0x2000, 12),
                written(0x3000, 400),
            ];
            for is_indirect in [true, false] {
                hand.submit(REQUESTS, &parts, is_indirect);
                assert_eq!(hand.next_used(REQUESTS).unwrap().1, 108 + 512);
                assert_eq!(hand.answer(0).response, 0);
                for (at, bytes) in [(0x1001, 100), (0x2000, 12), (0x3000, 400)] {
                    assert!(hand.data(at, bytes).iter().all(|b| *b == 0xA5));
                    hand.data(at, bytes).fill(0);
                }
            }
        },
    );
}

#[test]
fn what_is_left_over_or_too_much_is_said() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            let answer = hand.command(&read_10(0, 1), 2048, false).unwrap();
            assert_eq!((answer.response, answer.residual, answer.used_bytes), (0, 2048 - 512, 108 + 512));
            let answer = hand.command(&read_10(0, 2), 512, false).unwrap();
            assert_eq!((answer.response, answer.residual), (1, 0), "an overrun");
            let answer = hand.command(&[0xEE; 6], 0, false).unwrap();
            assert_eq!((answer.response, answer.status, answer.sense_bytes), (0, 2, 18));
            assert_eq!(hand.data(0x10C, 3), [0x70, 0, 5], "fixed sense, ILLEGAL REQUEST");
            hand.put_command(0, 1, &[0; 6]);
            hand.data(1, 1)[0] = 9;
            hand.submit(REQUESTS, &Hand::parts(0, false), false);
            hand.next_used(REQUESTS).unwrap();
            assert_eq!(hand.answer(0).response, 3, "no such target");
        },
    );
}

#[test]
fn interrupts_come_where_they_are_wanted() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(VERSION_1);
            let interrupted = |hand: &mut Hand| hand.read(ISR, 1);
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 1);
            assert_eq!(interrupted(hand), 0, "reading it acknowledges it");
            hand.put(hand.area(REQUESTS, 1), &[1, 0]);
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 0, "the flag says no");
            hand.bring_up(ALL);
            // The first one was asked for: the event is at 0.
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 1);
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 0, "the event has passed");
            hand.put(hand.area(REQUESTS, 1) + 4 + 2 * 8, &3u16.to_le_bytes());
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 0, "not yet");
            hand.command(&[0; 6], 0, false).unwrap();
            assert_eq!(interrupted(hand), 1);
        },
    );
}

#[test]
fn a_sleeping_device_asks_for_a_notification() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            let event = hand.area(REQUESTS, 2) + 4 + 8 * 8;
            for n in 1..20u16 {
                hand.command(&[0; 6], 0, false).unwrap();
                assert!(hand.eventually(|hand| hand.word(event) == n), "the next one wakes it");
            }
            hand.bring_up(VERSION_1);
            let flags = hand.area(REQUESTS, 2);
            hand.command(&[0; 6], 0, false).unwrap();
            assert!(hand.eventually(|hand| hand.word(flags) == 0));
        },
    );
}

/// Breaks the ring of requests and expects a device that asks for a reset, and works after it.
fn is_refused(features: u64, wrong: impl Fn(&mut Hand) + Send + Sync + 'static) {
    run(
        || medium(""),
        options(),
        move |hand, _| {
            hand.bring_up(features);
            hand.put_command(0, 1, &[0; 6]);
            wrong(hand);
            assert!(hand.eventually(|hand| hand.read(STATUS, 1) & NEEDS_RESET != 0));
            assert_eq!(hand.read(ISR, 1) & 2, 2, "a changed configuration");
            hand.bring_up(features);
            assert_eq!(hand.command(&[0; 6], 0, false), Some(Answer::good(108)));
        },
    );
}

#[test]
fn a_chain_that_bites_its_tail_is_refused() {
    is_refused(ALL, |hand| {
        let (table, address) = (hand.area(REQUESTS, 0), hand.physical(0x8_0000));
        hand.put_descriptor(table, 0, address, 51, NEXT, 1);
        hand.put_descriptor(table, 1, address, 51, NEXT, 0);
        hand.offer(REQUESTS, 0);
    });
}

#[test]
fn indices_past_the_end_are_refused() {
    is_refused(ALL, |hand| hand.offer(REQUESTS, 8));
    is_refused(ALL, |hand| {
        let (table, address) = (hand.area(REQUESTS, 0), hand.physical(0x8_0000));
        hand.put_descriptor(table, 0, address, 51, NEXT, 8);
        hand.offer(REQUESTS, 0);
    });
    is_refused(ALL, |hand| {
        let available = hand.area(REQUESTS, 1);
        hand.put(available + 2, &9u16.to_le_bytes());
        hand.write(NOTIFY + 4 * REQUESTS, 2, REQUESTS as u64);
    });
}

#[test]
fn chains_in_the_wrong_order_or_too_short_are_refused() {
    is_refused(ALL, |hand| {
        hand.submit(REQUESTS, &[written(0x100, 108), sent(0, 51)], false);
    });
    is_refused(ALL, |hand| {
        hand.submit(REQUESTS, &[sent(0, 50), written(0x100, 108)], false);
    });
    is_refused(ALL, |hand| {
        hand.submit(REQUESTS, &[sent(0, 51), written(0x100, 107)], false);
    });
    is_refused(ALL, |hand| {
        hand.submit(0, &[sent(0, 8), written(0x100, 1)], false);
    });
}

#[test]
fn tables_that_were_not_agreed_on_or_hold_tables_are_refused() {
    is_refused(VERSION_1, |hand| {
        hand.submit(REQUESTS, &Hand::parts(0, false), true);
    });
    is_refused(ALL, |hand| {
        let (ring, table) = (hand.area(REQUESTS, 0), hand.area(REQUESTS, 3));
        let address = hand.physical(table);
        hand.put_descriptor(table, 0, address, 16, TABLE, 0);
        hand.put_descriptor(ring, 0, address, 16, TABLE, 0);
        hand.offer(REQUESTS, 0);
    });
    is_refused(ALL, |hand| {
        let (ring, table) = (hand.area(REQUESTS, 0), hand.area(REQUESTS, 3));
        hand.put_descriptor(ring, 0, hand.physical(table), 17, TABLE, 0);
        hand.offer(REQUESTS, 0);
    });
    is_refused(ALL, |hand| {
        let ring = hand.area(REQUESTS, 0);
        hand.put_descriptor(ring, 0, 0, 51, WRITE, 0);
        hand.offer(REQUESTS, 0);
    });
}

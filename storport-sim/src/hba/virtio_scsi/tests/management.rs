//! Task management, notifications, units that come and go.

use super::super::spec::task;
use super::hand::*;

/// A medium that loses every READ.
fn losing() -> std::sync::Arc<crate::Medium> {
    medium("dropped:op=read")
}

/// Sends a READ that is never answered.
fn lose_one(hand: &mut Hand, id: u64) {
    hand.put_command(0, id, &read_10(0, 1));
    hand.data(0x100, 108).fill(0xEE);
    hand.submit(REQUESTS, &Hand::parts(512, false), false);
    // By the time the device sleeps over the ring it has executed it.
    let event = hand.area(REQUESTS, 2) + 4 + 8 * 8;
    assert!(hand.eventually(|hand| hand.word(event) != 0));
}

#[test]
fn a_lost_request_is_found_and_ended() {
    run(losing, options(), |hand, _| {
        for (function, response) in [
            (task::ABORT_TASK, 2),
            (task::ABORT_TASK_SET, 2),
            (task::CLEAR_TASK_SET, 2),
            (task::LOGICAL_UNIT_RESET, 4),
            (task::I_T_NEXUS_RESET, 4),
        ] {
            hand.bring_up(ALL);
            lose_one(hand, 77);
            assert_eq!(hand.take(REQUESTS), None);
            assert_eq!(hand.manage(task::QUERY_TASK, 0, 77), Some(10), "it is there");
            assert_eq!(hand.manage(task::QUERY_TASK, 0, 78), Some(0));
            assert_eq!(hand.manage(task::QUERY_TASK_SET, 0, 0), Some(10));
            assert_eq!(hand.manage(task::ABORT_TASK, 0, 78), Some(0), "another one");
            assert_eq!(hand.take(REQUESTS), None);
            assert_eq!(hand.manage(function, 0, 77), Some(0));
            assert!(hand.take(REQUESTS).is_some(), "before the function is answered");
            assert_eq!(hand.answer(0).response, response, "function {function}");
            assert_eq!(hand.manage(task::QUERY_TASK, 0, 77), Some(0), "it is gone");
        }
    });
}

#[test]
fn functions_are_refused_where_they_make_no_sense() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            assert_eq!(hand.manage(task::LOGICAL_UNIT_RESET, 5, 0), Some(12), "no such unit");
            assert_eq!(hand.manage(99, 0, 0), Some(11), "no such function");
            assert_eq!(hand.manage(task::CLEAR_ACA, 0, 0), Some(0));
            let request = hand.data(0x200, 16);
            request.fill(0);
            request[0] = 2;
            hand.submit(0, &[sent(0x200, 16), written(0x220, 5)], false);
            assert_eq!(hand.next_used(0).unwrap().1, 5);
            assert_eq!(hand.data(0x220, 5), [0; 5], "no notification to subscribe to");
        },
    );
}

#[test]
fn a_unit_reset_resets_the_disk() {
    run(
        || medium(""),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            // Stopped, and started again by the reset.
            let stop = [0x1B, 0, 0, 0, 0, 0];
            assert_eq!(hand.command(&stop, 0, false), Some(Answer::good(108)));
            assert_eq!(hand.command(&read_10(0, 1), 512, false).unwrap().status, 2);
            assert_eq!(hand.manage(task::LOGICAL_UNIT_RESET, 0, 0), Some(0));
            assert_eq!(hand.command(&read_10(0, 1), 512, false).unwrap().status, 0);
        },
    );
}

/// Lends a buffer for an event.
fn lend(hand: &mut Hand) {
    hand.data(0x300, 16).fill(0xEE);
    hand.submit(1, &[written(0x300, 16)], false);
}

fn event(hand: &mut Hand) -> (u32, u8, u32) {
    assert_eq!(hand.next_used(1).expect("an event").1, 16);
    let e = hand.data(0x300, 16);
    let word = |at: usize| u32::from_le_bytes([e[at], e[at + 1], e[at + 2], e[at + 3]]);
    (word(0), e[7], word(12))
}

#[test]
fn units_that_come_and_go_are_reported() {
    run(
        || medium(""),
        options(),
        |hand, medium| {
            let machine = kernel_sim::machine::Machine::current().unwrap();
            hand.bring_up(ALL);
            lend(hand);
            medium.plug_in(unit(3), disk());
            machine.touch_device(0);
            assert_eq!(event(hand), (1, 3, 1), "a transport reset: look again");
            lend(hand);
            medium.unplug(unit(3));
            machine.touch_device(0);
            assert_eq!(event(hand), (1, 3, 2), "removed");
            // No buffer to report it in: the next event says so, or an event of its own.
            medium.plug_in(unit(4), disk());
            machine.touch_device(0);
            assert!(hand.eventually(|_| medium.changes() == 0));
            lend(hand);
            assert_eq!(event(hand), (0x8000_0000, 0, 0), "missed");
        },
    );
}

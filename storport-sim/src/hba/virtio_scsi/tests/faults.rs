//! What a fault plan says of a completion, as the device shows it.

use super::hand::*;
use kernel_sim::machine::Machine;

#[test]
fn a_dropped_completion_never_comes_and_hurts_no_other_request() {
    run(
        || medium("dropped:op=read,times=1"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            assert_eq!(hand.command(&read_10(0, 1), 512, false), None);
            assert!(hand.data(0x100, 108).iter().all(|b| *b == 0xEE), "nor an answer");
            hand.put_command(0, 8, &[0; 6]);
            hand.submit(REQUESTS, &[sent(0, 51), written(0x400, 108)], false);
            assert!(hand.next_used(REQUESTS).is_some());
            assert_eq!(hand.data(0x40B, 1), [0]);
        },
    );
}

#[test]
fn a_late_completion_comes_later() {
    run(
        || medium("late:op=read,delay-us=20000"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            let machine = Machine::current().unwrap();
            let begun_ns = machine.time_ns();
            assert_eq!(hand.command(&read_10(0, 1), 512, false), Some(Answer::good(108 + 512)));
            assert!(machine.time_ns() - begun_ns >= 20_000_000);
        },
    );
}

#[test]
fn a_late_completion_is_forgotten_by_a_reset() {
    run(
        || medium("late:op=read,delay-us=20000"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            hand.put_command(0, 1, &read_10(0, 1));
            hand.submit(REQUESTS, &Hand::parts(512, false), false);
            hand.bring_up(ALL);
            for _ in 0..40 {
                hand.wait();
                assert_eq!(hand.take(REQUESTS), None);
            }
        },
    );
}

#[test]
fn a_duplicate_is_given_back_twice_at_once() {
    run(
        || medium("duplicate:op=read"),
        options(),
        |hand, _| {
            for _ in 0..5 {
                hand.bring_up(ALL);
                let answer = hand.command(&read_10(0, 1), 512, false);
                assert_eq!(answer, Some(Answer::good(108 + 512)));
                let twice = hand.take(REQUESTS).expect("the same once more");
                assert_eq!(twice.1, 108 + 512);
                assert_eq!(hand.take(REQUESTS), None);
            }
        },
    );
}

#[test]
fn a_hung_adapter_does_nothing_until_it_is_reset() {
    run(
        || medium("hung:op=read,times=1"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            assert_eq!(hand.command(&read_10(0, 1), 512, false), None);
            assert_eq!(hand.manage(5, 0, 0), None, "not even task management");
            hand.bring_up(ALL);
            assert_eq!(hand.command(&read_10(0, 1), 512, false), Some(Answer::good(108 + 512)));
        },
    );
}

#[test]
fn a_device_that_was_pulled_out_reads_as_all_ones() {
    run(
        || medium("removal:op=read"),
        options(),
        |hand, medium| {
            hand.bring_up(ALL);
            assert_eq!(hand.command(&read_10(0, 1), 512, false), None);
            assert!(medium.is_gone());
            assert_eq!(hand.read(STATUS, 1), 0xFF);
            assert_eq!(hand.read(ISR, 1), 0xFF);
            hand.write(STATUS, 1, 0);
            hand.wait();
            assert_eq!(hand.read(COMMON + 0x12, 2), 0xFFFF);
        },
    );
}

#[test]
fn no_memory_is_answered_busy() {
    run(
        || medium("allocation:op=read,times=1"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            assert_eq!(hand.command(&read_10(0, 1), 512, false).unwrap().response, 5);
            assert_eq!(hand.command(&read_10(0, 1), 512, false), Some(Answer::good(108 + 512)));
        },
    );
}

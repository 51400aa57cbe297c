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

#[test]
fn a_stray_comes_in_front_of_the_true_one_and_is_no_descriptor_of_the_ring() {
    run(
        || medium("stray:op=read"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            for _ in 0..4 {
                let head = {
                    hand.put_command(0, 1, &read_10(0, 1));
                    hand.submit(REQUESTS, &Hand::parts(512, false), false)
                };
                let (stray, _) = hand.next_used(REQUESTS).expect("the stray");
                assert!(stray >= u32::from(options().queue_size), "{stray}");
                assert_eq!(hand.take(REQUESTS).map(|(id, _)| id), Some(u32::from(head)));
                assert_eq!(hand.take(REQUESTS), None);
            }
        },
    );
}

#[test]
fn lengths_and_statuses_of_a_hostile_device_are_beyond_what_there_is() {
    run(
        || medium("long-length:times=2;long-sense:times=2;unknown-status:times=2"),
        options(),
        |hand, _| {
            hand.bring_up(ALL);
            let mut read = || hand.command(&read_10(0, 1), 512, false).expect("an answer");
            let (residual, used) = (read(), read());
            assert_eq!(residual.residual, u32::MAX);
            assert_eq!(used.used_bytes, u32::MAX);
            let (one_more, all_ones) = (read(), read());
            assert_eq!((one_more.sense_bytes, all_ones.sense_bytes), (97, u32::MAX));
            let (response, status) = (read(), read());
            assert_eq!((response.response, status.status), (0x7E, 0x7E));
        },
    );
}

#[test]
fn a_hostile_device_lies_in_the_registers_that_describe_it_and_in_no_others() {
    run(
        || medium("lying-inquiry"),
        options(),
        |hand, _| {
            let queues: Vec<_> = (0..3).map(|_| hand.read(CONFIG, 4)).collect();
            assert_eq!(queues, [1, u64::from(u32::MAX), 0]);
            let sizes: Vec<_> = (0..3).map(|_| hand.read(COMMON + 0x18, 2)).collect();
            assert_eq!(sizes, [1, 0x8000, 0]);
            assert_eq!(hand.read(STATUS, 1), 0);
        },
    );
}

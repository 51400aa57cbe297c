//! Commands that fail, and what is left in the registers for the host to find out.

use super::super::registers::*;
use super::host::{DISK_BLOCKS, Give, on_machine};

#[test]
fn an_error_stops_the_port_with_the_slot_still_set() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("medium-error:lba=7..8,op=read");
        host.give(4, Give::new(0x25).at(6).count(2).bytes(1024));
        host.until(px::IS, |value| value & is::TFES != 0);
        host.give(9, Give::new(0xEC).bytes(512));
        host.let_pass();
        assert_eq!((host.px(px::CI), host.px(px::TFD)), (1 << 4 | 1 << 9, 0x4051));
        assert_eq!(host.px(px::CMD) >> cmd::CCS_SHIFT & 0x1F, 4);
        // The block, in the frame.
        assert_eq!(host.received()[0x44..0x47], [7, 0, 0]);
        host.stop();
        assert_eq!(host.px(px::CI), 0);
        host.set_px(px::IS, u32::MAX);
        host.start();
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)), 0x50);
    });
}

#[test]
fn a_queued_error_gives_up_the_queue_and_its_log_says_which() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("medium-error:lba=7..8,op=read");
        for slot in 0..6 {
            host.give(slot, Give::queued(0x60, 4 + slot as u64));
        }
        host.until(px::IS, |value| value & is::TFES != 0);
        host.let_pass();
        let left = host.px(px::SACT);
        assert_ne!(left & 1 << 3, 0, "the one that failed");
        host.stop();
        assert_eq!((host.px(px::SACT), host.px(px::TFD)), (0, 0x4051));
        host.set_px(px::IS, u32::MAX);
        host.start();
        // Nothing else is answered before the log has been read.
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)), 0x0451);
        host.stop();
        host.start();
        assert_eq!(host.carry_out(Give::new(0x2F).at(0x10).count(1).bytes(512)), 0x50);
        let page = host.data(0);
        assert_eq!((page[0], page[2], page[3], page[4]), (3, 0x51, 0x40, 7));
        assert_eq!(page[..512].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)), 0x50);
    });
}

#[test]
fn commands_of_both_kinds_do_not_mix() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("dropped:times=1,op=read");
        host.give(2, Give::queued(0x60, 0));
        host.until(px::CI, |value| value == 0);
        host.give(0, Give::new(0xEA));
        host.until(px::IS, |value| value & is::TFES != 0);
        assert_eq!((host.px(px::TFD), host.px(px::SACT)), (0x0451, 1 << 2));
        host.stop();
        host.start();
        host.set_px(px::IS, u32::MAX);
        assert_eq!(host.carry_out(Give::new(0x2F).at(0x10).count(1).bytes(512)), 0x50);
        assert_eq!(host.data(0)[0] & 0x80, 0x80, "not a queued command");
    });
}

#[test]
fn a_port_stopped_over_queued_commands_needs_a_reset() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("dropped:times=1,op=read");
        host.give(2, Give::queued(0x60, 0));
        host.until(px::CI, |value| value == 0);
        host.stop();
        host.start();
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)) & 0xFF, 0x51);
        host.comreset();
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)), 0x50);
    });
}

#[test]
fn memory_that_is_not_the_devices_is_a_host_bus_error() {
    on_machine(false, |host| {
        host.bring_up();
        let give = Give::new(0x25).count(1).bytes(512);
        host.lay_out(0, &give, Some(0x10));
        host.set_px(px::CI, 1);
        host.until(px::IS, |value| value & is::HBFS != 0);
        host.let_pass();
        assert_eq!((host.px(px::CI), host.px(px::TFD) & 0x80), (1, 0x80), "busy until it is reset");
        host.comreset();
        assert_eq!(host.carry_out(give), 0x50);
        // A command list that is nowhere.
        host.stop();
        host.set_px(px::IS, u32::MAX);
        host.set_px(px::CLBU, 0);
        host.start();
        host.set_px(px::CI, 1);
        host.until(px::IS, |value| value & is::HBFS != 0);
    });
}

#[test]
fn a_table_too_short_for_the_data_overflows() {
    on_machine(false, |host| {
        host.bring_up();
        host.give(0, Give::new(0x25).count(2).bytes(512));
        let status = host.until(px::IS, |value| value & is::TFES != 0);
        assert_ne!(status & is::OFS, 0);
    });
}

#[test]
fn a_frame_no_command_has_is_an_interface_error() {
    on_machine(false, |host| {
        host.bring_up();
        let mut give = Give::new(0x25);
        give.frame[0] = 0x46;
        host.give(0, give);
        host.until(px::IS, |value| value & is::IFS != 0);
        assert_eq!(host.px(px::CI), 1);
    });
}

#[test]
fn blocks_past_the_end_are_not_found() {
    on_machine(false, |host| {
        host.bring_up();
        assert_eq!(host.carry_out(Give::new(0x25).at(DISK_BLOCKS).count(1).bytes(512)), 0x1051);
    });
}

#[test]
fn a_dropped_completion_leaves_the_device_busy() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("dropped:times=1,op=read");
        host.give(0, Give::new(0x25).count(1).bytes(512));
        host.let_pass();
        assert_eq!((host.px(px::CI), host.px(px::TFD) & 0x80), (1, 0x80));
        host.comreset();
        assert_eq!(host.carry_out(Give::new(0x25).count(1).bytes(512)), 0x50);
    });
}

#[test]
fn a_device_that_hangs_answers_after_a_reset_only() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("hung:times=1,op=read");
        host.give(1, Give::queued(0x60, 0));
        host.give(2, Give::queued(0x60, 1));
        host.let_pass();
        assert_ne!(host.px(px::SACT) & 0b110, 0);
        host.comreset();
        host.give(1, Give::queued(0x60, 0));
        host.until(px::SACT, |value| value == 0);
    });
}

#[test]
fn a_completion_that_comes_twice_ends_nothing_twice() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("duplicate");
        for _ in 0..4 {
            host.give(1, Give::queued(0x60, 0));
            host.until(px::SACT, |value| value == 0);
            host.give(0, Give::new(0x25).count(1).bytes(512));
            host.until(px::CI, |value| value == 0);
            assert_eq!(host.px(px::TFD), 0x50);
        }
    });
}

#[test]
fn a_late_completion_comes_when_others_have_passed() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("late:lba=0..1,delay-us=5000");
        for slot in 1..8 {
            host.lay_out(slot, &Give::queued(0x60, slot as u64 - 1), None);
        }
        host.set_px(px::SACT, 0xFE);
        host.set_px(px::CI, 0xFE);
        let left = host.until(px::SACT, |value| value & 1 << 1 == 0);
        assert_eq!(left, 0);
    });
}

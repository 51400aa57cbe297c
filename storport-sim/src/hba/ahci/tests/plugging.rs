//! Links: up, reset, pulled out, plugged in.

use super::super::registers::*;
use super::host::{Give, on_machine};
use crate::scsi::Lun;
use kernel_sim::machine::Machine;

#[test]
fn the_link_waits_to_be_spun_up() {
    on_machine(false, |host| {
        host.write(GHC, ghc::AE);
        host.let_pass();
        assert_eq!((host.px(px::SSTS), host.px(px::SIG)), (0, u32::MAX));
        host.bring_up();
        assert_eq!((host.px(px::SSTS), host.px(px::SIG)), (ssts::UP_GEN3, SIGNATURE_ATA));
    });
}

#[test]
fn the_first_frame_waits_for_the_exchange_bit_to_be_cleared() {
    on_machine(true, |host| {
        host.write(GHC, ghc::AE);
        host.set_px(px::FB, 0);
        host.set_px(px::CMD, cmd::SUD | cmd::FRE);
        host.until(px::SSTS, |value| value & 0xF == 3);
        host.let_pass();
        assert_eq!((host.px(px::TFD) & 0x80, host.px(px::SIG)), (0x80, u32::MAX));
        assert_eq!(host.px(px::IS) & (is::PCS | is::PRCS), is::PCS | is::PRCS);
        // Writing PxIS does not clear what follows PxSERR.
        host.set_px(px::IS, u32::MAX);
        assert_eq!(host.px(px::IS) & (is::PCS | is::PRCS), is::PCS | is::PRCS);
        host.set_px(px::SERR, u32::MAX);
        assert_eq!(host.px(px::IS) & (is::PCS | is::PRCS), 0);
    });
    on_machine(true, |host| {
        host.bring_up();
        assert_eq!(host.px(px::SIG), SIGNATURE_ATAPI);
    });
}

#[test]
fn a_running_port_cannot_be_reset() {
    on_machine(false, |host| {
        host.bring_up();
        host.set_px(px::SCTL, 1);
        assert_eq!((host.px(px::SCTL) & 0xF, host.px(px::SSTS)), (0, ssts::UP_GEN3));
        host.stop();
        host.set_px(px::SCTL, 1);
        assert_eq!((host.px(px::SSTS), host.px(px::TFD) & 0xFF), (0, 0x7F));
        host.let_pass();
        assert_eq!(host.px(px::SSTS), 0, "as long as DET is 1");
        host.set_px(px::SCTL, 0);
        host.link_up();
    });
}

#[test]
fn a_phy_that_is_off_stays_off() {
    on_machine(false, |host| {
        host.bring_up();
        host.stop();
        host.set_px(px::SCTL, 4);
        host.let_pass();
        assert_eq!(host.px(px::SSTS), 4);
        host.set_px(px::SCTL, 0);
        host.link_up();
    });
}

#[test]
fn a_disk_that_is_pulled_out_and_plugged_in_is_noticed() {
    on_machine(false, |host| {
        host.bring_up();
        let disk = host.medium.unplug(Lun::ZERO).unwrap();
        Machine::current().unwrap().touch_device(0);
        host.until(px::SSTS, |value| value == 0);
        assert_eq!(host.px(px::IS) & (is::PRCS | is::PCS), is::PRCS);
        host.give(3, Give::new(0xEC).bytes(512));
        host.let_pass();
        assert_eq!(host.px(px::CI), 1 << 3, "no device answers");
        host.stop();
        host.set_px(px::SERR, u32::MAX);
        host.medium.plug_in(Lun::ZERO, disk);
        Machine::current().unwrap().touch_device(0);
        host.until(px::IS, |value| value & is::PCS != 0);
        host.link_up();
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)) & 0xFF, 0x50);
    });
}

#[test]
fn an_adapter_that_is_gone_reads_as_ones() {
    on_machine(false, |host| {
        host.bring_up();
        host.give(0, Give::new(0xEC).bytes(512));
        host.medium.pull_out();
        assert_eq!((host.px(px::CI), host.read(IS), host.read(0xFFC)), (u32::MAX, u32::MAX, u32::MAX));
        host.set_px(px::CMD, 0);
        host.let_pass();
        assert_eq!(host.px(px::CMD), u32::MAX);
    });
}

#[test]
fn a_soft_reset_gives_up_everything() {
    on_machine(false, |host| {
        host.bring_up();
        host.faults("dropped:times=1,op=read");
        host.give(5, Give::queued(0x60, 0));
        host.until(px::CI, |value| value == 0);
        let mut reset = Give::new(0);
        (reset.frame[1], reset.frame[15]) = (0, 1 << 2);
        reset.flags = 1 << 10 | 1 << 8;
        host.give(0, reset);
        host.until(px::CI, |value| value == 0);
        (reset.frame[15], reset.flags) = (0, 0);
        host.give(1, reset);
        host.until(px::CI, |value| value == 0);
        assert_eq!(host.px(px::TFD), 0x0150);
        // The queued command is the host's to forget.
        assert_eq!(host.px(px::SACT), 1 << 5);
        host.stop();
        host.start();
        assert_eq!(host.carry_out(Give::new(0xEC).bytes(512)) & 0xFF, 0x50);
    });
}

//! Registers, without a machine: what they read, and who may write them.

use super::super::registers::*;
use super::super::{Ahci, VECTOR};
use super::host::{medium, on_machine};
use kernel_sim::hardware::HardwareModel;

fn adapter() -> Ahci {
    Ahci::new(medium(), 3)
}

fn port(register: usize) -> usize {
    PORTS + register
}

#[test]
fn says_what_it_can_do() {
    let mut a = adapter();
    let capabilities = a.read(CAP, 4) as u32;
    assert_eq!((capabilities & 0x1F, capabilities >> 8 & 0x1F), (2, 31));
    assert_ne!(capabilities & cap::SNCQ, 0);
    assert_eq!((a.read(PI, 4), a.read(VS, 4)), (0b111, u64::from(VERSION)));
    assert_eq!(a.line(), (VECTOR, false));
    // Port 3 is not there, and what is in between is reserved.
    assert_eq!((a.read(PORTS + 3 * PORT_STRIDE + px::CMD, 4), a.read(0xA0, 4)), (0, 0));
}

#[test]
fn narrow_and_odd_accesses_read_ones_and_write_nothing() {
    let mut a = adapter();
    a.write(GHC, 4, u64::from(ghc::AE));
    for (offset, width) in [(GHC + 2, 4), (GHC, 2), (GHC, 1), (GHC, 8), (usize::MAX, 4)] {
        a.write(offset, width, 0);
        assert_eq!(a.read(offset, width), u64::MAX, "offset {offset:#x} width {width}");
    }
    assert_eq!(a.read(GHC, 4), u64::from(ghc::AE));
    a.write(port(px::CLB), 8, 0x1_2345_67FF);
    assert_eq!((a.read(port(px::CLB), 4), a.read(port(px::CLBU), 4)), (0x2345_6400, 1));
}

#[test]
fn ports_take_nothing_before_ahci_is_enabled() {
    let mut a = adapter();
    a.write(port(px::IE), 4, u64::from(is::TFES));
    assert_eq!(a.read(port(px::IE), 4), 0);
    a.write(GHC, 4, u64::from(ghc::AE));
    a.write(port(px::IE), 4, u64::from(u32::MAX));
    assert_eq!(a.read(port(px::IE), 4), u64::from(is::IMPLEMENTED));
}

#[test]
fn a_stopped_port_takes_no_commands() {
    let mut a = adapter();
    a.write(GHC, 4, u64::from(ghc::AE));
    a.write(port(px::SACT), 4, 1);
    a.write(port(px::CI), 4, 1);
    assert_eq!((a.read(port(px::SACT), 4), a.read(port(px::CI), 4)), (0, 0));
    a.write(port(px::CMD), 4, u64::from(cmd::ST));
    a.write(port(px::SACT), 4, 2);
    a.write(port(px::CI), 4, 3);
    // Written 0, a bit stays.
    a.write(port(px::CI), 4, 0);
    assert_eq!((a.read(port(px::SACT), 4), a.read(port(px::CI), 4)), (2, 3));
    a.write(port(px::CMD), 4, 0);
    assert_eq!((a.read(port(px::SACT), 4), a.read(port(px::CI), 4)), (0, 0));
}

#[test]
fn what_is_read_only_stays() {
    let mut a = adapter();
    a.write(GHC, 4, u64::from(ghc::AE));
    for register in [px::TFD, px::SIG, px::SSTS, px::SNTF, px::FBS] {
        let before = a.read(port(register), 4);
        a.write(port(register), 4, 0x5555_5555);
        assert_eq!(a.read(port(register), 4), before, "{register:#x}");
    }
    a.write(port(px::CMD), 4, u64::from(cmd::CR | cmd::FR | cmd::CCS));
    assert_eq!(a.read(port(px::CMD), 4) as u32, cmd::POD | cmd::HPCP);
    assert_eq!(a.read(port(px::TFD), 4) & 0xFF, u64::from(status::NO_DEVICE));
}

#[test]
fn a_reset_brings_back_what_was_at_power_on() {
    on_machine(false, |host| {
        host.bring_up();
        host.set_px(px::IE, is::TFES);
        host.write(GHC, ghc::AE | ghc::IE | ghc::HR);
        while host.read(GHC) & ghc::HR != 0 {}
        assert_eq!(host.read(GHC), 0);
        assert_eq!((host.px(px::IE), host.px(px::SSTS)), (0, 0));
        assert_eq!(host.px(px::CMD), cmd::POD | cmd::HPCP);
        host.bring_up();
    });
}

#[test]
fn the_firmware_lets_go_when_asked() {
    on_machine(false, |host| {
        assert_eq!(host.read(BOHC), bohc::BOS);
        host.write(BOHC, bohc::OOS);
        while host.read(BOHC) & bohc::BOS != 0 {}
        assert_eq!(host.read(BOHC), bohc::OOS | bohc::OOC);
        // Write 1 to clear.
        host.write(BOHC, bohc::OOS | bohc::OOC);
        assert_eq!(host.read(BOHC), bohc::OOS);
    });
}

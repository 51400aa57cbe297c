//! A port driver of a few lines: for the rule that looks at port drivers.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]

use kernel_sim::ddi::{BOOLEAN, FALSE, TRUE, callback};
use kernel_sim::frame::{Frame, Item};
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use storport_sim::callbacks::{HW_STOR_BUILD_IO, HW_STOR_START_IO};

/// Sends two SRBs at one address to a miniport, whose HwStorBuildIo returns FALSE for the first. `heeds` is
/// whether the port driver looks at what it returned.
fn send_two(heeds: bool) {
    let cpu = Processor::current();
    let srb = 0u64;
    let address = std::ptr::from_ref(&srb).addr();
    for built in [FALSE, TRUE] {
        let args = [Arg::Pointer(0), Arg::Pointer(address)];
        let build = Frame::new(&HW_STOR_BUILD_IO, &args).about(Item::Srb(address));
        let goes_on: BOOLEAN = callback(cpu, &build, || built);
        if goes_on != FALSE || !heeds {
            let start = Frame::new(&HW_STOR_START_IO, &args).about(Item::Srb(address));
            callback(cpu, &start, || TRUE);
        }
    }
}

/// Starts an SRB whatever HwStorBuildIo returned.
pub(super) unsafe fn starts_refused() {
    send_two(false);
}

/// Starts an SRB that HwStorBuildIo let pass, at the address of one that it did not.
pub(super) unsafe fn starts_passed() {
    send_two(true);
}

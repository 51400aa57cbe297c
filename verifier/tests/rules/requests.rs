//! What a miniport tells Storport, asks of it and gives back to it.

use super::miniport::*;
use super::*;
use kernel_sim::frame::{Frame, Item};
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use storport_sim::callbacks::{HW_STOR_BUILD_IO, HW_STOR_START_IO};
use storport_sim::ddi::*;

#[test]
fn the_last_of_the_four_values_is_one_of_them() {
    assert!(says_of("SpReturnValue", Ways { found: SP_RETURN_BAD_CONFIG, ..Ways::NOTHING }).is_none());
    is_told_of("SpReturnValue", Ways { found: SP_RETURN_BAD_CONFIG + 1, ..Ways::NOTHING });
}

unsafe fn asks_for_next(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    StorPortNotification(NextRequest, extension, ());
}

unsafe fn asks_for_next_of_unit(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    StorPortNotification(NextLuRequest, extension, (0, 0, 0));
}

#[test]
fn a_report_names_the_notification() {
    let what = |starts| is_told_of("StorPortNotification2", Ways { starts, ..Ways::NOTHING }).what;
    assert!(what(asks_for_next).contains("with NextRequest,"));
    assert!(what(asks_for_next_of_unit).contains("with NextLuRequest,"));
}

/// The lock lies in the extension.
unsafe fn stops_timer_under_lock(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(extension.cast(), &raw mut irql);
    StorPortNotification(RequestTimerCall, extension, (None, 0));
    KeReleaseSpinLock(extension.cast(), irql);
}

unsafe extern "C-unwind" fn timer(_extension: PVOID) {}

unsafe fn starts_timer(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    StorPortNotification(RequestTimerCall, extension, (Some(timer), 1_000));
    StorPortNotification(RequestTimerCall, extension, (None, 0));
}

#[test]
fn a_timer_has_a_routine() {
    is_fine_of(Ways { starts: starts_timer, ..Ways::NOTHING });
}

#[test]
fn notifications_that_complete_nothing_may_be_made_under_a_lock() {
    is_fine_of(Ways { starts: stops_timer_under_lock, ..Ways::NOTHING });
}

unsafe fn allocates(_: PVOID, _: PSCSI_REQUEST_BLOCK) {
    let tag = u32::from_le_bytes(*b"Rule");
    ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, tag), tag);
}

#[test]
fn a_virtual_miniport_may_allocate_pool_as_it_starts_requests() {
    assert!(says_of("StorPortStartIo", Ways { starts: allocates, ..Ways::NOTHING }).is_none());
}

unsafe fn frees_nothing(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    StorPortFreePool(extension, null_mut());
}

#[test]
fn no_block_is_no_block_of_anothers() {
    assert!(says_of("StorPortAllocatePool", Ways { starts: frees_nothing, ..Ways::NOTHING }).is_none());
}

/// HwStorBuildIo completes the SRB, which comes to it again before that call returns; then it is started all
/// the same.
unsafe fn built_again(first: BOOLEAN, second: BOOLEAN) {
    let (cpu, srb) = (Processor::current(), 0_u64);
    let address = std::ptr::from_ref(&srb).addr();
    let args = [Arg::Pointer(0), Arg::Pointer(address)];
    let frame = |kind| Frame::new(kind, &args).about(Item::Srb(address));
    let outer: BOOLEAN = callback(cpu, &frame(&HW_STOR_BUILD_IO), || {
        let inner: BOOLEAN = callback(cpu, &frame(&HW_STOR_BUILD_IO), || second);
        assert_eq!(inner, second);
        first
    });
    assert_eq!(outer, first);
    callback(cpu, &frame(&HW_STOR_START_IO), || TRUE);
}

unsafe fn built_again_while_refused(_: X) {
    built_again(FALSE, TRUE);
}

unsafe fn refused_when_built_again(_: X) {
    built_again(TRUE, FALSE);
}

#[test]
fn an_srb_that_comes_again_is_another_visit() {
    is_fine(built_again_while_refused);
    is_told("StorPortBuildIo", refused_when_built_again);
}

//! Notifications that end in work of the port driver's: the bus has changed, a state has changed.
//!
//! BusChangeDetected may come from an interrupt routine; the scan it asks for runs in a work item. A unit
//! found before that is not there any more is marked gone, and requests for it fail; a new disk gets a device
//! object. StorPortStateChangeDetected has its routine called once, under the StartIo lock, and until then
//! another report is refused. Invariant: one scan of an adapter runs at a time and none of a stopped one, and
//! a change reported during a scan or a stop is followed by another.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::own_cx;
use crate::callbacks::{HW_STOR_STATE_CHANGE, STORPORT};
use crate::ddi::{
    PHW_STATE_CHANGE, STOR_ADDRESS_TYPE_BTL8, STOR_STATUS_BUSY, STOR_STATUS_INVALID_PARAMETER,
    STOR_STATUS_SUCCESS,
};
use crate::wait::wait_while;
use kernel_sim::ddi::{Call, PDEVICE_OBJECT, PKDPC, PVOID, SHORT, ULONG, as_system};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use kernel_sim::unhooked;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A state change that was reported and not yet processed.
#[derive(Clone, Copy)]
struct StateChange {
    address: usize,
    routine: PHW_STATE_CHANGE,
    context: usize,
}

/// What an adapter has been told.
#[derive(Default)]
pub(super) struct BusChange {
    /// A scan is owed.
    pending: AtomicBool,
    /// One is queued or runs.
    scanning: AtomicBool,
    /// The adapter is being stopped, or is stopped: what is owed waits for the restart.
    held: AtomicBool,
    state: Mutex<Option<StateChange>>,
}

impl BusChange {
    /// Whether a scan is owed or under way.
    pub(super) fn is_busy(&self) -> bool {
        self.scanning.load(SeqCst) || self.pending.load(SeqCst)
    }
}

impl AdapterState {
    /// Makes up for a change that was reported and led to no scan: there were no disks yet, or scans were
    /// held.
    pub(super) fn catch_up_with_changes(&self) {
        if self.bus_change.pending.load(SeqCst) {
            self.bus_changed(&own_cx());
        }
    }

    /// Lets no scan begin, and waits for the one that is under way.
    pub(super) fn hold_scans(&self) {
        self.bus_change.held.store(true, SeqCst);
        wait_while(|| self.bus_change.scanning.load(SeqCst));
    }

    /// Makes up for changes that were reported while scans were held.
    pub(super) fn resume_scans(&self) {
        self.bus_change.held.store(false, SeqCst);
        self.catch_up_with_changes();
    }

    /// The bus has changed: a scan is owed.
    pub(super) fn bus_changed(&self, call: &Call) {
        self.bus_change.pending.store(true, SeqCst);
        // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
        unhooked::queue_dpc(call, unsafe { &raw mut (*self.objects).bus_change_dpc });
    }
}

/// Some bus has changed: hands the scan to a worker thread.
pub(super) unsafe extern "C-unwind" fn change_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(Processor::current(), &STORPORT, || {
        if adapter.removing.load(SeqCst)
            || adapter.disks.get().is_none()
            || adapter.bus_change.scanning.swap(true, SeqCst)
        {
            return;
        }
        // Read after the mark: whoever holds scans sees the one or is seen here.
        if adapter.bus_change.held.load(SeqCst) {
            adapter.bus_change.scanning.store(false, SeqCst);
            return;
        }
        adapter.pending_work.fetch_add(1, SeqCst);
        // SAFETY: the setter of `scanning` owns the work item until the scan ends, and the adapter waits for
        // pending work before it goes.
        unsafe {
            let item = &raw mut (*adapter.objects).bus_change_item;
            unhooked::queue_work_item(&own_cx(), item, Some(scan), context);
        }
    });
}

unsafe extern "C-unwind" fn scan(_device: PDEVICE_OBJECT, context: PVOID) {
    // SAFETY: the context of the adapter's own DPC and work item, which the adapter waits for before it goes.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(Processor::current(), &STORPORT, || {
        let change = &adapter.bus_change;
        let may_go_on = || !adapter.removing.load(SeqCst) && !change.held.load(SeqCst);
        while may_go_on() && change.pending.swap(false, SeqCst) {
            adapter.rescan();
        }
        adapter.bus_change.scanning.store(false, SeqCst);
        if adapter.bus_change.pending.load(SeqCst) {
            adapter.bus_changed(&own_cx());
        }
        adapter.pending_work.fetch_sub(1, SeqCst);
    });
}

/// Refused while a report is unanswered. Every report ends in a scan, whatever it says has changed.
pub(crate) unsafe fn state_change_detected(
    call: &Call,
    extension: PVOID,
    changed: ULONG,
    address: PVOID,
    _attributes: ULONG,
    routine: PHW_STATE_CHANGE,
    context: PVOID,
) -> ULONG {
    let adapter = adapter(call, extension);
    if address.is_null() || changed == 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    let mut state = adapter.bus_change.state.lock();
    if state.is_some() {
        return STOR_STATUS_BUSY;
    }
    *state = Some(StateChange { address: address as usize, routine, context: context as usize });
    drop(state);
    // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
    unhooked::queue_dpc(call, unsafe { &raw mut (*adapter.objects).state_change_dpc });
    STOR_STATUS_SUCCESS
}

/// Processes a state change: the routine is called with a status that says so. A changed unit is looked at
/// again by a scan.
pub(super) unsafe extern "C-unwind" fn state_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context of the adapter's own DPC, which the adapter waits for before it goes.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(Processor::current(), &STORPORT, || {
        let Some(change) = adapter.bus_change.state.lock().take() else { return };
        adapter.bus_changed(&own_cx());
        if let Some(routine) = change.routine {
            const PROCESSED: ULONG = 0;
            adapter.call_under_start_io_lock(
                Frame::new(&HW_STOR_STATE_CHANGE, &[Arg::Pointer(adapter.extension as usize)]),
                || {
                    // SAFETY: the miniport gave the routine and its arguments together, for a call like this;
                    // they live until it.
                    unsafe {
                        routine.go((
                            adapter.extension,
                            change.context as PVOID,
                            SHORT::from(STOR_ADDRESS_TYPE_BTL8),
                            change.address as PVOID,
                            PROCESSED,
                        ));
                    }
                },
            );
        }
    });
}

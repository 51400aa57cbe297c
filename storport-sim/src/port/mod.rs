//! The port driver: it owns adapters and logical units, and stands between IRPs and a miniport.
//!
//! ```text
//! initialize.rs  StorPortInitialize: what a miniport registers, and its dispatch routine
//! start.rs       an adapter as a rig drives it            life.rs      the steps of its life
//! pci_slot.rs    what the bus says of a device            config.rs    the configuration and its defaults
//! scan.rs        which units there are                    own_requests.rs  SRBs of the port driver's own
//! adapter.rs     one adapter and its memory               unit.rs      one logical unit and its queue
//! hardware.rs    registers, configuration space           interrupt.rs line, messages, their locks
//! dma.rs         lists, physical addresses, the map       memory.rs    what the miniport allocates
//! dispatch.rs    IRP in                                   start_io.rs  SRB down, and the locks around
//! complete.rs    RequestComplete to IRP out               gates.rs     pause, busy, queue depths
//! timeout.rs     requests that take too long              recovery.rs  abort and the resets
//! control.rs     adapter and unit control                 bus_change.rs  later scans, state changes
//! locks.rs       StorPort spin locks                      dpcs.rs      STOR_DPC
//! timers.rs      timers of the miniport                   workers.rs   its work items
//! performance.rs what StorPortInitializePerfOpts grants   registry.rs  its parameters
//! notify.rs      StorPortNotification                     query.rs     the small routines
//! log.rs         what the miniport logs                   system.rs    processors, device objects
//! hands.rs       when SRBs changed hands                  order.rs     what comes before what
//! unit_life.rs   the life of a unit's device                pass_through.rs  command blocks of clients
//! lists.rs       interlocked lists                        absent.rs    what is known by name only
//! slots.rs       the records of a unit's requests
//! ```
//!
//! It is a WDM driver over the kernel's I/O manager, but for one liberty: what it does inside a call
//! of a miniport goes through [`kernel_sim::system`] and not through hooked DDIs, since those calls
//! are not the miniport's.
//!
//! Invariants: an SRB is the miniport's alone from `HwStorBuildIo` (or `HwStorStartIo`) to `RequestComplete`;
//! an IRP is completed in a Storport DPC, and inside a call of the miniport only where a rig asked for that;
//! none of our own locks is held while a driver runs.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

pub(crate) mod absent;
mod adapter;
pub(crate) mod bus_change;
pub(crate) mod complete;
mod config;
mod control;
mod dispatch;
pub(crate) mod dma;
pub(crate) mod dpcs;
pub(crate) mod gates;
pub(crate) mod hands;
pub(crate) mod hardware;
pub(crate) mod initialize;
pub(crate) mod interrupt;
mod life;
pub(crate) mod lists;
mod loan;
pub(crate) mod locks;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod notify;
mod order;
mod own_requests;
mod pass_through;
mod pci_slot;
pub(crate) mod performance;
pub(crate) mod query;
mod recovery;
pub(crate) mod registry;
mod scan;
mod slots;
mod start;
mod start_io;
pub(crate) mod system;
mod timeout;
pub(crate) mod timers;
mod unit;
mod unit_life;
pub(crate) mod workers;

pub use complete::{BUSY_RETRIES_MAX, CompleteWhere};
pub use log::LogEntry;
pub use pci_slot::{Parameter, PciSlot};
pub use start::{Adapter, RebalanceError, StartError, StartOptions};

use adapter::AdapterState;
use initialize::Registration;
use kernel_sim::ddi::{Call, PVOID};
use kernel_sim::machine::Machine;
use kernel_sim::routine::{Coverage, DdiInfo, Kind, reserved};
use kernel_sim::site::Site;
use parking_lot::Mutex;
use std::any::Any;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release};

/// Adapters one machine can have at a time.
const ADAPTERS_MAX: usize = 8;

/// What one machine's port driver knows.
pub(crate) struct Port {
    registrations: Mutex<Vec<Registration>>,
    adapters: [AtomicPtr<AdapterState>; ADAPTERS_MAX],
    /// Everything a processor might still be looking at, kept until the machine has come to rest.
    owned: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

impl Port {
    /// The port driver of a machine; it appears with its first use.
    pub(crate) fn of(machine: &Machine) -> &Port {
        if let Some(port) = machine.attached_ref::<Port>() {
            return port;
        }
        machine.attach(Arc::new(Port {
            registrations: Mutex::new(Vec::new()),
            adapters: [const { AtomicPtr::new(null_mut()) }; ADAPTERS_MAX],
            owned: Mutex::new(Vec::new()),
        }));
        machine.set_lender(hands::lent);
        machine.attached_ref::<Port>().expect("just attached")
    }

    /// Keeps a value until the machine has come to rest.
    pub(crate) fn own<T: Any + Send + Sync>(&self, value: Arc<T>) {
        self.owned.lock().push(value);
    }

    /// Makes an adapter known to the StorPort routines. `false`: there are [`ADAPTERS_MAX`] already.
    fn enlist(&self, adapter: &Arc<AdapterState>) -> bool {
        self.own(Arc::clone(adapter));
        let at = Arc::as_ptr(adapter).cast_mut();
        self.adapters.iter().any(|slot| slot.compare_exchange(null_mut(), at, Release, Acquire).is_ok())
    }

    /// Makes an adapter unknown again.
    fn strike_off(&self, adapter: &AdapterState) {
        let at = std::ptr::from_ref(adapter).cast_mut();
        for slot in &self.adapters {
            let _ = slot.compare_exchange(at, null_mut(), Release, Acquire);
        }
    }

    /// The adapter with this device extension.
    #[inline]
    fn find(&self, extension: PVOID) -> Option<&AdapterState> {
        (0..ADAPTERS_MAX).find_map(|n| self.adapter_at(n).filter(|adapter| adapter.extension == extension))
    }

    /// The adapter enlisted at a place.
    #[inline]
    fn adapter_at(&self, n: usize) -> Option<&AdapterState> {
        let at = self.adapters[n].load(Acquire);
        // SAFETY: enlisted adapters are owned by `self.owned` for as long as `self` lives.
        (!at.is_null()).then(|| unsafe { &*at })
    }
}

/// The configuration of the adapter with that device extension, as HwStorFindAdapter left it.
pub(crate) fn configuration(
    machine: &Machine,
    extension: PVOID,
) -> Option<crate::ddi::PORT_CONFIGURATION_INFORMATION> {
    machine.attached_ref::<Port>()?.find(extension)?.config.get().copied()
}

/// The adapter behind a driver's `HwDeviceExtension`; a bug check if there is none.
#[inline]
pub(crate) fn adapter(call: &Call, extension: PVOID) -> &'static AdapterState {
    let found = call.machine().attached_ref::<Port>().and_then(|port| port.find(extension));
    found.unwrap_or_else(|| call.bad_pointer(extension as usize, "the HwDeviceExtension"))
}

/// Stands for the port driver where a report names the call that takes a lock; not a DDI.
static STORPORT_ITSELF: DdiInfo = DdiInfo {
    id: reserved::PORT_DRIVER,
    name: "Storport",
    header: "",
    irql: None,
    coverage: Coverage::Modelled,
    params: &[],
    returns: "()",
    summary: "The port driver itself.",
    kind: Kind::Plain,
    must_inspect: false,
};

/// The context of what the port driver does on its own account.
#[track_caller]
fn own_cx() -> Call {
    Call::new(&STORPORT_ITSELF, Site::caller())
}

/// The machine this code runs on.
fn machine() -> &'static Machine {
    Machine::current().expect("the port driver runs on a machine")
}

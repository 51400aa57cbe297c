//! One adapter as the port driver sees it: its registration, its memory, its units.
//!
//! What a driver may get a pointer to (the device extension, locks, DPC and timer objects) lies in
//! the machine's memory; everything else is ours and out of a driver's reach.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::bus_change::BusChange;
use super::complete::{CompleteWhere, Done};
use super::gates::{Gate, Throttle};
use super::hardware::Hardware;
use super::initialize::Registration;
use super::interrupt::MessageContext;
use super::log::Log;
use super::memory::Allocations;
use super::pci_slot::{Parameter, RANGES_MAX};
use super::performance::Performance;
use super::registry::Registry;
use super::start::StartOptions;
use super::unit::Unit;
use crate::class::Disks;
use crate::ddi::{ACCESS_RANGE, PHW_PASSIVE_INITIALIZE_ROUTINE, PHW_TIMER, PORT_CONFIGURATION_INFORMATION};
use crossbeam::utils::CachePadded;
use kernel_sim::bugcheck::IRQL_UNEXPECTED_VALUE;
use kernel_sim::bus::MESSAGES_MAX;
use kernel_sim::ddi::{
    FALSE, IO_WORKITEM, KDPC, KEVENT, KSPIN_LOCK, KTIMER, KeInitializeDpc, KeInitializeEvent,
    KeInitializeTimer, KeSetTargetProcessorDpc, NotificationEvent, PDEVICE_OBJECT, PKDPC, PVOID, callback,
};
use kernel_sim::frame::Frame;
use kernel_sim::irql::Irql;
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use kernel_sim::routine::IntoArg;
use kernel_sim::unhooked;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::sync::{Arc, OnceLock};

/// Logical units one adapter can have.
pub(super) const UNITS_MAX: usize = 256;
/// Channels one adapter can have.
pub(super) const CHANNELS_MAX: usize = 64;

/// The kernel objects of one adapter, in the machine's memory.
#[repr(C)]
pub(super) struct Objects {
    pub config: PORT_CONFIGURATION_INFORMATION,
    pub start_io_lock: KSPIN_LOCK,
    pub interrupt_lock: KSPIN_LOCK,
    pub gate_timer: KTIMER,
    pub gate_dpc: KDPC,
    pub tick_timer: KTIMER,
    pub tick_dpc: KDPC,
    pub call_timer: KTIMER,
    pub call_dpc: KDPC,
    pub bus_change_dpc: KDPC,
    pub state_change_dpc: KDPC,
    pub bus_change_item: IO_WORKITEM,
    pub message_locks: [KSPIN_LOCK; MESSAGES_MAX as usize],
    pub message_contexts: [MessageContext; MESSAGES_MAX as usize],
    pub channel_locks: [KSPIN_LOCK; CHANNELS_MAX],
    pub access_ranges: [ACCESS_RANGE; RANGES_MAX],
    /// Signaled when a unit has no request left, while the adapter is being removed.
    pub drained: KEVENT,
    /// An empty string for HwStorFindAdapter.
    pub arguments: [u8; 8],
    /// One per processor follows.
    pub completion_dpcs: [KDPC; 0],
}

/// One adapter.
pub(crate) struct AdapterState {
    pub(super) registration: Registration,
    /// `HwDeviceExtension`: zeroed once, when it was allocated.
    pub(super) extension: PVOID,
    pub(super) objects: *mut Objects,
    /// What a physical adapter has of hardware; a virtual one has none.
    pub(super) hardware: Option<Hardware>,
    /// What HwStorFindAdapter made of the configuration.
    pub(super) config: OnceLock<PORT_CONFIGURATION_INFORMATION>,
    /// The adapter's functional device object, and the physical one below it.
    pub(super) device: AtomicPtr<kernel_sim::ddi::DEVICE_OBJECT>,
    pub(super) lower: AtomicPtr<kernel_sim::ddi::DEVICE_OBJECT>,
    pub(super) gate: Gate,
    pub(super) throttle: Throttle,
    pub(super) perf: Performance,
    pub(super) allocations: Allocations,
    pub(super) registry: Registry,
    pub(super) log: Log,
    /// The uncached extension and its bytes.
    pub(super) uncached: (AtomicPtr<std::ffi::c_void>, AtomicU32),
    /// It is of an earlier HwStorFindAdapter.
    pub(super) is_uncached_old: AtomicBool,
    pub(super) is_extension_admitted: AtomicBool,
    /// What HwStorInitialize asked for with StorPortEnablePassiveInitialization.
    pub(super) passive_initialize: Mutex<PHW_PASSIVE_INITIALIZE_ROUTINE>,
    pub(super) bus_change: BusChange,
    /// The disks on the units; none before the first scan.
    pub(super) disks: OnceLock<Arc<Disks>>,
    /// Control types the miniport supports, as a set of bits.
    pub(super) control_types: AtomicU32,
    pub(super) unit_control_types: AtomicU32,
    /// Device objects of units that were removed, as addresses: they go with the adapter.
    pub(super) removed_devices: Mutex<Vec<usize>>,
    units: Box<[AtomicPtr<Unit>]>,
    /// One more than the highest number a unit ever had: most adapters have few.
    units_end: AtomicU32,
    /// Owns every unit there ever was: a driver may still name one that is gone.
    #[expect(clippy::vec_box, reason = "units are pointed at and must not move")]
    all_units: Mutex<Vec<Box<Unit>>>,
    pub(super) completion: CompleteWhere,
    /// Whether a miniport without ScsiUnitStart hears of starts; see [`StartOptions`].
    pub(super) announces_starts: bool,
    /// Finished requests, by the processor they were finished on.
    pub(super) done: Box<[CachePadded<Done>]>,
    /// How many calls into the port driver each processor is in.
    inside: Box<[CachePadded<AtomicU32>]>,
    /// Work items queued or running.
    pub(super) pending_work: AtomicU32,
    /// DPCs of the miniport that are queued or run.
    pub(super) issued_dpcs: AtomicU32,
    pub(super) removing: AtomicBool,
    /// The hardware was pulled out: requests fail, and none waits for it.
    pub(super) is_gone: AtomicBool,
    /// ScsiStopAdapter has stopped it for power, and it was not restarted since: the miniport is not called.
    pub(super) is_asleep: AtomicBool,
    /// Seconds counted while requests are outstanding, and whether the next is armed.
    pub(super) ticks: AtomicU32,
    pub(super) tick_armed: AtomicBool,
    /// The routine of RequestTimerCall.
    pub(super) timer_call: Mutex<PHW_TIMER>,
}

// SAFETY: raw pointers are to objects of the machine, which synchronise as their kinds do: lock words
// and kernel objects through the kernel, the extension through its driver. The rest is Sync.
unsafe impl Sync for AdapterState {}
// SAFETY: the machine runs its processors on several host threads, and its objects synchronise themselves.
unsafe impl Send for AdapterState {}

impl AdapterState {
    /// An adapter with its memory, not yet published. `None`: the machine is out of memory.
    pub(super) fn new(
        machine: &Machine,
        registration: Registration,
        hardware: Option<Hardware>,
        options: StartOptions,
        parameters: BTreeMap<String, Parameter>,
    ) -> Option<AdapterState> {
        let processors = usize::from(machine.processor_count());
        let extension = machine.allocate_system((registration.data.DeviceExtensionSize as usize).max(1));
        let objects: *mut Objects =
            machine.allocate_system(size_of::<Objects>() + processors * size_of::<KDPC>()).cast();
        if extension.is_null() || objects.is_null() {
            return None;
        }
        Some(AdapterState {
            registration,
            extension,
            objects,
            registry: Registry::new(parameters),
            perf: Performance::new(hardware.as_ref()),
            log: Log::default(),
            throttle: Throttle::default(),
            allocations: Allocations::default(),
            uncached: (AtomicPtr::new(null_mut()), AtomicU32::new(0)),
            is_uncached_old: AtomicBool::new(false),
            is_extension_admitted: AtomicBool::new(false),
            passive_initialize: Mutex::new(None),
            bus_change: BusChange::default(),
            disks: OnceLock::new(),
            hardware,
            config: OnceLock::new(),
            device: AtomicPtr::new(null_mut()),
            lower: AtomicPtr::new(null_mut()),
            gate: Gate::new(),
            control_types: AtomicU32::new(0),
            unit_control_types: AtomicU32::new(0),
            is_gone: AtomicBool::new(false),
            is_asleep: AtomicBool::new(false),
            removed_devices: Mutex::new(Vec::new()),
            units: (0..UNITS_MAX).map(|_| AtomicPtr::new(null_mut())).collect(),
            units_end: AtomicU32::new(0),
            all_units: Mutex::new(Vec::new()),
            completion: options.completion,
            announces_starts: options.announces_starts,
            done: (0..processors).map(|_| CachePadded::default()).collect(),
            inside: (0..processors).map(|_| CachePadded::default()).collect(),
            pending_work: AtomicU32::new(0),
            issued_dpcs: AtomicU32::new(0),
            removing: AtomicBool::new(false),
            ticks: AtomicU32::new(0),
            tick_armed: AtomicBool::new(false),
            timer_call: Mutex::new(None),
        })
    }

    /// Readies the kernel objects and prefills the configuration. Once, when `self` has its place.
    pub(super) fn initialize_objects(&self) {
        let context: PVOID = std::ptr::from_ref(self).cast_mut().cast();
        let o = self.objects;
        // SAFETY: a fresh zeroed block that holds `Objects` and a DPC per processor; the adapter is
        // kept until the machine has come to rest, so the context outlives the objects.
        unsafe {
            KeInitializeTimer(&raw mut (*o).gate_timer);
            KeInitializeDpc(&raw mut (*o).gate_dpc, Some(super::gates::adapter_gate_dpc), context);
            KeInitializeTimer(&raw mut (*o).tick_timer);
            KeInitializeDpc(&raw mut (*o).tick_dpc, Some(super::timeout::tick_dpc), context);
            KeInitializeTimer(&raw mut (*o).call_timer);
            KeInitializeDpc(&raw mut (*o).call_dpc, Some(super::timers::call_dpc), context);
            KeInitializeDpc(&raw mut (*o).bus_change_dpc, Some(super::bus_change::change_dpc), context);
            KeInitializeDpc(&raw mut (*o).state_change_dpc, Some(super::bus_change::state_dpc), context);
            KeInitializeEvent(&raw mut (*o).drained, NotificationEvent, FALSE);
            for cpu in 0..self.done.len() {
                let dpc = self.completion_dpc(cpu);
                KeInitializeDpc(dpc, Some(super::complete::completion_dpc), context);
                KeSetTargetProcessorDpc(dpc, cpu as i8);
            }
            (*o).config = self.prefilled();
        }
        self.gate.attach(&raw mut self.objects_mut().gate_timer, &raw mut self.objects_mut().gate_dpc);
    }

    #[expect(clippy::mut_from_ref, reason = "kernel objects are shared by nature; used for their addresses")]
    pub(super) fn objects_mut(&self) -> &mut Objects {
        // SAFETY: the block lives as long as the adapter is known; callers take addresses of members.
        unsafe { &mut *self.objects }
    }

    pub(super) fn completion_dpc(&self, cpu: usize) -> PKDPC {
        // SAFETY: `new` allocated a DPC per processor behind the other objects.
        unsafe { (&raw mut (*self.objects).completion_dpcs).cast::<KDPC>().add(cpu) }
    }

    pub(super) fn device(&self) -> PDEVICE_OBJECT {
        self.device.load(Acquire)
    }

    /// Runs a miniport callback at `at` or above, and checks that it restores the IRQL.
    #[inline]
    pub(super) fn call<R: IntoArg>(&self, frame: Frame<'_>, at: Irql, body: impl FnOnce() -> R) -> R {
        let cpu = Processor::current();
        let before = unhooked::raise_irql(cpu, at);
        let during = cpu.irql();
        let frame = frame.of_adapter(self.extension as usize);
        self.callback_begins(cpu, frame.kind);
        let answer = callback(cpu, &frame, body);
        self.callback_ended(cpu, frame.kind);
        if cpu.irql() != during {
            wrong_irql(cpu, &frame, during);
        }
        unhooked::restore_irql(cpu, before);
        answer
    }

    /// Marks this processor as inside the port driver until the guard goes.
    pub(super) fn enter<'a>(&'a self, cpu: &Processor) -> Inside<'a> {
        let count = &self.inside[usize::from(cpu.index())];
        count.fetch_add(1, Relaxed);
        Inside(count)
    }

    /// Whether some processor is inside the port driver on this adapter's account.
    pub(super) fn is_any_callback_inside(&self) -> bool {
        self.pending_work.load(Acquire) != 0 || self.inside.iter().any(|count| count.load(Acquire) != 0)
    }

    /// The unit with this number.
    #[inline]
    pub(super) fn unit_at(&self, index: usize) -> Option<&Unit> {
        let at = self.units.get(index)?.load(Acquire);
        // SAFETY: `all_units` owns the unit for as long as `self` lives.
        (!at.is_null()).then(|| unsafe { &*at })
    }

    /// The units there are.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        (0..self.units_end.load(Acquire) as usize).filter_map(|n| self.unit_at(n))
    }

    /// The unit with this device object.
    pub(super) fn unit_of(&self, device: PDEVICE_OBJECT) -> Option<&Unit> {
        self.units().find(|unit| std::ptr::eq(unit.device.load(Acquire), device))
    }

    /// Adds a unit at the first free number, which `make` is told; `None`: no room, or no memory.
    pub(super) fn add_unit(&self, make: impl FnOnce(u16) -> Option<Box<Unit>>) -> Option<&Unit> {
        let index = (0..UNITS_MAX).find(|n| self.unit_at(*n).is_none())?;
        let unit = make(index as u16)?;
        let at = (&raw const *unit).cast_mut();
        self.all_units.lock().push(unit);
        self.units[index].store(at, Release);
        self.units_end.fetch_max(index as u32 + 1, Release);
        self.unit_at(index)
    }

    /// Makes a unit unknown; it stays owned.
    pub(super) fn drop_unit(&self, unit: &Unit) {
        self.units[usize::from(unit.index)].store(null_mut(), Release);
    }
}

/// See [`AdapterState::enter`].
pub(super) struct Inside<'a>(&'a AtomicU32);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Release);
    }
}

#[cold]
fn wrong_irql(cpu: &Processor, frame: &Frame<'_>, during: Irql) -> ! {
    let after = cpu.irql();
    let p1 = u64::from(after.0) << 16 | u64::from(during.0) << 8;
    let what = format!("{} was called at {during} and returned at {after}", frame.kind.name);
    cpu.bug_check_after(IRQL_UNEXPECTED_VALUE, [p1, 0, 0, 0], what, cpu.irql_left_by(frame))
}

//! One adapter as the port driver sees it: its registration, its memory, its units.
//!
//! What a driver may get a pointer to (the device extension, locks, DPC and timer objects) lies in
//! the machine's memory; everything else is ours and out of a driver's reach.

use super::complete::Done;
use super::holds::Gate;
use super::initialize::Registration;
use super::own_cx;
use super::unit::Unit;
use crate::ddi::{
    PHW_TIMER, PORT_CONFIGURATION_INFORMATION, SCSI_MAXIMUM_TARGETS, SP_UNINITIALIZED_VALUE,
    STOR_MAP_NO_BUFFERS,
};
use crossbeam::utils::CachePadded;
use kernel_sim::bugcheck::IRQL_UNEXPECTED_VALUE;
use kernel_sim::ddi::{
    FALSE, KDPC, KEVENT, KSPIN_LOCK, KTIMER, KeInitializeDpc, KeInitializeEvent, KeInitializeTimer,
    KeSetTargetProcessorDpc, NotificationEvent, PDEVICE_OBJECT, PKDPC, PVOID, TRUE, callback,
};
use kernel_sim::hook::Callback;
use kernel_sim::irql::Irql;
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use kernel_sim::system;
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

/// Logical units one adapter can have.
pub(super) const UNITS_MAX: usize = 256;
/// Bytes of one transfer a virtual adapter takes if its miniport does not say.
const TRANSFER_MAX: u32 = 1 << 20;
/// Requests a unit of a virtual adapter has at once, unless told otherwise (Microsoft, "Queue management").
const LUN_QUEUE_DEPTH: u32 = 250;
/// Requests of one unit that classic SRBs can carry.
pub(super) const LUN_QUEUE_DEPTH_MAX: u32 = 255;

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
    /// Signaled when a unit has no request left, while the adapter is being removed.
    pub drained: KEVENT,
    /// An empty string for HwStorFindAdapter.
    pub arguments: [u8; 8],
    /// One per processor follows.
    pub completion_dpcs: [KDPC; 0],
}

/// One adapter.
pub(crate) struct Hba {
    pub(super) registration: Registration,
    /// `HwDeviceExtension`: zeroed once, when it was allocated.
    pub(super) extension: PVOID,
    pub(super) objects: *mut Objects,
    /// What HwStorFindAdapter made of the configuration.
    pub(super) config: OnceLock<PORT_CONFIGURATION_INFORMATION>,
    /// The adapter's functional device object, and the physical one below it.
    pub(super) device: AtomicPtr<kernel_sim::ddi::DEVICE_OBJECT>,
    pub(super) lower: AtomicPtr<kernel_sim::ddi::DEVICE_OBJECT>,
    pub(super) gate: Gate,
    /// Control types the miniport supports, as a set of bits.
    pub(super) control_types: AtomicU32,
    units: Box<[AtomicPtr<Unit>]>,
    /// Owns every unit there ever was: a driver may still name one that is gone.
    #[expect(clippy::vec_box, reason = "units are pointed at and must not move")]
    all_units: Mutex<Vec<Box<Unit>>>,
    /// Finished requests, by the processor they were finished on.
    pub(super) done: Box<[CachePadded<Done>]>,
    /// How many calls into the port driver each processor is in.
    inside: Box<[CachePadded<AtomicU32>]>,
    pub(super) removing: AtomicBool,
    /// Seconds counted while requests are outstanding, and whether the next is armed.
    pub(super) ticks: AtomicU32,
    pub(super) tick_armed: AtomicBool,
    /// The routine of RequestTimerCall.
    pub(super) timer_call: Mutex<PHW_TIMER>,
}

// SAFETY: raw pointers are to objects of the machine, which synchronise as their kinds do: lock words
// and kernel objects through the kernel, the extension through its driver. The rest is Sync.
unsafe impl Sync for Hba {}
// SAFETY: as above.
unsafe impl Send for Hba {}

impl Hba {
    /// An adapter with its memory, not yet known to anybody. `None`: the machine is out of memory.
    pub(super) fn new(machine: &Machine, registration: Registration) -> Option<Hba> {
        let processors = usize::from(machine.processor_count());
        let extension = machine.allocate_system((registration.data.DeviceExtensionSize as usize).max(1));
        let objects: *mut Objects =
            machine.allocate_system(size_of::<Objects>() + processors * size_of::<KDPC>()).cast();
        if extension.is_null() || objects.is_null() {
            return None;
        }
        Some(Hba {
            registration,
            extension,
            objects,
            config: OnceLock::new(),
            device: AtomicPtr::new(null_mut()),
            lower: AtomicPtr::new(null_mut()),
            gate: Gate::new(),
            control_types: AtomicU32::new(0),
            units: (0..UNITS_MAX).map(|_| AtomicPtr::new(null_mut())).collect(),
            all_units: Mutex::new(Vec::new()),
            done: (0..processors).map(|_| CachePadded::default()).collect(),
            inside: (0..processors).map(|_| CachePadded::default()).collect(),
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
            KeInitializeDpc(&raw mut (*o).gate_dpc, Some(super::holds::adapter_gate_dpc), context);
            KeInitializeTimer(&raw mut (*o).tick_timer);
            KeInitializeDpc(&raw mut (*o).tick_dpc, Some(super::timeout::tick_dpc), context);
            KeInitializeTimer(&raw mut (*o).call_timer);
            KeInitializeDpc(&raw mut (*o).call_dpc, Some(super::timers::call_dpc), context);
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
    fn objects_mut(&self) -> &mut Objects {
        // SAFETY: the block lives as long as the adapter is known; callers take addresses of members.
        unsafe { &mut *self.objects }
    }

    /// The configuration as HwStorFindAdapter finds it.
    fn prefilled(&self) -> PORT_CONFIGURATION_INFORMATION {
        let data = &self.registration.data;
        PORT_CONFIGURATION_INFORMATION {
            Length: size_of::<PORT_CONFIGURATION_INFORMATION>() as u32,
            SystemIoBusNumber: 0,
            AdapterInterfaceType: data.AdapterInterfaceType,
            MaximumTransferLength: SP_UNINITIALIZED_VALUE,
            NumberOfPhysicalBreaks: SP_UNINITIALIZED_VALUE,
            AlignmentMask: 0,
            NumberOfAccessRanges: 0,
            Reserved: null_mut(),
            NumberOfBuses: 1,
            InitiatorBusId: [u8::MAX; 8],
            ScatterGather: TRUE,
            Master: TRUE,
            CachesData: FALSE,
            AdapterScansDown: FALSE,
            Dma32BitAddresses: TRUE,
            MapBuffers: data.MapBuffers,
            NeedPhysicalAddresses: data.NeedPhysicalAddresses,
            TaggedQueuing: data.TaggedQueuing,
            AutoRequestSense: data.AutoRequestSense,
            MultipleRequestPerLu: data.MultipleRequestPerLu,
            ReceiveEvent: data.ReceiveEvent,
            MaximumNumberOfTargets: SCSI_MAXIMUM_TARGETS,
            SlotNumber: 0,
            DeviceExtensionSize: data.DeviceExtensionSize,
            SpecificLuExtensionSize: data.SpecificLuExtensionSize,
            SrbExtensionSize: data.SrbExtensionSize,
            Dma64BitAddresses: 0,
            ResetTargetSupported: FALSE,
            MaximumNumberOfLogicalUnits: 8,
            WmiDataProvider: FALSE,
            SynchronizationModel: 0,
            VirtualDevice: FALSE,
            DumpMode: 0,
            MaxNumberOfIO: 1000,
            MaxIOsPerLun: LUN_QUEUE_DEPTH_MAX,
            InitialLunQueueDepth: LUN_QUEUE_DEPTH,
            BusResetHoldTime: 0,
            FeatureSupport: data.FeatureSupport,
        }
    }

    /// What HwStorFindAdapter made of the configuration; what it was given, before that.
    pub(super) fn config(&self) -> PORT_CONFIGURATION_INFORMATION {
        self.config.get().copied().unwrap_or_else(|| self.prefilled())
    }

    /// Bytes one request may move.
    pub(super) fn transfer_max(&self) -> u32 {
        match self.config().MaximumTransferLength {
            0 | SP_UNINITIALIZED_VALUE => TRANSFER_MAX,
            bytes => bytes,
        }
    }

    /// Whether the miniport wants this kind of data buffer mapped: `DataBuffer` is NULL otherwise.
    #[inline]
    pub(super) fn maps(&self, is_read_or_write: bool) -> bool {
        match self.config.get().map_or(STOR_MAP_NO_BUFFERS, |c| c.MapBuffers) {
            STOR_MAP_NO_BUFFERS => false,
            crate::ddi::STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE => true,
            _ => !is_read_or_write,
        }
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
    pub(super) fn call<R>(&self, kind: &'static Callback, at: Irql, body: impl FnOnce() -> R) -> R {
        let cpu = Processor::current();
        let before = system::raise_irql(cpu, at);
        let during = cpu.irql();
        let answer = callback(cpu, kind, body);
        if cpu.irql() != during {
            wrong_irql(cpu, kind, during);
        }
        system::restore_irql(cpu, before);
        answer
    }

    /// Runs a callback under the StartIo lock, which does not count as the driver's.
    pub(super) fn call_under_start_io_lock<R>(&self, kind: &'static Callback, body: impl FnOnce() -> R) -> R {
        let cx = own_cx();
        let before = system::raise_irql(cx.cpu, Irql::DISPATCH);
        let lock = &raw mut self.objects_mut().start_io_lock;
        system::acquire(&cx, lock);
        let answer = self.call(kind, Irql::DISPATCH, body);
        system::release(&cx, lock);
        system::restore_irql(cx.cpu, before);
        answer
    }

    /// Marks this processor as inside the port driver until the guard goes.
    pub(super) fn enter<'a>(&'a self, cpu: &Processor) -> Inside<'a> {
        let count = &self.inside[usize::from(cpu.index())];
        count.fetch_add(1, Relaxed);
        Inside(count)
    }

    /// Whether some processor is inside the port driver on this adapter's account.
    pub(super) fn is_somebody_inside(&self) -> bool {
        self.inside.iter().any(|count| count.load(Acquire) != 0)
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
        (0..UNITS_MAX).filter_map(|n| self.unit_at(n))
    }

    /// Adds a unit at the first free number, which `make` is told; `None`: no room, or no memory.
    pub(super) fn add_unit(&self, make: impl FnOnce(u16) -> Option<Box<Unit>>) -> Option<&Unit> {
        let index = (0..UNITS_MAX).find(|n| self.unit_at(*n).is_none())?;
        let unit = make(index as u16)?;
        let at = (&raw const *unit).cast_mut();
        self.all_units.lock().push(unit);
        self.units[index].store(at, Release);
        self.unit_at(index)
    }

    /// Makes a unit unknown; it stays owned.
    pub(super) fn drop_unit(&self, unit: &Unit) {
        self.units[usize::from(unit.index)].store(null_mut(), Release);
    }
}

/// See [`Hba::enter`].
pub(super) struct Inside<'a>(&'a AtomicU32);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Release);
    }
}

#[cold]
fn wrong_irql(cpu: &Processor, kind: &'static Callback, during: Irql) -> ! {
    let after = cpu.irql();
    let p1 = u64::from(after.0) << 16 | u64::from(during.0) << 8;
    let what = format!("{} was called at {during} and returned at {after}", kind.name);
    cpu.bug_check(IRQL_UNEXPECTED_VALUE, [p1, 0, 0, 0], what)
}

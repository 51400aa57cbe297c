//! The steps of an adapter's life: found, initialized, stopped, restarted, drained, taken down.
//!
//! Called by [`Adapter`](super::Adapter) from a thread at PASSIVE_LEVEL, one step at a time. Invariant:
//! whatever step failed, `take_down` leaves nothing behind but what the miniport did not free.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::dispatch::DeviceExtension;
use super::gates::STOPPED;
use super::own_requests::OwnRequests;
use super::scan::create_device;
use super::start::StartError;
use super::unit::Request;
use super::{Port, machine, own_cx};
use crate::callbacks::{
    HW_STOR_COMPLETE_SERVICE_IRP, HW_STOR_FIND_ADAPTER, HW_STOR_FREE_ADAPTER_RESOURCES, HW_STOR_INITIALIZE,
    HW_STOR_PASSIVE_INITIALIZE,
};
use crate::ddi::{
    PHW_FIND_ADAPTER, PVIRTUAL_HW_FIND_ADAPTER, SP_RETURN_FOUND, SRB_POWER_FLAGS_ADAPTER_REQUEST,
    SRB_STATUS_NO_DEVICE, STOR_DEVICE_POWER_STATE, ScsiAdapterPower, ScsiRestartAdapter, ScsiSetBootConfig,
    ScsiSetRunningConfig, ScsiStopAdapter, SrbSetSrbStatus, StorPowerActionNone, StorPowerDeviceD0,
    StorPowerDeviceD3, StorStopDevice,
};
use crate::wait::wait_while;
use kernel_sim::ddi::{
    BOOLEAN, Executive, FALSE, FILE_DEVICE_CONTROLLER, IoAttachDeviceToDeviceStack, IoDeleteDevice,
    IoDetachDevice, KeClearEvent, KeFlushQueuedDpcs, KeSetEvent, KeWaitForSingleObject, KernelMode,
    PDEVICE_OBJECT,
};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::routine::Arg;
use std::ptr::null_mut;
use std::sync::atomic::{Ordering::Acquire, Ordering::Release, Ordering::SeqCst};

impl AdapterState {
    /// From a driver's registration to a scanned bus.
    pub(super) fn bring_up(&self) -> Result<(), StartError> {
        self.create_adapter_device()?;
        self.find_adapter(Irql::PASSIVE)?;
        if !self.connect_interrupts() {
            return Err(StartError::OutOfMemory);
        }
        self.initialize()?;
        self.query_control_types()?;
        self.scan()
    }

    fn create_adapter_device(&self) -> Result<(), StartError> {
        let nothing = || DeviceExtension { adapter: std::ptr::null(), unit: std::ptr::null() };
        let lower = create_device(self, nothing(), FILE_DEVICE_CONTROLLER)?;
        self.lower.store(lower, Release);
        let device =
            create_device(self, DeviceExtension { adapter: self, ..nothing() }, FILE_DEVICE_CONTROLLER)?;
        self.device.store(device, Release);
        // Nothing could keep it from being attached.
        // SAFETY: both devices were just created.
        let _ = unsafe { IoAttachDeviceToDeviceStack(device, lower) };
        Ok(())
    }

    /// HwStorFindAdapter, which completes the configuration.
    fn find_adapter(&self, at: Irql) -> Result<(), StartError> {
        let (device, lower) = (self.device(), self.lower.load(Acquire));
        self.is_uncached_old.store(true, SeqCst);
        let mut again: BOOLEAN = FALSE;
        let is_virtual = self.hardware.is_none();
        // SAFETY: the objects live as long as the adapter is known; the routine is the miniport's own,
        // and of the type that StorPortInitialize took it for.
        let (answer, config) = unsafe {
            let config = &raw mut (*self.objects).config;
            let arguments = (&raw mut (*self.objects).arguments).cast();
            let Some(routine) = self.registration.data.HwFindAdapter else {
                return Err(StartError::NotAMiniport);
            };
            let answer = self.call(
                Frame::new(
                    &HW_STOR_FIND_ADAPTER,
                    &[Arg::Pointer(self.extension as usize), Arg::Pointer(config as usize)],
                ),
                at,
                || {
                    if is_virtual {
                        let (lower, device) = (lower.cast(), device.cast());
                        return routine.go((
                            self.extension,
                            lower,
                            device,
                            lower,
                            arguments,
                            config,
                            &raw mut again,
                        ));
                    }
                    let physical =
                        std::mem::transmute::<PVIRTUAL_HW_FIND_ADAPTER, PHW_FIND_ADAPTER>(Some(routine));
                    let Some(routine) = physical else { return 0 };
                    routine.go((self.extension, null_mut(), null_mut(), arguments, config, &raw mut again))
                },
            );
            (answer, *config)
        };
        if answer != SP_RETURN_FOUND {
            return Err(StartError::NotFound(answer));
        }
        match (is_virtual, config.VirtualDevice != FALSE) {
            (true, false) => return Err(StartError::NotVirtual),
            (false, true) => return Err(StartError::NotPhysical),
            _ => {}
        }
        let _ = self.config.set(config);
        self.throttle.set_limit(self.adapter_depth());
        Ok(())
    }

    /// HwStorInitialize, and what it asked to have called at PASSIVE_LEVEL.
    fn initialize(&self) -> Result<(), StartError> {
        if let Some(routine) = self.registration.data.HwInitialize {
            let answer = self.call_with_interrupts_out(
                Frame::new(&HW_STOR_INITIALIZE, &[Arg::Pointer(self.extension as usize)]),
                // SAFETY: the miniport's own routine, for this call; the adapter keeps its extension.
                || unsafe { routine.go((self.extension,)) },
            );
            if answer == FALSE {
                return Err(StartError::NotInitialized);
            }
        }
        let passive = *self.passive_initialize.lock();
        if let Some(routine) = passive {
            let answer = self.call(
                Frame::new(&HW_STOR_PASSIVE_INITIALIZE, &[Arg::Pointer(self.extension as usize)]),
                Irql::PASSIVE,
                // SAFETY: the miniport's own routine, for this call; the adapter keeps its extension.
                || unsafe { routine.go((self.extension,)) },
            );
            if answer == FALSE {
                return Err(StartError::NotInitialized);
            }
        }
        Ok(())
    }

    /// Gates requests back, waits for those that are out, and stops the adapter: ScsiAdapterPower if the
    /// miniport supports it, else SRB_FUNCTION_POWER, ScsiStopAdapter and ScsiSetBootConfig. A scan that is
    /// under way ends first: its probes would wait for the restart.
    pub(super) fn stop(&self) {
        self.hold_scans();
        self.flush_caches();
        self.gate.close(&own_cx(), STOPPED, 0);
        wait_while(|| self.is_anything_out());
        if self.is_gone.load(SeqCst) {
            return;
        }
        self.let_callbacks_return();
        if self.power(StorPowerDeviceD3, StorPowerActionNone).is_none() {
            self.announce_power(StorPowerDeviceD3);
            self.let_callbacks_return();
            self.control_if_supported(ScsiStopAdapter);
            self.control_if_supported(ScsiSetBootConfig);
            self.is_asleep.store(true, SeqCst);
        }
    }

    /// Before the adapter is stopped: waits for interrupt routines and DPCs of the miniport that have begun,
    /// and for the DPCs that it issued. The one that completed the last request may still be on its way out,
    /// and looks at rings that ScsiStopAdapter takes apart. Our choice: no page says that Storport waits, and
    /// shipped miniports do not wait themselves. What interrupts from here on meets the stop.
    fn let_callbacks_return(&self) {
        wait_while(|| self.is_any_callback_inside());
        if self.issued_dpcs.load(SeqCst) != 0 {
            // SAFETY: PASSIVE_LEVEL.
            unsafe { KeFlushQueuedDpcs() };
        }
    }

    /// Tells a miniport without ScsiAdapterPower of the adapter's power: SRB_FUNCTION_POWER. It comes before
    /// ScsiStopAdapter and after the restart, since HwStorStartIo is not called between; the documentation
    /// does not say (our choice).
    fn announce_power(&self, state: STOR_DEVICE_POWER_STATE) {
        let Some(mut requests) = OwnRequests::new(self) else { return };
        // Out of memory, a miniport is not told.
        let _ = self.through_some_unit(|unit| {
            requests.announce_power(unit, state, SRB_POWER_FLAGS_ADAPTER_REQUEST);
        });
    }

    /// Starts a stopped adapter again: ScsiAdapterPower, or ScsiSetRunningConfig and ScsiRestartAdapter, or
    /// (without that) HwStorFindAdapter at DISPATCH_LEVEL and HwStorInitialize; then SRB_FUNCTION_POWER. One
    /// that was pulled out meanwhile is neither stopped nor started. If ScsiStopAdapter had stopped it, the
    /// miniport is not called any more, of its removal neither: SCSI_ADAPTER_CONTROL_TYPE says that a stopped
    /// one is not called until it is started or powered up. One with ScsiAdapterPower hears of the removal,
    /// since nothing is said of that (our choice).
    pub(super) fn restart(&self) -> Result<(), StartError> {
        if self.is_gone.load(SeqCst) {
            self.open(STOPPED);
            return Ok(());
        }
        self.is_asleep.store(false, SeqCst);
        let powered = self.power(StorPowerDeviceD0, StorPowerActionNone);
        let restarted = powered.or_else(|| {
            self.control_if_supported(ScsiSetRunningConfig);
            self.control_if_supported(ScsiRestartAdapter)
        });
        match restarted {
            Some(true) => {}
            Some(false) => return Err(StartError::NotInitialized),
            None => {
                *self.passive_initialize.lock() = None;
                self.find_adapter(Irql::DISPATCH)?;
                self.initialize()?;
            }
        }
        if powered.is_none() {
            self.announce_power(StorPowerDeviceD0);
        }
        self.open(STOPPED);
        self.resume_scans();
        Ok(())
    }

    /// Stops the adapter for a rebalance of resources, as plug and play does (IRP_MN_STOP_DEVICE): lets a
    /// scan end, flushes, holds requests back, waits for those that are out, and tells the miniport by
    /// SRB_FUNCTION_PNP with StorStopDevice, then by ScsiStopAdapter if it has no ScsiAdapterPower: power
    /// stays as it is (our choice). The interrupts are disconnected and no DPC is left. The SRB's status;
    /// `None`: the adapter was pulled out meanwhile, or there was no memory to tell the miniport.
    pub(super) fn stop_for_rebalance(&self) -> Option<u8> {
        self.hold_scans();
        self.flush_caches();
        self.gate.close(&own_cx(), STOPPED, 0);
        wait_while(|| self.is_anything_out());
        if self.is_gone.load(SeqCst) {
            return None;
        }
        let requests = OwnRequests::new(self);
        let status = requests.and_then(|mut requests| {
            self.through_some_unit(|unit| requests.announce_held(unit, StorStopDevice))
        });
        self.let_callbacks_return();
        if !self.supports(ScsiAdapterPower) {
            self.control_if_supported(ScsiStopAdapter);
        }
        self.disconnect_interrupts();
        // SAFETY: PASSIVE_LEVEL.
        unsafe { KeFlushQueuedDpcs() };
        status
    }

    /// Starts an adapter that was stopped for a rebalance (IRP_MN_START_DEVICE): HwStorFindAdapter at
    /// PASSIVE_LEVEL with a configuration prefilled anew, HwStorInitialize, the passive routine.
    pub(super) fn start_after_rebalance(&self) -> Result<(), StartError> {
        if !self.is_gone.load(SeqCst) {
            *self.passive_initialize.lock() = None;
            // SAFETY: the adapter's objects live as long as it is known, and no callback runs.
            unsafe { (*self.objects).config = self.prefilled() };
            self.find_adapter(Irql::PASSIVE)?;
            if !self.connect_interrupts() {
                return Err(StartError::OutOfMemory);
            }
            self.initialize()?;
        }
        self.open(STOPPED);
        self.resume_scans();
        Ok(())
    }

    fn is_anything_out(&self) -> bool {
        self.is_any_callback_inside()
            || self.units().any(|u| u.recovering.load(Acquire) != 0 || u.queue.lock().outstanding != 0)
    }

    /// Refuses new requests and waits until those that are out have completed.
    pub(super) fn drain(&self) {
        self.removing.store(true, SeqCst);
        // A stopped adapter starts nothing: what waits is refused.
        if self.gate.is_held(STOPPED) || self.is_gone.load(SeqCst) {
            self.refuse_waiting();
        }
        // SAFETY: the event was initialized with the adapter.
        unsafe {
            let drained = &raw mut (*self.objects).drained;
            loop {
                KeClearEvent(drained);
                if self.units().all(|unit| unit.is_idle()) {
                    break;
                }
                KeWaitForSingleObject(drained.cast(), Executive, KernelMode, FALSE, null_mut());
            }
        }
        // A processor may still be on its way out of a request that has long completed.
        wait_while(|| self.is_any_callback_inside());
    }

    /// Fails every request that waits for its turn with SRB_STATUS_NO_DEVICE.
    pub(super) fn refuse_waiting(&self) {
        for unit in self.units() {
            let waiting: Vec<Request> = unit.queue.lock().waiting.drain(..).collect();
            for request in waiting {
                // SAFETY: a request that waits is ours, and its sender's IRP or event is live.
                unsafe {
                    SrbSetSrbStatus(request.srb.cast(), SRB_STATUS_NO_DEVICE);
                    super::complete::finish(request.srb.cast(), &request, None);
                }
            }
        }
    }

    /// Has a miniport that caches data write it back.
    pub(super) fn flush_caches(&self) {
        if self.config().CachesData == FALSE || self.gate.is_held(STOPPED) {
            return;
        }
        let Some(mut requests) = OwnRequests::new(self) else { return };
        for unit in self.units() {
            requests.flush(unit);
        }
    }

    /// Tells the miniport that the system shuts down: SRB_FUNCTION_SHUTDOWN to every unit.
    pub(super) fn shut_down(&self) {
        let Some(mut requests) = OwnRequests::new(self) else { return };
        for unit in self.units() {
            requests.shut_down(unit);
        }
    }

    /// Tells a miniport with hardware what plug and play is about to do to its adapter: the only call in
    /// which it can give back what it allocated, since HwStorFreeAdapterResources is for virtual ones. It
    /// comes before ScsiStopAdapter; the order is not documented. A stopped adapter hears nothing.
    pub(super) fn announce(&self, action: u32) {
        if self.hardware.is_none() || self.gate.is_held(STOPPED) || self.is_asleep.load(SeqCst) {
            return;
        }
        let Some(mut requests) = OwnRequests::new(self) else { return };
        // Out of memory, a miniport is not told.
        let _ = self.through_some_unit(|unit| requests.announce(unit, action));
    }

    /// A unit has nothing left to do while the adapter is being removed.
    pub(super) fn note_drained(&self) {
        // SAFETY: the event was initialized with the adapter, which is known until it is drained.
        unsafe { KeSetEvent(&raw mut (*self.objects).drained, 0, FALSE) };
    }

    /// Has a virtual miniport end the service requests that it keeps: HwStorCompleteServiceIrp, when the
    /// adapter is removed. It is called when one was pulled out, too (our choice: the documentation does not
    /// say), since its removal waits for handles whose owners wait for these requests.
    pub(super) fn end_service_requests(&self) {
        let data = &self.registration.data;
        let completes = data.HwCompleteServiceIrp.filter(|_| data.HwProcessServiceRequest.is_some());
        if let Some(routine) = completes {
            // One that is on its way in is kept by then.
            wait_while(|| self.is_any_callback_inside());
            self.call(
                Frame::new(&HW_STOR_COMPLETE_SERVICE_IRP, &[Arg::Pointer(self.extension as usize)]),
                Irql::PASSIVE,
                // SAFETY: the miniport's own routine, for this call; the adapter keeps its extension.
                || unsafe { routine.go((self.extension,)) },
            );
        }
    }

    /// Stops the miniport and gives everything back. Nothing is outstanding.
    pub(super) fn take_down(&self) {
        let machine = machine();
        let data = &self.registration.data;
        self.removing.store(true, SeqCst);
        if self.config.get().is_some() {
            self.end_service_requests();
            self.let_callbacks_return();
            // A miniport that has both gives back what it allocated in ScsiStopAdapter: see storahci. In the
            // place of one that is stopped already, Storport does.
            if self.is_asleep.load(SeqCst) {
                self.free_allocations();
            } else if self.control_if_supported(ScsiStopAdapter).is_none() {
                self.power(StorPowerDeviceD3, StorPowerActionNone);
            }
        }
        self.disconnect_interrupts();
        self.stop_ticks();
        self.stop_timer_call(&own_cx());
        self.gate.disarm(&own_cx());
        for unit in self.units() {
            unit.gate.disarm(&own_cx());
        }
        // SAFETY: PASSIVE_LEVEL.
        unsafe { KeFlushQueuedDpcs() };
        wait_while(|| self.is_any_callback_inside());
        if let Some(routine) = data.HwFreeAdapterResources.filter(|_| self.config.get().is_some()) {
            self.call(
                Frame::new(&HW_STOR_FREE_ADAPTER_RESOURCES, &[Arg::Pointer(self.extension as usize)]),
                Irql::PASSIVE,
                // SAFETY: the miniport's own routine, for this call; the adapter keeps its extension.
                || unsafe { routine.go((self.extension,)) },
            );
        }
        self.delete_devices();
        Port::of(machine).strike_off(self);
        self.free_memory();
    }

    /// Takes the uncached extension back, if there is one.
    pub(super) fn free_uncached(&self) {
        let (uncached, bytes) = (self.uncached.0.swap(null_mut(), SeqCst), self.uncached.1.load(SeqCst));
        if !uncached.is_null() {
            self.revoke_memory(uncached as usize, bytes as usize);
            machine().free_system(uncached);
        }
    }

    fn free_memory(&self) {
        let machine = machine();
        self.free_uncached();
        if self.is_extension_admitted.swap(false, SeqCst) {
            self.revoke_memory(self.extension as usize, self.registration.data.DeviceExtensionSize as usize);
        }
        let buffer = self.registry.take_buffer();
        if !buffer.is_null() {
            machine.free_system(buffer);
        }
        machine.free_system(self.objects.cast());
        machine.free_system(self.extension);
    }

    fn delete_devices(&self) {
        // SAFETY: devices this adapter created; nothing is attached to them any more.
        unsafe {
            for unit in self.units() {
                let device = unit.device.swap(null_mut(), SeqCst);
                if !device.is_null() {
                    IoDeleteDevice(device);
                }
                self.forget_unit(unit);
            }
            for device in self.removed_devices.lock().drain(..) {
                IoDeleteDevice(device as PDEVICE_OBJECT);
            }
            let (device, lower) = (self.device.swap(null_mut(), SeqCst), self.lower.swap(null_mut(), SeqCst));
            if !device.is_null() {
                IoDetachDevice(lower);
                IoDeleteDevice(device);
            }
            if !lower.is_null() {
                IoDeleteDevice(lower);
            }
        }
    }
}

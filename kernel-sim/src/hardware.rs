//! Devices: register files, DMA and interrupt lines.
//!
//! A device is a model with registers and *steps*: things it could do next, such as finish one of several
//! commands. When it takes a step, and which, is a choice of the executor. What is to happen later it
//! announces with a time ([`HardwareModel::due_ns`]), and offers as a step when that time has come. It knows
//! nothing of drivers or SCSI. Invariant: a device touches driver memory only through [`Bus`], which checks
//! every address.

#![expect(unsafe_code, reason = "lends driver memory to devices, range by range")]

use crate::bugcheck::{BugCheck, DRIVER_VERIFIER_DMA_VIOLATION, Ending};
pub use crate::dma::BadAddress;
use crate::dma::{DmaFault, DmaMap};
use crate::lent::Lent;
use crate::machine::Machine;
use crate::memory::{POOL_BYTES, WINDOW_BYTES, WINDOW_STRIDE};
use crate::moment::Moment;
use crate::processor::Processor;
use crate::sync::timer::{Expiry, TimerEntry};
use crossbeam::utils::Backoff;
use parking_lot::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::SeqCst, fence};

/// Physical address 0 of the machine's memory: not 0, so that a null address is never good.
pub const PHYSICAL_BASE: u64 = 0x1_0000_0000;
/// Physical address of the first register window: below 4 GiB, as for base address registers of 32 bits.
const WINDOWS_BASE: u64 = 0xF000_0000;

/// A device.
pub trait HardwareModel: Send {
    /// A short name for reports.
    fn name(&self) -> &'static str;

    /// The interrupt vector its line is wired to, and whether the line is asserted now
    /// (level-triggered).
    fn line(&self) -> (u32, bool);

    /// Reads `width` bytes at `offset` of the register window.
    fn read(&mut self, offset: usize, width: u8) -> u64;

    /// Writes `width` bytes at `offset` of the register window.
    fn write(&mut self, offset: usize, width: u8, value: u64);

    /// How many different steps it could take now; 0 while it has nothing to do.
    fn steps(&self) -> u32;

    /// Takes one of them.
    fn step(&mut self, which: u32, bus: &Bus<'_>);

    /// How many message-signalled interrupts it has, at most 64.
    fn message_count(&self) -> u32 {
        0
    }

    /// The messages it has sent since the last call: bit n is message n. Called after every access and every
    /// step.
    fn take_messages(&mut self) -> u64 {
        0
    }

    /// The machine time, in nanoseconds, at which something will become a step that is none yet; `None` if
    /// nothing waits for time. Called after every access and every step.
    fn due_ns(&self) -> Option<u64> {
        None
    }

    /// Called when machine time reaches [`due_ns`](Self::due_ns). `now_ns` may be later than that.
    fn time_has_come(&mut self, now_ns: u64) {
        let _ = now_ns;
    }

    /// The bus takes its power away: what it was doing is lost, and what was written to it. It has power
    /// again when software next reaches for it. A device that has no such state need do nothing.
    fn lose_power(&mut self) {}

    /// It is pulled out: from now on its registers read as all ones, and it does nothing. A device that does
    /// not know how stays as it is.
    fn pull_out(&mut self) {}
}

/// A device's way to driver memory.
pub struct Bus<'a> {
    machine: &'a Machine,
    slot: &'a HardwareSlot,
}

impl Bus<'_> {
    fn host(&self, physical: u64, bytes: usize, is_write: bool) -> Result<*mut u8, BadAddress> {
        self.slot.dma().check(physical, bytes, is_write)?;
        let offset = usize::try_from(physical.checked_sub(PHYSICAL_BASE).ok_or(BadAddress)?)
            .map_err(|_| BadAddress)?;
        if bytes <= POOL_BYTES && offset <= POOL_BYTES - bytes {
            if self.machine.memory.guard().is_some_and(|guard| !guard.is_open(offset, bytes)) {
                return Err(self.slot.dma().refuse(physical, bytes, is_write));
            }
            Ok((self.machine.memory.base() + offset) as *mut u8)
        } else {
            Err(BadAddress)
        }
    }

    /// Machine time in nanoseconds.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        self.machine.time_ns()
    }

    /// Lends driver memory to be read where it lies: for a device that moves it on without a copy between.
    ///
    /// # Errors
    /// When the range is not memory that this device may reach; `look` is not called then.
    pub fn with<R>(
        &self,
        physical: u64,
        bytes: usize,
        look: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, BadAddress> {
        let from = self.host(physical, bytes, false)?;
        // SAFETY: `host` checked the range, which stays mapped while the machine runs; a driver that writes
        // it at the same time races with its device as on real hardware.
        Ok(look(unsafe { std::slice::from_raw_parts(from, bytes) }))
    }

    /// Lends driver memory to be written where it lies.
    ///
    /// # Errors
    /// As for [`with`](Self::with).
    pub fn with_mut<R>(
        &self,
        physical: u64,
        bytes: usize,
        change: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, BadAddress> {
        let to = self.host(physical, bytes, true)?;
        // SAFETY: `host` checked the range, which stays mapped while the machine runs; a device does one
        // thing at a time, so the simulator holds no other reference to it.
        Ok(change(unsafe { std::slice::from_raw_parts_mut(to, bytes) }))
    }

    /// Reads a word that a driver writes at the same time, such as a ring's index: never torn, and what the
    /// driver wrote before it is seen by every later read.
    ///
    /// # Errors
    /// When the address is odd, or not memory that this device may reach.
    pub fn load_u16(&self, physical: u64) -> Result<u16, BadAddress> {
        Ok(self.word(physical, false)?.load(SeqCst))
    }

    /// Writes a word that a driver reads at the same time: a driver that sees it sees every earlier write
    /// too, and no later [`load_u16`](Self::load_u16) comes before it.
    ///
    /// # Errors
    /// As for [`load_u16`](Self::load_u16).
    pub fn store_u16(&self, physical: u64, value: u16) -> Result<(), BadAddress> {
        self.word(physical, true)?.store(value, SeqCst);
        fence(SeqCst);
        Ok(())
    }

    fn word(&self, physical: u64, is_write: bool) -> Result<&AtomicU16, BadAddress> {
        if !physical.is_multiple_of(2) {
            return Err(BadAddress);
        }
        let at = self.host(physical, 2, is_write)?;
        // SAFETY: `host` checked the range, which is aligned and stays mapped while the machine runs.
        Ok(unsafe { AtomicU16::from_ptr(at.cast()) })
    }

    /// Copies driver memory at a physical address into `to`.
    ///
    /// # Errors
    /// When the range is not memory that this device may reach; nothing is copied then.
    pub fn read(&self, physical: u64, to: &mut [u8]) -> Result<(), BadAddress> {
        let from = self.host(physical, to.len(), false)?;
        // SAFETY: `host` checked the range; a driver that writes it at the same time races with its
        // device as on real hardware.
        unsafe { from.copy_to_nonoverlapping(to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    /// Copies `from` into driver memory at a physical address.
    ///
    /// # Errors
    /// When the range is not memory that this device may reach; nothing is copied then.
    pub fn write(&self, physical: u64, from: &[u8]) -> Result<(), BadAddress> {
        let to = self.host(physical, from.len(), true)?;
        // SAFETY: `host` checked the range; a driver that uses it at the same time races with its device as
        // on real hardware.
        unsafe { to.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Ok(())
    }
}

fn line_word((vector, asserted): (u32, bool)) -> u64 {
    u64::from(vector) << 1 | u64::from(asserted)
}

/// A device plugged into a machine.
pub(crate) struct HardwareSlot {
    number: usize,
    window: usize,
    /// The interrupt line as last reported: the vector, times two, plus one if it is asserted.
    line: AtomicU64,
    model: Mutex<Box<dyn HardwareModel>>,
    dma: Mutex<DmaMap>,
    messages: u32,
    /// The due time as last reported, `u64::MAX` for none; changed with the model locked.
    due_ns: AtomicU64,
    /// The timer armed for that time.
    timer: Mutex<Option<TimerEntry>>,
}

impl HardwareSlot {
    pub(crate) fn new(number: usize, windows: usize, model: Box<dyn HardwareModel>) -> HardwareSlot {
        assert!((number + 1) * WINDOW_STRIDE <= WINDOW_BYTES, "too many devices");
        let line = AtomicU64::new(line_word(model.line()));
        HardwareSlot {
            number,
            window: windows + number * WINDOW_STRIDE,
            line,
            messages: model.message_count(),
            model: Mutex::new(model),
            dma: Mutex::default(),
            due_ns: AtomicU64::new(u64::MAX),
            timer: Mutex::new(None),
        }
    }

    /// The model, locked. A step takes less time than going to sleep, so a host thread that finds it locked
    /// looks again a few times first.
    fn model(&self) -> MutexGuard<'_, Box<dyn HardwareModel>> {
        let backoff = Backoff::new();
        while !backoff.is_completed() {
            if let Some(model) = self.model.try_lock() {
                return model;
            }
            backoff.snooze();
        }
        self.model.lock()
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn message_count(&self) -> u32 {
        self.messages
    }

    pub(crate) fn dma(&self) -> MutexGuard<'_, DmaMap> {
        self.dma.lock()
    }

    /// The vector the device's line is wired to.
    pub(crate) fn vector(&self) -> u32 {
        (self.line.load(SeqCst) >> 1) as u32
    }
}

impl Machine {
    /// Physical address of device `n`'s register window, for a driver to map; `None` if there is no
    /// such device.
    #[must_use]
    pub fn device_window(&self, n: usize) -> Option<u64> {
        let slot = self.hardware.get(n)?;
        self.physical_address(slot.window)
    }

    /// The physical address of a host address, or `None` if it is no memory of the machine.
    pub(crate) fn physical_address(&self, host: usize) -> Option<u64> {
        let in_windows = host.wrapping_sub(self.memory.windows());
        if in_windows < WINDOW_BYTES {
            return Some(WINDOWS_BASE + in_windows as u64);
        }
        self.memory.spans(host, 1).then(|| PHYSICAL_BASE + (host - self.memory.base()) as u64)
    }

    /// The host address of a physical one, if all `bytes` are memory of the machine.
    pub(crate) fn virtual_address(&self, physical: u64, bytes: usize) -> Option<usize> {
        let in_windows = physical.wrapping_sub(WINDOWS_BASE);
        if in_windows < WINDOW_BYTES as u64 {
            let fits = bytes as u64 <= WINDOW_BYTES as u64 - in_windows;
            return fits.then(|| self.memory.windows() + in_windows as usize);
        }
        let offset = usize::try_from(physical.checked_sub(PHYSICAL_BASE)?).ok()?;
        let host = self.memory.base().checked_add(offset)?;
        self.memory.contains(host, bytes.max(1)).then_some(host)
    }

    fn slot_at(&self, address: usize) -> Option<(&HardwareSlot, usize)> {
        let offset = address.checked_sub(self.memory.windows())?;
        let slot = self.hardware.get(offset / WINDOW_STRIDE)?;
        Some((slot, offset % WINDOW_STRIDE))
    }

    /// Reads a device register; `None` if the address is no register.
    pub(crate) fn read_register(&self, address: usize, width: u8) -> Option<u64> {
        let (slot, offset) = self.slot_at(address)?;
        self.register_read(Processor::current(), slot.number, address);
        let mut model = slot.model();
        let value = model.read(offset, width);
        self.settle(slot, model);
        Some(value)
    }

    /// Writes a device register; `None` if the address is no register.
    pub(crate) fn write_register(&self, address: usize, width: u8, value: u64) -> Option<()> {
        let (slot, offset) = self.slot_at(address)?;
        self.register_written(Processor::current(), slot.number, address);
        let mut model = slot.model();
        model.write(offset, width, value);
        self.settle(slot, model);
        Some(())
    }

    /// Looks at device `n` again: something outside of the machine has changed what it could do, such as a
    /// disk that was plugged in behind it. Nothing happens if there is no such device.
    pub fn touch_device(&self, n: usize) {
        if let Some(slot) = self.hardware.get(n) {
            let model = slot.model();
            self.settle(slot, model);
        }
    }

    /// Something happens to device `n` that the bus brings about. Nothing does if there is no such device.
    pub(crate) fn change_device(&self, n: usize, change: impl FnOnce(&mut dyn HardwareModel)) {
        if let Some(slot) = self.hardware.get(n) {
            let mut model = slot.model();
            change(&mut **model);
            self.settle(slot, model);
        }
    }

    /// Lets device `n` take a step. Returns whether it could take another.
    pub(crate) fn step_device(&self, n: usize) -> bool {
        let slot = &self.hardware[n];
        let mut model = slot.model();
        let steps = model.steps();
        if steps == 0 {
            self.note_device(n, false);
            return false;
        }
        let which = self.pick(steps);
        self.device_looks(n);
        model.step(which, &Bus { machine: self, slot });
        let fault = slot.dma().take_fault();
        if let Some(fault) = fault {
            // While no processor can see what the device has done: the run might end first.
            self.stop_dma(n, model.name(), fault);
        }
        self.settle(slot, model)
    }

    /// Device `n` reached for memory that it was not given.
    #[cold]
    fn stop_dma(&self, n: usize, name: &'static str, fault: DmaFault) {
        let DmaFault { physical, bytes, is_write } = fault;
        let host = usize::try_from(physical.wrapping_sub(PHYSICAL_BASE)).ok();
        let host = host.and_then(|offset| self.memory.base().checked_add(offset));
        let closed = host.and_then(|host| self.closed_memory(host));
        let (memory, earlier) = match (closed, host.and_then(|host| self.lent(host))) {
            (Some(closed), _) => (closed.what, closed.earlier),
            (None, Some(Lent { what, moments })) => (what, moments),
            (None, None) => ("memory that it was not given, or that was taken back".to_owned(), Vec::new()),
        };
        let does = if is_write { "writes" } else { "reads" };
        let now = Moment {
            device: Some(name),
            step: self.step_of_moment(),
            time_ns: self.time_ns(),
            ..Moment::on(0)
        };
        let check = BugCheck {
            stop: DRIVER_VERIFIER_DMA_VIOLATION,
            parameters: [0x26, n as u64, physical, u64::from(is_write)],
            what: format!(
                "device {n} ({name}) {does} {bytes} bytes at physical address {physical:#x}: {memory}"
            ),
            now,
            earlier,
            raised_at: None,
        };
        self.stop(Ending::BugCheck(Box::new(check)));
    }

    /// After a device was touched: tells the executor what it could do, and the interrupt controller the
    /// state of its line. Returns whether it has a step to take.
    fn settle(&self, slot: &HardwareSlot, mut model: MutexGuard<'_, Box<dyn HardwareModel>>) -> bool {
        let busy = model.steps() != 0;
        let line = model.line();
        let messages = model.take_messages();
        self.note_due(slot, model.due_ns().unwrap_or(u64::MAX));
        self.note_device(slot.number, busy);
        let word = line_word(line);
        let was = slot.line.swap(word, SeqCst);
        if messages != 0 || (line.1 && was != word) {
            self.device_looks(slot.number);
        }
        // Nothing to do if the line was low and stays low.
        if was != word || line.1 {
            if line.1 {
                self.device_interrupts(slot.number, line.0);
            }
            self.look_at_line(line.0);
        }
        self.deliver_messages(slot, messages);
        drop(model);
        busy
    }

    /// The due time of a device has changed: arms a timer for it. The device's model is locked.
    fn note_due(&self, slot: &HardwareSlot, due_ns: u64) {
        if slot.due_ns.swap(due_ns, SeqCst) == due_ns {
            return;
        }
        let mut timer = slot.timer.lock();
        let mut kernel = self.kernel.lock();
        if let Some(entry) = timer.take() {
            self.disarm_entry(&mut kernel, &entry);
        }
        if due_ns != u64::MAX {
            *timer = Some(self.arm(&mut kernel, due_ns, Expiry::Device(slot.number)));
        }
    }

    /// The timer of device `n` has expired.
    pub(crate) fn device_time_has_come(&self, n: usize, now_ns: u64) {
        let slot = &self.hardware[n];
        let mut model = slot.model();
        // Its timer is no longer armed. If the device waits for a later time by now, a newer timer is armed
        // for that; it stays, and looking too early is harmless.
        if model.due_ns().is_some_and(|due_ns| due_ns <= now_ns) {
            slot.due_ns.store(u64::MAX, SeqCst);
            self.device_looks(n);
            model.time_has_come(now_ns);
        }
        self.settle(slot, model);
    }

    /// Whether any device last reported the line of `vector` as asserted.
    pub(crate) fn line_asserted(&self, vector: u32) -> bool {
        let asserted = line_word((vector, true));
        self.hardware.iter().any(|slot| slot.line.load(SeqCst) == asserted)
    }
}

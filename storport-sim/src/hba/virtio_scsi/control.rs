//! The control queue and the event queue: task management, notifications, units that come and go.
//!
//! Task management follows 5.6.6.2. Whatever a function ends is answered before the function is, in one step
//! of the device; requests that are in a ring and were not fetched are not the device's yet and stay. Of
//! asynchronous notifications (media events) this device has none to subscribe to. Invariant: a change of
//! units that the medium has told of is reported, or the driver is told that it missed something.

use super::VirtioScsi;
use super::execute::unit_of;
use super::ring::Broken;
use super::spec::{
    AsyncNotification, CONTROL_QUEUE, EVENT_QUEUE, EventReport, TaskManagement, control, event, feature,
    response, task,
};
use super::tasks::Task;
use crate::scsi::Lun;
use kernel_sim::hardware::Bus;
use zerocopy::little_endian::U32;
use zerocopy::{FromZeros, IntoBytes};

impl VirtioScsi {
    /// Carries out the oldest control request.
    pub(super) fn carry_out_control(&mut self, bus: &Bus<'_>) -> Result<(), Broken> {
        let Some(chain) = self.controls.pop_front() else { return Ok(()) };
        let mut kind = U32::ZERO;
        if chain.readable.bytes() < size_of::<AsyncNotification>() {
            return Err(Broken);
        }
        chain.readable.read(bus, 0, kind.as_mut_bytes())?;
        // Notifications are answered with the events that were granted, in front of the response: none.
        let mut answer = [0; 5];
        let answer = match kind.get() {
            control::TASK_MANAGEMENT => {
                if chain.readable.bytes() < size_of::<TaskManagement>() {
                    return Err(Broken);
                }
                let mut request = TaskManagement::new_zeroed();
                chain.readable.read(bus, 0, request.as_mut_bytes())?;
                answer[0] = self.manage_tasks(&request, bus)?;
                &answer[..1]
            }
            control::AN_QUERY | control::AN_SUBSCRIBE => {
                answer[4] = response::OK;
                &answer[..]
            }
            _ => {
                answer[0] = response::FAILURE;
                &answer[..1]
            }
        };
        if chain.writable.bytes() < answer.len() {
            return Err(Broken);
        }
        chain.writable.write(bus, 0, answer)?;
        let (head, bytes) = (chain.head, answer.len());
        self.spare.push(chain);
        self.give_back(CONTROL_QUEUE, head, bytes, 1, bus)
    }

    fn manage_tasks(&mut self, request: &TaskManagement, bus: &Bus<'_>) -> Result<u8, Broken> {
        let (id, function) = (request.id.get(), request.function.get());
        let Some(lun) = unit_of(request.lun) else { return Ok(response::BAD_TARGET) };
        if function != task::I_T_NEXUS_RESET && self.medium.with(|target| target.disk(lun).is_none()) {
            return Ok(response::INCORRECT_LUN);
        }
        let of_unit = |t: &Task| t.lun == Some(lun);
        let one = |t: &Task| t.lun == Some(lun) && t.id == id;
        let is_present = |is_there| if is_there { response::FUNCTION_SUCCEEDED } else { response::OK };
        match function {
            task::ABORT_TASK => self.end_tasks(one, response::ABORTED, bus)?,
            task::ABORT_TASK_SET | task::CLEAR_TASK_SET => {
                self.end_tasks(of_unit, response::ABORTED, bus)?;
            }
            // No disk here has an ACA.
            task::CLEAR_ACA => {}
            task::I_T_NEXUS_RESET => self.end_tasks(|_| true, response::RESET, bus)?,
            task::LOGICAL_UNIT_RESET => {
                self.end_tasks(of_unit, response::RESET, bus)?;
                self.reset_unit(lun);
            }
            task::QUERY_TASK => return Ok(is_present(self.tasks.any(one))),
            task::QUERY_TASK_SET => return Ok(is_present(self.tasks.any(of_unit))),
            _ => return Ok(response::FUNCTION_REJECTED),
        }
        Ok(response::OK)
    }

    fn end_tasks(
        &mut self,
        is_meant: impl Fn(&Task) -> bool,
        response: u8,
        bus: &Bus<'_>,
    ) -> Result<(), Broken> {
        for place in self.tasks.withdraw(is_meant) {
            self.answer(place, response, bus)?;
        }
        Ok(())
    }

    fn reset_unit(&self, lun: Lun) {
        self.medium.with(|target| {
            if let Some(disk) = target.disk_mut(lun) {
                disk.reset();
            }
        });
    }

    /// Reports one change of units, or that some were missed.
    pub(super) fn report_event(&mut self, bus: &Bus<'_>) -> Result<(), Broken> {
        let change = self.medium.take_change();
        if !self.has(feature::HOTPLUG) {
            // The driver does not want to know.
            return Ok(());
        }
        if self.event_buffers.is_empty() && self.rings[EVENT_QUEUE].is_enabled {
            // Buffers may lie in the ring that were not fetched yet.
            self.fetch(EVENT_QUEUE, bus)?;
        }
        let Some(buffer) = self.event_buffers.pop_front() else {
            self.has_missed_events |= change.is_some();
            return Ok(());
        };
        if buffer.writable.bytes() < size_of::<EventReport>() {
            return Err(Broken);
        }
        let missed = if std::mem::take(&mut self.has_missed_events) { event::MISSED } else { 0 };
        let report = match change {
            Some(change) => {
                let [high, low] = change.lun.number().to_be_bytes();
                EventReport {
                    event: (event::TRANSPORT_RESET | missed).into(),
                    lun: [1, 0, 0x40 | high, low, 0, 0, 0, 0],
                    reason: if change.is_present { event::RESCAN } else { event::REMOVED }.into(),
                }
            }
            None => EventReport { event: (event::NONE | missed).into(), lun: [0; 8], reason: U32::ZERO },
        };
        buffer.writable.write(bus, 0, report.as_bytes())?;
        let head = buffer.head;
        self.spare.push(buffer);
        self.give_back(EVENT_QUEUE, head, size_of::<EventReport>(), 1, bus)
    }
}

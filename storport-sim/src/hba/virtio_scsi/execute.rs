//! One SCSI request: taken apart, executed at the medium, answered; and what a fault plan does to the answer.
//!
//! Layouts are those of 5.6.6.1. Data that lies in one piece is moved straight between the disk and driver
//! memory. What happens to a completion ([`Disposition`]):
//!
//! - `Drop`: the data is moved, the answer never written. A task management function that names the request,
//!   or a reset, ends it.
//! - `Late`: the answer is written and the chain given back when the delay is over, or later.
//! - `Duplicate`: the chain is given back twice, by one move of the used index, if the ring certainly has
//!   room for it.
//! - `HungAdapter`: the request stays unexecuted, and nothing goes on until the next device reset.
//! - `SurpriseRemoval`: the medium has been pulled out; the device is gone.
//! - `AllocationFailure`: answered BUSY. The specification has no answer for "no memory"; BUSY is the one
//!   that asks for another try, which is what such a device would want (our choice).
//! - the hostile ones: see `lies`.
//!
//! Invariant: a request the device has taken is answered once, unless it was lost or the device was reset.

use super::VirtioScsi;
use super::chain::Chain;
use super::ring::Broken;
use super::spec::{CommandHeader, CommandResponse, response};
use super::tasks::Task;
use crate::disk::fault::Disposition;
use crate::disk::{Completion, DataPhase};
use crate::scsi::Lun;
use kernel_sim::hardware::{BadAddress, Bus};
use zerocopy::{FromZeros, IntoBytes};

/// Room for the largest CDB and the largest sense data a driver can ask for.
const FIELD_BYTES_MAX: usize = 260;

impl VirtioScsi {
    /// Bytes in front of the data the driver sends.
    fn header_bytes(&self) -> usize {
        size_of::<CommandHeader>() + self.registers.cdb_bytes as usize
    }

    /// Bytes in front of the data the device sends.
    fn response_bytes(&self) -> usize {
        size_of::<CommandResponse>() + self.registers.sense_bytes as usize
    }

    /// Makes a request of a chain.
    pub(super) fn admit(&mut self, queue: usize, chain: Chain, bus: &Bus<'_>) -> Result<(), Broken> {
        if chain.readable.bytes() < self.header_bytes() || chain.writable.bytes() < self.response_bytes() {
            return Err(Broken);
        }
        let mut header = CommandHeader::new_zeroed();
        chain.readable.read(bus, 0, header.as_mut_bytes())?;
        let task = Task { queue, chain, lun: unit_of(header.lun), id: header.id.get(), written: 0 };
        let room = self.tasks.add(task);
        self.spare.push(room);
        Ok(())
    }

    /// Executes one of the requests that are ready.
    pub(super) fn execute(&mut self, at: usize, bus: &Bus<'_>) -> Result<(), Broken> {
        let Some(place) = self.tasks.begin(at) else { return Ok(()) };
        let Some(lun) = self.tasks.get(place).lun else {
            return self.answer(place, response::BAD_TARGET, bus);
        };
        let completion = self.run(place, lun, bus)?;
        match completion.disposition {
            Disposition::HungAdapter => {
                self.is_hung = true;
                self.tasks.put_back(place);
                return Ok(());
            }
            Disposition::SurpriseRemoval => {
                self.tasks.put_back(place);
                return Ok(());
            }
            Disposition::AllocationFailure => return self.answer(place, response::BUSY, bus),
            Disposition::Drop => {
                self.tasks.lose(place);
                return self.look_again(place, bus);
            }
            Disposition::Deliver
            | Disposition::Duplicate
            | Disposition::Late { .. }
            | Disposition::LongLength
            | Disposition::Stray
            | Disposition::UnknownStatus
            | Disposition::LongSense => {}
        }
        let written = self.write_response(place, &completion, bus)?;
        let written = self.falsify(completion.disposition, place, written, bus)?;
        match completion.disposition {
            Disposition::Late { delay_us } => {
                let due_ns = bus.time_ns().saturating_add(delay_us.saturating_mul(1000));
                self.tasks.get_mut(place).written = written;
                self.tasks.delay(place, due_ns);
                self.look_again(place, bus)
            }
            Disposition::Duplicate => self.finish(place, written, 2, bus),
            _ => self.finish(place, written, 1, bus),
        }
    }

    /// Delivers a late one.
    pub(super) fn deliver_late(&mut self, at: usize, bus: &Bus<'_>) -> Result<(), Broken> {
        let Some(place) = self.tasks.begin_delivery(at) else { return Ok(()) };
        let written = self.tasks.get(place).written;
        self.finish(place, written, 1, bus)
    }

    /// Has the medium execute a request's command over the request's data.
    fn run(&mut self, place: usize, lun: Lun, bus: &Bus<'_>) -> Result<Completion, Broken> {
        let (sent_at, filled_at) = (self.header_bytes(), self.response_bytes());
        let chain = &self.tasks.get(place).chain;
        let mut cdb = [0; FIELD_BYTES_MAX];
        let cdb = &mut cdb[..self.registers.cdb_bytes as usize];
        chain.readable.read(bus, size_of::<CommandHeader>(), cdb)?;
        let (sent, room) = (chain.readable.bytes() - sent_at, chain.writable.bytes() - filled_at);
        // A command with data both ways moves what it sends: no command of a disk does more.
        if sent != 0 {
            if let Some(data) = chain.readable.in_one_piece(sent_at) {
                return Ok(bus.with(data.address, data.bytes, |data| {
                    self.medium.execute(lun, cdb, DataPhase::Out(data))
                })?);
            }
            self.bounce.resize(sent, 0);
            chain.readable.read(bus, sent_at, &mut self.bounce)?;
            return Ok(self.medium.execute(lun, cdb, DataPhase::Out(&self.bounce)));
        }
        if room == 0 {
            return Ok(self.medium.execute(lun, cdb, DataPhase::None));
        }
        if let Some(data) = chain.writable.in_one_piece(filled_at) {
            return Ok(bus.with_mut(data.address, data.bytes, |data| {
                self.medium.execute(lun, cdb, DataPhase::In(data))
            })?);
        }
        self.bounce.clear();
        self.bounce.resize(room, 0);
        let completion = self.medium.execute(lun, cdb, DataPhase::In(&mut self.bounce));
        chain.writable.write(bus, filled_at, &self.bounce[..completion.transferred.min(room)])?;
        Ok(completion)
    }

    /// Writes the answer to a request that was executed; bytes written in the chain, data included.
    fn write_response(&self, place: usize, done: &Completion, bus: &Bus<'_>) -> Result<usize, BadAddress> {
        let chain = &self.tasks.get(place).chain;
        let sent = chain.readable.bytes() - self.header_bytes();
        let room = chain.writable.bytes() - self.response_bytes();
        let data = sent.max(room);
        let is_overrun = done.expected > data as u64;
        let mut sense_bytes = 0;
        if let Some(why) = done.sense {
            let mut sense = [0; FIELD_BYTES_MAX];
            let sense = &mut sense[..self.registers.sense_bytes as usize];
            sense_bytes = why.render(done.sense_format, sense);
            chain.writable.write(bus, size_of::<CommandResponse>(), &sense[..sense_bytes])?;
        }
        let answer = CommandResponse {
            sense_bytes: (sense_bytes as u32).into(),
            residual: (data.saturating_sub(done.transferred) as u32).into(),
            status_qualifier: 0.into(),
            status: done.status.0,
            response: if is_overrun { response::OVERRUN } else { response::OK },
        };
        chain.writable.write(bus, 0, answer.as_bytes())?;
        let filled = if sent == 0 { done.transferred.min(room) } else { 0 };
        Ok(self.response_bytes() + filled)
    }

    /// Answers a request that was not executed, or whose end does not count.
    pub(super) fn answer(&mut self, place: usize, response: u8, bus: &Bus<'_>) -> Result<(), Broken> {
        let task = self.tasks.get(place);
        let sent = task.chain.readable.bytes() - self.header_bytes();
        let room = task.chain.writable.bytes() - self.response_bytes();
        let answer =
            CommandResponse { response, residual: (sent.max(room) as u32).into(), ..Default::default() };
        task.chain.writable.write(bus, 0, answer.as_bytes())?;
        let written = self.response_bytes();
        self.finish(place, written, 1, bus)
    }

    fn finish(&mut self, place: usize, written: usize, times: u16, bus: &Bus<'_>) -> Result<(), Broken> {
        let task = self.tasks.get(place);
        let (queue, head) = (task.queue, task.chain.head);
        self.give_back(queue, head, written, times, bus)?;
        self.look_again_at(queue, bus)?;
        self.tasks.end(place);
        Ok(())
    }

    fn look_again(&mut self, place: usize, bus: &Bus<'_>) -> Result<(), Broken> {
        self.look_again_at(self.tasks.get(place).queue, bus)
    }

    /// A device that is awake over a ring looks whether there is more whenever it is done with something.
    fn look_again_at(&mut self, queue: usize, bus: &Bus<'_>) -> Result<(), Broken> {
        if self.rings[queue].is_awake { self.fetch(queue, bus) } else { Ok(()) }
    }
}

/// The unit of a virtio LUN (5.6.6.1): 1, the target, and a single-level number in two bytes. There is one
/// target.
pub(super) fn unit_of(wire: [u8; 8]) -> Option<Lun> {
    match wire {
        [1, 0, high, low, 0, 0, 0, 0] => Lun::from_wire([high, low, 0, 0, 0, 0, 0, 0]),
        _ => None,
    }
}

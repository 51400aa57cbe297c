//! Commands by the hundred thousand, from a seed: no panic, nothing outside the store, answers that add up.
//!
//! `STORSIM_SOAK=1` runs ten million instead. The generator leans towards what gets past the first checks:
//! known operation codes, bits that usage maps allow, addresses near the ends of the disk and of the numbers,
//! parameter lists that are nearly right, and several initiators with a few keys between them.

use super::super::commands::{COMMANDS, Command};
use super::super::fault::FaultInjector;
use super::super::{BlockSize, Nexus, Target};
use super::robustness::{Fenced, check};
use super::*;
use crate::scsi::{Lun, Opcode};
use kernel_sim::split_mix::SplitMix64;

/// Commands that one pair of disks gets; then there are new disks.
const LIFE: u64 = 2000;

#[test]
fn no_command_makes_the_disk_panic() {
    let commands = if std::env::var_os("STORSIM_SOAK").is_some() { 10_000_000 } else { 100_000 };
    let mut statuses = std::collections::BTreeMap::new();
    for life in 0..commands / LIFE {
        let mut source = Source(SplitMix64::new(life));
        let mut target = source.target();
        for _ in 0..LIFE {
            let status = source.command(&mut target);
            *statuses.entry(status).or_insert(0_u64) += 1;
        }
    }
    // A generator that only ever fails, or never gets anywhere interesting, tests nothing.
    for status in [ScsiStatus::GOOD, ScsiStatus::CHECK_CONDITION, ScsiStatus::RESERVATION_CONFLICT] {
        assert!(statuses.get(&status) > Some(&(commands / 100)), "{statuses:?}");
    }
    println!("{commands} commands: {statuses:?}");
}

struct Source(SplitMix64);

impl Source {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Two disks of some geometry, with a write cache and a fault plan if it so happens.
    fn target(&mut self) -> Target {
        let block_size = self.pick(&[BlockSize::B512, BlockSize::B4096]);
        let geometry = Geometry { block_size, write_cache: self.one_in(2), ..Geometry::default() };
        let disks = [1, 2].map(|_| {
            let len = (1 + self.below(200)) * u64::from(block_size.bytes());
            let store = Fenced(MemoryStore::new(len));
            let disk = ScsiDisk::new(Box::new(store), geometry, Identity::default()).unwrap();
            let disk = if self.one_in(2) { disk.with_volatile_cache(1 + self.below(50)) } else { disk };
            if self.one_in(2) { disk.without_unit_attentions() } else { disk }
        });
        let mut target = Target::from_iter(disks);
        if self.one_in(4) {
            let plan = "medium-error:p=0.01;short:p=0.02;busy:every=50;dropped:p=0.01;unit-attention:p=0.01";
            target.set_faults(Some(FaultInjector::new(&plan.parse().unwrap(), self.0.next_u64())));
        }
        target
    }

    /// One command, or rarely a reset or a loss of power; the status it ended with.
    fn command(&mut self, target: &mut Target) -> ScsiStatus {
        let lun = Lun::new(self.pick(&[0, 0, 0, 0, 1, 1, 2])).unwrap();
        let nexus = Nexus(self.below(3) as u16);
        if let Some(disk) = target.disk_mut(lun)
            && self.one_in(200)
        {
            match self.below(2) {
                0 => disk.reset(),
                _ => assert!(disk.power_loss(|_| self.one_in(2)).is_ok()),
            }
        }
        let row = &COMMANDS[self.below(COMMANDS.len() as u64) as usize];
        let list = self.parameter_list(row);
        let mut cdb = if self.one_in(50) { self.noise() } else { self.cdb(row) };
        // Reservations that no initiator gives up would leave little else to see.
        if cdb.first() == Some(&Opcode::RESERVE_6.0) && !self.one_in(4) {
            cdb[0] = Opcode::RELEASE_6.0;
        }
        if let Some(list) = list {
            self.announce(&mut cdb, row, list.len());
            let done = target.execute_from(nexus, lun, &cdb, DataPhase::Out(&list));
            check(&done, list.len());
            return done.status;
        }
        let len = self.pick(&[0, 8, 511, 512, 4096, 5000, 20_000]);
        match self.below(5) {
            0 => {
                let done = target.execute_from(nexus, lun, &cdb, DataPhase::None);
                check(&done, 0);
                done.status
            }
            1 | 2 => {
                let data = vec![self.0.next_u64() as u8; len];
                let done = target.execute_from(nexus, lun, &cdb, DataPhase::Out(&data));
                check(&done, len);
                done.status
            }
            _ => {
                let mut buffer = vec![0xaa; len];
                let done = target.execute_from(nexus, lun, &cdb, DataPhase::In(&mut buffer));
                check(&done, len);
                assert!(buffer[done.transferred..].iter().all(|&byte| byte == 0xaa), "{cdb:02x?}");
                done.status
            }
        }
    }

    fn noise(&mut self) -> Vec<u8> {
        (0..self.below(33)).map(|_| self.0.next_u64() as u8).collect()
    }

    /// A block within the row's usage map, its numbers small, at the end of the disk, or huge.
    fn cdb(&mut self, row: &Command) -> Vec<u8> {
        let map = row.usage_data();
        let mut cdb = vec![0; row.len];
        for (byte, map) in cdb.iter_mut().zip(map).skip(1) {
            let value = match self.below(8) {
                0..=4 => 0,
                5 => self.below(16) as u8,
                6 => self.pick(&[0x01, 0x7f, 0x80, 0xff]),
                _ => self.0.next_u64() as u8,
            };
            *byte = value & map;
        }
        cdb[0] = row.opcode.0;
        if let Some(action) = row.service_action {
            cdb[1] = action;
        }
        if self.one_in(3) && row.len == 16 {
            let lba = self.pick(&[u64::MAX, 1 << 63, (1 << 63) - 1, u64::MAX - 1, 1 << 55, 199]);
            cdb[2..10].copy_from_slice(&lba.to_be_bytes());
        }
        if self.one_in(30) {
            cdb.truncate(self.below(16) as usize);
        }
        cdb
    }

    /// A list that the row's command might like, for those that take one.
    fn parameter_list(&mut self, row: &Command) -> Option<Vec<u8>> {
        let mut list = match row.opcode {
            Opcode::UNMAP => {
                let ranges = self.below(4) as u8;
                let mut list = vec![0, 16 * ranges + 6, 0, 16 * ranges, 0, 0, 0, 0];
                for _ in 0..ranges {
                    let mut range = [0; 16];
                    range[7] = self.below(220) as u8;
                    range[11] = self.below(20) as u8;
                    list.extend_from_slice(&range);
                }
                list
            }
            Opcode::MODE_SELECT_6 | Opcode::MODE_SELECT_10 => {
                let head = if row.opcode == Opcode::MODE_SELECT_6 { 4 } else { 8 };
                let mut list = vec![0; head];
                let wce = self.pick(&[0, 4]);
                list.extend_from_slice(&[0x08, 18, wce]);
                list.resize(head + 20, 0);
                list
            }
            Opcode::PERSISTENT_RESERVE_OUT => {
                let mut list = vec![0; 24];
                (list[7], list[15]) = (self.below(3) as u8, self.below(3) as u8);
                list[20] = self.pick(&[0, 0, 0, 1, 4]);
                list
            }
            _ => return None,
        };
        if self.one_in(4) && !list.is_empty() {
            let at = self.below(list.len() as u64) as usize;
            list[at] = self.0.next_u64() as u8;
        }
        if self.one_in(10) {
            list.truncate(self.below(list.len() as u64 + 1) as usize);
        }
        Some(list)
    }

    /// Says in the command block how long its list is, and what it needs to be looked at.
    fn announce(&mut self, cdb: &mut [u8], row: &Command, len: usize) {
        if cdb.len() != row.len || self.one_in(10) {
            return;
        }
        let (at, flags) = match row.opcode {
            Opcode::MODE_SELECT_6 => (4, 0x10),
            Opcode::PERSISTENT_RESERVE_OUT => {
                cdb[2] = self.pick(&[1, 3, 5, 6, 7, 8]);
                cdb[5..7].fill(0);
                (8, cdb[1])
            }
            Opcode::MODE_SELECT_10 => (8, 0x10),
            _ => (8, 0),
        };
        if at == 8 {
            cdb[7] = 0;
        }
        // No list of this generator is longer than 56 bytes.
        (cdb[at], cdb[1]) = (len as u8, flags);
    }
}

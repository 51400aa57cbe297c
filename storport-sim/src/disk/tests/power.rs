//! The volatile write cache against a model that keeps two versions of every block: any commands, then no
//! power.

use super::*;
use crate::scsi::{Opcode, Rw10};
use proptest::prelude::*;

const BLOCKS: u16 = 12;

/// What may happen to a few blocks.
#[derive(Clone, Copy, Debug)]
enum Op {
    Write { fua: bool, value: u8 },
    WriteSame { value: u8 },
    WriteAndVerify { value: u8 },
    ReadFua,
    Verify,
    Synchronize,
    StopAndStart,
    PowerLoss { survivors: u16 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (any::<bool>(), any::<u8>()).prop_map(|(fua, value)| Op::Write { fua, value }),
        2 => (0..3_u8).prop_map(|value| Op::WriteSame { value }),
        1 => any::<u8>().prop_map(|value| Op::WriteAndVerify { value }),
        1 => Just(Op::ReadFua),
        1 => Just(Op::Verify),
        2 => Just(Op::Synchronize),
        1 => Just(Op::StopAndStart),
        2 => any::<u16>().prop_map(|survivors| Op::PowerLoss { survivors }),
    ]
}

/// Each block is one value throughout; the model knows the value on the medium and the newest.
struct Model {
    durable: [u8; BLOCKS as usize],
    newest: [u8; BLOCKS as usize],
}

impl Model {
    fn apply(&mut self, disk: &mut ScsiDisk, op: Op, lba: u16, count: u16) {
        let range = usize::from(lba)..usize::from(lba + count);
        let len = usize::from(count) * 512;
        let cdb = |opcode, flags| Rw10 { flags, ..Rw10::new(opcode, lba.into(), count) };
        let mut write = |opcode, flags, value: u8, len| {
            let done = send(disk, &cdb(opcode, flags), &vec![value; len]);
            assert_eq!(quote(done), "good");
        };
        match op {
            Op::Write { fua, value } => write(Opcode::WRITE_10, if fua { Rw10::FUA } else { 0 }, value, len),
            Op::WriteSame { value } => write(Opcode::WRITE_SAME_10, 0, value, 512),
            Op::WriteAndVerify { value } => write(Opcode::WRITE_AND_VERIFY_10, 0x02, value, len),
            Op::ReadFua => drop(ask(disk, &cdb(Opcode::READ_10, Rw10::FUA), len)),
            Op::Verify => assert_eq!(quote(run(disk, &cdb(Opcode::VERIFY_10, 0))), "good"),
            Op::Synchronize => assert_eq!(quote(run(disk, &cdb(Opcode::SYNCHRONIZE_CACHE_10, 0))), "good"),
            Op::StopAndStart => {
                for start in [0_u8, 1] {
                    assert_eq!(quote(run(disk, &[0x1b, 0, 0, 0, start, 0])), "good");
                }
            }
            Op::PowerLoss { survivors } => {
                let survives = |lba: u64| survivors & 1 << lba != 0;
                let unflushed = disk.unflushed_blocks();
                assert!(disk.power_loss(survives).unwrap() <= unflushed);
                for (lba, (durable, newest)) in (0..).zip(self.durable.iter().zip(&mut self.newest)) {
                    *newest = if survives(lba) { *newest } else { *durable };
                }
            }
        }
        if let Op::Write { value, .. } | Op::WriteSame { value } | Op::WriteAndVerify { value } = op {
            self.newest[range.clone()].fill(value);
        }
        match op {
            Op::Write { fua: false, .. } | Op::WriteSame { .. } => {}
            Op::StopAndStart | Op::PowerLoss { .. } => self.durable = self.newest,
            _ => self.durable[range.clone()].copy_from_slice(&self.newest[range]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_loss_of_power_every_block_is_what_was_durable_or_what_survived(
        ops in prop::collection::vec((op(), 0..BLOCKS, 1..=BLOCKS), 1..40),
    ) {
        let mut disk = disk(BLOCKS.into()).with_volatile_cache(BLOCKS.into());
        let mut model = Model { durable: [0; BLOCKS as usize], newest: [0; BLOCKS as usize] };
        for (op, lba, count) in ops {
            model.apply(&mut disk, op, lba, count.min(BLOCKS - lba));
            let data = ask(&mut disk, &Rw10::new(Opcode::READ_10, 0, BLOCKS), usize::from(BLOCKS) * 512);
            let blocks = data.chunks(512).map(|block| {
                assert!(block.iter().all(|&byte| byte == block[0]), "a torn block");
                block[0]
            });
            prop_assert_eq!(blocks.collect::<Vec<_>>(), model.newest, "after {:?}", op);
        }
    }
}

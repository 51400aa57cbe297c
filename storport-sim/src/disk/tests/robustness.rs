//! Whatever arrives: no panic, nothing outside the store, and an answer that adds up.

use super::super::Target;
use super::super::commands::COMMANDS;
use super::*;
use crate::scsi::{Lun, SenseFormat};
use proptest::prelude::*;

/// A store that panics, as the tests' own broken promise, when asked for anything outside it.
pub(super) struct Fenced(pub(super) MemoryStore);

impl Fenced {
    fn check(&self, offset: u64, len: u64) {
        assert!(
            offset.checked_add(len).is_some_and(|end| end <= self.0.len_bytes()),
            "{len} bytes at {offset}"
        );
    }
}

impl BackingStore for Fenced {
    fn len_bytes(&self) -> u64 {
        self.0.len_bytes()
    }
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.check(offset, buffer.len() as u64);
        self.0.read_at(offset, buffer)
    }
    fn write_at(&mut self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.check(offset, data.len() as u64);
        self.0.write_at(offset, data)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
    fn zero_at(&mut self, offset: u64, len: u64) -> std::io::Result<()> {
        self.check(offset, len);
        self.0.zero_at(offset, len)
    }
}

#[derive(Clone, Debug)]
enum Data {
    None,
    In(usize),
    Out(Vec<u8>),
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        Just(Data::None),
        (0..5000_usize).prop_map(Data::In),
        prop::collection::vec(any::<u8>(), 0..5000).prop_map(Data::Out),
        // What UNMAP would call a list.
        prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(16), any::<u8>()], 0..80)
            .prop_map(Data::Out),
    ]
}

/// Noise, and noise within a known command's usage map, which gets past the first check.
fn cdb() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..=32);
    let small = prop_oneof![Just(0_u8), Just(1), Just(2), Just(8), Just(0xff), any::<u8>()];
    let likely =
        (0..COMMANDS.len(), prop::collection::vec(small, 16), 0..=32_usize).prop_map(|(row, bytes, len)| {
            let map = COMMANDS[row].usage_data();
            let mut cdb: Vec<u8> = bytes.iter().zip(map).map(|(byte, map)| byte & map).collect();
            cdb[0] = map[0];
            if let Some(action) = COMMANDS[row].service_action {
                cdb[1] = action;
            }
            cdb.resize(if len < 4 { len } else { 32.min(len.max(16)) }, 0);
            cdb
        });
    prop_oneof![noise, likely]
}

fn execute(target: &mut Target, lun: Lun, cdb: &[u8], data: &Data) {
    let mut room = 0;
    let done = match data {
        Data::None => target.execute(lun, cdb, DataPhase::None),
        Data::In(len) => {
            let mut buffer = vec![0xaa; *len];
            let done = target.execute(lun, cdb, DataPhase::In(&mut buffer));
            room = *len;
            if done.status == ScsiStatus::GOOD {
                assert!(buffer[done.transferred..].iter().all(|&byte| byte == 0xaa));
            }
            done
        }
        Data::Out(sent) => {
            room = sent.len();
            target.execute(lun, cdb, DataPhase::Out(sent))
        }
    };
    check(&done, room);
}

/// What holds of every completion, for a data phase of `room` bytes.
pub(super) fn check(done: &Completion, room: usize) {
    assert!(done.transferred <= room);
    assert!(done.transferred as u64 <= done.expected);
    assert_eq!(done.status == ScsiStatus::CHECK_CONDITION, done.sense.is_some());
    assert!(done.status == ScsiStatus::GOOD || done.transferred == 0);
    if let Some(sense) = done.sense {
        for format in [SenseFormat::Fixed, SenseFormat::Descriptor] {
            let mut bytes = [0; 252];
            let len = sense.render(format, &mut bytes);
            assert_eq!(Sense::parse(&bytes[..len]), Some(sense));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_get_answers_and_stay_inside_the_store(
        commands in prop::collection::vec((cdb(), data(), 0..2_u16), 1..40),
        blocks in prop_oneof![1..100_u64, Just(700)],
        quiet: bool,
    ) {
        let store = Fenced(MemoryStore::new(blocks * 512));
        let mut disk = ScsiDisk::new(Box::new(store), Geometry::default(), Identity::default()).unwrap();
        if quiet {
            disk = disk.without_unit_attentions();
        }
        let mut target = Target::from_iter([disk]);
        for (cdb, data, lun) in &commands {
            execute(&mut target, Lun::new(*lun).unwrap(), cdb, data);
        }
    }

    #[test]
    fn any_bytes_can_be_read_as_sense_data(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Sense::parse(&bytes);
        for code in 0x70..=0x73 {
            let mut bytes = bytes.clone();
            if let Some(first) = bytes.first_mut() {
                *first = code;
            }
            let _ = Sense::parse(&bytes);
        }
    }
}

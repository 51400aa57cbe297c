//! Wire types: sense in both formats, logical unit numbers, names.

use super::*;

const FIELD: Sense = Sense::invalid_field(0x0102, Some(5));
const BLOCK: Sense =
    Sense::new(SenseKey::MEDIUM_ERROR, AdditionalSense::UNRECOVERED_READ_ERROR).at_block(0x1234);

fn rendered(sense: &Sense, format: SenseFormat) -> Vec<u8> {
    let mut bytes = [0; Sense::LEN_MAX];
    let len = sense.render(format, &mut bytes);
    bytes[..len].to_vec()
}

#[test]
fn fixed_sense_is_18_bytes_with_codes_where_drivers_look() {
    let field = [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xcd, 1, 2];
    let block = [0xf0, 0, 3, 0, 0, 0x12, 0x34, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0];
    assert_eq!(rendered(&FIELD, SenseFormat::Fixed), field);
    assert_eq!(rendered(&BLOCK, SenseFormat::Fixed), block);
}

#[test]
fn descriptor_sense_says_each_thing_in_a_descriptor() {
    let field = [0x72, 5, 0x24, 0, 0, 0, 0, 8, 2, 6, 0, 0, 0xcd, 1, 2, 0];
    let block = [0x72, 3, 0x11, 0, 0, 0, 0, 12, 0, 10, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34];
    assert_eq!(rendered(&FIELD, SenseFormat::Descriptor), field);
    assert_eq!(rendered(&BLOCK, SenseFormat::Descriptor), block);
    assert_eq!(rendered(&FIELD.at_block(1), SenseFormat::Descriptor).len(), Sense::LEN_MAX);
}

#[test]
fn a_block_past_32_bits_is_left_out_of_fixed_sense() {
    let far = BLOCK.at_block(1 << 32);
    assert_eq!(rendered(&far, SenseFormat::Fixed)[..7], [0x70, 0, 3, 0, 0, 0, 0]);
    assert_eq!(Sense::parse(&rendered(&far, SenseFormat::Descriptor)), Some(far));
}

#[test]
fn sense_is_cut_at_whatever_room_there_is() {
    for format in [SenseFormat::Fixed, SenseFormat::Descriptor] {
        let whole = rendered(&FIELD, format);
        for room in 0..40 {
            let mut out = vec![0xaa; room];
            let len = FIELD.render(format, &mut out);
            assert_eq!((len, &out[..len]), (room.min(whole.len()), &whole[..len]));
            assert!(out[len..].iter().all(|&byte| byte == 0xaa));
        }
    }
}

#[test]
fn sense_that_was_cut_reads_as_far_as_it_goes() {
    let fixed = rendered(&FIELD, SenseFormat::Fixed);
    let without_field = Some(Sense { field: None, ..FIELD });
    assert_eq!(Sense::parse(&fixed[..14]), without_field);
    assert_eq!(Sense::parse(&rendered(&FIELD, SenseFormat::Descriptor)[..12]), without_field);
    assert_eq!(Sense::parse(&fixed[..3]).map(|sense| sense.key), Some(SenseKey::ILLEGAL_REQUEST));
    for nothing in [&fixed[..2], &fixed[..0], &[0x7f; 18], &[0; 18]] {
        assert_eq!(Sense::parse(nothing), None);
    }
}

#[test]
fn sense_reads_as_people_quote_it() {
    assert_eq!(FIELD.to_string(), "05/24/00 INVALID FIELD IN CDB, CDB byte 258 bit 5");
    assert_eq!(BLOCK.to_string(), "03/11/00 UNRECOVERED READ ERROR, block 4660");
    let unknown = AdditionalSense { code: 0x80, qualifier: 0x01 };
    assert_eq!(Sense::new(SenseKey(0x9), unknown).to_string(), "09/80/01");
}

#[test]
fn codes_without_a_name_are_still_codes() {
    assert_eq!(Opcode::READ_10.to_string(), "READ(10)");
    assert_eq!(Opcode(0xc7).to_string(), "0xc7");
    assert_eq!(ScsiStatus(0x7e).name(), None);
}

#[test]
fn unit_numbers_survive_the_wire_and_other_addresses_are_refused() {
    for number in [0, 1, 255, 256, 0x3fff] {
        let lun = Lun::new(number).unwrap();
        assert_eq!(Lun::from_wire(lun.to_wire()), Some(lun));
    }
    assert_eq!(Lun::new(0x4000), None);
    assert_eq!(Lun::from_wire([0x40, 3, 0, 0, 0, 0, 0, 0]), Lun::new(3));
    for other in [[0x01, 0, 0, 0, 0, 0, 0, 0], [0xc1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0]] {
        assert_eq!(Lun::from_wire(other), None);
    }
}

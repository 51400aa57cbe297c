//! LOG SENSE: pages, subpages, parameter pointers.

use super::*;
use crate::scsi::LogSense;

fn log(page: u8, subpage: u8) -> Vec<u8> {
    ask(&mut disk(8), &LogSense::new(page, subpage, u16::MAX), 1 << 16)
}

#[test]
fn the_lists_name_every_page_and_every_subpage() {
    assert_eq!(log(0x00, 0x00), [0x00, 0, 0, 4, 0x00, 0x0d, 0x0f, 0x2f]);
    assert_eq!(log(0x00, 0xff)[..10], [0x40, 0xff, 0, 16, 0x00, 0x00, 0x00, 0xff, 0x0d, 0x00]);
    assert_eq!(log(0x2f, 0xff), [0x6f, 0xff, 0, 4, 0x2f, 0x00, 0x2f, 0xff]);
}

#[test]
fn every_listed_page_is_there_with_parameters_that_fill_it() {
    for pair in log(0x00, 0xff)[4..].chunks(2) {
        let data = log(pair[0], pair[1]);
        assert_eq!((data[0] & 0x3f, data[1]), (pair[0], pair[1]));
        assert_eq!(usize::from(u16::from_be_bytes([data[2], data[3]])), data.len() - 4);
        if pair[1] == 0 && pair[0] != 0 {
            let mut rest = &data[4..];
            let mut code = 0;
            while let [high, low, 3, len, values @ ..] = rest {
                assert_eq!(u16::from_be_bytes([*high, *low]), code);
                (rest, code) = (&values[usize::from(*len)..], code + 1);
            }
            assert!(rest.is_empty() && code > 0, "page {:02x}", pair[0]);
        }
    }
}

#[test]
fn a_parameter_pointer_skips_and_may_not_point_past_the_last() {
    let mut disk = disk(8);
    let at = |page, subpage, pointer: u16| LogSense {
        parameter_pointer: pointer.into(),
        ..LogSense::new(page, subpage, u16::MAX)
    };
    assert_eq!(ask(&mut disk, &at(0x0d, 0, 1), 64), [0x8d, 0, 0, 6, 0, 1, 3, 2, 0, 0xff]);
    assert_eq!(ask(&mut disk, &at(0x0f, 0, 63), 512).len(), 4 + 256);
    for (page, subpage, pointer) in [(0x0d, 0, 2), (0x0f, 0, 64), (0x2f, 0, 1), (0x00, 0, 1), (0x2f, 0xff, 1)]
    {
        assert_eq!(
            quote(run(&mut disk, &at(page, subpage, pointer))),
            "05/24/00 5",
            "{page:02x}/{subpage:02x}"
        );
    }
}

#[test]
fn pages_and_subpages_that_are_not_there_are_refused() {
    for (page, subpage, answer) in [
        (0x02, 0, "05/24/00 2.5"),
        (0x3f, 0, "05/24/00 2.5"),
        (0x3f, 0xff, "05/24/00 2.5"),
        (0x0d, 1, "05/24/00 3"),
    ] {
        assert_eq!(quote(run(&mut disk(8), &LogSense::new(page, subpage, 64))), answer);
    }
}

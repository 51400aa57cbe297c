//! Rows that every command has: a block cut short, each bit outside the usage map, a unit attention in the
//! way.

use super::*;

pub(super) fn rows() -> Vec<Row> {
    COMMANDS.iter().flat_map(|command| [cut(command), attention(command), stray_bits(command)]).collect()
}

/// The shortest block the row accepts: nothing but operation code and service action.
fn bare(command: &Command) -> Vec<u8> {
    let mut cdb = vec![0; command.len];
    cdb[0] = command.opcode.0;
    cdb[1] = command.service_action.unwrap_or(0);
    cdb
}

fn cut(command: &Command) -> Row {
    let last = command.len - 1;
    boundary("a command block one byte short", &bare(command)[..last], &format!("05/24/00 {last}"))
}

/// SAM-6 names three commands that do not wait for a unit attention to be heard.
fn attention(command: &Command) -> Row {
    let heedless = [Opcode::INQUIRY, Opcode::REPORT_LUNS, Opcode::REQUEST_SENSE].contains(&command.opcode);
    let answer = if heedless { "good" } else { "06/29/00" };
    boundary("a unit attention is pending", &bare(command)[..], answer).on(Setup::Attentive)
}

/// Each bit of the block that the command has no use for, alone. One row, so that the page can be read.
fn stray_bits(command: &Command) -> Row {
    let mut map = command.usage_data();
    if command.service_action.is_some() {
        map[1] |= 0x1f;
    }
    let mut each = Vec::new();
    for (byte, map) in map.iter().enumerate().take(command.len).skip(1) {
        for bit in (0..8).filter(|bit| map & 1 << bit == 0) {
            let mut cdb = bare(command);
            cdb[byte] |= 1 << bit;
            let pointer = match command.refused_field {
                Some((field, first, last)) if usize::from(field) == byte && (last..=first).contains(&bit) => {
                    first
                }
                _ => bit,
            };
            each.push((cdb, format!("05/24/00 {byte}.{pointer}")));
        }
    }
    let case = format!("each of {} bits outside the usage map, alone", each.len());
    let usage = &command.usage_data()[..command.len];
    Row { each, ..reserved(&case, usage, "05/24/00 and the bit, or the field it is in") }
}

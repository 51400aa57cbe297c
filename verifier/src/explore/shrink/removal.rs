//! Delta debugging: leaves out ever smaller pieces of a schedule while it still fails.
//!
//! What is left has no single deviation that could be left out. That is a local minimum; whether some
//! quite different schedule is shorter, [`bounding`](super::bounding) says.

use super::ahead::Made;
use super::attempts::{Attempts, Spent};
use crate::explore::Program;
use crate::explore::deviations::Deviation;

/// Leaves out of `deviations` what is not needed. The list is always one that fails, also when the
/// budget ends.
pub(super) fn remove(
    attempts: &mut Attempts<'_>,
    program: &Program,
    deviations: &mut Vec<Deviation>,
) -> Result<(), Spent> {
    let mut piece = deviations.len();
    while piece > 0 {
        let removed = sweep(attempts, program, deviations, piece)?;
        // Something smaller may be possible now that was not before.
        piece = if removed && piece == 1 { 1 } else { piece / 2 };
        piece = piece.min(deviations.len());
    }
    Ok(())
}

/// Tries to leave out each piece of that length; returns whether any was.
fn sweep(
    attempts: &mut Attempts<'_>,
    program: &Program,
    deviations: &mut Vec<Deviation>,
    piece: usize,
) -> Result<bool, Spent> {
    let mut removed = false;
    let mut start = 0;
    while start < deviations.len() {
        let pieces = (deviations.len() - start).div_ceil(piece);
        let without = |attempts: &Attempts<'_>, n: usize| {
            let from = start + n * piece;
            let to = (from + piece).min(deviations.len());
            let rest = deviations[..from].iter().chain(&deviations[to..]).cloned().collect();
            attempts.as_far_as_it_fits(program, rest)
        };
        // Deviations behind the piece may have stopped to fit: then even fewer are left.
        let is_less = |made: &Made| made.description.deviations.len() < deviations.len();
        let Some((n, made)) = attempts.first(pieces, without, is_less)? else { break };
        start += n * piece;
        *deviations = made.description.deviations;
        removed = true;
    }
    Ok(removed)
}

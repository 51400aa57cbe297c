//! `storsim explain`: what a rule, a check or a bug check is about.

use super::args::ExplainArguments;
use super::ended::{Found, Refusal};
use crate::{report, rules};

pub(super) fn explain(arguments: &ExplainArguments) -> Result<Found, Refusal> {
    let name = arguments.name.trim();
    let Some(row) = rules::find(name) else {
        return Err(Refusal(format!(
            "'{name}' is no rule, check or stop this storsim knows; see 'storsim list'"
        )));
    };
    anstream::print!("{}", report::fitted(&row.page()));
    Ok(Found::Nothing)
}

//! The command line, as a library: `main` of a driver author's own crate is one call.
//!
//! Results go to standard output, everything else to standard error. Exit status: 0 clean, 1 a
//! violation was found, 2 it could not be run as asked or its results could not be written, 3 our own
//! failure. A stress that was told to stop by a signal ends with 1 if it had found something, else with 128
//! and the signal's number, as a shell says it: 130 for SIGINT, 143 for SIGTERM.

mod applies;
mod args;
mod bypass;
mod cc;
mod config;
mod course;
mod drives;
mod ended;
mod exhaust;
mod explain;
mod finding;
mod headers;
mod interrupt;
mod list;
mod merge;
mod replay;
mod run;
mod select;
mod setup;
mod stress;
mod summary;
mod sys;
mod toml_text;
mod units;

use crate::driver::Driver;
use crate::program::program_name;
use crate::report::Invocation;
use args::{Arguments, Command};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches};
use ended::{Found, Refusal};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// Exit status 1: something was found.
const FOUND: u8 = 1;
/// Exit status 2: it could not be run as asked.
const REFUSED: u8 = 2;
/// Exit status of a stress that a signal ended, without the signal's number.
const INTERRUPTED: u8 = 128;
/// Exit status 3: our own failure.
const FAILED: u8 = 3;

/// Runs the command line over `drivers`.
#[must_use]
pub fn main(drivers: &'static [&'static Driver]) -> ExitCode {
    main_with(drivers, std::env::args_os())
}

/// As [`main`], with these words instead of the program's own; the first of them is the program.
#[must_use]
pub fn main_with(
    drivers: &'static [&'static Driver],
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> ExitCode {
    let mut arguments = match parse(words) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    log(arguments.verbose);
    // Our own failure is a panic; its message has been printed by then.
    let interval = Duration::from_secs(arguments.progress.into());
    let command = &mut arguments.command;
    let work = || {
        if let Some(program) = command.program_mut() {
            program.exceptions = config::read(program.config.as_deref())?;
        }
        sys::drivers(drivers, command).and_then(|drivers| obey(drivers, command, interval))
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    match result {
        Ok(Ok(Found::Nothing)) => ExitCode::SUCCESS,
        Ok(Ok(Found::Something)) => ExitCode::from(FOUND),
        Ok(Ok(Found::Limit | Found::Refused)) => ExitCode::from(REFUSED),
        Ok(Ok(Found::Interrupted(signal))) => ExitCode::from(INTERRUPTED.saturating_add(signal)),
        Ok(Err(Refusal(why))) => {
            anstream::eprintln!("error: {why}");
            ExitCode::from(REFUSED)
        }
        Err(_) => ExitCode::from(FAILED),
    }
}

/// The flags, read under the name of the program that was started.
fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Arguments, clap::Error> {
    let name = program_name();
    let command = Arguments::command().bin_name(&name).display_name(name);
    let matches = command.try_get_matches_from(words)?;
    let mut arguments = Arguments::from_arg_matches(&matches)?;
    if let (Some(program), Some((_, of_command))) = (arguments.command.program_mut(), matches.subcommand()) {
        let was_given =
            |id: &&clap::Id| of_command.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        program.given = of_command.ids().filter(was_given).map(|id| id.as_str().to_owned()).collect();
    }
    Ok(arguments)
}

/// Does what the command says; a reporter prints what comes of it.
fn obey(
    drivers: &'static [&'static Driver],
    command: &Command,
    interval: Duration,
) -> Result<Found, Refusal> {
    let mut reporter = command.format().reporter(interval);
    reporter.begin(&Invocation { program: program_name(), command: command.word() });
    let result = match command {
        Command::List(list) => {
            list::list(drivers, list, &mut *reporter);
            Ok(Found::Nothing)
        }
        Command::Run(run) => run::run(drivers, run, &mut *reporter),
        Command::Stress(stress) => stress::stress(drivers, stress, &mut *reporter),
        Command::Merge(merge) => merge::merge(merge, &mut *reporter),
        Command::Replay(replay) => replay::replay(drivers, replay, &mut *reporter),
        Command::Explain(explain) => explain::explain(drivers, explain, &mut *reporter),
        Command::Cc(arguments) => cc::cc(arguments),
        Command::Headers(arguments) => headers::headers(arguments),
    };
    match (reporter.end(), result) {
        (Err(why), Ok(Found::Nothing)) => Err(Refusal(format!("standard output: {why}"))),
        (Err(why), result) => {
            anstream::eprintln!("error: standard output: {why}");
            result
        }
        (Ok(()), result) => result,
    }
}

/// Help is a result; anything else is one line of what is wrong.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe is no mistake.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        anstream::eprintln!(
            "error: a command is missing (list, run, stress, merge, replay, explain); see '{} --help'",
            program_name()
        );
        return ExitCode::from(REFUSED);
    }
    let text = error.to_string();
    let first: Vec<_> = text.lines().take_while(|l| !l.trim().is_empty()).map(str::trim).collect();
    anstream::eprintln!("{}{}", first.join(" "), tip(error));
    ExitCode::from(REFUSED)
}

/// What may have been meant instead, where clap knows a word like it.
fn tip(error: &clap::Error) -> String {
    let kinds = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let near: Vec<&str> = match kinds.iter().find_map(|kind| error.get(*kind)) {
        Some(ContextValue::String(word)) => vec![word],
        Some(ContextValue::Strings(words)) => words.iter().map(String::as_str).collect(),
        _ => return String::new(),
    };
    if near.is_empty() { String::new() } else { format!("; did you mean '{}'?", near.join("' or '")) }
}

fn log(verbose: bool) {
    if verbose {
        let has_colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        let subscriber =
            tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(has_colours).without_time();
        let _ = subscriber.with_max_level(tracing::Level::DEBUG).try_init();
    }
}

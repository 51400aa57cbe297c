//! What is reported of every breaker, as a terminal of 80 columns shows it.

use crate::blessed;
use crate::storsim::Desk;
use verifier::rules::TABLE;

/// The finding of a report: not the statistics above it, nor the schedule below, which change with any call
/// that the port driver or the workload makes.
fn finding(report: &str) -> &str {
    let start = report.find("error[").unwrap_or_else(|| panic!("nothing was found: {report}"));
    let (finding, _) = report[start..].split_once("\nschedule: ").expect("a schedule below");
    finding
}

#[test]
fn what_is_reported_of_every_breaker_reads_as_it_was_blessed() {
    // A runaway is told where the host's clock met it, which differs from run to run.
    for row in TABLE.iter().filter(|row| row.name != "runaway") {
        let [command, _] = row.exhibits.commands();
        let arguments = command.split_once(' ').expect("a program and its arguments").1;
        let said = Desk::new().storsim_at(Some(80), arguments);
        assert_eq!((said.status, said.complaints().as_str()), (1, ""), "{command}");
        let finding = finding(&said.out);
        assert!(finding.starts_with(&format!("error[{}]", row.name)), "{command}: {finding}");
        blessed::check(&format!("exhibits/{}.txt", row.exhibits.breaker), &format!("{finding}\n"));
    }
}

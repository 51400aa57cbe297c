//! Which bug check a fault is, and the sentence that tells it.
//!
//! As Windows has it: 0x50 for memory that is none below DISPATCH_LEVEL, 0xD1 at or above, 0x7F with
//! parameter 8 for a stack that ran into its guard page, 0xBE for a write to what can be read only, 0x1E for
//! every other exception. Invariant: no host address gets into a parameter or a sentence, so the same run
//! tells the same in every process.

use super::caught::Why;
use super::evidence::{Access, Evidence, trap};
use crate::bugcheck::{
    ATTEMPTED_WRITE_TO_READONLY_MEMORY, BugCheck, DRIVER_IRQL_NOT_LESS_OR_EQUAL, Ending,
    KMODE_EXCEPTION_NOT_HANDLED, PAGE_FAULT_IN_NONPAGED_AREA, Runaway, StopCode, UNEXPECTED_KERNEL_MODE_TRAP,
};
use crate::irql::Irql;
use crate::memory::Place;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::program;
use crate::report_address;
use crate::site::Site;
use crate::stack::{Blame, Stack};

const STATUS_ACCESS_VIOLATION: u64 = 0xC000_0005;
const STATUS_ILLEGAL_INSTRUCTION: u64 = 0xC000_001D;
const STATUS_INTEGER_DIVIDE_BY_ZERO: u64 = 0xC000_0094;
const STATUS_FLOAT_MULTIPLE_FAULTS: u64 = 0xC000_02B4;
/// Of an abort: what Windows has for code that gives up (`__fastfail`).
const STATUS_STACK_BUFFER_OVERRUN: u64 = 0xC000_0409;
/// EXCEPTION_DOUBLE_FAULT.
const DOUBLE_FAULT: u64 = 8;

/// Addresses below are told as an offset from NULL.
const NEAR_NULL: usize = 64 << 10;
/// Where programs of the host lie: what is there differs from run to run.
const HOST: std::ops::Range<usize> = 0x5500_0000_0000..0x8000_0000_0000;

/// The end of a run whose driver faulted on `cpu`, in the line `at`.
pub(super) fn of(
    cpu: &Processor,
    evidence: &Evidence,
    blame: &Blame,
    at: Option<Site>,
    stack: Stack,
) -> Ending {
    let (stop, parameters, mut what, earlier) = judge(cpu, evidence);
    if blame.own.is_some()
        && let Some((ddi, _)) = cpu.call.get()
    {
        what.push_str(&format!(" inside {}", ddi.name));
    }
    let now = Moment { stack, ..cpu.place() };
    Ending::BugCheck(Box::new(BugCheck { stop, parameters, what, now, earlier, raised_at: at }))
}

/// The end of a run whose driver did not come back to `cpu`.
pub(super) fn runaway(cpu: &Processor, why: Why, at: Option<Site>, stack: Stack) -> Ending {
    let what = match why {
        Why::Runs => "runs on and on without a call",
        Why::Blocked => {
            "waits in the host for what the machine knows nothing of, such as a lock of the standard library"
        }
        Why::TakesMemory => "takes memory of the host on and on without a call",
    };
    let place = Moment { stack, ..cpu.place() };
    let what = format!("CPU {} {what}", place.cpu);
    Ending::Runaway(Box::new(Runaway { what, takes_memory: why == Why::TakesMemory, place, raised_at: at }))
}

/// The stop, its parameters, what the driver did, and what made it wrong.
type Judged = (StopCode, [u64; 4], String, Vec<Moment>);

fn judge(cpu: &Processor, evidence: &Evidence) -> Judged {
    let exception =
        |status, what: &str| (KMODE_EXCEPTION_NOT_HANDLED, [status, 0, 0, 0], what.to_owned(), Vec::new());
    match (evidence.signal, evidence.trap) {
        (libc::SIGSEGV | libc::SIGBUS, trap::GENERAL_PROTECTION) => (
            KMODE_EXCEPTION_NOT_HANDLED,
            [STATUS_ACCESS_VIOLATION, 0, 0, u64::MAX],
            format!(
                "the driver used an address that cannot exist: its upper 16 bits are neither all 0 nor all 1{}",
                fill(evidence)
            ),
            Vec::new(),
        ),
        (libc::SIGSEGV | libc::SIGBUS, _) => bad_access(cpu, evidence),
        (libc::SIGILL, _) => {
            exception(STATUS_ILLEGAL_INSTRUCTION, "the driver executed an illegal instruction")
        }
        (libc::SIGFPE, trap::DIVIDE) => exception(
            STATUS_INTEGER_DIVIDE_BY_ZERO,
            "the driver divided by zero, or the quotient does not fit",
        ),
        (libc::SIGFPE, _) => {
            exception(STATUS_FLOAT_MULTIPLE_FAULTS, "the driver raised a floating-point exception")
        }
        _ => exception(
            STATUS_STACK_BUFFER_OVERRUN,
            "the driver aborted: a panic that could not be unwound, memory that was refused, or a call of abort",
        ),
    }
}

fn bad_access(cpu: &Processor, evidence: &Evidence) -> Judged {
    let memory = &cpu.machine().memory;
    let address = evidence.address;
    if let Place::Guard(of) = memory.place(address)
        && memory.stack_of(evidence.stack_pointer).is_none_or(|running| running == of || running + 1 == of)
    {
        let what = "the kernel stack overflowed: it ran into its guard page";
        return (UNEXPECTED_KERNEL_MODE_TRAP, [DOUBLE_FAULT, 0, 0, 0], what.to_owned(), Vec::new());
    }
    let shown = match memory.place(address) {
        Place::Elsewhere if HOST.contains(&address) => u64::MAX,
        Place::Elsewhere => address as u64,
        _ => memory.machine_address(address),
    };
    let access = evidence.access();
    let verb = match access {
        Access::Read => "read",
        Access::Write => "wrote to",
        Access::Execute => "executed",
    };
    if access != Access::Execute
        && let Some(closed) = cpu.machine().closed_memory(address)
    {
        let what = format!("the driver {verb} {}", closed.what);
        let parameters = closed.parameters(shown, access == Access::Write);
        return (closed.stop, parameters, what, closed.earlier);
    }
    if access != Access::Execute
        && let Some((block, allocated)) = cpu.machine().paged_out(address)
    {
        let irql = cpu.irql();
        let what = format!("the driver {verb} {block} at {irql}, where it cannot be brought into memory");
        let kind = u64::from(access == Access::Write);
        return (DRIVER_IRQL_NOT_LESS_OR_EQUAL, [shown, u64::from(irql.0), kind, 0], what, allocated);
    }
    let of = match memory.place(address) {
        Place::Image
            if cpu.machine().image.as_ref().is_some_and(|image| image.place_of(address).is_some()) =>
        {
            Some(report_address(shown))
        }
        Place::Elsewhere if program::is_constant(address, 1) => Some("a constant or code".to_owned()),
        _ => None,
    };
    if let Some(of) = of.filter(|_| access == Access::Write) {
        let what = format!("the driver wrote to {of} in its image, which can be read only");
        return (ATTEMPTED_WRITE_TO_READONLY_MEMORY, [shown, 0, 0, 0], what, Vec::new());
    }
    let was = match memory.place(address) {
        Place::Elsewhere if address == 0 => "NULL".to_owned(),
        Place::Elsewhere if address < NEAR_NULL => format!("NULL + {address:#x}"),
        Place::Elsewhere if HOST.contains(&address) => "an address of no memory of this machine".to_owned(),
        Place::Elsewhere => format!("{}, no memory of this machine", report_address(shown)),
        Place::Pool if access == Access::Execute => format!("{}, which is pool", report_address(shown)),
        Place::Pool => format!("{} in the pool", report_address(shown)),
        Place::Registers => format!("{}, in a device's registers", report_address(shown)),
        Place::Image => format!("{}, in its own image, where that is not allowed", report_address(shown)),
        Place::Stack => format!("{}, which is a stack", report_address(shown)),
        Place::Guard(_) => format!("{}, the guard page of a stack", report_address(shown)),
    };
    let irql = cpu.irql();
    let what = format!("the driver {verb} {was}");
    if irql >= Irql::DISPATCH {
        let kind = match access {
            Access::Read => 0,
            Access::Write => 1,
            Access::Execute => 8,
        };
        (
            DRIVER_IRQL_NOT_LESS_OR_EQUAL,
            [shown, u64::from(irql.0), kind, 0],
            format!("{what} at {irql}"),
            Vec::new(),
        )
    } else {
        let kind = match access {
            Access::Read => 0,
            Access::Write => 2,
            Access::Execute => 0x10,
        };
        (PAGE_FAULT_IN_NONPAGED_AREA, [shown, kind, 0, 0], what, Vec::new())
    }
}

/// If a register holds what the pool fills its blocks with: where such an address comes from.
fn fill(evidence: &Evidence) -> String {
    let holds = |byte: u8| {
        let fill = u64::from_ne_bytes([byte; 8]);
        evidence.registers[..16].iter().any(|r| (*r as u64).abs_diff(fill) < NEAR_NULL as u64)
    };
    if holds(crate::pool::FREED) {
        "; it is the fill of freed pool".to_owned()
    } else if holds(crate::pool::FRESH) {
        "; it is the fill of pool that was never written".to_owned()
    } else {
        String::new()
    }
}

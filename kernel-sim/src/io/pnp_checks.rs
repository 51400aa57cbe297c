//! Driver Verifier's checks of requests for plug and play and for power: how they are passed down, completed
//! and returned from.
//!
//! They look at requests of the PnP manager here ([`super::pnp`]) while these are above the bus driver: what
//! a request comes with is noted when a driver gets it, and compared when that driver passes it on or
//! completes it. Each is bug check 0xC9 with the number of the documented check. Invariant: a driver that
//! passes down what it does not know as it came, and says in the status what it did with the rest, hears
//! nothing.

#![expect(unsafe_code, reason = "reads IRPs in driver memory")]

use crate::bugcheck::DRIVER_VERIFIER_IOMANAGER_VIOLATION as IO_VERIFIER;
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::machine::Machine;
use parking_lot::Mutex;

/// One request that is under way.
struct Request {
    irp: usize,
    major: UCHAR,
    minor: UCHAR,
    /// The physical device object; where requests come to their end.
    pdo: usize,
    /// Device objects above that.
    above: u32,
    /// What the present driver got it with.
    status: NTSTATUS,
    information: usize,
    level: CHAR,
    /// Whether some driver has got it, the bus driver has, and somebody has completed it for good.
    has_begun: bool,
    has_arrived: bool,
    is_complete: bool,
}

/// The requests under way: few, and none while a machine only does I/O.
#[derive(Default)]
pub(crate) struct PnpRequests(Mutex<Vec<Request>>);

/// The minor functions that a function driver has to say something about before it passes them down, if it
/// has no completion routine to do so later.
const TO_BE_HANDLED: [UCHAR; 7] = [
    IRP_MN_QUERY_REMOVE_DEVICE,
    IRP_MN_REMOVE_DEVICE,
    IRP_MN_CANCEL_REMOVE_DEVICE,
    IRP_MN_STOP_DEVICE,
    IRP_MN_QUERY_STOP_DEVICE,
    IRP_MN_CANCEL_STOP_DEVICE,
    IRP_MN_SURPRISE_REMOVAL,
];

impl Request {
    fn is_power(&self) -> bool {
        usize::from(self.major) == IRP_MJ_POWER
    }

    fn words(&self) -> String {
        minor_name(self.major, self.minor).map_or_else(
            || format!("a request with the minor function {:#04x}, which no driver knows,", self.minor),
            str::to_owned,
        )
    }
}

/// The name of a minor function for plug and play or power.
pub(crate) fn minor_name(major: UCHAR, minor: UCHAR) -> Option<&'static str> {
    if usize::from(major) == IRP_MJ_POWER {
        return match minor {
            IRP_MN_SET_POWER => Some("IRP_MN_SET_POWER"),
            IRP_MN_QUERY_POWER => Some("IRP_MN_QUERY_POWER"),
            _ => None,
        };
    }
    Some(match minor {
        IRP_MN_START_DEVICE => "IRP_MN_START_DEVICE",
        IRP_MN_QUERY_REMOVE_DEVICE => "IRP_MN_QUERY_REMOVE_DEVICE",
        IRP_MN_REMOVE_DEVICE => "IRP_MN_REMOVE_DEVICE",
        IRP_MN_CANCEL_REMOVE_DEVICE => "IRP_MN_CANCEL_REMOVE_DEVICE",
        IRP_MN_STOP_DEVICE => "IRP_MN_STOP_DEVICE",
        IRP_MN_QUERY_STOP_DEVICE => "IRP_MN_QUERY_STOP_DEVICE",
        IRP_MN_CANCEL_STOP_DEVICE => "IRP_MN_CANCEL_STOP_DEVICE",
        IRP_MN_QUERY_CAPABILITIES => "IRP_MN_QUERY_CAPABILITIES",
        IRP_MN_QUERY_PNP_DEVICE_STATE => "IRP_MN_QUERY_PNP_DEVICE_STATE",
        IRP_MN_SURPRISE_REMOVAL => "IRP_MN_SURPRISE_REMOVAL",
        _ => return None,
    })
}

fn in_words(status: NTSTATUS) -> String {
    status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned)
}

/// Notes a request that is about to be sent to the top of a stack.
pub(super) fn begin(machine: &Machine, irp: PIRP, pdo: PDEVICE_OBJECT, above: u32) {
    // SAFETY: the PnP manager's own IRP, whose next location it has filled.
    let next = unsafe { &*crate::ddi::inline::IoGetNextIrpStackLocation(irp) };
    machine.io.pnp_requests.0.lock().push(Request {
        irp: irp as usize,
        major: next.MajorFunction,
        minor: next.MinorFunction,
        pdo: pdo as usize,
        above,
        status: STATUS_NOT_SUPPORTED,
        information: 0,
        level: 0,
        has_begun: false,
        has_arrived: false,
        is_complete: false,
    });
}

/// The request has come back to the PnP manager.
pub(super) fn end(machine: &Machine, irp: PIRP) {
    machine.io.pnp_requests.0.lock().retain(|request| request.irp != irp as usize);
}

/// What is wrong, and the number of the check.
type Wrong = (u64, String);

/// An IRP is passed to `device`; the present location is still the caller's. Returns whether the caller is
/// the PnP manager.
#[cold]
pub(super) fn passed_on(call: &Call, irp: PIRP, i: &IRP, device: PDEVICE_OBJECT) -> bool {
    let (is_first, wrong) = {
        let mut requests = call.machine().io.pnp_requests.0.lock();
        let Some(request) = requests.iter_mut().find(|r| r.irp == irp as usize) else { return false };
        let is_first = !std::mem::replace(&mut request.has_begun, true);
        let wrong = if is_first { None } else { wrong_with_passing(request, i) };
        request.has_arrived |= device as usize == request.pdo;
        request.status = i.IoStatus.Status();
        request.information = i.IoStatus.Information;
        request.level = i.CurrentLocation - 1;
        (is_first, wrong)
    };
    stop(call, irp, wrong);
    is_first
}

fn wrong_with_passing(request: &Request, i: &IRP) -> Option<Wrong> {
    let (before, now) = (request.status, i.IoStatus.Status());
    let name = request.words();
    let is_known = minor_name(request.major, request.minor).is_some();
    let power = request.is_power();
    if !NT_SUCCESS(now) && now != STATUS_NOT_SUPPORTED {
        let check = if power { 0x219 } else { 0x215 };
        return Some((
            check,
            format!("{name} was passed down with {}: what fails is completed", in_words(now)),
        ));
    }
    if now == STATUS_NOT_SUPPORTED && before != now {
        let check = if power { 0x21A } else { 0x216 };
        return Some((
            check,
            format!("{name} came with {} and was passed down with STATUS_NOT_SUPPORTED", in_words(before)),
        ));
    }
    if !is_known && now != before {
        return Some((0x213, format!("{name} was passed down with its status changed to {}", in_words(now))));
    }
    if !is_known && i.IoStatus.Information != request.information {
        return Some((0x214, format!("{name} was passed down with its information changed")));
    }
    let is_left = now == STATUS_NOT_SUPPORTED && !has_completion_routine(request, i);
    if !power && request.above == 1 && is_left && TO_BE_HANDLED.contains(&request.minor) {
        return Some((
            0x217,
            format!(
                "{name} was passed down with STATUS_NOT_SUPPORTED, as it came: a function driver has to handle it"
            ),
        ));
    }
    None
}

/// Whether the driver that passes an IRP on will see it again.
fn has_completion_routine(request: &Request, i: &IRP) -> bool {
    // A driver that skips its location leaves the one above it as the present one.
    let has_skipped = i.CurrentLocation > request.level;
    // SAFETY: a live IRP with a location below the present one, or the call ends in a bug check of its own.
    !has_skipped
        && i.CurrentLocation > 1
        && unsafe {
            let current = i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
            (*current.sub(1)).CompletionRoutine.is_some()
        }
}

/// IoCompleteRequest was called.
#[cold]
pub(super) fn completed(call: &Call, irp: PIRP, i: &IRP) {
    let wrong = {
        let mut requests = call.machine().io.pnp_requests.0.lock();
        let Some(request) = requests.iter_mut().find(|r| r.irp == irp as usize) else { return };
        request.is_complete = true;
        if request.has_arrived { None } else { wrong_with_completing(request, i.IoStatus.Status()) }
    };
    stop(call, irp, wrong);
}

fn wrong_with_completing(request: &Request, status: NTSTATUS) -> Option<Wrong> {
    let (name, power) = (request.words(), request.is_power());
    if minor_name(request.major, request.minor).is_none() {
        let check = if power { 0x230 } else { 0x22D };
        return Some((check, format!("{name} was completed and not passed down")));
    }
    if status == STATUS_NOT_SUPPORTED {
        let check = if power { 0x232 } else { 0x22F };
        let what = "was completed with STATUS_NOT_SUPPORTED: what a driver does not handle is passed down";
        return Some((check, format!("{name} {what}")));
    }
    if NT_SUCCESS(status) {
        let check = if power { 0x231 } else { 0x22E };
        return Some((check, format!("{name} was completed with {} and not passed down", in_words(status))));
    }
    None
}

/// A completion routine keeps the IRP: its driver completes it again.
#[cold]
pub(super) fn kept(call: &Call, irp: PIRP) {
    let mut requests = call.machine().io.pnp_requests.0.lock();
    if let Some(request) = requests.iter_mut().find(|r| r.irp == irp as usize) {
        request.is_complete = false;
    }
}

/// The dispatch routine at the top of the stack has returned, while its caller still has the IRP.
#[cold]
pub(super) fn returned(call: &Call, irp: PIRP, status: NTSTATUS) {
    let wrong = {
        let requests = call.machine().io.pnp_requests.0.lock();
        let Some(request) = requests.iter().find(|r| r.irp == irp as usize) else { return };
        // SAFETY: the PnP manager's IRP, which it frees after the call whose end this is.
        let left = unsafe { (*irp).IoStatus.Status() };
        let name = request.words();
        if status == STATUS_PENDING {
            None
        } else if !request.is_complete {
            Some((
                0x226,
                format!(
                    "a dispatch routine returned {} for {name} and neither completed it nor passed it down",
                    in_words(status)
                ),
            ))
        } else if status != left {
            Some((
                0x224,
                format!(
                    "a dispatch routine returned {} for {name}, which ended with {}",
                    in_words(status),
                    in_words(left)
                ),
            ))
        } else {
            None
        }
    };
    stop(call, irp, wrong);
}

fn stop(call: &Call, irp: PIRP, wrong: Option<Wrong>) {
    if let Some((check, what)) = wrong {
        let shown = call.machine().machine_address(irp as usize);
        call.bug_check(IO_VERIFIER, [check, 0, shown, 0], what);
    }
}

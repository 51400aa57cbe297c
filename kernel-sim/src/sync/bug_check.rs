//! KeBugCheck and KeBugCheckEx: a driver that stops the system itself.
//!
//! The run ends with a stop of ours that names the driver's code, and not with the row of that code: what is
//! said of such a row is about what the system found. Invariant: the call does not come back.

#![expect(unsafe_code, reason = "bodies of rows, which are unsafe to call")]

use crate::bugcheck::{BUG_CHECK_BY_DRIVER, STOP_CODES};
use crate::ddi::Call;
use crate::ddi::types::{ULONG, ULONG_PTR};

pub(crate) unsafe fn without_parameters(call: &Call, code: ULONG) {
    stop(call, code, None);
}

pub(crate) unsafe fn with_parameters(
    call: &Call,
    code: ULONG,
    p1: ULONG_PTR,
    p2: ULONG_PTR,
    p3: ULONG_PTR,
    p4: ULONG_PTR,
) {
    stop(call, code, Some([p1, p2, p3, p4]));
}

fn stop(call: &Call, code: ULONG, parameters: Option<[ULONG_PTR; 4]>) -> ! {
    // Host addresses differ from run to run.
    let in_machine = |p: ULONG_PTR| {
        if call.cpu.is_memory(p, 1) { call.machine().machine_address(p) } else { p as u64 }
    };
    let shown = parameters.map(|all| all.map(in_machine));
    let name = STOP_CODES.iter().find(|stop| code != 0 && stop.code == code).map(|stop| stop.name);
    let mut what = format!("the driver stops the system with {code:#04x}");
    if let Some(name) = name {
        what += &format!(", {name}");
    }
    if let Some(all) = shown {
        let all = all.map(|p| format!("{p:#x}"));
        what += &format!(" ({})", all.join(", "));
    }
    let [p1, p2, p3, _] = shown.unwrap_or_default();
    call.bug_check(BUG_CHECK_BY_DRIVER, [u64::from(code), p1, p2, p3], what)
}

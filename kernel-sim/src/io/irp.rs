//! I/O request packets: their life from allocation to completion.
//!
//! Invariant: an IRP is owned by one party at a time, and completed once; completing it again, or
//! while it could still be cancelled, stops the machine.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::allocation_failure;
use crate::bugcheck::{
    DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER,
    DRIVER_VERIFIER_IOMANAGER_VIOLATION as IO_VERIFIER, MULTIPLE_IRP_COMPLETE_REQUESTS,
    NO_MORE_IRP_STACK_LOCATIONS,
};
use crate::ddi::types::*;
use crate::ddi::{Call, callback};
use crate::frame::{Frame, Item};
use crate::hook::Owner;
use crate::image::Routine as _;
use crate::io::{pending, pnp_checks};
use crate::irql::Irql;
use crate::moment::Moment;
use crate::pool::{allocate_object, tag};
use crate::processor::flag;
use crate::routine::{Arg, DISPATCH, IO_COMPLETION, IntoArg as _};
use crate::stamp::Mark;
use std::ptr::null_mut;

const IRP_TAG: u32 = tag(b"Irp ");

/// Where the stack locations of an IRP begin. Our choice: there is room for one more below the last, which
/// takes what a driver writes that has none left, so that IoCallDriver can say so; on Windows such a driver
/// writes over the end of the IRP.
const LOCATIONS_OFFSET: usize =
    (size_of::<IRP>() + size_of::<Note>() + size_of::<IO_STACK_LOCATION>()).next_multiple_of(16);

/// What IoSetCompletionRoutineEx asks of the pool: our choice.
const COMPLETION_CONTEXT_BYTES: usize = 32;

/// What is noted of an IRP and no member of it: it lies behind the IRP, in front of that room. No member is
/// used for it, since a driver may copy, clear or look at them.
#[repr(C)]
struct Note {
    state: u32,
    builder: u16,
    /// CurrentLocation as it was when IoSetCompletionRoutineEx failed for it; 0 if it has not, or the driver
    /// has gone on since.
    refused: u16,
}

/// Values of `Note::state`.
mod state {
    pub const ALIVE: u32 = 1;
    pub const COMPLETED: u32 = 2;
}

/// Values of `Note::builder`: what frees it, and what its completion does besides.
mod builder {
    // 0: IoAllocateIrp; the driver that allocated it frees it.
    // A synchronous IoBuild routine: the I/O manager, after setting the event.
    pub const SYNCHRONOUS: u16 = 1;
    // The PnP manager, which frees it when it has come back.
    pub const PNP: u16 = 2;
}

/// What is noted of a live IRP.
#[inline]
fn note_of<'a>(irp: PIRP, _live: &IRP) -> &'a mut Note {
    // SAFETY: `object` found memory of the machine as far as that, plain data; it returned `_live`.
    unsafe { &mut *irp.byte_add(size_of::<IRP>()).cast() }
}

/// Whether the PnP manager sends a live IRP.
#[inline]
pub(super) fn is_of_pnp(irp: PIRP, live: &IRP) -> bool {
    note_of(irp, live).builder == builder::PNP
}

/// The PnP manager sends this IRP, and frees it when it has come back.
pub(super) fn becomes_of_pnp(irp: PIRP, live: &IRP) {
    note_of(irp, live).builder = builder::PNP;
}

/// The IRP behind a driver's pointer. One that was freed is reported as completed twice, which is
/// what it nearly always is.
#[inline]
pub(crate) fn object<'a>(call: &Call, irp: PIRP) -> &'a mut IRP {
    if !call.cpu.is_memory(irp as usize, size_of::<IRP>() + size_of::<Note>()) || !irp.is_aligned() {
        no_memory_of_an_irp(call, irp);
    }
    // SAFETY: mapped, aligned memory of the machine, plain data.
    let object = unsafe { &mut *irp };
    if object.Type != IO_TYPE_IRP {
        not_an_irp(call, irp);
    }
    object
}

#[cold]
fn no_memory_of_an_irp(call: &Call, irp: PIRP) -> ! {
    if !call.machine().freed_before(irp as usize).is_empty() {
        not_an_irp(call, irp);
    }
    call.bad_pointer(irp as usize, "the IRP");
}

#[cold]
fn not_an_irp(call: &Call, irp: PIRP) -> ! {
    let shown = call.cpu.machine().machine_address(irp as usize);
    let what = format!("{} was given {}, which is no live IRP", call.ddi.name, crate::report_address(shown));
    match call.ddi.name {
        "IoCompleteRequest" => {
            let mut earlier = completed_before(call, irp);
            earlier.extend(call.cpu.machine().freed_before(irp as usize));
            call.bug_check_after(MULTIPLE_IRP_COMPLETE_REQUESTS, [shown, 0, 0, 0], what, earlier)
        }
        "IoCallDriver" | "PoCallDriver" => call.bug_check(IO_VERIFIER, [0x03, shown, 0, 0], what),
        "IoFreeIrp" => call.bug_check(IO_VERIFIER, [0x01, shown, 0, 0], what),
        _ => call.bad_pointer(irp as usize, "the IRP"),
    }
}

pub(crate) unsafe fn allocate(call: &Call, stack_size: CCHAR, _charge_quota: BOOLEAN) -> PIRP {
    if stack_size <= 0 {
        return null_mut();
    }
    let locations = stack_size as usize;
    let offset = LOCATIONS_OFFSET;
    // One location more than asked for: "current" starts one above the top, and must point at memory.
    let bytes = offset + (locations + 1) * size_of::<IO_STACK_LOCATION>();
    let irp: PIRP = allocate_object(call, bytes, IRP_TAG).cast();
    if irp.is_null() {
        return irp;
    }
    if call.is_deterministic() {
        is_uncompleted(call, irp);
    }
    // SAFETY: a fresh zeroed block of that size; zero is a valid value for every field.
    unsafe {
        let i = &mut *irp;
        i.Type = IO_TYPE_IRP;
        i.Size = u16::try_from(bytes).unwrap_or(u16::MAX);
        i.StackCount = stack_size;
        i.CurrentLocation = stack_size + 1;
        note_of(irp, i).state = state::ALIVE;
        let top = irp.byte_add(offset).cast::<IO_STACK_LOCATION>().add(locations);
        i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = top;
    }
    irp
}

pub(crate) unsafe fn free(call: &Call, irp: PIRP) {
    let i = object(call, irp);
    pending::forget(call, irp);
    i.Type = 0;
    call.cpu.machine().pool_free(call, irp.cast(), None);
}

/// Readies an IRP that its owner allocated for another trip.
#[inline]
pub(crate) unsafe fn reuse(call: &Call, irp: PIRP, status: NTSTATUS) {
    let i = object(call, irp);
    pending::forget(call, irp);
    if call.is_deterministic() {
        is_uncompleted(call, irp);
    }
    let offset = LOCATIONS_OFFSET;
    // SAFETY: `allocate` laid the block out like this.
    unsafe {
        let locations = irp.byte_add(offset).cast::<IO_STACK_LOCATION>();
        locations.write_bytes(0, i.StackCount as usize + 1);
        i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation =
            locations.add(i.StackCount as usize);
    }
    i.CurrentLocation = i.StackCount + 1;
    i.IoStatus = IO_STATUS_BLOCK::new(status, 0);
    i.PendingReturned = FALSE;
    i.Cancel = FALSE;
    i.CancelRoutine = None;
    i.MdlAddress = null_mut();
    let note = note_of(irp, i);
    (note.state, note.refused) = (state::ALIVE, 0);
}

/// Sets the completion routine of the next stack location; fails if there is no memory to keep the driver
/// loaded. A failure leaves the location as it is.
#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn set_completion_routine_ex(
    call: &Call,
    device: PDEVICE_OBJECT,
    irp: PIRP,
    routine: PIO_COMPLETION_ROUTINE,
    context: PVOID,
    on_success: BOOLEAN,
    on_error: BOOLEAN,
    on_cancel: BOOLEAN,
) -> NTSTATUS {
    let i = object(call, irp);
    super::device::object(call, device);
    if i.CurrentLocation <= 1 {
        let shown = call.cpu.machine().machine_address(irp as usize);
        let what = "IoSetCompletionRoutineEx with no stack location left";
        call.bug_check(NO_MORE_IRP_STACK_LOCATIONS, [shown, 0, 0, 0], what);
    }
    if allocation_failure::fails(call, COMPLETION_CONTEXT_BYTES) {
        note_of(irp, i).refused = i.CurrentLocation as u16;
        call.unusual(&[
            device.into_arg(),
            irp.into_arg(),
            routine.into_arg(),
            context.into_arg(),
            on_success.into_arg(),
            on_error.into_arg(),
            on_cancel.into_arg(),
        ]);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    note_of(irp, i).refused = 0;
    let is_on = |flag: BOOLEAN| flag != FALSE;
    // SAFETY: a live IRP with a location left.
    unsafe {
        let [success, error, cancel] = [on_success, on_error, on_cancel].map(is_on);
        crate::ddi::inline::IoSetCompletionRoutine(irp, routine, context, success, error, cancel);
    }
    STATUS_SUCCESS
}

/// The driver passes an IRP on for which IoSetCompletionRoutineEx had failed. Those who watch are told if it
/// does so as if it had not: with the stack location of that call, and no routine in it. One that sets the
/// routine in another way, or leaves its own location to the driver below, has looked at the status.
#[cold]
fn passed_on_after_refusal(call: &Call, device: PDEVICE_OBJECT, irp: PIRP, i: &mut IRP) {
    let refused = std::mem::take(&mut note_of(irp, i).refused);
    // SAFETY: the location below the current one is in the IRP's block: more than one is left.
    let next = unsafe { &*crate::ddi::inline::IoGetNextIrpStackLocation(irp) };
    if refused == i.CurrentLocation as u16 && next.CompletionRoutine.is_none() {
        call.unusual(&[device.into_arg(), irp.into_arg()]);
    }
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn build_device_io_control(
    call: &Call,
    code: ULONG,
    device: PDEVICE_OBJECT,
    input: PVOID,
    input_bytes: ULONG,
    output: PVOID,
    output_bytes: ULONG,
    internal: BOOLEAN,
    event: PKEVENT,
    iosb: PIO_STATUS_BLOCK,
) -> PIRP {
    let stack_size = super::device::object(call, device).StackSize;
    // SAFETY: it takes no pointer of the driver.
    let irp = unsafe { allocate(call, stack_size, FALSE) };
    if irp.is_null() {
        return irp;
    }
    // SAFETY: a fresh IRP; the caller's event and status block outlive the request, as documented.
    // METHOD_BUFFERED is modelled with the caller's own buffer: input and output must be one.
    unsafe {
        let next = &mut *crate::ddi::inline::IoGetNextIrpStackLocation(irp);
        next.MajorFunction =
            if internal == FALSE { IRP_MJ_DEVICE_CONTROL } else { IRP_MJ_INTERNAL_DEVICE_CONTROL } as UCHAR;
        next.Parameters.DeviceIoControl = IO_STACK_LOCATION_Parameters_DeviceIoControl {
            OutputBufferLength: output_bytes,
            __bindgen_padding_0: 0,
            InputBufferLength: input_bytes,
            __bindgen_padding_1: 0,
            IoControlCode: code,
            Type3InputBuffer: input,
        };
        (*irp).AssociatedIrp.SystemBuffer = if output.is_null() { input } else { output };
        (*irp).UserEvent = event;
        (*irp).UserIosb = iosb;
        note_of(irp, &*irp).builder = builder::SYNCHRONOUS;
    }
    irp
}

pub(crate) unsafe fn call_driver(call: &Call, device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let i = object(call, irp);
    let machine = call.cpu.machine();
    let shown = || machine.machine_address(irp as usize);
    let irql = call.cpu.irql();
    if irql > Irql::DISPATCH {
        call.bug_check(
            IO_VERIFIER,
            [0x10, u64::from(irql.0), 0, 0],
            format!("IoCallDriver called at {irql}"),
        );
    }
    if i.CurrentLocation <= 1 {
        call.bug_check(
            NO_MORE_IRP_STACK_LOCATIONS,
            [shown(), 0, 0, 0],
            "IoCallDriver with no stack location left",
        );
    }
    if i.CancelRoutine.is_some() {
        call.bug_check(IO_VERIFIER, [0x203, 0, shown(), 0], "IoCallDriver with the cancel routine still set");
    }
    if note_of(irp, i).refused != 0 {
        passed_on_after_refusal(call, device, irp, i);
    }
    call.cpu.meets(irp as usize);
    let d = super::device::object(call, device);
    let is_first = is_of_pnp(irp, i) && pnp_checks::passed_on(call, irp, i, device);
    i.CurrentLocation -= 1;
    // SAFETY: the location below the current one is in the IRP's block: more than one is left.
    let location = unsafe {
        let current = &mut i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
        *current = current.sub(1);
        &mut **current
    };
    location.DeviceObject = device;
    let visit = pending::begins(call, irp, location);
    // SAFETY: the driver object outlives its devices.
    let routines = unsafe { &(*d.DriverObject).MajorFunction };
    let Some(Some(dispatch)) = routines.get(usize::from(location.MajorFunction)) else {
        call.bad_pointer(0, "the dispatch routine");
    };
    let args = [Arg::Pointer(device as usize), Arg::Pointer(irp as usize)];
    let frame = Frame::new(&DISPATCH, &args).about(Item::Irp(irp as usize));
    call.handed_on(Item::Irp(irp as usize), Owner::Driver);
    // SAFETY: the routine is the driver's own, called as documented.
    let status = callback(call.cpu, &frame, || unsafe { dispatch.go((device, irp)) });
    let after = call.cpu.irql();
    if after != irql {
        let shown = machine.machine_address(device as usize);
        let what = format!("a dispatch routine was called at {irql} and returned at {after}");
        let parameters = [0x05, shown, u64::from(irql.0), u64::from(after.0)];
        call.bug_check_after(IO_VERIFIER, parameters, what, call.cpu.irql_left_by(&frame));
    }
    pending::returned(call, irp, visit, status);
    if is_first {
        pnp_checks::returned(call, irp, status);
    }
    status
}

/// The IRP must be one; otherwise nothing is done.
pub(crate) unsafe fn start_next_power(call: &Call, irp: PIRP) {
    object(call, irp);
}

pub(crate) unsafe fn complete(call: &Call, irp: PIRP, _boost: CCHAR) {
    let i = object(call, irp);
    let machine = call.cpu.machine();
    let shown = || machine.machine_address(irp as usize);
    let irql = call.cpu.irql();
    if note_of(irp, i).state != state::ALIVE || i.CurrentLocation > i.StackCount + 1 {
        call.bug_check_after(
            MULTIPLE_IRP_COMPLETE_REQUESTS,
            [shown(), 0, 0, 0],
            "IoCompleteRequest for an IRP that is already complete",
            completed_before(call, irp),
        );
    }
    if irql > Irql::DISPATCH {
        call.bug_check(
            IO_VERIFIER,
            [0x0E, u64::from(irql.0), shown(), 0],
            format!("IoCompleteRequest called at {irql}"),
        );
    }
    if i.IoStatus.Status() == STATUS_PENDING {
        call.bug_check(
            IO_VERIFIER,
            [0x06, STATUS_PENDING as u64, shown(), 0],
            "IoCompleteRequest with STATUS_PENDING in the IRP",
        );
    }
    if i.CancelRoutine.is_some() {
        call.bug_check(
            IO_VERIFIER,
            [0x07, 0, shown(), 0],
            "IoCompleteRequest with the cancel routine still set",
        );
    }
    // The builder of a synchronous request may complete it to the end itself; any other IRP ends with its
    // maker's completion routine, which frees it or sends it again. Windows goes on here and corrupts what
    // the IRP has become.
    if i.CurrentLocation > i.StackCount && note_of(irp, i).builder != builder::SYNCHRONOUS {
        call.bug_check_after(
            MULTIPLE_IRP_COMPLETE_REQUESTS,
            [shown(), 0, 0, 0],
            "IoCompleteRequest for an IRP that has come back to its maker: it was completed before",
            completed_before(call, irp),
        );
    }
    call.cpu.meets(irp as usize);
    if is_of_pnp(irp, i) {
        pnp_checks::completed(call, irp, i);
    }
    if call.hooks() & (flag::MOVED | flag::DETERMINISTIC) != 0 {
        is_completed(call, irp);
    }
    let is_pnp = is_of_pnp(irp, i);
    let mut pended_below = false;
    while i.CurrentLocation <= i.StackCount {
        // SAFETY: the IRP's block has the current location; its address is looked at only.
        let at = unsafe { i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
        pending::passes(call, irp, at, pended_below);
        // SAFETY: the current location is in the IRP's block while the count says so.
        let location = unsafe { *at };
        pended_below = location.Control & SL_PENDING_RETURNED != 0;
        i.CurrentLocation += 1;
        // SAFETY: the block has one location more than the stack.
        let above = unsafe {
            let current = &mut i.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
            *current = current.add(1);
            *current
        };
        i.PendingReturned = BOOLEAN::from(location.Control & SL_PENDING_RETURNED != 0);
        match location.CompletionRoutine.filter(|_| invoked(&location, i)) {
            Some(routine) => {
                let is_top = i.CurrentLocation > i.StackCount;
                // SAFETY: `above` points into the block.
                let device = if is_top { null_mut() } else { unsafe { (*above).DeviceObject } };
                let args = [
                    Arg::Pointer(device as usize),
                    Arg::Pointer(irp as usize),
                    Arg::Pointer(location.Context as usize),
                ];
                let frame = Frame::new(&IO_COMPLETION, &args).about(Item::Irp(irp as usize));
                // SAFETY: the routine is the driver's own, called as documented.
                let status =
                    callback(call.cpu, &frame, || unsafe { routine.go((device, irp, location.Context)) });
                let after = call.cpu.irql();
                if after != irql {
                    let what = format!("a completion routine was called at {irql} and returned at {after}");
                    let parameters = [0xFA, 0, u64::from(irql.0), u64::from(after.0)];
                    call.bug_check_after(VERIFIER, parameters, what, call.cpu.irql_left_by(&frame));
                }
                if status == STATUS_MORE_PROCESSING_REQUIRED {
                    if is_pnp && !is_top {
                        pnp_checks::kept(call, irp);
                    }
                    return;
                }
                if !is_there(call, irp) {
                    freed_by_completion_routine(call, irp);
                }
            }
            None if i.PendingReturned != FALSE && i.CurrentLocation <= i.StackCount => {
                // SAFETY: the block has one location more than the stack.
                unsafe { (*above).Control |= SL_PENDING_RETURNED };
            }
            None => {}
        }
    }
    finish(call, irp, i);
}

/// Whether an IRP's memory is still an IRP.
fn is_there(call: &Call, irp: PIRP) -> bool {
    // SAFETY: memory of the machine that is accessible, plain data.
    call.machine().is_accessible(irp as usize, size_of::<IRP>()) && unsafe { (*irp).Type } == IO_TYPE_IRP
}

/// Windows goes on with memory that is another owner's by now; the bug check is that of special pool, our
/// choice.
#[cold]
fn freed_by_completion_routine(call: &Call, irp: PIRP) -> ! {
    let machine = call.machine();
    let shown = machine.machine_address(irp as usize);
    let what = format!(
        "IRP {} was freed by a completion routine that did not return STATUS_MORE_PROCESSING_REQUIRED: the I/O \
         manager goes on with it",
        crate::report_address(shown)
    );
    let earlier = machine.freed_before(irp as usize);
    call.bug_check_after(DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, [shown, 0, 0, 0], what, earlier);
}

/// The IRP is completed in this call: notes it, and tells those who watch.
#[cold]
fn is_completed(call: &Call, irp: PIRP) {
    if call.is_deterministic() {
        call.cpu.machine().io.completions.note(irp as usize, Mark::of(call));
    }
    call.handed_on(Item::Irp(irp as usize), Owner::System);
}

/// The IRP is new, or ready for another trip: a completion before is none of this trip.
#[cold]
fn is_uncompleted(call: &Call, irp: PIRP) {
    call.cpu.machine().io.completions.forget(irp as usize);
}

/// When the IRP was completed before, since it was made or made ready for another trip; as far as that is
/// known.
fn completed_before(call: &Call, irp: PIRP) -> Vec<Moment> {
    let machine = call.cpu.machine();
    let mark = machine.io.completions.get(irp as usize);
    mark.map(|mark| mark.moment(machine, "completed before")).into_iter().collect()
}

/// Whether the outcome is one the routine was registered for.
fn invoked(location: &IO_STACK_LOCATION, irp: &IRP) -> bool {
    let control = location.Control;
    (NT_SUCCESS(irp.IoStatus.Status()) && control & SL_INVOKE_ON_SUCCESS != 0)
        || (!NT_SUCCESS(irp.IoStatus.Status()) && control & SL_INVOKE_ON_ERROR != 0)
        || (irp.Cancel != FALSE && control & SL_INVOKE_ON_CANCEL != 0)
}

/// The request has passed its last stack location. On Windows a synchronous request ends in an APC
/// of the requesting thread; here its status is copied and its event set at once.
fn finish(call: &Call, irp: PIRP, i: &mut IRP) {
    let note = note_of(irp, i);
    note.state = state::COMPLETED;
    if note.builder != builder::SYNCHRONOUS {
        return;
    }
    if !i.UserIosb.is_null() {
        call.check_output(i.UserIosb);
        // SAFETY: `check_output` found room for the status block in mapped memory, aligned.
        unsafe { *i.UserIosb = i.IoStatus };
    }
    let event = i.UserEvent;
    // SAFETY: the I/O manager owns a completed synchronous IRP.
    unsafe { free(call, irp) };
    if !event.is_null() {
        let machine = call.cpu.machine();
        call.check_output(event);
        let mut kernel = machine.kernel.lock();
        machine.signal(&mut kernel, event as usize);
    }
}

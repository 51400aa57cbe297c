//! Routines that the WDK headers define as macros or inline functions.
//!
//! They work on the caller's own structures and are part of the caller on Windows too, so they have
//! no hook, no scheduling point, and no check beyond what is written here.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(clippy::missing_safety_doc, reason = "each takes pointers to live structures, as in C")]

use super::types::*;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::SeqCst, fence};

/// A link of a list. Where a driver's list is damaged this is a fault of the driver's. An access that the
/// compiler makes itself would be looked at first in a build with debug assertions, and a NULL link would end
/// the process.
unsafe fn link(Link: *const PLIST_ENTRY) -> &'static AtomicPtr<LIST_ENTRY> {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { AtomicPtr::from_ptr(Link.cast_mut()) }
}

unsafe fn next(Entry: *const LIST_ENTRY) -> &'static AtomicPtr<LIST_ENTRY> {
    // SAFETY: as above; the field is not accessed here.
    unsafe { link(&raw const (*Entry).Flink) }
}

unsafe fn previous(Entry: *const LIST_ENTRY) -> &'static AtomicPtr<LIST_ENTRY> {
    // SAFETY: as above; the field is not accessed here.
    unsafe { link(&raw const (*Entry).Blink) }
}

/// Makes a list head empty.
pub unsafe fn InitializeListHead(ListHead: PLIST_ENTRY) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        next(ListHead).store(ListHead, Relaxed);
        previous(ListHead).store(ListHead, Relaxed);
    }
}

/// Whether a list is empty.
#[must_use]
pub unsafe fn IsListEmpty(ListHead: *const LIST_ENTRY) -> bool {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { std::ptr::eq(next(ListHead).load(Relaxed), ListHead) }
}

/// Appends an entry.
pub unsafe fn InsertTailList(ListHead: PLIST_ENTRY, Entry: PLIST_ENTRY) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let last = previous(ListHead).load(Relaxed);
        next(Entry).store(ListHead, Relaxed);
        previous(Entry).store(last, Relaxed);
        next(last).store(Entry, Relaxed);
        previous(ListHead).store(Entry, Relaxed);
    }
}

/// Prepends an entry.
pub unsafe fn InsertHeadList(ListHead: PLIST_ENTRY, Entry: PLIST_ENTRY) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let first = next(ListHead).load(Relaxed);
        next(Entry).store(first, Relaxed);
        previous(Entry).store(ListHead, Relaxed);
        previous(first).store(Entry, Relaxed);
        next(ListHead).store(Entry, Relaxed);
    }
}

/// Takes an entry out; returns whether the list is empty then.
pub unsafe fn RemoveEntryList(Entry: PLIST_ENTRY) -> bool {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let (after, before) = (next(Entry).load(Relaxed), previous(Entry).load(Relaxed));
        next(before).store(after, Relaxed);
        previous(after).store(before, Relaxed);
        after == before
    }
}

/// Takes the first entry out.
pub unsafe fn RemoveHeadList(ListHead: PLIST_ENTRY) -> PLIST_ENTRY {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let entry = next(ListHead).load(Relaxed);
        RemoveEntryList(entry);
        entry
    }
}

/// Takes the last entry out.
pub unsafe fn RemoveTailList(ListHead: PLIST_ENTRY) -> PLIST_ENTRY {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let entry = previous(ListHead).load(Relaxed);
        RemoveEntryList(entry);
        entry
    }
}

/// Orders all accesses before it and all after it.
pub fn KeMemoryBarrier() {
    fence(SeqCst);
}

/// The structure of type `$ty` whose field `$field` lies at `$address`.
#[macro_export]
macro_rules! CONTAINING_RECORD {
    ($address:expr, $ty:ty, $($field:tt)+) => {
        ($address).cast::<u8>().wrapping_sub(::std::mem::offset_of!($ty, $($field)+)).cast::<$ty>()
    };
}

/// The present driver's stack location.
#[must_use]
pub unsafe fn IoGetCurrentIrpStackLocation(Irp: PIRP) -> PIO_STACK_LOCATION {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { (*Irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation }
}

/// The next lower driver's stack location.
#[must_use]
pub unsafe fn IoGetNextIrpStackLocation(Irp: PIRP) -> PIO_STACK_LOCATION {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { IoGetCurrentIrpStackLocation(Irp).sub(1) }
}

/// Marks the request as to be completed later; the dispatch routine then returns STATUS_PENDING.
pub unsafe fn IoMarkIrpPending(Irp: PIRP) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { (*IoGetCurrentIrpStackLocation(Irp)).Control |= SL_PENDING_RETURNED }
}

/// Copies the present stack location to the next lower one, without the completion routine.
pub unsafe fn IoCopyCurrentIrpStackLocationToNext(Irp: PIRP) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let next = IoGetNextIrpStackLocation(Irp);
        *next = *IoGetCurrentIrpStackLocation(Irp);
        (*next).CompletionRoutine = None;
        (*next).Context = std::ptr::null_mut();
        (*next).Control = 0;
    }
}

/// Makes the next stack location the current one: for a driver that uses its own request's location.
pub unsafe fn IoSetNextIrpStackLocation(Irp: PIRP) {
    // SAFETY: a live IRP with a location left, as in C.
    unsafe {
        (*Irp).CurrentLocation -= 1;
        let current = &raw mut (*Irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
        *current = (*current).sub(1);
    }
}

/// Lets the next lower driver use the present stack location.
pub unsafe fn IoSkipCurrentIrpStackLocation(Irp: PIRP) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        (*Irp).CurrentLocation += 1;
        let current = &mut (*Irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
        *current = current.add(1);
    }
}

/// Sets the routine to be called when lower drivers have completed the request.
pub unsafe fn IoSetCompletionRoutine(
    Irp: PIRP,
    CompletionRoutine: PIO_COMPLETION_ROUTINE,
    Context: PVOID,
    InvokeOnSuccess: bool,
    InvokeOnError: bool,
    InvokeOnCancel: bool,
) {
    let flag = |on: bool, bit: UCHAR| if on { bit } else { 0 };
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        let next = IoGetNextIrpStackLocation(Irp);
        (*next).CompletionRoutine = CompletionRoutine;
        (*next).Context = Context;
        (*next).Control = flag(InvokeOnSuccess, SL_INVOKE_ON_SUCCESS)
            | flag(InvokeOnError, SL_INVOKE_ON_ERROR)
            | flag(InvokeOnCancel, SL_INVOKE_ON_CANCEL);
    }
}

/// Bytes an MDL describes.
#[must_use]
pub unsafe fn MmGetMdlByteCount(Mdl: PMDL) -> ULONG {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { (*Mdl).ByteCount }
}

/// Offset of the buffer in its first page.
#[must_use]
pub unsafe fn MmGetMdlByteOffset(Mdl: PMDL) -> ULONG {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { (*Mdl).ByteOffset }
}

/// The address the buffer had when the MDL was built.
#[must_use]
pub unsafe fn MmGetMdlVirtualAddress(Mdl: PMDL) -> PVOID {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { (*Mdl).StartVa.byte_add((*Mdl).ByteOffset as usize) }
}

/// Copies bytes that do not overlap.
pub unsafe fn RtlCopyMemory(Destination: PVOID, Source: *const std::ffi::c_void, Length: SIZE_T) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { std::ptr::copy_nonoverlapping(Source.cast::<u8>(), Destination.cast::<u8>(), Length) }
}

/// Fills memory with zero.
pub unsafe fn RtlZeroMemory(Destination: PVOID, Length: SIZE_T) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { std::ptr::write_bytes(Destination.cast::<u8>(), 0, Length) }
}

/// Initializes the DPC object of a device for use by its interrupt service routine.
#[track_caller]
pub unsafe fn IoInitializeDpcRequest(DeviceObject: PDEVICE_OBJECT, DpcRoutine: PIO_DPC_ROUTINE) {
    // SAFETY: both are optional function pointers of one ABI whose parameters are all pointers; the
    // DPC is queued by IoRequestDpc only, with a device object and an IRP in the right places.
    let routine = unsafe { std::mem::transmute::<PIO_DPC_ROUTINE, PKDEFERRED_ROUTINE>(DpcRoutine) };
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { super::KeInitializeDpc(&raw mut (*DeviceObject).Dpc, routine, DeviceObject.cast()) }
}

/// Queues the device's DPC from its interrupt service routine.
#[track_caller]
pub unsafe fn IoRequestDpc(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID) {
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe { super::KeInsertQueueDpc(&raw mut (*DeviceObject).Dpc, Irp.cast(), Context) };
}

/// Makes a string of characters that end with a zero, where they are.
pub unsafe fn RtlInitUnicodeString(DestinationString: PUNICODE_STRING, SourceString: *mut u16) {
    let mut Units = 0u16;
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        while !SourceString.is_null() && *SourceString.add(usize::from(Units)) != 0 {
            Units += 1;
        }
        let MaximumLength = if SourceString.is_null() { 0 } else { 2 * Units + 2 };
        *DestinationString = UNICODE_STRING { Length: 2 * Units, MaximumLength, Buffer: SourceString };
    }
}

/// Fills in what names an object.
pub unsafe fn InitializeObjectAttributes(
    InitializedAttributes: POBJECT_ATTRIBUTES,
    ObjectName: PUNICODE_STRING,
    Attributes: ULONG,
    RootDirectory: HANDLE,
    SecurityDescriptor: PVOID,
) {
    let Length = size_of::<OBJECT_ATTRIBUTES>() as ULONG;
    // SAFETY: the caller's structures are live and its own, as in C.
    unsafe {
        *InitializedAttributes = OBJECT_ATTRIBUTES {
            Length,
            RootDirectory,
            ObjectName,
            Attributes,
            SecurityDescriptor,
            SecurityQualityOfService: std::ptr::null_mut(),
        };
    }
}

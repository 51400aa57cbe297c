//! `r27`: the error path of a creation leaks a number, and frees memory with a live lock in it.
//!
//! **What the driver does.** A service request creates a connection, and the next one deletes it. A creation
//! takes a number from a bitmap, allocates the connection, initialises the resource in it (an ERESOURCE),
//! puts it into a list, and allocates a buffer for INQUIRY data.
//!
//! **What goes wrong.** (1) The connection is inserted in the list of connections. (2) There is no memory
//! for the buffer. (3) The error path frees the connection, without unlinking it and without deleting the
//! resource, which is in the kernel's list of resources. It does not give the number back either: after as
//! many failures as there are numbers, no connection can be made. (4) The next service request finds a
//! connection in the list and deletes it: it frees what has been freed.
//!
//! **What Windows does.** Bug check 0x19, 0xC2 or 0xD1, in the list or in the pool; and the list of resources
//! leads into freed memory. Driver Verifier: 0xC4, parameter 0xD2, when the connection is freed.
//!
//! **The fix.** `r27-fixed` undoes what was done, in the reverse order, and gives the number back.
//!
//! **Found by** DRIVER_VERIFIER_DETECTED_VIOLATION (0xD2) when the connection is freed with its resource
//! live, with `--fault allocation:p=0.5,when=io`.
//!
//! **Source.** wnbd (cloudbase/wnbd), commits 16fdc13 of 2020-06-23, found by Driver Verifier, and 8a7826b of
//! 2023-01-10.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Conn");
/// Numbers there are.
const NUMBERS: ULONG = 8;
const INQUIRY_BYTES: SIZE_T = 96;

#[repr(C)]
struct CONNECTION {
    ListEntry: LIST_ENTRY,
    Number: ULONG,
    Resource: ERESOURCE,
    InquiryData: PVOID,
}

pub(super) struct MORE {
    /// Guarded by the lock, as the numbers are.
    Connections: LIST_ENTRY,
    /// A bit for each number that is taken.
    Numbers: ULONG,
}

/// A number that was free; NUMBERS if none was.
unsafe fn TakeNumber<F: Form<More = MORE>>(Adapter: PADAPTER) -> ULONG {
    let Taken = &raw mut (*More::<F>(Adapter)).Numbers;
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let Number = (0..NUMBERS).find(|Number| *Taken & 1 << Number == 0).unwrap_or(NUMBERS);
    if Number < NUMBERS {
        *Taken |= 1 << Number;
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Number
}

unsafe fn GiveNumberBack<F: Form<More = MORE>>(Adapter: PADAPTER, Number: ULONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    (*More::<F>(Adapter)).Numbers &= !(1 << Number);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// Inserts a connection in the list.
unsafe fn Insert<F: Form<More = MORE>>(Adapter: PADAPTER, Connection: *mut CONNECTION) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    InsertTailList(&raw mut (*More::<F>(Adapter)).Connections, &raw mut (*Connection).ListEntry);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// Takes the oldest connection out of the list; NULL if there is none.
unsafe fn Remove<F: Form<More = MORE>>(Adapter: PADAPTER) -> *mut CONNECTION {
    let Connections = &raw mut (*More::<F>(Adapter)).Connections;
    let (mut Irql, mut Connection): (KIRQL, *mut CONNECTION) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    if !IsListEmpty(Connections) {
        Connection = RemoveHeadList(Connections).cast();
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Connection
}

unsafe fn Delete<F: Form<More = MORE>>(Adapter: PADAPTER, Connection: *mut CONNECTION) {
    ExFreePoolWithTag((*Connection).InquiryData, TAG);
    ExDeleteResourceLite(&raw mut (*Connection).Resource);
    GiveNumberBack::<F>(Adapter, (*Connection).Number);
    ExFreePoolWithTag(Connection.cast(), TAG);
}

pub(super) struct Buggy;

impl Buggy {
    unsafe fn Create(Adapter: PADAPTER) {
        let Number = TakeNumber::<Self>(Adapter);
        if Number == NUMBERS {
            return;
        }
        let Connection: *mut CONNECTION =
            ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<CONNECTION>(), TAG).cast();
        if Connection.is_null() {
            return; // Wrong: the number is lost.
        }
        (*Connection).Number = Number;
        ExInitializeResourceLite(&raw mut (*Connection).Resource);
        Insert::<Self>(Adapter, Connection);
        (*Connection).InquiryData = ExAllocatePool2(POOL_FLAG_NON_PAGED, INQUIRY_BYTES, TAG);
        if (*Connection).InquiryData.is_null() {
            ExFreePoolWithTag(Connection.cast(), TAG); // Wrong: it is in the list, and its resource is live.
        }
    }
}

pub(super) struct Fixed;

impl Fixed {
    unsafe fn Create(Adapter: PADAPTER) {
        let Number = TakeNumber::<Self>(Adapter);
        if Number == NUMBERS {
            return;
        }
        let Connection: *mut CONNECTION =
            ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<CONNECTION>(), TAG).cast();
        if Connection.is_null() {
            GiveNumberBack::<Self>(Adapter, Number);
            return;
        }
        (*Connection).Number = Number;
        ExInitializeResourceLite(&raw mut (*Connection).Resource);
        (*Connection).InquiryData = ExAllocatePool2(POOL_FLAG_NON_PAGED, INQUIRY_BYTES, TAG);
        if (*Connection).InquiryData.is_null() {
            ExDeleteResourceLite(&raw mut (*Connection).Resource);
            ExFreePoolWithTag(Connection.cast(), TAG);
            GiveNumberBack::<Self>(Adapter, Number);
            return;
        }
        Insert::<Self>(Adapter, Connection);
    }
}

/// What the two have in common.
macro_rules! with_connections {
    ($($form:ty)+) => {$(
        impl Form for $form {
            type More = MORE;
            const TAKES_SERVICE: bool = true;

            unsafe fn Initialize(Adapter: PADAPTER) {
                InitializeListHead(&raw mut (*More::<Self>(Adapter)).Connections);
            }

            unsafe fn ServiceRequest(Adapter: PADAPTER, Irp: PIRP) {
                let Connection = Remove::<Self>(Adapter);
                if Connection.is_null() {
                    <$form>::Create(Adapter);
                } else {
                    Delete::<Self>(Adapter, Connection);
                }
                (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
                StorPortCompleteServiceIrp(Adapter.cast(), Irp);
            }

            unsafe fn Free(Adapter: PADAPTER) {
                // Two service requests at once may both have made one.
                loop {
                    let Connection = Remove::<Self>(Adapter);
                    if Connection.is_null() {
                        break;
                    }
                    Delete::<Self>(Adapter, Connection);
                }
            }
        }
    )+};
}

with_connections! { Buggy Fixed }

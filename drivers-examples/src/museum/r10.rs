//! `r10`: a name in paged pool is copied at DISPATCH_LEVEL.
//!
//! **What the driver does.** Its volume has a name, which a routine of the run-time library has converted
//! when the adapter was found; the result is in paged pool. With each command that it executes itself it
//! notes the name in a record of what happened last.
//!
//! **What goes wrong.** (1) The system needs memory and writes the page out on which the name is. (2) A
//! command comes, at DISPATCH_LEVEL. (3) The driver copies the name: the page has to be read in, for which
//! the processor would have to wait, and at this level it cannot.
//!
//! **What Windows does.** Bug check 0xD1 or 0xA, on machines that are short of memory. Driver Verifier's
//! "force IRQL checking" takes paged memory away whenever the IRQL is raised, so that it happens at once.
//!
//! **The fix.** `r10-fixed` has the name in nonpaged pool.
//!
//! **Found by** DRIVER_IRQL_NOT_LESS_OR_EQUAL, in a run with guarded memory, where paged pool is not there at
//! raised IRQL.
//!
//! **Source.** OpenZFS for Windows (openzfsonwindows/openzfs), commit 5e7e0135a of 2024-09-04.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

const TAG: ULONG = u32::from_le_bytes(*b"Name");
const NAME: [UCHAR; 16] = *b"tank/volumes/vol";

pub(super) struct MORE {
    /// The volume's name; NULL: there was no memory for it.
    Name: *mut [UCHAR; NAME.len()],
    /// What happened last: the name of the volume, and the command.
    LastName: [UCHAR; NAME.len()],
    LastCommand: UCHAR,
}

/// Makes the name, in pool of that kind.
unsafe fn MakeName<F: Form<More = MORE>>(Adapter: PADAPTER, Flags: POOL_FLAGS) {
    let Name: *mut [UCHAR; NAME.len()] = ExAllocatePool2(Flags, NAME.len(), TAG).cast();

    if !Name.is_null() {
        *Name = NAME;
    }
    (*More::<F>(Adapter)).Name = Name;
}

/// Notes what happened.
unsafe fn Note<F: Form<More = MORE>>(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
    let More = More::<F>(Adapter);

    (*More).LastCommand = (*Srb).Cdb[0];
    if !(*More).Name.is_null() {
        (&raw mut (*More).LastName).write_volatile((*More).Name.read_volatile());
    }
}

unsafe fn FreeName<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let Name = (*More::<F>(Adapter)).Name;

    if !Name.is_null() {
        ExFreePoolWithTag(Name.cast(), TAG);
    }
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Adapter: PADAPTER) {
        MakeName::<Self>(Adapter, POOL_FLAG_PAGED); // Wrong: it is read at DISPATCH_LEVEL.
    }

    unsafe fn Free(Adapter: PADAPTER) {
        FreeName::<Self>(Adapter);
    }

    unsafe fn Executed(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        Note::<Self>(Adapter, Srb);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Adapter: PADAPTER) {
        MakeName::<Self>(Adapter, POOL_FLAG_NON_PAGED);
    }

    unsafe fn Free(Adapter: PADAPTER) {
        FreeName::<Self>(Adapter);
    }

    unsafe fn Executed(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        Note::<Self>(Adapter, Srb);
    }
}

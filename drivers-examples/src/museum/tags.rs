//! A miniport with hardware that gives its requests tags: for the pairs about what queue and DPC share.
//!
//! Each request of a ring takes a tag, a place in the ring's table of requests; what takes a chain out of
//! the ring finds the request by its tag and gives the tag back. Free tags are a list through the table.
//! Invariant: **with the lock of its ring held around both, a tag is one request's**.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi;
use crate::vioscsi::bring_up::bring_up;
use crate::vioscsi::complete::{answered, complete};
use crate::vioscsi::initialize::{make_dpcs, start};
use crate::vioscsi::interrupt::{HwMSInterruptRoutine, ask_for_dpc};
use crate::vioscsi::request::ring_for;
use crate::vioscsi::reset::{stop, with_all_rings};
use crate::vioscsi::ring_lock::{lock, notify, unlock};
use crate::vioscsi::virtio::Descriptor;
use crate::vioscsi::virtio::F_RING_INDIRECT_DESC;
use crate::vioscsi::virtio_scsi::{CONTROL_RING, EVENT_RING, S_FUNCTION_SUCCEEDED, S_OK};
use std::marker::PhantomData;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::slice::from_raw_parts;
use std::sync::atomic::Ordering::SeqCst;

/// Tags of a queue: requests that it has at most.
const TAGS: usize = 32;
/// No tag: the end of the list.
const NONE: ULONG = ULONG::MAX;

/// A queue's table of requests.
struct TABLE {
    /// The first free tag.
    FirstFree: Shared<ULONG>,
    /// The free tag after each, while that is free itself.
    NextFree: [Shared<ULONG>; TAGS],
    /// The request of each, while it is not.
    Srbs: [Shared<PVOID>; TAGS],
}

pub(super) struct MORE {
    Tables: [TABLE; RINGS_MAX],
}

impl TABLE {
    /// All tags are free.
    unsafe fn Clear(&self) {
        for (Tag, Next) in self.NextFree.iter().enumerate() {
            Next.set(if Tag + 1 < TAGS { Tag as ULONG + 1 } else { NONE });
        }
        self.FirstFree.set(0);
    }

    /// Takes a tag for a request; NONE if none is free.
    unsafe fn Take(&self, Srb: PVOID) -> ULONG {
        let Tag = self.FirstFree.get();
        if Tag != NONE {
            self.FirstFree.set(self.NextFree[Tag as usize].get());
            self.Srbs[Tag as usize].set(Srb);
        }
        Tag
    }

    /// Gives a tag back; the request that had it.
    unsafe fn GiveBack(&self, Tag: ULONG) -> PVOID {
        let Srb = self.Srbs[Tag as usize].get();
        self.NextFree[Tag as usize].set(self.FirstFree.get());
        self.FirstFree.set(Tag);
        Srb
    }
}

/// What the two forms of a pair differ in.
pub(super) trait Ways: 'static {
    /// Rings for requests, if there are so many.
    const RINGS: u32 = u32::MAX;

    /// Whether the lock of a ring is taken, to start requests and in the DPC.
    unsafe fn IsLocked(_Extension: *mut AdapterExtension) -> bool {
        true
    }

    /// Whether InterruptLock is the lock of a ring, and not that of its DPC.
    const LOCKS_INTERRUPTS: bool = false;

    /// Bytes of the SRB extension.
    const SRB_EXTENSION_BYTES: usize = size_of::<SrbExtension>();

    /// Whether requests are completed in the interrupt routine, without a DPC.
    unsafe fn CompletesInInterrupt(_Extension: *mut AdapterExtension) -> bool {
        false
    }

    /// A request was built. HwStorBuildIo.
    unsafe fn Built(_DeviceExtension: PVOID, _Srb: PVOID) {}

    /// The descriptors of a request, and where the device finds them.
    unsafe fn Descriptors<'a>(Srb: PVOID) -> (&'a [Descriptor], u64) {
        let SrbExtension = srb_extension(Srb);
        let First = (&raw const (*SrbExtension).table).cast();
        (from_raw_parts(First, (*SrbExtension).count as usize), (*SrbExtension).physical)
    }

    /// A request that was built is about to be completed.
    unsafe fn Completing(_DeviceExtension: PVOID, _Srb: PVOID) {}
}

/// The driver, in one of the two ways.
pub(super) struct Tagged<L>(PhantomData<L>);

impl<L: Ways> Form for Tagged<L> {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwFindAdapter = Some(Self::HwFindAdapter);
        Data.HwInitialize = Some(Self::HwInitialize);
        Data.HwBuildIo = Some(Self::HwBuildIo);
        Data.HwStartIo = Some(Self::HwStartIo);
        Data.HwInterrupt = Some(Self::HwInterrupt);
        Data.SrbExtensionSize = L::SRB_EXTENSION_BYTES as ULONG;
        Data.HwResetBus = Some(Self::HwResetBus);
        Data.HwAdapterControl = Some(Self::HwAdapterControl);
    }
}

/// The number that a chain in a ring has for its owner.
fn OwnerOf(Tag: ULONG) -> PVOID {
    (Tag as usize + 1) as PVOID
}

fn TagOf(Owner: PVOID) -> ULONG {
    (Owner as usize - 1) as ULONG
}

impl<L: Ways> Tagged<L> {
    unsafe fn Table(DeviceExtension: PVOID, Ring: usize) -> *mut TABLE {
        (&raw mut (*More::<Self>(DeviceExtension)).Tables).cast::<TABLE>().add(Ring)
    }

    unsafe extern "C-unwind" fn HwFindAdapter(
        DeviceExtension: PVOID,
        HwContext: PVOID,
        BusInformation: PVOID,
        ArgumentString: PCHAR,
        ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
        Again: PBOOLEAN,
    ) -> ULONG {
        let Found = vioscsi::find::HwFindAdapter(
            DeviceExtension,
            HwContext,
            BusInformation,
            ArgumentString,
            ConfigInfo,
            Again,
        );
        let Extension: *mut AdapterExtension = DeviceExtension.cast();
        let Laid = (*Extension).rings_laid_out - FIRST_REQUEST_RING as u32;
        (*Extension).rings_laid_out = FIRST_REQUEST_RING as u32 + Laid.min(L::RINGS);
        (*ConfigInfo).HwMSInterruptRoutine = Some(Self::HwMSInterruptRoutine);
        Found
    }

    /// The line: there is one ring for requests.
    unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        if !L::CompletesInInterrupt(Extension) {
            return vioscsi::interrupt::HwInterrupt(DeviceExtension);
        }
        let Status = (*Extension).registers.interrupt_status(DeviceExtension);
        if (*Extension).interrupts != Interrupts::Line || Status == 0 || Status == UCHAR::MAX {
            return FALSE;
        }
        Self::TakeRequests(DeviceExtension, FIRST_REQUEST_RING);
        ask_for_dpc(DeviceExtension, Extension, CONTROL_RING);
        ask_for_dpc(DeviceExtension, Extension, EVENT_RING);
        TRUE
    }

    /// Takes the lock of a ring, if it has one.
    unsafe fn Lock(DeviceExtension: PVOID, n: usize, Handle: &mut STOR_LOCK_HANDLE) -> bool {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();
        let IsLocked = L::IsLocked(Extension);

        if IsLocked && L::LOCKS_INTERRUPTS {
            StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), Handle);
        } else if IsLocked {
            lock(DeviceExtension, Extension, n, Handle);
        }
        IsLocked
    }

    unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        let GoesOn = vioscsi::request::HwBuildIo(DeviceExtension, Srb);

        if GoesOn != FALSE && SrbGetSrbFunction(Srb.cast()) as UCHAR == SRB_FUNCTION_EXECUTE_SCSI {
            L::Built(DeviceExtension, Srb.cast());
        }
        GoesOn
    }

    unsafe extern "C-unwind" fn HwMSInterruptRoutine(DeviceExtension: PVOID, MessageId: ULONG) -> BOOLEAN {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();
        let n = (MessageId as usize).wrapping_sub(1);

        let IsRequests = (FIRST_REQUEST_RING..(*Extension).rings as usize).contains(&n);
        if IsRequests && L::CompletesInInterrupt(Extension) {
            Self::TakeRequests(DeviceExtension, n);
            return TRUE;
        }
        HwMSInterruptRoutine(DeviceExtension, MessageId)
    }

    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        for Ring in 0..RINGS_MAX {
            (*Self::Table(DeviceExtension, Ring)).Clear();
        }
        start(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        make_dpcs(DeviceExtension, Some(Self::HwDpc));
        TRUE
    }

    unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if SrbGetSrbFunction(Srb.cast()) as UCHAR != SRB_FUNCTION_EXECUTE_SCSI {
            return vioscsi::request::HwStartIo(DeviceExtension, Srb);
        }
        let Ring = ring_for(DeviceExtension, DeviceExtension.cast(), Srb);
        Self::SendSRB(DeviceExtension, Ring, Srb.cast());
        TRUE
    }

    /// Puts a request into a ring, under a tag.
    unsafe fn SendSRB(DeviceExtension: PVOID, n: usize, Srb: PVOID) {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();
        let (Descriptors, Physical) = L::Descriptors(Srb);
        let IsIndirect = (*Extension).features & F_RING_INDIRECT_DESC != 0;
        let Table = Self::Table(DeviceExtension, n);
        let (mut Handle, mut IsIn, mut IsWanted): (STOR_LOCK_HANDLE, bool, bool) = (zeroed(), false, false);

        let IsLocked = Self::Lock(DeviceExtension, n, &mut Handle);
        let IsRunning = (*Extension).state.load(SeqCst) == state::RUNNING;
        let Tag = if IsRunning { (*Table).Take(Srb) } else { NONE };
        if Tag != NONE {
            let Ring = &mut (*Extension).ring[n];
            IsIn = Ring.add(Descriptors, IsIndirect.then_some(Physical), OwnerOf(Tag));
            IsWanted = IsIn && Ring.needs_notification();
            if !IsIn {
                (*Table).GiveBack(Tag);
            }
        }
        if IsLocked {
            unlock(DeviceExtension, &mut Handle);
        }
        if IsWanted {
            notify(DeviceExtension, Extension, n);
        }
        if !IsRunning {
            L::Completing(DeviceExtension, Srb);
            complete(DeviceExtension, Srb, SRB_STATUS_NO_HBA);
        } else if !IsIn {
            L::Completing(DeviceExtension, Srb);
            StorPortBusy(DeviceExtension, TAGS as ULONG / 4);
            complete(DeviceExtension, Srb, SRB_STATUS_BUSY);
        }
    }

    unsafe extern "C-unwind" fn HwDpc(
        Dpc: PSTOR_DPC,
        DeviceExtension: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ) {
        let n = SystemArgument1 as usize;

        if n == CONTROL_RING {
            return Self::TakeAnswers(DeviceExtension);
        }
        if n < FIRST_REQUEST_RING {
            return vioscsi::interrupt::HwDpc(Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
        }
        Self::TakeLocked(DeviceExtension, n);
    }

    unsafe fn TakeLocked(DeviceExtension: PVOID, n: usize) {
        let mut Handle: STOR_LOCK_HANDLE = zeroed();

        let IsLocked = Self::Lock(DeviceExtension, n, &mut Handle);
        Self::TakeRequests(DeviceExtension, n);
        if IsLocked {
            unlock(DeviceExtension, &mut Handle);
        }
    }

    /// Completes task management functions that the device is through with; requests they ended go first.
    unsafe fn TakeAnswers(DeviceExtension: PVOID) {
        let (Extension, mut Handle): (*mut AdapterExtension, STOR_LOCK_HANDLE) =
            (DeviceExtension.cast(), zeroed());

        loop {
            lock(DeviceExtension, Extension, CONTROL_RING, &mut Handle);
            let Taken = (*Extension).ring[CONTROL_RING].take();
            let IsDone = Taken.is_none() && (*Extension).ring[CONTROL_RING].enable_interrupts();
            unlock(DeviceExtension, &mut Handle);
            if let Some(Srb) = Taken {
                for n in FIRST_REQUEST_RING..(*Extension).rings as usize {
                    Self::TakeLocked(DeviceExtension, n);
                }
                let IsGood = matches!((*srb_extension(Srb)).response.response, S_OK | S_FUNCTION_SUCCEEDED);
                complete(DeviceExtension, Srb, if IsGood { SRB_STATUS_SUCCESS } else { SRB_STATUS_ERROR });
            }
            if IsDone {
                return;
            }
        }
    }

    /// Completes what has come back of a ring.
    unsafe fn TakeRequests(DeviceExtension: PVOID, n: usize) {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        loop {
            (*Extension).ring[n].disable_interrupts();
            while let Some(Owner) = (*Extension).ring[n].take() {
                let Srb = (*Self::Table(DeviceExtension, n)).GiveBack(TagOf(Owner));
                L::Completing(DeviceExtension, Srb);
                answered(DeviceExtension, Srb);
            }
            if (*Extension).ring[n].enable_interrupts() {
                break;
            }
        }
    }

    /// Resets the device and ends its requests. All rings are locked.
    unsafe fn Stop(DeviceExtension: PVOID, Status: UCHAR) {
        let (Extension, mut Handle): (*mut AdapterExtension, STOR_LOCK_HANDLE) =
            (DeviceExtension.cast(), zeroed());

        if L::LOCKS_INTERRUPTS {
            StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Handle);
        }
        (*Extension).registers.reset(DeviceExtension);
        for n in FIRST_REQUEST_RING..(*Extension).rings as usize {
            let Table = Self::Table(DeviceExtension, n);
            while let Some(Owner) = (*Extension).ring[n].take() {
                let Srb = (*Table).GiveBack(TagOf(Owner));
                L::Completing(DeviceExtension, Srb);
                answered(DeviceExtension, Srb);
            }
            while let Some(Owner) = (*Extension).ring[n].withdraw() {
                let Srb = (*Table).GiveBack(TagOf(Owner));
                L::Completing(DeviceExtension, Srb);
                complete(DeviceExtension, Srb, Status);
            }
        }
        // What is left is in the other rings.
        stop(DeviceExtension, Extension, Status);
        if L::LOCKS_INTERRUPTS {
            StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
        }
    }

    unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        with_all_rings(DeviceExtension, Extension, || {
            Self::Stop(DeviceExtension, SRB_STATUS_BUS_RESET);
            if (*Extension).state.load(SeqCst) == state::STOPPED && !bring_up(DeviceExtension, Extension) {
                (*Extension).state.store(state::FAILED, SeqCst);
            }
        });
        // An event may have been lost with its ring.
        StorPortNotification(BusChangeDetected, DeviceExtension, 0);
        TRUE
    }

    unsafe extern "C-unwind" fn HwAdapterControl(
        DeviceExtension: PVOID,
        ControlType: SCSI_ADAPTER_CONTROL_TYPE,
        Parameters: PVOID,
    ) -> SCSI_ADAPTER_CONTROL_STATUS {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        if ControlType == ScsiAdapterSurpriseRemoval {
            with_all_rings(DeviceExtension, Extension, || {
                Self::Stop(DeviceExtension, SRB_STATUS_NO_DEVICE);
                (*Extension).state.store(state::FAILED, SeqCst);
            });
            return ScsiAdapterControlSuccess;
        }
        // For a stop no request is outstanding.
        vioscsi::control::HwAdapterControl(DeviceExtension, ControlType, Parameters)
    }
}

//! HwStorPortProhibitedDDIs: a miniport of an adapter with hardware calls Storport only.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::routine::DdiInfo;
use storport_sim::callbacks::MINIPORT;

rule! {
    /// A miniport of an adapter with hardware calls no routine of the kernel in place of Storport's.
    ///
    /// ## What is checked
    /// Each call of a routine on the rule's list, as far as this simulator has it, inside a callback that
    /// Storport makes. Virtual miniports may call them. Interlocked operations and lists, KeInitializeDpc,
    /// ExFreePool and some others are not on the list.
    ///
    /// ## Why it matters
    /// Storport keeps the adapter's interrupt, its queues and its power apart from the kernel's: a miniport
    /// that takes its own locks or waits on its own account gets in their way, and cannot run while a dump is
    /// written, when the kernel's services are gone.
    ///
    /// ## Source
    /// Microsoft, "HwStorPortProhibitedDDIs rule (Storport)": devtest/storport-hwstorportprohibitedddis, with
    /// the newer routines whose pages name the rule.
    HwStorPortProhibitedDDIs: DdiUsage, Rule, on, only Physical,
    why "the kernel's locks, waits and IRPs get in the way of Storport's, and are gone while a dump is written",
    url "devtest/storport-hwstorportprohibitedddis",
    exhibits "hw-stor-port-prohibited-ddis",
    make |_| HwStorPortProhibitedDDIs
}

/// The rule.
struct HwStorPortProhibitedDDIs;

impl Rule for HwStorPortProhibitedDDIs {
    fn interest(&self) -> Interest {
        Interest::enter(PROHIBITED)
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        let Some(frame) = event.frame().filter(|frame| MINIPORT.contains(&frame.kind)) else { return FINE };
        let what = format!("{} called in {}: a miniport may not", ddi.name, frame.kind.name);
        Some(Breach::new(event, what))
    }
}

/// The routines on the list.
static PROHIBITED: &[&DdiInfo] = &[
    &row::ExAcquireFastMutex,
    &row::ExAcquireFastMutexUnsafe,
    &row::ExAcquireResourceExclusiveLite,
    &row::ExAcquireResourceSharedLite,
    &row::ExAcquireRundownProtection,
    &row::ExAllocatePool2,
    &row::ExAllocatePoolWithTag,
    &row::ExDeletePagedLookasideList,
    &row::ExDeleteResourceLite,
    &row::ExInitializePagedLookasideList,
    &row::ExInitializeResourceLite,
    &row::ExIsResourceAcquiredExclusiveLite,
    &row::ExIsResourceAcquiredSharedLite,
    &row::ExReleaseFastMutex,
    &row::ExReleaseFastMutexUnsafe,
    &row::ExReleaseResourceLite,
    &row::ExReleaseRundownProtection,
    &row::ExTryToAcquireFastMutex,
    &row::ExWaitForRundownProtectionRelease,
    &row::IoAcquireCancelSpinLock,
    &row::IoAllocateIrp,
    &row::IoAttachDeviceToDeviceStack,
    &row::IoBuildDeviceIoControlRequest,
    &row::IoCallDriver,
    &row::IoCancelIrp,
    &row::IoCompleteRequest,
    &row::IoConnectInterrupt,
    &row::IoCreateDevice,
    &row::IoDeleteDevice,
    &row::IoDetachDevice,
    &row::IoDisconnectInterrupt,
    &row::IoFreeIrp,
    &row::IoGetAttachedDeviceReference,
    &row::IoReleaseCancelSpinLock,
    &row::IoReuseIrp,
    &row::IoSetCompletionRoutineEx,
    &row::IoSetStartIoAttributes,
    &row::IoStartNextPacket,
    &row::KeAcquireGuardedMutex,
    &row::KeAcquireGuardedMutexUnsafe,
    &row::KeAcquireInStackQueuedSpinLock,
    &row::KeAcquireInStackQueuedSpinLockAtDpcLevel,
    &row::KeAcquireInStackQueuedSpinLockForDpc,
    &row::KeAcquireInterruptSpinLock,
    &row::KeAcquireSpinLock,
    &row::KeAcquireSpinLockAtDpcLevel,
    &row::KeAcquireSpinLockForDpc,
    &row::KeAcquireSpinLockRaiseToDpc,
    &row::KeAreAllApcsDisabled,
    &row::KeAreApcsDisabled,
    &row::KeCancelTimer,
    &row::KeClearEvent,
    &row::KeDelayExecutionThread,
    &row::KeEnterCriticalRegion,
    &row::KeEnterGuardedRegion,
    &row::KeFlushQueuedDpcs,
    &row::KeGetCurrentIrql,
    &row::KeInitializeDeviceQueue,
    &row::KeInitializeEvent,
    &row::KeInitializeGuardedMutex,
    &row::KeInitializeMutex,
    &row::KeInitializeSemaphore,
    &row::KeInitializeSpinLock,
    &row::KeInitializeTimer,
    &row::KeInitializeTimerEx,
    &row::KeInsertByKeyDeviceQueue,
    &row::KeInsertDeviceQueue,
    &row::KeInsertQueueDpc,
    &row::KeLeaveCriticalRegion,
    &row::KeLeaveGuardedRegion,
    &row::KeLowerIrql,
    &row::KeRaiseIrql,
    &row::KeRaiseIrqlToDpcLevel,
    &row::KeReadStateEvent,
    &row::KeReadStateMutex,
    &row::KeReadStateTimer,
    &row::KeReleaseGuardedMutex,
    &row::KeReleaseGuardedMutexUnsafe,
    &row::KeReleaseInStackQueuedSpinLock,
    &row::KeReleaseInStackQueuedSpinLockForDpc,
    &row::KeReleaseInStackQueuedSpinLockFromDpcLevel,
    &row::KeReleaseInterruptSpinLock,
    &row::KeReleaseMutex,
    &row::KeReleaseSemaphore,
    &row::KeReleaseSpinLock,
    &row::KeReleaseSpinLockForDpc,
    &row::KeReleaseSpinLockFromDpcLevel,
    &row::KeRemoveByKeyDeviceQueue,
    &row::KeRemoveDeviceQueue,
    &row::KeRemoveEntryDeviceQueue,
    &row::KeRemoveQueueDpc,
    &row::KeResetEvent,
    &row::KeSetEvent,
    &row::KeSetTimer,
    &row::KeSetTimerEx,
    &row::KeTestSpinLock,
    &row::KeTryToAcquireGuardedMutex,
    &row::KeTryToAcquireSpinLockAtDpcLevel,
    &row::KeWaitForMultipleObjects,
    &row::KeWaitForSingleObject,
    &row::MmProbeAndLockPages,
    &row::MmUnlockPages,
    &row::ObDereferenceObject,
    &row::ObReferenceObject,
    &row::ObReferenceObjectByHandle,
    &row::PsCreateSystemThread,
    &row::PsTerminateSystemThread,
    &row::ZwClose,
];

//! The rules about IRQLs that Microsoft has for WDM drivers, as far as their routines are in this simulator.
//!
//! Storport's set "Irql" does not name most of the kernel's routines; these rules, which Driver Verifier has
//! at run time, do. They differ in their routines only, so each is a paragraph of one table. Invariant: a
//! rule names no routine that another names.

use super::range::IrqlRange;
use kernel_sim::ddi::row;
use kernel_sim::routine::DdiInfo;

macro_rules! limits {
    ($(
        $module:ident $name:ident: $first:literal, $(note $note:literal,)? why $why:literal, url $url:literal,
            $(stop $parameter:literal,)? exhibits $exhibits:literal, [$($call:ident),+];
    )+) => {
        $(
            #[doc = $first]
            pub mod $module {
                use super::*;

                pub(super) static CALLS: &[&DdiInfo] = &[$(&row::$call),+];

                crate::rules::row::rule! {
                    #[doc = $first]
                    #[doc = ""]
                    #[doc = "## What is checked"]
                    #[doc = "The IRQL at each call, against the range on the routine's page, whether or not the call has to wait."]
                    $(#[doc = $note])?
                    #[doc = "Routines that the rule names besides are not in this simulator."]
                    #[doc = ""]
                    #[doc = "## Why it matters"]
                    #[doc = "Windows itself does not look; Driver Verifier does, with its DDI compliance checking. What goes wrong:"]
                    #[doc = $why]
                    #[doc = ""]
                    #[doc = "## Source"]
                    #[doc = "Microsoft, the rule of this name for WDM drivers, and the pages of the routines."]
                    $name: Irql, Rule, on,
                    why $why,
                    url $url,
                    $(stop DRIVER_VERIFIER_DETECTED_VIOLATION / $parameter,)?
                    exhibits $exhibits,
                    make |_| IrqlRange::of(CALLS)
                }
            }
        )+

        /// The routines of each.
        pub(super) static LISTS: &[&[&DdiInfo]] = &[$($module::CALLS),+];
    };
}

limits! {
    irql_ex_allocate_pool IrqlExAllocatePool: "ExAllocatePoolWithTag is called at DISPATCH_LEVEL at most.",
        note "That paged pool is for APC_LEVEL at most is a stop of the machine (0xC4/0x1).",
        why "the pool's own lock is taken at DISPATCH_LEVEL: an interrupt that waits for it here stops its processor",
        url "devtest/wdm-irqlexallocatepool",
        stop 0x20004,
        exhibits "irql-ex-allocate-pool",
        [ExAllocatePoolWithTag];
    irql_ex_apc_lte1 IrqlExApcLte1: "Fast mutexes are acquired at APC_LEVEL at most.",
        note "A fast mutex that is free is told of, too: it is free by chance.",
        why "the first time that another thread has the mutex this call waits, and at DISPATCH_LEVEL nothing can run that would end the wait",
        url "devtest/wdm-irqlexapclte1",
        exhibits "irql-ex-apc-lte1",
        [ExAcquireFastMutex, ExTryToAcquireFastMutex];
    irql_ex_apc_lte2 IrqlExApcLte2: "Paged look-aside lists are initialized and deleted at APC_LEVEL at most.",
        why "these routines touch paged memory, and wait: at DISPATCH_LEVEL neither can be served",
        url "devtest/wdm-irqlexapclte2",
        exhibits "irql-ex-apc-lte2",
        [ExDeletePagedLookasideList, ExInitializePagedLookasideList];
    irql_ex_apc_lte3 IrqlExApcLte3: "Executive resources are acquired and deleted at APC_LEVEL at most.",
        note "A resource that is free is told of, too: it is free by chance.",
        why "the first time that another thread has the resource this call waits, and at DISPATCH_LEVEL nothing can run that would end the wait",
        url "devtest/wdm-irqlexapclte3",
        exhibits "irql-ex-apc-lte3",
        [ExAcquireResourceExclusiveLite, ExAcquireResourceSharedLite, ExDeleteResourceLite];
    irql_io_apc_lte IrqlIoApcLte: "IoDeleteDevice is called at APC_LEVEL at most.",
        why "the object manager takes its own locks to delete an object: at DISPATCH_LEVEL it cannot wait for them",
        url "devtest/wdm-irqlioapclte",
        stop 0x20009,
        exhibits "irql-io-apc-lte",
        [IoDeleteDevice];
    irql_io_passive1 IrqlIoPassive1: "IoBuildDeviceIoControlRequest and IoCreateDevice are called below DISPATCH_LEVEL.",
        note "The rule says PASSIVE_LEVEL, the routines' pages APC_LEVEL at most: what a page allows is let pass.",
        why "these routines touch paged memory, which cannot be served at DISPATCH_LEVEL",
        url "devtest/wdm-irqliopassive1",
        exhibits "irql-io-passive1",
        [IoBuildDeviceIoControlRequest, IoCreateDevice];
    irql_io_passive2 IrqlIoPassive2: "IoConnectInterrupt is called at PASSIVE_LEVEL.",
        why "connecting an interrupt goes to every processor in turn, which takes a thread that can be switched",
        url "devtest/wdm-irqliopassive2",
        exhibits "irql-io-passive2",
        [IoConnectInterrupt];
    irql_io_passive3 IrqlIoPassive3: "IoDetachDevice is called at PASSIVE_LEVEL.",
        why "a detach may be the last that a deleted device waits for: deleting it touches paged memory",
        url "devtest/wdm-irqliopassive3",
        exhibits "irql-io-passive3",
        [IoDetachDevice];
    irql_io_passive4 IrqlIoPassive4: "IoDisconnectInterrupt is called at PASSIVE_LEVEL.",
        why "it waits until the service routine has left every processor: at raised IRQL it keeps one from leaving",
        url "devtest/wdm-irqliopassive4",
        exhibits "irql-io-passive4",
        [IoDisconnectInterrupt];
    irql_ke_apc_lte1 IrqlKeApcLte1: "Guarded mutexes and KeDelayExecutionThread are used at APC_LEVEL at most.",
        why "at DISPATCH_LEVEL the processor cannot switch to another thread: nothing sleeps or waits there",
        url "devtest/wdm-irqlkeapclte1",
        stop 0x2000F,
        exhibits "irql-ke-apc-lte1",
        [KeAcquireGuardedMutex, KeAcquireGuardedMutexUnsafe, KeDelayExecutionThread, KeReleaseGuardedMutex, KeReleaseGuardedMutexUnsafe, KeTryToAcquireGuardedMutex];
    irql_ke_apc_lte2 IrqlKeApcLte2: "Critical regions are entered and left at APC_LEVEL at most.",
        why "leaving a region delivers the APCs that waited for its end, which run below DISPATCH_LEVEL only: under a spin lock they are lost or run with it held",
        url "devtest/wdm-irqlkeapclte2",
        stop 0x20010,
        exhibits "irql-ke-apc-lte2",
        [KeEnterCriticalRegion, KeLeaveCriticalRegion];
    irql_ke_dispatch_lte IrqlKeDispatchLte: "Spin locks, timers, events, mutexes and device queues are used at DISPATCH_LEVEL at most.",
        note "KeInitializeSemaphore, which the rule names, is for PASSIVE_LEVEL by its page: the two contradict each other, and it is not watched.",
        why "the kernel's own lock on these objects is taken at DISPATCH_LEVEL: an interrupt routine that waits for it never returns",
        url "devtest/wdm-irqlkedispatchlte",
        stop 0x20011,
        exhibits "irql-ke-dispatch-lte",
        [KeAcquireSpinLock, KeCancelTimer, KeClearEvent, KeInitializeDeviceQueue, KeInitializeTimer, KeInitializeTimerEx, KeReadStateEvent, KeReadStateMutex, KeReadStateTimer, KeReleaseMutex, KeRemoveEntryDeviceQueue, KeResetEvent, KeSetTimer, KeSetTimerEx];
    irql_ob_passive IrqlObPassive: "ObReferenceObjectByHandle is called at PASSIVE_LEVEL.",
        why "handle tables lie in paged memory, which cannot be served at raised IRQL",
        url "devtest/wdm-irqlobpassive",
        exhibits "irql-ob-passive",
        [ObReferenceObjectByHandle];
    irql_ps_passive IrqlPsPassive: "System threads are created and ended at PASSIVE_LEVEL.",
        why "a thread is made of paged memory and of objects that are waited for",
        url "devtest/wdm-irqlpspassive",
        stop 0x2001C,
        exhibits "irql-ps-passive",
        [PsCreateSystemThread, PsTerminateSystemThread];
    irql_zw_passive IrqlZwPassive: "Handles are closed, and registry keys used, at PASSIVE_LEVEL.",
        why "handles and registry keys lie in paged memory, and a call may have to wait: at raised IRQL neither can be served",
        url "devtest/wdm-irqlzwpassive",
        stop 0x2001F,
        exhibits "irql-zw-passive",
        [ZwClose, ZwCreateKey, ZwDeleteKey, ZwEnumerateKey, ZwEnumerateValueKey, ZwFlushKey, ZwOpenKey, ZwQueryKey, ZwQueryValueKey, ZwSetValueKey];
}

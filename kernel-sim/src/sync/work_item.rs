//! Work items: routines that the machine's worker threads run at PASSIVE_LEVEL.
//!
//! One worker per processor; which of the free ones takes an item is a choice of the schedule.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{WORKER_INVALID, WORKER_THREAD_RETURNED_AT_BAD_IRQL};
use crate::ddi::types::{
    IO_WORKITEM, PDEVICE_OBJECT, PIO_WORKITEM, PIO_WORKITEM_ROUTINE, PVOID, WORK_QUEUE_TYPE,
};
use crate::ddi::{Call, callback};
use crate::frame::Frame;
use crate::image::Routine as _;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::pool::{allocate_object, tag};
use crate::processor::Processor;
use crate::routine::Arg;
use crate::routine::WORK_ITEM;
use std::collections::VecDeque;

/// The wait-list key of free workers.
const WORK_KEY: usize = 24;

const WORK_ITEM_TAG: u32 = tag(b"IoWi");

/// Items that wait for a worker.
#[derive(Default)]
pub(crate) struct WorkQueue {
    items: VecDeque<Queued>,
    workers_started: bool,
}

impl WorkQueue {
    /// Whether no item was ever queued.
    pub(crate) fn is_unused(&self) -> bool {
        self.items.is_empty() && !self.workers_started
    }
}

struct Queued {
    item: PIO_WORKITEM,
    routine: PIO_WORKITEM_ROUTINE,
    device: PDEVICE_OBJECT,
    context: PVOID,
}

pub(crate) unsafe fn allocate(call: &Call, device: PDEVICE_OBJECT) -> PIO_WORKITEM {
    let item: PIO_WORKITEM = allocate_object(call, size_of::<IO_WORKITEM>(), WORK_ITEM_TAG).cast();
    if !item.is_null() {
        // SAFETY: a fresh block of that size.
        unsafe { (*item).DeviceObject = device };
    }
    item
}

pub(crate) unsafe fn free(call: &Call, item: PIO_WORKITEM) {
    let machine = call.cpu.machine();
    let queued = machine.kernel.lock().work.items.iter().any(|queued| std::ptr::eq(queued.item, item));
    if queued {
        let shown = machine.machine_address(item as usize);
        // Parameter 3 is the routine, a code address; the simulator knows none.
        call.bug_check(WORKER_INVALID, [2, shown, 0, 0], "a work item is freed while it is queued");
    }
    machine.pool_free(call, item.cast(), None);
}

pub(crate) unsafe fn queue(
    call: &Call,
    item: PIO_WORKITEM,
    routine: PIO_WORKITEM_ROUTINE,
    _queue: WORK_QUEUE_TYPE,
    context: PVOID,
) {
    if !call.cpu.is_memory(item as usize, size_of::<IO_WORKITEM>()) || !item.is_aligned() {
        call.bad_pointer(item as usize, "the work item");
    }
    let machine = call.cpu.machine();
    machine.start_workers();
    // Before it is looked whether it is queued: its routine has yet to run then, too.
    call.cpu.gives(item as usize);
    let mut kernel = machine.kernel.lock();
    // SAFETY: mapped, aligned memory; the flag is guarded by the kernel lock.
    unsafe {
        if (*item).Queued != 0 {
            // Windows leaves a second queueing of a queued item undefined; refusing it is our choice.
            return;
        }
        (*item).Queued = 1;
        let device = (*item).DeviceObject;
        kernel.work.items.push_back(Queued { item, routine, device, context });
    }
    machine.wake_any(&mut kernel, WORK_KEY);
}

impl Machine {
    fn start_workers(&self) {
        if std::mem::replace(&mut self.kernel.lock().work.workers_started, true) {
            return;
        }
        for cpu in &self.processors {
            let (at, index) = (self as *const Machine as usize, cpu.index());
            self.create_thread(
                0,
                Some(index),
                None,
                Box::new(move || {
                    // SAFETY: the machine outlives its threads.
                    let machine = unsafe { &*(at as *const Machine) };
                    machine.work(&machine.processors[usize::from(index)]);
                }),
            );
        }
    }

    fn work(&self, cpu: &Processor) {
        while !self.is_quiet() {
            let mut kernel = self.kernel.lock();
            let Some(queued) = kernel.work.items.pop_front() else {
                self.sleep_quietly(cpu, kernel, WORK_KEY);
                continue;
            };
            // SAFETY: resolved when it was queued; from here on the item may be queued or freed again.
            unsafe { (*queued.item).Queued = 0 };
            cpu.takes(queued.item as usize);
            drop(kernel);
            self.run_item(cpu, &queued);
        }
    }

    fn run_item(&self, cpu: &Processor, queued: &Queued) {
        let Some(routine) = queued.routine else { return };
        let args = [Arg::Pointer(queued.device as usize), Arg::Pointer(queued.context as usize)];
        let frame = Frame::new(&WORK_ITEM, &args);
        // SAFETY: the routine and its arguments are the driver's own, called as documented.
        callback(cpu, &frame, || unsafe { routine.go((queued.device, queued.context)) });
        let irql = cpu.irql();
        if irql >= Irql::DISPATCH {
            let item = self.machine_address(queued.item as usize);
            let context = self.machine_address(queued.context as usize);
            cpu.bug_check_after(
                WORKER_THREAD_RETURNED_AT_BAD_IRQL,
                [0, u64::from(irql.0), context, item],
                format!("a work item routine returned at {irql}"),
                cpu.irql_left_by(&frame),
            );
        }
    }
}

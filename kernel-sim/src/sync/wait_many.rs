//! Waiting for one of several objects, or for all of them.
//!
//! The thread stands on the wait list of each of its objects; what a signal of one of them does to `wait` is
//! decided here. Invariant: a wait for all takes no signal before it can take them all, so two such waits
//! cannot block each other halfway.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::wait::{check_may_wait, consume, header, is_signaled};
use crate::bugcheck::MAXIMUM_WAIT_OBJECTS_EXCEEDED;
use crate::ddi::Call;
use crate::ddi::types::{
    BOOLEAN, DISPATCHER_HEADER, KPROCESSOR_MODE, KWAIT_BLOCK, KWAIT_REASON, MAXIMUM_WAIT_OBJECTS, NTSTATUS,
    PKWAIT_BLOCK, PLARGE_INTEGER, PVOID, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_WAIT_0,
    THREAD_WAIT_OBJECTS, ULONG, WAIT_TYPE, WaitAll, WaitAny,
};
use crate::machine::Machine;
use crate::sync::thread::Thread;
use crate::sync::timer::STATUS_TIMEOUT;
use std::ops::Range;

/// The objects that a thread in a wait for several waits for. Guarded by the kernel lock.
#[derive(Default)]
pub(crate) struct Several {
    /// Host addresses, in the order of the call; empty for a wait for one object.
    pub keys: Vec<usize>,
    pub all: bool,
    /// The wait blocks that the caller lends for it; empty if they are the thread's own.
    pub blocks: Range<usize>,
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn wait(
    call: &Call,
    count: ULONG,
    objects: *mut PVOID,
    kind: WAIT_TYPE,
    _reason: KWAIT_REASON,
    _mode: KPROCESSOR_MODE,
    _alertable: BOOLEAN,
    timeout: PLARGE_INTEGER,
    blocks: PKWAIT_BLOCK,
) -> NTSTATUS {
    let keys = keys(call, count, objects, blocks);
    if keys.is_empty() || (kind != WaitAll && kind != WaitAny) {
        // Not documented: a wait for nothing, or of a kind there is not, is refused.
        return STATUS_INVALID_PARAMETER;
    }
    for key in &keys {
        header(call, *key as PVOID, "an object to wait for");
    }
    let timeout = (!timeout.is_null()).then(|| {
        call.check_input(timeout);
        // SAFETY: `check_input` found it in readable memory, aligned; any bytes are a LARGE_INTEGER.
        unsafe { (*timeout).QuadPart() }
    });
    check_may_wait(call, keys[0], timeout);
    let machine = call.cpu.machine();
    let kernel = machine.kernel.lock();
    let blocks_bytes = if blocks.is_null() { 0 } else { keys.len() * size_of::<KWAIT_BLOCK>() };
    let blocks = blocks as usize..blocks as usize + blocks_bytes;
    let several = Several { keys: keys.clone(), all: kind == WaitAll, blocks };
    // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
    let at_once = several.satisfied(unsafe { &*call.cpu.thread.get() });
    let status = match at_once {
        Some(status) => {
            drop(kernel);
            // Of all, not of the one that was signaled alone.
            keys.iter().for_each(|key| call.cpu.takes(*key));
            status
        }
        None if timeout == Some(0) => {
            drop(kernel);
            STATUS_TIMEOUT
        }
        None => machine.sleep_on_several(call, kernel, several, timeout.map(|t| machine.due_ns(t))),
    };
    machine.note_owned(call, &keys);
    status
}

/// The host addresses of the objects, once the arrays were found to be memory and not too long.
fn keys(call: &Call, count: ULONG, objects: *mut PVOID, blocks: PKWAIT_BLOCK) -> Vec<usize> {
    let most = if blocks.is_null() { THREAD_WAIT_OBJECTS } else { MAXIMUM_WAIT_OBJECTS };
    if count > most {
        let why = if blocks.is_null() { " without a WaitBlockArray" } else { "" };
        call.bug_check(
            MAXIMUM_WAIT_OBJECTS_EXCEEDED,
            [0; 4],
            format!("{} waits for {count} objects; {most} are the most{why}", call.ddi.name),
        );
    }
    let count = count as usize;
    if count == 0 {
        return Vec::new();
    }
    let memory = |address: usize, bytes: usize| call.cpu.is_memory(address, bytes);
    if !memory(objects as usize, count * size_of::<PVOID>()) || !objects.is_aligned() {
        call.bad_pointer(objects as usize, "the array of objects");
    }
    if !blocks.is_null() && !memory(blocks as usize, count * size_of::<KWAIT_BLOCK>()) {
        call.bad_pointer(blocks as usize, "the WaitBlockArray");
    }
    // SAFETY: `count` pointers lie there in mapped memory, aligned, by the first test of this function; the
    // array is the caller's own, which waits meanwhile.
    unsafe { std::slice::from_raw_parts(objects, count) }.iter().map(|object| *object as usize).collect()
}

fn object<'a>(key: usize) -> &'a mut DISPATCHER_HEADER {
    // SAFETY: `wait` resolved every object before it was kept; the header lies in mapped memory and is
    // changed under the kernel lock, which every caller here holds.
    unsafe { &mut *(key as *mut DISPATCHER_HEADER) }
}

impl Several {
    /// Takes what the wait of a thread is for, if it can be had; returns how the wait ends then.
    pub(crate) fn satisfied(&self, thread: &Thread) -> Option<NTSTATUS> {
        if self.all {
            if !self.keys.iter().all(|key| is_signaled(object(*key), thread)) {
                return None;
            }
            self.keys.iter().for_each(|key| {
                consume(object(*key), thread);
            });
            return Some(STATUS_SUCCESS);
        }
        let first = self.keys.iter().position(|key| consume(object(*key), thread))?;
        Some(STATUS_WAIT_0 + first as NTSTATUS)
    }
}

impl Machine {
    /// Ends the wait of a thread that waits for several objects, if it can end now.
    pub(super) fn satisfy_several(&self, thread: &Thread) -> Option<NTSTATUS> {
        // SAFETY: the kernel lock is held by the caller, which is in the middle of a signal.
        let several = unsafe { &*thread.several.get() };
        for key in &several.keys {
            self.touch(*key);
        }
        several.satisfied(thread)
    }
}

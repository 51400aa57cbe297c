//! The adapter's registry parameters, as a miniport reads and writes them.
//!
//! One buffer per miniport at a time (StorPortAllocateRegistryBuffer), and values by name. What the test rig
//! gave the slot is there at first; what the miniport writes lives as long as the adapter. The `Global`
//! flag, which tells the driver's key from the adapter's, is ignored: there is one set of values.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::dma::text;
use super::hardware::copy_out;
use super::pci_slot::Parameter;
use crate::ddi::{MINIPORT_REG_BINARY, MINIPORT_REG_DWORD, MINIPORT_REG_SZ};
use kernel_sim::ddi::{BOOLEAN, Call, FALSE, PUCHAR, PULONG, PVOID, TRUE, ULONG};
use kernel_sim::irql::Irql;
use kernel_sim::{registry_failure, unhooked};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// Bytes a registry buffer can have.
const BUFFER_MAX: u32 = 64 << 10;

/// The values of one adapter, and the buffer its miniport holds.
pub(super) struct Registry {
    values: Mutex<BTreeMap<String, Parameter>>,
    buffer: AtomicPtr<std::ffi::c_void>,
}

impl Registry {
    /// The values that are there at first.
    pub(super) fn new(values: BTreeMap<String, Parameter>) -> Registry {
        Registry { values: Mutex::new(values), buffer: AtomicPtr::new(null_mut()) }
    }

    /// Takes the buffer out, so that the caller can free it.
    pub(super) fn take_buffer(&self) -> PVOID {
        self.buffer.swap(null_mut(), SeqCst)
    }
}

impl Parameter {
    fn kind(&self) -> ULONG {
        match self {
            Parameter::Dword(_) => MINIPORT_REG_DWORD,
            Parameter::Text(_) => MINIPORT_REG_SZ,
            Parameter::Binary(_) => MINIPORT_REG_BINARY,
        }
    }

    /// As a miniport sees it: a text is ASCII with a zero at its end.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Parameter::Dword(value) => value.to_le_bytes().to_vec(),
            Parameter::Text(text) => text.bytes().chain([0]).collect(),
            Parameter::Binary(bytes) => bytes.clone(),
        }
    }
}

/// NULL if the miniport has a buffer already or the length makes no sense. The memory is zeroed.
pub(crate) unsafe fn allocate_buffer(call: &Call, extension: PVOID, length: PULONG) -> PVOID {
    let adapter = adapter(call, extension);
    call.check_output(length);
    // SAFETY: just found in mapped memory.
    let bytes = unsafe { *length };
    if bytes == 0 || bytes > BUFFER_MAX || !adapter.registry.buffer.load(SeqCst).is_null() {
        return null_mut();
    }
    let buffer = unhooked::allocate_for_call(call, bytes as usize);
    if adapter.registry.buffer.compare_exchange(null_mut(), buffer, SeqCst, SeqCst).is_err() {
        call.machine().free_system(buffer);
        return null_mut();
    }
    buffer
}

pub(crate) unsafe fn free_buffer(call: &Call, extension: PVOID, buffer: PVOID) {
    let adapter = adapter(call, extension);
    let ours = &adapter.registry.buffer;
    if buffer.is_null() || ours.compare_exchange(buffer, null_mut(), SeqCst, SeqCst).is_err() {
        call.bad_pointer(buffer as usize, "the registry buffer");
    }
    call.machine().free_system(buffer);
}

/// FALSE if there is no such value of that type, if the read was made to fail, if it does not fit (the length
/// says how long it is then), or above PASSIVE_LEVEL.
pub(crate) unsafe fn read(
    call: &Call,
    extension: PVOID,
    name: PUCHAR,
    _global: ULONG,
    kind: ULONG,
    buffer: PVOID,
    length: PULONG,
) -> BOOLEAN {
    let adapter = adapter(call, extension);
    call.check_output(length);
    let name = text(call, name.cast());
    if call.cpu.irql() != Irql::PASSIVE || registry_failure::fails(call) {
        return FALSE;
    }
    let Some(value) = adapter.registry.values.lock().get(&name.to_ascii_lowercase()).cloned() else {
        return FALSE;
    };
    let bytes = value.bytes();
    // SAFETY: found in mapped memory above.
    unsafe {
        let room = std::mem::replace(&mut *length, bytes.len() as ULONG) as usize;
        if value.kind() != kind || bytes.len() > room {
            return FALSE;
        }
    }
    copy_out(call, &bytes, buffer);
    TRUE
}

pub(crate) unsafe fn write(
    call: &Call,
    extension: PVOID,
    name: PUCHAR,
    _global: ULONG,
    kind: ULONG,
    buffer: PVOID,
    length: ULONG,
) -> BOOLEAN {
    let adapter = adapter(call, extension);
    let name = text(call, name.cast());
    if call.cpu.irql() != Irql::PASSIVE || length == 0 || length > BUFFER_MAX {
        return FALSE;
    }
    call.check_input_bytes(buffer.cast(), length as usize, "the data of the value");
    // SAFETY: just found in readable memory.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize) };
    let value = match kind {
        MINIPORT_REG_DWORD => match bytes.try_into() {
            Ok(bytes) => Parameter::Dword(u32::from_le_bytes(bytes)),
            Err(_) => return FALSE,
        },
        MINIPORT_REG_SZ => {
            Parameter::Text(bytes.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect())
        }
        MINIPORT_REG_BINARY => Parameter::Binary(bytes.to_vec()),
        _ => return FALSE,
    };
    adapter.registry.values.lock().insert(name.to_ascii_lowercase(), value);
    TRUE
}

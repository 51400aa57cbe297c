//! The routines `Zw*Key`.
//!
//! What they change is the machine's alone, so the routines take the kernel's lock and touch no driver memory
//! with it held. Which access a handle was opened for is not looked at: a driver runs in kernel mode.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::information::{Answer, of_key, of_value};
use super::{Key, NoKey, Registry, Value, folded};
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::handles::Object;
use crate::registry_failure;
use crate::string::units as text;
use std::ptr::slice_from_raw_parts_mut;

/// The key that object attributes name, as `find` looks for it.
unsafe fn named<T>(
    call: &Call,
    attributes: POBJECT_ATTRIBUTES,
    find: impl FnOnce(&mut Registry, Option<usize>, &[u16]) -> Result<T, NoKey>,
) -> Result<T, NTSTATUS> {
    call.check_input(attributes);
    // SAFETY: just found in mapped memory; plain data.
    let OBJECT_ATTRIBUTES { Length, RootDirectory, ObjectName, .. } = unsafe { *attributes };
    if Length as usize != size_of::<OBJECT_ATTRIBUTES>() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    // SAFETY: the caller's string, which is checked.
    let path = unsafe { text(call, ObjectName) };
    let mut kernel = call.cpu.machine().kernel.lock();
    let from = match kernel.handles.object(RootDirectory) {
        _ if RootDirectory.is_null() => None,
        Some(Object::Key(place)) => Some(place),
        Some(Object::Thread(_)) => return Err(STATUS_OBJECT_TYPE_MISMATCH),
        None => return Err(STATUS_INVALID_HANDLE),
    };
    find(&mut kernel.registry, from, &path).map_err(|why| match why {
        NoKey::BadPath => STATUS_OBJECT_PATH_SYNTAX_BAD,
        NoKey::Missing => STATUS_OBJECT_NAME_NOT_FOUND,
        NoKey::Deleted => STATUS_KEY_DELETED,
    })
}

/// Opens a handle of a key for the caller.
fn hand_out(call: &Call, handle: PHANDLE, place: usize) -> NTSTATUS {
    let opened = call.cpu.machine().kernel.lock().handles.open(Object::Key(place));
    // SAFETY: the callers have found room for the handle in mapped memory, aligned.
    unsafe { *handle = opened };
    STATUS_SUCCESS
}

pub(crate) unsafe fn open_key(
    call: &Call,
    handle: PHANDLE,
    _access: ACCESS_MASK,
    attributes: POBJECT_ATTRIBUTES,
) -> NTSTATUS {
    call.check_output(handle);
    if registry_failure::fails(call) {
        return STATUS_OBJECT_NAME_NOT_FOUND;
    }
    // SAFETY: forwarded from the caller.
    match unsafe { named(call, attributes, Registry::open) } {
        Ok(place) => hand_out(call, handle, place),
        Err(status) => status,
    }
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn create_key(
    call: &Call,
    handle: PHANDLE,
    _access: ACCESS_MASK,
    attributes: POBJECT_ATTRIBUTES,
    _title_index: ULONG,
    _class: PUNICODE_STRING,
    _options: ULONG,
    disposition: PULONG,
) -> NTSTATUS {
    call.check_output(handle);
    if !disposition.is_null() {
        call.check_output(disposition);
    }
    // SAFETY: forwarded from the caller.
    match unsafe { named(call, attributes, Registry::create) } {
        Ok((place, is_new)) => {
            if !disposition.is_null() {
                let what = if is_new { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY };
                // SAFETY: found in mapped memory above, aligned.
                unsafe { *disposition = what };
            }
            hand_out(call, handle, place)
        }
        Err(status) => status,
    }
}

/// What `change` does with the registry and the key that a handle stands for.
fn with_key<T>(
    call: &Call,
    handle: HANDLE,
    change: impl FnOnce(&mut Registry, usize) -> Result<T, NTSTATUS>,
) -> Result<T, NTSTATUS> {
    let mut kernel = call.cpu.machine().kernel.lock();
    match kernel.handles.object(handle) {
        Some(Object::Key(place)) if kernel.registry.key(place).is_deleted => Err(STATUS_KEY_DELETED),
        Some(Object::Key(place)) => change(&mut kernel.registry, place),
        Some(Object::Thread(_)) => Err(STATUS_OBJECT_TYPE_MISMATCH),
        None => Err(STATUS_INVALID_HANDLE),
    }
}

fn status_of(result: Result<(), NTSTATUS>) -> NTSTATUS {
    result.err().unwrap_or(STATUS_SUCCESS)
}

/// Writes what was asked for where the driver wants it.
unsafe fn answer(
    call: &Call,
    answer: Result<Answer, NTSTATUS>,
    buffer: PVOID,
    length: ULONG,
    result_length: PULONG,
) -> NTSTATUS {
    let answer = match answer {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    call.check_output(result_length);
    let (bytes, status) = answer.for_buffer(length as usize);
    if !bytes.is_empty() && !call.cpu.is_memory(buffer as usize, length as usize) {
        call.bad_pointer(buffer as usize, "the buffer");
    }
    // SAFETY: the length was found in mapped memory, aligned, and the whole of the buffer, if anything is
    // written to it.
    unsafe {
        *result_length = answer.len();
        buffer.cast::<u8>().copy_from(bytes.as_ptr(), bytes.len());
    }
    status
}

pub(crate) unsafe fn query_value_key(
    call: &Call,
    handle: HANDLE,
    name: PUNICODE_STRING,
    class: KEY_VALUE_INFORMATION_CLASS,
    buffer: PVOID,
    length: ULONG,
    result_length: PULONG,
) -> NTSTATUS {
    // SAFETY: forwarded from the caller.
    let name = folded(&unsafe { text(call, name) });
    let is_hidden = registry_failure::fails(call);
    let found = with_key(call, handle, |registry, place| {
        if is_hidden {
            return Err(STATUS_OBJECT_NAME_NOT_FOUND);
        }
        let value = registry.key(place).values.get(&name).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
        of_value(value, class).ok_or(STATUS_INVALID_PARAMETER)
    });
    // SAFETY: forwarded from the caller.
    unsafe { answer(call, found, buffer, length, result_length) }
}

pub(crate) unsafe fn enumerate_value_key(
    call: &Call,
    handle: HANDLE,
    index: ULONG,
    class: KEY_VALUE_INFORMATION_CLASS,
    buffer: PVOID,
    length: ULONG,
    result_length: PULONG,
) -> NTSTATUS {
    let found = with_key(call, handle, |registry, place| {
        let value = registry.key(place).values.values().nth(index as usize);
        of_value(value.ok_or(STATUS_NO_MORE_ENTRIES)?, class).ok_or(STATUS_INVALID_PARAMETER)
    });
    // SAFETY: forwarded from the caller.
    unsafe { answer(call, found, buffer, length, result_length) }
}

/// What is said of the key at a place.
fn describe(registry: &mut Registry, place: usize, class: KEY_INFORMATION_CLASS) -> Result<Answer, NTSTATUS> {
    let below: Vec<usize> = registry.key(place).keys.values().copied().collect();
    let longest = below.into_iter().map(|key| 2 * registry.key(key).name.len()).max().unwrap_or(0);
    let key: &Key = registry.key(place);
    of_key(key, class, longest as u32).ok_or(STATUS_INVALID_PARAMETER)
}

pub(crate) unsafe fn query_key(
    call: &Call,
    handle: HANDLE,
    class: KEY_INFORMATION_CLASS,
    buffer: PVOID,
    length: ULONG,
    result_length: PULONG,
) -> NTSTATUS {
    let found = with_key(call, handle, |registry, place| describe(registry, place, class));
    // SAFETY: forwarded from the caller.
    unsafe { answer(call, found, buffer, length, result_length) }
}

pub(crate) unsafe fn enumerate_key(
    call: &Call,
    handle: HANDLE,
    index: ULONG,
    class: KEY_INFORMATION_CLASS,
    buffer: PVOID,
    length: ULONG,
    result_length: PULONG,
) -> NTSTATUS {
    let found = with_key(call, handle, |registry, place| {
        let below = registry.key(place).keys.values().nth(index as usize).copied();
        describe(registry, below.ok_or(STATUS_NO_MORE_ENTRIES)?, class)
    });
    // SAFETY: forwarded from the caller.
    unsafe { answer(call, found, buffer, length, result_length) }
}

pub(crate) unsafe fn set_value_key(
    call: &Call,
    handle: HANDLE,
    name: PUNICODE_STRING,
    _title_index: ULONG,
    kind: ULONG,
    data: PVOID,
    size: ULONG,
) -> NTSTATUS {
    // SAFETY: forwarded from the caller.
    let name = unsafe { text(call, name) };
    let size = size as usize;
    let data = if size == 0 {
        Vec::new()
    } else {
        if !call.cpu.is_readable(data as usize, size) {
            call.bad_pointer(data as usize, "the data of a value");
        }
        // SAFETY: just found in mapped memory; any bits are bytes.
        unsafe { (*slice_from_raw_parts_mut(data.cast::<u8>(), size)).to_vec() }
    };
    status_of(with_key(call, handle, |registry, place| {
        let values = &mut registry.key(place).values;
        let value = values.entry(folded(&name)).or_insert_with(|| Value { name, kind, data: Vec::new() });
        (value.kind, value.data) = (kind, data);
        Ok(())
    }))
}

pub(crate) unsafe fn delete_value_key(call: &Call, handle: HANDLE, name: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: forwarded from the caller.
    let name = folded(&unsafe { text(call, name) });
    status_of(with_key(call, handle, |registry, place| {
        let value = registry.key(place).values.remove(&name);
        value.map(drop).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
    }))
}

pub(crate) unsafe fn delete_key(call: &Call, handle: HANDLE) -> NTSTATUS {
    status_of(with_key(
        call,
        handle,
        |registry, place| {
            if registry.delete(place) { Ok(()) } else { Err(STATUS_CANNOT_DELETE) }
        },
    ))
}

/// There is no disk that the registry would be written to.
pub(crate) unsafe fn flush_key(call: &Call, handle: HANDLE) -> NTSTATUS {
    status_of(with_key(call, handle, |_, _| Ok(())))
}

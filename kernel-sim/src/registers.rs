//! Device registers in memory space: the only way a driver touches its device.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::{Access, Call};
use crate::hook::{Manner, TouchKind};

fn access<T>(register: *mut T, kind: TouchKind) -> Access {
    Access { address: register as usize, bytes: size_of::<T>(), kind, manner: Manner::Register }
}

macro_rules! register_access {
    ($($read:ident, $write:ident: $ty:ty;)*) => {$(
        pub(crate) unsafe fn $read(call: &Call, register: *mut $ty) -> $ty {
            match call.cpu.machine().read_register(register as usize, size_of::<$ty>() as u8) {
                Some(value) => {
                    call.machine().note_register_read(call, register as usize, value);
                    call.touched(access(register, TouchKind::Read), Some(value));
                    value as $ty
                }
                None => call.bad_pointer(register as usize, "the device register"),
            }
        }

        pub(crate) unsafe fn $write(call: &Call, register: *mut $ty, value: $ty) {
            call.touched(access(register, TouchKind::Write), Some(u64::from(value)));
            if call.cpu.machine().write_register(register as usize, size_of::<$ty>() as u8, u64::from(value)).is_none() {
                call.bad_pointer(register as usize, "the device register");
            }
        }
    )*};
}

register_access! {
    read_u8, write_u8: u8;
    read_u16, write_u16: u16;
    read_u32, write_u32: u32;
    read_u64, write_u64: u64;
}

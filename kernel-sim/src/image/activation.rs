//! Between Rust and an image: the way in (`enter`) and the way out (`gate`).
//!
//! `enter` calls a routine by Windows' convention and notes in an [`Activation`] where it stood. `gate`
//! stands before every imported routine: it notes the caller, copies the arguments and calls the routine. A
//! panic that ends a run, and a walk over the stack, must get past the image's frames, which the host's
//! unwinder cannot read. So the call frame information of `gate` says that its caller is `enter`, whose
//! registers it finds through the activation: the frames between are skipped. They are C's; nothing on them
//! wants dropping.
//!
//! Invariant: while code of an image runs, the cell of its host thread names its activation. `call` sets it,
//! and `gate` sets it again on the way back, since other threads of the machine may have run meanwhile.

#![expect(unsafe_code, reason = "assembly, and a cell that it writes")]

use super::registry;
use crate::site::Site;
use std::arch::global_asm;
use std::cell::UnsafeCell;
use std::ptr::null;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

/// A call into an image, while it lasts. Written by `enter`, read by call frame information: the order of the
/// members is part of the assembly below.
#[repr(C)]
pub(crate) struct Activation {
    /// The stack pointer of `enter` when the call returns.
    pub(crate) stack_pointer: usize,
    /// Where it returns to in `enter`.
    pub(crate) instruction: usize,
    /// The frame pointer of `enter`.
    pub(crate) frame_pointer: usize,
}

#[repr(C)]
struct Cell {
    innermost: *const Activation,
    /// Where the routine that was called last will return to.
    caller: usize,
}

thread_local! {
    static CELL: UnsafeCell<Cell> = const { UnsafeCell::new(Cell { innermost: null(), caller: 0 }) };
}

/// Where the cell lies from the thread pointer: the same in every thread.
static CELL_OFFSET: AtomicIsize = AtomicIsize::new(0);

/// Words of arguments on the stack that `gate` can copy. No routine has as many.
pub(super) const STACK_WORDS_MAX: u32 = 24;
/// Bytes between the frame pointer of `gate` and its stack pointer when it calls the routine.
pub(super) const GATE_FRAME_BYTES: usize = 3 * 8 + GATE_ROOM_BYTES;
/// Home space of four arguments, and the others; the odd word aligns the stack.
const GATE_ROOM_BYTES: usize = 32 + 8 * STACK_WORDS_MAX as usize + 8;
const _: () = assert!(GATE_FRAME_BYTES.is_multiple_of(16));

global_asm!(
    ".text",
    ".p2align 4",
    // enter(rdi: target, rsi: arguments, rdx: how many, rcx: activation) -> rax
    ".globl kernel_sim_image_enter",
    ".hidden kernel_sim_image_enter",
    "kernel_sim_image_enter:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rbx",
    ".cfi_offset rbx, -24",
    "push r12",
    ".cfi_offset r12, -32",
    "push r13",
    ".cfi_offset r13, -40",
    "push r14",
    ".cfi_offset r14, -48",
    "push r15",
    ".cfi_offset r15, -56",
    // Room for the arguments, four at least, aligned.
    "mov rax, rdx",
    "cmp rax, 4",
    "jae 2f",
    "mov eax, 4",
    "2:",
    "or rax, 1",
    "shl rax, 3",
    "sub rsp, rax",
    "mov [rcx], rsp",
    "lea rax, [rip + 5f]",
    "mov [rcx + 8], rax",
    "mov [rcx + 16], rbp",
    "mov r11, rdi",
    // All arguments to the stack, the first four from there to registers.
    "xor eax, eax",
    "3:",
    "cmp rax, rdx",
    "jae 4f",
    "mov r10, [rsi + rax*8]",
    "mov [rsp + rax*8], r10",
    "inc rax",
    "jmp 3b",
    "4:",
    "mov rcx, [rsp]",
    "mov rdx, [rsp + 8]",
    "mov r8, [rsp + 16]",
    "mov r9, [rsp + 24]",
    "call r11",
    "5:",
    "lea rsp, [rbp - 40]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    // gate: jumped to by a stub, with the routine in r11 and the words of arguments on the stack in r10.
    ".globl kernel_sim_image_gate",
    ".hidden kernel_sim_image_gate",
    "kernel_sim_image_gate:",
    "push rbp",
    "mov rbp, rsp",
    "mov rax, [rip + {offset}]",
    "push qword ptr fs:[rax]",
    // From here on the stack can be walked; before and behind it, the unwinder stops.
    ".cfi_startproc",
    // The stack pointer of the caller: activation.stack_pointer.
    // DW_CFA_def_cfa_expression { DW_OP_breg6 -8, DW_OP_deref, DW_OP_deref }
    ".cfi_escape 0x0f, 0x04, 0x76, 0x78, 0x06, 0x06",
    // Its instruction is in the second word of the activation, its frame pointer in the third.
    // DW_CFA_expression r16 { DW_OP_breg6 -8, DW_OP_deref, DW_OP_plus_uconst 8 }
    ".cfi_escape 0x10, 0x10, 0x05, 0x76, 0x78, 0x06, 0x23, 0x08",
    // DW_CFA_expression r6 { DW_OP_breg6 -8, DW_OP_deref, DW_OP_plus_uconst 16 }
    ".cfi_escape 0x10, 0x06, 0x05, 0x76, 0x78, 0x06, 0x23, 0x10",
    "push rsi",
    "push rdi",
    "mov rsi, [rbp + 8]",
    "mov fs:[rax + 8], rsi",
    "sub rsp, {room}",
    "lea rsi, [rbp + 48]",
    "lea rdi, [rsp + 32]",
    "2:",
    "test r10d, r10d",
    "jz 3f",
    "dec r10d",
    "mov rax, [rsi + r10*8]",
    "mov [rdi + r10*8], rax",
    "jmp 2b",
    "3:",
    "call r11",
    "mov r10, [rip + {offset}]",
    "mov r11, [rbp - 8]",
    "mov fs:[r10], r11",
    "mov rsi, [rbp - 16]",
    "mov rdi, [rbp - 24]",
    ".cfi_endproc",
    ".globl kernel_sim_image_gate_end",
    ".hidden kernel_sim_image_gate_end",
    "kernel_sim_image_gate_end:",
    "leave",
    "ret",
    // __chkstk: a frame of rax bytes is about to be made; touches its pages from above, so that an overflow
    // meets the guard page. Changes no register but r10 and r11.
    ".globl kernel_sim_image_probe",
    ".hidden kernel_sim_image_probe",
    "kernel_sim_image_probe:",
    "lea r10, [rsp + 8]",
    "mov r11, rax",
    "2:",
    "cmp r11, 4096",
    "jb 3f",
    "sub r10, 4096",
    "sub r11, 4096",
    "test [r10], r10",
    "jmp 2b",
    "3:",
    "sub r10, r11",
    "test [r10], r10",
    "ret",
    ".globl kernel_sim_image_probe_end",
    ".hidden kernel_sim_image_probe_end",
    "kernel_sim_image_probe_end:",
    offset = sym CELL_OFFSET,
    room = const GATE_ROOM_BYTES,
);

unsafe extern "C-unwind" {
    fn kernel_sim_image_enter(
        target: usize,
        arguments: *const u64,
        count: usize,
        activation: *mut Activation,
    ) -> u64;
}

unsafe extern "C" {
    fn kernel_sim_image_gate();
    fn kernel_sim_image_gate_end();
    fn kernel_sim_image_probe();
    fn kernel_sim_image_probe_end();
}

/// Where stubs jump to.
pub(super) fn gate() -> usize {
    kernel_sim_image_gate as *const () as usize
}

pub(super) fn gate_end() -> usize {
    kernel_sim_image_gate_end as *const () as usize
}

/// What `__chkstk` is.
pub(super) fn probe() -> usize {
    kernel_sim_image_probe as *const () as usize
}

/// Whether that is code of `__chkstk`, which stands for its caller; its return address is on top of the
/// stack.
pub(crate) fn is_probe(address: usize) -> bool {
    (probe()..kernel_sim_image_probe_end as *const () as usize).contains(&address)
}

/// Lets assembly find the cell. Before the first image is mapped.
pub(super) fn find_cell() {
    let at = CELL.with(|cell| cell.get() as usize);
    let thread_pointer: usize;
    // SAFETY: the first word of a thread's block on x86-64 is its own address.
    unsafe { std::arch::asm!("mov {}, fs:0", out(reg) thread_pointer, options(nostack, readonly, pure)) };
    CELL_OFFSET.store(at.wrapping_sub(thread_pointer).cast_signed(), Relaxed);
}

/// The call into an image whose code this host thread runs, or ran last. May be asked in a signal handler.
pub(crate) fn innermost() -> *const Activation {
    // SAFETY: only this thread writes the cell, and no reference to it is kept.
    CELL.with(|cell| unsafe { (*cell.get()).innermost })
}

/// Calls a routine of an image by Windows' convention.
///
/// # Safety
/// `target` is code of an image that the machine of the calling processor has mapped, and takes the
/// arguments.
#[inline]
pub unsafe fn call(target: usize, arguments: &[u64]) -> u64 {
    let mut activation = Activation { stack_pointer: 0, instruction: 0, frame_pointer: 0 };
    let at = &raw mut activation;
    // SAFETY: only this thread writes the cell, and no reference to it is kept.
    CELL.with(|cell| unsafe { (*cell.get()).innermost = at });
    // SAFETY: the caller's promise; the activation lives until the call is over, however it ends.
    unsafe { kernel_sim_image_enter(target, arguments.as_ptr(), arguments.len(), at) }
}

/// Where the image stood that called the running routine. Asked first thing in it.
#[inline]
#[must_use]
pub fn caller_site() -> Site {
    // SAFETY: only this thread writes the cell, and no reference to it is kept.
    let caller = CELL.with(|cell| unsafe { (*cell.get()).caller });
    registry::site_of_return(caller)
}

//! The way from a fault to the code that deals with it.
//!
//! The handler lets the thread go on at [`address`], on the reserve stack, with all other registers as they
//! were. Two words lie on top of that stack, the interrupted instruction and the interrupted stack pointer,
//! and the call frame information below says that these are the caller's: so the stack is walked from here
//! into the faulting code as if that had called us, on whatever stack it was.

#![expect(unsafe_code, reason = "assembly, and a symbol of it")]

use std::arch::global_asm;

global_asm!(
    ".text",
    ".p2align 4",
    ".globl kernel_sim_fault_trampoline",
    ".hidden kernel_sim_fault_trampoline",
    "kernel_sim_fault_trampoline:",
    ".cfi_startproc",
    // The code before the instruction is not its caller's: do not look one byte back.
    ".cfi_signal_frame",
    // The frame of the interrupted code is where its stack pointer was: the word at rsp + 8.
    // DW_CFA_def_cfa_expression { DW_OP_breg7 8, DW_OP_deref }
    ".cfi_escape 0x0f, 0x03, 0x77, 0x08, 0x06",
    // It goes on at the instruction in the word at rsp.
    // DW_CFA_expression r16 { DW_OP_breg7 0 }
    ".cfi_escape 0x10, 0x10, 0x02, 0x77, 0x00",
    "call {caught}",
    "ud2",
    ".cfi_endproc",
    // Where a library returns to whose return address was replaced: on the stack of its caller, aligned as
    // after a call. The words are made here, and the way is the same from there on. The unwinder must not
    // take this for a caller: the byte before it has no call frame information.
    "ud2",
    ".globl kernel_sim_fault_returned",
    ".hidden kernel_sim_fault_returned",
    "kernel_sim_fault_returned:",
    "sub rsp, 16",
    "call {returned}",
    "mov [rsp], rax",
    "lea rax, [rsp + 16]",
    "mov [rsp + 8], rax",
    "jmp kernel_sim_fault_trampoline",
    caught = sym super::caught::caught,
    returned = sym super::caught::returned,
);

unsafe extern "C" {
    fn kernel_sim_fault_trampoline() -> !;
    fn kernel_sim_fault_returned() -> !;
}

/// Words on the stack at entry: instruction, stack pointer.
pub(super) const WORDS: usize = 2;

/// Where a library is to return to instead.
pub(super) fn return_address() -> usize {
    kernel_sim_fault_returned as *const () as usize
}

/// Where it begins.
pub(super) fn address() -> usize {
    kernel_sim_fault_trampoline as *const () as usize
}

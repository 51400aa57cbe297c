//! What a signal says of the fault behind it, read from what the host hands to a handler.
//!
//! Plain numbers, copied in the handler; what they mean is worked out later ([`stop`](super::stop)).
//! Invariant: no pointer in it is followed but [`Evidence::return_address`]'s, into the stack in use.

#![expect(unsafe_code, reason = "reads the context of a signal")]

use libc::{REG_CR2, REG_ERR, REG_RIP, REG_RSP, REG_TRAPNO, c_int, siginfo_t, ucontext_t};

/// The trap numbers of an x86-64 processor that matter here.
pub(super) mod trap {
    /// Division by zero, or a quotient too large.
    pub const DIVIDE: u64 = 0;
    /// A segment or an address that is none: not canonical.
    pub const GENERAL_PROTECTION: u64 = 13;
    /// A page that is not there, or not for this.
    pub const PAGE_FAULT: u64 = 14;
}

/// What was done to the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Read,
    Write,
    Execute,
}

/// Where an image was interrupted.
#[derive(Clone, Copy, Debug)]
pub(super) struct InImage {
    pub(super) instruction: usize,
    /// It is a return address.
    pub(super) is_return: bool,
    pub(super) stack_pointer: usize,
    pub(super) frame_pointer: usize,
}

/// A fault as the host describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// The signal.
    pub(super) signal: c_int,
    /// The processor's trap number, and the error code of a page fault.
    pub(super) trap: u64,
    pub(super) error: u64,
    /// The address of a page fault.
    pub(super) address: usize,
    /// The instruction at which it happened.
    pub(super) instruction: usize,
    /// Where the call stack begins: that instruction, or the return address of a call that went astray.
    pub(super) walked_from: usize,
    /// It is a return address.
    pub(super) is_return: bool,
    /// The stack pointer.
    pub(super) stack_pointer: usize,
    /// If it happened in code of an image: where the walk over that is to begin. The others then say where
    /// the image was called.
    pub(super) in_image: Option<InImage>,
    /// All registers, to be put back if the fault is not the driver's.
    pub(super) registers: [i64; 23],
}

impl Evidence {
    pub(super) const NONE: Evidence = Evidence {
        signal: 0,
        trap: 0,
        error: 0,
        address: 0,
        instruction: 0,
        walked_from: 0,
        is_return: false,
        stack_pointer: 0,
        in_image: None,
        registers: [0; 23],
    };

    /// Reads what the host gave the handler.
    ///
    /// # Safety
    /// Both pointers are those of a running handler.
    pub(super) unsafe fn read(signal: c_int, info: *const siginfo_t, context: *const ucontext_t) -> Evidence {
        // SAFETY: the caller's promise.
        let (registers, sent_to) = unsafe { ((*context).uc_mcontext.gregs, (*info).si_addr()) };
        let register = |n: c_int| registers[n as usize];
        let is_page_fault = register(REG_TRAPNO) as u64 == trap::PAGE_FAULT;
        Evidence {
            signal,
            trap: register(REG_TRAPNO) as u64,
            error: register(REG_ERR) as u64,
            address: if is_page_fault { register(REG_CR2) as usize } else { sent_to as usize },
            instruction: register(REG_RIP) as usize,
            walked_from: register(REG_RIP) as usize,
            is_return: false,
            stack_pointer: register(REG_RSP) as usize,
            in_image: None,
            registers,
        }
    }

    /// What a page fault was doing.
    pub(super) fn access(&self) -> Access {
        match self.error {
            e if e & 0x10 != 0 || self.address == self.instruction => Access::Execute,
            e if e & 2 != 0 => Access::Write,
            _ => Access::Read,
        }
    }

    /// Whether the processor was to execute what is no code.
    pub(super) fn is_jump_astray(&self) -> bool {
        self.signal == libc::SIGSEGV && self.trap == trap::PAGE_FAULT && self.access() == Access::Execute
    }

    /// Where a call that went astray came from: the word on top of the stack.
    ///
    /// # Safety
    /// The stack pointer points into a stack in use.
    pub(super) unsafe fn return_address(&self) -> usize {
        // SAFETY: the caller's promise.
        unsafe { (self.stack_pointer as *const usize).read_unaligned() }
    }
}

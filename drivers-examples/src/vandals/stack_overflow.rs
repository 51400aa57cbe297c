//! `vandal-stack-overflow`: a driver that walks a tree by recursion, and the tree is a list.
//!
//! **What is wrong.** A kernel stack has 24 KiB. A depth that comes from outside is a loop, not a recursion.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Deep");

#[repr(C)]
struct TreeNode {
    Left: *mut TreeNode,
    Size: u64,
}

#[inline(never)]
unsafe fn SizeOf(Node: *mut TreeNode) -> u64 {
    let Local = [(*Node).Size; 16];

    std::hint::black_box(&Local);
    if Node.is_null() { 0 } else { Local[0] + SizeOf((*Node).Left) }
}

unsafe fn Exercise() {
    let Node: *mut TreeNode = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<TreeNode>(), TAG).cast();

    // A node that is its own child: such is a disk whose writer went wrong.
    Node.write(TreeNode { Left: Node, Size: 1 });
    std::hint::black_box(SizeOf(Node));
}

/// One recursion, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}

//! Mechanisms behind the `Ke*` and `Ps*` routines: locks, DPCs, timers, waits, threads, interrupts.
//!
//! Each file is one mechanism. They work on checked objects and on the machine's tables; names and
//! hooks are `ddi`'s business.

pub(crate) mod bug_check;
pub(crate) mod dpc;
pub(crate) mod fast_mutex;
pub(crate) mod interlocked;
pub(crate) mod interrupt;
pub(crate) mod level;
pub(crate) mod lists;
pub(crate) mod lock;
pub(crate) mod mutex;
pub(crate) mod network;
pub(crate) mod processors;
pub(crate) mod queued_lock;
pub(crate) mod resource;
pub(crate) mod rundown;
pub(crate) mod sequenced_list;
pub(crate) mod system_thread;
pub(crate) mod thread;
pub(crate) mod time;
pub(crate) mod timer;
pub(crate) mod wait;
pub(crate) mod wait_blocks;
pub(crate) mod wait_many;
pub(crate) mod work_item;

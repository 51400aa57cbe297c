//! Where a host thread that runs a machine and the watchdog meet.
//!
//! The thread says what it runs; the watchdog asks it, by a signal, where it is, and may order it to give up.
//! Both orders are carried out by the handler, between any two instructions of whatever the thread does.
//! Invariant: the work of a post is locked while an order is out, so the machine in it does not go away.

#![expect(unsafe_code, reason = "signals a thread; follows the pointer to its machine; walks a stack")]

use crate::host_clock::HostClock;
use crate::image;
use crate::machine::Machine;
use crate::processor::{Processor, pend};
use crate::program;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// The signal that carries an order: ignored where there is no handler.
pub(super) const SIGNAL: libc::c_int = libc::SIGURG;
/// Frames looked at.
const DEPTH_MAX: usize = 48;
/// How long an order may take to be carried out.
const ANSWER_MAX: Duration = Duration::from_millis(200);

/// Orders, and what became of them.
mod order {
    pub const NONE: u8 = 0;
    /// Say where you are.
    pub const LOOK: u8 = 1;
    /// Give up, if you are where you were.
    pub const GIVE_UP: u8 = 2;
    /// The same, though you are not in the program's own code but blocked in the host.
    pub const GIVE_UP_BLOCKED: u8 = 3;
    pub const DONE: u8 = 4;
    pub const REFUSED: u8 = 5;
}

/// What the thread that got an order is to do.
pub(super) enum Obeyed {
    /// To go on.
    GoesOn,
    /// To be redirected at once.
    Redirect,
    /// To be redirected when the library it is in returns: to the address that is kept in this slot of its
    /// stack.
    WhenReturned { slot: usize },
}

/// Every host thread that can run a machine.
pub(super) static POSTS: Mutex<Vec<Arc<Post>>> = Mutex::new(Vec::new());

/// One host thread's.
pub(super) struct Post {
    thread: libc::pid_t,
    pub(super) work: Mutex<Option<Work>>,
    order: AtomicU8,
    /// Where it was when it last looked: return addresses, innermost first; and the beginning of the function
    /// it was in.
    frames: [AtomicUsize; DEPTH_MAX],
    depth: AtomicUsize,
    function: AtomicUsize,
    /// The first frame that is code of the program.
    program_frame: AtomicUsize,
    on_kernel_stack: AtomicBool,
}

/// What a host thread runs.
pub(super) struct Work {
    machine: *const Machine,
    /// The one processor it runs, or all of them.
    cpu: Option<u8>,
    /// Since when it has made no call.
    pub(super) silent: Silence,
    /// Since when it is to end soon.
    pub(super) hurried: Option<HostClock>,
}

// SAFETY: the machine outlives the work that names it, and what the watchdog looks at of it is atomic.
unsafe impl Send for Work {}

/// How things stood when the last call was seen.
pub(super) struct Silence {
    pub(super) clock: HostClock,
    pub(super) processor_time: Duration,
    pub(super) resident_bytes: usize,
}

/// Where a thread was.
pub(super) struct Place {
    pub(super) addresses: Vec<usize>,
    /// On the stack of a machine's fiber.
    pub(super) on_kernel_stack: bool,
}

impl Post {
    /// The calling thread's, known to the watchdog from now on.
    pub(super) fn of_this_thread() -> Arc<Post> {
        let post = Arc::new(Post {
            // SAFETY: no memory is involved.
            thread: unsafe { libc::gettid() },
            work: Mutex::new(None),
            order: AtomicU8::new(order::NONE),
            frames: [const { AtomicUsize::new(0) }; DEPTH_MAX],
            depth: AtomicUsize::new(0),
            function: AtomicUsize::new(0),
            program_frame: AtomicUsize::new(0),
            on_kernel_stack: AtomicBool::new(false),
        });
        POSTS.lock().push(Arc::clone(&post));
        post
    }

    /// The thread ends.
    pub(super) fn close(self: &Arc<Post>) {
        POSTS.lock().retain(|post| !Arc::ptr_eq(post, self));
    }

    pub(super) fn thread(&self) -> libc::pid_t {
        self.thread
    }

    /// Asks the thread where it is. The caller has its work locked.
    pub(super) fn look(&self) -> Option<Place> {
        if !self.send(order::LOOK) {
            return None;
        }
        let depth = self.depth.load(SeqCst);
        let mut addresses: Vec<_> = self.frames[..depth].iter().map(|a| a.load(SeqCst)).collect();
        if let Some(first) = addresses.first_mut() {
            // Frames are named by what lies before their address: here by the instruction itself.
            *first += 1;
        }
        Some(Place { addresses, on_kernel_stack: self.on_kernel_stack.load(SeqCst) })
    }

    /// Orders the thread to give up, if it is where it was seen. Returns whether it did.
    pub(super) fn give_up(&self, is_blocked: bool) -> bool {
        self.send(if is_blocked { order::GIVE_UP_BLOCKED } else { order::GIVE_UP })
    }

    fn send(&self, order: u8) -> bool {
        self.order.store(order, SeqCst);
        // SAFETY: no memory is involved; the thread lives, because its work is locked.
        let refused = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.thread, SIGNAL) };
        let clock = HostClock::start();
        while refused == 0 && self.order.load(SeqCst) == order && clock.elapsed() < ANSWER_MAX {
            std::thread::yield_now();
        }
        // An order that was not carried out is taken back.
        self.order.swap(order::NONE, SeqCst) == order::DONE
    }

    /// In the handler, interrupted at `instruction`: carries out the order that is out. Returns what the
    /// thread is to do then.
    pub(super) fn obey(&self, instruction: usize, on_kernel_stack: bool) -> Obeyed {
        let order = self.order.load(SeqCst);
        let mut obeyed = Obeyed::GoesOn;
        let answer = match order {
            order::LOOK => {
                let walk = Walk::of(instruction);
                for (kept, frame) in self.frames.iter().zip(walk.frames()) {
                    kept.store(*frame, SeqCst);
                }
                self.depth.store(walk.depth, SeqCst);
                self.function.store(walk.function, SeqCst);
                self.program_frame.store(walk.program_frame, SeqCst);
                self.on_kernel_stack.store(on_kernel_stack, SeqCst);
                order::DONE
            }
            order::GIVE_UP | order::GIVE_UP_BLOCKED if on_kernel_stack => {
                let walk = Walk::of(instruction);
                let at_once = order == order::GIVE_UP_BLOCKED
                    || program::contains(instruction)
                    || image::contains(instruction);
                if at_once && self.is_where_it_was(&walk) {
                    obeyed = Obeyed::Redirect;
                } else if !at_once && self.was_called_alike(&walk) {
                    obeyed = Obeyed::WhenReturned { slot: walk.program_sp - size_of::<usize>() };
                }
                if matches!(obeyed, Obeyed::GoesOn) { order::REFUSED } else { order::DONE }
            }
            order::NONE | order::DONE | order::REFUSED => return obeyed,
            _ => order::REFUSED,
        };
        // Only now, and only if the order still stands: the watchdog goes by this.
        match self.order.compare_exchange(order, answer, SeqCst, SeqCst) {
            Ok(_) => obeyed,
            Err(_) => Obeyed::GoesOn,
        }
    }

    /// Whether the thread is in the same activation of the same function as when it last looked.
    fn is_where_it_was(&self, walk: &Walk) -> bool {
        walk.depth == self.depth.load(SeqCst)
            && walk.function == self.function.load(SeqCst)
            && (1..walk.depth).all(|n| self.frames[n].load(SeqCst) == walk.frames[n])
    }

    /// Whether the thread is in a library that the same place of the program called as when it last looked.
    fn was_called_alike(&self, walk: &Walk) -> bool {
        let (now, then) = (walk.program_frame, self.program_frame.load(SeqCst));
        let frames = walk.depth - now;
        now != 0
            && then != 0
            && frames != 0
            && self.depth.load(SeqCst) - then == frames
            && (0..frames).all(|n| self.frames[then + n].load(SeqCst) == walk.frames[now + n])
    }
}

/// A walk over the stack of interrupted code.
struct Walk {
    frames: [usize; DEPTH_MAX],
    depth: usize,
    /// The beginning of the function that was interrupted.
    function: usize,
    /// The first frame that is code of the program, and its stack pointer: above the return address of what
    /// it called.
    program_frame: usize,
    program_sp: usize,
}

impl Walk {
    fn frames(&self) -> &[usize] {
        &self.frames[..self.depth]
    }

    /// Walks the stack of the code that was interrupted at `instruction`. Allocates nothing.
    fn of(instruction: usize) -> Walk {
        let mut walk =
            Walk { frames: [0; DEPTH_MAX], depth: 0, function: 0, program_frame: 0, program_sp: 0 };
        if image::contains(instruction) {
            // The unwinder cannot read its frames; its activation says whether it is still the same.
            (walk.frames[0], walk.depth, walk.function) = (instruction, 1, image::innermost() as usize);
            return walk;
        }
        walk.go(instruction);
        walk
    }

    fn go(&mut self, instruction: usize) {
        // SAFETY: walking a stack changes nothing; the lock that the safe function takes may be held by the
        // very code that was interrupted.
        unsafe {
            backtrace::trace_unsynchronized(|frame| {
                let address = frame.ip() as usize;
                if self.depth == 0 {
                    if address != instruction {
                        return true;
                    }
                    self.function = frame.symbol_address() as usize;
                }
                if self.program_sp == 0 && program::contains(address) {
                    (self.program_frame, self.program_sp) = (self.depth, frame.sp() as usize);
                }
                self.frames[self.depth] = address;
                self.depth += 1;
                self.depth < DEPTH_MAX
            });
        }
    }
}

impl Work {
    pub(super) fn new(machine: &Machine, cpu: Option<u8>) -> Work {
        Work { machine, cpu, silent: Silence::begin(0, Duration::ZERO), hurried: None }
    }

    pub(super) fn machine(&self) -> &Machine {
        // SAFETY: the machine outlives its work.
        unsafe { &*self.machine }
    }

    fn processors(&self) -> impl Iterator<Item = &Processor> {
        let all = self.machine().processors.iter();
        all.filter(|cpu| self.cpu.is_none_or(|only| only == cpu.index()))
    }

    /// Whether a call was made, or nothing was to be done, since the processors were marked.
    pub(super) fn has_called(&self) -> bool {
        self.processors()
            .any(|cpu| cpu.pending().load(SeqCst) & pend::WATCHED == 0 || self.machine().is_asleep(cpu))
    }

    /// Marks the processors: each takes the mark off at its next call.
    pub(super) fn mark(&self) {
        for cpu in self.processors() {
            cpu.pending().fetch_or(pend::WATCHED, SeqCst);
        }
    }
}

impl Silence {
    pub(super) fn begin(resident_bytes: usize, processor_time: Duration) -> Silence {
        Silence { clock: HostClock::start(), processor_time, resident_bytes }
    }
}

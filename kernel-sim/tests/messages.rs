//! Message-signalled interrupts: edges, their levels, and what the DMA map lets a device reach.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::hardware::{Bus, HardwareModel};
use kernel_sim::irql::Irql;
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// Sends message `n` for a write of `n` to offset 0, and writes a word of memory in a step.
struct Sender {
    sent: u64,
    target: u64,
    failures: Arc<AtomicU32>,
}

impl HardwareModel for Sender {
    fn name(&self) -> &'static str {
        "sender"
    }
    fn line(&self) -> (u32, bool) {
        (0x50, false)
    }
    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        0
    }
    fn write(&mut self, offset: usize, _width: u8, value: u64) {
        if offset == 0 { self.sent |= 1 << value } else { self.target = value }
    }
    fn steps(&self) -> u32 {
        u32::from(self.target != 0)
    }
    fn step(&mut self, _which: u32, bus: &Bus<'_>) {
        let target = std::mem::take(&mut self.target);
        if bus.write(target, &7u32.to_le_bytes()).is_err() {
            self.failures.fetch_add(1, SeqCst);
        }
    }
    fn message_count(&self) -> u32 {
        2
    }
    fn take_messages(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }
}

/// What a service routine saw.
struct Seen {
    calls: AtomicU32,
    irql: AtomicU32,
    window: AtomicU64,
}

unsafe extern "C-unwind" fn service(_interrupt: PKINTERRUPT, context: PVOID) -> BOOLEAN {
    // SAFETY: the context outlives the connection.
    let seen = unsafe { &*context.cast::<Seen>() };
    seen.irql.store(u32::from(Processor::current().irql().0), SeqCst);
    if seen.calls.fetch_add(1, SeqCst) == 0 {
        // Once more, while this one is in service.
        // SAFETY: a register of the device.
        unsafe { WRITE_REGISTER_ULONG(seen.window.load(SeqCst) as *mut u32, 1) };
    }
    TRUE
}

#[test]
fn a_message_that_comes_during_its_service_is_served_again() {
    for execution in (0..20).map(Execution::Seeded).chain([Execution::Parallel]) {
        let failures = Arc::<AtomicU32>::default();
        let model = Sender { sent: 0, target: 0, failures };
        let outcome = Config::new(2, execution).unwrap().hardware(Box::new(model)).run(|| {
            let machine = Machine::current().unwrap();
            let messages = machine.device_messages(0);
            assert_eq!(messages.iter().map(|m| m.irql).collect::<Vec<_>>(), [Irql(5), Irql(6)]);
            let physical = machine.device_window(0).unwrap();
            assert!(physical < 1 << 32, "base address registers of 32 bits hold it: {physical:#x}");
            let window = machine.host_of(physical, 4).unwrap();
            let seen = Box::new(Seen { calls: 0.into(), irql: 0.into(), window: (window as u64).into() });
            let context: PVOID = (&raw const *seen).cast_mut().cast();
            let mut interrupt = null_mut();
            let m = messages[1];
            // SAFETY: the routine and its context outlive the connection.
            unsafe {
                let status = IoConnectInterrupt(
                    &raw mut interrupt,
                    Some(service),
                    context,
                    null_mut(),
                    m.vector,
                    m.irql.0,
                    m.irql.0,
                    Latched,
                    TRUE,
                    u64::MAX,
                    FALSE,
                );
                assert_eq!(status, STATUS_SUCCESS);
                WRITE_REGISTER_ULONG(window as *mut u32, 1);
                while seen.calls.load(SeqCst) < 2 {
                    kernel_sim::safe::delay_us(1_000);
                }
                IoDisconnectInterrupt(interrupt);
            }
            assert_eq!(seen.irql.load(SeqCst), 6);
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}

#[test]
fn a_restricted_device_reaches_only_what_it_was_admitted_to() {
    let failures = Arc::<AtomicU32>::default();
    let seen = Arc::clone(&failures);
    let model = Sender { sent: 0, target: 0, failures: Arc::clone(&failures) };
    let outcome = Config::new(1, Execution::Seeded(0)).unwrap().hardware(Box::new(model)).run(move || {
        let machine = Machine::current().unwrap();
        let memory = machine.allocate_system(64);
        let physical = machine.physical_of(memory as usize).unwrap();
        let register = machine.host_of(machine.device_window(0).unwrap(), 16).unwrap() + 8;
        let write = |at: u64| {
            // SAFETY: a register of the device; PASSIVE_LEVEL.
            unsafe {
                WRITE_REGISTER_ULONG64(register as *mut u64, at);
                kernel_sim::safe::delay_us(1_000);
            }
        };
        write(physical);
        assert_eq!(failures.load(SeqCst), 0, "unrestricted at first");
        machine.restrict_dma(0);
        machine.admit_dma(0, physical, 16);
        write(physical + 12);
        assert_eq!(failures.load(SeqCst), 0, "the last byte that was admitted");
        machine.revoke_dma(0, physical, 16);
        write(physical + 12);
        unreachable!("the machine stops");
    });
    let Ending::BugCheck(check) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!((check.stop.code, check.parameters[0]), (0xE6, 0x26));
    assert_eq!(check.parameters[3], 1, "a write");
    assert_eq!(seen.load(SeqCst), 1);
}

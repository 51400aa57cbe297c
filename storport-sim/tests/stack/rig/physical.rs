//! A machine with the test adapter, its miniport loaded, and what a test may look at.

pub use super::physical_driver::*;
pub use super::test_hba::Behaviour;
use super::test_hba::TestHba;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};
use storport_sim::PciSlot;
pub use storport_sim::client::with_device as with_adapter;
use storport_sim::disk::Target;

/// An entry point of the miniport with other callbacks, as `change` sets them.
#[macro_export]
macro_rules! physical_entry {
    ($name:ident, $change:expr) => {
        unsafe extern "C-unwind" fn $name(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
            let change: fn(&mut HW_INITIALIZATION_DATA) = $change;
            // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
            unsafe { $crate::rig::physical::register(driver, path, change) }
        }
    };
}

/// Everything a test needs besides the adapter.
pub struct Bench {
    pub target: Arc<Mutex<Target>>,
    pub behaviour: Arc<Mutex<Behaviour>>,
}

/// Where the miniport put itself, for tests that look at its counters.
#[derive(Default)]
pub struct Shown(AtomicPtr<Extension>);

impl Shown {
    /// The miniport puts itself here.
    pub fn set(&self, extension: *mut Extension) {
        self.0.store(extension, SeqCst);
    }
}

/// The device extension of the adapter that was started last.
pub fn extension() -> &'static Extension {
    let shown = Machine::current().unwrap().attached::<Shown>().expect("a machine of `run`");
    // SAFETY: the adapter is there while a test looks; counters are atomics.
    unsafe { &*shown.0.load(SeqCst) }
}

/// Runs `body` on a machine with the test adapter, which has this many messages, over `disks` disks.
pub fn run(
    cpus: u8,
    execution: Execution,
    messages: u32,
    disks: usize,
    body: impl FnOnce(&Bench) + Send + 'static,
) -> Outcome {
    let target = Arc::new(Mutex::new((0..disks).map(|_| super::disk()).collect::<Target>()));
    let bench = Bench { target, behaviour: Arc::default() };
    let model = TestHba::new(Arc::clone(&bench.target), Arc::clone(&bench.behaviour), messages);
    Config::new(cpus, execution).unwrap().hardware(Box::new(model)).run(move || {
        Machine::current().unwrap().attach(Arc::<Shown>::default());
        body(&bench);
    })
}

/// A slot for device 0 with the options given.
pub fn slot(options: &[(&str, u32)]) -> PciSlot {
    let mut config_space = [0; 64];
    config_space[..2].copy_from_slice(&VENDOR.to_le_bytes());
    options.iter().fold(PciSlot::new(0).at(2, 7).config_space(&config_space), |slot, (name, value)| {
        slot.parameter(name, storport_sim::Parameter::Dword(*value))
    })
}

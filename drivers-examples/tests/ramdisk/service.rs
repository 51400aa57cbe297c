//! Service requests: the report, a scan on demand, news of units.

use crate::rig::*;
use drivers_examples::ramdisk::{Counts, Request};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use storport_sim::Adapter;
use storport_sim::client::Device;
use storport_sim::scsi::Lun;

fn code(request: Request) -> [u8; 4] {
    request.code().to_le_bytes()
}

#[test]
fn the_report_has_as_many_units_as_there_are_and_as_fit() {
    run(2, Execution::Seeded(1), 3, |bench| {
        assert_eq!(work(bench.adapter().disks()[1], 2, 4), 0);
        let ask = |input: &[u8], room| service(bench.adapter(), input, room);
        let (status, bytes, report) = ask(&[], 4096);
        assert_eq!((status, bytes), (STATUS_SUCCESS, 3 * Counts::BYTES));
        let counts: Vec<Counts> = report
            .chunks_exact(Counts::BYTES)
            .map(|bytes| Counts::from_bytes(bytes.try_into().unwrap()))
            .collect();
        assert_eq!((counts[1].reads, counts[1].writes), (8, 8));
        assert_eq!((counts[0].reads, counts[0].writes, counts[2].reads), (0, 0, 0));
        assert!(counts[1].others >= 8, "flushes count as others");
        let told = |input: &[u8], room| (ask(input, room).0, ask(input, room).1);
        assert_eq!(told(&[], 70), (STATUS_SUCCESS, 2 * Counts::BYTES));
        assert_eq!(told(&[], 31), (STATUS_BUFFER_TOO_SMALL, 0));
        assert_eq!(told(&code(Request::Report), 4096), (STATUS_SUCCESS, 3 * Counts::BYTES));
        assert_eq!(told(&77u32.to_le_bytes(), 4096), (STATUS_INVALID_PARAMETER, 0));
    });
}

#[test]
fn a_scan_may_be_asked_for() {
    for (cpus, seed) in seeded(10) {
        run(cpus, Execution::Seeded(seed), 1, |bench| {
            bench.medium().plug_in(Lun::new(9).unwrap(), disk());
            let asked = service(bench.adapter(), &code(Request::Rescan), 0);
            assert_eq!((asked.0, asked.1), (STATUS_SUCCESS, 0));
            bench.adapter().wait_for_scans();
            assert_eq!(bench.adapter().all_disks().len(), 2);
        });
    }
}

#[test]
fn who_waits_for_news_hears_of_units_and_of_the_end() {
    for (cpus, seed) in seeded(25) {
        let statuses = Arc::new([const { AtomicI32::new(-1) }; 2]);
        let (first, second) = (Arc::clone(&statuses), Arc::clone(&statuses));
        run(cpus, Execution::Seeded(seed), 1, move |bench| {
            let device = Device::from(bench.adapter().device());
            let waits = Threads::start(1, move |_| {
                first[0].store(service_of(device, &code(Request::WaitForChange), 0).0, SeqCst);
                // Again, until the adapter goes. It may be going by now.
                first[1].store(service_of(device, &code(Request::WaitForChange), 0).0, SeqCst);
            });
            bench.medium().plug_in(Lun::new(1).unwrap(), disk());
            while second[0].load(SeqCst) == -1 {
                // News are told with the next request.
                assert_eq!(work(bench.disk(0), 1, 1), 0);
                assert_eq!(service(bench.adapter(), &code(Request::Rescan), 0).0, STATUS_SUCCESS);
            }
            bench.end(Adapter::remove);
            waits.join();
        });
        assert_eq!(statuses[0].load(SeqCst), STATUS_SUCCESS);
        let last = statuses[1].load(SeqCst);
        // A scan that was asked for and comes late is news too.
        assert!(
            [STATUS_CANCELLED, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_SUCCESS].contains(&last),
            "{last:#x}"
        );
    }
}

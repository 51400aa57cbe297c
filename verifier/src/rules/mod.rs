//! Everything that can be found: rules, checks, and the ways in which the machine stops. One table.
//!
//! A rule is a promise Microsoft documents under that name; a check is ours and says what it was drawn from;
//! a stop is what the machine does by itself, as Windows would. Rules lie in a folder for each of Microsoft's
//! sets, checks in `checks/`, stops in `stops.rs`; each file holds one row with its page, and what judges.
//! The doc comment of a row is the only copy of its text: `storsim explain` prints it. `rule.rs` is what a
//! rule is asked, `state.rs` what it remembers, `row.rs` what a row says, `exhibits.rs` which exhibits it
//! names, `selection.rs` which rows are on.
//!
//! Where several rows are broken by one call, the first in the table speaks. A rule is on unless told
//! otherwise if its breach is certain and nothing else that is on finds it.
//!
//! To add a rule: its file, its line in [`TABLE`], and its two exhibits in the drivers' crate.

mod checks;
mod ddi_usage;
mod exhibits;
mod irql;
mod locking;
mod row;
mod rule;
mod selection;
mod srb_processing;
pub mod state;
mod stops;
mod virtual_storport;
mod warning;

pub use checks::{
    adapter_restart, adapter_stop, data_integrity, fewer_bytes, lost_request, request_status,
    stall_at_raised_irql, time_at_raised_irql,
};
pub use exhibits::Exhibits;
pub use row::{Origin, Row, Scope, Set, WindowsStop};
pub use rule::{Breach, FINE, Rule, Seen, Sites, is_of_driver, watcher};
pub use selection::{Exception, Selection, UnknownRule};
pub(crate) use stops::{DEADLOCK, LIVELOCK, RUNAWAY, row_of_stop, why_of_stop};

/// Every row.
pub static TABLE: &[&Row] = &[
    &locking::spin_lock_safe::ROW,
    &locking::storport_spin_lock::ROW,
    &locking::storport_spin_lock3::ROW,
    &locking::storport_spin_lock4::ROW,
    &locking::storport_msi_lock::ROW,
    &locking::spin_lock::ROW,
    &locking::spin_lock_dpc::ROW,
    &locking::spin_lock_release::ROW,
    &locking::queued_spin_lock::ROW,
    &locking::queued_spin_lock_release::ROW,
    &locking::cancel_spin_lock::ROW,
    &irql::irql_dispatch::ROW,
    &irql::irql_ke_release_spin_lock::ROW,
    &irql::sp_change_irql::ROW,
    &irql::sp_irql::ROW,
    &irql::storport_irql::ROW,
    &irql::irql_ke_set_event::ROW,
    &irql::wdm::irql_ex_allocate_pool::ROW,
    &irql::wdm::irql_ex_apc_lte1::ROW,
    &irql::wdm::irql_ex_apc_lte2::ROW,
    &irql::wdm::irql_ex_apc_lte3::ROW,
    &irql::wdm::irql_io_apc_lte::ROW,
    &irql::wdm::irql_io_passive1::ROW,
    &irql::wdm::irql_io_passive2::ROW,
    &irql::wdm::irql_io_passive3::ROW,
    &irql::wdm::irql_io_passive4::ROW,
    &irql::wdm::irql_ke_apc_lte1::ROW,
    &irql::wdm::irql_ke_apc_lte2::ROW,
    &irql::wdm::irql_ke_dispatch_lte::ROW,
    &irql::wdm::irql_ob_passive::ROW,
    &irql::wdm::irql_ps_passive::ROW,
    &irql::wdm::irql_zw_passive::ROW,
    &ddi_usage::hw_storport_prohibited_ddis::ROW,
    &ddi_usage::storport_deprecated::ROW,
    &ddi_usage::null_check::ROW,
    &srb_processing::storport_build_io::ROW,
    &srb_processing::storport_complete_request::ROW,
    &ddi_usage::storport_ddis_port_only::ROW,
    &srb_processing::sp_duplex::ROW,
    &srb_processing::sp_return_value::ROW,
    &srb_processing::storport_find_adapter::ROW,
    &srb_processing::storport_passive_from_hw_init::ROW,
    &srb_processing::storport_enable_passive::ROW,
    &srb_processing::storport_perf_opts::ROW,
    &srb_processing::storport_notification2::ROW,
    &srb_processing::storport_timer::ROW,
    &srb_processing::storport_start_io::ROW,
    &srb_processing::sp_no_wait::ROW,
    &srb_processing::storport_allocate_pool::ROW,
    &srb_processing::storport_allocate_pool2::ROW,
    &virtual_storport::storport_virtual_device::ROW,
    &virtual_storport::storport_virtual_device2::ROW,
    &virtual_storport::double_ex_free_pool::ROW,
    &virtual_storport::double_ke_set_event::ROW,
    &virtual_storport::io_free_irp::ROW,
    &virtual_storport::within_critical_region::ROW,
    &virtual_storport::zw_registry_create::ROW,
    &virtual_storport::zw_registry_open::ROW,
    &warning::storport_status_pending::ROW,
    &warning::paged_code::ROW,
    &checks::call_irql::ROW,
    &checks::lock_left_held::ROW,
    &checks::release_mismatch::ROW,
    &checks::for_dpc_outside_dpc::ROW,
    &checks::call_under_lock::ROW,
    &checks::complete_under_lock::ROW,
    &checks::ignored_failure::ROW,
    &checks::lock_order::ROW,
    &checks::lock_irql::ROW,
    &checks::data_race::ROW,
    &data_integrity::ROW,
    &request_status::ROW,
    &fewer_bytes::ROW,
    &lost_request::ROW,
    &adapter_restart::ROW,
    &adapter_stop::ROW,
    &stall_at_raised_irql::ROW,
    &time_at_raised_irql::ROW,
    &DEADLOCK,
    &LIVELOCK,
    &RUNAWAY,
    &stops::OBJECT_MISUSED,
    &stops::REQUEST_TOUCHED_AFTER_COMPLETION,
    &stops::UNBALANCED_RELEASE,
    &stops::MAXIMUM_WAIT_OBJECTS_EXCEEDED,
    &stops::SPIN_LOCK_ALREADY_OWNED,
    &stops::REFERENCE_BY_POINTER,
    &stops::KMODE_EXCEPTION_NOT_HANDLED,
    &stops::KERNEL_APC_PENDING_DURING_EXIT,
    &stops::THREAD_TERMINATE_HELD_MUTEX,
    &stops::NO_MORE_IRP_STACK_LOCATIONS,
    &stops::MULTIPLE_IRP_COMPLETE_REQUESTS,
    &stops::BUG_CHECK_BY_DRIVER,
    &stops::PAGE_FAULT_IN_NONPAGED_AREA,
    &stops::UNEXPECTED_KERNEL_MODE_TRAP,
    &stops::ATTEMPTED_SWITCH_FROM_DPC,
    &stops::ATTEMPTED_WRITE_TO_READONLY_MEMORY,
    &stops::BAD_POOL_CALLER,
    &stops::DRIVER_VERIFIER_DETECTED_VIOLATION,
    &stops::TIMER_OR_DPC_INVALID,
    &stops::IRQL_UNEXPECTED_VALUE,
    &stops::DRIVER_VERIFIER_IOMANAGER_VIOLATION,
    &stops::DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS,
    &stops::DRIVER_IRQL_NOT_LESS_OR_EQUAL,
    &stops::DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL,
    &stops::DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
    &stops::WORKER_THREAD_RETURNED_AT_BAD_IRQL,
    &stops::RESOURCE_NOT_OWNED,
    &stops::WORKER_INVALID,
    &stops::DRIVER_VERIFIER_DMA_VIOLATION,
    &stops::SCSI_VERIFIER_DETECTED_VIOLATION,
    &stops::DRIVER_RETURNED_HOLDING_CANCEL_LOCK,
];

/// The row that `word` names: its name in any case, or the number of a stop, such as `0xC4`.
#[must_use]
pub fn find(word: &str) -> Option<&'static Row> {
    TABLE.iter().copied().find(|row| row.is_called(word))
}

/// The row that names the driver `name` as an exhibit.
#[must_use]
pub fn row_of_exhibit(name: &str) -> Option<&'static Row> {
    TABLE.iter().copied().find(|row| row.exhibits.names().contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::bugcheck::STOP_CODES;

    #[test]
    fn every_stop_of_the_machine_has_its_row() {
        for stop in STOP_CODES {
            assert_eq!(row_of_stop(stop).name, stop.name);
        }
    }

    #[test]
    fn a_name_names_one_row_and_every_row_has_a_page_with_its_source() {
        for row in TABLE {
            let named: Vec<_> = TABLE.iter().filter(|other| other.is_called(row.name)).collect();
            assert_eq!(named.len(), 1, "{}", row.name);
            let page = row.body();
            assert!(page.contains("## Source"), "{} does not say where it comes from", row.name);
            assert!(page.contains("## Why it matters") && !row.why.is_empty(), "{}: why?", row.name);
        }
    }

    #[test]
    fn a_driver_is_an_exhibit_of_one_row_and_has_no_row_for_a_name() {
        for row in TABLE {
            for name in row.exhibits.names() {
                assert_eq!(row_of_exhibit(name), Some(*row), "{name}");
                assert!(find(name).is_none(), "{name} is also a row");
            }
        }
        assert_eq!(row_of_exhibit("wdm-startio"), None);
    }
}

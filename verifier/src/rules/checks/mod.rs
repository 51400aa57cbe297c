//! Checks of ours. Some the workload makes itself, because only it knows what data and statuses should be.

pub mod adapter_restart;
pub mod call_irql;
pub mod call_under_lock;
pub mod complete_under_lock;
pub mod data_integrity;
pub mod for_dpc_outside_dpc;
pub mod lock_left_held;
pub mod lock_order;
pub mod lost_request;
pub mod release_mismatch;
pub mod request_status;

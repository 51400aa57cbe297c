//! Checks of ours. Those of data and statuses the workload makes itself, because only it knows what they
//! should be; those of time watch.

pub mod adapter_restart;
pub mod adapter_stop;
pub mod call_irql;
pub mod call_under_lock;
pub mod complete_under_lock;
pub mod data_integrity;
pub mod data_race;
pub mod fewer_bytes;
pub mod for_dpc_outside_dpc;
pub mod ignored_failure;
pub mod lock_irql;
pub mod lock_left_held;
pub mod lock_order;
pub mod lost_request;
pub mod release_mismatch;
pub mod request_status;
mod stall;
pub mod stall_at_raised_irql;
pub mod time_at_raised_irql;

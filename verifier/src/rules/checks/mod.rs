//! Checks of ours. Those of data and statuses the workload makes itself, because only it knows what they
//! should be; those of time watch.

pub mod adapter_restart;
pub mod data_integrity;
pub mod fewer_bytes;
pub mod lost_request;
pub mod request_status;
mod stall;
pub mod stall_at_raised_irql;
pub mod time_at_raised_irql;

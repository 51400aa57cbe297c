//! Checks of ours. The workload makes them itself, because only it knows what data and statuses should be.

pub mod adapter_restart;
pub mod data_integrity;
pub mod fewer_bytes;
pub mod lost_request;
pub mod request_status;

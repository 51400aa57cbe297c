//! Rules of Microsoft's set "SrbProcessing": requests, and what a miniport tells the port driver.

pub mod sp_duplex;
pub mod sp_no_wait;
pub mod sp_return_value;
pub mod storport_allocate_pool;
pub mod storport_allocate_pool2;
pub mod storport_build_io;
pub mod storport_complete_request;
pub mod storport_enable_passive;
pub mod storport_find_adapter;
pub mod storport_notification2;
pub mod storport_passive_from_hw_init;
pub mod storport_perf_opts;
pub mod storport_start_io;
pub mod storport_timer;

//! Rules of Microsoft's set "Warning": likely mistakes, off unless asked for.

pub mod paged_code;
pub mod storport_status_pending;

//! Rules of Microsoft's set "DDIUsage": which routines a miniport may call at all.

pub mod hw_storport_prohibited_ddis;
pub mod null_check;
pub mod storport_ddis_port_only;
pub mod storport_deprecated;

//! Rules of Microsoft's set "VirtualStorport": for virtual miniports, which may call the kernel's routines.

pub mod double_ex_free_pool;
pub mod double_ke_set_event;
pub mod io_free_irp;
mod registry_handles;
pub mod storport_virtual_device;
pub mod storport_virtual_device2;
pub mod within_critical_region;
pub mod zw_registry_create;
pub mod zw_registry_open;

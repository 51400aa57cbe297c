//! Rules of Microsoft's set "Irql", and the rules of the same kind that Microsoft has for WDM drivers.

pub mod irql_dispatch;
pub mod irql_ke_release_spin_lock;
pub mod irql_ke_set_event;
pub(super) mod range;
pub mod sp_change_irql;
pub mod sp_irql;
pub mod storport_irql;
pub mod wdm;

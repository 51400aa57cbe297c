//! Rules of Microsoft's set "Locking".

pub mod cancel_spin_lock;
pub(super) mod held;
pub mod queued_spin_lock;
pub mod queued_spin_lock_release;
pub mod spin_lock;
pub mod spin_lock_dpc;
pub mod spin_lock_release;
pub mod spin_lock_safe;
pub mod storport_msi_lock;
pub mod storport_spin_lock;
pub mod storport_spin_lock3;
pub mod storport_spin_lock4;

//! Rules of Microsoft's set "Locking".

pub mod spin_lock_safe;
pub mod storport_spin_lock;

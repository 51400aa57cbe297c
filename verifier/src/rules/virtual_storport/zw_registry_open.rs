//! ZwRegistryOpen: a handle that ZwOpenKey opened is used while it is open, and closed.

use super::registry_handles::RegistryHandles;
use crate::rules::row::rule;
use kernel_sim::ddi::row;

rule! {
    /// A handle that ZwOpenKey opened is used while it is open only, and is closed.
    ///
    /// ## What is checked
    /// Calls of the routines for registry keys with such a handle after ZwClose or ZwDeleteKey, or with one
    /// that was never opened; and when the driver is unloaded, that none is left open. The static rule wants
    /// the handle closed before the routine returns: a run cannot tell a handle that is kept for later from
    /// one that is lost, so it is told of at the unload.
    ///
    /// ## Why it matters
    /// The number of a closed handle may come to stand for another key, which is then read, changed or
    /// deleted. A handle that is left open keeps its key from being deleted until the system ends.
    ///
    /// ## Source
    /// Microsoft, "ZwRegistryOpen rule (Storport)": devtest/storport-zwregistryopen.
    ZwRegistryOpen: VirtualStorport, Rule, on, only Virtual,
    why "the number of a closed handle may stand for another key by now, and one that is left open keeps its key",
    url "devtest/storport-zwregistryopen",
    exhibits "zw-registry-open",
    make |_| RegistryHandles::of(&row::ZwOpenKey, true)
}

//! ZwRegistryCreate: a handle that ZwCreateKey opened is used while it is open, and closed.

use super::registry_handles::RegistryHandles;
use crate::rules::row::rule;
use kernel_sim::ddi::row;

rule! {
    /// A handle that ZwCreateKey opened is used while it is open only, and is closed.
    ///
    /// ## What is checked
    /// Calls of the routines for registry keys with such a handle after ZwClose or ZwDeleteKey; and when the
    /// driver is unloaded, that none is left open. The static rule wants the handle closed before the routine
    /// returns, and not overwritten by another: a run cannot tell a handle that is kept elsewhere for later
    /// from one that is lost, so both are told of at the unload.
    ///
    /// ## Why it matters
    /// The number of a closed handle may come to stand for another key, which is then read, changed or
    /// deleted. A handle that is left open keeps its key from being deleted until the system ends.
    ///
    /// ## Source
    /// Microsoft, "ZwRegistryCreate rule (Storport)": devtest/storport-zwregistrycreate.
    ZwRegistryCreate: VirtualStorport, Rule, on, only Virtual,
    why "the number of a closed handle may stand for another key by now, and one that is left open keeps its key",
    url "devtest/storport-zwregistrycreate",
    exhibits "zw-registry-create",
    make |_| RegistryHandles::of(&row::ZwCreateKey, false)
}

//! What the layers that lend memory to drivers know of an address: asked when something has gone wrong there.
//!
//! A port driver knows that an address was the data of an SRB which was completed at such a line; the kernel
//! does not. It registers one function with the machine. It judges nothing and is never asked in a run that
//! goes well.

use crate::machine::Machine;
use crate::moment::Moment;

/// What is known of an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lent {
    /// What it is or was, as the end of a sentence: "byte 12 of the data of SRB ffffc000`00020000".
    pub what: String,
    /// When it was lent and given back, oldest first, as far as that is known.
    pub moments: Vec<Moment>,
}

/// Says what a host address is or was; `None`: memory that this layer never lent.
pub type Lender = fn(&Machine, usize) -> Option<Lent>;

impl Machine {
    /// Registers the one who knows more of the machine's memory than the kernel does. The first one stays.
    pub fn set_lender(&self, lender: Lender) {
        let _ = self.lender.set(lender);
    }

    /// What is known of a host address.
    pub(crate) fn lent(&self, address: usize) -> Option<Lent> {
        self.lender.get()?(self, address)
    }
}

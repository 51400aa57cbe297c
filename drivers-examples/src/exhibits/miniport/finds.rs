//! What HwStorFindAdapter leaves in the configuration, and what it returns.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::base::{Find, Finds, Register, Ways};
use super::entry::exhibits;
use storport_sim::ddi::*;

exhibits! {
    /// Leaves the adapter in half duplex.
    half_duplex: finds => LeavesHalfDuplex;
    /// Leaves half duplex for full duplex.
    full_duplex: finds => SetsFullDuplex;
    /// Returns a status of the kernel's.
    returns_status: finds => ReturnsStatus;
    /// Returns how many adapters it found.
    returns_count: finds => ReturnsCount;
    /// Leaves the number of breaks as it was.
    leaves_breaks: finds => LeavesBreaks;
    /// Takes one break, the least there is.
    takes_one_break: finds => TakesOneBreak;
    /// Says that an adapter with hardware is virtual.
    says_virtual: physical finds => SaysVirtual;
    /// Says that an adapter with hardware is none.
    says_physical: physical finds => SaysPhysical;
    /// Says that a virtual adapter has hardware.
    virtual_says_physical: finds => SaysPhysical;
    /// Says so, and corrects it.
    virtual_says_virtual: finds => CorrectsItself;
}

unsafe fn LeavesHalfDuplex(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).SynchronizationModel = StorSynchronizeHalfDuplex; // Wrong: as it was found.
    SP_RETURN_FOUND
}

unsafe fn SetsFullDuplex(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).SynchronizationModel = StorSynchronizeHalfDuplex;
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    SP_RETURN_FOUND
}

unsafe fn ReturnsStatus(_ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    STATUS_INVALID_PARAMETER as ULONG // Wrong: not what Storport expects.
}

unsafe fn ReturnsCount(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    // One adapter is SP_RETURN_FOUND.
    ULONG::from((*ConfigInfo).NumberOfBuses)
}

unsafe fn LeavesBreaks(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).NumberOfPhysicalBreaks = SP_UNINITIALIZED_VALUE; // Wrong: as it was found.
    SP_RETURN_FOUND
}

unsafe fn TakesOneBreak(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).NumberOfPhysicalBreaks = 1;
    SP_RETURN_FOUND
}

unsafe fn SaysVirtual(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).VirtualDevice = TRUE; // Wrong: it has hardware.
    SP_RETURN_FOUND
}

unsafe fn SaysPhysical(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    (*ConfigInfo).VirtualDevice = FALSE; // Of a virtual adapter: wrong.
    SP_RETURN_FOUND
}

unsafe fn CorrectsItself(ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    SaysPhysical(ConfigInfo);
    (*ConfigInfo).VirtualDevice = TRUE;
    SP_RETURN_FOUND
}

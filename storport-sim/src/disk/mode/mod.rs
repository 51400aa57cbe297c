//! Mode parameters: what can be configured, and the pages that hold it.
//!
//! Three bits can be changed: the write cache (WCE), descriptor format sense (D_SENSE) and software write
//! protection (SWP). They are kept as what they mean, [`Settings`]; pages are rendered from them and read
//! back into them. The changeable mask is no second list: it is the pages with every setting on, exclusive-or
//! those with every one off.
//!
//! The settings are kept for the unit and not for each initiator, as the caching and control pages are shared
//! (MLUS of page policies is not offered).

mod select;
mod sense;

pub(super) use select::{mode_select_6, mode_select_10};
pub(super) use sense::{mode_sense_6, mode_sense_10};

use zerocopy::big_endian::U16;
use zerocopy::{FromZeros, IntoBytes};

use crate::scsi::{
    CachingPage, ControlExtensionPage, ControlPage, DisconnectPage, ErrorRecoveryPage, ExceptionsPage,
    ModePage, SenseFormat,
};

/// The values that mode pages can change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Settings {
    /// WCE: a write may complete before it is durable.
    pub(super) write_cache: bool,
    /// D_SENSE: sense data comes in descriptor format.
    pub(super) descriptor_sense: bool,
    /// SWP: writes are refused.
    pub(super) write_protect: bool,
}

impl Settings {
    const ALL: Self = Self { write_cache: true, descriptor_sense: true, write_protect: true };
    const NONE: Self = Self { write_cache: false, descriptor_sense: false, write_protect: false };

    /// How sense data is to be laid out.
    pub(super) fn sense_format(self) -> SenseFormat {
        if self.descriptor_sense { SenseFormat::Descriptor } else { SenseFormat::Fixed }
    }
}

/// The four kinds of value a mode parameter has; the changeable mask is the fourth.
#[derive(Debug)]
pub(super) struct ModeParameters {
    /// In force.
    pub(super) current: Settings,
    /// As the disk was built.
    default: Settings,
    /// In force again after a reset or a loss of power.
    saved: Settings,
}

impl ModeParameters {
    /// A disk as it was built, with or without a write cache.
    pub(super) fn new(write_cache: bool) -> Self {
        let built = Settings { write_cache, ..Settings::NONE };
        Self { current: built, default: built, saved: built }
    }

    /// The values after a reset or a loss of power.
    pub(super) fn restore(&mut self) {
        self.current = self.saved;
    }
}

/// One page: its code and subpage code, and its bytes.
struct Page {
    code: ModePage,
    subpage: u8,
    bytes: Vec<u8>,
}

impl Page {
    /// Where the values begin: after the code and the length, or the longer head of a subpage.
    fn values_at(&self) -> usize {
        if self.bytes[0] & ModePage::SPF == 0 { 2 } else { 4 }
    }
}

/// Every page, ascending, as the standard orders the reply to page 3Fh.
fn pages(settings: Settings) -> [Page; 6] {
    let bit = |on: bool, mask: u8| if on { mask } else { 0 };
    let recovery = ErrorRecoveryPage {
        page: ModePage::ERROR_RECOVERY,
        length: 10,
        // AWRE and ARRE: a bad block would be reassigned by itself.
        flags: 0xc0,
        ..FromZeros::new_zeroed()
    };
    let disconnect = DisconnectPage { page: ModePage::DISCONNECT, length: 14, limits: [0; 14] };
    let caching = CachingPage {
        page: ModePage(ModePage::CACHING.0 | ModePage::PS),
        length: 18,
        flags: bit(settings.write_cache, CachingPage::WCE),
        details: [0; 17],
    };
    let control = ControlPage {
        page: ModePage(ModePage::CONTROL.0 | ModePage::PS),
        length: 10,
        flags_2: ControlPage::GLTSD | bit(settings.descriptor_sense, ControlPage::D_SENSE),
        flags_3: ControlPage::UNRESTRICTED_REORDERING,
        flags_4: bit(settings.write_protect, ControlPage::SWP),
        busy_timeout: U16::MAX_VALUE,
        ..FromZeros::new_zeroed()
    };
    let control_extension = ControlExtensionPage {
        page: ModePage::CONTROL.0 | ModePage::SPF,
        subpage: 0x01,
        length: U16::new(28),
        ..FromZeros::new_zeroed()
    };
    let exceptions = ExceptionsPage {
        page: ModePage::EXCEPTIONS,
        length: 10,
        flags: ExceptionsPage::DEXCPT,
        ..FromZeros::new_zeroed()
    };
    let page = |code, subpage, bytes: &[u8]| Page { code, subpage, bytes: bytes.to_vec() };
    [
        page(ModePage::ERROR_RECOVERY, 0, recovery.as_bytes()),
        page(ModePage::DISCONNECT, 0, disconnect.as_bytes()),
        page(ModePage::CACHING, 0, caching.as_bytes()),
        page(ModePage::CONTROL, 0, control.as_bytes()),
        page(ModePage::CONTROL, 1, control_extension.as_bytes()),
        page(ModePage::EXCEPTIONS, 0, exceptions.as_bytes()),
    ]
}

/// Every page with ones where a value can be changed.
fn changeable() -> [Page; 6] {
    let mut pages_on = pages(Settings::ALL);
    for (on, off) in pages_on.iter_mut().zip(pages(Settings::NONE)) {
        let values = on.values_at();
        for (on, off) in on.bytes.iter_mut().zip(off.bytes).skip(values) {
            *on ^= off;
        }
    }
    pages_on
}

//! The headers that `cc` compiles with: those of `drivers-examples/wdk`, and the generated ones, made anew.

use crate::cli::headers;
use std::path::{Path, PathBuf};

macro_rules! written_by_hand {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../../drivers-examples/wdk/", $name)))),+]
    };
}

const HEADERS: [(&str, &str); 25] = written_by_hand![
    "acpiioct.h",
    "ata.h",
    "ata_logs.h",
    "devioctl.h",
    "hbaapi.h",
    "hbapiwmi.h",
    "miniport.h",
    "ntdddisk.h",
    "ntddk.h",
    "ntddscsi.h",
    "ntddscsi_caches.h",
    "ntddstor.h",
    "ntstrsafe.h",
    "poppack.h",
    "pshpack1.h",
    "sal.h",
    "scsi.h",
    "scsi_data.h",
    "scsiwmi.h",
    "srb.h",
    "srbhelper.h",
    "storport.h",
    "storport_extras.h",
    "stortrce.h",
    "wdm.h",
];

/// Writes them below a directory; returns where they are.
pub(super) fn unpack(room: &Path) -> std::io::Result<PathBuf> {
    let wdk = room.join("wdk");
    let generated = wdk.join("generated");
    std::fs::create_dir_all(&generated)?;
    headers::write(&generated)?;
    for (name, text) in HEADERS {
        std::fs::write(wdk.join(name), text)?;
    }
    Ok(wdk)
}

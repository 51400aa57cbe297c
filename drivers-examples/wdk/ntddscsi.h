/*
 * ntddscsi.h for storsim: what IOCTL_SCSI_MINIPORT carries is in srb.h. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_NTDDSCSI_H
#define STORSIM_NTDDSCSI_H
#include "srb.h"
#define IOCTL_SCSI_MINIPORT_NOT_QUORUM_CAPABLE 0x001B0520
#define IOCTL_SCSI_MINIPORT_FIRMWARE 0x001B0780
#endif

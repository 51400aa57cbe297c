/*
 * ntdddisk.h for storsim: the requests to disks that the simulator sends.
 * Written from the public documentation (learn.microsoft.com/windows-hardware/drivers/ddi/ntdddisk).
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_NTDDDISK_H
#define STORSIM_NTDDDISK_H
#include "wdm.h"

typedef struct _GET_LENGTH_INFORMATION { LARGE_INTEGER Length; } GET_LENGTH_INFORMATION, *PGET_LENGTH_INFORMATION;
#endif

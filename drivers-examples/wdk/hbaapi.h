/* hbaapi.h for storsim: what miniports with WMI mention. SPDX-License-Identifier: MIT */
#ifndef STORSIM_HBAAPI_H
#define STORSIM_HBAAPI_H
#define HBA_STATUS_OK 0
#define HBA_STATUS_ERROR 1
#define HBA_PORTTYPE_SASDEVICE 30
#define HBA_PORTSTATE_ONLINE 2
#endif

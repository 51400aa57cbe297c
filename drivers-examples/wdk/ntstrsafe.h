/*
 * ntstrsafe.h for storsim: nothing yet; a driver that formats strings names what is missing when it is linked.
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_NTSTRSAFE_H
#define STORSIM_NTSTRSAFE_H
#include "ntddk.h"
#endif

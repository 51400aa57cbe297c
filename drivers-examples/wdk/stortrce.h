/*
 * stortrce.h for storsim: tracing does nothing here. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_STORTRCE_H
#define STORSIM_STORTRCE_H
#include "storport.h"
typedef struct _STORAGE_TRACE_INIT_INFO {
    ULONG Size;
    PVOID DriverObject;
    ULONG NumErrorLogRecords;
    PVOID TraceCleanupRoutine, TraceContext;
} STORAGE_TRACE_INIT_INFO, *PSTORAGE_TRACE_INIT_INFO;
#endif

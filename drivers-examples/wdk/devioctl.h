/* devioctl.h for storsim: how control codes are made (learn.microsoft.com/windows-hardware/drivers/kernel). SPDX-License-Identifier: MIT */
#pragma once
#include "wdm.h"
#define METHOD_BUFFERED 0
#define METHOD_IN_DIRECT 1
#define METHOD_OUT_DIRECT 2
#define METHOD_NEITHER 3
#define FILE_ANY_ACCESS 0
#define FILE_READ_ACCESS 1
#define FILE_WRITE_ACCESS 2
#define CTL_CODE(Type, Function, Method, Access) ((Type) << 16 | (Access) << 14 | (Function) << 2 | (Method))

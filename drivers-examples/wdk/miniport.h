/* miniport.h for storsim: what it has on Windows is in srb.h here. SPDX-License-Identifier: MIT */
#pragma once
#include "srb.h"
#define DebugPrint(Arguments) ((void)0)

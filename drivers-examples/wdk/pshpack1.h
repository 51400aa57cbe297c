/* pshpack1.h for storsim: members without gaps, up to poppack.h. SPDX-License-Identifier: MIT */
#pragma pack(push, 1)

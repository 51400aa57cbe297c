/* poppack.h for storsim: the end of pshpack1.h. SPDX-License-Identifier: MIT */
#pragma pack(pop)

/*
 * sal.h for storsim: Microsoft's annotations, which mean nothing here. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SAL_H
#define STORSIM_SAL_H
#define IN
#define OUT
#define OPTIONAL
#define __in
#define __out
#define __inout
#define __in_opt
#define __out_opt
#define __drv_aliasesMem
#define _In_
#define _In_opt_
#define _In_z_
#define _Out_
#define _Out_opt_
#define _Outptr_
#define _Outptr_opt_
#define _Inout_
#define _Inout_opt_
#define _Ret_maybenull_
#define _Use_decl_annotations_
#define _Must_inspect_result_
#define _Check_return_
#define _IRQL_requires_same_
#define _IRQL_saves_
#define _IRQL_restores_
#define _In_range_(a, b)
#define _In_reads_(n)
#define _In_reads_opt_(n)
#define _In_reads_bytes_(n)
#define _In_reads_bytes_opt_(n)
#define _Out_writes_(n)
#define _Out_writes_opt_(n)
#define _Out_writes_bytes_(n)
#define _Out_writes_bytes_opt_(n)
#define _Out_writes_bytes_to_(n, m)
#define _Inout_updates_(n)
#define _Inout_updates_bytes_(n)
#define _Inout_updates_bytes_opt_(n)
#define _Field_size_(n)
#define _Field_size_bytes_(n)
#define _Struct_size_bytes_(n)
#define _IRQL_requires_(x)
#define _IRQL_requires_min_(x)
#define _IRQL_requires_max_(x)
#define _IRQL_raises_(x)
#define _IRQL_saves_global_(a, b)
#define _IRQL_restores_global_(a, b)
#define _Acquires_lock_(x)
#define _Releases_lock_(x)
#define _Requires_lock_held_(x)
#define _Requires_lock_not_held_(x)
#define _Function_class_(x)
#define _Dispatch_type_(x)
#define _Success_(x)
#define _When_(a, b)
#define _At_(a, b)
#define _Inout_updates_z_(x)
#define _Post_writable_byte_size_(x)
#define _In_reads_or_z_(x)
#define _In_reads_or_z_opt_(x)
#define _At_buffer_(a, b, c, d)
#define _Post_invalid_
#define _Analysis_assume_lock_acquired_(x)
#define _Analysis_assume_lock_released_(x)
#define _Post_satisfies_(x)
#define _Pre_satisfies_(x)
#define _Analysis_assume_(x)
#define __analysis_assume(x)
#define __drv_dispatchType(x)
#define __drv_functionClass(x)
#define __drv_requiresIRQL(x)
#define __drv_maxIRQL(x)
#define __drv_minIRQL(x)
#define __drv_sameIRQL
#endif

/*
 * acpiioct.h for storsim: the buffers of ACPI methods (learn.microsoft.com/windows-hardware/drivers/ddi/acpiioct).
 * No method is simulated; the buffers are there for drivers to be compiled. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_ACPIIOCT_H
#define STORSIM_ACPIIOCT_H
#include "wdm.h"

#define ACPI_EVAL_INPUT_BUFFER_SIGNATURE 'BieA'
#define ACPI_EVAL_INPUT_BUFFER_COMPLEX_SIGNATURE 'CieA'
#define ACPI_EVAL_OUTPUT_BUFFER_SIGNATURE 'BoeA'
#define ACPI_METHOD_ARGUMENT_INTEGER 0
#define ACPI_METHOD_ARGUMENT_STRING 1
#define ACPI_METHOD_ARGUMENT_BUFFER 2
#define ACPI_METHOD_ARGUMENT_PACKAGE 3
#define ACPI_METHOD_ARGUMENT_PACKAGE_EX 4

typedef struct _ACPI_METHOD_ARGUMENT {
    USHORT Type, DataLength;
    union { ULONG Argument; UCHAR Data[ANYSIZE_ARRAY]; };
} ACPI_METHOD_ARGUMENT, *PACPI_METHOD_ARGUMENT;
typedef struct _ACPI_EVAL_INPUT_BUFFER {
    ULONG Signature;
    union { UCHAR MethodName[4]; ULONG MethodNameAsUlong; };
} ACPI_EVAL_INPUT_BUFFER, *PACPI_EVAL_INPUT_BUFFER;
typedef struct _ACPI_EVAL_INPUT_BUFFER_COMPLEX {
    ULONG Signature;
    union { UCHAR MethodName[4]; ULONG MethodNameAsUlong; };
    ULONG Size, ArgumentCount;
    ACPI_METHOD_ARGUMENT Argument[ANYSIZE_ARRAY];
} ACPI_EVAL_INPUT_BUFFER_COMPLEX, *PACPI_EVAL_INPUT_BUFFER_COMPLEX;
typedef struct _ACPI_EVAL_OUTPUT_BUFFER {
    ULONG Signature, Length, Count;
    ACPI_METHOD_ARGUMENT Argument[ANYSIZE_ARRAY];
} ACPI_EVAL_OUTPUT_BUFFER, *PACPI_EVAL_OUTPUT_BUFFER;
#define ACPI_METHOD_ARGUMENT_LENGTH(Bytes) \
    (FIELD_OFFSET(ACPI_METHOD_ARGUMENT, Argument) + max(sizeof(ULONG), (Bytes)))
#define ACPI_METHOD_ARGUMENT_LENGTH_FROM_ARGUMENT(Argument) ACPI_METHOD_ARGUMENT_LENGTH((Argument)->DataLength)
#define ACPI_METHOD_NEXT_ARGUMENT(Argument) \
    ((PACPI_METHOD_ARGUMENT)((PUCHAR)(Argument) + ACPI_METHOD_ARGUMENT_LENGTH_FROM_ARGUMENT(Argument)))
#define ACPI_METHOD_SET_ARGUMENT_INTEGER(To, Value) \
    ((To)->Type = ACPI_METHOD_ARGUMENT_INTEGER, (To)->DataLength = sizeof(ULONG), (To)->Argument = (Value))
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The one door for public structs that begin with `size`: programs may have been compiled with an
 * older (smaller) or a newer (larger) version of a struct than this library was. Whoever takes such
 * a struct from a program, or fills one in for it, does it here. What each struct is stands in
 * abi_structs.h. No state; thread-safe. */
#ifndef BASE_ABI_H
#define BASE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kclient/error.h>

/* What the door knows of one struct. */
typedef struct kci_abi {
    const char *name;     /* "kc_producer_record" */
    const char *init;     /* "KC_PRODUCER_RECORD_INIT" */
    uint32_t size;        /* in this library */
    uint32_t least;       /* up to the last field that every version has had; never changes */
    const void *defaults; /* `size` bytes: what `init` makes */
    uint32_t reserved;    /* offset of a uint32_t that must be 0 until it has a meaning; 0: none */
} kci_abi;

/* A row for one struct: `last` is the last field of the part that every version has. */
#define KCI_ABI_ROW(type, last, init_name, values)                                   \
    {                                                                                \
        .name = #type, .init = init_name, .size = (uint32_t)sizeof(type),            \
        .least = (uint32_t)(offsetof(type, last) + sizeof(((const type *)0)->last)), \
        .defaults = (values)                                                         \
    }

/* A row for a struct that has a field `reserved`. */
#define KCI_ABI_ROW_RESERVED(type, last, init_name, values)                          \
    {                                                                                \
        .name = #type, .init = init_name, .size = (uint32_t)sizeof(type),            \
        .least = (uint32_t)(offsetof(type, last) + sizeof(((const type *)0)->last)), \
        .defaults = (values), .reserved = (uint32_t)offsetof(type, reserved)         \
    }

/* Copies a program's struct to *to, a struct as this library knows it: what an older program does
 * not have gets its default. A newer program's is accepted when what this library does not know is
 * zero. KC_E_INVALID_ARGUMENT with a sentence. `from` must not be NULL. */
kc_err kci_abi_take(const kci_abi *abi, const void *from, void *to, kc_error *detail);

/* The same for entry `index` of a program's array, whose entries are as large as the first one
 * says. */
kc_err kci_abi_take_at(const kci_abi *abi, const void *array, size_t index, void *to,
                       kc_error *detail);

/* Fills in a program's struct from *from, a struct as this library knows it: never more than
 * out->size says, which stays as it is; what this library does not know becomes zero. False, and
 * nothing is written, when out is NULL or its size cannot be. */
bool kci_abi_give(const kci_abi *abi, const void *from, void *out);

/* Whether kci_abi_give would write to it; KC_E_INVALID_ARGUMENT with a sentence if not. For calls
 * that have work to do before they give. */
kc_err kci_abi_check_out(const kci_abi *abi, const void *out, kc_error *detail);

/* Fills `size` bytes with the struct's defaults, size included. Less than a struct's least part, and
 * NULL, are left alone. */
void kci_abi_init(const kci_abi *abi, void *out, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C: choice of the implementation, the portable one, and combining.
 *
 * Polynomials are bit-reflected as usual: bit 31 is x^0. The tables are made at the first call, not
 * stored, and published by the release store of `chosen`. */
#include "base/crc32c.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/crc32c_impl.h"

enum { SLICES = 8, POWERS = 67 };

static const uint32_t polynomial = 0x82f63b78;
static const uint32_t one = UINT32_C(1) << 31; /* x^0 */

static uint32_t tables[SLICES][256];
static uint32_t powers[POWERS]; /* x^(2^k) modulo the polynomial; bytes make 8 * size_t's range */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static kci_crc32c_fn first_call;
static _Atomic(kci_crc32c_fn *) chosen = first_call;

/* a * b modulo the polynomial. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (int i = 0; i < 32; i++) {
        product ^= b & (0 - (a >> 31));
        a <<= 1;
        b = (b >> 1) ^ (polynomial & (0 - (b & 1)));
    }
    return product;
}

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (polynomial & (0 - (crc & 1)));
        tables[0][i] = crc;
    }
    for (int s = 1; s < SLICES; s++) {
        for (int i = 0; i < 256; i++)
            tables[s][i] = (tables[s - 1][i] >> 8) ^ tables[0][tables[s - 1][i] & 0xff];
    }
    powers[0] = one >> 1;
    for (int k = 1; k < POWERS; k++)
        powers[k] = multiply(powers[k - 1], powers[k - 1]);
}

static uint32_t portable(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        v = le64toh(v) ^ crc;
        crc = tables[7][v & 0xff] ^ tables[6][(v >> 8) & 0xff] ^ tables[5][(v >> 16) & 0xff] ^
              tables[4][(v >> 24) & 0xff] ^ tables[3][(v >> 32) & 0xff] ^
              tables[2][(v >> 40) & 0xff] ^ tables[1][(v >> 48) & 0xff] ^ tables[0][v >> 56];
    }
    for (; n > 0; n--)
        crc = (crc >> 8) ^ tables[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

static uint32_t first_call(uint32_t crc, const void *p, size_t n)
{
    kci_crc32c_fn *fn = kci_crc32c_hardware();
    pthread_once(&tables_once, make_tables);
    if (!fn)
        fn = portable;
    atomic_store_explicit(&chosen, fn, memory_order_release);
    return fn(crc, p, n);
}

uint32_t kci_crc32c(uint32_t crc, const void *p, size_t n)
{
    return atomic_load_explicit(&chosen, memory_order_acquire)(crc, p, n);
}

bool kci_crc32c_force(enum kci_crc32c_impl impl)
{
    kci_crc32c_fn *fn = impl == KCI_CRC32C_PORTABLE ? portable : kci_crc32c_hardware();
    pthread_once(&tables_once, make_tables);
    if (fn)
        atomic_store_explicit(&chosen, fn, memory_order_release);
    return fn != NULL;
}

uint32_t kci_crc32c_shift(size_t len_b)
{
    pthread_once(&tables_once, make_tables);
    uint32_t shift = one;
    for (int k = 3; len_b > 0; k++, len_b >>= 1) { /* from 3: bytes to bits */
        if (len_b & 1)
            shift = multiply(shift, powers[k]);
    }
    return shift;
}

uint32_t kci_crc32c_apply(uint32_t shift, uint32_t crc_a)
{
    return multiply(shift, crc_a);
}

uint32_t kci_crc32c_combine(uint32_t crc_a, uint32_t crc_b, size_t len_b)
{
    return kci_crc32c_apply(kci_crc32c_shift(len_b), crc_a) ^ crc_b;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C by the processor's instructions: SSE4.2 with PCLMULQDQ, or ARMv8's CRC extension.
 *
 * The crc32 instruction has a latency of three cycles and a throughput of one, so long buffers go
 * through three independent lanes that are joined by a carry-less multiplication. */
#include "base/crc32c_impl.h"

#include <string.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define HARDWARE __attribute__((target("sse4.2,pclmul")))

enum { LONG_LANE = 2048, SHORT_LANE = 256 };

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* crc moved on over the zero bits that `shift` stands for: x^(bits - 33), since the product of two
 * reflected numbers is one bit short and the crc32 instruction multiplies by x^32. */
HARDWARE static inline uint64_t move_on(uint64_t crc, uint32_t shift)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)shift), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* Three lanes of `lane` bytes each; over1 and over2 move on over one and two lanes. */
HARDWARE static inline uint64_t three_lanes(uint64_t crc, const uint8_t *p, size_t lane,
                                            uint32_t over1, uint32_t over2)
{
    uint64_t crc1 = 0;
    uint64_t crc2 = 0;
    for (const uint8_t *end = p + lane; p < end; p += 8) {
        crc = _mm_crc32_u64(crc, load64(p));
        crc1 = _mm_crc32_u64(crc1, load64(p + lane));
        crc2 = _mm_crc32_u64(crc2, load64(p + 2 * lane));
    }
    return move_on(crc, over2) ^ move_on(crc1, over1) ^ crc2;
}

HARDWARE static uint32_t hardware(uint32_t start, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t crc = ~start;
    for (; n >= 3 * LONG_LANE; n -= 3 * LONG_LANE, p += 3 * LONG_LANE)
        crc = three_lanes(crc, p, LONG_LANE, 0xa51b6135, 0x82f89c77);
    for (; n >= 3 * SHORT_LANE; n -= 3 * SHORT_LANE, p += 3 * SHORT_LANE)
        crc = three_lanes(crc, p, SHORT_LANE, 0xb9e02b86, 0xdd7e3b0c);
    for (; n >= 8; n -= 8, p += 8)
        crc = _mm_crc32_u64(crc, load64(p));
    for (; n > 0; n--)
        crc = _mm_crc32_u8((uint32_t)crc, *p++);
    return ~(uint32_t)crc;
}

kci_crc32c_fn *kci_crc32c_hardware(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul") ? hardware : NULL;
}

#elif defined(__aarch64__) && defined(__linux__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <sys/auxv.h>

enum { HWCAP_CRC32_BIT = 1 << 7 };

/* Inline assembly, since the intrinsics need compiler flags for the whole file. */
static inline uint32_t crc_u64(uint32_t crc, uint64_t v)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(v));
    return crc;
}

static inline uint32_t crc_u8(uint32_t crc, uint8_t v)
{
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)v));
    return crc;
}

static uint32_t hardware(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, sizeof v);
        crc = crc_u64(crc, v);
    }
    for (; n > 0; n--)
        crc = crc_u8(crc, *p++);
    return ~crc;
}

kci_crc32c_fn *kci_crc32c_hardware(void)
{
    return getauxval(AT_HWCAP) & HWCAP_CRC32_BIT ? hardware : NULL;
}

#else

kci_crc32c_fn *kci_crc32c_hardware(void)
{
    return NULL;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha2.h"

#include "base/bytes.h"

static const uint32_t k32[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint64_t k64[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static const uint32_t start32[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint64_t start64[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static inline uint32_t r32(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline uint64_t r64(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

static void compress256(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], v[8];

    for (int i = 0; i < 16; i++)
        w[i] = kci_load32(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (r32(a, 7) ^ r32(a, 18) ^ a >> 3) +
               (r32(b, 17) ^ r32(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (r32(e, 6) ^ r32(e, 11) ^ r32(e, 25)) + ((e & v[5]) ^ (~e & v[6])) +
                      k32[i] + w[i];
        uint32_t t2 =
            (r32(a, 2) ^ r32(a, 13) ^ r32(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void compress512(uint64_t state[8], const uint8_t *block)
{
    uint64_t w[80], v[8];

    for (int i = 0; i < 16; i++)
        w[i] = kci_load64(block + 8 * i);
    for (int i = 16; i < 80; i++) {
        uint64_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (r64(a, 1) ^ r64(a, 8) ^ a >> 7) +
               (r64(b, 19) ^ r64(b, 61) ^ b >> 6);
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 80; i++) {
        uint64_t e = v[4], a = v[0];
        uint64_t t1 = v[7] + (r64(e, 14) ^ r64(e, 18) ^ r64(e, 41)) + ((e & v[5]) ^ (~e & v[6])) +
                      k64[i] + w[i];
        uint64_t t2 =
            (r64(a, 28) ^ r64(a, 34) ^ r64(a, 39)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static size_t block_size(kci_sha2_kind kind)
{
    return kind == KCI_SHA256 ? 64 : 128;
}

static void compress(kci_sha2 *s, const uint8_t *block)
{
    if (s->kind == KCI_SHA256)
        compress256(s->state.w32, block);
    else
        compress512(s->state.w64, block);
}

void kci_sha2_begin(kci_sha2 *s, kci_sha2_kind kind)
{
    s->kind = kind;
    s->size = 0;
    if (kind == KCI_SHA256)
        memcpy(s->state.w32, start32, sizeof start32);
    else
        memcpy(s->state.w64, start64, sizeof start64);
}

void kci_sha2_add(kci_sha2 *s, kc_bytes data)
{
    size_t block = block_size(s->kind);
    const uint8_t *at = data.data;

    for (size_t left = data.size; left > 0;) {
        size_t used = (size_t)(s->size % block);
        size_t part = block - used < left ? block - used : left;
        memcpy(s->block + used, at, part);
        s->size += part;
        at += part;
        left -= part;
        if (used + part == block)
            compress(s, s->block);
    }
}

void kci_sha2_end(kci_sha2 *s, uint8_t *digest)
{
    static const uint8_t padding[KCI_SHA2_BLOCK_MAX] = { 0x80 };
    size_t block = block_size(s->kind);
    size_t length = block / 8; /* of the count of bits, whose upper half is 0 */
    size_t used = (size_t)(s->size % block);
    uint64_t bits = s->size * 8;
    uint8_t tail[16] = { 0 };

    kci_sha2_add(s, kc_mem(padding, (used < block - length ? block : 2 * block) - length - used));
    kci_store64(tail + length - 8, bits);
    kci_sha2_add(s, kc_mem(tail, length));
    for (size_t i = 0; i < 8; i++)
        if (s->kind == KCI_SHA256)
            kci_store32(digest + 4 * i, s->state.w32[i]);
        else
            kci_store64(digest + 8 * i, s->state.w64[i]);
}

void kci_sha2_of(kci_sha2_kind kind, kc_bytes data, uint8_t *digest)
{
    kci_sha2 s;

    kci_sha2_begin(&s, kind);
    kci_sha2_add(&s, data);
    kci_sha2_end(&s, digest);
}

/* A key's two states, from which each of its MACs begins. */
typedef struct hmac_key {
    kci_sha2 inner, outer;
} hmac_key;

static void prepare(hmac_key *k, kci_sha2_kind kind, kc_bytes key)
{
    size_t block = block_size(kind);
    uint8_t pad[KCI_SHA2_BLOCK_MAX] = { 0 };

    if (key.size > block)
        kci_sha2_of(kind, key, pad);
    else if (key.size)
        memcpy(pad, key.data, key.size);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    kci_sha2_begin(&k->inner, kind);
    kci_sha2_add(&k->inner, kc_mem(pad, block));
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    kci_sha2_begin(&k->outer, kind);
    kci_sha2_add(&k->outer, kc_mem(pad, block));
    explicit_bzero(pad, sizeof pad);
}

/* Two pieces of data, one after the other. */
static void mac_of(const hmac_key *k, kc_bytes first, kc_bytes second, uint8_t *mac)
{
    kci_sha2 s = k->inner;

    kci_sha2_add(&s, first);
    kci_sha2_add(&s, second);
    kci_sha2_end(&s, mac);
    s = k->outer;
    kci_sha2_add(&s, kc_mem(mac, kci_sha2_size(s.kind)));
    kci_sha2_end(&s, mac);
}

void kci_hmac(kci_sha2_kind kind, kc_bytes key, kc_bytes data, uint8_t *mac)
{
    hmac_key k;

    prepare(&k, kind, key);
    mac_of(&k, data, kc_mem(NULL, 0), mac);
    explicit_bzero(&k, sizeof k);
}

void kci_pbkdf2(kci_sha2_kind kind, kc_bytes password, kc_bytes salt, uint32_t iterations,
                uint8_t *key)
{
    static const uint8_t first_block[4] = { 0, 0, 0, 1 };
    size_t size = kci_sha2_size(kind);
    uint8_t u[KCI_SHA2_MAX];
    hmac_key k;

    prepare(&k, kind, password);
    mac_of(&k, salt, kc_mem(first_block, sizeof first_block), u);
    memcpy(key, u, size);
    for (uint32_t i = 1; i < iterations; i++) {
        mac_of(&k, kc_mem(u, size), kc_mem(NULL, 0), u);
        for (size_t n = 0; n < size; n++)
            key[n] ^= u[n];
    }
    explicit_bzero(&k, sizeof k);
    explicit_bzero(u, sizeof u);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/sealer.h"

#include <string.h>

#include "base/mem.h"

struct kci_idle_compressor {
    kci_compressor *compressor;
    kci_idle_compressor *next;
};

kc_err kci_sealer_init(kci_sealer *s, kci_codec codec, int level)
{
    memset(s, 0, sizeof *s);
    s->codec = codec;
    s->level = level;
    return pthread_mutex_init(&s->lock, NULL) == 0 ? KC_OK : KC_E_NO_MEMORY;
}

static void compressor_free(kci_idle_compressor *c)
{
    kci_compressor_free(c->compressor);
    kci_free(c);
}

void kci_sealer_free(kci_sealer *s)
{
    while (s->idle) {
        kci_idle_compressor *c = s->idle;
        s->idle = c->next;
        compressor_free(c);
    }
    pthread_mutex_destroy(&s->lock);
}

static kci_idle_compressor *compressor_new(void)
{
    kci_idle_compressor *c = kci_calloc(1, sizeof *c);
    if (c && kci_compressor_new(&c->compressor) != KC_OK) {
        kci_free(c);
        return NULL;
    }
    return c;
}

static kci_idle_compressor *borrow(kci_sealer *s)
{
    pthread_mutex_lock(&s->lock);
    kci_idle_compressor *c = s->idle;
    if (c)
        s->idle = c->next;
    pthread_mutex_unlock(&s->lock);
    return c ? c : compressor_new();
}

static void give_back(kci_sealer *s, kci_idle_compressor *c)
{
    pthread_mutex_lock(&s->lock);
    c->next = s->idle;
    s->idle = c;
    pthread_mutex_unlock(&s->lock);
}

void kci_sealer_seal(kci_sealer *s, kci_send_batch *b)
{
    kci_idle_compressor *c = s->codec == KCI_CODEC_NONE ? NULL : borrow(s);
    kc_err err = KC_E_NO_MEMORY;
    if (c) {
        err =
            kci_batch_writer_seal(&b->writer, s->codec, s->level, c->compressor, &b->pool->copies);
        give_back(s, c);
    }
    if (err != KC_OK)
        kci_batch_writer_seal(&b->writer, KCI_CODEC_NONE, 0, NULL, &b->pool->copies);
}

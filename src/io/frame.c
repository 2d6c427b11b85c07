/* SPDX-License-Identifier: Apache-2.0 */
/* Small frames are one allocation, header and bytes together, and are never kept. Large ones have
 * their bytes apart and, when released, wait in the pool for a frame of about their size; the
 * longest unused go first when the pool is full. */
#include "io/frame.h"

#include <pthread.h>

#include "base/list.h"
#include "base/mem.h"

enum {
    LARGE = 64 * 1024, /* from here on fresh pages cost more than keeping the old ones */
    MAX_KEPT = 64,
    STEP = LARGE / 4, /* sizes are rounded up by so much at least, */
    PART = 8          /* and otherwise by an eighth of them at most */
};

typedef struct box {
    kci_frame frame;
    kci_link link; /* while kept */
} box;

struct kci_frame_pool {
    atomic_size_t refs; /* the owner's and one for each frame in use */
    atomic_size_t bytes;
    size_t keep_bytes;
    pthread_mutex_t lock;
    kci_list kept; /* under lock, the longest unused first */
    size_t kept_bytes;
    int kept_count;
};

kci_frame_pool *kci_frame_pool_new(size_t keep_bytes)
{
    kci_frame_pool *p = kci_calloc(1, sizeof *p);
    if (!p)
        return NULL;
    atomic_init(&p->refs, 1);
    p->keep_bytes = keep_bytes;
    pthread_mutex_init(&p->lock, NULL);
    kci_list_init(&p->kept);
    return p;
}

static void free_box(box *b)
{
    kci_free(b->frame.data);
    kci_free(b);
}

/* Takes the longest unused box out; the lock is held. */
static box *pop_kept(kci_frame_pool *p)
{
    box *b = KCI_CONTAINER_OF(kci_list_pop_front(&p->kept), box, link);
    p->kept_bytes -= b->frame.cap;
    p->kept_count--;
    atomic_fetch_sub_explicit(&p->bytes, b->frame.cap, memory_order_relaxed);
    return b;
}

void kci_frame_pool_unref(kci_frame_pool *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    while (p->kept_count)
        free_box(pop_kept(p));
    pthread_mutex_destroy(&p->lock);
    kci_free(p);
}

size_t kci_frame_pool_bytes(kci_frame_pool *p)
{
    return atomic_load_explicit(&p->bytes, memory_order_relaxed);
}

size_t kci_frame_most(size_t size)
{
    size_t more = size / PART > STEP ? size / PART : STEP;
    return size > SIZE_MAX - more ? SIZE_MAX : size + more;
}

/* The kept box that fits best; NULL if none fits without more waste than a new one may have. */
static box *take_kept(kci_frame_pool *p, uint32_t size)
{
    box *best = NULL;
    size_t most = kci_frame_most(size);
    pthread_mutex_lock(&p->lock);
    for (kci_link *l = kci_list_first(&p->kept); l; l = kci_list_next(&p->kept, l)) {
        box *b = KCI_CONTAINER_OF(l, box, link);
        if (b->frame.cap >= size && b->frame.cap <= most &&
            (!best || b->frame.cap < best->frame.cap))
            best = b;
    }
    if (best) {
        kci_link_remove(&best->link);
        p->kept_bytes -= best->frame.cap;
        p->kept_count--;
    }
    pthread_mutex_unlock(&p->lock);
    return best;
}

/* Sizes are rounded up a little, so that answers of about the same size can share buffers. */
static uint32_t round_up(uint32_t size)
{
    uint32_t step = STEP;
    while (step <= size / PART / 2)
        step *= 2;
    uint64_t cap = ((uint64_t)size + step - 1) / step * step;
    return cap > UINT32_MAX ? size : (uint32_t)cap;
}

static box *new_large(uint32_t size)
{
    box *b = kci_calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->frame.cap = round_up(size);
    b->frame.data = kci_alloc(b->frame.cap);
    if (!b->frame.data) {
        kci_free(b);
        return NULL;
    }
    return b;
}

static box *new_small(uint32_t size)
{
    box *b = kci_alloc(sizeof *b + size);
    if (!b)
        return NULL;
    *b = (box){ .frame = { .cap = size, .data = (uint8_t *)(b + 1) } };
    return b;
}

kci_frame *kci_frame_new(kci_frame_pool *p, uint32_t size)
{
    bool large = size >= LARGE;
    box *b = large && p ? take_kept(p, size) : NULL;
    if (!b) {
        b = large ? new_large(size) : new_small(size);
        if (!b)
            return NULL;
        if (p)
            atomic_fetch_add_explicit(&p->bytes, b->frame.cap, memory_order_relaxed);
    }
    if (p)
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    b->frame.pool = p;
    b->frame.size = size;
    atomic_init(&b->frame.refs, 1);
    return &b->frame;
}

/* Keeps a large box; what has to go for it is returned in `out`, to be freed without the lock. */
static void keep(kci_frame_pool *p, box *b, kci_list *out)
{
    pthread_mutex_lock(&p->lock);
    kci_list_push_back(&p->kept, &b->link);
    p->kept_bytes += b->frame.cap;
    p->kept_count++;
    while (p->kept_bytes > p->keep_bytes || p->kept_count > MAX_KEPT)
        kci_list_push_back(out, &pop_kept(p)->link);
    pthread_mutex_unlock(&p->lock);
}

void kci_frame_unref(kci_frame *frame)
{
    if (!frame || atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) != 1)
        return;
    box *b = KCI_CONTAINER_OF(frame, box, frame);
    kci_frame_pool *p = frame->pool;
    if (frame->cap < LARGE) {
        if (p)
            atomic_fetch_sub_explicit(&p->bytes, frame->cap, memory_order_relaxed);
        kci_free(b);
    } else if (!p) {
        free_box(b);
    } else {
        kci_list out;
        kci_list_init(&out);
        keep(p, b, &out);
        for (kci_link *l; (l = kci_list_pop_front(&out));)
            free_box(KCI_CONTAINER_OF(l, box, link));
    }
    kci_frame_pool_unref(p);
}

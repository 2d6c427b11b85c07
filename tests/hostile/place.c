/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/place.h"

#include <stdio.h>

#include "hostile/names.h"
#include "wire/field.h"

typedef struct walk {
    uint8_t version;
    int elements;
    host_place_fn fn;
    void *arg;
} walk;

static void walk_struct(const walk *w, const kci_msg *msg, const char *in, const host_place *at);

/* `at` with one more step. */
static host_place step_to(const host_place *at, const kci_msg *msg, size_t i, int index)
{
    host_place p = *at;
    p.msg = msg;
    p.field = &msg->fields[i];
    p.kind = HOST_FIELD;
    const char *name = host_field_name(msg, i);
    p.is_error_code = p.field->kind == KCI_INT16 && strcmp(name, "error_code") == 0;
    if (p.depth < HOST_STEPS_MAX)
        p.steps[p.depth++] = (host_step){ (uint8_t)i, (int8_t)index };
    size_t n = strlen(p.path);
    const char *dot = n ? "." : "";
    if (index < 0)
        snprintf(p.path + n, sizeof p.path - n, "%s%s", dot, name);
    else
        snprintf(p.path + n, sizeof p.path - n, "%s%s[%d]", dot, name, index);
    return p;
}

static void walk_array(const walk *w, const kci_msg *msg, size_t i, const char *in,
                       const host_place *at)
{
    const kci_field *f = &msg->fields[i];
    host_place whole = step_to(at, msg, i, -1);
    whole.kind = HOST_ARRAY;
    w->fn(w->arg, &whole, in != NULL);
    const char *data = NULL;
    int32_t count = in ? kci_array_get(in + f->offset, &data) : 0;
    for (int n = 0; n < w->elements && (n < count || n == 0); n++) {
        const char *element = n < count ? data + (size_t)n * kci_element_size(f) : NULL;
        host_place p = step_to(at, msg, i, n);
        if (f->kind == KCI_STRUCT)
            walk_struct(w, f->msg, element, &p);
        else
            w->fn(w->arg, &p, element != NULL);
    }
}

static void walk_pointer(const walk *w, const kci_msg *msg, size_t i, const char *in,
                         const host_place *at)
{
    const kci_field *f = &msg->fields[i];
    host_place p = step_to(at, msg, i, -1);
    p.kind = HOST_OBJECT;
    w->fn(w->arg, &p, in != NULL);
    const char *pointed = NULL;
    if (in)
        memcpy(&pointed, in + f->offset, sizeof pointed);
    walk_struct(w, f->msg, pointed, &p);
}

static void walk_field(const walk *w, const kci_msg *msg, size_t i, const char *in,
                       const host_place *at)
{
    const kci_field *f = &msg->fields[i];
    if (!kci_in_versions(f->versions, w->version))
        return;
    if (f->flags & KCI_FIELD_ARRAY) {
        walk_array(w, msg, i, in, at);
        return;
    }
    if (f->kind == KCI_STRUCT && kci_is_pointer(f)) {
        walk_pointer(w, msg, i, in, at);
        return;
    }
    host_place p = step_to(at, msg, i, -1);
    if (f->kind == KCI_STRUCT)
        walk_struct(w, f->msg, in ? in + f->offset : NULL, &p);
    else
        w->fn(w->arg, &p, in != NULL);
}

static void walk_struct(const walk *w, const kci_msg *msg, const char *in, const host_place *at)
{
    for (size_t i = 0; i < (size_t)msg->plain + msg->tagged; i++)
        walk_field(w, msg, i, in, at);
    if (w->version < msg->flexible)
        return;
    host_place tags = *at;
    tags.kind = HOST_TAGS;
    tags.msg = msg;
    tags.field = NULL;
    tags.is_error_code = false;
    size_t n = strlen(tags.path);
    snprintf(tags.path + n, sizeof tags.path - n, "%stags()", n ? "." : "");
    w->fn(w->arg, &tags, in != NULL);
}

void host_places(const kci_msg *msg, int16_t version, const void *in, int elements,
                 host_place_fn fn, void *arg)
{
    walk w = { (uint8_t)version, elements, fn, arg };
    host_place root = { 0 };
    walk_struct(&w, msg, in, &root);
}

/* An array of one element at its defaults; NULL when out of memory. */
static void *add_element(const kci_field *f, kci_arena *arena, char *array)
{
    size_t size = kci_element_size(f);
    char *element = arena ? kci_arena_alloc(arena, size) : NULL;
    if (!element)
        return NULL;
    if (f->kind == KCI_STRUCT)
        kci_msg_init(f->msg, element);
    else
        memset(element, 0, size);
    if (kci_is_bytes(f->kind))
        *(kc_bytes *)(void *)element = kc_str("");
    kci_array_set(array, element, 1);
    return element;
}

/* Element number `index`; arena NULL: nothing is added. */
static void *find_element(const kci_field *f, int index, kci_arena *arena, char *array)
{
    const char *data;
    int32_t count = kci_array_get(array, &data);
    if (index < count)
        return (void *)(uintptr_t)(data + (size_t)index * kci_element_size(f));
    return index == 0 ? add_element(f, arena, array) : NULL;
}

/* The struct that a pointer names; arena NULL: nothing is added. */
static void *find_pointed(const kci_field *f, kci_arena *arena, char *field)
{
    char *pointed;
    memcpy(&pointed, field, sizeof pointed);
    if (pointed || !arena)
        return pointed;
    pointed = kci_arena_alloc(arena, f->msg->size);
    if (!pointed)
        return NULL;
    kci_msg_init(f->msg, pointed);
    memcpy(field, &pointed, sizeof pointed);
    return pointed;
}

void *host_place_find(const host_place *place, const kci_msg *msg, void *in, kci_arena *arena)
{
    char *at = in;
    for (int i = 0; i < place->depth && at; i++) {
        const kci_field *f = &msg->fields[place->steps[i].field];
        int index = place->steps[i].index;
        bool last = i + 1 == place->depth && place->kind != HOST_TAGS;
        at += f->offset;
        if (index >= 0)
            at = find_element(f, index, arena, at);
        else if (!last && f->kind == KCI_STRUCT && kci_is_pointer(f))
            at = find_pointed(f, arena, at);
        msg = f->msg;
    }
    return at;
}

bool host_place_is_natural(const host_place *place, const kci_msg *msg, const void *in)
{
    return host_place_find(place, msg, (void *)(uintptr_t)in, NULL) != NULL;
}

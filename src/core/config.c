/* SPDX-License-Identifier: Apache-2.0 */
/* A kc_config: one slot a property with the text that was set and its parsed value, or the
 * default's. Texts of secrets are wiped before they are freed. */
#include "core/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/config_jaas.h"
#include "core/config_rows.h"
#include "core/config_value.h"
#include "core/properties.h"
#include "io/errno_text.h"

typedef struct slot {
    char *text; /* as set, without blanks at its ends; NULL: the default */
    kci_value value;
} slot;

struct kc_config {
    slot slots[KCI_P_COUNT];
};

static void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    kci_free(text);
}

static kci_value default_value(const kci_prop_row *row)
{
    kci_value value = { 0 };
    (void)kci_value_parse(row, row->def, 1, &value, NULL); /* a test checks that all defaults fit */
    return value;
}

kc_config *kc_config_new(void)
{
    kc_config *config = kci_calloc(1, sizeof *config);
    if (!config)
        return NULL;
    for (int i = 0; i < KCI_P_COUNT; i++)
        config->slots[i].value = default_value(kci_prop_row_of((kci_prop)i));
    return config;
}

void kc_config_free(kc_config *config)
{
    if (!config)
        return;
    for (int i = 0; i < KCI_P_COUNT; i++)
        wipe_free(config->slots[i].text);
    kci_free(config);
}

kc_config *kc_config_copy(const kc_config *config)
{
    kc_config *copy = config ? kci_calloc(1, sizeof *copy) : NULL;
    if (!copy)
        return NULL;
    for (int i = 0; i < KCI_P_COUNT; i++) {
        const slot *from = &config->slots[i];
        copy->slots[i].value = from->value;
        if (!from->text)
            continue;
        copy->slots[i].text = kci_strndup(from->text, strlen(from->text));
        if (!copy->slots[i].text) {
            kc_config_free(copy);
            return NULL;
        }
    }
    return copy;
}

/* Takes text over; NULL: the default again. */
static void store(kc_config *config, kci_prop prop, char *text, kci_value value)
{
    slot *s = &config->slots[prop];
    wipe_free(s->text);
    s->text = text;
    s->value = value;
}

kc_config *kci_config_merged(const kc_config *base, const kc_config *own)
{
    kc_config *merged = kc_config_copy(base);
    for (int i = 0; own && merged && i < KCI_P_COUNT; i++) {
        const slot *from = &own->slots[i];
        char *text = from->text ? kci_strndup(from->text, strlen(from->text)) : NULL;
        if (text) {
            store(merged, (kci_prop)i, text, from->value);
        } else if (from->text) {
            kc_config_free(merged);
            merged = NULL;
        }
    }
    return merged;
}

static kc_err unknown_property(const char *name, kc_error *detail)
{
    const char *remedy = kci_prop_refused(name);
    if (remedy)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "%s cannot be used here: %s", name, remedy);
    const char *nearest = kci_prop_nearest(name);
    if (nearest)
        return kci_fail(detail, KC_E_UNKNOWN_PROPERTY,
                        "there is no property %.100s: did you mean %s?", name, nearest);
    return kci_fail(detail, KC_E_UNKNOWN_PROPERTY,
                    "there is no property %.100s: docs/CONFIGURATION.md and `kclient config` list "
                    "all of them",
                    name);
}

static kc_err set_text(kc_config *config, kci_prop prop, const char *text, kci_value value,
                       kc_error *detail)
{
    char *copy = kci_strndup(text, strlen(text));
    if (!copy)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    store(config, prop, copy, value);
    return KC_OK;
}

/* sasl.jaas.config also gives sasl.username and sasl.password. */
static kc_err set_jaas(kc_config *config, const char *text, kc_error *detail)
{
    kci_jaas jaas;
    kc_err err = kci_jaas_parse(text, &jaas, detail);
    if (!err)
        err = set_text(config, KCI_P_SASL_JAAS_CONFIG, text, (kci_value){ 0 }, detail);
    if (!err && jaas.username)
        err = set_text(config, KCI_P_SASL_USERNAME, jaas.username, (kci_value){ 0 }, detail);
    if (!err && jaas.password)
        err = set_text(config, KCI_P_SASL_PASSWORD, jaas.password, (kci_value){ 0 }, detail);
    kci_jaas_free(&jaas);
    return err;
}

static kc_err check_special(kci_prop prop, const char *text, kci_value value, kc_error *detail)
{
    int64_t ms;
    if (prop == KCI_P_AUTO_OFFSET_RESET && value.num == KCI_RESET_BY_DURATION &&
        !kci_duration_parse(text + strlen("by_duration:"), &ms))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "auto.offset.reset=%.60s: the duration cannot be read: write for example "
                        "by_duration:P1DT2H30M",
                        text);
    if (prop == KCI_P_COMPRESSION_GZIP_LEVEL && value.num == 0)
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "compression.gzip.level=0 is out of range: allowed is -1, 1..9");
    return KC_OK;
}

/* Socket buffers: librdkafka's 0 and Java's -1 both mean "the system's". */
static void normalise(kci_prop prop, kci_value *value)
{
    bool buffer = prop == KCI_P_SEND_BUFFER_BYTES || prop == KCI_P_RECEIVE_BUFFER_BYTES;
    if (buffer && value->num == 0)
        *value = (kci_value){ .num = -1, .dbl = -1 };
}

/* text has no blanks at its ends. */
static kc_err set_trimmed(kc_config *config, kci_prop prop, const char *text, int64_t scale,
                          kc_error *detail)
{
    const kci_prop_row *row = kci_prop_row_of(prop);
    bool textual = row->type == KCI_TYPE_STRING || row->type == KCI_TYPE_LIST;
    if (textual && !*text) {
        store(config, prop, NULL, default_value(row));
        return KC_OK;
    }
    if (prop == KCI_P_SASL_JAAS_CONFIG)
        return set_jaas(config, text, detail);
    kci_value value;
    kc_err err = kci_value_parse(row, text, scale, &value, detail);
    if (!err)
        err = check_special(prop, text, value, detail);
    if (err)
        return err;
    normalise(prop, &value);
    char canonical[64];
    if (scale != 1) {
        snprintf(canonical, sizeof canonical, "%lld", (long long)value.num);
        text = canonical;
    }
    if (row->type == KCI_TYPE_ENUM &&
        kci_prop_choice_name(row, value.num, canonical, sizeof canonical))
        text = canonical;
    return set_text(config, prop, text, value, detail);
}

/* What Java's trim() takes off, in any locale. */
static bool is_blank(char c)
{
    return c != '\0' && (unsigned char)c <= ' ';
}

kc_err kc_config_set(kc_config *config, const char *name, const char *value, kc_error *detail)
{
    if (!config || !name || !value)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "kc_config_set: config, name or value is NULL");
    int64_t scale;
    int prop = kci_prop_find(name, &scale);
    if (prop < 0)
        return kci_prop_ignored(name) ? KC_OK : unknown_property(name, detail);
    while (is_blank(*value))
        value++;
    size_t size = strlen(value);
    while (size > 0 && is_blank(value[size - 1]))
        size--;
    char *trimmed = kci_strndup(value, size);
    if (!trimmed)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = set_trimmed(config, (kci_prop)prop, trimmed, scale, detail);
    wipe_free(trimmed);
    return err;
}

static kc_err set_from_file(void *arg, const char *name, const char *value, kc_error *detail)
{
    return kc_config_set(arg, name, value, detail);
}

/* Reads at most cap bytes; -1 and errno on failure. */
static ssize_t read_all(const char *path, uint8_t *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t used = 0;
    ssize_t n = 1;
    while (used < cap && n != 0) {
        n = read(fd, out + used, cap - used);
        if (n < 0 && errno != EINTR)
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    close(fd);
    errno = why;
    return n < 0 ? -1 : (ssize_t)used;
}

/* Puts "path:line: " before the sentence. */
static kc_err name_line(const char *path, size_t line, const kc_error *cause, kc_error *detail)
{
    const char *slash = strrchr(path, '/');
    return kci_fail(detail, cause->code, "%.100s:%zu: %s", slash ? slash + 1 : path, line,
                    cause->text);
}

kc_err kc_config_load(kc_config *config, const char *path, kc_error *detail)
{
    if (!config || !path)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_config_load: config or path is NULL");
    size_t cap = KCI_PROPERTIES_MAX_BYTES + 1;
    uint8_t *text = kci_alloc(cap);
    if (!text)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    ssize_t size = read_all(path, text, cap);
    kc_err err;
    if (size < 0) {
        char why[KCI_ERRNO_TEXT_SIZE];
        err = kci_fail(detail, KC_E_IO, "%.200s cannot be read (%s): check path and permissions",
                       path, kci_errno_text(errno, why));
    } else {
        kc_error cause;
        size_t line;
        err =
            kci_properties_parse(kc_mem(text, (size_t)size), set_from_file, config, &line, &cause);
        if (err)
            name_line(path, line, &cause, detail);
        explicit_bzero(text, (size_t)size);
    }
    kci_free(text);
    return err;
}

/* The text of a property: set or default, NULL for none. */
static const char *text_of(const kc_config *config, kci_prop prop)
{
    const char *text = config->slots[prop].text;
    if (!text)
        text = kci_prop_row_of(prop)->def;
    return *text ? text : NULL;
}

const char *kc_config_get(const kc_config *config, const char *name)
{
    int64_t scale;
    int prop = config && name ? kci_prop_find(name, &scale) : -1;
    const char *text = prop < 0 ? NULL : text_of(config, (kci_prop)prop);
    return text && kci_prop_row_of((kci_prop)prop)->secret ? "[hidden]" : text;
}

int64_t kci_config_int(const kc_config *config, kci_prop prop)
{
    return config->slots[prop].value.num;
}

double kci_config_double(const kc_config *config, kci_prop prop)
{
    return config->slots[prop].value.dbl;
}

bool kci_config_bool(const kc_config *config, kci_prop prop)
{
    return config->slots[prop].value.num != 0;
}

const char *kci_config_str(const kc_config *config, kci_prop prop)
{
    return text_of(config, prop);
}

bool kci_config_is_set(const kc_config *config, kci_prop prop)
{
    return config->slots[prop].text != NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* scram.txt: the client's messages, the keys, and that the server's signature is accepted and no
 * other is. */
#include <string.h>

#include "check.h"
#include "core/scram.h"

typedef struct scram_line {
    kci_sha2_kind kind;
    kc_bytes user, password, nonce;
    bool token;
    kc_bytes client_first, server_first, client_final, server_final;
    kc_bytes salted, stored_key, server_key, server_signature;
} scram_line;

static bool read_line(vec_file *v, scram_line *l)
{
    const char *mechanism = vec_word(v);
    bool known = strcmp(mechanism, "SCRAM-SHA-256") == 0 || strcmp(mechanism, "SCRAM-SHA-512") == 0;

    l->kind = strcmp(mechanism, "SCRAM-SHA-512") == 0 ? KCI_SHA512 : KCI_SHA256;
    l->user = vec_bytes(v);
    l->password = vec_bytes(v);
    l->token = vec_number(v) == 1;
    vec_bytes(v);  /* salt: the server's message has it */
    vec_number(v); /* iterations: as well */
    l->nonce = kc_str(vec_word(v));
    vec_word(v); /* the server's nonce */
    kc_bytes *const rest[] = { &l->client_first, &l->server_first,    &l->client_final,
                               &l->server_final, &l->salted,          &l->stored_key,
                               &l->server_key,   &l->server_signature };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        *rest[i] = vec_bytes(v);
    return known;
}

static bool is(kc_bytes a, kc_bytes b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool keys_are(const kci_scram *s, const scram_line *l)
{
    size_t size = kci_sha2_size(s->kind);

    return is(kc_mem(s->salted, size), l->salted) &&
           is(kc_mem(s->stored_key, size), l->stored_key) &&
           is(kc_mem(s->server_key, size), l->server_key) &&
           is(kc_mem(s->server_signature, size), l->server_signature);
}

/* One bit of the signature is turned. */
static bool accepts_another(kci_scram *s, kc_bytes server_final)
{
    char forged[256];

    if (server_final.size < 10 || server_final.size > sizeof forged)
        return true;
    memcpy(forged, server_final.data, server_final.size);
    forged[5] = forged[5] == 'A' ? 'B' : 'A';
    return kci_scram_verify(s, kc_mem(forged, server_final.size), NULL) == KC_OK;
}

static const char *wrong(kci_scram *s, const scram_line *l)
{
    kc_bytes message;

    if (kci_scram_client_first(s, &message) != KC_OK || !is(message, l->client_first))
        return "another client-first message";
    if (kci_scram_client_final(s, l->server_first, &message, NULL) != KC_OK ||
        !is(message, l->client_final))
        return "another client-final message";
    if (!keys_are(s, l))
        return "other keys";
    if (accepts_another(s, l->server_final))
        return "a forged signature is accepted";
    if (kci_scram_verify(s, l->server_final, NULL) != KC_OK)
        return "the server's signature is not accepted";
    return NULL;
}

void check_scram(vec_file *v)
{
    while (vec_next(v)) {
        scram_line l;
        kci_scram s;
        if (!read_line(v, &l)) {
            vec_unknown(v);
            continue;
        }
        const char *what = "no memory";
        if (kci_scram_begin(&s, l.kind, l.user, l.password, l.token, l.nonce) == KC_OK)
            what = wrong(&s, &l);
        if (what)
            vec_fail(v, "%s", what);
        else
            vec_pass(v);
        kci_scram_end(&s);
    }
}

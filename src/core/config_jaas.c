/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_jaas.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define KAFKA "org.apache.kafka.common.security."

/* Longest class name, option name or value; longer ones are refused. */
#define TOKEN_MAX 16384

typedef struct cursor {
    const char *pos;
    char *token; /* TOKEN_MAX + 1 bytes; holds secrets */
} cursor;

static void skip_blanks(cursor *c)
{
    while (isspace((unsigned char)*c->pos))
        c->pos++;
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    default:
        return c;
    }
}

/* A quoted string or a bare word into c->token. False: empty, not ended, or too long. */
static bool read_token(cursor *c)
{
    size_t n = 0;
    skip_blanks(c);
    char quote = *c->pos == '"' || *c->pos == '\'' ? *c->pos++ : '\0';
    for (; *c->pos && n < TOKEN_MAX; c->pos++) {
        char ch = *c->pos;
        if (quote ? ch == quote : isspace((unsigned char)ch) || strchr("=;\"'", ch) != NULL)
            break;
        if (quote && ch == '\\' && c->pos[1])
            ch = unescape(*++c->pos);
        c->token[n++] = ch;
    }
    c->token[n] = '\0';
    if (!quote)
        return n > 0 && n < TOKEN_MAX;
    if (*c->pos != quote)
        return false;
    c->pos++;
    return true;
}

static bool read_char(cursor *c, char wanted)
{
    skip_blanks(c);
    if (*c->pos != wanted)
        return false;
    c->pos++;
    return true;
}

/* What is no class name may be a password in the wrong place. */
static bool looks_like_module(const char *name)
{
    static const char ending[] = "Module";
    size_t size = strlen(name);
    return size >= sizeof ending && strcmp(name + size - (sizeof ending - 1), ending) == 0;
}

static kc_err check_module(const char *name, kc_error *detail)
{
    static const char *const known[] = {
        KAFKA "plain.PlainLoginModule",
        KAFKA "scram.ScramLoginModule",
        KAFKA "oauthbearer.OAuthBearerLoginModule",
        "com.sun.security.auth.module.Krb5LoginModule",
    };
    for (size_t i = 0; i < KCI_COUNT_OF(known); i++)
        if (strcmp(known[i], name) == 0)
            return KC_OK;
    return kci_fail(detail, KC_E_BAD_PROPERTY,
                    "sasl.jaas.config: the login module%s%.120s cannot be used here: use "
                    "PlainLoginModule or ScramLoginModule, or set sasl.username and sasl.password",
                    looks_like_module(name) ? " " : "", looks_like_module(name) ? name : "");
}

static kc_err bad_syntax(kc_error *detail)
{
    return kci_fail(detail, KC_E_BAD_PROPERTY,
                    "sasl.jaas.config cannot be read: write <login module class> required "
                    "username=\"...\" password=\"...\"; with the semicolon");
}

/* One option's value to where it belongs. */
static kc_err keep_option(const char *name, const char *value, kci_jaas *out, kc_error *detail)
{
    char **place = strcmp(name, "username") == 0   ? &out->username
                   : strcmp(name, "password") == 0 ? &out->password
                                                   : NULL;
    if (strcmp(name, "tokenauth") == 0 && strcmp(value, "true") == 0)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "sasl.jaas.config: delegation tokens (tokenauth) are not built in: use a "
                        "user name and password");
    if (!place)
        return KC_OK;
    char *copy = kci_strndup(value, strlen(value));
    if (!copy)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    if (*place) {
        explicit_bzero(*place, strlen(*place));
        kci_free(*place);
    }
    *place = copy;
    return KC_OK;
}

static kc_err parse_options(cursor *c, kci_jaas *out, kc_error *detail)
{
    char name[64];
    while (!read_char(c, ';')) {
        if (!read_token(c) || strlen(c->token) >= sizeof name)
            return bad_syntax(detail);
        memcpy(name, c->token, strlen(c->token) + 1);
        if (!read_char(c, '=') || !read_token(c))
            return bad_syntax(detail);
        kc_err err = keep_option(name, c->token, out, detail);
        if (err)
            return err;
    }
    skip_blanks(c);
    return *c->pos ? bad_syntax(detail) : KC_OK;
}

static kc_err parse(cursor *c, kci_jaas *out, kc_error *detail)
{
    if (!read_token(c))
        return bad_syntax(detail);
    kc_err err = check_module(c->token, detail);
    if (err)
        return err;
    if (!read_token(c) ||
        (strcmp(c->token, "required") != 0 && strcmp(c->token, "requisite") != 0 &&
         strcmp(c->token, "sufficient") != 0 && strcmp(c->token, "optional") != 0))
        return bad_syntax(detail);
    return parse_options(c, out, detail);
}

kc_err kci_jaas_parse(const char *text, kci_jaas *out, kc_error *detail)
{
    *out = (kci_jaas){ 0 };
    cursor c = { .pos = text, .token = kci_alloc(TOKEN_MAX + 1) };
    if (!c.token)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = parse(&c, out, detail);
    if (err)
        kci_jaas_free(out);
    explicit_bzero(c.token, TOKEN_MAX + 1);
    kci_free(c.token);
    return err;
}

void kci_jaas_free(kci_jaas *jaas)
{
    if (jaas->username)
        explicit_bzero(jaas->username, strlen(jaas->username));
    if (jaas->password)
        explicit_bzero(jaas->password, strlen(jaas->password));
    kci_free(jaas->username);
    kci_free(jaas->password);
    *jaas = (kci_jaas){ 0 };
}

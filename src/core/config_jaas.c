/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_jaas.h"

#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"

#define KAFKA "org.apache.kafka.common.security."

/* Longest class name, option name or value; longer ones are refused. */
#define TOKEN_MAX 16384

/* Java reads the text with a StreamTokenizer, and so does this: the same texts give the same
 * tokens, or else a password that works there is another one here. */
typedef enum token_kind { WORD, SEMICOLON, EQUALS, END, BAD } token_kind;

typedef struct cursor {
    const char *pos;
    char *token; /* TOKEN_MAX + 1 bytes; holds secrets */
    size_t size;
    bool bad; /* a token that is too long, or a NUL in it */
} cursor;

static bool is_blank(char c)
{
    return c != '\0' && (unsigned char)c <= ' ';
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r' || c == '\0';
}

/* From the slash to what is behind the comment. A slash alone begins one too, whatever is next to
 * it, the line's end not excepted. */
static void skip_comment(cursor *c)
{
    if (c->pos[1] == '*') {
        const char *stop = strstr(c->pos + 2, "*/");
        c->pos = stop ? stop + 2 : c->pos + strlen(c->pos);
        return;
    }
    c->pos += c->pos[1] ? 2 : 1;
    while (!is_line_end(*c->pos))
        c->pos++;
}

static void skip_blanks(cursor *c)
{
    for (; is_blank(*c->pos) || *c->pos == '/';)
        if (*c->pos == '/')
            skip_comment(c);
        else
            c->pos++;
}

static void put(cursor *c, char byte)
{
    if (c->size == TOKEN_MAX || byte == '\0')
        c->bad = true;
    else
        c->token[c->size++] = byte;
}

/* A character up to U+00FF in UTF-8. */
static void put_char(cursor *c, unsigned value)
{
    if (value < 0x80) {
        put(c, (char)value);
        return;
    }
    put(c, (char)(0xc0 | value >> 6));
    put(c, (char)(0x80 | (value & 0x3f)));
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Up to three digits, but nothing above \377. */
static void put_octal(cursor *c)
{
    unsigned value = 0;
    int most = *c->pos <= '3' ? 3 : 2;

    for (int i = 0; i < most && is_octal(*c->pos); i++)
        value = value << 3 | (unsigned)(*c->pos++ - '0');
    put_char(c, value);
}

/* What follows a backslash. */
static void put_escape(cursor *c)
{
    static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";

    if (is_octal(*c->pos)) {
        put_octal(c);
        return;
    }
    const char *letter = strchr(letters, *c->pos);
    put(c, letter ? meanings[letter - letters] : *c->pos);
    c->pos++;
}

/* Ends at the quote or, as in Java, with the line. */
static void read_quoted(cursor *c)
{
    char quote = *c->pos++;

    while (*c->pos != quote && !is_line_end(*c->pos)) {
        char byte = *c->pos++;
        if (byte != '\\')
            put(c, byte);
        else if (*c->pos)
            put_escape(c);
    }
    if (*c->pos == quote)
        c->pos++;
}

static token_kind read_token(cursor *c)
{
    skip_blanks(c);
    c->size = 0;
    switch (*c->pos) {
    case '\0':
        return END;
    case ';':
        c->pos++;
        return SEMICOLON;
    case '=':
        c->pos++;
        return EQUALS;
    case '"':
    case '\'':
        read_quoted(c);
        break;
    default:
        while (*c->pos && !is_blank(*c->pos) && !strchr("=;\"'/", *c->pos))
            put(c, *c->pos++);
    }
    c->token[c->size] = '\0';
    return c->bad ? BAD : WORD;
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

static kc_err keep(char **place, const char *value, kc_error *detail)
{
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

/* An option, its name being the last token. */
static kc_err parse_option(cursor *c, kci_jaas *out, kc_error *detail)
{
    bool token_auth = strcmp(c->token, "tokenauth") == 0;
    char **place = strcmp(c->token, "username") == 0   ? &out->username
                   : strcmp(c->token, "password") == 0 ? &out->password
                                                       : NULL;

    if (read_token(c) != EQUALS || read_token(c) != WORD)
        return bad_syntax(detail);
    if (token_auth && strcasecmp(c->token, "true") == 0)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "sasl.jaas.config: delegation tokens (tokenauth) are not built in: use a "
                        "user name and password");
    return place ? keep(place, c->token, detail) : KC_OK;
}

static kc_err parse_options(cursor *c, kci_jaas *out, kc_error *detail)
{
    token_kind kind;

    while ((kind = read_token(c)) == WORD) {
        kc_err err = parse_option(c, out, detail);
        if (err)
            return err;
    }
    return kind == SEMICOLON && read_token(c) == END ? KC_OK : bad_syntax(detail);
}

static bool is_flag(const char *word)
{
    static const char *const flags[] = { "required", "requisite", "sufficient", "optional" };

    for (size_t i = 0; i < KCI_COUNT_OF(flags); i++)
        if (strcasecmp(word, flags[i]) == 0)
            return true;
    return false;
}

static kc_err parse(cursor *c, kci_jaas *out, kc_error *detail)
{
    if (read_token(c) != WORD)
        return bad_syntax(detail);
    kc_err err = check_module(c->token, detail);
    if (err)
        return err;
    if (read_token(c) != WORD || !is_flag(c->token))
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

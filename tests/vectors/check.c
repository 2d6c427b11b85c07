/* SPDX-License-Identifier: Apache-2.0 */
/* kclient-vectors [DIR]: compares the library with reference vectors of Kafka's Java classes.
 * Prints a line a file, then "N passed, N failed"; exit 1 if something failed or nothing passed. */
#include "check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_FAILURES = 10 };

bool vec_next(vec_file *v)
{
    ssize_t n = getline(&v->text, &v->cap, v->in);
    if (n < 0)
        return false;
    if (n > 0 && v->text[n - 1] == '\n')
        v->text[n - 1] = '\0';
    v->line++;
    v->rest = v->text;
    return true;
}

char *vec_word(vec_file *v)
{
    char *word = v->rest;
    char *space = strchr(word, ' ');
    if (space) {
        *space = '\0';
        v->rest = space + 1;
    } else {
        v->rest = word + strlen(word);
    }
    return word;
}

static void unreadable(const vec_file *v, const char *word)
{
    fprintf(stderr, "%s:%zu: not understood: %.40s\n", v->name, v->line, word);
    exit(2);
}

long long vec_number(vec_file *v)
{
    char *word = vec_word(v), *end;
    long long n = strtoll(word, &end, 10);
    if (end == word || *end)
        unreadable(v, word);
    return n;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

kc_bytes vec_bytes(vec_file *v)
{
    char *word = vec_word(v);
    if (strcmp(word, "null") == 0)
        return kc_mem(NULL, 0);
    if (strcmp(word, "-") == 0)
        return kc_mem(word, 0);
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i += 2) {
        int high = nibble(word[i]), low = nibble(word[i + 1]);
        if (high < 0 || low < 0)
            unreadable(v, word);
        word[i / 2] = (char)(high << 4 | low);
    }
    return kc_mem(word, n / 2);
}

void vec_pass(vec_file *v)
{
    v->passed++;
}

void vec_unknown(vec_file *v)
{
    v->unknown++;
}

void vec_fail(vec_file *v, const char *fmt, ...)
{
    if (v->failed++ >= SHOWN_FAILURES)
        return;
    va_list args;
    va_start(args, fmt);
    printf("%s:%zu: ", v->name, v->line);
    vprintf(fmt, args);
    putchar('\n');
    va_end(args);
}

void vec_expect(vec_file *v, bool ok, const char *what)
{
    if (ok)
        vec_pass(v);
    else
        vec_fail(v, "%s", what);
}

static const struct {
    const char *name;
    vec_check *check;
} kinds[] = {
    { "messages.txt", check_messages },     { "unknown_tags.txt", check_unknown_tags },
    { "apiheaders.txt", check_apiheaders }, { "errors.txt", check_errors },
    { "batches.txt", check_batches },       { "murmur2.txt", check_murmur2 },
    { "crc32c.txt", check_crc32c },         { "scram.txt", check_scram },
    { "properties.txt", check_properties }, { "jaas.txt", check_jaas },
    { "assignors.txt", check_assignors },
};

/* Runs one kind and adds its score to the sum. A file that is not there counts nothing. */
static void run(const char *dir, size_t kind, vec_file *sum)
{
    char path[4096];
    vec_file v = { .name = kinds[kind].name };
    snprintf(path, sizeof path, "%s/%s", dir, v.name);
    v.in = fopen(path, "r");
    if (!v.in) {
        printf("%-18s absent\n", v.name);
        return;
    }
    kinds[kind].check(&v);
    printf("%-18s %zu passed, %zu failed, %zu unknown\n", v.name, v.passed, v.failed, v.unknown);
    sum->passed += v.passed;
    sum->failed += v.failed;
    fclose(v.in);
    free(v.text);
}

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: %s [DIR]\n", argv[0]);
        return 2;
    }
    vec_file sum = { 0 };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        run(argc == 2 ? argv[1] : VECTORS_DIR, i, &sum);
    printf("%zu passed, %zu failed\n", sum.passed, sum.failed);
    return sum.failed == 0 && sum.passed > 0 ? 0 : 1;
}

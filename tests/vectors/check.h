/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks of kclient-vectors share: lines, words, hex, and the score of a file. One kind of
 * vectors is one file check_<kind>.c with one function that reads its file to the end; check.c has
 * the table of them. README.md describes the formats. */
#ifndef VECTORS_CHECK_H
#define VECTORS_CHECK_H

#include <stdio.h>

#include <kclient/types.h>

typedef struct vec_file {
    const char *name; /* "messages.txt" */
    FILE *in;
    char *text; /* the present line */
    size_t cap;
    size_t line; /* its number, from 1 */
    char *rest;  /* words not taken yet */
    size_t passed;
    size_t failed;
    size_t unknown; /* what the library does not implement, or no check exists for */
} vec_file;

typedef void vec_check(vec_file *v);

/* Moves to the next line; false at the end of the file. The words of the former are gone. */
bool vec_next(vec_file *v);

/* The next word of the line, NUL-terminated, or "" when there is none left. */
char *vec_word(vec_file *v);
long long vec_number(vec_file *v);

/* The next word's bytes, "-" empty and "null" null. Decoded in place, so they last as the line
 * does. Something that is not hex ends the program with a message. */
kc_bytes vec_bytes(vec_file *v);

/* Each item is counted by exactly one of these. The first failures of a file are printed. */
void vec_pass(vec_file *v);
void vec_unknown(vec_file *v);
void vec_fail(vec_file *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* vec_pass or, with the sentence, vec_fail. */
void vec_expect(vec_file *v, bool ok, const char *what);

vec_check check_messages;
vec_check check_unknown_tags;
vec_check check_apiheaders;
vec_check check_errors;
vec_check check_batches;
vec_check check_murmur2;
vec_check check_crc32c;
vec_check check_scram;
vec_check check_properties;
vec_check check_jaas;
vec_check check_assignors;

#endif

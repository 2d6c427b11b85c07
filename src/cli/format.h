/* SPDX-License-Identifier: Apache-2.0 */
/* How `kclient consume` prints a record: a format with kcat's tokens, or JSON with kcat's field
 * names. */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <kclient/kclient.h>

/* A record with what belongs to its batch. */
typedef struct cli_record {
    kc_bytes topic;
    int32_t partition;
    int32_t broker;             /* -1: not known */
    const char *timestamp_type; /* "create", "logappend"; NULL: none */
    const kc_record *record;
} cli_record;

typedef struct cli_format cli_format;

/* A compiled format: %t topic, %p partition, %o offset, %k key, %s value, %K %S their lengths (-1:
 * null), %R the value's length as 4 bytes, big-endian, %T timestamp, %h headers, %%; and
 * cli_unescape's escapes. null_text is what null keys and values are printed as. NULL: wrong, which
 * was said. */
cli_format *cli_format_new(const char *text, const char *null_text);
void cli_format_free(cli_format *format);
void cli_format_print(const cli_format *format, const cli_record *record);

/* One line of JSON. */
void cli_format_json(const cli_record *record);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/position.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool whole(const char *text, int64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

bool cli_position_parse(const char *text, kc_position *out)
{
    static const struct {
        const char *word;
        int32_t kind;
    } words[] = {
        { "beginning", KC_POSITION_BEGINNING },
        { "earliest", KC_POSITION_BEGINNING },
        { "begin", KC_POSITION_BEGINNING },
        { "smallest", KC_POSITION_BEGINNING },
        { "end", KC_POSITION_END },
        { "latest", KC_POSITION_END },
        { "largest", KC_POSITION_END },
        { "stored", KC_POSITION_STORED },
    };
    int64_t n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i].word) == 0) {
            *out = (kc_position){ words[i].kind, -1, 0 };
            return true;
        }
    if (*text == '-' && whole(text + 1, &n))
        *out = kc_position_tail(n);
    else if (*text == '@' && whole(text + 1, &n))
        *out = kc_position_timestamp(n);
    else if (strncmp(text, "s@", 2) == 0 && whole(text + 2, &n))
        *out = kc_position_timestamp(n);
    else if (whole(text, &n))
        *out = kc_position_offset(n);
    else
        return false;
    return true;
}

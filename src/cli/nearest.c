/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nearest.h"

#include <stdint.h>
#include <string.h>

enum { LONGEST = 40 };

/* How many letters have to be added, taken away or changed (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b), row[LONGEST + 1];
    if (rows > LONGEST || columns > LONGEST)
        return SIZE_MAX;
    for (size_t k = 0; k <= columns; k++)
        row[k] = k;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= columns; k++) {
            size_t change = diagonal + (a[i - 1] != b[k - 1]);
            size_t one_less = row[k] < row[k - 1] ? row[k] : row[k - 1];
            diagonal = row[k];
            row[k] = change < one_less + 1 ? change : one_less + 1;
        }
    }
    return row[columns];
}

void nearest_begin(cli_nearest *n, const char *word)
{
    *n = (cli_nearest){ .word = word, .distance = SIZE_MAX };
}

void nearest_try(cli_nearest *n, const char *name)
{
    size_t d = distance(n->word, name);
    if (d >= n->distance)
        return;
    n->best = name;
    n->distance = d;
}

const char *nearest_end(const cli_nearest *n)
{
    return n->best && n->distance <= 1 + strlen(n->word) / 4 ? n->best : NULL;
}

const char *nearest_habit(const char *option)
{
    static const char *const habits[][2] = {
        { "-L", "kclient topics describe" },
        { "-C", "kclient consume" },
        { "-P", "kclient produce" },
        { "-Q", "kclient consume -o @MS" },
        { "-M", "kclient mock" },
        { "--list", "kclient topics list" },
        { "--create", "kclient topics create" },
        { "--describe", "kclient topics describe" },
        { "--delete", "kclient topics delete" },
        { "--from-beginning", "kclient consume" },
        { "--topic", "kclient produce, consume" },
    };
    for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++)
        if (strcmp(option, habits[i][0]) == 0)
            return habits[i][1];
    return NULL;
}

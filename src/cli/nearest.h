/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant: the nearest of some names, and habits of other tools. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

typedef struct cli_nearest {
    const char *word, *best;
    size_t distance; /* of best */
} cli_nearest;

/* Looks for names near to the word. */
void nearest_begin(cli_nearest *n, const char *word);
void nearest_try(cli_nearest *n, const char *name);

/* The nearest one, or NULL when none is near enough to have been meant. */
const char *nearest_end(const cli_nearest *n);

/* The command that does what an option of kcat or of Kafka's scripts in the place of a command asks
 * for ("-L", "--list"); NULL: not known. */
const char *nearest_habit(const char *option);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a file or pipe in pieces that end with a delimiter, in one buffer of bounded size. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <kclient/types.h>

typedef struct cli_input {
    int fd;
    const char *name;
    kc_bytes delimiter; /* empty: the whole is one piece */
    uint8_t *buffer;
    size_t cap, begin, end; /* unread bytes are begin..end */
    size_t searched;        /* from begin on, without a delimiter in it */
    int64_t piece;          /* number of the last piece, from 1 */
    bool ended;             /* there is nothing more to read */
    bool skipping;          /* the present piece is too long; its rest is dropped */
} cli_input;

/* NULL or "-" is standard input. longest: of a piece. False: cannot be opened, which was said. */
bool input_open(cli_input *in, const char *path, kc_bytes delimiter, size_t longest);
void input_close(cli_input *in);

/* The next whole piece that is in the buffer, without its delimiter; at the end also the last one
 * without a delimiter, if it is not empty or the whole. Valid until the next input_fill().
 * INPUT_LONG: a piece was too long, and is passed over. */
enum { INPUT_NONE, INPUT_PIECE, INPUT_LONG };
int input_next(cli_input *in, kc_bytes *piece);

/* Reads once; may block. False: it failed, which was said. */
bool input_fill(cli_input *in);

#endif

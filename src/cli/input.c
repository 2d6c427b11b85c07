/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { READ_SIZE = 256 * 1024 };

bool input_open(cli_input *in, const char *path, kc_bytes delimiter, size_t longest)
{
    bool standard = !path || strcmp(path, "-") == 0;
    *in = (cli_input){ .fd = STDIN_FILENO, .delimiter = delimiter };
    in->name = standard ? "standard input" : path;
    if (!standard)
        in->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        cli_error("%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    in->cap = longest + delimiter.size + READ_SIZE;
    in->buffer = malloc(in->cap);
    if (!in->buffer) {
        cli_error("out of memory");
        input_close(in);
        return false;
    }
    return true;
}

void input_close(cli_input *in)
{
    if (in->fd > STDIN_FILENO)
        close(in->fd);
    free(in->buffer);
    *in = (cli_input){ .fd = -1 };
}

/* Where the delimiter stands, from the place on that was not looked at before. */
static const uint8_t *find(cli_input *in)
{
    if (in->delimiter.size == 0)
        return NULL;
    const uint8_t *from = in->buffer + in->begin + in->searched;
    size_t size = in->end - in->begin - in->searched;
    const uint8_t *at = in->delimiter.size == 1
                            ? memchr(from, in->delimiter.data[0], size)
                            : memmem(from, size, in->delimiter.data, in->delimiter.size);
    if (!at && in->end - in->begin >= in->delimiter.size)
        in->searched = in->end - in->begin - in->delimiter.size + 1;
    return at;
}

static int give(cli_input *in, kc_bytes *piece, size_t size, size_t consumed)
{
    bool was_long = in->skipping;
    *piece = kc_mem(in->buffer + in->begin, size);
    in->begin += consumed;
    in->searched = 0;
    in->skipping = false;
    in->piece++;
    return was_long ? INPUT_LONG : INPUT_PIECE;
}

int input_next(cli_input *in, kc_bytes *piece)
{
    const uint8_t *at = find(in);
    size_t left = in->end - in->begin;
    if (at) {
        size_t size = (size_t)(at - (in->buffer + in->begin));
        return give(in, piece, size, size + in->delimiter.size);
    }
    bool whole = in->delimiter.size == 0;
    if (in->ended)
        return left > 0 || in->skipping || (whole && in->piece == 0) ? give(in, piece, left, left)
                                                                     : INPUT_NONE;
    if (left < in->cap - READ_SIZE)
        return INPUT_NONE;
    in->skipping = true; /* longer than allowed: keep only what may be the start of a delimiter */
    in->begin = in->end - (whole ? 0 : in->delimiter.size - 1);
    in->searched = 0;
    return INPUT_NONE;
}

bool input_fill(cli_input *in)
{
    size_t left = in->end - in->begin;
    if (in->begin > 0)
        memmove(in->buffer, in->buffer + in->begin, left);
    in->begin = 0;
    in->end = left;
    ssize_t n = read(in->fd, in->buffer + in->end, in->cap - in->end);
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
        cli_error("%s cannot be read: %s", in->name, strerror(errno));
        return false;
    }
    in->ended = n == 0;
    in->end += n > 0 ? (size_t)n : 0;
    return true;
}

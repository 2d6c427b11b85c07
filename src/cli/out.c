/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

static char buffer[256 * 1024];
static size_t used;
static int failure; /* errno */

/* Output may be a pipe or terminal that another program has made non-blocking. */
static void wait_writable(void)
{
    struct pollfd out = { STDOUT_FILENO, POLLOUT, 0 };
    while (poll(&out, 1, -1) < 0 && errno == EINTR)
        ;
}

static void write_all(const char *data, size_t size)
{
    while (size > 0 && !failure) {
        ssize_t n = write(STDOUT_FILENO, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            wait_writable();
            continue;
        }
        if (n < 0) {
            failure = errno;
            return;
        }
        data += n;
        size -= (size_t)n;
    }
}

bool out_wait(int fd, int other_fd)
{
    /* Without any event asked for, standard output tells errors only. */
    struct pollfd fds[] = { { fd, POLLIN, 0 }, { other_fd, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } };
    while (!failure && poll(fds, 3, -1) < 0)
        if (errno != EINTR)
            return true; /* whoever waits finds out by itself */
    if (!failure && (fds[2].revents & (POLLERR | POLLNVAL)))
        failure = fds[2].revents & POLLERR ? EPIPE : EBADF;
    return failure == 0;
}

bool out_works(void)
{
    return failure == 0;
}

bool out_flush(void)
{
    write_all(buffer, used);
    used = 0;
    return out_works();
}

void out_put(const void *data, size_t size)
{
    if (size > sizeof buffer - used)
        (void)out_flush();
    if (size > sizeof buffer) {
        write_all(data, size);
        return;
    }
    if (size > 0)
        memcpy(buffer + used, data, size);
    used += size;
}

void out_text(const char *text)
{
    out_put(text, strlen(text));
}

void out_bytes(kc_bytes b)
{
    out_put(b.data, b.size);
}

void out_number(int64_t n)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, n);
    out_put(digits, (size_t)size);
}

void out_format(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size > 0)
        out_put(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

int out_close(int code)
{
    (void)out_flush();
    if (!failure && close(STDOUT_FILENO) != 0 && errno != EBADF && errno != EINTR)
        failure = errno;
    if (!failure || failure == EPIPE)
        return code;
    cli_error("standard output cannot be written: %s", strerror(failure));
    return code ? code : CLI_PARTIAL;
}

/* How many bytes at p, at most `left`, are one well-formed UTF-8 character; 0: none. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0; /* overlong, half of a surrogate pair, or beyond U+10FFFF */
    return n;
}

static void put_escaped(uint8_t c)
{
    static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *at = c ? strchr(letters, c) : NULL;
    char text[8];
    int size = at ? snprintf(text, sizeof text, "\\%c", names[at - letters])
                  : snprintf(text, sizeof text, "\\u%04x", c);
    out_put(text, (size_t)size);
}

void out_json_string(kc_bytes b)
{
    if (!b.data) {
        out_text("null");
        return;
    }
    out_put("\"", 1);
    size_t plain = 0; /* from here to i nothing needs a change */
    for (size_t i = 0; i < b.size;) {
        size_t n = utf8_length(b.data + i, b.size - i);
        if (n > 1 || (n == 1 && b.data[i] >= 0x20 && b.data[i] != '"' && b.data[i] != '\\')) {
            i += n;
            continue;
        }
        out_put(b.data + plain, i - plain);
        if (n == 1)
            put_escaped(b.data[i]);
        else
            out_text("\\ufffd");
        plain = ++i;
    }
    out_put(b.data + plain, b.size - plain);
    out_put("\"", 1);
}

void out_json_text(const char *text)
{
    out_json_string(kc_str(text));
}

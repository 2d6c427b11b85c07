/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output with one buffer: few, large writes, and a sticky error, so that a full disk or a
 * reader that went away is noticed once, at the end. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <kclient/types.h>

void out_put(const void *data, size_t size);
void out_text(const char *text);
void out_bytes(kc_bytes b);
void out_number(int64_t n);
void out_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what is buffered. False: output does not work any more. */
bool out_flush(void);

/* Waits until one of two descriptors is readable (-1: there is none). False: meanwhile the reader
 * of the pipe went away, and output does not work any more. */
bool out_wait(int fd, int other_fd);

/* False: output does not work any more, there is no use in going on. */
bool out_works(void);

/* Flushes, and turns an exit code into that of failed output if it failed (which is said, except
 * when the reader of a pipe went away: that is no error). */
int out_close(int code);

/* JSON. Bytes that are not UTF-8 become U+FFFD, one each; null becomes null. */
void out_json_string(kc_bytes b);
void out_json_text(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "io/errno_text.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

static const struct {
    int err;
    const char *text;
} texts[] = {
    { ECONNREFUSED, "connection refused: nothing listens there" },
    { ECONNRESET, "connection reset by the peer" },
    { ECONNABORTED, "connection aborted" },
    { EPIPE, "the peer no longer takes data" },
    { ETIMEDOUT, "the network gave up waiting for the peer" },
    { EHOSTUNREACH, "no route to the host" },
    { ENETUNREACH, "the network cannot be reached" },
    { ENETDOWN, "the network is down" },
    { EADDRINUSE, "the address is already in use" },
    { EADDRNOTAVAIL, "the address is not available on this machine" },
    { EAFNOSUPPORT, "the address family is not supported here" },
    { EACCES, "not permitted" },
    { EPERM, "not permitted (a firewall?)" },
    { EMFILE, "the process has too many open files: raise ulimit -n" },
    { ENFILE, "the system has too many open files" },
    { ENOBUFS, "the system has no buffer space" },
    { ENOMEM, "out of memory" },
    { EINVAL, "invalid argument" },
    { ENOENT, "no such file" },
    { EISDIR, "is a directory" },
    { ENOTDIR, "a part of the path is no directory" },
    { ELOOP, "too many symbolic links" },
    { ENAMETOOLONG, "the path is too long" },
    { EIO, "the device failed" },
};

const char *kci_errno_text(int err, char *buf)
{
    if (err < 0)
        err = -err;
    for (size_t i = 0; i < KCI_COUNT_OF(texts); i++)
        if (texts[i].err == err)
            return texts[i].text;
    snprintf(buf, KCI_ERRNO_TEXT_SIZE, "system error %d", err);
    return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "io/wake_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "io/fd.h"

#ifdef __linux__
#include <sys/eventfd.h>

int kci_wake_fd_open(kci_wake_fd *w)
{
    w->read_fd = w->write_fd = kci_fd_clear_of_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return w->read_fd < 0 ? -errno : 0;
}

#else

int kci_wake_fd_open(kci_wake_fd *w)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        w->read_fd = w->write_fd = -1;
        return -errno;
    }
    w->read_fd = kci_fd_clear_of_standard(fds[0]);
    w->write_fd = kci_fd_clear_of_standard(fds[1]);
    if (w->read_fd >= 0 && w->write_fd >= 0)
        return 0;
    int err = -errno;
    kci_wake_fd_close(w);
    return err;
}

#endif

void kci_wake_fd_close(kci_wake_fd *w)
{
    if (w->read_fd >= 0)
        close(w->read_fd);
    if (w->write_fd >= 0 && w->write_fd != w->read_fd)
        close(w->write_fd);
    w->read_fd = w->write_fd = -1;
}

void kci_wake_fd_set(const kci_wake_fd *w)
{
    static const uint64_t one = 1; /* what an eventfd wants; a pipe takes any bytes */
    ssize_t n;
    do
        n = write(w->write_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    /* EAGAIN: it is full, so it is readable */
}

void kci_wake_fd_clear(const kci_wake_fd *w)
{
    uint64_t sink[32];
    ssize_t n;
    do
        n = read(w->read_fd, sink, sizeof sink);
    while ((n < 0 && errno == EINTR) || n == (ssize_t)sizeof sink);
}

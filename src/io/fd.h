/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of the library's own stay clear of 0, 1 and 2. A program that was started with one of
 * these closed would get it for a socket, and whoever then prints an error writes into it. */
#ifndef IO_FD_H
#define IO_FD_H

#include <fcntl.h>
#include <unistd.h>

/* Moves a new descriptor out of the way; close-on-exec. -1 and errno when that fails (it is closed
 * then), or when fd is -1. */
static inline int kci_fd_clear_of_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return moved;
}

#endif

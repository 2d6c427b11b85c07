/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor that another thread can make readable: an eventfd where there is one, else a pipe.
 */
#ifndef IO_WAKE_FD_H
#define IO_WAKE_FD_H

typedef struct kci_wake_fd {
    int read_fd, write_fd; /* the same one for an eventfd; -1: not open */
} kci_wake_fd;

int kci_wake_fd_open(kci_wake_fd *w);         /* 0 or -errno; then both are -1 */
void kci_wake_fd_close(kci_wake_fd *w);       /* not open is fine */
void kci_wake_fd_set(const kci_wake_fd *w);   /* readable; any thread */
void kci_wake_fd_clear(const kci_wake_fd *w); /* not readable */

#endif

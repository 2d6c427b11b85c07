/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket. When the process has no descriptor left it pauses, since the waiting
 * connection would otherwise wake the loop again at once, for ever. */
#include <errno.h>

#include "base/mem.h"
#include "io/conn.h"

enum { BACKLOG = 128, TURN_ACCEPTS = 64, PAUSE_US = 100 * 1000 };

struct kci_listener {
    kci_loop *loop;
    kci_watch watch;
    kci_timer pause;
    void (*on_accept)(void *arg, int sock);
    void *arg;
    bool accepting, closed;
};

static void release(kci_listener *l)
{
    kci_sys *sys = kci_loop_sys(l->loop);
    kci_timer_stop(l->loop, &l->pause);
    if (l->watch.sock >= 0) {
        kci_watch_set(l->loop, &l->watch, 0);
        sys->sock_close(sys, l->watch.sock);
    }
    kci_loop_reserve_timers(l->loop, -1);
    kci_free(l);
}

static void pause_for_a_while(kci_listener *l)
{
    kci_watch_set(l->loop, &l->watch, 0);
    kci_timer_set(l->loop, &l->pause, kci_loop_now(l->loop) + PAUSE_US);
}

static void on_pause_end(kci_timer *timer)
{
    kci_listener *l = KCI_CONTAINER_OF(timer, kci_listener, pause);
    if (kci_watch_set(l->loop, &l->watch, KCI_READABLE) != 0)
        pause_for_a_while(l);
}

static void on_ready(kci_watch *watch, uint32_t events)
{
    (void)events;
    kci_listener *l = KCI_CONTAINER_OF(watch, kci_listener, watch);
    kci_sys *sys = kci_loop_sys(l->loop);
    l->accepting = true;
    for (int i = 0; i < TURN_ACCEPTS && !l->closed; i++) {
        int sock;
        int err = sys->sock_accept(sys, watch->sock, &sock);
        if (err == -EAGAIN)
            break;
        if (err != 0) {
            pause_for_a_while(l);
            break;
        }
        l->on_accept(l->arg, sock);
    }
    l->accepting = false;
    if (l->closed)
        release(l);
}

kc_err kci_listener_open(kci_loop *loop, kci_addr *addr, void (*on_accept)(void *arg, int sock),
                         void *arg, kci_listener **out)
{
    kci_loop_assert_on(loop);
    kci_listener *l = kci_calloc(1, sizeof *l);
    if (!l)
        return KC_E_NO_MEMORY;
    if (kci_loop_reserve_timers(loop, 1) != KC_OK) {
        kci_free(l);
        return KC_E_NO_MEMORY;
    }
    l->loop = loop;
    l->on_accept = on_accept;
    l->arg = arg;
    l->watch.fn = on_ready;
    l->watch.sock = -1;
    l->pause.fn = on_pause_end;
    kci_sys *sys = kci_loop_sys(loop);
    int err = sys->sock_listen(sys, addr, BACKLOG, &l->watch.sock);
    if (err == 0)
        err = kci_watch_set(loop, &l->watch, KCI_READABLE);
    if (err != 0) {
        release(l);
        return err == -ENOMEM ? KC_E_NO_MEMORY : KC_E_CONNECT;
    }
    *out = l;
    return KC_OK;
}

void kci_listener_close(kci_listener *l)
{
    if (!l)
        return;
    l->closed = true;
    if (!l->accepting)
        release(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the library says about itself while it runs. It never writes anywhere by itself: without a
 * callback nothing is formatted. */
#ifndef KCLIENT_LOG_H
#define KCLIENT_LOG_H

#include <kclient/types.h>

KC_BEGIN

enum {
    KC_LOG_NONE = 0,
    KC_LOG_ERROR = 1, /* something was given up; an operator should look */
    KC_LOG_WARN = 2,  /* something failed and is tried again, or a setting is unwise */
    KC_LOG_INFO = 3,  /* rare changes of state: a group's rebalance, a new controller */
    KC_LOG_DEBUG = 4, /* connections, requests that failed, decisions */
    KC_LOG_TRACE = 5  /* every request and response */
};

/* Receives one line, without newline. area: the part of the library ("conn", "producer"); text:
 * UTF-8. Both are borrowed during the call. It comes from any thread, also from the client's own,
 * several at a time: it must be thread-safe, quick, and must not call the client. */
typedef void (*kc_log_fn)(void *user, int level, const char *area, const char *text);

/* "error", "warn", "info", "debug", "trace", "none"; "?" for other values. Static storage. */
KC_API const char *kc_log_level_name(int level);

/* The level of a name (any case; also "warning"); -1 for other names. */
KC_API int kc_log_level_of(const char *name);

KC_END

#endif

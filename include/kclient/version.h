/* SPDX-License-Identifier: Apache-2.0 */
/* The version these headers are of; kc_version() tells the library's. The major number changes when
 * programs have to be compiled anew; it is the library's soname. */
#ifndef KCLIENT_VERSION_H
#define KCLIENT_VERSION_H

#define KC_VERSION_MAJOR 0
#define KC_VERSION_MINOR 1
#define KC_VERSION_PATCH 0
#define KC_VERSION_TEXT  "0.1.0"

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* See criterion.h beside it. */
#include <criterion/criterion.h>

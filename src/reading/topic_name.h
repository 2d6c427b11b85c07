/* SPDX-License-Identifier: Apache-2.0 */
/* What the name of a topic can be, and the order of names. Pure functions. */
#ifndef READING_TOPIC_NAME_H
#define READING_TOPIC_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include <kclient/types.h>

enum { KCI_TOPIC_NAME_MAX = 249 };

/* Whether there can be such a partition: the name's length and characters, the number's range. */
bool kci_topic_partition_ok(kc_bytes topic, int32_t partition);

/* Compares names byte by byte, shorter ones first among equals. */
int kci_topic_name_compare(kc_bytes a, kc_bytes b);

#endif

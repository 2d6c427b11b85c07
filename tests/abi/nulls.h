/* SPDX-License-Identifier: Apache-2.0 */
/* What generate.py's calls need: handles that live, and how a call is judged. */
#ifndef ABI_NULLS_H
#define ABI_NULLS_H

#include <kclient/kclient.h>
#include <kclient/mock.h>

extern kc_client *live_kc_client;
extern kc_producer *live_kc_producer;
extern kc_consumer *live_kc_consumer;
extern kc_admin *live_kc_admin;
extern kc_config *live_kc_config;
extern kc_mock *live_kc_mock;
extern kc_records *live_kc_records;
extern kc_deliveries *live_kc_deliveries;
extern kc_cluster *live_kc_cluster;
extern kc_configs *live_kc_configs;
extern kc_topic_results *live_kc_topic_results;
extern kc_partitions *live_kc_partitions;
extern kc_plan *live_kc_plan;

/* The function that is called next; its name is the last line when it crashes. */
void begin(const char *name);
void expect(bool as_documented);

/* generated */
void call_with_nulls(void);
void call_with_live_handles(void);

#endif

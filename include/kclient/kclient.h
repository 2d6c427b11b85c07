/* SPDX-License-Identifier: Apache-2.0 */
/* All of libkclient's public headers but the mock cluster's, which is a library of its own. */
#ifndef KCLIENT_KCLIENT_H
#define KCLIENT_KCLIENT_H

#include <kclient/admin.h>
#include <kclient/assignor.h>
#include <kclient/client.h>
#include <kclient/config.h>
#include <kclient/consumer.h>
#include <kclient/error.h>
#include <kclient/interceptor.h>
#include <kclient/log.h>
#include <kclient/partition.h>
#include <kclient/partitioner.h>
#include <kclient/producer.h>
#include <kclient/record.h>
#include <kclient/stats.h>
#include <kclient/types.h>
#include <kclient/version.h>

#endif

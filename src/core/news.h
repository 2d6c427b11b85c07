/* SPDX-License-Identifier: Apache-2.0 */
/* What the client makes of its connections' news: routes, metadata, users and the close of the
 * client hear of them here. The owner of a connection is its kci_broker. Thread: loop. */
#ifndef CORE_NEWS_H
#define CORE_NEWS_H

#include "core/connection.h"

extern const kci_connection_ops kci_news_ops;

#endif

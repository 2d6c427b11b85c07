/* SPDX-License-Identifier: Apache-2.0 */
/* Every configuration property, one row each. The enum KCI_P_..., the checks of kc_config_set, the
 * listing of `kclient config` and docs/CONFIGURATION.md are all made from this table.
 *
 * P(ID, name, aliases, TYPE, min, max, default, choices, scope, secret, doc)
 *   ID       upper case of Java's name, dots as underscores
 *   aliases  librdkafka's names of the same meaning, parted by commas; "name*1024" scales the value
 *   TYPE     INT, LONG, DOUBLE (numbers: min..max), BOOL, STRING, LIST (parted by commas), ENUM
 *   choices  for ENUM: texts parted by '|', whose values count up from min; matching ignores case;
 * a text that ends in '*' is a prefix. For others: what may be written, for people scope    who
 * reads it: "P" producer, "C" consumer, "A" admin, "*" all secret   1: never shown, wiped when
 * freed
 *
 * S(ID, text, value): other texts for the values of enums.
 *
 * I(NAME, why): names that are accepted and ignored; a name that ends in "*" is a prefix. */
#ifndef CORE_CONFIG_TABLE_H
#define CORE_CONFIG_TABLE_H

#define KCI_INT_MAX  2147483647
#define KCI_LONG_MAX 9223372036854775807

/* clang-format off */
#define KCI_CONFIG_TABLE(P) \
    /* where the cluster is, and how connections live */ \
    P(BOOTSTRAP_SERVERS, "bootstrap.servers", "metadata.broker.list", LIST, 0, 0, "", "host:port,...", "*", 0, \
      "Brokers to ask first for the cluster's members; two or three suffice. The port is 9092 if left out.") \
    P(CLIENT_ID, "client.id", "", STRING, 0, 0, "kclient", "", "*", 0, \
      "Name of this program in brokers' logs, metrics and quotas.") \
    P(CLIENT_RACK, "client.rack", "", STRING, 0, 0, "", "", "*", 0, \
      "Rack (availability zone) this program runs in; a consumer then fetches from in-sync replicas there.") \
    P(CLIENT_DNS_LOOKUP, "client.dns.lookup", "", ENUM, 0, 1, "use_all_dns_ips", "use_all_dns_ips|resolve_canonical_bootstrap_servers_only", "*", 0, \
      "Which of a host name's addresses are tried: all of them in turn. The other way, bootstrap servers by their canonical names (for Kerberos), is not built in and refused.") \
    P(CLIENT_THREADS, "client.threads", "", INT, 0, 1, "1", "", "*", 0, \
      "1: the client has one thread of its own for all I/O. 0: none, the application drives it by kc_client_step.") \
    P(CONNECTIONS_MAX_IDLE_MS, "connections.max.idle.ms", "", LONG, 0, KCI_LONG_MAX, "540000", "", "*", 0, \
      "A connection without traffic is closed after this time, 0: never. Keep it below the broker's own limit.") \
    P(SEND_BUFFER_BYTES, "send.buffer.bytes", "socket.send.buffer.bytes", INT, -1, KCI_INT_MAX, "-1", "", "*", 0, \
      "SO_SNDBUF of connections; -1 or 0 leaves it to the system, which adapts it (Java fixes 131072).") \
    P(RECEIVE_BUFFER_BYTES, "receive.buffer.bytes", "socket.receive.buffer.bytes", INT, -1, KCI_INT_MAX, "-1", "", "*", 0, \
      "SO_RCVBUF of connections; -1 or 0 leaves it to the system, which adapts it (Java fixes 32768 or 65536).") \
    P(SOCKET_CONNECTION_SETUP_TIMEOUT_MS, "socket.connection.setup.timeout.ms", "", LONG, 1, KCI_INT_MAX, "10000", "", "*", 0, \
      "Longest wait for a connection: TCP and TLS per address, then ApiVersions (for that at most request.timeout.ms, as for each step of SASL). Doubles with each failure in a row.") \
    P(SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS, "socket.connection.setup.timeout.max.ms", "", LONG, 1, KCI_INT_MAX, "30000", "", "*", 0, \
      "Limit for the growth of socket.connection.setup.timeout.ms.") \
    P(RECONNECT_BACKOFF_MS, "reconnect.backoff.ms", "", LONG, 0, KCI_INT_MAX, "50", "", "*", 0, \
      "Pause before a broken connection is opened again; doubles with each failure, with jitter of 20 %.") \
    P(RECONNECT_BACKOFF_MAX_MS, "reconnect.backoff.max.ms", "", LONG, 0, KCI_INT_MAX, "1000", "", "*", 0, \
      "Limit for the growth of reconnect.backoff.ms. However small: what goes on failing is tried at most 10 times a second.") \
    P(RETRY_BACKOFF_MS, "retry.backoff.ms", "", LONG, 0, KCI_INT_MAX, "100", "", "*", 0, \
      "Pause before a failed request is sent again; doubles with each failure, with jitter of 20 %.") \
    P(RETRY_BACKOFF_MAX_MS, "retry.backoff.max.ms", "", LONG, 0, KCI_INT_MAX, "1000", "", "*", 0, \
      "Limit for the growth of retry.backoff.ms. However small: what goes on failing is tried at most 10 times a second.") \
    P(REQUEST_TIMEOUT_MS, "request.timeout.ms", "socket.timeout.ms", INT, 1, KCI_INT_MAX, "30000", "", "*", 0, \
      "Longest wait for the answer to one request; then its connection is closed and the request may be sent again.") \
    P(DEFAULT_API_TIMEOUT_MS, "default.api.timeout.ms", "", INT, 0, KCI_INT_MAX, "60000", "", "CA", 0, \
      "Longest wait of a consumer's or admin's call that has no timeout argument, retries included.") \
    P(RECEIVE_MESSAGE_MAX_BYTES, "receive.message.max.bytes", "", INT, 1024, KCI_INT_MAX, "100000000", "", "*", 0, \
      "A broker's answer that claims to be larger is refused as damaged and the connection closed. At least fetch.max.bytes + 1024.") \
    /* what is known of the cluster */ \
    P(METADATA_MAX_AGE_MS, "metadata.max.age.ms", "topic.metadata.refresh.interval.ms", LONG, 0, KCI_INT_MAX, "300000", "", "*", 0, \
      "Metadata of the topics in use is asked for anew after this time even when nothing seems wrong.") \
    P(METADATA_MAX_IDLE_MS, "metadata.max.idle.ms", "", LONG, 5000, KCI_INT_MAX, "300000", "", "P", 0, \
      "A topic not used for this time is no longer asked for.") \
    P(METADATA_RECOVERY_STRATEGY, "metadata.recovery.strategy", "", ENUM, 0, 1, "rebootstrap", "none|rebootstrap", "*", 0, \
      "What to do when no known broker can be reached: begin again with bootstrap.servers, or not.") \
    P(METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS, "metadata.recovery.rebootstrap.trigger.ms", "", LONG, 0, KCI_INT_MAX, "300000", "", "*", 0, \
      "With metadata.recovery.strategy=rebootstrap: begin again also when metadata could not be had for this time.") \
    P(ALLOW_AUTO_CREATE_TOPICS, "allow.auto.create.topics", "", BOOL, 0, 0, "true", "", "C", 0, \
      "Whether asking for an unknown topic may create it, if the broker is set up to do so.") \
    /* security */ \
    P(SECURITY_PROTOCOL, "security.protocol", "", ENUM, 0, 3, "PLAINTEXT", "PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL", "*", 0, \
      "TLS or not, SASL or not. Must be what the broker's listener speaks.") \
    P(SSL_TRUSTSTORE_LOCATION, "ssl.truststore.location", "ssl.ca.location", STRING, 0, 0, "", "path", "*", 0, \
      "File with the certificates (PEM, or PKCS12) to trust, each of them as it is: of authorities, of those between, of a broker itself. Default: the system's store.") \
    P(SSL_TRUSTSTORE_TYPE, "ssl.truststore.type", "", ENUM, 1, 3, "", "PEM|PKCS12|JKS", "*", 0, \
      "Form of ssl.truststore.location. Default: told from the file. JKS has to be converted with keytool.") \
    P(SSL_TRUSTSTORE_PASSWORD, "ssl.truststore.password", "", STRING, 0, 0, "", "", "*", 1, \
      "Password of a PKCS12 truststore.") \
    P(SSL_TRUSTSTORE_CERTIFICATES, "ssl.truststore.certificates", "ssl.ca.pem", STRING, 0, 0, "", "PEM text", "*", 0, \
      "The certificates to trust themselves, as PEM text, instead of a file.") \
    P(SSL_KEYSTORE_LOCATION, "ssl.keystore.location", "", STRING, 0, 0, "", "path", "*", 0, \
      "File with this client's private key and certificate chain (PEM, or PKCS12), for brokers that ask for one.") \
    P(SSL_KEYSTORE_TYPE, "ssl.keystore.type", "", ENUM, 1, 3, "", "PEM|PKCS12|JKS", "*", 0, \
      "Form of ssl.keystore.location. Default: told from the file. JKS has to be converted with keytool.") \
    P(SSL_KEYSTORE_PASSWORD, "ssl.keystore.password", "", STRING, 0, 0, "", "", "*", 1, \
      "Password of a PKCS12 keystore.") \
    P(SSL_KEYSTORE_KEY, "ssl.keystore.key", "ssl.key.pem", STRING, 0, 0, "", "PEM text", "*", 1, \
      "This client's private key itself, as PEM text (PKCS#8), instead of a file.") \
    P(SSL_KEYSTORE_CERTIFICATE_CHAIN, "ssl.keystore.certificate.chain", "ssl.certificate.pem", STRING, 0, 0, "", "PEM text", "*", 0, \
      "This client's certificate chain itself, as PEM text, its own certificate first, instead of a file.") \
    P(SSL_CERTIFICATE_LOCATION, "ssl.certificate.location", "", STRING, 0, 0, "", "path", "*", 0, \
      "PEM file with this client's certificate chain, when it is not in one file with the key.") \
    P(SSL_KEY_LOCATION, "ssl.key.location", "", STRING, 0, 0, "", "path", "*", 0, \
      "PEM file with this client's private key, when it is not in one file with the certificate.") \
    P(SSL_KEY_PASSWORD, "ssl.key.password", "", STRING, 0, 0, "", "", "*", 1, \
      "Password of the private key.") \
    P(SSL_ENDPOINT_IDENTIFICATION_ALGORITHM, "ssl.endpoint.identification.algorithm", "", ENUM, 0, 1, "https", "none|https", "*", 0, \
      "https: the broker's certificate must name the host that is connected to, among its alternative names or, when these have no DNS name, as common name (CN). none (or empty): not checked, so anyone with a trusted certificate can pose as the broker.") \
    P(ENABLE_SSL_CERTIFICATE_VERIFICATION, "enable.ssl.certificate.verification", "", BOOL, 0, 0, "true", "", "*", 0, \
      "false: any certificate is accepted, so anyone can pose as the broker. For tests only.") \
    P(SSL_ENABLED_PROTOCOLS, "ssl.enabled.protocols", "", LIST, 0, 0, "TLSv1.2,TLSv1.3", "TLSv1.2,TLSv1.3", "*", 0, \
      "TLS versions that may be used.") \
    P(SSL_CIPHER_SUITES, "ssl.cipher.suites", "", LIST, 0, 0, "", "names", "*", 0, \
      "Cipher suites that may be used, by their IANA or OpenSSL names; a TLS version of which none is named is not used. OpenSSL's keywords (HIGH:!aNULL) choose among those of TLS 1.2 and leave TLS 1.3 as it is. Default: OpenSSL's.") \
    P(SASL_MECHANISM, "sasl.mechanism", "sasl.mechanisms", STRING, 0, 0, "GSSAPI", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", "*", 0, \
      "SASL mechanism when security.protocol is SASL_PLAINTEXT or SASL_SSL. GSSAPI, Java's default, is not built in.") \
    P(SASL_JAAS_CONFIG, "sasl.jaas.config", "", STRING, 0, 0, "", "<module> required username=\"..\" password=\"..\";", "*", 1, \
      "Java's form of the credentials: PlainLoginModule or ScramLoginModule with username and password. Sets sasl.username and sasl.password.") \
    P(SASL_USERNAME, "sasl.username", "", STRING, 0, 0, "", "", "*", 0, \
      "User name for PLAIN and SCRAM.") \
    P(SASL_PASSWORD, "sasl.password", "", STRING, 0, 0, "", "", "*", 1, \
      "Password for PLAIN and SCRAM.") \
    /* producer */ \
    P(ACKS, "acks", "request.required.acks", ENUM, -1, 1, "all", "all|0|1", "P", 0, \
      "Who must have a record before it counts as sent: all in-sync replicas, the leader (1), nobody (0: errors stay unseen).") \
    P(BATCH_SIZE, "batch.size", "", INT, 0, KCI_INT_MAX, "16384", "", "P", 0, \
      "A partition's batch is sent when it has this many bytes. 0: every record alone.") \
    P(LINGER_MS, "linger.ms", "queue.buffering.max.ms", DOUBLE, 0, KCI_INT_MAX, "5", "", "P", 0, \
      "How long a batch that is not full waits for more records, in ms; fractions are possible.") \
    P(BUFFER_MEMORY, "buffer.memory", "queue.buffering.max.kbytes*1024", LONG, 0, KCI_LONG_MAX, "33554432", "", "P", 0, \
      "Limit of the memory for records that are not yet acknowledged, in bytes. When it is used up, sending waits for max.block.ms.") \
    P(MAX_BLOCK_MS, "max.block.ms", "", LONG, 0, KCI_LONG_MAX, "60000", "", "P", 0, \
      "Longest wait of a send for room in buffer.memory or for the topic's metadata. 0: never waits.") \
    P(MAX_REQUEST_SIZE, "max.request.size", "message.max.bytes", INT, 1, KCI_INT_MAX, "1048576", "", "P", 0, \
      "Largest produce request and largest single record, in bytes. The broker has a limit of its own (message.max.bytes).") \
    P(MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION, "max.in.flight.requests.per.connection", "max.in.flight", INT, 1, 1000000, "5", "", "P", 0, \
      "How many produce requests to one broker may be without an answer. At most 5 with enable.idempotence.") \
    P(ENABLE_IDEMPOTENCE, "enable.idempotence", "", BOOL, 0, 0, "true", "", "P", 0, \
      "Each record is written once and in order, also when requests are repeated. Needs acks=all, retries above 0 and at most 5 in flight; switched off when one of these is set otherwise and this is not.") \
    P(DELIVERY_TIMEOUT_MS, "delivery.timeout.ms", "message.timeout.ms", INT, 1, KCI_INT_MAX, "120000", "", "P", 0, \
      "A record's outcome is reported by this time after send returned. At least linger.ms + request.timeout.ms.") \
    P(RETRIES, "retries", "message.send.max.retries", INT, 0, KCI_INT_MAX, "2147483647", "", "PA", 0, \
      "How often a failed request is repeated. Better left alone: delivery.timeout.ms sets the limit.") \
    P(COMPRESSION_TYPE, "compression.type", "compression.codec", ENUM, 0, 4, "none", "none|gzip|snappy|lz4|zstd", "P", 0, \
      "How batches are compressed.") \
    P(COMPRESSION_GZIP_LEVEL, "compression.gzip.level", "", INT, -1, 9, "-1", "-1, 1..9", "P", 0, \
      "Level for gzip; -1: its default (6).") \
    P(COMPRESSION_LZ4_LEVEL, "compression.lz4.level", "", INT, 1, 17, "9", "", "P", 0, \
      "Level for lz4; 9 stands for the fast compressor, as in Java; others for high compression.") \
    P(COMPRESSION_ZSTD_LEVEL, "compression.zstd.level", "", INT, -131072, 22, "3", "", "P", 0, \
      "Level for zstd.") \
    P(COMPRESSION_LEVEL, "compression.level", "", INT, -1, 22, "-1", "", "P", 0, \
      "Level for whichever codec compression.type names, unless that codec's own level is set; -1: its default.") \
    P(PARTITIONER_CLASS, "partitioner.class", "partitioner", ENUM, 0, 8, "default", "default|round-robin|uniform-sticky|random|murmur2|consistent|consistent_random|fnv1a|fnv1a_random", "P", 0, \
      "default: murmur2 of the key as Java does, without key to a sticky partition that changes with each batch. round-robin: each record to the next partition, keys are not looked at. uniform-sticky: sticky also with keys. random: any partition, keys are not looked at. murmur2, consistent (CRC-32), fnv1a: hash of the key, a missing key counts as empty; with _random such records are sticky, as by default.") \
    P(PARTITIONER_IGNORE_KEYS, "partitioner.ignore.keys", "", BOOL, 0, 0, "false", "", "P", 0, \
      "Default partitioner: treat records with keys as if they had none.") \
    P(PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE, "partitioner.adaptive.partitioning.enable", "", BOOL, 0, 0, "true", "", "P", 0, \
      "Default partitioner, without key: partitions whose broker answers faster get more records.") \
    P(PARTITIONER_AVAILABILITY_TIMEOUT_MS, "partitioner.availability.timeout.ms", "", LONG, 0, KCI_INT_MAX, "0", "", "P", 0, \
      "Default partitioner, without key: partitions of a broker that has taken nothing for this time are left out, unless adaptive partitioning is off. 0: never.") \
    P(TRANSACTIONAL_ID, "transactional.id", "", STRING, 0, 0, "", "", "P", 0, \
      "Name of a transactional producer. Not built in yet: a producer with it is refused.") \
    P(TRANSACTION_TIMEOUT_MS, "transaction.timeout.ms", "", INT, 1, KCI_INT_MAX, "60000", "", "P", 0, \
      "The broker aborts a transaction that is open for longer. Not built in yet: has no effect.") \
    /* consumer */ \
    P(FETCH_MIN_BYTES, "fetch.min.bytes", "", INT, 0, KCI_INT_MAX, "1", "", "C", 0, \
      "The broker answers a fetch when it has this many bytes, or after fetch.max.wait.ms.") \
    P(FETCH_MAX_BYTES, "fetch.max.bytes", "", INT, 0, KCI_INT_MAX, "52428800", "", "C", 0, \
      "Most bytes in one fetch answer; a first batch that is larger comes nevertheless.") \
    P(FETCH_MAX_WAIT_MS, "fetch.max.wait.ms", "fetch.wait.max.ms", INT, 0, KCI_INT_MAX, "500", "", "C", 0, \
      "Longest time the broker holds a fetch back while there is less than fetch.min.bytes.") \
    P(MAX_PARTITION_FETCH_BYTES, "max.partition.fetch.bytes", "fetch.message.max.bytes", INT, 0, KCI_INT_MAX, "1048576", "", "C", 0, \
      "Most bytes of one partition in a fetch answer; a first batch that is larger comes nevertheless.") \
    P(FETCH_BUFFER_BYTES, "fetch.buffer.bytes", "queued.max.messages.kbytes*1024", LONG, 1024, KCI_LONG_MAX, "67108864", "", "C", 0, \
      "Limit of the memory for fetched answers that the program has not given back, in bytes; one batch that is larger alone is let through.") \
    P(FETCH_DECOMPRESSED_MAX_BYTES, "fetch.decompressed.max.bytes", "", INT, 1024, KCI_INT_MAX, "268435456", "", "C", 0, \
      "A batch that would inflate beyond this is refused with DECOMPRESSED_TOO_LARGE: protection against compression bombs.") \
    P(MAX_POLL_RECORDS, "max.poll.records", "", INT, 1, KCI_INT_MAX, "500", "", "C", 0, \
      "Most records that one poll returns.") \
    P(ENABLE_PARTITION_EOF, "enable.partition.eof", "", BOOL, 0, 0, "false", "", "C", 0, \
      "Poll also returns an empty batch each time the end of a partition is reached.") \
    P(CHECK_CRCS, "check.crcs", "", BOOL, 0, 0, "true", "", "C", 0, \
      "Verify the checksum of every batch.") \
    P(ISOLATION_LEVEL, "isolation.level", "", ENUM, 0, 1, "read_uncommitted", "read_uncommitted|read_committed", "C", 0, \
      "read_committed: leave out records of aborted and of unfinished transactions.") \
    P(AUTO_OFFSET_RESET, "auto.offset.reset", "", ENUM, 0, 3, "latest", "earliest|latest|none|by_duration:*", "C", 0, \
      "Where to start without a position, or when it is gone: the first record, after the last, an error, or the first not older than by_duration:P1DT2H.") \
    P(GROUP_ID, "group.id", "", STRING, 0, 0, "", "", "C", 0, \
      "Name of the consumer group. Groups are not built in yet: this and what else is about them has no effect.") \
    P(GROUP_INSTANCE_ID, "group.instance.id", "", STRING, 0, 0, "", "", "C", 0, \
      "Fixed name of this member, so that a restart does not rebalance the group.") \
    P(GROUP_PROTOCOL, "group.protocol", "", ENUM, 0, 1, "classic", "classic|consumer", "C", 0, \
      "Rebalance protocol: classic, or consumer (KIP-848).") \
    P(GROUP_REMOTE_ASSIGNOR, "group.remote.assignor", "", STRING, 0, 0, "", "", "C", 0, \
      "Assignor in the broker, for group.protocol=consumer.") \
    P(PARTITION_ASSIGNMENT_STRATEGY, "partition.assignment.strategy", "", LIST, 0, 0, "range,cooperative-sticky", "range, roundrobin, sticky, cooperative-sticky", "C", 0, \
      "Assignors in order of preference; Java's class names are understood.") \
    P(SESSION_TIMEOUT_MS, "session.timeout.ms", "", INT, 1, KCI_INT_MAX, "45000", "", "C", 0, \
      "A member that is not heard of for this time is taken out of the group.") \
    P(HEARTBEAT_INTERVAL_MS, "heartbeat.interval.ms", "", INT, 1, KCI_INT_MAX, "3000", "", "C", 0, \
      "Time between heartbeats to the group's coordinator; at most a third of session.timeout.ms.") \
    P(MAX_POLL_INTERVAL_MS, "max.poll.interval.ms", "", INT, 1, KCI_INT_MAX, "300000", "", "C", 0, \
      "A member that does not poll for this time leaves its group.") \
    P(ENABLE_AUTO_COMMIT, "enable.auto.commit", "auto.commit.enable", BOOL, 0, 0, "true", "", "C", 0, \
      "Commit positions in the background (groups only).") \
    P(AUTO_COMMIT_INTERVAL_MS, "auto.commit.interval.ms", "", INT, 0, KCI_INT_MAX, "5000", "", "C", 0, \
      "Time between background commits.") \
    P(EXCLUDE_INTERNAL_TOPICS, "exclude.internal.topics", "", BOOL, 0, 0, "true", "", "C", 0, \
      "Whether subscription patterns leave out internal topics.") \
    /* what this library tells about itself */ \
    P(LOG_LEVEL, "log.level", "log_level", ENUM, 0, 5, "warn", "none|error|warn|info|debug|trace", "*", 0, \
      "Least severe log messages that are passed on; syslog's numbers are understood.") \
    P(ENABLE_METRICS_PUSH, "enable.metrics.push", "", BOOL, 0, 0, "false", "", "*", 0, \
      "Send metrics to brokers that ask for them (KIP-714). Not built in yet: has no effect.")

#define KCI_JAVA_PRODUCER "org.apache.kafka.clients.producer."

#define KCI_CONFIG_SYNONYMS(S) \
    S(ACKS, "-1", -1) \
    S(SSL_TRUSTSTORE_TYPE, "", 0) \
    S(SSL_KEYSTORE_TYPE, "", 0) \
    S(SSL_ENDPOINT_IDENTIFICATION_ALGORITHM, "", 0) \
    S(PARTITIONER_CLASS, "", 0) \
    S(PARTITIONER_CLASS, "murmur2_random", 0) \
    S(PARTITIONER_CLASS, KCI_JAVA_PRODUCER "internals.DefaultPartitioner", 0) \
    S(PARTITIONER_CLASS, KCI_JAVA_PRODUCER "internals.BuiltInPartitioner", 0) \
    S(PARTITIONER_CLASS, KCI_JAVA_PRODUCER "RoundRobinPartitioner", 1) \
    S(PARTITIONER_CLASS, KCI_JAVA_PRODUCER "UniformStickyPartitioner", 2) \
    S(AUTO_OFFSET_RESET, "smallest", 0) \
    S(AUTO_OFFSET_RESET, "beginning", 0) \
    S(AUTO_OFFSET_RESET, "largest", 1) \
    S(AUTO_OFFSET_RESET, "end", 1) \
    S(AUTO_OFFSET_RESET, "error", 2) \
    S(LOG_LEVEL, "off", 0) \
    S(LOG_LEVEL, "warning", 2) \
    S(LOG_LEVEL, "0", 1) \
    S(LOG_LEVEL, "1", 1) \
    S(LOG_LEVEL, "2", 1) \
    S(LOG_LEVEL, "3", 1) \
    S(LOG_LEVEL, "4", 2) \
    S(LOG_LEVEL, "5", 3) \
    S(LOG_LEVEL, "6", 3) \
    S(LOG_LEVEL, "7", 4)

/* Names that mean nothing here and do no harm: accepted and ignored, so that an existing file works. */
#define KCI_CONFIG_IGNORED(I) \
    I("key.serializer", "records are bytes") \
    I("value.serializer", "records are bytes") \
    I("key.deserializer", "records are bytes") \
    I("value.deserializer", "records are bytes") \
    I("interceptor.classes", "Java classes") \
    I("metric.reporters", "see kc_client_get_stats") \
    I("auto.include.jmx.reporter", "see kc_client_get_stats") \
    I("metrics.num.samples", "see kc_client_get_stats") \
    I("metrics.recording.level", "see kc_client_get_stats") \
    I("metrics.sample.window.ms", "see kc_client_get_stats") \
    I("statistics.interval.ms", "see kc_client_get_stats") \
    I("security.providers", "of the JVM") \
    I("ssl.provider", "of the JVM") \
    I("ssl.protocol", "ssl.enabled.protocols decides") \
    I("ssl.keymanager.algorithm", "of the JVM") \
    I("ssl.trustmanager.algorithm", "of the JVM") \
    I("ssl.secure.random.implementation", "of the JVM") \
    I("sasl.login.class", "of the JVM") \
    I("sasl.login.callback.handler.class", "of the JVM") \
    I("sasl.client.callback.handler.class", "of the JVM") \
    I("sasl.login.connect.timeout.ms", "for OAUTHBEARER") \
    I("sasl.login.read.timeout.ms", "for OAUTHBEARER") \
    I("sasl.login.retry.backoff.ms", "for OAUTHBEARER") \
    I("sasl.login.retry.backoff.max.ms", "for OAUTHBEARER") \
    I("sasl.login.refresh.buffer.seconds", "for OAUTHBEARER") \
    I("sasl.login.refresh.min.period.seconds", "for OAUTHBEARER") \
    I("sasl.login.refresh.window.factor", "for OAUTHBEARER") \
    I("sasl.login.refresh.window.jitter", "for OAUTHBEARER") \
    I("sasl.kerberos.service.name", "for GSSAPI") \
    I("sasl.kerberos.kinit.cmd", "for GSSAPI") \
    I("sasl.kerberos.min.time.before.relogin", "for GSSAPI") \
    I("sasl.kerberos.ticket.renew.jitter", "for GSSAPI") \
    I("sasl.kerberos.ticket.renew.window.factor", "for GSSAPI") \
    I("sasl.oauthbearer.*", "for OAUTHBEARER") \
    I("share.acknowledgement.mode", "for share groups") \
    I("share.acquire.mode", "for share groups") \
    I("internal.throw.on.fetch.stable.offset.unsupported", "of the JVM") \
    I("api.version.request", "versions are always negotiated") \
    I("api.version.request.timeout.ms", "request.timeout.ms counts") \
    I("api.version.fallback.ms", "versions are always negotiated") \
    I("broker.version.fallback", "versions are always negotiated") \
    I("broker.address.ttl", "names are looked up for every connection") \
    I("socket.nagle.disable", "always so") \
    I("socket.keepalive.enable", "connections.max.idle.ms counts") \
    I("socket.max.fails", "backoff counts") \
    I("log.connection.close", "an idle close is no error") \
    I("log.thread.name", "messages name their area") \
    I("log.queue", "see kc_client_set_log") \
    I("queue.buffering.max.messages", "buffer.memory counts") \
    I("batch.num.messages", "batch.size counts") \
    I("queued.min.messages", "fetch.buffer.bytes counts") \
    I("topic.metadata.refresh.sparse", "always so") \
    I("topic.metadata.refresh.fast.interval.ms", "retry.backoff.ms counts") \
    I("delivery.report.only.error", "successes are told as ranges at no cost") \
    I("sticky.partitioning.linger.ms", "batch.size counts")
/* clang-format on */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Test only: bugs on purpose, one at a time, to prove that the simulator finds them
 * (meson setup -Dplanted_bugs=true; tests/sim/run --bug NAME). In every other build KCI_BUG() is
 * the constant false and costs nothing. A line that asks for a bug must be right without it. */
#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include <stdbool.h>

#define KCI_PLANTED_BUGS_TABLE(B)                                                               \
    B(SEQUENCE_MISSING, "batches carry no producer id and sequence")                            \
    B(RETRY_REORDERS, "a batch that failed is sent again behind those after it")                \
    B(RETRY_NEW_SEQUENCE, "a batch that is sent again gets a new sequence")                     \
    B(BATCH_FREED_IN_FLIGHT, "a batch's memory is reused while the socket still reads it")      \
    B(REPORTED_TWICE, "a delivery report comes twice")                                          \
    B(REPORT_LOST, "every 50th delivery report is dropped")                                     \
    B(LOST_ANSWER_IS_SUCCESS, "a connection that ends counts as an acknowledgement")            \
    B(NOT_POSSIBLY_PERSISTED, "a record that may have been written is reported as not written") \
    B(DELIVERY_TIMEOUT_IGNORED, "records wait for ever while the network is down")              \
    B(SEQUENCE_REUSED, "the sequence of a batch that was given up is used again")               \
    B(BUFFER_UNBOUNDED, "buffer.memory is not looked at")                                       \
    B(CREDIT_NOT_RETURNED, "records that were freed still count against fetch.buffer.bytes")    \
    B(FETCH_UNBOUNDED, "fetch.buffer.bytes is not looked at")                                   \
    B(STALE_FETCH_TAKEN, "an answer to a fetch from before a seek is taken")                    \
    B(POSITION_SKIPS, "after an error the position moves to the high watermark")                \
    B(SESSION_FORGETS, "a partition that had an error is not put back into the fetch session")  \
    B(WRONG_ANSWER, "an answer is given to the newest request instead of the oldest")           \
    B(LOST_WAKE_UP, "every 20th task that is posted to the loop is lost")                       \
    B(OLD_EPOCH_TAKEN, "metadata with an older leader epoch is believed")                       \
    B(EQUAL_EPOCH_STAYS, "a leader that moves without a new epoch is not believed")             \
    B(NO_BACKOFF, "what failed is tried again at once")                                         \
    B(SOCKET_LEAKED, "a connection that timed out is not closed")                               \
    B(MEMORY_LEAKED, "the arena of an answer with an error is not freed")                       \
    B(ABORTED_DELIVERED, "read_committed returns records of aborted transactions")              \
    B(ABORTED_ORDER_TRUSTED, "the list of aborted transactions is taken to be sorted")          \
    B(ABORT_NEVER_ENDS, "what a producer commits after an abort is dropped as well")            \
    B(CRC_IGNORED, "damaged batches are returned")                                              \
    B(DAMAGE_SKIPPED, "a damaged batch is passed over without an error")                        \
    B(ADDRESS_KEPT, "a broker is looked for where it was at first")                             \
    B(FLUSH_EARLY, "flush does not wait for outcomes")                                          \
    B(FRAMES_UNCOUNTED, "fetched bytes do not count against fetch.buffer.bytes")                \
    B(HEADERS_LOST, "every 50th record loses its headers")                                      \
    B(KEY_MISPLACED, "a key goes to the partition beside its own")                              \
    B(HALF_MIXED_UP, "of a batch that was split, records get each other's reports")             \
    B(PAUSE_IGNORED, "what is buffered of a paused partition is returned")                      \
    B(LEASE_TOO_SHORT, "a closer replica is given up before it can have answered")              \
    B(END_WRONG, "the end of a log is told one too far")                                        \
    B(UNWRITTEN_IS_SENT, "acks=0: success for what the socket never took")                      \
    B(NOT_LEADER_EXCLUDES_WRITE, "NOT_LEADER_OR_FOLLOWER is taken to mean: not written")        \
    B(RETRY_MISSING, "retries=N repeats N-1 times")                                             \
    B(THROTTLE_IGNORED, "the pause that a broker asks for is counted, but not made")            \
    B(REPEATED_UNCOUNTED, "batches_retried does not count")                                     \
    B(ENDS_UNCOUNTED, "disconnects counts only what went wrong")                                \
    B(IN_FLIGHT_MORE, "one request more than max.in.flight is sent")                            \
    B(REQUEST_UNBOUNDED, "max.request.size bounds records only, not requests")                  \
    B(READY_LIST_LOSES, "a partition whose batch does not fit into the request is forgotten")   \
    B(FIRST_LEAVES_FOR_ALL, "the first of two users of a topic to leave ends it for both")      \
    B(END_NOT_WITHDRAWN, "an end that was not told yet is told although records have come")     \
    B(END_TOLD_AGAIN, "an end is told with each answer")                                        \
    B(END_NOT_TOLD, "an end that an empty answer shows is not told")                            \
    B(ONE_BLOCKS_ALL, "nothing is sent to those behind a broker that cannot be reached")        \
    B(LINGER_FORGOTTEN, "a batch that lingers is looked at only when something else is sent")   \
    B(ROOM_UNTOLD, "a full queue of a partition is not fetched again when it has been read")    \
    B(NEWS_UNTOLD, "the descriptor does not become readable by records, only by errors")        \
    B(POLL_MORE, "a poll returns one record more than max.poll.records")                        \
    B(BATCH_MORE, "a batch takes one record more than fits into batch.size")                    \
    B(CUT_NOT_ASKED, "the epoch of what was read last is not sent: cut logs are read over")     \
    B(CUT_TOLD_WRONG, "a log that was cut is said to end one offset further")

typedef enum kci_planted_bug {
    KCI_BUG_NONE,
#define B(name, what) KCI_BUG_##name,
    KCI_PLANTED_BUGS_TABLE(B)
#undef B
        KCI_BUG_COUNT
} kci_planted_bug;

#ifdef KCI_PLANTED_BUGS
extern kci_planted_bug kci_planted; /* base/planted.c; set by the simulator */
extern unsigned kci_planted_times;  /* how often KCI_BUG_EVERY was asked; reset by each run */
#define KCI_BUG(name) (kci_planted == KCI_BUG_##name)
/* Each n-th time. */
#define KCI_BUG_EVERY(name, n) (KCI_BUG(name) && ++kci_planted_times % (n) == 0)
#else
#define KCI_BUG(name)          false
#define KCI_BUG_EVERY(name, n) false
#endif

#endif

/* The values that a pool's interface speaks in: outcomes, orders, reasons, statistics. Plain
 * data. */
#ifndef TALLY_POOL_TYPES_H
#define TALLY_POOL_TYPES_H

#include <glib-object.h>

#include "tally-endpoint.h"

G_BEGIN_DECLS

/**
 * TallyOutcome:
 * @TALLY_OUTCOME_CLEAN: the reply was read to its last byte; the connection may serve again.
 * @TALLY_OUTCOME_BROKEN: anything else; the connection is closed.
 *
 * What a borrower says of a connection when it gives it back.
 */
typedef enum
{
  TALLY_OUTCOME_CLEAN,
  TALLY_OUTCOME_BROKEN
} TallyOutcome;

#define TALLY_TYPE_OUTCOME (tally_outcome_get_type ())
TALLY_API GType tally_outcome_get_type (void);

/**
 * TallyPoolOrder:
 * @TALLY_POOL_ORDER_LIFO: the connection used last, so that the others may age and go.
 * @TALLY_POOL_ORDER_FIFO: the one unused for longest, so that all are used alike.
 *
 * Which idle connection is handed out.
 */
typedef enum
{
  TALLY_POOL_ORDER_LIFO,
  TALLY_POOL_ORDER_FIFO
} TallyPoolOrder;

#define TALLY_TYPE_POOL_ORDER (tally_pool_order_get_type ())
TALLY_API GType tally_pool_order_get_type (void);

/**
 * TallyPoolCheck:
 * @TALLY_POOL_CHECK_ALWAYS: before each borrow; one system call for a socket.
 * @TALLY_POOL_CHECK_AUTO: only when it was idle for longer than `check-after`.
 * @TALLY_POOL_CHECK_NEVER: not at all; a call on a dead connection fails.
 *
 * When an idle connection is examined before it is handed out.
 */
typedef enum
{
  TALLY_POOL_CHECK_ALWAYS,
  TALLY_POOL_CHECK_AUTO,
  TALLY_POOL_CHECK_NEVER
} TallyPoolCheck;

#define TALLY_TYPE_POOL_CHECK (tally_pool_check_get_type ())
TALLY_API GType tally_pool_check_get_type (void);

/**
 * TallyPoolSystem:
 * @TALLY_POOL_LIKE_NET_HTTP_1: Go's net/http over HTTP/1.
 * @TALLY_POOL_LIKE_NET_HTTP_2: Go's net/http over HTTP/2: shared connections.
 * @TALLY_POOL_LIKE_FASTHTTP: fasthttp's client.
 * @TALLY_POOL_LIKE_GRPC: a gRPC channel: one shared connection, with backoff.
 * @TALLY_POOL_LIKE_REDIGO: redigo's redis.Pool.
 * @TALLY_POOL_LIKE_GO_REDIS: go-redis.
 * @TALLY_POOL_LIKE_DATABASE_SQL: Go's database/sql.
 * @TALLY_POOL_LIKE_HIKARICP: HikariCP.
 *
 * The systems whose behaviour tally_pool_new_like() has a configuration for.
 */
typedef enum
{
  TALLY_POOL_LIKE_NET_HTTP_1,
  TALLY_POOL_LIKE_NET_HTTP_2,
  TALLY_POOL_LIKE_FASTHTTP,
  TALLY_POOL_LIKE_GRPC,
  TALLY_POOL_LIKE_REDIGO,
  TALLY_POOL_LIKE_GO_REDIS,
  TALLY_POOL_LIKE_DATABASE_SQL,
  TALLY_POOL_LIKE_HIKARICP
} TallyPoolSystem;

#define TALLY_TYPE_POOL_SYSTEM (tally_pool_system_get_type ())
TALLY_API GType tally_pool_system_get_type (void);

/**
 * TallyCloseReason:
 * @TALLY_CLOSE_NONE: it is not being closed.
 * @TALLY_CLOSE_BROKEN: its borrower said so.
 * @TALLY_CLOSE_UNREAD: it held bytes that nobody had asked for, or that nobody read (rule 11).
 * @TALLY_CLOSE_DEAD: the peer had closed it, or the `check` hook refused it.
 * @TALLY_CLOSE_STALE: another connection to the endpoint was found dead or silent, and this one proved
 *   dead as well or had been silent for as long (rule 14).
 * @TALLY_CLOSE_IDLE: it was idle for longer than `idle-timeout`.
 * @TALLY_CLOSE_LIFETIME: it was older than `max-lifetime`.
 * @TALLY_CLOSE_LIMIT: more were open or idle than is allowed.
 * @TALLY_CLOSE_EVICTED: it made room for another connection.
 * @TALLY_CLOSE_CLEARED: the pool was cleared.
 * @TALLY_CLOSE_RETIRED: its borrower said that it was its last use.
 * @TALLY_CLOSE_RESET: the `reset` hook refused it.
 * @TALLY_CLOSE_POOL: the pool was closed.
 *
 * Why a connection was closed.
 */
typedef enum
{
  TALLY_CLOSE_NONE,
  TALLY_CLOSE_BROKEN,
  TALLY_CLOSE_UNREAD,
  TALLY_CLOSE_DEAD,
  TALLY_CLOSE_STALE,
  TALLY_CLOSE_IDLE,
  TALLY_CLOSE_LIFETIME,
  TALLY_CLOSE_LIMIT,
  TALLY_CLOSE_EVICTED,
  TALLY_CLOSE_CLEARED,
  TALLY_CLOSE_RETIRED,
  TALLY_CLOSE_RESET,
  TALLY_CLOSE_POOL
} TallyCloseReason;

#define TALLY_TYPE_CLOSE_REASON (tally_close_reason_get_type ())
TALLY_API GType tally_close_reason_get_type (void);

#define TALLY_N_CLOSE_REASONS (TALLY_CLOSE_POOL + 1)

TALLY_API const gchar *tally_close_reason_to_string (TallyCloseReason reason);

/**
 * TallyPoolEventKind:
 * @TALLY_POOL_EVENT_OPENED: a connection was dialed; `duration` is the dial's.
 * @TALLY_POOL_EVENT_CLOSED: a connection was closed; `reason` says why.
 * @TALLY_POOL_EVENT_WAITED: a borrower has a connection, and had to wait for `duration` until one came
 *   back or a dial for it could begin.
 * @TALLY_POOL_EVENT_EXHAUSTED: a borrower was refused, or gave up at its deadline after `duration`.
 * @TALLY_POOL_EVENT_LEAKED: a lease is out for longer than `leak-threshold`.
 *
 * What a #TallyPool's signal "event" tells.
 */
typedef enum
{
  TALLY_POOL_EVENT_OPENED,
  TALLY_POOL_EVENT_CLOSED,
  TALLY_POOL_EVENT_WAITED,
  TALLY_POOL_EVENT_EXHAUSTED,
  TALLY_POOL_EVENT_LEAKED
} TallyPoolEventKind;

#define TALLY_TYPE_POOL_EVENT_KIND (tally_pool_event_kind_get_type ())
TALLY_API GType tally_pool_event_kind_get_type (void);

/**
 * TallyPoolEvent:
 * @kind: what happened.
 * @endpoint: where.
 * @reason: of a close.
 * @label: (nullable): of the borrower; as that of tally_bucket_borrow(), also in a copy.
 * @thread: the kernel's id of the borrower's thread, 0 where there is none.
 * @duration: microseconds; what of depends on @kind; 0 for a close.
 *
 * One event. Boxed, so that handlers may copy it.
 */
typedef struct
{
  TallyPoolEventKind kind;
  TallyEndpoint *endpoint;
  TallyCloseReason reason;
  const gchar *label;
  guint32 thread;
  gint64 duration;
} TallyPoolEvent;

#define TALLY_TYPE_POOL_EVENT (tally_pool_event_get_type ())
TALLY_API GType tally_pool_event_get_type (void);
TALLY_API TallyPoolEvent *tally_pool_event_copy (const TallyPoolEvent *event);
TALLY_API void tally_pool_event_free (TallyPoolEvent *event);

/**
 * TallyPoolEntryKind:
 * @TALLY_POOL_ENTRY_IDLE: an unused connection.
 * @TALLY_POOL_ENTRY_BUSY: a lease: a borrowed connection, or a part of a shared one.
 * @TALLY_POOL_ENTRY_DIALING: a connection that is being dialed.
 * @TALLY_POOL_ENTRY_CLOSING: a connection that is being closed.
 * @TALLY_POOL_ENTRY_WAITING: a caller in the queue.
 *
 * What a #TallyPoolEntry tells of.
 *
 * Since: 0.2
 */
typedef enum
{
  TALLY_POOL_ENTRY_IDLE,
  TALLY_POOL_ENTRY_BUSY,
  TALLY_POOL_ENTRY_DIALING,
  TALLY_POOL_ENTRY_CLOSING,
  TALLY_POOL_ENTRY_WAITING
} TallyPoolEntryKind;

#define TALLY_TYPE_POOL_ENTRY_KIND (tally_pool_entry_kind_get_type ())
TALLY_API GType tally_pool_entry_kind_get_type (void);

/**
 * TallyPoolEntry:
 * @kind: what it tells of.
 * @duration: microseconds in that state; 0 of a connection that is being closed.
 * @label: (nullable): of the borrower, cut after 127 bytes, "?" if it gave none; %NULL where there is no borrower.
 * @thread: the kernel's id of the borrower's thread, 0 where there is none.
 * @is_leaked: whether a lease was reported as leaked.
 * @reason: of a close.
 *
 * One connection, lease or waiter of a bucket. Only the library makes it, and it grows at its end.
 *
 * Since: 0.2
 */
typedef struct
{
  TallyPoolEntryKind kind;
  gint64 duration;
  gchar *label;
  guint32 thread;
  gboolean is_leaked;
  TallyCloseReason reason;
} TallyPoolEntry;

#define TALLY_TYPE_POOL_ENTRY (tally_pool_entry_get_type ())
TALLY_API GType tally_pool_entry_get_type (void);
TALLY_API TallyPoolEntry *tally_pool_entry_copy (const TallyPoolEntry *entry);
TALLY_API void tally_pool_entry_free (TallyPoolEntry *entry);

#define TALLY_HISTOGRAM_BINS 64

/**
 * TallyHistogram:
 * @count: how many values were added.
 * @sum: their sum, in microseconds.
 * @max: the greatest of them.
 * @bins: how many fell into each bin. Bin 0 holds 0, bin 1 holds 1; from there on each power of two
 *   has two bins, so that a quantile is at most 50 % too high.
 *
 * A distribution of times.
 */
typedef struct
{
  guint64 count;
  guint64 sum;
  guint64 max;
  guint64 bins[TALLY_HISTOGRAM_BINS];
} TallyHistogram;

#define TALLY_TYPE_HISTOGRAM (tally_histogram_get_type ())
TALLY_API GType tally_histogram_get_type (void);

TALLY_API guint64 tally_histogram_quantile (const TallyHistogram *histogram, gdouble share);
TALLY_API gint64 tally_histogram_get_bin_start (guint bin);

/**
 * TallyPoolSnapshot:
 * @open: connections in any state: @idle + @busy + @dialing + @closing.
 * @idle: open and unused.
 * @busy: borrowed, or being checked for a borrower.
 * @dialing: being dialed.
 * @closing: being closed.
 * @waiting: callers in the queue.
 * @pending: callers that have asked and got neither connection nor error: @waiting and those that
 * dial.
 * @leases: leases that are out; more than @busy only where connections are shared.
 * @oldest_wait: microseconds for which the first of the queue has waited.
 * @requests: borrows asked for: @borrows + the six kinds of failure + @pending.
 * @borrows: connections lent: @hits + @dials + @waits - @stale.
 * @hits: taken from the idle ones at once.
 * @dials: dialed for their borrower.
 * @waits: given to a borrower in the queue when they were returned.
 * @stale: taken, but then found dead, so that the borrower was served otherwise.
 * @releases: leases that came back: @borrows - @leases.
 * @timeouts: borrows that failed at their deadline.
 * @cancelled: borrows that were cancelled.
 * @full: borrows refused because of a limit on waiting, or because the wait was estimated too long.
 * @backoff: borrows refused because dialing had failed lately.
 * @closed: borrows refused because the pool was closed.
 * @dial_errors: borrows that got a failed dial's error.
 * @dials_started: @dials_done + @dials_failed + @dialing.
 * @dials_done: dials that gave a connection.
 * @dials_failed: dials that did not.
 * @closes: by #TallyCloseReason; their sum is @dials_done - @idle - @busy - @closing.
 * @leaks: leases that were reported as leaked.
 * @refused: releases refused because the lease was unknown (rule 20).
 * @late_replies: replies that came for calls which had left already, and were dropped (rule 24):
 *   what users of shared connections have reported with tally_bucket_count_late_replies().
 * @wait_time: of borrows that had to wait: until a connection came back, a dial for them began, or they
 *   left.
 * @dial_time: of dials that gave a connection.
 * @hold_time: of leases that came back. With `check` at never it is measured with the kernel's
 *   coarse clock, whose tick is 1 to 10 milliseconds.
 * @estimates: of @full, borrows refused because the wait was estimated too long (rule 29). Since 0.2.
 *
 * One consistent view of a bucket or pool (rule 25): every sum named above holds exactly. It grows at its
 * end: tally_bucket_snapshot() and tally_pool_snapshot() fill in as much as their caller was compiled
 * for. So a program must not keep it where another one looks that was compiled with another header.
 * g_boxed_copy() takes those that tally_bucket_dup_snapshot() and tally_pool_dup_snapshot() made.
 */
typedef struct
{
  guint open;
  guint idle;
  guint busy;
  guint dialing;
  guint closing;
  guint waiting;
  guint pending;
  guint leases;
  gint64 oldest_wait;

  guint64 requests;
  guint64 borrows;
  guint64 hits;
  guint64 dials;
  guint64 waits;
  guint64 stale;
  guint64 releases;
  guint64 timeouts;
  guint64 cancelled;
  guint64 full;
  guint64 backoff;
  guint64 closed;
  guint64 dial_errors;
  guint64 dials_started;
  guint64 dials_done;
  guint64 dials_failed;
  guint64 closes[TALLY_N_CLOSE_REASONS];
  guint64 leaks;
  guint64 refused;
  guint64 late_replies;

  TallyHistogram wait_time;
  TallyHistogram dial_time;
  TallyHistogram hold_time;

  /* Here 0.1 ended: nothing above may change, nor TALLY_N_CLOSE_REASONS; whatever is new comes below. */
  guint64 estimates;
} TallyPoolSnapshot;

#define TALLY_TYPE_POOL_SNAPSHOT (tally_pool_snapshot_get_type ())
TALLY_API GType tally_pool_snapshot_get_type (void);

G_END_DECLS

#endif /* TALLY_POOL_TYPES_H */

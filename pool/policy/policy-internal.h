/* The pool's policy for one endpoint: which connection a borrower gets, who waits and in which
 * order, when to dial, what is too old, what is too much. It is a plain state machine: it knows no
 * thread, lock, socket or clock. Its caller holds the bucket's lock and passes the time.
 *
 * * * * * It asks for what cannot be done under a lock: connections to be closed are queued in
 * `closing`, connections to be dialed by a thread of the pool in `to_dial`, idle connections to be
 * looked at in `to_look`. The caller takes the lists, does the work without the lock and reports
 * with tally_policy_closed (), tally_policy_dial_done () or tally_policy_dial_failed (),
 * tally_policy_looked ().
 *
 * * * * * A connection (TallyConn) is FREE, DIALING, IDLE, BUSY, CLOSING or OWN, and counted in exactly
 * one of these. That makes rule 1 hold: its place is taken before a dial starts and given back
 * after the close. One that is OWN is out of the books: policy-own-private.h. */
#ifndef TALLY_POLICY_INTERNAL_H
#define TALLY_POLICY_INTERNAL_H

#include <gio/gio.h>

#include "policy-own-private.h"
#include "tally-pool.h"

G_BEGIN_DECLS

/* So many of the latest holds say how long connections are held at present. A power of two. */
#define TALLY_RECENT_HOLDS 32

/* For so long a borrower dials itself, and does not hear of connections that come back. A dial
 * within one host or site takes less and needs no thread. After a longer one the next dials begin
 * on threads. */
#define TALLY_DIAL_ON_CALLER (2 * G_TIME_SPAN_MILLISECOND)
/* A dial on a thread that took no longer makes borrowers try it themselves again. */
#define TALLY_QUICK_DIAL (TALLY_DIAL_ON_CALLER / 2)

/* A bucket is looked at a little after it is due, so that connections due together go together. */
#define TALLY_REAPER_SLACK (50 * G_TIME_SPAN_MILLISECOND)

/* Both in microseconds; boot goes on while the machine is suspended (rule 27). */
typedef struct
{
  gint64 mono;
  gint64 boot;
} TallyInstant;

/* The pool's properties in one piece; times in microseconds. */
typedef struct
{
  guint64 version; /* of two setters the later one wins, in every bucket */
  guint max_open;
  guint max_open_total;
  gint64 total_grace;
  gint max_idle;
  guint max_idle_total;
  guint min_idle;
  guint max_waiters;
  gint64 idle_timeout;
  gint64 max_lifetime;
  gdouble lifetime_jitter;
  gint64 wait_timeout;
  gint64 drain_timeout;
  gint64 connect_timeout;
  guint max_dials;
  gint64 backoff_base;
  gint64 backoff_max;
  TallyPoolOrder order;
  TallyPoolCheck check;
  gint64 check_after;
  guint streams;
  gint64 leak_threshold;
  gint64 keepalive;
  gint64 tcp_keepalive;
  gint64 tcp_user_timeout;
  gboolean wait_for_ready;
} TallyPoolOptions;

extern const TallyPoolOptions tally_pool_options_default;

/* What a dial is for. */
typedef enum
{
  TALLY_DIAL_FOR_BORROWER,
  TALLY_DIAL_TO_BE_IDLE, /* min-idle, warm */
  TALLY_DIAL_TO_REPLACE  /* an idle one that goes when it is done */
} TallyDialPurpose;

typedef enum
{
  TALLY_CONN_FREE,
  TALLY_CONN_DIALING,
  TALLY_CONN_IDLE,
  TALLY_CONN_BUSY,
  TALLY_CONN_CLOSING,
  TALLY_CONN_OWN /* out of the books: idle, or lent by its thread */
} TallyConnState;

typedef struct _TallyConn TallyConn;
typedef struct _TallyHold TallyHold;
typedef struct _TallyWaiter TallyWaiter;
typedef struct _TallyPolicy TallyPolicy;

/* The pool's half of a lease. Never freed while the policy lives, so that a lease given back twice
 * can always be compared with it (rule 20). */
struct _TallyHold
{
  TallyConn *conn;
  guint64 generation; /* the lease's; 0 when nobody holds it */
  const gchar *label;
  gint64 since;
  guint32 thread;
  gboolean leak_warned;
  TallyHold *prev; /* of the connection's further holds */
  TallyHold *next; /* of the connection's further holds, or of the free ones */
};

typedef struct _TallyFurtherHold TallyFurtherHold;
struct _TallyFurtherHold
{
  TallyHold hold;
  TallyFurtherHold *older; /* of all that were made */
};

/* What a common borrow and release touch lies in two cache lines. */
struct _TallyConn
{
  TallyHold hold;     /* the first lease's; the only one unless connections are shared */
  TallyHold *further; /* the other streams' */

  TallyConn *prev;   /* in `idle`, `available` or `own` */
  TallyConn *next;   /* in `idle`, `available`, `own`, `free`, `closing`, `to_dial` or `to_look` */
  gpointer payload;  /* the caller's connection; the policy only carries it */
  gpointer socket;   /* the payload if it is a TallySocket, else NULL */
  gint64 idle_since; /* boot time */
  TallyConnState state;
  guint streams;      /* leases that it carries */
  gboolean is_shared; /* dialed to carry several leases at once; stays so */
  gboolean doomed;    /* no further lease; closes after the last, or when its dial is done */
  gboolean listed;    /* in `available` */

  gint64 dial_started;
  gint64 dialed;
  gint64 checked;       /* boot time of the last proof of life */
  gdouble jitter;       /* 0 to 1, the connection's share of lifetime-jitter */
  gboolean owned;       /* a borrower dials it and waits for nothing else */
  gboolean background;  /* no waiter hopes for its dial: min-idle, a replacement, warm, or doomed */
  gboolean checking;    /* shared, claimed, but not proven alive: no further stream yet */
  gboolean given_up;    /* its dial in the background shall end, so that a borrower's can begin */
  gpointer cancellable; /* (nullable): that of its dial on a thread: the caller's */
  gboolean looks_dead;  /* what the caller found, from to_look to tally_policy_looked () */
  gboolean failed_here; /* its dial failed for want of something here: set by the caller */
  gboolean replaced;    /* past its lifetime; a dial for its replacement was started (rule 15) */
  gboolean yields;      /* closes for a waiter of another endpoint, and is counted as such there */
  TallyCloseReason reason;
  TallyConn *older; /* of all that were made */

  TallyOwn own; /* last: threads look at it whatever becomes of the rest */
};

typedef struct
{
  TallyConn *head; /* used last */
  TallyConn *tail; /* unused for longest */
} TallyConnList;

typedef enum
{
  TALLY_WAITER_NEW,
  TALLY_WAITER_QUEUED,
  TALLY_WAITER_SERVED, /* `hold`, `generation`, `reused`, `idle_age` are set */
  TALLY_WAITER_PERMIT, /* this caller shall dial `permit` itself */
  TALLY_WAITER_FAILED  /* `refusal` is set, and `error` where a dial failed */
} TallyWaiterState;

typedef enum
{
  TALLY_REFUSAL_NONE,
  TALLY_REFUSAL_TIMED_OUT,
  TALLY_REFUSAL_CANCELLED,
  TALLY_REFUSAL_FULL,     /* max-waiters, or wait-timeout 0 */
  TALLY_REFUSAL_ESTIMATE, /* rule 29 */
  TALLY_REFUSAL_BACKOFF,
  TALLY_REFUSAL_CLOSED,
  TALLY_REFUSAL_DIAL
} TallyRefusal;

/* A caller that wants a connection; it lies on that caller's stack or in its task. */
struct _TallyWaiter
{
  TallyWaiter *prev;
  TallyWaiter *next;
  TallyWaiterState state;
  gboolean fresh;     /* wants a connection dialed at `since` or later */
  gboolean unused;    /* and one that was never lent; then since may be 0 */
  gint64 since;       /* 0 before tally_policy_ask (): from then on, unless unused */
  gboolean is_asking; /* its thread is in the policy and needs no waking */
  gboolean cancelled; /* found so before it asks again */
  gboolean may_dial;  /* has a thread of its own to dial on */
  gboolean goes_on;   /* to another endpoint, if a dial fails: `wait-for-ready` is not for it */
  gboolean held_back; /* queued only because of the limits over all endpoints; not admitted yet */
  const gchar *label;
  guint32 thread;
  gint64 deadline; /* G_MAXINT64: none; the call's or wait-timeout's */
  gint64 limit;    /* the call's */
  guint64 ticket;  /* order of arrival; 0 before tally_policy_ask () */
  gint64 arrived;
  gint64 waited; /* for a connection, or for leave to dial one; 0 when there was no need */
  TallyHold *hold;
  guint64 generation;
  gboolean reused;
  gint64 idle_age;
  TallyConn *permit;
  TallyRefusal refusal;
  GError *error;
  gint64 estimate;

  /* The owner's. */
  void (*wake) (TallyWaiter *waiter);     /* with the lock: it is decided */
  void (*complete) (TallyWaiter *waiter); /* (nullable): then without it; where no thread waits */
};

/* A place in the queue that remains one while waiters leave. */
typedef struct _TallyQueueCursor TallyQueueCursor;
struct _TallyQueueCursor
{
  const TallyWaiter *next;
  TallyQueueCursor *other; /* of the policy's */
};

typedef struct
{
  guint failures; /* in a row */
  gint64 began;   /* dials begun before this say nothing new when they fail */
  gint64 until;
  gint64 refill; /* until when dials in the background pause, which they do in any case */
} TallyBackoff;

/* What a common borrow and release touch comes first, in few cache lines: each line must be fetched
 * from the processor that changed it last. */
struct _TallyPolicy
{
  TallyConnList idle;
  guint n_idle;
  guint n_busy;
  guint64 last_generation;
  guint waiting; /* in the queue */

  guint n_dialing;
  guint put_limit;  /* where more are idle a release may have to close one */
  guint open_limit; /* max_open and max_idle, G_MAXUINT for none */
  guint idle_limit;
  gint64 idle_age_limit;    /* idle_timeout, G_MAXINT64 for none */
  gboolean is_plain;        /* no option is set that concerns a release */
  guint64 first_generation; /* leases with lower numbers are from before a fork */
  guint8
      recent_holds[TALLY_RECENT_HOLDS]; /* bins of TallyHistogram, in a ring; 0 before the first */

  TallyPoolOptions options;

  TallyConn *conns;        /* every one that was ever made, the last one first */
  TallyFurtherHold *holds; /* every one that was made and lies in no TallyConn */
  TallyConn *free;
  TallyHold *free_holds;
  TallyConnList available; /* busy and shared, with room for another stream */
  TallyConnList own;       /* out of the books */
  guint n_own;
  TallyConn *closing; /* for the caller to close */
  TallyConn *to_dial; /* for the caller to dial, on a thread of the pool */
  TallyConn *to_look; /* for the caller to look at, without asking the peer */

  TallyWaiter *first;
  TallyWaiter *last;
  TallyQueueCursor *cursors;
  guint waiting_fresh; /* of those in the queue, those that want a fresh connection */

  guint n_closing;
  guint n_owned;      /* of the dialing ones, those whose result is their borrower's */
  guint n_background; /* of the dialing ones, those that nobody waits for */
  guint n_given_up;   /* of those, the ones that shall end */
  gboolean gives_up;  /* for the caller to cancel them */
  guint n_checking;   /* of the busy ones, those that take further streams once proven alive */
  guint n_examined;   /* of the busy ones, those that are examined in the background */
  guint n_looked_at;  /* of the busy ones, those that were idle and are looked at for a moment */
  TallyHold *longest; /* (nullable): out for longest while it has `longest_generation` */
  guint64 longest_generation;
  TallyConn *drained; /* (nullable): shared, and closes after its last lease for another endpoint */

  guint64 last_ticket;
  guint64 random;
  TallyBackoff backoff;
  gint64 last_death;  /* boot time of the last proof of death; what was idle then is in doubt */
  GError *last_error; /* of the last failed dial */
  gboolean quick;     /* dials are so short that a borrower may do its own */
  gboolean active;    /* it was used, and not given up since: min-idle counts */
  gboolean closed;
  guint warm; /* so many shall be idle or on their way, until so many were idle once */

  TallyPoolSnapshot stats; /* the counters and histograms; gauges are filled in by snapshot */

  /* What the owner supplies; set once, before use. */
  gboolean is_shared; /* the endpoint wants shared connections, whatever the options say */
  gboolean asks_peer; /* a check has an answer from the peer: it is a hook's */
  void (*wake) (TallyWaiter *waiter); /* the waiter's state was changed from QUEUED */
  gboolean (*reserve) (gpointer totals, TallyDialPurpose purpose);
  void (*unreserve) (gpointer totals, gboolean yielded);
  gint (*room) (gpointer totals); /* how many more may be open over all endpoints; below 0: fewer */
  /* Whether one more connection should close for a waiter of another endpoint that came before so; it
   * is counted if it is @closing. */
  gboolean (*yield) (gpointer totals, gint64 before, gboolean closing);
  gpointer totals;
};

/* Its life: policy.c. init allocates nothing: a child process calls it right after fork (). */
void tally_policy_init (TallyPolicy *self, const TallyPoolOptions *options, guint64 seed);
void tally_policy_clear_memory (TallyPolicy *self);
void tally_policy_note_options (TallyPolicy *self);

/* Borrowing: policy-ask.c; the common case: policy-quick-private.h */
void tally_policy_ask (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);
void tally_policy_refuse (TallyPolicy *self,
                          const TallyInstant *now,
                          TallyWaiter *waiter,
                          TallyRefusal refusal);
TallyHold *tally_policy_try_stream (TallyPolicy *self,
                                    const TallyInstant *now,
                                    const gchar *label,
                                    guint32 thread,
                                    gint64 *idle_age);
void tally_policy_ask_again (
    TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter, gint64 began, guint64 ticket);
void tally_policy_ask_in_child (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);
gint64 tally_policy_find_deadline (const TallyPolicy *self, gint64 began, gint64 limit);
gboolean
tally_policy_admit_held_back (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);
gboolean tally_policy_leave (TallyPolicy *self,
                             const TallyInstant *now,
                             TallyWaiter *waiter,
                             TallyRefusal refusal);
gboolean tally_policy_time_out (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);

/* What a borrower finds, and the end of a lease: policy-lease.c */
gboolean tally_policy_put_stream (TallyPolicy *self, const TallyInstant *now, TallyHold *hold);
void tally_policy_checked (TallyPolicy *self, const TallyInstant *now, TallyHold *hold);
void tally_policy_check_failed (TallyPolicy *self,
                                const TallyInstant *now,
                                TallyHold *hold,
                                TallyCloseReason reason);
void tally_policy_release (TallyPolicy *self,
                           const TallyInstant *now,
                           TallyHold *hold,
                           TallyCloseReason reason);

/* The ends of dials, and places that are free again: policy-dialed.c, policy-dial.c */
void
tally_policy_permit_to_thread (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);
void tally_policy_dial_done (TallyPolicy *self,
                             const TallyInstant *now,
                             TallyConn *conn,
                             gpointer payload,
                             TallyWaiter *owner);
void tally_policy_dial_failed (TallyPolicy *self,
                               const TallyInstant *now,
                               TallyConn *conn,
                               const GError *error,
                               TallyWaiter *owner);
void tally_policy_closed (TallyPolicy *self, const TallyInstant *now, TallyConn *conn);
void tally_policy_reset_backoff (TallyPolicy *self, const TallyInstant *now);
void tally_policy_warm (TallyPolicy *self, const TallyInstant *now, guint count);
void tally_policy_give_up_dial (TallyPolicy *self);

/* What has become possible, after anything that is not a plain borrow or release: policy-pump.c */
void tally_policy_pump (TallyPolicy *self, const TallyInstant *now);

/* What waiters may hope for, and what is wanted of the limits over all endpoints:
 * policy-promise.c */
gboolean tally_policy_has_room (TallyPolicy *self);
gboolean tally_policy_has_room_in_total (TallyPolicy *self);
gboolean tally_policy_wants_dial (TallyPolicy *self, const TallyInstant *now);
guint tally_policy_demand (TallyPolicy *self, const TallyInstant *now);
gint64 tally_policy_find_arrival (const TallyPolicy *self);
gboolean tally_policy_needs_refill (const TallyPolicy *self);

/* What closes: policy-conns.c */
void tally_policy_retire (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason);
void tally_policy_doom (TallyPolicy *self, TallyConn *conn, TallyCloseReason reason);

/* Time, options, the end: policy-ageing.c */
void tally_policy_set_options (TallyPolicy *self,
                               const TallyInstant *now,
                               const TallyPoolOptions *options);
void tally_policy_drop_all (TallyPolicy *self, TallyCloseReason reason);
void tally_policy_close (TallyPolicy *self, const TallyInstant *now);
void tally_policy_tick (TallyPolicy *self, const TallyInstant *now);
/* What is idle is kept ready no longer (rule 16), until the endpoint is used again. */
void tally_policy_give_up (TallyPolicy *self, const TallyInstant *now);
gint64
tally_policy_due_of (const TallyPolicy *self, const TallyInstant *now, const TallyConn *conn);
gint64 tally_policy_next_event (TallyPolicy *self, const TallyInstant *now);
TallyHold *tally_policy_next_leak (TallyPolicy *self, const TallyInstant *now);

/* Idle connections that are examined or looked at: policy-examine.c */
TallyConn *tally_policy_find_to_examine (TallyPolicy *self, const TallyInstant *now);
TallyConn *tally_policy_take_to_examine (TallyPolicy *self, const TallyInstant *now);
void tally_policy_examined (TallyPolicy *self,
                            const TallyInstant *now,
                            TallyConn *conn,
                            TallyCloseReason reason);
void tally_policy_looked (TallyPolicy *self, const TallyInstant *now, TallyConn *conn);
void tally_policy_drop_silent (TallyPolicy *self, const TallyConn *conn);

/* Connections that threads take and give back by themselves: policy-own.c */
gboolean
tally_policy_may_own (const TallyPolicy *self, const TallyInstant *now, const TallyConn *conn);
void tally_policy_let_own (TallyPolicy *self, TallyConn *conn, guint32 thread);
void tally_policy_enter (TallyPolicy *self, const TallyInstant *now, TallyConn *conn);
void tally_policy_enter_all (TallyPolicy *self, const TallyInstant *now);
void tally_policy_end_return (TallyHold *hold, guint64 generation);

/* How long connections are held: policy-estimate.c */
gint64 tally_policy_find_typical_hold (const TallyPolicy *self);

/* What it counts: policy-stats.c */
void tally_policy_snapshot (const TallyPolicy *self,
                            const TallyInstant *now,
                            TallyPoolSnapshot *snapshot);
void tally_snapshot_add (TallyPoolSnapshot *sum, const TallyPoolSnapshot *part);

/* Its invariants: policy-valid.c */
const gchar *tally_policy_find_fault (const TallyPolicy *self);
const gchar *tally_snapshot_find_fault (const TallyPoolSnapshot *now);
void tally_policy_assert_valid (const TallyPolicy *self);

/* What is decided here is decided of all connections: none is out of the books. */
static inline void
tally_policy_assert_whole (const TallyPolicy *self)
{
  g_assert (self->n_own == 0);
}

/* Before the lock is given up. */
static inline void
tally_policy_check_valid (const TallyPolicy *self)
{
#ifdef TALLY_INVARIANTS
  tally_policy_assert_valid (self);
#endif
}

static inline void
tally_conn_list_push (TallyConnList *list, TallyConn *conn)
{
  conn->prev = NULL;
  conn->next = list->head;
  if (list->head != NULL)
    list->head->prev = conn;
  else
    list->tail = conn;
  list->head = conn;
}

static inline void
tally_conn_list_remove (TallyConnList *list, TallyConn *conn)
{
  if (conn->prev != NULL)
    conn->prev->next = conn->next;
  else
    list->head = conn->next;
  if (conn->next != NULL)
    conn->next->prev = conn->prev;
  else
    list->tail = conn->prev;
}

/* Adds @microseconds to @self and returns their bin. Two bins for each power of two: 2 and 3 have their
 * own, then 4-5, 6-7, 8-11, 12-15, … */
static inline guint
tally_histogram_count (TallyHistogram *self, guint64 microseconds)
{
  guint64 value = MAX (microseconds, 1);
  guint top = 63 - (guint) __builtin_clzll (value);
  guint bin = top == 0 ? (guint) microseconds : top * 2 + ((value >> (top - 1)) & 1);

  bin = MIN (bin, TALLY_HISTOGRAM_BINS - 1);
  self->count++;
  self->sum += microseconds;
  self->max = MAX (self->max, microseconds);
  self->bins[bin]++;
  return bin;
}

static inline guint
tally_policy_open (const TallyPolicy *self)
{
  return self->n_idle + self->n_busy + self->n_dialing + self->n_closing + self->n_own;
}

/* So many idle connections no time-out closes (rule 16). */
static inline guint
tally_policy_kept_ready (const TallyPolicy *self)
{
  return self->active ? self->options.min_idle : 0;
}

G_END_DECLS

#endif /* TALLY_POLICY_INTERNAL_H */

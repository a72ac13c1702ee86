/* A pool whose connections are socket pairs: the test holds the peers' ends, lets dials wait at a
 * gate, succeed or fail, and borrows on threads of its own. */
#ifndef TESTS_POOL_LAB_H
#define TESTS_POOL_LAB_H

#include <pthread.h>

#include "harness.h"
#include "lease-internal.h"
#include "socket-internal.h"
#include "tally-pool.h"

/* For so long a test waits for what must come; one that fails takes as long. */
#define LAB_PATIENCE (120 * G_TIME_SPAN_SECOND)

typedef struct
{
  TallyPool *pool;
  TallyEndpoint *endpoint;
  TallyBucket *bucket;

  pthread_mutex_t lock; /* protects what follows */
  pthread_cond_t changed;
  gboolean gated; /* dials wait for lab_let_dial () */
  guint at_gate;
  guint passes;
  guint failures;        /* so many of the next dials fail */
  guint dialed;          /* dials that gave a connection */
  GArray *peers;         /* the other ends, in the order of dialing; -1 when closed */
  GHashTable *inodes;    /* of the pool's ends */
  gboolean measures;     /* after each dial, how many descriptors are open */
  guint most_open;       /* of those measurements */
  gboolean forget_peers; /* close the other ends at once: the pool does not look at them */
} Lab;

/* What a borrowing thread is told and reports. */
typedef struct
{
  Lab *lab;
  pthread_t thread;
  const gchar *label;
  gint64 deadline;
  GCancellable *cancellable;
  gboolean fresh;
  gboolean unused;
  /* results */
  gboolean done;
  TallyLease lease;
  GError *error;
  gboolean returned; /* atomic; set last */
} Borrower;

Lab *lab_new (const gchar *first_property, ...) G_GNUC_NULL_TERMINATED;
/* @pool: (transfer full); where it has no `wait-timeout` its borrowers wait long. */
Lab *lab_new_with (TallyPool *pool);
/* Closes the pool and everything else. */
void lab_free (Lab *lab);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lab, lab_free)

/* (transfer full): the bucket of another endpoint, dialed by the same hook. */
TallyBucket *lab_other_bucket (Lab *lab, const gchar *uri);

void lab_gate (Lab *lab, gboolean gated);
/* Lets @count dials through the gate, those that wait there and those to come. */
void lab_let_dial (Lab *lab, guint count);
void lab_fail_dials (Lab *lab, guint count);
void lab_wait_at_gate (Lab *lab, guint count);
/* The peer's descriptor of the connection that was dialed as number @index. */
gint lab_peer (Lab *lab, guint index);
void lab_close_peer (Lab *lab, guint index);
/* How many descriptors of the pool's ends are open right now, as the kernel says. */
guint lab_count_descriptors (Lab *lab);
/* The most that were open after any dial; `measures` must be set. */
guint lab_most_open (Lab *lab);
/* Which connection the lease is: its index among all dialed. */
guint lab_index_of (Lab *lab, const TallyLease *lease);

/* Borrows on the test's thread; records a failure when that fails. */
TallyLease lab_borrow (Lab *lab);
void lab_release (Lab *lab, TallyLease *lease);
void lab_break (Lab *lab, TallyLease *lease);
TallyPoolSnapshot lab_snapshot (Lab *lab);
/* Borrows @count connections and gives them back: so many are idle afterwards. */
void lab_fill (Lab *lab, guint count);

void borrower_start (Borrower *borrower, Lab *lab, const gchar *label);
/* A thread's: gives the lease of a Borrower, @data, back as a broken one, or as a clean one. */
gpointer borrower_break (gpointer data);
gpointer borrower_release (gpointer data);
/* TRUE when it got a lease; else its error is set. */
gboolean borrower_join (Borrower *borrower);

/* An asynchronous borrow in a context of its own. */
typedef struct
{
  TallyBucket *bucket;
  GMainContext *context;
  GCancellable *cancellable;
  gboolean called;
  gboolean done;
  TallyLease lease;
  GError *error;
} AsyncCall;

void
async_call_start (AsyncCall *call, TallyBucket *bucket, gint64 deadline, GCancellable *cancellable);
void async_call_await (AsyncCall *call);
/* Gives back what it got. */
void async_call_finish (AsyncCall *call);

/* Returns when the clock has moved on by so much. */
void lab_let_time_pass (gint64 microseconds);
/* From now on critical warnings are counted in *@count, atomically, and not written. */
void lab_count_criticals (gint *count);

/* @context lets go of sources that were destroyed when it looks at them. */
void lab_drain (GMainContext *context);
/* Before the tests: GLib opens descriptors and starts a thread of its own then. */
void lab_make_first_task (void);

/* A place where other threads stop until the test lets them go on: an atomic gint, 0 at first. */
void gate_wait (gint *gate);
/* Until somebody waits there. */
void gate_await (gint *gate);
/* For all, from now on. */
void gate_open (gint *gate);

/* Hooks that wait at the gate that @user_data points to. */
gboolean lab_check_at_gate (ThriftTransport *transport, gint64 idle_time, gpointer user_data);
gboolean lab_reset_at_gate (ThriftTransport *transport, gpointer user_data);

/* A dial hook: makes connections whose close waits at the gate that @user_data points to. */
ThriftTransport *lab_dial_slow_closer (TallyEndpoint *endpoint,
                                       gint64 deadline,
                                       GCancellable *cancellable,
                                       gpointer user_data,
                                       GError **error);

/* Closes the pool on a thread of its own. */
typedef struct
{
  Lab *lab;
  pthread_t thread;
  gboolean done; /* atomic */
} Closer;

void closer_start (Closer *closer);
void closer_join (Closer *closer);
/* Gives it time to return: whether it has not. */
gboolean closer_still_waits (Closer *closer);

/* Waits, for a bounded time, until @condition holds of the lab's snapshot `now`. */
#define lab_await(lab, condition)                                                                  \
  do                                                                                               \
    {                                                                                              \
      TallyPoolSnapshot now = lab_snapshot (lab);                                                  \
      gint64 end_ = g_get_monotonic_time () + LAB_PATIENCE;                                        \
      while (!(condition) && g_get_monotonic_time () < end_)                                       \
        {                                                                                          \
          g_thread_yield ();                                                                       \
          now = lab_snapshot (lab);                                                                \
        }                                                                                          \
      CU_ASSERT_TRUE_FATAL (condition);                                                            \
    }                                                                                              \
  while (0)

/* Every sum that TallyPoolSnapshot promises. */
void assert_sums (const TallyPoolSnapshot *now);

/* A TCP server on a free loopback port, without a thread: it does what the test says, when it says
 * it. */
typedef struct
{
  gint listener;
  guint16 port;
  guint16 outer_port; /* over TLS, where the relay is on */
  TallyEndpoint *endpoint;
  GArray *connections; /* descriptors */
} Server;

Server *server_new (void);
void server_free (Server *server);
/* `tcp://@host:PORT`, or `tls://`, with @options ("", or from "?" on). (transfer full) */
gchar *server_dup_uri (const Server *server, const gchar *host, const gchar *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Server, server_free)

/* Accepts the next connection, which must be there or on its way. */
void server_accept (Server *server);
/* Accepts what has arrived, as an ordinary server would. */
void server_accept_all (Server *server);
/* Ends all connections, with FIN or with RST. */
void server_close_all (Server *server);
void server_reset_all (Server *server);
/* Goes away with all connections and is there again on the same port. */
void server_restart (Server *server);
void server_stop_listening (Server *server);
/* Sends a byte over @transport and, if it arrives, back: whether it came back. */
gboolean server_echoes (Server *server, ThriftTransport *transport);

#endif /* TESTS_POOL_LAB_H */

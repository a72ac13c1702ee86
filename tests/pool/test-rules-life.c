/* Rules 17 to 21 and 28: the end, misuse, leaks, and the error of a full pool. */
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "tls-relay.h"
#include "bucket-private.h"

/* ---- rule 17 ---- */

typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  guint counts[TALLY_POOL_EVENT_LEAKED + 1];
  TallyPoolEvent last;
} Listener;

static void
on_event (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  Listener *self = user_data;
  TallyPoolSnapshot now;

  tally_pool_snapshot (pool, &now); /* handlers may use the pool */
  pthread_mutex_lock (&self->lock);
  self->counts[event->kind]++;
  self->last = *event;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* It outlives the pool, which has something to tell when it is closed. */
static Listener *
listen_to (Lab *lab)
{
  static Listener the_only;
  Listener *self = &the_only;

  *self = (Listener){ .last = { 0 } };
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  g_signal_connect (lab->pool, "event", G_CALLBACK (on_event), self);
  return self;
}

static void
await_event (Listener *self, TallyPoolEventKind kind, guint count)
{
  pthread_mutex_lock (&self->lock);
  while (self->counts[kind] < count)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

static gint64
when_it_reaps_next (Lab *lab, guint *reaps)
{
  TallyPoolCore *core = lab->bucket->core;
  gint64 when;

  pthread_mutex_lock (&core->lock);
  when = core->reaping ? 0 : core->reap_at;
  *reaps = core->n_reaps;
  pthread_mutex_unlock (&core->lock);
  return when;
}

static void
rule_17_the_reaper_closes_and_then_sleeps (void)
{
  g_autoptr (Lab) lab = lab_new ("idle-timeout", 30, NULL);
  Listener *listener = listen_to (lab);
  gint64 when, latest;
  guint reaps;

  lab_fill (lab, 2);
  /* Its thread may come later than it wants to on a busy machine. */
  latest = g_get_monotonic_time () + 30 * G_TIME_SPAN_MILLISECOND + G_TIME_SPAN_SECOND;
  when = when_it_reaps_next (lab, &reaps);
  CU_ASSERT_TRUE (reaps > 0 || when < latest);
  await_event (listener, TALLY_POOL_EVENT_CLOSED, 2);
  CU_ASSERT_EQUAL (listener->last.reason, TALLY_CLOSE_IDLE);
  assert_int (lab_count_descriptors (lab), 0);
  /* Nothing is left to be reaped: it sleeps without a time, and was not up more often than it had
   * to. */
  while (when_it_reaps_next (lab, &reaps) != G_MAXINT64 && reaps < 10)
    g_thread_yield ();
  CU_ASSERT_TRUE (reaps >= 1 && reaps <= 4);
}

/* ---- rule 18, where a release does all in one step ---- */

static void
assert_closed (Lab *lab, TallyCloseReason reason, guint count, guint idle)
{
  TallyPoolSnapshot seen = lab_snapshot (lab);

  assert_int (seen.closes[reason], count);
  assert_int (seen.idle, idle);
  assert_sums (&seen);
}

typedef struct
{
  ThriftTransport *transport; /* whose check waits */
  gint gate;
} Blocker;

static gboolean
block_in_check (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  Blocker *self = user_data;

  if (transport == self->transport)
    gate_wait (&self->gate);
  return TRUE;
}

/* The check hook is asked in the background whether one connection lives, and does not answer: what
 * is due elsewhere is done meanwhile. */
static void
rule_17_a_check_that_blocks_holds_up_nobody (void)
{
  g_autoptr (Lab) lab = lab_new ("idle-timeout", 0, NULL);
  g_autoptr (TallyBucket) other = lab_other_bucket (lab, "unix:///other");
  TallyLease lease = lab_borrow (lab);
  Blocker blocker = { .transport = lease.transport };
  TallyPoolSnapshot seen;
  gint64 end = g_get_monotonic_time () + LAB_PATIENCE;

  lab_release (lab, &lease);
  tally_pool_set_check_hook (lab->pool, block_in_check, &blocker, NULL);
  g_object_set (lab->pool, "keepalive-interval", 1, NULL);
  gate_await (&blocker.gate);
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (other, "test", -1, NULL, &lease, NULL));
  tally_bucket_release (other, &lease, TALLY_OUTCOME_CLEAN);
  g_object_set (lab->pool, "idle-timeout", 1, NULL);
  do
    tally_bucket_snapshot (other, &seen);
  while (seen.open > 0 && g_get_monotonic_time () < end);
  assert_int (seen.closes[TALLY_CLOSE_IDLE], 1);
  assert_int (lab_snapshot (lab).busy, 1);
  gate_open (&blocker.gate);
  lab_await (lab, now.open == 0);
}

static void
rule_18_an_option_counts_from_the_next_release_on (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease a = lab_borrow (lab), b;
  gint64 past_lifetime;

  g_object_set (lab->pool, "max-idle", 0, NULL);
  lab_release (lab, &a);
  assert_closed (lab, TALLY_CLOSE_LIMIT, 1, 0);
  g_object_set (lab->pool, "max-idle", -1, NULL);
  a = lab_borrow (lab), b = lab_borrow (lab);
  g_object_set (lab->pool, "max-open", 1, NULL);
  lab_release (lab, &a);
  assert_closed (lab, TALLY_CLOSE_LIMIT, 2, 0);
  lab_release (lab, &b);
  assert_closed (lab, TALLY_CLOSE_LIMIT, 2, 1);
  a = lab_borrow (lab);
  g_object_set (lab->pool, "max-lifetime", 1, "lifetime-jitter", 0.0, NULL);
  past_lifetime = g_get_monotonic_time () + 1000;
  while (g_get_monotonic_time () <= past_lifetime)
    continue;
  lab_release (lab, &a);
  assert_closed (lab, TALLY_CLOSE_LIFETIME, 1, 0);
  g_object_set (lab->pool, "max-lifetime", 0, "max-open", 2, NULL);
  a = lab_borrow (lab), b = lab_borrow (lab);
  g_object_set (lab->pool, "max-idle-total", 1, NULL);
  lab_release (lab, &a);
  lab_release (lab, &b);
  lab_await (lab, now.idle == 1);
}

/* ---- rule 19 ---- */

static void
rule_19_close_refuses_and_drains (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, "drain-timeout", 600000, NULL);
  g_autoptr (GError) error = NULL;
  Borrower waiter = { 0 };
  TallyLease lease = lab_borrow (lab), late = { 0 };
  Closer closer = { lab };

  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  closer_start (&closer);
  CU_ASSERT_FALSE (borrower_join (&waiter));
  assert_error (waiter.error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, NULL);
  g_clear_error (&waiter.error);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "late", -1, NULL, &late, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, NULL);
  /* Close could have returned by now, and must not: the lease that is out comes back
   * undisturbed. */
  for (guint i = 0; i < 2000 && !__atomic_load_n (&closer.done, __ATOMIC_ACQUIRE); i++)
    g_thread_yield ();
  CU_ASSERT_FALSE (__atomic_load_n (&closer.done, __ATOMIC_ACQUIRE));
  CU_ASSERT_TRUE (tally_socket_is_clean (TALLY_SOCKET (lease.transport)));
  lab_release (lab, &lease);
  closer_join (&closer);
  assert_int (lab_count_descriptors (lab), 0);
  tally_pool_close (lab->pool);
}

static gboolean
count_reset (ThriftTransport *transport, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static void
rule_19_who_does_not_come_back_is_shut_down (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", 10, NULL);
  TallyLease lease = lab_borrow (lab), clean = lab_borrow (lab);
  Listener *listener = listen_to (lab);
  guint hooks = 0;
  gchar byte;

  tally_pool_set_reset_hook (lab->pool, count_reset, &hooks, NULL);
  tally_pool_close (lab->pool);
  /* The borrower learns of it by its next receive, and still owns the descriptor. */
  CU_ASSERT_FALSE (tally_socket_fill (TALLY_SOCKET (lease.transport), 1, NULL));
  tls_relay_settle ();
  CU_ASSERT_EQUAL (read (lab_peer (lab, 0), &byte, 1), 0);
  assert_int (lab_count_descriptors (lab), 2);
  lab_break (lab, &lease);
  lab_release (lab, &clean);
  assert_int (lab_count_descriptors (lab), 0);
  assert_int (hooks, 0);
  assert_int (listener->counts[TALLY_POOL_EVENT_CLOSED], 0);
}

static void
rule_19_no_hook_runs_afterwards (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", 0, NULL);
  Listener *listener = listen_to (lab);
  TallyLease lease = { 0 };
  Borrower hasty = { .deadline = g_get_monotonic_time () + 1000 };
  guint events = 0;

  lab_gate (lab, TRUE);
  borrower_start (&hasty, lab, "hasty");
  CU_ASSERT_FALSE (borrower_join (&hasty));
  g_clear_error (&hasty.error);
  lab_wait_at_gate (lab, 1);
  tally_pool_close (lab->pool);
  assert_int (lab->at_gate, 0);
  for (guint i = 0; i < G_N_ELEMENTS (listener->counts); i++)
    events += listener->counts[i];
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "late", -1, NULL, &lease, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (listener->counts); i++)
    events -= listener->counts[i];
  assert_int (events, 0);
}

static gboolean
count_check (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static gboolean
close_pool_in_hook (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  tally_pool_close (user_data);
  return TRUE;
}

static void
rule_19_a_hook_may_close_the_pool (void)
{
  g_autoptr (Lab) lab = lab_new ("drain-timeout", 0, NULL);
  TallyLease lease = { 0 };

  lab_fill (lab, 1);
  tally_pool_set_check_hook (lab->pool, close_pool_in_hook, lab->pool, NULL);
  if (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &lease, NULL))
    lab_release (lab, &lease);
  assert_int (lab_snapshot (lab).open, 0);
}

static void
close_pool_when_closed (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  if (event->kind == TALLY_POOL_EVENT_CLOSED)
    tally_pool_close (pool);
}

/* The handler runs on the way from a connection that is too old to the check of the next one. */
static void
rule_19_a_handler_may_close_the_pool (void)
{
  g_autoptr (Lab) lab =
      lab_new ("drain-timeout", 0, "idle-timeout", 60000, "order", TALLY_POOL_ORDER_FIFO, NULL);
  g_autoptr (GError) error = NULL;
  TallyLease lease = { 0 };
  guint checks = 0;

  lab_fill (lab, 2);
  pthread_mutex_lock (&lab->bucket->lock);
  lab->bucket->policy.idle.tail->idle_since -= 60 * G_TIME_SPAN_SECOND;
  pthread_mutex_unlock (&lab->bucket->lock);
  tally_pool_set_check_hook (lab->pool, count_check, &checks, NULL);
  g_signal_connect (lab->pool, "event", G_CALLBACK (close_pool_when_closed), NULL);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &lease, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, NULL);
  assert_int (checks, 0);
  assert_int (lab_snapshot (lab).open, 0);
}

/* ---- rule 20 ---- */

static guint criticals, warnings, messages;
static gchar *last_log;
static Lab *looked_at; /* (nullable): the pool that a log writer looks at, as it may */

static GLogWriterOutput
count_logs (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (looked_at != NULL)
    lab_snapshot (looked_at);
  criticals += (level & G_LOG_LEVEL_CRITICAL) != 0;
  warnings += (level & G_LOG_LEVEL_WARNING) != 0;
  messages += (level & G_LOG_LEVEL_MESSAGE) != 0;
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      {
        g_free (last_log);
        last_log = g_strdup (fields[i].value);
      }
  return G_LOG_WRITER_HANDLED;
}

/* Whatever the stranger says of the connection. */
static void
rule_20_a_second_release_is_refused (void)
{
  static const TallyOutcome outcomes[] = { TALLY_OUTCOME_CLEAN, TALLY_OUTCOME_BROKEN };

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autoptr (Lab) lab = lab_new (NULL, NULL);
      g_autoptr (Lab) stranger = lab_new (NULL, NULL);
      TallyLease lease = lab_borrow (lab), copy = lease, again = lease, next, foreign;
      TallyPoolSnapshot seen;

      criticals = 0;
      looked_at = lab;
      lab_release (lab, &lease);
      CU_ASSERT_PTR_NULL (lease.transport);
      tally_bucket_release (lab->bucket, &again, outcomes[i]); /* while it is idle */
      assert_int (criticals, 1);
      next = lab_borrow (lab); /* the same connection, lent anew */
      tally_bucket_release (lab->bucket, &copy, outcomes[i]);
      assert_int (criticals, 2);
      tally_bucket_release (lab->bucket, &lease, outcomes[i]);
      assert_int (criticals, 3);
      foreign = lab_borrow (stranger);
      copy = foreign;
      tally_bucket_release (lab->bucket, &copy, outcomes[i]);
      assert_int (criticals, 4);
      seen = lab_snapshot (lab);
      assert_int (seen.busy, 1);
      assert_int (seen.refused, 4);
      assert_sums (&seen);
      CU_ASSERT_TRUE (tally_socket_is_clean (TALLY_SOCKET (next.transport)));
      lab_release (lab, &next);
      lab_release (stranger, &foreign);
      assert_int (criticals, 4);
      looked_at = NULL;
    }
}

typedef struct
{
  Lab *lab;
  TallyLease lease;
  gint gate;
} Returner;

static gboolean
wait_in_reset (ThriftTransport *transport, gpointer user_data)
{
  Returner *self = user_data;

  gate_wait (&self->gate);
  return TRUE;
}

static gpointer
run_returner (gpointer data)
{
  Returner *self = data;

  lab_release (self->lab, &self->lease);
  return NULL;
}

/* The hook of the first is still at it. */
static void
rule_20_a_second_release_during_the_first_is_refused (void)
{
  static const TallyOutcome outcomes[] = { TALLY_OUTCOME_CLEAN, TALLY_OUTCOME_BROKEN };

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autoptr (Lab) lab = lab_new (NULL, NULL);
      Returner returner = { .lab = lab };
      TallyLease copy;
      TallyPoolSnapshot seen;
      pthread_t thread;

      tally_pool_set_reset_hook (lab->pool, wait_in_reset, &returner, NULL);
      copy = returner.lease = lab_borrow (lab);
      criticals = 0;
      pthread_create (&thread, NULL, run_returner, &returner);
      gate_await (&returner.gate);
      tally_bucket_release (lab->bucket, &copy, outcomes[i]);
      assert_int (criticals, 1);
      seen = lab_snapshot (lab);
      assert_int (seen.busy, 1);
      gate_open (&returner.gate);
      pthread_join (thread, NULL);
      assert_int (criticals, 1);
      seen = lab_snapshot (lab);
      assert_int (seen.idle, 1);
      assert_int (seen.refused, 1);
      assert_sums (&seen);
    }
}

/* ---- rule 21 ---- */

static void
assert_logged (const gchar *part)
{
  CU_ASSERT_PTR_NOT_NULL (strstr (last_log, part));
}

/* On a connection that was dialed for it, and on one that was idle. */
static void
rule_21_a_leak_is_warned_of_once (void)
{
  g_autofree gchar *thread = g_strdup_printf ("thread %d", gettid ());

  for (guint reused = 0; reused < 2; reused++)
    {
      g_autoptr (Lab) lab = lab_new (NULL, NULL);
      Listener *listener = listen_to (lab);
      TallyLease lease, other;
      gint64 borrowed;

      lab_fill (lab, reused ? 2 : 0);
      g_object_set (lab->pool, "leak-threshold", 10, NULL); /* no lease of the filling's is late */
      warnings = messages = 0;
      looked_at = lab; /* under a lock a thread that logs would stop for ever (rule 26) */
      CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "forgetful", -1, NULL, &lease, NULL));
      assert_int (lease.reused, reused);
      await_event (listener, TALLY_POOL_EVENT_LEAKED, 1);
      assert_int (warnings, 1);
      assert_logged ("forgetful");
      assert_logged (thread);
      assert_logged (" s ago");
      assert_string (listener->last.label, "forgetful");
      assert_int (listener->last.thread, gettid ());
      /* Another leak wakes the reaper again, which says nothing more of the first. */
      CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "other", -1, NULL, &other, NULL));
      await_event (listener, TALLY_POOL_EVENT_LEAKED, 2);
      assert_int (warnings, 2);
      assert_string (listener->last.label, "other");
      lab_release (lab, &lease);
      assert_int (messages, 1);
      assert_logged ("back after");
      lab_release (lab, &other);
      /* The next borrower that forgets this connection is warned of anew, with the time of its own
       * borrow. */
      borrowed = g_get_monotonic_time ();
      CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "third", -1, NULL, &lease, NULL));
      CU_ASSERT_TRUE (lease.reused);
      await_event (listener, TALLY_POOL_EVENT_LEAKED, 3);
      assert_string (listener->last.label, "third");
      CU_ASSERT_TRUE (listener->last.duration <= g_get_monotonic_time () - borrowed);
      lab_release (lab, &lease);
      looked_at = NULL;
    }
}

/* ---- rule 28 ---- */

#define HELD_LONGEST "held longest: \"longest\", for "

static void
rule_28_the_error_of_a_full_pool_says_all (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, "wait-timeout", 0, "backoff-base", 0, NULL);
  Listener *listener = listen_to (lab);
  g_autoptr (GError) error = NULL;
  gint64 borrowed;
  gdouble held_s, most_s;
  const gchar *held;
  TallyLease a, b, c = { 0 };

  lab_fail_dials (lab, 1);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "unlucky", -1, NULL, &a, NULL));
  borrowed = g_get_monotonic_time ();
  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "longest", -1, NULL, &a, NULL));
  CU_ASSERT_TRUE (tally_bucket_borrow (lab->bucket, "shorter", -1, NULL, &b, NULL));
  for (gint64 end = g_get_monotonic_time () + 2000; g_get_monotonic_time () < end;)
    continue;
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "third", -1, NULL, &c, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "2 open");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED,
                "2 busy, 0 idle, 0 dialing, 0 closing; 0 waiting");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, HELD_LONGEST);
  held = strstr (error->message, HELD_LONGEST);
  most_s = (gdouble) (g_get_monotonic_time () - borrowed) / G_TIME_SPAN_SECOND;
  held_s = held != NULL ? g_ascii_strtod (held + strlen (HELD_LONGEST), NULL) : 0;
  CU_ASSERT_TRUE (held_s >= 0.001 && held_s <= most_s + 0.001); /* two milliseconds at least */
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED,
                "last dial error: the laboratory's dial failed");
  assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_EXHAUSTED, "unix:///laboratory");
  assert_int (listener->counts[TALLY_POOL_EVENT_EXHAUSTED], 1);
  CU_ASSERT_PTR_NULL (c.transport);
  lab_release (lab, &a);
  lab_release (lab, &b);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_17_the_reaper_closes_and_then_sleeps),
    TEST (rule_17_a_check_that_blocks_holds_up_nobody),
    TEST (rule_18_an_option_counts_from_the_next_release_on),
    TEST (rule_19_close_refuses_and_drains),
    TEST (rule_19_who_does_not_come_back_is_shut_down),
    TEST (rule_19_no_hook_runs_afterwards),
    TEST (rule_19_a_hook_may_close_the_pool),
    TEST (rule_19_a_handler_may_close_the_pool),
    TEST (rule_20_a_second_release_is_refused),
    TEST (rule_20_a_second_release_during_the_first_is_refused),
    TEST (rule_21_a_leak_is_warned_of_once),
    TEST (rule_28_the_error_of_a_full_pool_says_all),
    { NULL, NULL },
  };
  int status;

  g_log_set_writer_func (count_logs, NULL, NULL);
  status = test_main ("pool", cases, argc, argv);
  g_free (last_log);
  return status;
}

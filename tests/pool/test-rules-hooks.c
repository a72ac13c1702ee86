/* Hooks and handlers: what they are told, when they are called, and what waits for them (rules 19,
 * 23, 26). */
#include <string.h>

#include "lab.h"
#include "bucket-private.h"
#include "thread-id-private.h"

/* What a handler was told, by the event's kind. Several threads tell it. */
typedef struct
{
  GMutex lock;
  guint counts[TALLY_POOL_EVENT_LEAKED + 1];        /* under the lock */
  TallyPoolEvent last[TALLY_POOL_EVENT_LEAKED + 1]; /* under the lock */
} Counter;

static void
count_event (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  Counter *self = user_data;
  TallyPoolSnapshot now;

  tally_pool_snapshot (pool, &now); /* handlers may use the pool */
  g_mutex_lock (&self->lock);
  self->counts[event->kind]++;
  self->last[event->kind] = *event;
  g_mutex_unlock (&self->lock);
}

static guint
get_count (Counter *self, TallyPoolEventKind kind)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->counts[kind];
}

static TallyPoolEvent
get_last (Counter *self, TallyPoolEventKind kind)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->last[kind];
}

/* ---- rule 26 ---- */

static gboolean
borrow_in_check (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  Lab *lab = user_data;
  g_autofree gchar *dump = tally_pool_dump (lab->pool);
  TallyPoolSnapshot seen = lab_snapshot (lab);

  g_object_set (lab->pool, "check", TALLY_POOL_CHECK_NEVER, "max-open", 7, NULL);
  if (seen.idle > 0)
    {
      TallyLease lease = lab_borrow (lab);

      lab_release (lab, &lease);
    }
  return TRUE;
}

static gboolean
snapshot_in_reset (ThriftTransport *transport, gpointer user_data)
{
  TallyPoolSnapshot seen;

  tally_pool_snapshot (((Lab *) user_data)->pool, &seen);
  return seen.busy > 0;
}

/* A hook under a lock would stop for ever at its first call of the pool. */
static void
rule_26_hooks_run_outside_locks (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  Counter counter = { 0 };
  TallyLease lease;

  g_signal_connect (lab->pool, "event", G_CALLBACK (count_event), &counter);
  lab_fill (lab, 2);
  tally_pool_set_check_hook (lab->pool, borrow_in_check, lab, NULL);
  tally_pool_set_reset_hook (lab->pool, snapshot_in_reset, lab, NULL);
  lease = lab_borrow (lab);
  lab_release (lab, &lease);
  tally_pool_clear (lab->pool);
  assert_int (get_count (&counter, TALLY_POOL_EVENT_OPENED), 2);
  assert_int (get_count (&counter, TALLY_POOL_EVENT_CLOSED), 2);
  tally_pool_close (lab->pool);
}

static void
block_when_closed (TallyPool *pool, const TallyPoolEvent *event, gpointer user_data)
{
  if (event->kind == TALLY_POOL_EVENT_CLOSED)
    gate_wait (user_data);
}

/* A handler that hears of a close may take long: the place is free, and its waiter is served. */
static void
rule_26_a_slow_handler_holds_up_nobody (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  Borrower holder = { .lab = lab }, waiter = { 0 };
  gint gate = 0;
  pthread_t thread;

  holder.lease = lab_borrow (lab);
  borrower_start (&waiter, lab, "waiter");
  lab_await (lab, now.waiting == 1);
  g_signal_connect (lab->pool, "event", G_CALLBACK (block_when_closed), &gate);
  pthread_create (&thread, NULL, borrower_break, &holder);
  CU_ASSERT_TRUE (borrower_join (&waiter));
  gate_await (&gate);
  gate_open (&gate);
  pthread_join (thread, NULL);
  lab_release (lab, &waiter.lease);
}

/* ---- rule 19 ---- */

static gpointer
borrow_and_release (gpointer data)
{
  Lab *lab = data;
  TallyLease lease = { 0 };

  if (tally_bucket_borrow (lab->bucket, "busy", -1, NULL, &lease, NULL))
    lab_release (lab, &lease);
  return NULL;
}

static gboolean
is_closed (Lab *lab)
{
  gboolean closed;

  pthread_mutex_lock (&lab->bucket->lock);
  closed = lab->bucket->policy.closed;
  pthread_mutex_unlock (&lab->bucket->lock);
  return closed;
}

/* A hook of each kind, and a handler, that another thread is in. */
static void
rule_19_close_waits_for_hooks (void)
{
  for (guint kind = 0; kind < 3; kind++)
    {
      g_autoptr (Lab) lab = lab_new ("drain-timeout", 0, NULL);
      Closer closer = { .lab = lab };
      gint gate = 0;
      pthread_t thread;

      lab_fill (lab, 1);
      if (kind == 0)
        tally_pool_set_check_hook (lab->pool, lab_check_at_gate, &gate, NULL);
      else if (kind == 1)
        tally_pool_set_reset_hook (lab->pool, lab_reset_at_gate, &gate, NULL);
      else
        {
          g_signal_connect (lab->pool, "event", G_CALLBACK (block_when_closed), &gate);
          lab_close_peer (lab, 0);
        }
      pthread_create (&thread, NULL, borrow_and_release, lab);
      gate_await (&gate);
      closer_start (&closer);
      while (!is_closed (lab))
        g_thread_yield ();
      CU_ASSERT_TRUE (closer_still_waits (&closer));
      gate_open (&gate);
      closer_join (&closer);
      pthread_join (thread, NULL);
    }
}

/* ---- what they are told ---- */

static gboolean
note_idle_time (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  *(gint64 *) user_data = idle_time;
  return TRUE;
}

static void
age_idle (Lab *lab, gint64 by)
{
  pthread_mutex_lock (&lab->bucket->lock);
  for (TallyConn *conn = lab->bucket->policy.idle.head; conn != NULL; conn = conn->next)
    conn->idle_since -= by;
  pthread_mutex_unlock (&lab->bucket->lock);
}

/* For how long nobody has used it; with check=auto only if that is long. */
static void
hooks_the_check_is_told_the_idle_time (void)
{
  static const TallyPoolCheck checks[] = { TALLY_POOL_CHECK_ALWAYS, TALLY_POOL_CHECK_AUTO,
                                           TALLY_POOL_CHECK_NEVER };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    for (guint seconds = 1; seconds <= 20; seconds += 19)
      {
        g_autoptr (Lab) lab = lab_new ("check", checks[i], "check-after", 10000, NULL);
        gboolean expected = checks[i] == TALLY_POOL_CHECK_ALWAYS
                            || (checks[i] == TALLY_POOL_CHECK_AUTO && seconds == 20);
        gint64 idle_time = -1;
        TallyLease lease;

        lab_fill (lab, 1);
        tally_pool_set_check_hook (lab->pool, note_idle_time, &idle_time, NULL);
        age_idle (lab, seconds * G_TIME_SPAN_SECOND);
        lease = lab_borrow (lab);
        CU_ASSERT_EQUAL (idle_time >= (gint64) seconds * G_TIME_SPAN_SECOND, expected);
        CU_ASSERT_TRUE (idle_time < 30 * G_TIME_SPAN_SECOND);
        lab_release (lab, &lease);
      }
}

typedef struct
{
  gint64 left; /* microseconds to the deadline */
} Dialer;

static ThriftTransport *
note_deadline (TallyEndpoint *endpoint,
               gint64 deadline,
               GCancellable *cancellable,
               gpointer user_data,
               GError **error)
{
  ((Dialer *) user_data)->left = deadline - g_get_monotonic_time ();
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "noted");
  return NULL;
}

/* connect-timeout, whatever the borrower's own is. */
static void
hooks_the_dial_is_told_its_deadline (void)
{
  g_autoptr (Lab) lab = lab_new ("connect-timeout", 700000, NULL);
  Dialer dialer = { 0 };
  TallyLease lease = { 0 };

  tally_pool_set_dial_hook (lab->pool, note_deadline, &dialer, NULL);
  CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "test", -1, NULL, &lease, NULL));
  CU_ASSERT_TRUE (dialer.left > 600 * G_TIME_SPAN_SECOND
                  && dialer.left <= 700 * G_TIME_SPAN_SECOND);
}

/* Served by a returned connection, and by a dial that had to wait for its place. */
static void
hooks_a_wait_is_told_of (void)
{
  for (guint dials = 0; dials < 2; dials++)
    {
      g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
      Counter counter = { 0 };
      TallyLease lease = lab_borrow (lab);
      Borrower waiter = { 0 };
      TallyPoolSnapshot seen;
      TallyPoolEvent waited;

      borrower_start (&waiter, lab, "waiter");
      lab_await (lab, now.oldest_wait > 1000);
      g_signal_connect (lab->pool, "event", G_CALLBACK (count_event), &counter);
      if (dials)
        lab_break (lab, &lease);
      else
        lab_release (lab, &lease);
      CU_ASSERT_TRUE (borrower_join (&waiter));
      assert_int (get_count (&counter, TALLY_POOL_EVENT_WAITED), 1);
      waited = get_last (&counter, TALLY_POOL_EVENT_WAITED);
      assert_string (waited.label, "waiter");
      CU_ASSERT_TRUE (waited.thread != 0 && waited.thread != tally_get_thread_id ());
      CU_ASSERT_TRUE (waited.duration > 1000);
      seen = lab_snapshot (lab);
      assert_int (seen.wait_time.count, 1);
      CU_ASSERT_TRUE (seen.wait_time.sum > 1000);
      assert_int (seen.waits, !dials);
      g_signal_handlers_disconnect_by_data (lab->pool, &counter);
      lab_release (lab, &waiter.lease);
    }
}

/* ---- rule 23 ---- */

static gint64
read_boot_time (void)
{
  return tally_read_clock (CLOCK_BOOTTIME);
}

static gboolean
take_time_to_reset (ThriftTransport *transport, gpointer user_data)
{
  gint64 begun = *(gint64 *) user_data = read_boot_time ();

  while (read_boot_time () < begun + 20 * G_TIME_SPAN_MILLISECOND)
    continue;
  return TRUE;
}

/* A connection is idle from when it was reset. */
static void
rule_23_a_slow_reset_ages_nothing (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease = lab_borrow (lab);
  gint64 begun = 0;

  tally_pool_set_reset_hook (lab->pool, take_time_to_reset, &begun, NULL);
  lab_release (lab, &lease);
  pthread_mutex_lock (&lab->bucket->lock);
  CU_ASSERT_TRUE (lab->bucket->policy.idle.head->idle_since > begun + 10 * G_TIME_SPAN_MILLISECOND);
  pthread_mutex_unlock (&lab->bucket->lock);
}

/* ---- the check hook's time ---- */

typedef struct
{
  guint calls;
  gint64 deadline;
  GCancellable *cancellable;
  gboolean cancels;
  gboolean is_late;
  gboolean receives;
} TimedCheck;

/* Refuses everything, in as many ways as there are. */
static gboolean
refuse_in_time (ThriftTransport *transport,
                gint64 idle_time,
                gint64 deadline,
                GCancellable *cancellable,
                gpointer user_data)
{
  TimedCheck *self = user_data;

  self->calls++;
  self->deadline = deadline;
  self->cancellable = cancellable;
  if (self->cancels)
    g_cancellable_cancel (cancellable);
  if (self->is_late)
    lab_let_time_pass (deadline - g_get_monotonic_time ());
  if (self->receives)
    CU_ASSERT_FALSE (tally_socket_fill (TALLY_SOCKET (transport), 1, NULL));
  return FALSE;
}

#define IDLE 4

static void
borrow_checked (TimedCheck *check, gint64 within, gint domain_code, GQuark domain, guint idle_left)
{
  g_autoptr (Lab) lab =
      lab_new ("order", check->cancels ? TALLY_POOL_ORDER_LIFO : TALLY_POOL_ORDER_FIFO, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  gint64 deadline = g_get_monotonic_time () + within;
  TallyLease lease = { 0 };
  TallyPoolSnapshot seen;

  for (guint i = 0; i < 2; i++) /* on both of borrow's paths */
    {
      lab_fill (lab, IDLE);
      tally_pool_set_check_hook_full (lab->pool, refuse_in_time, check, NULL);
      g_object_set (lab->pool, "min-idle", i * IDLE, NULL);
      g_clear_error (&error);
      g_cancellable_reset (cancellable);
      check->calls = 0;
      deadline = g_get_monotonic_time () + within;
      CU_ASSERT_FALSE (
          tally_bucket_borrow (lab->bucket, "test", deadline, cancellable, &lease, &error));
      CU_ASSERT_TRUE (g_error_matches (error, domain, domain_code));
      assert_int (check->calls, 1);
      CU_ASSERT_EQUAL (check->deadline, deadline);
      CU_ASSERT_PTR_EQUAL (check->cancellable, cancellable);
      seen = lab_snapshot (lab);
      assert_sums (&seen);
      if (i == 0)
        CU_ASSERT_TRUE (seen.idle >= idle_left);
      tally_pool_set_check_hook_full (lab->pool, NULL, NULL, NULL);
      g_object_set (lab->pool, "min-idle", 0, NULL);
      tally_pool_clear (lab->pool);
    }
}

/* One deadline is over all checks: the second is not begun. */
static void
check_hooks_share_the_borrows_deadline (void)
{
  TimedCheck late = { .is_late = TRUE };
  TimedCheck receives = { .receives = TRUE };

  borrow_checked (&late, 5 * G_TIME_SPAN_MILLISECOND, TALLY_ERROR_TIMED_OUT, TALLY_ERROR, 0);
  /* A hook that knows nothing of it is held to it by its socket. */
  borrow_checked (&receives, 5 * G_TIME_SPAN_MILLISECOND, TALLY_ERROR_TIMED_OUT, TALLY_ERROR, 0);
}

/* What was only cancelled proves nothing: the others stay, and none of them is asked. */
static void
check_hooks_share_the_borrows_cancellable (void)
{
  TimedCheck cancels = { .cancels = TRUE };

  borrow_checked (&cancels, 60 * G_TIME_SPAN_SECOND, G_IO_ERROR_CANCELLED, G_IO_ERROR, IDLE - 1);
}

/* Without a deadline of its own a borrow has `wait-timeout`. */
static void
check_hooks_always_have_a_deadline (void)
{
  g_autoptr (Lab) lab = lab_new ("wait-timeout", 60000, NULL);
  TimedCheck check = { 0 };
  gint64 before = g_get_monotonic_time ();
  TallyLease lease;

  lab_fill (lab, 1);
  tally_pool_set_check_hook_full (lab->pool, refuse_in_time, &check, NULL);
  lease = lab_borrow (lab);
  CU_ASSERT_FALSE (lease.reused);
  CU_ASSERT_TRUE (check.deadline >= before + 60 * G_TIME_SPAN_SECOND
                  && check.deadline <= g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND);
  lab_release (lab, &lease);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (rule_26_hooks_run_outside_locks),
    TEST (rule_26_a_slow_handler_holds_up_nobody),
    TEST (rule_19_close_waits_for_hooks),
    TEST (hooks_the_check_is_told_the_idle_time),
    TEST (hooks_the_dial_is_told_its_deadline),
    TEST (hooks_a_wait_is_told_of),
    TEST (rule_23_a_slow_reset_ages_nothing),
    TEST (check_hooks_share_the_borrows_deadline),
    TEST (check_hooks_share_the_borrows_cancellable),
    TEST (check_hooks_always_have_a_deadline),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}

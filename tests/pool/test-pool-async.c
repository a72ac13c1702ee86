/* Borrowing without a thread of one's own: completion in the caller's context, in the common queue,
 * and leaving it in every state. */
#include "lab.h"
#include "bucket-private.h"
#include "lease-internal.h"

static void
async_an_idle_connection (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  AsyncCall call;

  lab_fill (lab, 1);
  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  CU_ASSERT_TRUE (call.done);
  CU_ASSERT_TRUE (call.lease.reused);
  async_call_finish (&call);
}

static void
async_a_dial (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  AsyncCall call;

  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  CU_ASSERT_TRUE (call.done);
  CU_ASSERT_FALSE (call.lease.reused);
  async_call_finish (&call);
}

static void
async_a_failed_dial (void)
{
  g_autoptr (Lab) lab = lab_new ("backoff-base", 600000, "backoff-max", 600000, NULL);
  AsyncCall call;

  lab_fail_dials (lab, 1);
  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  assert_error (call.error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, NULL);
  async_call_finish (&call);
  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  assert_error (call.error, TALLY_ERROR, TALLY_ERROR_BACKOFF, NULL);
  async_call_finish (&call);
}

/* A dial that a newcomer made for itself could be done before the one that the queue waits for. */
static void
rule_03_a_newcomer_does_not_dial_past_the_queue (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  AsyncCall first;
  Borrower newcomer = { 0 };

  lab->bucket->policy.quick = TRUE; /* it may dial on its own thread, although a hook does it */
  lab_gate (lab, TRUE);
  async_call_start (&first, lab->bucket, -1, NULL);
  lab_wait_at_gate (lab, 1);
  borrower_start (&newcomer, lab, "newcomer");
  lab_await (lab, now.waiting == 2 || __atomic_load_n (&newcomer.returned, __ATOMIC_ACQUIRE));
  lab_let_dial (lab, 1); /* either */
  async_call_await (&first);
  CU_ASSERT_TRUE (first.done);
  CU_ASSERT_FALSE (__atomic_load_n (&newcomer.returned, __ATOMIC_ACQUIRE));
  lab_let_dial (lab, 1);
  CU_ASSERT_TRUE (borrower_join (&newcomer));
  lab_release (lab, &newcomer.lease);
  async_call_finish (&first);
}

/* Blocking and asynchronous borrowers stand in one queue. */
static void
async_in_the_common_queue (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Borrower first = { 0 }, third = { 0 };
  AsyncCall second;

  borrower_start (&first, lab, "first");
  lab_await (lab, now.waiting == 1);
  async_call_start (&second, lab->bucket, -1, NULL);
  borrower_start (&third, lab, "third");
  lab_await (lab, now.waiting == 3);
  lab_release (lab, &lease);
  CU_ASSERT_TRUE (borrower_join (&first));
  CU_ASSERT_FALSE (g_main_context_pending (second.context));
  lab_release (lab, &first.lease);
  async_call_await (&second);
  CU_ASSERT_TRUE (second.done);
  CU_ASSERT_FALSE (__atomic_load_n (&third.returned, __ATOMIC_ACQUIRE));
  async_call_finish (&second);
  CU_ASSERT_TRUE (borrower_join (&third));
  lab_release (lab, &third.lease);
}

static void
async_a_deadline_in_the_queue (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  AsyncCall call;
  TallyPoolSnapshot seen;

  async_call_start (&call, lab->bucket, g_get_monotonic_time () + 5000, NULL);
  async_call_await (&call);
  assert_error (call.error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "1 busy");
  async_call_finish (&call);
  lab_release (lab, &lease);
  seen = lab_snapshot (lab);
  assert_int (seen.idle, 1);
  assert_sums (&seen);
}

static void
async_cancelled_in_the_queue (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TallyLease lease = lab_borrow (lab);
  AsyncCall call;

  async_call_start (&call, lab->bucket, -1, cancellable);
  g_cancellable_cancel (cancellable);
  async_call_await (&call);
  assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  async_call_finish (&call);
  assert_int (lab_snapshot (lab).waiting, 0);
  lab_release (lab, &lease);
}

static void
async_cancelled_while_dialing (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AsyncCall call;

  lab_gate (lab, TRUE);
  async_call_start (&call, lab->bucket, -1, cancellable);
  lab_wait_at_gate (lab, 1);
  g_cancellable_cancel (cancellable);
  async_call_await (&call);
  assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  async_call_finish (&call);
  lab_let_dial (lab, 1);
  lab_await (lab, now.idle == 1);
}

static void
async_cancelled_before (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  AsyncCall call;

  g_cancellable_cancel (cancellable);
  async_call_start (&call, lab->bucket, -1, cancellable);
  async_call_await (&call);
  assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  async_call_finish (&call);
  assert_int (lab->dialed, 0);
}

static gboolean
refuse_first (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  return ++*(guint *) user_data > 1;
}

/* A check hook may block: it runs on a thread, and a connection that it refuses does not end the
 * borrow. */
static void
async_a_check_hook_that_refuses (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  guint checks = 0;
  AsyncCall call;

  lab_fill (lab, 1);
  tally_pool_set_check_hook (lab->pool, refuse_first, &checks, NULL);
  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  CU_ASSERT_TRUE (call.done);
  CU_ASSERT_FALSE (call.lease.reused);
  assert_int (checks, 1);
  async_call_finish (&call);
}

static void
async_a_closed_pool (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  TallyLease lease = lab_borrow (lab);
  Closer closer = { lab };
  AsyncCall call;

  async_call_start (&call, lab->bucket, -1, NULL);
  closer_start (&closer);
  async_call_await (&call);
  assert_error (call.error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, NULL);
  async_call_finish (&call);
  lab_release (lab, &lease);
  closer_join (&closer);
}

static void
drop_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

/* A result that nobody fetches gives its connection back. */
static void
async_a_result_nobody_wants (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  gboolean called = FALSE;

  lab_fill (lab, 1);
  tally_bucket_borrow_async (lab->bucket, "async", -1, NULL, drop_result, &called);
  while (!called)
    g_main_context_iteration (NULL, TRUE);
  lab_await (lab, now.idle == 1);
}

/* It began to wait in the middle of the backoff, for a connection that is out. */
static void
rule_09_who_waits_is_served_when_the_backoff_ends (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 2, "backoff-base", 50, "backoff-max", 50, NULL);
  TallyLease out = lab_borrow (lab), failed = { 0 };
  Borrower waiter = { .deadline = g_get_monotonic_time () + LAB_PATIENCE };
  AsyncCall call;

  for (guint is_async = 0; is_async < 2; is_async++)
    {
      lab_fail_dials (lab, 1);
      CU_ASSERT_FALSE (tally_bucket_borrow (lab->bucket, "fails", -1, NULL, &failed, NULL));
      if (is_async)
        {
          async_call_start (&call, lab->bucket, g_get_monotonic_time () + LAB_PATIENCE, NULL);
          async_call_await (&call);
          CU_ASSERT_TRUE (call.done);
          async_call_finish (&call);
        }
      else
        {
          borrower_start (&waiter, lab, "waiter");
          CU_ASSERT_TRUE (borrower_join (&waiter));
          lab_break (lab, &waiter.lease);
        }
    }
  lab_release (lab, &out);
}

static gboolean
set_true (gpointer flag)
{
  __atomic_store_n ((gboolean *) flag, TRUE, __ATOMIC_RELEASE);
  return G_SOURCE_REMOVE;
}

static gboolean
cancel_and_refuse (ThriftTransport *transport, gint64 idle_time, gpointer user_data)
{
  AsyncCall *call = user_data;
  g_autoptr (GSource) after = g_idle_source_new ();
  gboolean dispatched;

  __atomic_store_n (&dispatched, FALSE,
                    __ATOMIC_RELEASE); /* ThreadSanitizer sees no context's lock */
  g_cancellable_cancel (call->cancellable);
  /* What the cancellation brings has come when the idle source has. */
  g_source_set_callback (after, set_true, &dispatched, NULL);
  g_source_attach (after, call->context);
  while (!__atomic_load_n (&dispatched, __ATOMIC_ACQUIRE))
    g_thread_yield ();
  return FALSE;
}

/* The connection proves dead, and the caller does not wait for another. */
static void
async_cancelled_while_its_connection_is_examined (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  TallyLease lease = lab_borrow (lab);
  AsyncCall call;

  async_call_start (&call, lab->bucket, -1, cancellable);
  tally_pool_set_check_hook (lab->pool, cancel_and_refuse, &call, NULL);
  lab_gate (lab, TRUE);
  lab_release (lab, &lease);
  async_call_await (&call);
  assert_error (call.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, NULL);
  async_call_finish (&call);
  lab_gate (lab, FALSE);
  lab_await (lab, now.dialing == 0 && now.closing == 0);
}

static void
on_leak (TallyPool *pool, const TallyPoolEvent *event, gpointer leaked)
{
  if (event->kind == TALLY_POOL_EVENT_LEAKED)
    __atomic_store_n ((gboolean *) leaked, TRUE, __ATOMIC_RELEASE);
}

static GLogWriterOutput
log_nothing (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  return G_LOG_WRITER_HANDLED;
}

static void
rule_21_a_leak_is_noticed_here_too (void)
{
  g_autoptr (Lab) lab = lab_new ("idle-timeout", 0, NULL);
  gint64 end = g_get_monotonic_time () + LAB_PATIENCE;
  gboolean leaked = FALSE;
  AsyncCall call;

  g_signal_connect (lab->pool, "event", G_CALLBACK (on_leak), &leaked);
  lab_fill (lab, 1);
  g_object_set (lab->pool, "leak-threshold", 10, NULL);
  async_call_start (&call, lab->bucket, -1, NULL);
  async_call_await (&call);
  while (!__atomic_load_n (&leaked, __ATOMIC_ACQUIRE) && g_get_monotonic_time () < end)
    g_thread_yield ();
  CU_ASSERT_TRUE (leaked);
  async_call_finish (&call);
  tally_pool_close (lab->pool);
}

typedef struct
{
  Lab *lab;
  guint depth;
  guint deepest;
  guint served;
} Chain;

static void
release_at_once (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Chain *self = user_data;
  TallyLease lease = { 0 };

  self->depth++;
  self->deepest = MAX (self->deepest, self->depth);
  CU_ASSERT_TRUE (tally_bucket_borrow_finish (self->lab->bucket, result, &lease, NULL));
  self->served++;
  lab_release (self->lab, &lease); /* which serves the next */
  self->depth--;
}

/* A release inside a callback serves the next in the queue, whose callback is called later. */
static void
async_callbacks_do_not_nest (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (Lab) lab = lab_new ("max-open", 1, NULL);
  Chain chain = { .lab = lab };
  TallyLease lease = lab_borrow (lab);

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < 100; i++)
    tally_bucket_borrow_async (lab->bucket, "chain", -1, NULL, release_at_once, &chain);
  lab_release (lab, &lease);
  assert_int (chain.served, 0);
  while (chain.served < 100)
    g_main_context_iteration (context, TRUE);
  lab_drain (context);
  g_main_context_pop_thread_default (context);
  assert_int (chain.deepest, 1);
  assert_int (lab_snapshot (lab).idle, 1);
}

typedef struct
{
  Lab *lab;
  guint *next;
  guint index;
} Numbered;

static void
check_number (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Numbered *self = user_data;
  TallyLease lease = { 0 };

  CU_ASSERT_TRUE (tally_bucket_borrow_finish (self->lab->bucket, result, &lease, NULL));
  assert_int (self->index, (*self->next)++);
  lab_release (self->lab, &lease);
}

/* One dial serves them all at once. */
static void
rule_03_callbacks_come_in_order (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 8, NULL);
  Numbered calls[5];
  guint next = 0;

  lab_gate (lab, TRUE);
  g_main_context_push_thread_default (context);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      calls[i] = (Numbered){ lab, &next, i };
      tally_bucket_borrow_async (lab->bucket, "ordered", -1, NULL, check_number, &calls[i]);
    }
  lab_let_dial (lab, 1);
  while (next < G_N_ELEMENTS (calls))
    g_main_context_iteration (context, TRUE);
  lab_drain (context);
  g_main_context_pop_thread_default (context);
  assert_int (lab_snapshot (lab).dials_started, 1);
}

/* wait-timeout passes while a dial is under way for it: it waits for that. */
static void
async_wait_timeout_is_not_for_dials (void)
{
  g_autoptr (Lab) lab = lab_new ("wait-timeout", 1, NULL);
  gint64 later;
  AsyncCall call;

  lab_gate (lab, TRUE);
  async_call_start (&call, lab->bucket, -1, NULL);
  later = g_get_monotonic_time () + 10 * G_TIME_SPAN_MILLISECOND;
  while (g_get_monotonic_time () < later)
    g_main_context_iteration (call.context, FALSE);
  CU_ASSERT_FALSE (call.called);
  lab_let_dial (lab, 1);
  async_call_await (&call);
  CU_ASSERT_TRUE (call.done);
  async_call_finish (&call);
}

/* ---- a connection that is there at once ---- */

static void
call_nobody (const TallyLease *lease, GError *error, gpointer user_data)
{
  CU_FAIL ("called back for a connection that was there at once");
}

static gboolean
borrow_soon (Lab *lab, TallyLease *lease)
{
  return tally_bucket_borrow_soon (lab->bucket, "soon", TALLY_DIALED_ANY_TIME, -1, FALSE, NULL,
                                   lease, g_main_context_default (), call_nobody, NULL);
}

static void
async_at_once_on_a_connection_of_its_own (void)
{
  g_autoptr (Lab) lab = lab_new (NULL, NULL);
  TallyLease lease;

  lab_fill (lab, 1);
  CU_ASSERT_TRUE_FATAL (borrow_soon (lab, &lease));
  CU_ASSERT_TRUE (lease.reused);
  CU_ASSERT_FALSE (lease.shared);
  assert_int (lab_snapshot (lab).hits, 1);
  lab_release (lab, &lease);
  assert_int (lab_snapshot (lab).idle, 1);
}

static void
async_at_once_on_a_shared_connection (void)
{
  g_autoptr (Lab) lab = lab_new ("streams-per-connection", 2, NULL);
  TallyLease leases[2];
  TallyPoolSnapshot seen;

  lab_fill (lab, 1);
  for (guint i = 0; i < 2; i++)
    {
      CU_ASSERT_TRUE_FATAL (borrow_soon (lab, &leases[i]));
      CU_ASSERT_TRUE (leases[i].reused && leases[i].shared);
    }
  CU_ASSERT_PTR_EQUAL (leases[0].transport, leases[1].transport);
  seen = lab_snapshot (lab);
  assert_int (seen.busy, 1);
  assert_int (seen.leases, 2);
  for (guint i = 0; i < 2; i++)
    lab_release (lab, &leases[i]);
  assert_int (lab_snapshot (lab).idle, 1);
}

typedef struct
{
  TallyLease lease;
  gboolean called;
} Soon;

static void
on_soon (const TallyLease *lease, GError *error, gpointer user_data)
{
  Soon *self = user_data;

  self->called = TRUE;
  self->lease = *lease;
  CU_ASSERT_PTR_NULL (error);
}

/* What has ended while it was idle is found here too, and another is dialed. */
static void
rule_10_a_dead_one_is_found_at_once_too (void)
{
  for (guint streams = 1; streams <= 2; streams++)
    {
      g_autoptr (Lab) lab = lab_new ("streams-per-connection", streams, NULL);
      g_autoptr (GMainContext) context = g_main_context_new ();
      Soon soon = { .called = FALSE };
      TallyPoolSnapshot seen;

      lab_fill (lab, 1);
      lab_close_peer (lab, 0);
      CU_ASSERT_FALSE_FATAL (tally_bucket_borrow_soon (lab->bucket, "soon", TALLY_DIALED_ANY_TIME,
                                                       -1, FALSE, NULL, &soon.lease, context,
                                                       on_soon, &soon));
      while (!soon.called)
        g_main_context_iteration (context, TRUE);
      CU_ASSERT_FALSE (soon.lease.reused);
      assert_int (lab_index_of (lab, &soon.lease), 1);
      seen = lab_snapshot (lab);
      assert_int (seen.closes[TALLY_CLOSE_DEAD], 1);
      assert_int (seen.stale, 1);
      lab_release (lab, &soon.lease);
      lab_drain (context);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (async_an_idle_connection),
    TEST (async_a_dial),
    TEST (async_a_failed_dial),
    TEST (rule_03_a_newcomer_does_not_dial_past_the_queue),
    TEST (async_in_the_common_queue),
    TEST (async_a_deadline_in_the_queue),
    TEST (async_cancelled_in_the_queue),
    TEST (async_cancelled_while_dialing),
    TEST (async_cancelled_before),
    TEST (async_a_check_hook_that_refuses),
    TEST (async_a_closed_pool),
    TEST (async_a_result_nobody_wants),
    TEST (async_callbacks_do_not_nest),
    TEST (rule_03_callbacks_come_in_order),
    TEST (async_wait_timeout_is_not_for_dials),
    TEST (rule_09_who_waits_is_served_when_the_backoff_ends),
    TEST (async_cancelled_while_its_connection_is_examined),
    TEST (rule_21_a_leak_is_noticed_here_too),
    TEST (async_at_once_on_a_connection_of_its_own),
    TEST (async_at_once_on_a_shared_connection),
    TEST (rule_10_a_dead_one_is_found_at_once_too),
    { NULL, NULL },
  };

  g_log_set_writer_func (log_nothing, NULL, NULL);
  lab_make_first_task ();
  return test_main ("pool", cases, argc, argv);
}

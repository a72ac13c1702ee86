/* Owns the tests of idempotent calls that are made a second time while the first attempt is under way, against a server
 * one of whose answers is held. */
#include <string.h>

#include "recorder.h"
#include "server-fixture.h"
#include "tally-retry-policy.h"
#include "tls-relay-socket.h"

#define N_WARM 20
#define WARM_MS 30000

typedef struct
{
  Running *running;
  TallyPool *pool;
  TallyChannel *channel;
  TallyRetryPolicy *policy;
  Recorder *recorder;
} Bench;

static TallyRetryPolicy *
new_policy (guint floor, guint least_ms)
{
  TallyRetryPolicy *policy = tally_retry_policy_new (2);

  tally_retry_policy_set_budget (policy, 0, floor);
  tally_retry_policy_set_hedging (policy, 90, least_ms);
  return policy;
}

/* Echoes, so that it is known what calls take. On a busy machine, too, none is made twice, which would come out of the budget. */
static void
warm_up (const Bench *self)
{
  TallyRetryPolicy *policy = new_policy (1, WARM_MS);
  TallyCallOptions options = { .retry_policy = policy, .idempotence = TALLY_IDEMPOTENCE_YES };
  TextArgs args = { (gchar *) "hello" };

  for (guint i = 0; i < N_WARM; i++)
    {
      g_autofree gchar *text = NULL;
      gpointer results[] = { &text };

      CU_ASSERT_TRUE (tally_channel_call_with (self->channel, test_echo_method, &args, results,
                                               &options, NULL));
      assert_string (text, "hello");
    }
  tally_retry_policy_unref (policy);
}

static void
bench_start (Bench *self, const gchar *mode, guint floor)
{
  g_autofree gchar *query = g_strconcat ("mode=", mode, NULL);
  g_autofree gchar *uri = NULL;

  self->running = running_start (&framed_binary, "tcp://127.0.0.1:0?order=any", NULL);
  uri = running_dup_client_uri (self->running, query);
  self->pool = tls_relay_new_pool ();
  self->channel = tally_channel_new_with_pool (uri, self->pool, NULL);
  CU_ASSERT_PTR_NOT_NULL_FATAL (self->channel);
  self->policy = new_policy (floor, 1);
  warm_up (self);
  self->recorder = recorder_new ("a", NULL);
  tally_channel_add_interceptor (self->channel, (TallyInterceptor *) self->recorder);
}

static void
bench_stop (Bench *self)
{
  TallyPoolSnapshot snapshot;

  tally_pool_snapshot (self->pool, &snapshot);
  assert_int (snapshot.leases, 0);
  test_handler_release (self->running->handler);
  tally_pool_close (self->pool);
  g_object_unref (self->channel);
  g_object_unref (self->pool);
  g_object_unref (self->recorder);
  tally_retry_policy_unref (self->policy);
  running_stop (self->running);
}

static const TallyMethod *
find_block (void)
{
  return tally_service_find_method (&base_service, "block", 5);
}

static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

/* ---- calls whose thread waits ---- */

typedef struct
{
  const Bench *bench;
  GCancellable *cancellable;
  gboolean done;
  GError *error;
} Blocked;

static gpointer
call_block (gpointer data)
{
  Blocked *self = data;
  TallyCallOptions options = { .retry_policy = self->bench->policy,
                               .cancellable = self->cancellable,
                               .idempotence = TALLY_IDEMPOTENCE_YES };

  self->done = tally_channel_call_with (self->bench->channel, find_block (), NULL, NULL, &options,
                                        &self->error);
  return NULL;
}

/* Of two attempts that are held one is let go. */
static void
the_first_answer_counts (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Blocked blocked = { NULL };
      GThread *thread;
      Bench bench;

      bench_start (&bench, modes[i], 10);
      blocked.bench = &bench;
      thread = g_thread_new ("caller", call_block, &blocked);
      test_handler_wait_inside (bench.running->handler, 2);
      test_handler_release_one (bench.running->handler);
      g_thread_join (thread);
      CU_ASSERT_TRUE (blocked.done);
      assert_no_error (blocked.error);
      recorder_check (bench.recorder, 1);
      assert_int (tally_call_info_get_attempts (bench.recorder->last), 2);
      assert_int (tally_call_info_get_outcome (bench.recorder->last), TALLY_CALL_ANSWERED);
      CU_ASSERT (tally_call_info_get_reply_bytes (bench.recorder->last) > 0);
      bench_stop (&bench);
    }
}

static void
a_cancelled_call_tells_both_attempts (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Blocked blocked = { .cancellable = cancellable };
      GThread *thread;
      Bench bench;

      bench_start (&bench, modes[i], 10);
      blocked.bench = &bench;
      thread = g_thread_new ("caller", call_block, &blocked);
      test_handler_wait_inside (bench.running->handler, 2);
      g_cancellable_cancel (cancellable);
      g_thread_join (thread);
      CU_ASSERT_FALSE (blocked.done);
      assert_error (blocked.error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "2 of 2 attempts failed");
      CU_ASSERT_PTR_NOT_NULL (strstr (blocked.error->message, "attempt 1 "));
      CU_ASSERT_PTR_NOT_NULL (strstr (blocked.error->message, "attempt 2 "));
      CU_ASSERT_PTR_NOT_NULL (strstr (blocked.error->message, "may have been executed"));
      g_clear_error (&blocked.error);
      bench_stop (&bench);
    }
}

/* ---- calls that do not block ---- */

static guint n_over;

static void
on_over (GObject *source, GAsyncResult *result, gpointer data)
{
  CU_ASSERT_TRUE (
      tally_channel_call_finish ((TallyChannel *) source, find_block (), result, NULL, NULL));
  n_over++;
}

static void
start_block (const Bench *bench, TallyRetryPolicy *policy, TallyIdempotence idempotence)
{
  TallyCallOptions options = { .retry_policy = policy, .idempotence = idempotence };

  tally_channel_call_async (bench->channel, find_block (), NULL, &options, NULL, on_over, NULL);
}

static void
iterate_until_inside (const Bench *bench, guint count)
{
  TestHandler *handler = bench->running->handler;
  guint n_inside;

  do
    {
      g_main_context_iteration (NULL, FALSE);
      pthread_mutex_lock (&handler->lock);
      n_inside = handler->n_inside;
      pthread_mutex_unlock (&handler->lock);
    }
  while (n_inside < count);
}

/* Every call is over, and every attempt. */
static void
iterate_to_the_end (const Bench *bench, guint n_calls)
{
  TallyPoolSnapshot snapshot;

  do
    {
      g_main_context_iteration (NULL, FALSE);
      tally_pool_snapshot (bench->pool, &snapshot);
    }
  while (n_over < n_calls || snapshot.leases > 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
the_first_answer_counts_in_a_main_loop (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      Bench bench;

      n_over = 0;
      bench_start (&bench, modes[i], 10);
      start_block (&bench, bench.policy, TALLY_IDEMPOTENCE_YES);
      iterate_until_inside (&bench, 2);
      assert_int (n_over, 0);
      test_handler_release_one (bench.running->handler);
      iterate_to_the_end (&bench, 1);
      assert_int (tally_call_info_get_attempts (bench.recorder->last), 2);
      bench_stop (&bench);
    }
}

/* Calls that began before one whose second attempt has arrived would have had theirs. */
static void
what_may_not_be_made_twice_is_not_hedged (void)
{
  TallyRetryPolicy *unhedged = tally_retry_policy_new (2);
  Bench bench;

  n_over = 0;
  bench_start (&bench, "pooled", 10);
  start_block (&bench, bench.policy, TALLY_IDEMPOTENCE_NO);
  start_block (&bench, unhedged, TALLY_IDEMPOTENCE_YES);
  start_block (&bench, bench.policy, TALLY_IDEMPOTENCE_YES);
  iterate_until_inside (&bench, 4);
  test_handler_release (bench.running->handler);
  iterate_to_the_end (&bench, 3);
  assert_int (bench.running->handler->max_inside, 4);
  tally_retry_policy_unref (unhedged);
  bench_stop (&bench);
}

static void
second_attempts_come_out_of_the_budget (void)
{
  TallyRetryPolicy *rich;
  Bench bench;

  n_over = 0;
  bench_start (&bench, "pooled", 1);
  rich = new_policy (100, 1);
  start_block (&bench, bench.policy, TALLY_IDEMPOTENCE_YES);
  iterate_until_inside (&bench, 2);
  start_block (&bench, bench.policy, TALLY_IDEMPOTENCE_YES); /* nothing is left for it */
  start_block (&bench, rich, TALLY_IDEMPOTENCE_YES);
  iterate_until_inside (&bench, 5);
  test_handler_release (bench.running->handler);
  iterate_to_the_end (&bench, 3);
  assert_int (bench.running->handler->max_inside, 5);
  tally_retry_policy_unref (rich);
  bench_stop (&bench);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (the_first_answer_counts),
    TEST (a_cancelled_call_tells_both_attempts),
    TEST (the_first_answer_counts_in_a_main_loop),
    TEST (what_may_not_be_made_twice_is_not_hedged),
    TEST (second_attempts_come_out_of_the_budget),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  return test_main ("hedge", cases, argc, argv);
}

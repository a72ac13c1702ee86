/* Calls that are made again: after what, how often, out of which budget, and what is told of it. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "harness.h"
#include "retry-fixture.h"
#include "retry-private.h"
#include "tally-error.h"

/* ---- after what ---- */

/* How often a method is called in the end, where the first @n_bad times go wrong and @attempts are allowed. */
static void
assert_attempts (RetryFault fault, guint method, TallyIdempotence idempotence, guint expected)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (4);
      const TallyCallOptions options = { .idempotence = idempotence };
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      retry_stage_init (&stage, way, fault, 2);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      CU_ASSERT_EQUAL (retry_stage_call (&stage, way, method, &options, &error), expected == 3);
      assert_int (retry_stage_count (&stage), expected);
      if (expected == 1)
        CU_ASSERT_PTR_NULL (strstr (error->message, "attempt"));
    }
}

static void
a_lost_idempotent_call_is_made_again (void)
{
  assert_attempts (RETRY_HANGS_UP, ECHO_GET, TALLY_IDEMPOTENCE_OF_METHOD, 3);
  assert_attempts (RETRY_HANGS_UP, ECHO_ECHO, TALLY_IDEMPOTENCE_YES, 3);
}

static void
a_lost_call_that_may_have_been_executed_is_not (void)
{
  assert_attempts (RETRY_HANGS_UP, ECHO_ECHO, TALLY_IDEMPOTENCE_OF_METHOD, 1);
  assert_attempts (RETRY_HANGS_UP, ECHO_GET, TALLY_IDEMPOTENCE_NO, 1);
}

static void
a_call_that_was_not_executed_is_made_again (void)
{
  assert_attempts (RETRY_IS_BUSY, ECHO_ECHO, TALLY_IDEMPOTENCE_NO, 3);
}

static void
what_a_handler_answers_is_final (void)
{
  assert_attempts (RETRY_REFUSES, ECHO_GET, TALLY_IDEMPOTENCE_OF_METHOD, 1);
  assert_attempts (RETRY_THROWS, ECHO_GET, TALLY_IDEMPOTENCE_OF_METHOD, 1);
}

static void
an_answer_that_the_policy_names_is_not_final (void)
{
  for (guint i = 0; i < 2 * N_RETRY_WAYS; i++)
    {
      guint way = i / 2;
      gboolean is_idempotent = i % 2 == 0;
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (4);
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      tally_retry_policy_add_error (policy, fix_oops_error_quark (), 0);
      tally_retry_policy_add_error (policy, THRIFT_APPLICATION_EXCEPTION_ERROR, 6);
      retry_stage_init (&stage, way, way % 2 == 0 ? RETRY_THROWS : RETRY_REFUSES, 2);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      CU_ASSERT_EQUAL (retry_stage_call (&stage, way, is_idempotent ? ECHO_GET : ECHO_ECHO, NULL,
                                         &error),
                       is_idempotent);
      assert_int (retry_stage_count (&stage), is_idempotent ? 3 : 1);
    }
}

static void
a_kind_that_the_policy_leaves_out_is_final (void)
{
  static const struct
  {
    RetryFault fault;
    TallyRetryErrors without;
  } cases[] = { { RETRY_HANGS_UP, TALLY_RETRY_LOST }, { RETRY_IS_BUSY, TALLY_RETRY_NOT_EXECUTED } };

  for (guint i = 0; i < G_N_ELEMENTS (cases) * N_RETRY_WAYS; i++)
    {
      guint way = i / G_N_ELEMENTS (cases);
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (4);
      g_auto (RetryStage) stage;

      tally_retry_policy_set_errors (policy, ~cases[i % 2].without & 7);
      retry_stage_init (&stage, way, cases[i % 2].fault, 2);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, NULL, NULL));
      assert_int (retry_stage_count (&stage), 1);
    }
}

static void
a_call_that_cannot_be_sent_is_made_again (void)
{
  for (guint i = 0; i < 2 * N_RETRY_WAYS; i++)
    {
      guint way = i / 2;
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (3);
      const TallyCallOptions options = { .retry_policy = policy };
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      retry_stage_init (&stage, way, RETRY_HANGS_UP, 0);
      echo_server_stop (&stage.stage.server);
      CU_ASSERT_FALSE (
          retry_stage_call (&stage, way, i % 2 == 0 ? ECHO_ECHO : ECHO_NOTE, &options, &error));
      CU_ASSERT_PTR_NOT_NULL (
          strstr (error->message, "3 of 3 attempts failed: attempt 1 (from 0 "));
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "; attempt 3 (from "));
      CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "nothing was sent"));
      echo_assert_says_once (error);
    }
}

/* ---- which policy ---- */

static void
a_calls_policy_goes_before_the_channels (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) often = retry_policy_without_pause (4);
      g_autoptr (TallyRetryPolicy) once = tally_retry_policy_new (1);
      const TallyCallOptions options = { .retry_policy = once };
      g_auto (RetryStage) stage;

      retry_stage_init (&stage, way, RETRY_HANGS_UP, 3);
      tally_channel_set_retry_policy (stage.stage.channel, often);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, &options, NULL));
      assert_int (retry_stage_count (&stage), 1);
      CU_ASSERT_TRUE (retry_stage_call (&stage, way, ECHO_GET, NULL, NULL));
      assert_int (retry_stage_count (&stage), 4);
    }
}

static void
without_a_policy_nothing_is_made_again (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (4);
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      retry_stage_init (&stage, way, RETRY_IS_BUSY, 1);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      tally_channel_set_retry_policy (stage.stage.channel, NULL);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, NULL, &error));
      assert_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR, 6, "was not executed");
      assert_int (retry_stage_count (&stage), 1);
    }
}

static void
a_uri_and_a_property_set_the_policy (void)
{
  g_autoptr (TallyChannel) plain = tally_channel_new ("tcp://h:1", NULL);
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://h:1?attempts=3", NULL);
  g_autoptr (TallyRetryPolicy) policy = tally_channel_dup_retry_policy (channel);
  g_autoptr (TallyRetryPolicy) other = tally_retry_policy_new (5);
  g_autoptr (TallyRetryPolicy) got = NULL;

  CU_ASSERT_PTR_NULL (tally_channel_dup_retry_policy (plain));
  assert_int (tally_retry_policy_get_attempts (policy), 3);
  CU_ASSERT_TRUE (tally_endpoint_equal (tally_channel_get_endpoint (plain),
                                        tally_channel_get_endpoint (channel)));
  g_object_set (channel, "retry-policy", other, NULL);
  g_object_get (channel, "retry-policy", &got, NULL);
  CU_ASSERT_PTR_EQUAL (got, other);
}

static void
what_makes_no_sense_is_refused (void)
{
  static const gchar *const uris[] = { "tcp://h:1?attempts=0", "tcp://h:1?attempts=11",
                                       "tcp://h:1?attempts=many" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_channel_new (uris[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, NULL);
    }
}

static guint n_criticals;

static GLogWriterOutput
count_criticals (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  n_criticals += (level & G_LOG_LEVEL_CRITICAL) != 0;
  return G_LOG_WRITER_HANDLED;
}

static void
a_policy_is_constant_once_used (void)
{
  g_autoptr (TallyRetryPolicy) policy = tally_retry_policy_new (3);
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://h:1", NULL);

  tally_retry_policy_set_backoff (policy, 7, 70);
  tally_channel_set_retry_policy (channel, policy);
  g_log_set_writer_func (count_criticals, NULL, NULL);
  tally_retry_policy_set_backoff (policy, 8, 80);
  tally_retry_policy_set_errors (policy, 0);
  tally_retry_policy_set_budget (policy, 1, 1);
  tally_retry_policy_add_error (policy, TALLY_ERROR, 0);
  assert_int (n_criticals, 4);
  assert_int (policy->first_pause_ms, 7);
  assert_int (policy->n_named, 0);
}

/* ---- when ---- */

static void
pauses_double_and_are_spread (void)
{
  static const gint64 full[] = { 10000, 20000, 40000, 50000, 50000, 50000 };
  g_autoptr (TallyRetryPolicy) policy = tally_retry_policy_new (2);

  tally_retry_policy_set_backoff (policy, 10, 50);
  for (guint i = 0; i < G_N_ELEMENTS (full); i++)
    {
      assert_int (tally_retry_policy_get_pause (policy, i + 1, 0), full[i] / 2);
      assert_int (tally_retry_policy_get_pause (policy, i + 1, G_MAXUINT32), full[i]);
    }
}

/* The first pause after a refusal for too much load is as long as the second after a failure: 200 ms, of which at least half is
 * waited. */
static void
a_busy_server_gets_a_longer_pause (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = tally_retry_policy_new (2);
      const TallyCallOptions options = { .retry_policy = policy };
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;
      gint64 began;

      tally_retry_policy_set_backoff (policy, 100, 1000);
      retry_stage_init (&stage, way, RETRY_IS_BUSY, 1);
      began = g_get_monotonic_time ();
      CU_ASSERT_TRUE (retry_stage_call (&stage, way, ECHO_GET, &options, &error));
      assert_no_error (error);
      CU_ASSERT (g_get_monotonic_time () - began >= 100 * G_TIME_SPAN_MILLISECOND);
    }
}

/* An hour. */
static TallyRetryPolicy *
make_policy_with_long_pause (void)
{
  TallyRetryPolicy *policy = tally_retry_policy_new (3);

  tally_retry_policy_set_backoff (policy, 3600000, 3600000);
  return policy;
}

static void
a_pause_that_the_deadline_ends_is_not_begun (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = make_policy_with_long_pause ();
      const TallyCallOptions options = { .retry_policy = policy };
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      retry_stage_init (&stage, way, RETRY_HANGS_UP, 9);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, &options, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                    "1 of 3 attempts failed, no time is left for another: attempt 1 (from 0 ");
      echo_assert_says_once (error);
      assert_int (retry_stage_count (&stage), 1);
    }
}

typedef struct
{
  RetryStage *stage;
  GCancellable *cancellable;
} Canceller;

/* The first attempt is over when the pool has closed its connection. */
static gpointer
cancel_in_pause (gpointer data)
{
  Canceller *self = data;
  TallyPoolSnapshot seen;

  do
    {
      g_thread_yield ();
      tally_pool_snapshot (self->stage->stage.pool, &seen);
    }
  while (seen.closes[TALLY_CLOSE_BROKEN] + seen.closes[TALLY_CLOSE_DEAD] == 0);
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
a_cancellation_ends_a_pause (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = make_policy_with_long_pause ();
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      const TallyCallOptions options = { .timeout = -1,
                                         .cancellable = cancellable,
                                         .retry_policy = policy };
      g_autoptr (GError) error = NULL;
      GThread *thread;
      g_auto (RetryStage) stage;
      Canceller canceller = { &stage, cancellable };

      retry_stage_init (&stage, way, RETRY_HANGS_UP, 9);
      thread = g_thread_new ("canceller", cancel_in_pause, &canceller);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, &options, &error));
      g_thread_join (thread);
      assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                    "1 of 3 attempts failed, cancelled before the next: attempt 1 (from 0 ");
      assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "may have been executed");
      echo_assert_says_once (error);
    }
}

/* ---- how often ---- */

#define STORM_THREADS 4
#define STORM_CALLS 100 /* of each */

static gpointer
storm (gpointer data)
{
  for (guint i = 0; i < STORM_CALLS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = NULL;

      CU_ASSERT_FALSE (echo_call (data, ECHO_GET, "x", &reply, &error));
    }
  return NULL;
}

/* Calls, a tenth of them, and seven. */
static void
a_server_that_fails_every_call_is_not_flooded (void)
{
  for (guint mode = 0; mode < N_ASYNC_MODES; mode++)
    {
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (5);
      GThread *threads[STORM_THREADS];
      g_auto (RetryStage) stage;

      tally_retry_policy_set_budget (policy, 10, 7);
      retry_stage_init (&stage, mode, RETRY_IS_BUSY, G_MAXINT);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      for (guint i = 0; i < STORM_THREADS; i++)
        threads[i] = g_thread_new ("storm", storm, stage.stage.channel);
      for (guint i = 0; i < STORM_THREADS; i++)
        g_thread_join (threads[i]);
      assert_int (retry_stage_count (&stage), STORM_THREADS * STORM_CALLS * 11 / 10 + 7);
    }
}

static void
a_call_beyond_the_budget_fails_at_once (void)
{
  for (guint way = 0; way < N_RETRY_WAYS; way++)
    {
      g_autoptr (TallyRetryPolicy) policy = retry_policy_without_pause (5);
      g_autoptr (GError) error = NULL;
      g_auto (RetryStage) stage;

      tally_retry_policy_set_budget (policy, 0, 2);
      retry_stage_init (&stage, way, RETRY_HANGS_UP, 9);
      tally_channel_set_retry_policy (stage.stage.channel, policy);
      CU_ASSERT_FALSE (retry_stage_call (&stage, way, ECHO_GET, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                    "3 of 5 attempts failed, the budget for retries is spent: ");
      assert_int (retry_stage_count (&stage), 3);
    }
}

static void
good_calls_leave_no_more_than_a_thousand_of_them_pay (void)
{
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://h:1", NULL);
  g_autoptr (TallyRetryPolicy) policy = tally_retry_policy_new (2);
  guint n_taken = 0;

  tally_retry_policy_set_budget (policy, 20, 3);
  for (guint i = 0; i < 5000; i++)
    tally_retry_pay_in (channel, policy);
  while (tally_retry_take_out (channel, policy))
    n_taken++;
  assert_int (n_taken, 203);
}

/* ---- what is told ---- */

/* That the last attempt was not sent does not hide that the first may have been executed. */
static void
the_worst_of_the_attempts_counts (void)
{
  g_autoptr (TallyChannel) channel = tally_channel_new ("tcp://h:1", NULL);
  g_autoptr (GError) first = g_error_new (TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "torn");
  g_autoptr (GError) last = g_error_new (TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "gone");
  TallyRetry retry;
  TallyCall call;

  tally_call_open (&call, channel, &echo_methods[ECHO_GET], NULL, NULL, NULL);
  tally_retry_begin (&retry, channel, tally_retry_policy_new (2));
  tally_call_set_sent (&call, 3, 7);
  tally_retry_note (&retry, &call, first, retry.began);
  tally_call_init_outcome (&call);
  tally_retry_note (&retry, &call, last, retry.began + 5000);
  last = tally_retry_explain (&retry, &call, g_steal_pointer (&last));
  assert_error (last, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                "get at tcp://h:1: 2 of 2 attempts failed: attempt 1 (from 0 ");
  assert_error (last, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, " ms): torn; attempt 2 (from 5 ");
  assert_error (last, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST,
                " ms): gone; 3 of the request's 7 bytes were sent");
  echo_assert_says_once (last);
  tally_retry_clear (&retry);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_lost_idempotent_call_is_made_again),
    TEST (a_lost_call_that_may_have_been_executed_is_not),
    TEST (a_call_that_was_not_executed_is_made_again),
    TEST (what_a_handler_answers_is_final),
    TEST (an_answer_that_the_policy_names_is_not_final),
    TEST (a_kind_that_the_policy_leaves_out_is_final),
    TEST (a_call_that_cannot_be_sent_is_made_again),
    TEST (a_calls_policy_goes_before_the_channels),
    TEST (without_a_policy_nothing_is_made_again),
    TEST (a_uri_and_a_property_set_the_policy),
    TEST (what_makes_no_sense_is_refused),
    TEST (a_policy_is_constant_once_used),
    TEST (pauses_double_and_are_spread),
    TEST (a_busy_server_gets_a_longer_pause),
    TEST (a_pause_that_the_deadline_ends_is_not_begun),
    TEST (a_cancellation_ends_a_pause),
    TEST (a_server_that_fails_every_call_is_not_flooded),
    TEST (a_call_beyond_the_budget_fails_at_once),
    TEST (good_calls_leave_no_more_than_a_thousand_of_them_pay),
    TEST (the_worst_of_the_attempts_counts),
    { NULL },
  };

  async_make_first_task ();
  return test_main ("retry", cases, argc, argv);
}

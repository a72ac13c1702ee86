/* What a caller may say about one call: its time, its cancellable, its label, whether it may be made
 * again. */
#include <string.h>

#include "echo-service.h"
#include "harness.h"
#include "tally-error.h"

static const TallyCallOptions no_options = { 0 };

static gboolean
call (TallyChannel *channel,
      guint method,
      const gchar *text,
      const TallyCallOptions *options,
      GError **error)
{
  g_autofree gchar *reply = NULL;
  EchoArgs args = { (gchar *) text };
  gpointer results[] = { &reply, NULL };
  gboolean done =
      tally_channel_call_with (channel, &echo_methods[method], &args, results, options, error);

  assert_string (reply, done ? text : NULL);
  return done;
}

/* ---- time ---- */

static gboolean
never_answer (EchoRequest *request)
{
  return TRUE;
}

/* The channel's own time-out is far away in all of these. */
static void
assert_times_out (const TallyCallOptions *options)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  echo_server_start (&server, never_answer, "?", NULL);
  channel = echo_server_connect (&server, pool);
  tally_channel_set_timeout (channel, 3600000);
  CU_ASSERT_FALSE (call (channel, ECHO_ECHO, "x", options, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
  tally_pool_close (pool);
}

static void
a_timeout_goes_before_the_channels (void)
{
  assert_times_out (&(TallyCallOptions){ .timeout = 5 });
}

static void
a_deadline_goes_before_the_channels_timeout (void)
{
  assert_times_out (&(TallyCallOptions){ .deadline = g_get_monotonic_time () + 20000 });
}

static void
of_timeout_and_deadline_the_earlier_counts (void)
{
  gint64 now = g_get_monotonic_time ();

  assert_times_out (&(TallyCallOptions){ .timeout = 3600000, .deadline = now + 20000 });
  assert_times_out (
      &(TallyCallOptions){ .timeout = 5, .deadline = now + 3600 * G_TIME_SPAN_SECOND });
  assert_times_out (&(TallyCallOptions){ .timeout = -1, .deadline = now + 20000 });
}

/* Answers when the channel's time-out is over. */
static gboolean
answer_late (EchoRequest *request)
{
  gint64 until = g_get_monotonic_time () + 5 * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until)
    g_thread_yield ();
  return echo_honest (request);
}

static void
a_call_may_take_longer_than_the_channel_allows (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  const TallyCallOptions options[] = {
    { .timeout = -1 },
    { .timeout = 3600000 },
    { .deadline = g_get_monotonic_time () + 3600 * G_TIME_SPAN_SECOND },
  };

  echo_server_start (&server, answer_late, "?", NULL);
  channel = echo_server_connect (&server, pool);
  tally_channel_set_timeout (channel, 1);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_TRUE (call (channel, ECHO_ECHO, "slow", &options[i], &error));
      assert_no_error (error);
    }
  tally_pool_close (pool);
}

static void
a_deadline_that_has_passed_sends_nothing (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  const TallyCallOptions options = { .deadline = g_get_monotonic_time () };

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_TRUE (call (channel, ECHO_ECHO, "first", NULL, NULL)); /* an idle connection is there */
  CU_ASSERT_FALSE (call (channel, ECHO_ECHO, "x", &options, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, "before it began; nothing was sent");
  assert_int (g_atomic_int_get (&server.requests), 1);
  tally_pool_close (pool);
}

/* ---- what else ---- */

static void
no_options_are_the_channels (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;

  echo_server_start (&server, never_answer, "?", NULL);
  channel = echo_server_connect (&server, pool);
  tally_channel_set_timeout (channel, 5);
  CU_ASSERT_FALSE (call (channel, ECHO_ECHO, "x", NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
  g_clear_error (&error);
  CU_ASSERT_FALSE (call (channel, ECHO_ECHO, "x", &no_options, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_TIMED_OUT, echo_get_place ());
  tally_pool_close (pool);
}

static void
a_cancelled_call_sends_nothing (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autoptr (GError) error = NULL;
  const TallyCallOptions options = { .cancellable = cancellable };

  echo_server_start (&server, echo_honest, "?", NULL);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_TRUE (call (channel, ECHO_ECHO, "not yet", &options, NULL));
  g_cancellable_cancel (cancellable);
  CU_ASSERT_FALSE (call (channel, ECHO_ECHO, "x", &options, &error));
  assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "nothing was sent");
  assert_int (g_atomic_int_get (&server.requests), 1);
  tally_pool_close (pool);
}

static TallyPool *looked_at;

/* What the pool knows of the lease that the request came on. */
static gboolean
answer_with_a_dump (EchoRequest *request)
{
  gchar **dump = request->user_data;

  *dump = tally_pool_dump (looked_at);
  return echo_honest (request);
}

static void
a_label_names_the_lease (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *labelled = NULL;
  g_autofree gchar *plain = NULL;
  gchar *dump = NULL;

  looked_at = pool;
  echo_server_start (&server, answer_with_a_dump, "?", &dump);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_TRUE (
      call (channel, ECHO_ECHO, "x", &(TallyCallOptions){ .label = "checkout-page" }, NULL));
  labelled = g_steal_pointer (&dump);
  CU_ASSERT_TRUE (call (channel, ECHO_ECHO, "x", &no_options, NULL));
  plain = g_steal_pointer (&dump);
  CU_ASSERT_PTR_NOT_NULL (strstr (labelled, "checkout-page"));
  CU_ASSERT_PTR_NULL (strstr (plain, "checkout-page"));
  CU_ASSERT_PTR_NOT_NULL (strstr (plain, "echo"));
  tally_pool_close (pool);
}

/* ---- may it be made again? ---- */

static gboolean
call_on_dying_connection (guint method, TallyIdempotence idempotence, GError **error)
{
  const TallyCallOptions options = { .idempotence = idempotence };
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_auto (EchoServer) server;
  g_autoptr (TallyChannel) channel = NULL;
  gboolean done;

  tally_pool_set_check_hook (pool, echo_believe_everything, NULL, NULL);
  echo_server_start (&server, echo_answer_all_but_second, "?", NULL);
  channel = echo_server_connect (&server, pool);
  CU_ASSERT_TRUE (call (channel, method, "first", &options, NULL));
  done = call (channel, method, "second", &options, error);
  assert_int (g_atomic_int_get (&server.requests), done ? 3 : 2);
  tally_pool_close (pool);
  return done;
}

static void
rule_13_a_caller_may_say_that_a_call_is_idempotent (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (call_on_dying_connection (ECHO_ECHO, TALLY_IDEMPOTENCE_YES, NULL));
  CU_ASSERT_FALSE (call_on_dying_connection (ECHO_ECHO, TALLY_IDEMPOTENCE_OF_METHOD, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
}

static void
rule_13_a_caller_may_say_that_a_call_is_not_idempotent (void)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (call_on_dying_connection (ECHO_GET, TALLY_IDEMPOTENCE_OF_METHOD, NULL));
  CU_ASSERT_FALSE (call_on_dying_connection (ECHO_GET, TALLY_IDEMPOTENCE_NO, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_timeout_goes_before_the_channels),
    TEST (a_deadline_goes_before_the_channels_timeout),
    TEST (of_timeout_and_deadline_the_earlier_counts),
    TEST (a_call_may_take_longer_than_the_channel_allows),
    TEST (a_deadline_that_has_passed_sends_nothing),
    TEST (no_options_are_the_channels),
    TEST (a_cancelled_call_sends_nothing),
    TEST (a_label_names_the_lease),
    TEST (rule_13_a_caller_may_say_that_a_call_is_idempotent),
    TEST (rule_13_a_caller_may_say_that_a_call_is_not_idempotent),
    { NULL },
  };

  return test_main ("call-options", cases, argc, argv);
}

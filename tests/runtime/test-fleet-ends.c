/* Owns the tests of what a channel over several endpoints does when one of them ends: replays elsewhere, without a lost
 * call; and of ends of its own: hedges, forks, a pool that closes. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fleet-fixture.h"
#include "peer.h"
#include "tally-retry-policy.h"
#include "tls-relay.h"

#define N_CALLERS 4

/* ---- a server that stops under load ---- */

typedef struct
{
  const Fleet *fleet;
  FleetEcho echo;
  gint is_over; /* atomic */
  gint n_calls; /* atomic */
  gint n_failed;
  gchar *failure; /* nullable: one of them */
} Load;

static gpointer
make_calls (gpointer data)
{
  Load *self = data;

  while (!g_atomic_int_get (&self->is_over))
    {
      g_autoptr (GError) error = NULL;

      if (!self->echo (self->fleet, NULL, &error))
        {
          gchar *text = g_strdup (error->message);

          g_atomic_int_inc (&self->n_failed);
          if (!g_atomic_pointer_compare_and_exchange (&self->failure, NULL, text))
            g_free (text);
        }
      g_atomic_int_inc (&self->n_calls);
    }
  return NULL;
}

static void
await_calls (const Load *self, gint count)
{
  gint until = g_atomic_int_get (&self->n_calls) + count;

  while (g_atomic_int_get (&self->n_calls) < until)
    g_thread_yield ();
}

static void
stop_one_under_load (const gchar *options, FleetEcho echo)
{
  GThread *threads[N_CALLERS];
  Fleet fleet;
  Load load = { .fleet = &fleet, .echo = echo };

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, options);
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new ("caller", make_calls, &load);
  await_calls (&load, 100);
  fleet_stop_server (&fleet, 1);
  await_calls (&load, 200);
  g_atomic_int_set (&load.is_over, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  assert_int (load.n_failed, 0);
  if (load.failure != NULL)
    g_printerr ("# %s: %s\n", options, load.failure);
  g_free (load.failure);
  fleet_stop (&fleet);
}

static void
no_call_is_lost_when_one_stops (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_modes) * G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autofree gchar *options =
          g_strconcat ("picker=round-robin&mode=", fleet_modes[i / 2], NULL);

      stop_one_under_load (options, fleet_echoes[i % 2]);
    }
}

static void
nor_with_other_pickers (void)
{
  stop_one_under_load ("picker=two-choices", fleet_echo);
  stop_one_under_load ("picker=least&mode=shared", fleet_echo_async);
  stop_one_under_load ("picker=first", fleet_echo);
}

/* ---- a server that dies ---- */

/* Answers the first call of ping, and ends the connection in the middle of the next one. */
static void
answer_one_and_die (gint fd, guint index, gpointer data)
{
  guint8 bytes[256];

  for (guint i = 0; i < 2; i++)
    {
      guint32 length;

      if (!test_read_exact (fd, bytes, sizeof length))
        return;
      memcpy (&length, bytes, sizeof length);
      length = GUINT32_FROM_BE (length);
      if (length > sizeof bytes - sizeof length
          || !test_read_exact (fd, bytes + sizeof length, length) || i == 1)
        return;
      bytes[sizeof length + 3] = 2; /* the same message as a reply */
      test_write_all (fd, bytes, sizeof length + length);
    }
}

/* A fleet that has @peer before the servers. */
static void
start_with_peer (Fleet *fleet, TestPeer **peer, TestPeerScript script, const gchar *options)
{
  g_autofree gchar *uri = NULL;
  const gchar *address;

  *peer = test_peer_start (script, NULL);
  uri = test_peer_dup_uri (*peer, "");
  address = strstr (uri, "://") + strlen ("://");
  fleet_start (fleet, NULL, NULL);
  g_string_prepend_c (fleet->list, ',');
  g_string_prepend_len (fleet->list, address, (gssize) strcspn (address, "?"));
  fleet_open (fleet, options);
}

static gboolean
ping (const Fleet *fleet, const TallyCallOptions *options, GError **error)
{
  return tally_channel_call_with (fleet->channel, test_ping_method, NULL, NULL, options, error);
}

static void
on_pinged (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
ping_async (const Fleet *fleet, const TallyCallOptions *options, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  tally_channel_call_async (fleet->channel, test_ping_method, NULL, options, NULL, on_pinged,
                            &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return tally_channel_call_finish (fleet->channel, test_ping_method, result, NULL, error);
}

static const FleetEcho pings[] = { ping, ping_async };

/* Of a channel that has called the first endpoint of its list the next call is lost there. */
static void
lose_second_call (FleetEcho way, const gchar *options, gboolean is_idempotent)
{
  const TallyCallOptions call = { .idempotence = is_idempotent ? TALLY_IDEMPOTENCE_YES
                                                               : TALLY_IDEMPOTENCE_NO };
  TestPeer *peer;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;
  Fleet fleet;

  start_with_peer (&fleet, &peer, answer_one_and_die, options);
  uri = g_strndup (fleet.list->str, strcspn (fleet.list->str, ","));
  CU_ASSERT_TRUE (way (&fleet, NULL, NULL));
  assert_int (fleet_count (&fleet, 0), 0);
  CU_ASSERT (way (&fleet, &call, &error) == is_idempotent);
  assert_int (fleet_count (&fleet, 0), is_idempotent);
  if (is_idempotent)
    assert_no_error (error);
  else
    {
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, uri);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, "may have been executed");
    }
  CU_ASSERT_TRUE (way (&fleet, &call, NULL)); /* not there, for a moment */
  assert_int (fleet_count (&fleet, 0), 1 + is_idempotent);
  fleet_stop (&fleet);
  test_peer_stop (peer);
}

/* The replay of an idempotent call goes elsewhere; another call fails, and its error names the endpoint. */
static void
rule_13_the_replay_goes_to_another_endpoint (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pings) * 2; i++)
    {
      const gchar *options = i / 2 == 0 ? "picker=first" : "picker=first&mode=shared";

      lose_second_call (pings[i % 2], options, TRUE);
      lose_second_call (pings[i % 2], options, FALSE);
    }
}

static void
read_one_and_die (gint fd, guint index, gpointer data)
{
  gchar byte;

  test_read_exact (fd, &byte, 1);
}

/* An attempt by a policy goes elsewhere, too. */
static void
the_next_attempt_goes_to_another_endpoint (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pings); i++)
    {
      TallyRetryPolicy *policy = tally_retry_policy_new (2);
      const TallyCallOptions options = { .idempotence = TALLY_IDEMPOTENCE_YES,
                                         .retry_policy = policy };
      TestPeer *peer;
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      tally_retry_policy_set_errors (policy, TALLY_RETRY_LOST);
      start_with_peer (&fleet, &peer, read_one_and_die, "picker=first");
      CU_ASSERT_TRUE (pings[i](&fleet, &options, &error));
      assert_no_error (error);
      assert_int (fleet_count (&fleet, 0), 1);
      fleet_stop (&fleet);
      test_peer_stop (peer);
      tally_retry_policy_unref (policy);
    }
}

/* ---- a server that refuses ---- */

/* Reads a call, and says goodbye as a server does that has not served the connection when it stops. */
static void
say_goodbye (gint fd, guint index, gpointer data)
{
  static const gchar text[] =
      "the server is stopping; a request that was not answered before this was not executed";
  guint8 message[256] = { 0, 0, 0, 0, 0x80, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 11, 0, 1, 0, 0, 0, 0 };
  const guint text_length = sizeof text - 1;
  guint8 *end = message + 23 + text_length;
  gchar request[64];

  test_read_exact (fd, request, 4 + 4 + 4 + 4 + 4 + 1); /* a ping */
  memcpy (message + 23, text, text_length);
  message[22] = (guint8) text_length;
  *end++ = 0;
  message[3] = (guint8) (end - message - 4);
  test_write_all (fd, message, (gsize) (end - message));
}

static void
a_goodbye_sends_a_call_elsewhere (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pings) * G_N_ELEMENTS (fleet_modes); i++)
    {
      g_autofree gchar *options = g_strconcat ("picker=first&mode=", fleet_modes[i / 2], NULL);
      TestPeer *peer;
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      start_with_peer (&fleet, &peer, say_goodbye, options);
      CU_ASSERT_TRUE (pings[i % 2](&fleet, NULL, &error));
      assert_no_error (error);
      assert_int (fleet_count (&fleet, 0), 1);
      fleet_stop (&fleet);
      test_peer_stop (peer);
    }
}

/* It is full, and says so: another one is asked. */
static void
a_call_that_is_refused_goes_elsewhere (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      Fleet fleet;
      gint fd;

      fleet_start (&fleet, NULL, "max-connections=1");
      fd = peer_connect (fleet.servers[0]);
      CU_ASSERT_TRUE (peer_echoes (fd, &framed_binary, 1, "occupied"));
      fleet_open (&fleet, "picker=first");
      CU_ASSERT_TRUE (fleet_echoes[i](&fleet, NULL, &error));
      assert_no_error (error);
      assert_int (fleet_count (&fleet, 0), 1);
      assert_int (fleet_count (&fleet, 1), 1);
      close (fd);
      fleet_stop (&fleet);
    }
}

/* All are full: not every one of many is asked. */
static void
servers_that_are_full_are_not_all_asked (void)
{
  g_autoptr (GError) error = NULL;
  gint fds[FLEET_SERVERS];
  Fleet fleet;

  fleet_start (&fleet, NULL, "max-connections=1");
  for (guint i = 0; i < FLEET_SERVERS; i++)
    {
      fds[i] = peer_connect (fleet.servers[i]);
      CU_ASSERT_TRUE (peer_echoes (fds[i], &framed_binary, 1, "occupied"));
    }
  fleet_open (&fleet, "picker=first");
  CU_ASSERT_FALSE (fleet_echo (&fleet, NULL, &error));
  CU_ASSERT_PTR_NOT_NULL_FATAL (error);
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "2 endpoints failed: "));
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, "the server is full"));
  for (guint i = 0; i < FLEET_SERVERS; i++)
    close (fds[i]);
  fleet_stop (&fleet);
}

/* ---- hedges, forks, a closed pool ---- */

typedef struct
{
  const Fleet *fleet;
  TallyRetryPolicy *policy;
} Hedged;

static gpointer
call_block (gpointer data)
{
  const Hedged *self = data;
  const TallyCallOptions options = { .retry_policy = self->policy,
                                     .idempotence = TALLY_IDEMPOTENCE_YES };
  const TallyMethod *block = tally_service_find_method (&base_service, "block", 5);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (
      tally_channel_call_with (self->fleet->channel, block, NULL, NULL, &options, &error));
  assert_no_error (error);
  return NULL;
}

static TallyRetryPolicy *
new_hedging (guint floor, guint least_ms)
{
  TallyRetryPolicy *policy = tally_retry_policy_new (2);

  tally_retry_policy_set_budget (policy, 0, floor);
  tally_retry_policy_set_hedging (policy, 90, least_ms);
  return policy;
}

/* The second attempt is held by another server than the first. */
static void
a_hedge_goes_to_another_endpoint (void)
{
  TallyRetryPolicy *slow = new_hedging (1, 60000);
  const TallyCallOptions warm = { .retry_policy = slow, .idempotence = TALLY_IDEMPOTENCE_YES };
  Hedged hedged;
  GThread *thread;
  Fleet fleet;

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "picker=first");
  for (guint i = 0; i < 20; i++)
    CU_ASSERT_TRUE (fleet_echo (&fleet, &warm, NULL));
  hedged = (Hedged){ &fleet, new_hedging (10, 1) };
  thread = g_thread_new ("caller", call_block, &hedged);
  test_handler_wait_inside (fleet.servers[0]->handler, 1);
  test_handler_wait_inside (fleet.servers[1]->handler, 1);
  test_handler_release (fleet.servers[1]->handler);
  g_thread_join (thread);
  test_handler_release (fleet.servers[0]->handler);
  tally_retry_policy_unref (hedged.policy);
  tally_retry_policy_unref (slow);
  fleet_stop (&fleet);
}

static void
rule_22_a_child_calls_too (void)
{
  Fleet fleet;
  pid_t child;
  int status;

  if (!fleet_can_follow_children ())
    return;
  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "picker=least&subset=2");
  CU_ASSERT_TRUE (fleet_echo (&fleet, NULL, NULL));
  child = test_fork ();
  if (child == 0)
    {
      alarm (100);
      for (guint i = 0; i < 10; i++)
        {
          GError *error = NULL;

          if (fleet_echo (&fleet, NULL, &error))
            continue;
          g_printerr ("# %s\n", error->message);
          _exit (1);
        }
      _exit (0);
    }
  CU_ASSERT (waitpid (child, &status, 0) == child);
  CU_ASSERT (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  CU_ASSERT_TRUE (fleet_echo (&fleet, NULL, NULL));
  fleet_stop (&fleet);
}

/* Not one endpoint after the other is asked then. */
static void
a_closed_pool_ends_calls (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fleet_echoes); i++)
    {
      g_autoptr (GError) error = NULL;
      Fleet fleet;

      fleet_start (&fleet, NULL, NULL);
      fleet_open (&fleet, "");
      CU_ASSERT_TRUE (fleet_echoes[i](&fleet, NULL, NULL));
      tally_pool_close (fleet.pool);
      CU_ASSERT_FALSE (fleet_echoes[i](&fleet, NULL, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_POOL_CLOSED, "the pool is closed");
      CU_ASSERT_PTR_NULL (strstr (error->message, "endpoints failed"));
      fleet_stop (&fleet);
    }
}

static void
a_pool_that_closes_under_load_ends_calls (void)
{
  GThread *threads[N_CALLERS];
  Fleet fleet;
  Load load = { .fleet = &fleet, .echo = fleet_echo };

  fleet_start (&fleet, NULL, NULL);
  fleet_open (&fleet, "mode=unpooled");
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new ("caller", make_calls, &load);
  await_calls (&load, 20);
  tally_pool_close (fleet.pool);
  await_calls (&load, 20);
  g_atomic_int_set (&load.is_over, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  CU_ASSERT (load.n_failed > 0);
  g_free (load.failure);
  fleet_stop (&fleet);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (no_call_is_lost_when_one_stops),
    TEST (nor_with_other_pickers),
    TEST (rule_13_the_replay_goes_to_another_endpoint),
    TEST (the_next_attempt_goes_to_another_endpoint),
    TEST (a_goodbye_sends_a_call_elsewhere),
    TEST (a_call_that_is_refused_goes_elsewhere),
    TEST (servers_that_are_full_are_not_all_asked),
    TEST (a_hedge_goes_to_another_endpoint),
    TEST (rule_22_a_child_calls_too),
    TEST (a_closed_pool_ends_calls),
    TEST (a_pool_that_closes_under_load_ends_calls),
    { NULL, NULL },
  };

  /* what GLib opens once */
  g_main_context_default ();
  return test_main ("fleet-ends", cases, argc, argv);
}

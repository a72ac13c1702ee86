/* Owns the tests of servers that are members of a path in ZooKeeper while they serve, with a real server of it. */
#include <string.h>

#include "harness.h"
#include "zookeeper-fixture.h"

#define N_CALLERS 3
#define ROUND_ROBIN "?picker=round-robin&mode=shared"

/* (transfer full) (nullable) */
static gchar *
read_member (const Fleet *fleet, const gchar *name)
{
  g_autofree gchar *path = g_strconcat (fleet->path, "/", name, NULL);

  return zookeeper_read (path);
}

static void
uris_are_checked (void)
{
  static const gchar *const bad[] = { "zookeeper://a:2181", "zookeeper://a:2181/s?mode=shared",
                                      "zookeeper://a:2181/s!admin", "tcp://a:2181/s" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_zookeeper_registration_new (bad[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, bad[i]);
    }
}

/* From the moment at which it serves to that at which a stop begins to drain it. */
static void
a_server_is_a_member_while_it_serves (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_stop_server (&fleet, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TallyRegistration) registration = fleet_new_registration (&fleet);
      g_autoptr (GPtrArray) names = NULL;
      g_autoptr (GPtrArray) left = NULL;
      g_autofree gchar *data = NULL;
      g_autofree gchar *expected = NULL;

      if (i == 1)
        g_object_set (registration, "host", "calc.example", "shard", 7, "session-timeout", 5000,
                      NULL);
      fleet_start_server (&fleet, 0, registration);
      names = zookeeper_await_count (fleet.path, 1);
      CU_ASSERT_TRUE (g_str_has_prefix (names->pdata[0], "member_"));
      data = read_member (&fleet, names->pdata[0]);
      expected = g_strdup_printf ("{\"serviceEndpoint\":{\"host\":\"%s\",\"port\":%u},"
                                  "\"additionalEndpoints\":{},\"status\":\"ALIVE\"%s}",
                                  i == 0 ? "127.0.0.1" : "calc.example", fleet.servers[0].port,
                                  i == 0 ? "" : ",\"shard\":7");
      assert_string (data, expected);
      fleet_stop_server (&fleet, 0);
      left = zookeeper_list (fleet.path); /* without a wait */
      assert_int (left->len, 0);
    }
  fleet_stop (&fleet);
}

/* It is not told of; it serves all the same. */
static void
a_name_that_is_none_is_refused (void)
{
  g_autoptr (TallyRegistration) registration = NULL;
  g_autoptr (TallyChannel) channel = NULL;
  g_autofree gchar *uri = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_stop_server (&fleet, 0);
  registration = fleet_new_registration (&fleet);
  g_object_set (registration, "host", "a\"b", NULL);
  g_test_expect_message ("tally", G_LOG_LEVEL_WARNING,
                         "*its host \"a*neither a name nor an address*");
  fleet_start_server (&fleet, 0, registration);
  uri = tally_server_dup_uri (fleet.servers[0].server);
  channel = tally_channel_new_with_pool (uri, fleet.pool, NULL);
  CU_ASSERT_TRUE (echo_once (channel, NULL));
  fleet_stop_server (&fleet, 0);
  g_test_assert_expected_messages ();
  g_clear_object (&channel);
  fleet_stop (&fleet);
}

/* A session that lasts keeps its member, and there is no second one; one that expired is followed by another. */
static void
the_member_outlives_zookeeper (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start_registered (&fleet);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "012");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) before = zookeeper_list (fleet.path);
      g_autoptr (GPtrArray) after = NULL;

      zookeeper_kill ();
      CU_ASSERT_TRUE (echo_once (fleet.channel, NULL));
      zookeeper_restart (i == 0);
      after = zookeeper_await_count (fleet.path, N_SERVERS);
      for (guint n = 0; n < N_SERVERS && i == 0 && before->len == N_SERVERS; n++)
        assert_string (after->pdata[n], before->pdata[n]);
      fleet_await (&fleet, fleet.channel, "012");
    }
  fleet_stop (&fleet);
}

/* Somebody removes the members: they are made again. */
static void
a_member_that_was_removed_is_made_again (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start_registered (&fleet);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GPtrArray) before = zookeeper_await_count (fleet.path, N_SERVERS);
      g_autoptr (GPtrArray) after = NULL;

      for (guint n = 0; n < N_SERVERS; n++)
        fleet_leave (&fleet, before->pdata[n]);
      after = zookeeper_await_count (fleet.path, N_SERVERS);
      for (guint n = 0; n < N_SERVERS; n++)
        CU_ASSERT (g_strcmp0 (after->pdata[n], before->pdata[N_SERVERS - 1]) > 0);
    }
  fleet_stop (&fleet);
}

/* ZooKeeper is away: a stop waits no longer for it than it is told. */
static void
a_stop_needs_no_zookeeper (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start_registered (&fleet);
  g_ptr_array_unref (zookeeper_await_count (fleet.path, N_SERVERS));
  zookeeper_kill ();
  for (guint i = 0; i < N_SERVERS; i++)
    {
      g_object_set (fleet.servers[i].server, "leave-timeout", 10, NULL);
      g_test_expect_message ("tally", G_LOG_LEVEL_WARNING, "*goes with its session, in 10000 ms*");
      fleet_stop_server (&fleet, i);
    }
  g_test_assert_expected_messages ();
  zookeeper_restart (FALSE);
  fleet_stop (&fleet);
}

typedef struct
{
  TallyChannel *channel;
  gint stop;     /* atomic: by the test, or after an error */
  GError *error; /* nullable */
} Caller;

static gpointer
call_on (gpointer data)
{
  Caller *self = data;

  while (!g_atomic_int_get (&self->stop))
    if (!echo_once (self->channel, &self->error))
      g_atomic_int_set (&self->stop, TRUE);
  return NULL;
}

/* Each server in turn is stopped, and another one started at another port: no call fails. */
static void
restarts_lose_no_call (void)
{
  Caller callers[N_CALLERS] = { { NULL } };
  GThread *threads[N_CALLERS];
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start_registered (&fleet);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "012");
  for (guint i = 0; i < N_CALLERS; i++)
    {
      callers[i].channel = fleet.channel;
      threads[i] = g_thread_new ("caller", call_on, &callers[i]);
    }
  for (guint i = 0; i < 4 * N_SERVERS; i++)
    {
      g_autoptr (TallyRegistration) registration = fleet_new_registration (&fleet);
      g_autoptr (GError) error = NULL;

      fleet_stop_server (&fleet, i % N_SERVERS);
      fleet_start_server (&fleet, i % N_SERVERS, registration);
      /* until clients have found it */
      while (g_atomic_int_get (&fleet.servers[i % N_SERVERS].n_calls) == 0
             && echo_once (fleet.channel, &error))
        continue;
      assert_no_error (error);
    }
  for (guint i = 0; i < N_CALLERS; i++)
    {
      g_atomic_int_set (&callers[i].stop, TRUE);
      g_thread_join (threads[i]);
      assert_no_error (callers[i].error);
      g_clear_error (&callers[i].error);
    }
  fleet_stop (&fleet);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (uris_are_checked),
    TEST (a_server_is_a_member_while_it_serves),
    TEST (a_name_that_is_none_is_refused),
    TEST (the_member_outlives_zookeeper),
    TEST (a_member_that_was_removed_is_made_again),
    TEST (a_stop_needs_no_zookeeper),
    TEST (restarts_lose_no_call),
    { NULL, NULL },
  };
  gint status = test_main ("zookeeper-registration", cases, argc, argv);

  zookeeper_finish ();
  return status;
}

/* Owns the tests of channels whose endpoints are members of a path in ZooKeeper, with a real server of it, which is killed and started
 * again. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "zookeeper-fixture.h"

#define ROUND_ROBIN "?picker=round-robin&mode=shared"

/* ---- what is a member ---- */

static void
members_come_and_go (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  fleet_enter (&fleet, "member_0000000002", 1);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "01");
  fleet_enter (&fleet, "member_0000000003", 2);
  fleet_await (&fleet, fleet.channel, "012");
  fleet_leave (&fleet, "member_0000000001");
  fleet_await (&fleet, fleet.channel, "12");
  fleet_enter (&fleet, "member_0000000003", 0); /* the data of a member change */
  fleet_await (&fleet, fleet.channel, "01");
  fleet_stop (&fleet);
}

/* One that says so, one that makes no sense, one that is too long, and a node that is none. */
static void
only_what_is_alive_is_used (void)
{
  g_autofree gchar *large = g_strnfill (65537, ' ');
  g_autofree gchar *dead = NULL;
  g_autofree gchar *nonsense = NULL;
  g_autofree gchar *too_long = NULL;
  g_autofree gchar *vector = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  dead = g_strconcat (fleet.path, "/member_0000000001", NULL);
  nonsense = g_strconcat (fleet.path, "/member_0000000002", NULL);
  too_long = g_strconcat (fleet.path, "/member_0000000003", NULL);
  vector = g_strconcat (fleet.path, "/vector_0000000004", NULL);
  zookeeper_write (dead,
                   "{\"serviceEndpoint\":{\"host\":\"127.0.0.1\",\"port\":1},\"status\":\"DEAD\"}");
  zookeeper_write (nonsense,
                   "{\"serviceEndpoint\":{\"host\":\"a/b\",\"port\":1},\"status\":\"ALIVE\"}");
  zookeeper_write (too_long, large);
  zookeeper_write (vector, "{\"vector\":[]}");
  fleet_enter (&fleet, "member_0000000005", 1);
  fleet_enter (&fleet, "member_0000000006", 1); /* twice, as after its session expired */
  g_test_expect_message ("tally", G_LOG_LEVEL_WARNING,
                         "*/member_0000000002 is left out: its host \"a/b\"*");
  g_test_expect_message ("tally", G_LOG_LEVEL_WARNING,
                         "*/member_0000000003 is left out: it has 65537 bytes*");
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "1");
  g_test_assert_expected_messages ();
  for (guint i = 0; i < 30; i++) /* no endpoint but that one was ever tried */
    CU_ASSERT_TRUE (echo_once (fleet.channel, NULL));
  fleet_stop (&fleet);
}

static void
hive_servers_are_members (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *path =
          g_strdup_printf ("%s/serverUri=127.0.0.1:%u;version=3.1.3;sequence=000000000%u",
                           fleet.path, fleet.servers[i].port, i);
      g_autofree gchar *settings =
          g_strdup_printf ("hive.server2.thrift.bind.host=127.0.0.1;hive.server2.transport.mode="
                           "binary;hive.server2.thrift.port=%u;",
                           fleet.servers[2].port);

      zookeeper_write (path, i == 0 ? "" : settings); /* an older one, and one of today */
    }
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "02");
  fleet_stop (&fleet);
}

static void
a_named_endpoint_is_taken (void)
{
  g_autofree gchar *path = NULL;
  g_autofree gchar *data = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  path = g_strconcat (fleet.path, "/member_0000000001", NULL);
  data = g_strdup_printf ("{\"serviceEndpoint\":{\"host\":\"127.0.0.1\",\"port\":%u},"
                          "\"additionalEndpoints\":{\"thrift\":{\"host\":"
                          "\"127.0.0.1\",\"port\":%u}},\"status\":\"ALIVE\",\"shard\":0}",
                          fleet.servers[0].port, fleet.servers[1].port);
  zookeeper_write (path, data);
  fleet.channel = fleet_open (&fleet, "!thrift" ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "1");
  fleet_stop (&fleet);
}

/* ---- what is not there ---- */

/* Calls are told at once that a path has no members; the path, and a member in it, may come later. */
static void
an_empty_path_is_an_error (void)
{
  g_autoptr (GError) error = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  CU_ASSERT_FALSE (echo_once (fleet.channel, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "has no member that can be used");
  CU_ASSERT_PTR_NOT_NULL (strstr (error->message, fleet.path));
  zookeeper_write (fleet.path, "");
  fleet_enter (&fleet, "member_0000000001", 2);
  fleet_await (&fleet, fleet.channel, "2");
  fleet_leave (&fleet, "member_0000000001"); /* of a list that is not empty the last one stays */
  fleet_enter (&fleet, "vector_0000000001", 0);
  for (guint i = 0; i < 100; i++)
    CU_ASSERT_TRUE (echo_once (fleet.channel, NULL));
  fleet_stop (&fleet);
}

static void
an_absent_server_is_named (void)
{
  g_autoptr (GError) error = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  zookeeper_kill ();
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN "&timeout=600000");
  CU_ASSERT_FALSE (echo_once (fleet.channel, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, zookeeper_get_server ());
  zookeeper_restart (TRUE);
  fleet_await (&fleet, fleet.channel, "0");
  fleet_stop (&fleet);
}

/* ---- ZooKeeper comes and goes ---- */

static void
it_restarts (void)
{
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "0");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      zookeeper_kill ();
      for (guint n = 0; n < 100; n++)
        if (!echo_once (fleet.channel, &error))
          break;
      assert_no_error (error);
      zookeeper_restart (TRUE);
      fleet_enter (&fleet, i == 0 ? "member_0000000002" : "member_0000000003", i + 1);
      fleet_await (&fleet, fleet.channel, i == 0 ? "01" : "012");
    }
  fleet_stop (&fleet);
}

/* It has lost its data, and with them the session, which has expired. What it says then is used as soon as it names a member. */
static void
the_session_expires (void)
{
  g_autoptr (GError) error = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  fleet_enter (&fleet, "member_0000000002", 1);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "01");
  for (guint i = 0; i < 2; i++)
    {
      zookeeper_kill ();
      zookeeper_restart (FALSE);
      fleet_await (&fleet, fleet.channel, i == 0 ? "01" : "2");
      fleet_enter (&fleet, "member_0000000003", 2);
      fleet_await (&fleet, fleet.channel, "2");
    }
  fleet_enter (&fleet, "member_0000000004", 1);
  fleet_await (&fleet, fleet.channel, "12");
  fleet_stop (&fleet);
}

typedef struct
{
  TallyChannel *channel;
  gint stop;     /* atomic */
  gint n_calls;  /* atomic */
  GError *error; /* nullable: the first */
} Caller;

static gpointer
call_on (gpointer data)
{
  Caller *self = data;

  while (!g_atomic_int_get (&self->stop) && self->error == NULL)
    if (echo_once (self->channel, &self->error))
      g_atomic_int_inc (&self->n_calls);
  return NULL;
}

/* So many calls more. */
static void
await_calls (const Caller *caller)
{
  gint before = g_atomic_int_get (&caller->n_calls);

  while (g_atomic_int_get (&caller->n_calls) < before + 100
         && g_atomic_pointer_get (&caller->error) == NULL)
    g_thread_yield ();
}

/* No call fails meanwhile. */
static void
it_restarts_under_load (void)
{
  Caller callers[4] = { { NULL } };
  GThread *threads[G_N_ELEMENTS (callers)];
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  fleet_enter (&fleet, "member_0000000002", 1);
  fleet.channel = fleet_open (&fleet, ROUND_ROBIN);
  fleet_await (&fleet, fleet.channel, "01");
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      callers[i].channel = fleet.channel;
      threads[i] = g_thread_new ("caller", call_on, &callers[i]);
    }
  for (guint i = 0; i < 4; i++)
    {
      await_calls (&callers[i % G_N_ELEMENTS (callers)]);
      zookeeper_kill ();
      await_calls (&callers[i % G_N_ELEMENTS (callers)]);
      zookeeper_restart (i % 2 == 0);
      fleet_enter (&fleet, "member_0000000002", 1);
      fleet_enter (&fleet, "member_0000000003", i % 2 == 0 ? 2 : 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_atomic_int_set (&callers[i].stop, TRUE);
      g_thread_join (threads[i]);
      assert_no_error (callers[i].error);
      g_clear_error (&callers[i].error);
    }
  fleet_await (&fleet, fleet.channel, "01");
  fleet_stop (&fleet);
}

/* ---- who follows ---- */

static void
channels_share_a_resolver (void)
{
  g_autofree gchar *uri = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyResolver) resolver = NULL;
  g_autoptr (TallyChannel) other = NULL;
  Fleet fleet;

  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  uri = g_strconcat ("zookeeper://", zookeeper_get_server (), fleet.path, NULL);
  resolver = tally_zookeeper_resolver_new (uri, &error);
  assert_no_error (error);
  fleet.channel =
      tally_channel_new_with_resolver ("tcp://echo:0" ROUND_ROBIN, resolver, fleet.pool, &error);
  other = tally_channel_new_with_resolver ("tcp://echo:0?picker=round-robin", resolver, fleet.pool,
                                           &error);
  assert_no_error (error);
  fleet_await (&fleet, fleet.channel, "0");
  fleet_enter (&fleet, "member_0000000002", 1);
  fleet_await (&fleet, fleet.channel, "01");
  fleet_await (&fleet, other, "01");
  g_clear_object (&other);
  fleet_leave (&fleet, "member_0000000001");
  fleet_await (&fleet, fleet.channel, "1");
  fleet_stop (&fleet);
}

/* In the child: it has the list, and a session of its own. */
static void
call_in_child (Fleet *fleet)
{
  gint64 end = g_get_monotonic_time () + 5 * G_TIME_SPAN_MINUTE;
  g_autofree gchar *dump = NULL;

  do
    {
      if (!echo_once (fleet->channel, NULL))
        _exit (1);
      g_free (dump);
      dump = tally_pool_dump (fleet->pool);
    }
  while (strstr (dump, fleet->servers[2].address) == NULL && g_get_monotonic_time () < end);
  _exit (strstr (dump, fleet->servers[2].address) != NULL ? 0 : 2);
}

static void
a_child_process_follows_too (void)
{
  gint status = -1;
  pid_t child;
  Fleet fleet;

#ifdef __SANITIZE_THREAD__
  test_skip ("ThreadSanitizer allows no threads after a fork");
  return;
#endif
  if (!zookeeper_begin ())
    return;
  fleet_start (&fleet);
  fleet_enter (&fleet, "member_0000000001", 0);
  fleet.channel = fleet_open (&fleet, "?picker=round-robin");
  fleet_await (&fleet, fleet.channel, "0");
  child = test_fork ();
  if (child == 0)
    call_in_child (&fleet);
  fleet_enter (&fleet, "member_0000000002", 2);
  CU_ASSERT_EQUAL (waitpid (child, &status, 0), child);
  assert_int (status, 0);
  fleet_await (&fleet, fleet.channel, "02"); /* the parent's session was left alone */
  fleet_stop (&fleet);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (members_come_and_go),
    TEST (only_what_is_alive_is_used),
    TEST (hive_servers_are_members),
    TEST (a_named_endpoint_is_taken),
    TEST (an_empty_path_is_an_error),
    TEST (an_absent_server_is_named),
    TEST (it_restarts),
    TEST (the_session_expires),
    TEST (it_restarts_under_load),
    TEST (channels_share_a_resolver),
    TEST (a_child_process_follows_too),
    { NULL, NULL },
  };
  gint status = test_main ("zookeeper", cases, argc, argv);

  zookeeper_finish ();
  return status;
}

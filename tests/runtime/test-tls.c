/* Owns the tests of calls over TLS: in every mode, large and small, one way, many at once; who the client
 * is; new certificates; a stop. */
#include <string.h>

#include "tls-fixture.h"

static const gchar *const modes[] = { "mode=pooled", "mode=unpooled", "mode=shared" };

/* (transfer full) */
static TallyChannel *
connect_in_mode (TlsServer *server, const gchar *mode)
{
  g_autofree gchar *options = g_strdup_printf ("ca=ca&%s", mode);

  return tls_connect (server->uri, options, NULL);
}

static void
calls_go_through_in_every_mode (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyChannel) channel = connect_in_mode (server, modes[i]);

      for (guint n = 0; n < 20; n++)
        {
          g_autofree gchar *text = g_strdup_printf ("%s %u", modes[i], n);

          CU_ASSERT (tls_echoes (channel, text));
        }
    }
  tls_server_stop (server);
}

static void
a_oneway_arrives (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyChannel) channel = connect_in_mode (server, modes[i]);
      g_autoptr (GError) error = NULL;

      CU_ASSERT (tls_tell (channel, "note", "hear", &error));
      assert_no_error (error);
      test_handler_wait_notes (server->handler, i + 1);
    }
  tls_server_stop (server);
}

#define LARGE (5 * 1024 * 1024)

static void
messages_of_5_MiB_go_both_ways (void)
{
  TlsServer *server;
  g_autoptr (GByteArray) data = g_byte_array_new ();

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  g_byte_array_set_size (data, LARGE);
  for (guint i = 0; i < data->len; i++)
    data->data[i] = i * 31 + i / 4096;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autoptr (TallyChannel) channel = connect_in_mode (server, modes[i]);
      BlobArgs args = { data };
      g_autoptr (GByteArray) reply = NULL;
      gpointer results[] = { &reply };
      g_autoptr (GError) error = NULL;

      CU_ASSERT (
          tally_channel_call (channel, tls_find_method ("blob"), &args, results, -1, NULL, &error));
      assert_no_error (error);
      CU_ASSERT (reply != NULL && reply->len == LARGE
                 && memcmp (reply->data, data->data, LARGE) == 0);
    }
  tls_server_stop (server);
}

/* ---- many at once ---- */

#define N_CALLERS 8
#define N_CALLS 60

static gpointer
call_often (gpointer data)
{
  guint failed = 0;

  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autofree gchar *text = g_strnfill (i % 7 == 0 ? 40000 : i, 'x');
      g_autofree gchar *reply = tls_call (data, "echo", text, -1, NULL);

      failed += g_strcmp0 (reply, text) != 0;
    }
  return GUINT_TO_POINTER (failed);
}

/* How many calls of all threads failed. */
static guint
call_in_threads (TallyChannel *channel)
{
  GThread *threads[N_CALLERS];
  guint failed = 0;

  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new (NULL, call_often, channel);
  for (guint i = 0; i < N_CALLERS; i++)
    failed += GPOINTER_TO_UINT (g_thread_join (threads[i]));
  return failed;
}

static void
many_callers_share_a_connection (void)
{
  TlsServer *server;
  TallyServerSnapshot statistics;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  {
    g_autoptr (TallyChannel) channel = connect_in_mode (server, "mode=shared");

    assert_int (call_in_threads (channel), 0);
    tally_server_snapshot (server->server, &statistics);
    assert_int (statistics.requests, N_CALLERS * N_CALLS);
    assert_int (statistics.accepted, 1);
  }
  tls_server_stop (server);
}

static void
many_callers_have_connections (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  {
    g_autoptr (TallyChannel) channel = connect_in_mode (server, "mode=pooled");

    assert_int (call_in_threads (channel), 0);
  }
  tls_server_stop (server);
}

/* Each call makes one connection: no handshake is begun by a borrower and cut off (rule 4). */
static void
a_connection_for_each_of_many_calls (void)
{
  TlsServer *server;
  TallyServerSnapshot statistics;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  {
    g_autoptr (TallyChannel) channel = connect_in_mode (server, "mode=unpooled");

    assert_int (call_in_threads (channel), 0);
    tally_server_snapshot (server->server, &statistics);
    assert_int (statistics.accepted, N_CALLERS * N_CALLS);
  }
  tls_server_stop (server);
}

/* ---- the client's identity ---- */

static void
check_subject (TlsServer *server, const gchar *options, const gchar *subject)
{
  g_autoptr (TallyChannel) channel = tls_connect (server->uri, options, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *who = tls_call (channel, "act", "who", -1, &error);

  assert_no_error (error);
  assert_string (who, subject);
}

static void
a_handler_learns_who_the_client_is (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", "ca=ca&clients=requested", 0);
  check_subject (server, "ca=ca&cert=alice", "CN=alice");
  check_subject (server, "ca=ca&cert=bob&mode=shared", "CN=bob");
  check_subject (server, "ca=ca", "nobody");
  tls_server_stop (server);

  server = tls_server_start ("server", "ca=ca&clients=required", 0);
  check_subject (server, "ca=ca&cert=bob&mode=unpooled", "CN=bob");
  tls_server_stop (server);
  CU_ASSERT (tally_server_dup_peer_subject () == NULL);
}

/* Two clients of a process that differ in who they are never get each other's connections. */
static void
a_pool_keeps_identities_apart (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", "ca=ca&clients=required", 0);
  {
    g_autoptr (TallyPool) pool = tally_pool_new ();
    g_autoptr (TallyChannel) alice = tls_connect (server->uri, "ca=ca&cert=alice", pool);
    g_autoptr (TallyChannel) bob = tls_connect (server->uri, "ca=ca&cert=bob", pool);

    for (guint i = 0; i < 6; i++)
      {
        g_autofree gchar *who = tls_call (i % 2 == 0 ? alice : bob, "act", "who", -1, NULL);

        assert_string (who, i % 2 == 0 ? "CN=alice" : "CN=bob");
      }
  }
  tls_server_stop (server);
}

/* ---- new certificates ---- */

static void
new_connections_get_a_new_certificate (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  tls_copy ("server", "current");
  server = tls_server_start ("current", NULL, 0);
  {
    g_autoptr (TallyChannel) channel = connect_in_mode (server, "mode=pooled");
    TallyServerSnapshot statistics;
    g_autofree gchar *before = NULL;
    g_autofree gchar *after = NULL;
    g_autofree gchar *broken = NULL;

    CU_ASSERT (tls_echoes (channel, "before"));
    before = tls_ask_for_subject (server);
    tls_copy ("renewed", "current");
    after = tls_ask_for_subject (server);
    CU_ASSERT (tls_echoes (channel, "after"));
    tls_copy ("ca", "current"); /* without a key: what was read before stays */
    broken = tls_ask_for_subject (server);
    assert_string (before, "CN=server");
    assert_string (after, "CN=renewed");
    assert_string (broken, "CN=renewed");
    tally_server_snapshot (server->server, &statistics);
    assert_int (statistics.accepted, 4); /* the channel's only one has lived on */
  }
  tls_server_stop (server);
}

/* ---- connections of one client ---- */

/* By the certificate, where one was verified, and not by the address, which is the same; however many connections it has. */
static void
a_client_is_told_by_its_certificate (void)
{
  static const gchar *const names[] = { "alice", "alice", "bob" };
  TallyServerSnapshot with, without;
  TallyChannel *channels[3];
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start_for_clients ("server", "clients=requested&ca=ca");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree gchar *options = g_strdup_printf ("mode=pooled&ca=ca&cert=%s", names[i]);

      channels[i] = tls_connect (server->uri, options, NULL);
      CU_ASSERT (tls_echoes (channels[i], names[i]));
    }
  tally_server_snapshot (server->server, &with);
  {
    g_autoptr (TallyChannel) anonymous = tls_connect (server->uri, "mode=pooled&ca=ca", NULL);

    CU_ASSERT (tls_echoes (anonymous, "nobody"));
    tally_server_snapshot (server->server, &without);
  }
  assert_int (with.connections, 3);
  assert_int (with.clients, 2);
  assert_int (without.clients, 3);
  for (guint i = 0; i < 3; i++)
    g_object_unref (channels[i]);
  tls_server_stop (server);
}

/* ---- a stop ---- */

typedef struct
{
  TallyChannel *channel;
  gint *stops;
  gint *n_loading;
  guint n_wrong;
} Loader;

static gpointer
call_until_stopped (gpointer data)
{
  Loader *loader = data;

  while (!g_atomic_int_get (loader->stops))
    {
      g_autoptr (GError) error = NULL;
      g_autofree gchar *reply = tls_call (loader->channel, "echo", "load", -1, &error);

      if (error != NULL)
        break; /* the stop */
      loader->n_wrong += g_strcmp0 (reply, "load") != 0;
    }
  g_atomic_int_add (loader->n_loading, -1);
  return NULL;
}

static void
a_server_under_load_stops (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      TlsServer *server = tls_server_start ("server", NULL, 0);
      g_autoptr (TallyChannel) channel = connect_in_mode (server, modes[i]);
      gint stops = FALSE;
      gint n_loading = 4;
      Loader loaders[4];
      GThread *threads[4];

      for (guint t = 0; t < G_N_ELEMENTS (threads); t++)
        {
          loaders[t] = (Loader){ channel, &stops, &n_loading, 0 };
          threads[t] = g_thread_new (NULL, call_until_stopped, &loaders[t]);
        }
      while (test_handler_n_calls (server->handler) < 40 && g_atomic_int_get (&n_loading) > 0)
        g_thread_yield ();
      CU_ASSERT (test_handler_n_calls (server->handler) >= 40);
      tls_server_stop (server);
      g_atomic_int_set (&stops, TRUE);
      for (guint t = 0; t < G_N_ELEMENTS (threads); t++)
        {
          g_thread_join (threads[t]);
          assert_int (loaders[t].n_wrong, 0);
        }
    }
}

/* Each as a test that leaves nothing open. */
TLS_TEST (calls_go_through_in_every_mode)
TLS_TEST (a_oneway_arrives)
TLS_TEST (messages_of_5_MiB_go_both_ways)
TLS_TEST (many_callers_share_a_connection)
TLS_TEST (many_callers_have_connections)
TLS_TEST (a_connection_for_each_of_many_calls)
TLS_TEST (a_handler_learns_who_the_client_is)
TLS_TEST (a_pool_keeps_identities_apart)
TLS_TEST (new_connections_get_a_new_certificate)
TLS_TEST (a_client_is_told_by_its_certificate)
TLS_TEST (a_server_under_load_stops)

static const TestCase cases[] = { TEST (test_calls_go_through_in_every_mode),
                                  TEST (test_a_oneway_arrives),
                                  TEST (test_messages_of_5_MiB_go_both_ways),
                                  TEST (test_many_callers_share_a_connection),
                                  TEST (test_many_callers_have_connections),
                                  TEST (test_a_connection_for_each_of_many_calls),
                                  TEST (test_a_handler_learns_who_the_client_is),
                                  TEST (test_a_pool_keeps_identities_apart),
                                  TEST (test_new_connections_get_a_new_certificate),
                                  TEST (test_a_client_is_told_by_its_certificate),
                                  TEST (test_a_server_under_load_stops),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls", cases, argc, argv);

  tls_end ();
  return status;
}

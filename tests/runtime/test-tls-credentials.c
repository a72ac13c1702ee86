/* Owns the tests of a client's credentials: when its files are read, and what counts when they cannot be. */
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tls-fixture.h"

/* ---- read once ---- */

/* How often the file that @watch watches was opened since this was asked last. */
static guint
count_opens (gint watch)
{
  struct inotify_event events[64];
  gssize length;
  guint count = 0;

  while ((length = read (watch, events, sizeof events)) > 0)
    count += (guint) length / sizeof *events; /* a file's own events have no name */
  return count;
}

static gint
watch_opens (const gchar *name)
{
  g_autofree gchar *path = tls_file (name);
  gint watch = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);

  CU_ASSERT (watch >= 0 && inotify_add_watch (watch, path, IN_OPEN) >= 0);
  return watch;
}

static void
files_are_read_once (void)
{
  TlsServer *server;
  gint authorities, certificate;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", "ca=ca&clients=required", 0);
  tls_copy ("ca", "current-ca");
  tls_copy ("alice", "current");
  authorities = watch_opens ("current-ca");
  certificate = watch_opens ("current");
  {
    g_autoptr (TallyChannel) channel =
        tls_connect (server->uri, "ca=current-ca&cert=current&mode=unpooled", NULL);

    CU_ASSERT (tls_echoes (channel, "x"));
    CU_ASSERT (count_opens (authorities) > 0 && count_opens (certificate) > 0);
    for (guint i = 0; i < 5; i++)
      CU_ASSERT (tls_echoes (channel, "x"));
    assert_int (count_opens (authorities), 0);
    assert_int (count_opens (certificate), 0);
  }
  close (authorities);
  close (certificate);
  tls_server_stop (server);
}

/* ---- new ones ---- */

static void
a_client_takes_new_authorities (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", NULL, 0);
  tls_copy ("ca", "current-ca");
  {
    g_autoptr (TallyChannel) channel =
        tls_connect (server->uri, "ca=current-ca&mode=unpooled", NULL);
    g_autoptr (GError) error = NULL;

    CU_ASSERT (tls_echoes (channel, "before"));
    tls_write ("current-ca", "-----BEGIN CERTIFICATE-----\n");
    CU_ASSERT (tls_echoes (channel, "with a broken file"));
    tls_copy ("other-ca", "current-ca");
    CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "is not trusted");
  }
  tls_server_stop (server);
}

static void
a_client_takes_a_new_certificate (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", "ca=ca&clients=required", 0);
  tls_copy ("alice", "current");
  {
    g_autoptr (TallyChannel) channel =
        tls_connect (server->uri, "ca=ca&cert=current&mode=unpooled", NULL);
    g_autofree gchar *before = tls_call (channel, "act", "who", -1, NULL);
    g_autofree gchar *after = NULL;
    g_autofree gchar *broken = NULL;

    tls_copy ("bob", "current");
    after = tls_call (channel, "act", "who", -1, NULL);
    tls_copy ("ca", "current"); /* without a key */
    broken = tls_call (channel, "act", "who", -1, NULL);
    assert_string (before, "CN=alice");
    assert_string (after, "CN=bob");
    assert_string (broken, "CN=bob");
  }
  tls_server_stop (server);
}

/* ---- keys ---- */

/* What a server says of these files; NULL: it takes them. (transfer full) */
static gchar *
dup_refusal (const gchar *certificate, const gchar *key)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  ThriftProcessor *processor = test_processor_new (derived_processor_get_type (), handler);
  g_autofree gchar *uri = g_strdup_printf ("tls://127.0.0.1:0?cert=%s&key=%s", certificate, key);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyServer) server = tally_server_new (processor, uri, &error);
  gboolean listens = server != NULL && tally_server_listen (server, &error);

  g_object_unref (processor);
  g_object_unref (handler);
  if (listens)
    return NULL;
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, NULL);
  return g_strdup (error->message);
}

/* Weak and frail-ca have keys of RSA, the others of a curve. */
static void
a_key_of_another_certificate_is_refused (void)
{
  static const struct
  {
    const gchar *certificate;
    const gchar *key;
    gboolean fits;
  } pairs[] = { { "server", "server", TRUE },     { "weak", "weak", TRUE },
                { "frail-ca", "frail-ca", TRUE }, { "server", "renewed", FALSE },
                { "server", "weak", FALSE },      { "weak", "server", FALSE },
                { "weak", "frail-ca", FALSE } };

  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree gchar *certificate = tls_file (pairs[i].certificate);
      g_autofree gchar *key = tls_file (pairs[i].key);
      g_autofree gchar *refusal = dup_refusal (certificate, key);
      g_autofree gchar *expected =
          g_strdup_printf ("TLS: the key in %s is not that of the certificate in %s", key,
                           certificate);

      assert_string (refusal, pairs[i].fits ? NULL : expected);
    }
}

/* One whose files are put in place one after the other has another key in between. */
static void
a_client_keeps_its_key_until_the_other_fits (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("server", "ca=ca&clients=required", 0);
  tls_copy ("alice", "current");
  tls_copy ("alice", "current-key");
  {
    g_autofree gchar *key = tls_file ("current-key");
    g_autofree gchar *options = g_strdup_printf ("ca=ca&cert=current&key=%s&mode=unpooled", key);
    g_autoptr (TallyChannel) channel = tls_connect (server->uri, options, NULL);
    g_autoptr (TallyChannel) late = tls_connect (server->uri, options, NULL);
    g_autoptr (GError) error = NULL;
    g_autofree gchar *before = tls_call (channel, "act", "who", -1, NULL);
    g_autofree gchar *between = NULL;
    g_autofree gchar *refused = NULL;
    g_autofree gchar *after = NULL;

    tls_copy ("bob", "current");
    between = tls_call (channel, "act", "who", -1, NULL);
    refused = tls_call (late, "act", "who", -1, &error);
    tls_copy ("bob", "current-key");
    after = tls_call (channel, "act", "who", -1, NULL);
    assert_string (before, "CN=alice");
    assert_string (between, "CN=alice");
    assert_string (refused, NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "is not that of the certificate");
    assert_string (after, "CN=bob");
  }
  tls_server_stop (server);
}

/* ---- properties ---- */

/* They count instead of the URI's options, and are told apart by the pool. */
static void
a_channel_may_be_told_by_properties (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("elsewhere", "ca=ca&clients=required", 0);
  {
    g_autofree gchar *ca = tls_file ("ca");
    g_autofree gchar *alice = tls_file ("alice");
    g_autofree gchar *bob = tls_file ("bob");
    g_autofree gchar *uri = g_strdup_printf ("%s?ca=/none&cert=%s&identity=x", server->uri, alice);
    g_autofree gchar *plain = g_strconcat ("tcp", server->uri + strlen ("tls"), NULL);
    g_autoptr (TallyPool) pool = tally_pool_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (TallyChannel) first =
        g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "uri", uri, "pool", pool, "tls-ca", ca,
                        "tls-identity", "elsewhere.example", NULL);
    g_autoptr (TallyChannel) second =
        g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "uri", uri, "pool", pool, "tls-ca", ca,
                        "tls-certificate", bob, "tls-key", bob, "tls-host-check", FALSE, NULL);
    g_autofree gchar *said = NULL;
    g_autofree gchar *who = tls_call (first, "act", "who", -1, &error);
    g_autofree gchar *other = tls_call (second, "act", "who", -1, &error);
    g_autoptr (TallyChannel) third = NULL;
    gboolean checks = TRUE;

    assert_no_error (error);
    assert_string (who, "CN=alice");
    assert_string (other, "CN=bob");
    g_object_get (first, "tls-certificate", &said, NULL);
    g_object_get (second, "tls-host-check", &checks, NULL);
    assert_string (said, alice);
    CU_ASSERT (!checks);
    third = g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "uri", plain, "tls-ca", ca, NULL);
    CU_ASSERT (third == NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "property of TLS");
  }
  tls_server_stop (server);
}

/* Each as a test that leaves nothing open. */
TLS_TEST (files_are_read_once)
TLS_TEST (a_client_takes_new_authorities)
TLS_TEST (a_client_takes_a_new_certificate)
TLS_TEST (a_key_of_another_certificate_is_refused)
TLS_TEST (a_client_keeps_its_key_until_the_other_fits)
TLS_TEST (a_channel_may_be_told_by_properties)

static const TestCase cases[] = { TEST (test_files_are_read_once),
                                  TEST (test_a_client_takes_new_authorities),
                                  TEST (test_a_client_takes_a_new_certificate),
                                  TEST (test_a_key_of_another_certificate_is_refused),
                                  TEST (test_a_client_keeps_its_key_until_the_other_fits),
                                  TEST (test_a_channel_may_be_told_by_properties),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-credentials", cases, argc, argv);
  tls_end ();
  return status;
}

/* Owns the tests of which certificates are refused, by either side, and what is said about it. */
#include <string.h>

#include "tls-fixture.h"

typedef struct
{
  const gchar *certificate;
  const gchar *options; /* a client's, besides */
  const gchar *reason;  /* NULL: it is accepted */
} Case;

/* ---- a client refuses ---- */

static const Case servers[] = {
  { "server", "ca=ca", NULL },
  { "expired", "ca=ca", "it has expired" },
  { "early", "ca=ca", "it is not yet valid" },
  { "elsewhere", "ca=ca", "it is not for 127.0.0.1" },
  { "server", "ca=ca&identity=elsewhere.example", "it is not for elsewhere.example" },
  { "stranger", "ca=ca", "its issuer CN=Other Authority is not trusted" },
  { "self", "ca=ca", "it is self-signed and not among the trusted ones" },
  { "server", "timeout=10000", "is not trusted" }, /* the system does not know the authority */
  { "chain", "ca=ca", "the peer's certificate (CN=chain) is refused: its issuer CN=server" },
  { "alice", "ca=ca&identity=alice", "it is not meant for servers" },
  { "weak", "ca=ca", "its key or algorithm is too weak" },
  { "aged", "ca=ca", "(CN=aged) is refused: CN=aged-ca behind it has expired" },
  { "frail", "ca=ca", "(CN=frail) is refused: CN=frail-ca behind it has a key that is too weak" },
  { "deputy", "ca=ca", NULL },
  { "elsewhere", "ca=ca&identity=elsewhere.example", NULL },
  { "elsewhere", "ca=ca&identity=elsewhere.example.", NULL }, /* the root's dot */
  { "elsewhere", "ca=ca&host-check=no", NULL },
  { "expired", "ca=ca&host-check=no", "it has expired" },
};

static void
check_server (const Case *one)
{
  TlsServer *server = tls_server_start (one->certificate, NULL, 0);
  g_autoptr (TallyChannel) channel = tls_connect (server->uri, one->options, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = tls_call (channel, "echo", "x", -1, &error);

  if (one->reason == NULL)
    {
      assert_no_error (error);
      assert_string (reply, "x");
    }
  else
    {
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, one->reason);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, server->uri);
      assert_int (test_handler_n_calls (server->handler), 0);
    }
  tls_server_stop (server);
}

static void
a_client_refuses_a_bad_certificate (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    check_server (&servers[i]);
}

/* What one endpoint need not look at does not count for another one, though they have a session in common. */
static void
no_endpoint_trusts_by_anothers_session (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  server = tls_server_start ("elsewhere", NULL, 0);
  {
    g_autoptr (TallyChannel) lax =
        tls_connect (server->uri, "ca=ca&host-check=no&mode=unpooled", NULL);
    g_autoptr (TallyChannel) strict = tls_connect (server->uri, "ca=ca&mode=unpooled", NULL);
    g_autoptr (TallyChannel) other =
        tls_connect (server->uri, "ca=other-ca&host-check=no&mode=unpooled", NULL);
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < 3; i++)
      CU_ASSERT (tls_echoes (lax, "x"));
    CU_ASSERT (tls_call (strict, "echo", "x", -1, &error) == NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "it is not for 127.0.0.1");
    g_clear_error (&error);
    CU_ASSERT (tls_call (other, "echo", "x", -1, &error) == NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "is not trusted");
  }
  tls_server_stop (server);
}

/* ---- a server refuses ---- */

static const Case clients[] = {
  { "alice", "", NULL },
  { "expired", "", "it has expired" },
  { "early", "", "it is not yet valid" },
  { "stranger", "", "its issuer CN=Other Authority is not trusted" },
  { "self", "", "it is self-signed and not among the trusted ones" },
  { "chain", "", "the peer's certificate (CN=chain) is refused: its issuer CN=server" },
  { "server", "", "it is not meant for clients" },
  { "weak", "", "its key or algorithm is too weak" },
  { "aged", "", "(CN=aged) is refused: CN=aged-ca behind it has expired" },
  { "frail", "", "(CN=frail) is refused: CN=frail-ca behind it has a key that is too weak" },
  { "deputy", "", NULL },
  { NULL, "", "did not send a certificate" },
};

static void
check_client (const Case *one, const gchar *mode)
{
  TlsServer *server = tls_server_start ("server", "ca=ca&clients=required", 0);
  g_autofree gchar *options =
      g_strdup_printf ("ca=ca&mode=%s%s%s", mode, one->certificate != NULL ? "&cert=" : "",
                       one->certificate != NULL ? one->certificate : "");
  g_autoptr (TallyChannel) channel = tls_connect (server->uri, options, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *reply = NULL;

  tls_log_begin ();
  reply = tls_call (channel, "echo", "x", -1, &error);
  tls_server_stop (server); /* it has then said what it had to say */
  CU_ASSERT ((reply != NULL) == (one->reason == NULL));
  CU_ASSERT ((error == NULL) == (one->reason == NULL));
  assert_int (tls_count_logged (one->reason != NULL ? one->reason : ""), one->reason != NULL);
  tls_log_end ();
}

static void
a_server_refuses_a_bad_certificate (void)
{
  if (!tls_begin ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    check_client (&clients[i], "pooled");
  check_client (&clients[1], "shared");
  check_client (&clients[1], "unpooled");
}

/* ---- files ---- */

static void
check_no_server (const gchar *uri, gint code, const gchar *part)
{
  TestHandler *handler = g_object_new (test_handler_get_type (), NULL);
  ThriftProcessor *processor = test_processor_new (derived_processor_get_type (), handler);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyServer) server = tally_server_new (processor, uri, &error);

  CU_ASSERT (server == NULL || !tally_server_listen (server, &error));
  assert_error (error, TALLY_ERROR, code, part);
  g_object_unref (processor);
  g_object_unref (handler);
}

static void
a_missing_file_is_named (void)
{
  TlsServer *server;

  if (!tls_begin ())
    return;
  check_no_server ("tls://127.0.0.1:0", TALLY_ERROR_INVALID_ARGUMENT, "needs a certificate");
  check_no_server ("tls://127.0.0.1:0?cert=/none/such.pem", TALLY_ERROR_INVALID_ARGUMENT,
                   "/none/such.pem");
  server = tls_server_start ("server", NULL, 0);
  {
    g_autoptr (TallyChannel) channel = tls_connect (server->uri, "ca=/none/ca.pem", NULL);
    g_autoptr (GError) error = NULL;

    CU_ASSERT (tls_call (channel, "echo", "x", -1, &error) == NULL);
    assert_error (error, TALLY_ERROR, TALLY_ERROR_CONNECT_FAILED, "/none/ca.pem");
  }
  tls_server_stop (server);
}

/* The properties say what the URI does not. */
static void
a_server_may_be_told_by_properties (void)
{
  TestHandler *handler;
  ThriftProcessor *processor;
  g_autofree gchar *certificate = NULL;
  g_autofree gchar *ca = NULL;
  g_autofree gchar *set = NULL;
  g_autoptr (TallyServer) server = NULL;
  g_autoptr (GError) error = NULL;
  GTlsAuthenticationMode mode;

  if (!tls_begin ())
    return;
  handler = g_object_new (test_handler_get_type (), NULL);
  processor = test_processor_new (derived_processor_get_type (), handler);
  certificate = tls_file ("server");
  ca = tls_file ("ca");
  server = tally_server_new (processor, "tls://127.0.0.1:0", &error);
  g_object_set (server, "tls-certificate", certificate, "tls-ca", ca, "tls-clients",
                G_TLS_AUTHENTICATION_REQUIRED, NULL);
  g_object_get (server, "tls-certificate", &set, "tls-clients", &mode, NULL);
  assert_string (set, certificate);
  assert_int (mode, G_TLS_AUTHENTICATION_REQUIRED);
  CU_ASSERT (tally_server_listen (server, &error));
  assert_no_error (error);
  g_object_unref (processor);
  g_object_unref (handler);
}

/* Each as a test that leaves nothing open. */
TLS_TEST (a_client_refuses_a_bad_certificate)
TLS_TEST (no_endpoint_trusts_by_anothers_session)
TLS_TEST (a_server_refuses_a_bad_certificate)
TLS_TEST (a_missing_file_is_named)
TLS_TEST (a_server_may_be_told_by_properties)

static const TestCase cases[] = { TEST (test_a_client_refuses_a_bad_certificate),
                                  TEST (test_no_endpoint_trusts_by_anothers_session),
                                  TEST (test_a_server_refuses_a_bad_certificate),
                                  TEST (test_a_missing_file_is_named),
                                  TEST (test_a_server_may_be_told_by_properties),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-certificates", cases, argc, argv);
  tls_end ();
  return status;
}

/* The Tally peer: generated code by tallyc, on TallyServer and TallyChannel, or with the flag
 * apache-stack on Apache's server, protocols and transports. With the flag shared the client's
 * checks are made by several threads at once, whose calls are all in flight on one connection. With the
 * transport header and the flag zlib messages are compressed; a server with the flag auto finds out how its
 * clients speak; with brief a client checks headers and one text. */
#include "peer-tally.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A handshake takes long on a busy machine. */
#define PATIENCE_MS 120000

static TallyServer *running;

static void
on_signal (int number)
{
  tally_server_stop (running);
}

/* What a URI says of TLS. */
static gchar *
make_tls_options (const PeerOptions *options)
{
  gboolean is_server = g_str_equal (options->role, "server");
  gboolean mutual = peer_has_flag (options, "mutual");
  g_autofree gchar *ca = peer_certificate ("ca");
  g_autofree gchar *certificate = peer_certificate (is_server ? "server" : "alice");
  GString *text = g_string_new (NULL);

  if (!peer_is_tls (options))
    return g_string_free (text, FALSE);
  g_string_append_printf (text, "&ca=%s", ca);
  if (is_server || mutual)
    g_string_append_printf (text, "&cert=%s", certificate);
  if (is_server && mutual)
    g_string_append (text, "&clients=required");
  return g_string_free (text, FALSE);
}

static gchar *
make_uri (const PeerOptions *options)
{
  g_autofree gchar *tls = make_tls_options (options);
  gboolean is_auto = peer_has_flag (options, "auto");

  return g_strdup_printf ("%s%s?protocol=%s&transport=%s&mode=%s%s%s",
                          peer_is_unix (options)  ? "unix://"
                          : peer_is_tls (options) ? "tls://127.0.0.1:"
                                                  : "tcp://127.0.0.1:",
                          peer_place (options), is_auto ? "auto" : options->protocol,
                          is_auto ? "auto" : options->transport,
                          peer_has_flag (options, "shared")     ? "shared"
                          : peer_has_flag (options, "unpooled") ? "unpooled"
                                                                : "pooled",
                          peer_has_flag (options, "zlib") ? "&transform=zlib" : "", tls);
}

/* A service that sends the header "trace" of a request back. */
static gboolean
echo_header (PeerExtendedIf *iface, gchar **_return, GError **error)
{
  g_autoptr (TallyHeaders) headers = tally_server_dup_request_headers ();
  const gchar *value = headers != NULL ? tally_headers_lookup (headers, "trace") : NULL;

  if (value != NULL)
    tally_server_set_reply_header ("trace", value);
  g_free (*_return);
  *_return = g_strdup ("c");
  return TRUE;
}

static GObject *
make_handler (void)
{
  GObject *handler = G_OBJECT (peer_handler_new ());

  PEER_EXTENDED_HANDLER_GET_CLASS (handler)->whoami = echo_header;
  return handler;
}

static void
print_address (const PeerOptions *options)
{
  g_autofree gchar *uri = tally_server_dup_uri (running);
  guint port;

  if (peer_is_unix (options))
    printf ("%s\n", options->address);
  else if (sscanf (uri, peer_is_tls (options) ? "tls://127.0.0.1:%u" : "tcp://127.0.0.1:%u", &port)
           == 1)
    printf ("%s:%u\n", peer_is_tls (options) ? "tls" : "tcp", port);
  else
    peer_fail ("\"%s\" names no port", uri);
  fflush (stdout);
}

static void
serve (const PeerOptions *options)
{
  g_autofree gchar *uri = make_uri (options);
  g_autoptr (GObject) handler = make_handler ();
  g_autoptr (GObject) processor =
      G_OBJECT (peer_processor_new (options, (PeerExtendedHandler *) handler));
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyServer) server = tally_server_new (THRIFT_PROCESSOR (processor), uri, &error);

  peer_expect_no_error (error, "server");
  g_object_set (server, "handshake-timeout", PATIENCE_MS, NULL);
  tally_server_listen (server, &error);
  peer_expect_no_error (error, "listen");
  running = server;
  signal (SIGTERM, on_signal);
  print_address (options);
  thrift_server_serve (THRIFT_SERVER (server), &error);
  peer_expect_no_error (error, "serve");
}

static void
check_wide (PeerProbeIf *probe)
{
  g_autoptr (GObject) wide = G_OBJECT (peer_make_wide ());
  PeerWide *reply = g_object_new (PEER_TYPE_WIDE, NULL);
  GError *error = NULL;
  gboolean called = peer_probe_if_echo_wide (probe, &reply, (PeerWide *) wide, &error);

  peer_expect_no_error (error, "wide");
  peer_expect (called && tally_struct_equal (reply, wide), "wide");
  g_object_unref (reply);
}

/* Headers go with a call, and come back. */
static void
check_headers (PeerExtendedClient *client)
{
  g_autofree gchar *large = g_strnfill (200, 'v');
  const gchar *const values[] = { "first", "grüße", large, "" };
  guint i;

  for (i = 0; i <= G_N_ELEMENTS (values); i++)
    {
      const gchar *value = i < G_N_ELEMENTS (values) ? values[i] : NULL;
      g_autoptr (TallyHeaders) headers = tally_headers_new ();
      g_autoptr (TallyHeaders) back = tally_headers_new ();
      const TallyCallOptions options = { .headers = headers, .reply_headers = back };
      g_autofree gchar *name = NULL;
      GError *error = NULL;

      if (value != NULL)
        tally_headers_set (headers, "trace", value);
      peer_extended_client_whoami_with (client, &options, &name, &error);
      peer_expect_no_error (error, "headers");
      peer_expect (g_strcmp0 (tally_headers_lookup (back, "trace"), value) == 0, "header");
    }
}

/* One that is worth compression. */
static void
check_text (PeerProbeIf *probe)
{
  g_autofree gchar *text = g_strnfill (400, 'l');
  g_autofree gchar *reply = NULL;
  GError *error = NULL;

  peer_probe_if_echo_string (probe, &reply, text, &error);
  peer_expect_no_error (error, "text");
  peer_expect (g_strcmp0 (reply, text) == 0, "text");
}

#define CHECKERS 4

/* One thread's view of the clients that all use. */
typedef struct
{
  const PeerOptions *options;
  GObject *client;
  GObject *stranger;
} Checker;

static gpointer
check_on_thread (gpointer data)
{
  const Checker *self = data;

  if (g_str_equal (self->options->transport, "header"))
    check_headers (PEER_EXTENDED_CLIENT (self->client));
  if (peer_has_flag (self->options, "brief"))
    {
      check_text (PEER_PROBE_IF (self->client));
      return NULL;
    }
  if (!peer_has_flag (self->options, "no-wide"))
    check_wide (PEER_PROBE_IF (self->client));
  peer_check_all (PEER_EXTENDED_IF (self->client), PEER_STRANGER_IF (self->stranger),
                  self->options);
  return NULL;
}

static void
check_together (Checker *checker)
{
  GThread *threads[CHECKERS];
  TallyPoolSnapshot seen;
  guint i;

  for (i = 0; i < CHECKERS; i++)
    threads[i] = g_thread_new ("checker", check_on_thread, checker);
  for (i = 0; i < CHECKERS; i++)
    g_thread_join (threads[i]);
  tally_pool_snapshot (tally_pool_get_default (), &seen);
  peer_expect (seen.dials_done == 1, "number of connections");
}

static void
check (const PeerOptions *options)
{
  g_autofree gchar *uri = make_uri (options);
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = tally_channel_new (uri, &error);
  g_autoptr (GObject) client = NULL;
  g_autoptr (GObject) stranger = NULL;
  Checker checker;

  peer_expect_no_error (error, "channel");
  g_object_set (tally_channel_get_pool (channel), "connect-timeout", PATIENCE_MS, NULL);
  client = G_OBJECT (peer_extended_client_new (channel));
  stranger = G_OBJECT (peer_stranger_client_new (channel));
  checker = (Checker){ options, client, stranger };
  if (peer_has_flag (options, "shared"))
    check_together (&checker);
  else
    check_on_thread (&checker);
  tally_pool_close (tally_channel_get_pool (channel));
}

void
peer_run (const PeerOptions *options)
{
  gboolean apache = peer_has_flag (options, "apache-stack");

  if (peer_has_flag (options, "tls1.2")) /* what GIO's module reads when it is loaded */
    g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.2", TRUE);
  if (g_str_equal (options->role, "vectors"))
    peer_check_vectors (options->address);
  else if (g_str_equal (options->role, "server"))
    apache ? peer_apache_serve (options) : serve (options);
  else
    apache ? peer_apache_check (options) : check (options);
}

#include "proxy-fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli-base.h"

void
append_hex (GByteArray *bytes, const gchar *hex)
{
  g_autoptr (GByteArray) more = cli_bytes_parse ("$hex", hex, strlen (hex), NULL);

  g_byte_array_append (bytes, more->data, more->len);
}

void
send_hex (gint fd, const gchar *hex)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  append_hex (bytes, hex);
  test_write_all (fd, bytes->data, bytes->len);
}

gboolean
takes_hex (gint fd, const gchar *hex)
{
  g_autoptr (GByteArray) expected = g_byte_array_new ();
  g_autofree guint8 *bytes = NULL;

  append_hex (expected, hex);
  bytes = g_malloc (expected->len);
  return test_read_exact (fd, bytes, expected->len)
         && memcmp (bytes, expected->data, expected->len) == 0;
}

gboolean
sees_end (gint fd)
{
  guint8 byte;

  return !test_read_exact (fd, &byte, 1);
}

gboolean
sees_reset (gint fd)
{
  guint8 byte;

  return recv (fd, &byte, 1, 0) < 0 && errno == ECONNRESET;
}

static gpointer
run_client (gpointer user_data)
{
  Passing *self = user_data;
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons (self->port),
                                 .sin_addr = { g_htonl (0x7f000001) } };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    self->client (fd);
  close (fd);
  __atomic_store_n (&self->is_over, TRUE, __ATOMIC_SEQ_CST);
  g_main_context_wakeup (NULL);
  return NULL;
}

Passing *
pass_with (void (*client) (gint fd),
           TestPeerScript target,
           const gchar *rules,
           guint max_links,
           void (*meanwhile) (CliRelay *relay))
{
  Passing *self = g_new0 (Passing, 1);
  g_auto (GStrv) words = g_strsplit (rules, " ", -1);
  g_autofree gchar *uri = NULL;
  g_autoptr (TallyEndpoint) endpoint = NULL;

  self->client = client;
  self->target = target != NULL ? test_peer_start (target, NULL) : NULL;
  uri = target != NULL ? test_peer_dup_uri (self->target, "") : g_strdup ("tcp://127.0.0.1:1");
  endpoint = tally_endpoint_new (uri, NULL);
  self->rules = cli_rules_new (7);
  for (guint i = 0; words[i] != NULL && *words[i] != '\0'; i++)
    CU_ASSERT_TRUE (cli_rules_add (self->rules, words[i], NULL));
  self->record.output = open_memstream (&self->output, &self->output_length);
  cli_relay_init (&self->relay, self->rules, &self->record,
                  tally_endpoint_get_connectable (endpoint));
  self->relay.max_links = max_links;
  self->relay.idle_timeout_us = G_TIME_SPAN_DAY;
  self->meanwhile = meanwhile;
  self->service = g_socket_service_new ();
  self->port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (self->service), NULL, NULL);
  cli_relay_serve (&self->relay, self->service);
  pthread_create (&self->thread, NULL, run_client, self);
  while (!__atomic_load_n (&self->is_over, __ATOMIC_SEQ_CST) || self->relay.n_accepted == 0
         || self->relay.links->len > 0)
    {
      g_main_context_iteration (NULL, TRUE);
      if (self->relay.held > self->most_held)
        self->most_held = self->relay.held;
      if (self->meanwhile != NULL)
        self->meanwhile (&self->relay);
    }
  pthread_join (self->thread, NULL);
  assert_int (self->relay.held, 0);
  return self;
}

Passing *
pass_between (void (*client) (gint fd), TestPeerScript target, const gchar *rules)
{
  return pass_with (client, target, rules, 1, NULL);
}

static void
passing_free (Passing *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_clear_object (&self->service);
  cli_relay_clear (&self->relay);
  cli_rules_free (self->rules);
  fclose (self->record.output);
  free (self->output);
  if (self->target != NULL)
    test_peer_stop (self->target);
  g_free (self);
}

void
check_passing (Passing *self, guint n_calls, guint n_wrong, const gchar *part)
{
  fflush (self->record.output);
  assert_int (self->record.n_calls, n_calls);
  assert_int (self->record.n_wrong, n_wrong);
  if (strstr (self->output, part) == NULL)
    CU_FAIL (self->output);
  passing_free (self);
}

static void
note_end (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, NULL);

  *(gboolean *) user_data = TRUE;
}

void
passing_warm_up (void)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  gboolean is_over = FALSE;

  g_socket_client_connect_to_host_async (client, "127.0.0.1", 1, NULL, note_end, &is_over);
  while (!is_over)
    g_main_context_iteration (NULL, TRUE);
}

/* ---- parts that several tests play ---- */

void
call_three (gint fd)
{
  send_hex (fd, CALL_1 CALL_2 ONEWAY CALL_3);
  CU_ASSERT (takes_hex (fd, REPLY_3 REPLY_1 REPLY_2));
}

void
answer_three (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1 CALL_2 ONEWAY CALL_3));
  send_hex (fd, REPLY_3 REPLY_1 REPLY_2);
  CU_ASSERT (sees_end (fd));
}

void
take_nothing (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (sees_end (fd));
}

void
expect_the_end (gint fd)
{
  CU_ASSERT (sees_end (fd));
}

void
answer_first (gint fd, guint index, gpointer user_data)
{
  CU_ASSERT (takes_hex (fd, CALL_1));
  send_hex (fd, REPLY_1);
  CU_ASSERT (sees_end (fd));
}

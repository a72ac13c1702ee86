/* Owns the test of many handshakes under load while the server gets new certificates. */
#include "tls-fixture.h"

#define N_CALLERS 8
#define N_RENEWALS 10
#define N_HANDSHAKES 1000

typedef struct
{
  TlsServer *server;
  gint ends;         /* atomic */
  gint n_calls;      /* atomic: in all modes */
  GMutex lock;       /* protects what follows */
  GCond changed;     /* any of it */
  gint n_handshakes; /* of calls with a connection each */
  gint n_failed;
  gchar *first_error; /* why a call has failed */
} Load;

static void
note_failure (Load *load, const GError *error)
{
  g_mutex_lock (&load->lock);
  load->n_failed++;
  if (load->first_error == NULL)
    load->first_error = g_strdup (error != NULL ? error->message : "another text came back");
  g_cond_signal (&load->changed);
  g_mutex_unlock (&load->lock);
}

static void
note_handshake (Load *load)
{
  g_mutex_lock (&load->lock);
  load->n_handshakes++;
  g_cond_signal (&load->changed);
  g_mutex_unlock (&load->lock);
}

static void
call_once (Load *load, TallyChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strdup_printf ("%p %d", channel, g_atomic_int_get (&load->n_calls));
  g_autofree gchar *reply = tls_call (channel, "echo", text, 60 * 1000, &error);

  if (g_strcmp0 (reply, text) != 0)
    note_failure (load, error);
  g_atomic_int_inc (&load->n_calls);
}

/* Each caller has a connection of its own and a shared one, and makes another one for each third call. */
static gpointer
call_in_all_modes (gpointer data)
{
  Load *load = data;
  g_autoptr (TallyChannel) pooled = tls_connect (load->server->uri, "ca=ca&mode=pooled", NULL);
  g_autoptr (TallyChannel) unpooled = tls_connect (load->server->uri, "ca=ca&mode=unpooled", NULL);
  g_autoptr (TallyChannel) shared = tls_connect (load->server->uri, "ca=ca&mode=shared", NULL);

  while (!g_atomic_int_get (&load->ends))
    {
      call_once (load, pooled);
      call_once (load, unpooled);
      note_handshake (load);
      call_once (load, shared);
    }
  return NULL;
}

static void
await_handshakes (Load *load, gint number)
{
  g_mutex_lock (&load->lock);
  while (load->n_handshakes < number && load->n_failed == 0)
    g_cond_wait (&load->changed, &load->lock);
  g_mutex_unlock (&load->lock);
}

/* New connections get the new one at once. */
static void
renew (Load *load, guint number)
{
  const gchar *name = number % 2 == 0 ? "renewed" : "server";
  g_autofree gchar *expected = g_strconcat ("CN=", name, NULL);
  g_autofree gchar *shown = NULL;

  tls_copy (name, "current");
  shown = tls_ask_for_subject (load->server);
  assert_string (shown, expected);
}

/* The connections that were open before stay: no others were made but those that are counted. */
static void
check_connections (Load *load)
{
  TallyServerStatistics statistics;

  tally_server_get_statistics (load->server->server, &statistics);
  assert_int (statistics.accepted, load->n_handshakes + 2 * N_CALLERS + N_RENEWALS);
  assert_int (statistics.requests, load->n_calls);
}

static void
no_call_fails_while_certificates_are_renewed (void)
{
  GThread *threads[N_CALLERS];
  Load load = { NULL };

  if (!tls_begin ())
    return;
  tls_copy ("server", "current");
  load.server = tls_server_start ("current", NULL, 60 * 1000);
  g_mutex_init (&load.lock);
  g_cond_init (&load.changed);
  /* GLib makes the classes at the first one: ThreadSanitizer does not see what it locks meanwhile. */
  g_object_unref (tls_connect (load.server->uri, "ca=ca&mode=pooled", NULL));
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new (NULL, call_in_all_modes, &load);
  for (guint i = 0; i < N_RENEWALS; i++)
    {
      await_handshakes (&load, (gint) (i + 1) * N_HANDSHAKES / (N_RENEWALS + 1));
      renew (&load, i);
    }
  await_handshakes (&load, N_HANDSHAKES);
  g_atomic_int_set (&load.ends, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  assert_int (load.n_failed, 0);
  assert_string (load.first_error, NULL);
  check_connections (&load);
  tls_server_stop (load.server);
  g_free (load.first_error);
  g_cond_clear (&load.changed);
  g_mutex_clear (&load.lock);
}

/* As a test that leaves nothing open. */
TLS_TEST (no_call_fails_while_certificates_are_renewed)

static const TestCase cases[] = { TEST (test_no_call_fails_while_certificates_are_renewed),
                                  { NULL, NULL } };

int
main (int argc, char **argv)
{
  int status;

  tls_warm_up ();
  status = test_main ("tls-renewal", cases, argc, argv);
  tls_end ();
  return status;
}

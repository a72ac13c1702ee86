/* Owns a server's handshakes. GIO makes each in a thread of its pool, which the whole process shares; so
 * only a few run at once, and none begins before the peer's first message is there: a peer that
 * connects and says nothing costs no thread. One that says something and then nothing gives way once
 * others wait (tls-turn.c). One thread of the acceptor's starts them and hears how they end. It knows
 * nothing of what is served.
 *
 * A certificate whose file has changed is what the next peer gets. */
#include "tally-error.h"
#include "tls-credentials-private.h"
#include "tls-fault-private.h"
#include "tls-layer-private.h"

/* Handshakes that run at once. GIO's pool has ten threads, and slowly more, for all that the process does in them:
 * connections that it makes itself need some, too. */
#define MAX_RUNNING 8
/* How often turns are looked at, while others wait; milliseconds. */
#define LOOK_INTERVAL_MS 50

struct _TallyTlsAcceptor
{
  TallyTlsClients clients;
  TallyTlsCredentials *credentials;
  guint timeout_ms;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;

  GMutex lock;    /* also protects the turns of those that run */
  GQueue waiting; /* of TallyTls, a reference each, in order of arrival; the lock's */

  /* the thread's */
  GQueue running; /* of TallyTls, a reference each */
  GSource *timer;
  gboolean quits;
};

static void start_what_waits (TallyTlsAcceptor *self);

/* ---- waits for the peer ---- */

/* In the thread that GIO makes the handshake in. */
static void
on_handshake_wait (gpointer data, gboolean begins)
{
  TallyTls *tls = data;
  gboolean inside_record = tally_tls_base_is_inside_record (tls->base);

  g_mutex_lock (&tls->acceptor->lock);
  if (begins)
    tally_tls_turn_await (&tls->turn, inside_record, g_get_monotonic_time ());
  else
    tally_tls_turn_go_on (&tls->turn, g_get_monotonic_time ());
  g_mutex_unlock (&tls->acceptor->lock);
}

gboolean
tally_tls_has_stalled (const TallyTls *self, gint64 now)
{
  TallyStream *stream = &self->base->plain;
  gboolean has_come;

  if (!tally_tls_turn_is_over (&self->turn, now))
    return FALSE;
  tally_streams_find_news (&stream, 1, &has_come);
  return !has_come;
}

/* Handshakes whose turn is over end, as many as others wait. That does not block; and while the lock is held, one
 * that awaits its peer goes on awaiting it, and is not secured. */
static void
end_turns_locked (TallyTlsAcceptor *self)
{
  guint left = self->waiting.length;

  for (GList *link = self->running.head; link != NULL && left > 0; link = link->next)
    {
      const TallyTls *tls = link->data;

      if (!tally_tls_has_stalled (tls, g_get_monotonic_time ()))
        continue;
      tally_stream_shut_down (&tls->base->plain);
      left--;
    }
}

/* ---- the end of a handshake ---- */

/* The stream's server looks at it; @reason (nullable): why it has failed. */
static void
finish_handshake (TallyTls *tls, const gchar *reason)
{
  g_mutex_lock (&tls->lock);
  tls->base->blocks = FALSE;
  tls->receive_error = g_strdup (reason);
  __atomic_store_n (&tls->state, reason == NULL ? TALLY_TLS_SECURED : TALLY_TLS_FAILED,
                    __ATOMIC_RELEASE);
  if (!tls->is_closed && tls->ready != NULL)
    tls->ready (tls->ready_data);
  g_mutex_unlock (&tls->lock);
  tally_tls_unref (tls);
}

static void
on_shaken (GObject *connection, GAsyncResult *result, gpointer data)
{
  TallyTls *tls = data;
  TallyTlsAcceptor *self = tls->acceptor;
  g_autoptr (GError) error = NULL;
  gboolean shaken = g_tls_connection_handshake_finish (tls->connection, result, &error);
  g_autofree gchar *fault = tally_tls_find_fault (tls->connection, 0, NULL);

  g_queue_remove (&self->running, tls);
  finish_handshake (tls, fault != NULL ? fault : shaken ? NULL : error->message);
  start_what_waits (self);
}

/* ---- its beginning ---- */

/* GIO asks about every client's certificate, whatever it found. */
static gboolean
on_client_certificate (GTlsConnection *connection,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags flags,
                       gpointer data)
{
  return flags == 0;
}

/* NULL with @error. */
static GTlsConnection *
make_server_connection (TallyTlsAcceptor *self, TallyTls *tls, GError **error)
{
  TallyTlsFiles files = { NULL, NULL };
  GTlsConnection *connection;

  if (!tally_tls_credentials_get (self->credentials, &files, error))
    return NULL;
  connection =
      g_initable_new (g_tls_backend_get_server_connection_type (g_tls_backend_get_default ()), NULL,
                      error, "base-io-stream", tls->base, "certificate", files.certificate,
                      "database", files.trust, NULL);
  tally_tls_files_clear (&files);
  if (connection == NULL)
    return NULL;
  g_signal_connect (connection, "accept-certificate", G_CALLBACK (on_client_certificate), NULL);
  g_object_set (connection, "authentication-mode",
                self->clients == TALLY_TLS_CLIENTS_REQUIRED    ? G_TLS_AUTHENTICATION_REQUIRED
                : self->clients == TALLY_TLS_CLIENTS_REQUESTED ? G_TLS_AUTHENTICATION_REQUESTED
                                                               : G_TLS_AUTHENTICATION_NONE,
                NULL);
  return connection;
}

/* Takes over the reference. */
static void
start_handshake (TallyTlsAcceptor *self, TallyTls *tls)
{
  g_autoptr (GError) error = NULL;

  tls->connection = make_server_connection (self, tls, &error);
  if (tls->connection == NULL)
    {
      finish_handshake (tls, error->message);
      return;
    }
  tls->base->deadline = self->timeout_ms > 0
                            ? g_get_monotonic_time () + self->timeout_ms * G_TIME_SPAN_MILLISECOND
                            : -1;
  tls->base->on_wait = on_handshake_wait;
  tls->base->wait_data = tls;
  tls->base->blocks = TRUE;
  g_queue_push_tail (&self->running, tls);
  g_tls_connection_handshake_async (tls->connection, G_PRIORITY_DEFAULT, NULL, on_shaken, tls);
}

static guint
count_waiting_peers (TallyTlsAcceptor *self)
{
  guint count;

  g_mutex_lock (&self->lock);
  count = self->waiting.length;
  g_mutex_unlock (&self->lock);
  return count;
}

static gboolean
on_acceptor_timer (gpointer data)
{
  TallyTlsAcceptor *self = data;

  g_clear_pointer (&self->timer, g_source_unref);
  g_mutex_lock (&self->lock);
  end_turns_locked (self);
  g_mutex_unlock (&self->lock);
  start_what_waits (self);
  return G_SOURCE_REMOVE;
}

static void
set_acceptor_timer (TallyTlsAcceptor *self)
{
  if (self->timer != NULL)
    return;
  self->timer = g_timeout_source_new (LOOK_INTERVAL_MS);
  g_source_set_callback (self->timer, on_acceptor_timer, self, NULL);
  g_source_attach (self->timer, self->context);
}

static TallyTls *
take_waiting_peer (TallyTlsAcceptor *self)
{
  TallyTls *tls;

  g_mutex_lock (&self->lock);
  tls = g_queue_peek_head (&self->waiting);
  if (tls != NULL && tally_tls_turn_is_for_newest (tls->queued, g_get_monotonic_time ()))
    tls = g_queue_pop_tail (&self->waiting);
  else
    tls = g_queue_pop_head (&self->waiting);
  g_mutex_unlock (&self->lock);
  return tls;
}

static void
start_what_waits (TallyTlsAcceptor *self)
{
  TallyTls *tls;

  while (self->running.length < MAX_RUNNING && (tls = take_waiting_peer (self)) != NULL)
    start_handshake (self, tls);
  if (count_waiting_peers (self) > 0)
    set_acceptor_timer (self);
  if (self->quits && self->running.length == 0)
    g_main_loop_quit (self->loop);
}

/* The thread calls @function soon. */
static void
post_to_acceptor (TallyTlsAcceptor *self, GSourceFunc function)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, self, NULL);
  g_source_attach (source, self->context);
}

static gboolean
on_posted (gpointer data)
{
  start_what_waits (data);
  return G_SOURCE_REMOVE;
}

void
tally_tls_acceptor_begin (TallyTlsAcceptor *self, TallyTls *tls)
{
  __atomic_store_n (&tls->state, TALLY_TLS_SHAKING, __ATOMIC_RELEASE);
  tls->queued = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiting, tally_tls_ref (tls));
  g_mutex_unlock (&self->lock);
  post_to_acceptor (self, on_posted);
}

void
tally_tls_acceptor_forget (TallyTlsAcceptor *self, TallyTls *tls)
{
  gboolean waited;

  g_mutex_lock (&tls->lock);
  tls->is_closed = TRUE;
  g_mutex_unlock (&tls->lock);
  if (__atomic_load_n (&tls->state, __ATOMIC_ACQUIRE) != TALLY_TLS_SHAKING)
    return;
  g_mutex_lock (&self->lock);
  waited = g_queue_remove (&self->waiting, tls);
  g_mutex_unlock (&self->lock);
  if (waited)
    tally_tls_unref (tls);
}

/* ---- life ---- */

gboolean
tally_tls_accept (TallyTlsAcceptor *self, TallyStream *stream)
{
  if (!tally_tls_put (stream, TALLY_TLS_GREETING, NULL))
    return FALSE;
  ((TallyTls *) stream->layer)->acceptor = self;
  return TRUE;
}

static gpointer
acceptor_main (gpointer data)
{
  TallyTlsAcceptor *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
free_acceptor (TallyTlsAcceptor *self)
{
  tally_tls_credentials_free (self->credentials);
  g_free (self);
}

TallyTlsAcceptor *
tally_tls_acceptor_new (const TallyTlsOptions *options, guint timeout_ms, GError **error)
{
  TallyTlsAcceptor *self = g_new0 (TallyTlsAcceptor, 1);
  TallyTlsFiles files = { NULL, NULL };

  self->clients = (TallyTlsClients) options->clients;
  self->credentials =
      tally_tls_credentials_new (options, options->clients == TALLY_TLS_CLIENTS_IGNORED
                                              ? TALLY_TLS_TRUST_NOBODY
                                              : TALLY_TLS_TRUST_SOMEBODY);
  self->timeout_ms = timeout_ms;
  if (!tally_tls_credentials_get (self->credentials, &files, error))
    {
      free_acceptor (self);
      return NULL;
    }
  tally_tls_files_clear (&files);
  g_mutex_init (&self->lock);
  g_queue_init (&self->waiting);
  g_queue_init (&self->running);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->thread = g_thread_new ("tally-tls", acceptor_main, self);
  return self;
}

gboolean
tally_tls_acceptor_reload (TallyTlsAcceptor *self, GError **error)
{
  return tally_tls_credentials_reload (self->credentials, error);
}

static gboolean
on_quit (gpointer data)
{
  TallyTlsAcceptor *self = data;

  self->quits = TRUE;
  start_what_waits (self);
  return G_SOURCE_REMOVE;
}

void
tally_tls_acceptor_free (TallyTlsAcceptor *self)
{
  post_to_acceptor (self, on_quit);
  g_thread_join (self->thread);
  if (self->timer != NULL)
    {
      g_source_destroy (self->timer);
      g_source_unref (self->timer);
    }
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  free_acceptor (self);
}

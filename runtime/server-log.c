/* What a server says of peers that speak something else, or fail in a handshake: once for each peer, in the log domain
 * "tally", at a level that shows by default and is never fatal. How much it says and remembers is
 * bounded, whatever peers do. Where the log blocks (GLib writes to stderr, which may be a full pipe) one
 * worker waits for it, as for a handler; what others would say meanwhile is counted. */
#include "peer-text.h"
#include "protocols-internal.h"
#include "server-private.h"

/* Messages in a time; the rest are counted and told with the next one. */
#define MAX_MESSAGES 10
#define WINDOW_MS (60 * 1000)
/* Bytes of the text that shows what came. */
#define MAX_SHOWN 32

/* ---- how often ---- */

/* Whether the peer with @key is to be logged. *@n_suppressed: how many peers were not, before. */
static gboolean
admit_message_locked (
    ServerLog *log, gboolean is_supervisor, guint key, gint64 now, guint *n_suppressed)
{
  for (guint i = 0; i < G_N_ELEMENTS (log->keys); i++)
    if (log->keys[i] == key)
      return FALSE;
  if (log->n_messages == 0 || now - log->began >= WINDOW_MS)
    {
      log->began = now;
      log->n_messages = 0;
    }
  if (log->n_messages == MAX_MESSAGES || log->is_writing || is_supervisor)
    {
      log->n_suppressed++;
      return FALSE;
    }
  log->is_writing = TRUE;
  log->n_messages++;
  log->keys[log->next_key++ % G_N_ELEMENTS (log->keys)] = key;
  *n_suppressed = log->n_suppressed;
  log->n_suppressed = 0;
  return TRUE;
}

/* A message that may be written. */
typedef struct
{
  gchar *peer;
  gchar *others; /* what is said of those that were not logged */
} ServerMessage;

static void
server_message_clear (ServerMessage *self)
{
  g_free (self->peer);
  g_free (self->others);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ServerMessage, server_message_clear)

/* Whether @fault of the peer is to be spoken of; end_peer_message () follows then. */
static gboolean
begin_message (ServerMessage *message,
               ServerConnection *connection,
               const ServerWorker *worker,
               const gchar *fault)
{
  TallyServer *self = connection->server;
  guint n_suppressed = 0;
  gboolean admitted;
  guint hash;

  message->peer = tally_stream_dup_peer (&connection->stream);
  hash = g_str_hash (message->peer) * 31 + g_str_hash (fault);
  pthread_mutex_lock (&self->lock);
  admitted = admit_message_locked (&self->log, worker == &self->supervisor, MAX (hash, 1),
                                   server_now (), &n_suppressed);
  pthread_mutex_unlock (&self->lock);
  message->others = n_suppressed > 0
                        ? g_strdup_printf (" (%u more peers were not logged)", n_suppressed)
                        : g_strdup ("");
  return admitted;
}

static void
end_peer_message (TallyServer *self)
{
  pthread_mutex_lock (&self->lock);
  self->log.is_writing = FALSE;
  pthread_mutex_unlock (&self->lock);
}

/* ---- what ---- */

static const gchar *
guess_speech (const guint8 *bytes, gsize length)
{
  const gchar *guess = tally_peer_guess (bytes, length);

  return guess != NULL ? guess : "nothing that is known here";
}

void
server_log_mismatch (ServerConnection *connection,
                     const ServerWorker *worker,
                     const guint8 *bytes,
                     gsize length)
{
  TallyEndpoint *endpoint = connection->server->endpoint;
  const gchar *looks = guess_speech (bytes, length);
  g_autofree gchar *shown = tally_peer_text (bytes, length, MAX_SHOWN);
  g_auto (ServerMessage) message = { NULL };

  if (!begin_message (&message, connection, worker, looks))
    return;
  g_message (
      "%s: %s speaks something else: it looks like %s; expected: the %s protocol, %s. It began "
      "with \"%s\"; its connection is closed%s",
      tally_endpoint_get_uri (endpoint), message.peer, looks,
      tally_protocol_get_name (tally_endpoint_get_protocol (endpoint)),
      tally_framing_get_name (tally_endpoint_get_framing (endpoint)), shown, message.others);
  end_peer_message (connection->server);
}

void
server_log_handshake (ServerConnection *connection, const ServerWorker *worker)
{
  TallyServer *self = connection->server;
  const gchar *uri = tally_endpoint_get_uri (self->endpoint);
  const guint8 *bytes = NULL;
  gsize length = 0;
  const gchar *reason = tally_tls_get_failure (&connection->stream, &bytes, &length);
  g_auto (ServerMessage) message = { NULL };

  if (reason == NULL || !begin_message (&message, connection, worker, reason))
    return;
  if (bytes != NULL)
    {
      g_autofree gchar *shown = tally_peer_text (bytes, length, MAX_SHOWN);

      g_message ("%s: %s does not speak TLS: it looks like %s. It began with \"%s\"; its "
                 "connection is closed%s",
                 uri, message.peer, guess_speech (bytes, length), shown, message.others);
    }
  else
    g_message ("%s: the TLS handshake with %s has failed: %s%s", uri, message.peer, reason,
               message.others);
  end_peer_message (self);
}

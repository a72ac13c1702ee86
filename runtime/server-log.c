/* What a server says of peers that speak something else: once for each peer, in the log domain
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

/* Whether the peer with @key is to be spoken of. *@n_suppressed: of whom nothing was said before. */
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

void
server_log_mismatch (ServerConnection *connection,
                     const ServerWorker *worker,
                     const guint8 *bytes,
                     gsize length)
{
  TallyServer *self = connection->server;
  TallyEndpoint *endpoint = self->endpoint;
  g_autofree gchar *peer = tally_stream_dup_peer (&connection->stream);
  const gchar *guess = tally_peer_guess (bytes, length);
  const gchar *looks = guess != NULL ? guess : "nothing that is known here";
  g_autofree gchar *shown = tally_peer_text (bytes, length, MAX_SHOWN);
  g_autofree gchar *others = NULL;
  guint hash = g_str_hash (peer) * 31 + g_str_hash (looks);
  guint key = MAX (hash, 1);
  guint n_suppressed = 0;
  gboolean admitted;

  pthread_mutex_lock (&self->lock);
  admitted = admit_message_locked (&self->log, worker == &self->supervisor, key, server_now (),
                                   &n_suppressed);
  pthread_mutex_unlock (&self->lock);
  if (!admitted)
    return;
  if (n_suppressed > 0)
    others = g_strdup_printf (" (%u more peers were not logged)", n_suppressed);
  g_message (
      "%s: %s speaks something else: it looks like %s; expected: the %s protocol, %s. It began "
      "with \"%s\"; its connection is closed%s",
      tally_endpoint_get_uri (endpoint), peer, looks,
      tally_protocol_get_name (tally_endpoint_get_protocol (endpoint)),
      tally_framing_get_name (tally_endpoint_get_framing (endpoint)), shown,
      others != NULL ? others : "");
  pthread_mutex_lock (&self->lock);
  self->log.is_writing = FALSE;
  pthread_mutex_unlock (&self->lock);
}

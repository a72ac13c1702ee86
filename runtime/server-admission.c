/* Owns a server's admission: whether a request may run now, may wait, or is refused; whose requests are one client's. It
 * decides by admission-limit.c and admission-turns.c, and sends nothing. */
#include "hash-private.h"
#include "server-requests-private.h"

#include <string.h>

/* Where `min-running` does not say it. */
#define LEAST_RUNNING 4

static __thread ServerPermit *current_permit; /* NULL: what this thread dispatches needs none */

/* ---- the server ---- */

/* One worker is left to receive. */
static guint
find_most (const TallyServer *self)
{
  guint workers = self->max_workers - 1;

  if (self->admission == TALLY_ADMISSION_NONE)
    return G_MAXINT;
  if (self->max_running > 0)
    return self->max_running;
  if (self->admission == TALLY_ADMISSION_DEADLINE)
    return G_MAXINT;
  return MAX (workers, 1);
}

gboolean
server_admission_leaves_worker (const TallyServer *self)
{
  return self->running != NULL && find_most (self) < self->max_workers;
}

/* What it has learnt of the methods stays when the server serves again, and until requests end that are answered later. Where
 * nothing is limited any more as many may run as come. */
void
server_admission_open (TallyServer *self)
{
  guint most = find_most (self);
  guint least = self->min_running > 0 ? self->min_running : LEAST_RUNNING;

  if (self->admission == TALLY_ADMISSION_NONE && self->running == NULL)
    return;
  pthread_mutex_lock (&self->lock); /* a snapshot may be taken meanwhile */
  if (self->running == NULL)
    {
      self->running = g_new (TallyAdmissionLimit, 1);
      tally_admission_init (self->running);
    }
  tally_admission_set_bounds (self->running, MIN (least, most), most,
                              (self->admission & TALLY_ADMISSION_CONCURRENCY) != 0);
  pthread_mutex_unlock (&self->lock);
}

void
server_admission_clear (TallyServer *self)
{
  tally_turns_clear (&self->turns);
  if (self->running == NULL)
    return;
  tally_admission_clear (self->running);
  g_free (self->running);
}

guint
server_get_running_limit (const TallyServer *self)
{
  return self->running != NULL ? tally_admission_get_limit (self->running) : G_MAXUINT;
}

gboolean
server_has_room (const TallyServer *self)
{
  return self->running == NULL || tally_admission_has_room (self->running);
}

/* Requests that may wait in all. */
static guint
find_max_waiting (const TallyServer *self)
{
  guint64 most = 4 * (guint64) tally_admission_get_limit (self->running);

  return self->max_queued > 0 ? self->max_queued : (guint) MIN (most, G_MAXINT);
}

/* ---- clients ---- */

/* (transfer full) */
static gchar *
dup_identity (const TallyStream *stream)
{
  g_autoptr (GTlsCertificate) certificate = tally_tls_dup_peer_certificate (stream);
  gchar *subject = certificate != NULL ? g_tls_certificate_get_subject_name (certificate) : NULL;

  return subject != NULL ? subject : tally_stream_dup_identity (stream);
}

/* The first request of @connection finds out whose it is: over TLS its peer has shown its certificate by now. */
static void
join_client (ServerConnection *connection)
{
  TallyServer *self = connection->server;
  g_autofree gchar *identity = NULL;
  guint64 key;

  if ((self->admission & TALLY_ADMISSION_CLIENT) == 0 || connection->client->key != 0)
    return;
  identity = dup_identity (&connection->stream);
  key = G_GUINT64_CONSTANT (1) << 32 | tally_hash_bytes (identity, strlen (identity));
  pthread_mutex_lock (&self->lock);
  if (connection->n_waiting == 0)
    connection->client = tally_turns_join (&self->turns, key);
  pthread_mutex_unlock (&self->lock);
}

void
server_leave_client_locked (ServerConnection *connection)
{
  TallyTurnsClient *client = connection->client;

  connection->client = &connection->own_client;
  tally_turns_leave (&connection->server->turns, client);
}

/* ---- permits ---- */

/* What a client has running is counted where it may be told from others. */
static void
count_running (ServerPermit *permit, TallyTurnsClient *client)
{
  if (client->key == 0)
    return;
  permit->client = client;
  __atomic_add_fetch (&client->n_running, 1, __ATOMIC_RELAXED);
}

gboolean
server_admit (ServerConnection *connection, ServerWorker *worker)
{
  TallyServer *self = connection->server;

  join_client (connection);
  /* What waits comes first. */
  if (atomic_get (&self->turns.n_waiting) > 0
      || !tally_turns_may_run (&self->turns, connection->client, server_get_running_limit (self))
      || !tally_admission_take (self->running, &worker->permit.permit))
    return FALSE;
  count_running (&worker->permit, connection->client);
  return TRUE;
}

gboolean
server_take_permit_locked (TallyServer *self, ServerPermit *permit, TallyTurnsClient *client)
{
  if (self->running == NULL)
    return TRUE;
  if (!tally_admission_take (self->running, &permit->permit))
    return FALSE;
  count_running (permit, client);
  return TRUE;
}

void
server_give_permit (TallyServer *self, ServerPermit *permit)
{
  if (!permit->permit.is_held)
    return;
  if (permit->client != NULL)
    __atomic_sub_fetch (&permit->client->n_running, 1, __ATOMIC_RELAXED);
  permit->client = NULL;
  tally_admission_give (self->running, &permit->permit, g_get_monotonic_time ());
  if (atomic_get (&self->turns.n_waiting) == 0)
    return;
  pthread_mutex_lock (&self->lock);
  if (server_wants_help_locked (self))
    server_wake_worker_locked (self);
  pthread_mutex_unlock (&self->lock);
}

void
server_set_permit (ServerPermit *permit)
{
  current_permit = permit;
}

/* ---- what is refused ---- */

static gboolean
is_hopeless (TallyServer *self, TallyMethodTimes *times, guint n_ahead, gint64 deadline, gint64 now)
{
  return (self->admission & TALLY_ADMISSION_DEADLINE) != 0 && deadline != 0
         && tally_admission_is_hopeless (self->running, times, n_ahead, deadline - now);
}

ServerRefusal
server_find_verdict (ServerConnection *connection, const TallyMethod *method)
{
  TallyServer *self = connection->server;
  TallyMethodTimes *times = tally_admission_find_times (self->running, method);
  guint max = find_max_waiting (self);
  gboolean may_wait;
  guint n_ahead;

  join_client (connection);
  pthread_mutex_lock (&self->lock);
  may_wait = tally_turns_may_wait (&self->turns, connection->client, max);
  n_ahead = self->turns.n_waiting;
  pthread_mutex_unlock (&self->lock);
  if (!may_wait)
    return n_ahead < max && connection->client->key != 0 ? REFUSE_SHARE : REFUSE_LIMIT;
  return is_hopeless (self, times, n_ahead, connection->message_deadline, g_get_monotonic_time ())
             ? REFUSE_HOPELESS
             : REFUSE_NOTHING;
}

gboolean
server_begin_permitted (TallyServer *self, const TallyMethod *method, gint64 deadline)
{
  TallyMethodTimes *times = tally_admission_find_times (self->running, method);
  gint64 now = g_get_monotonic_time ();

  if (is_hopeless (self, times, 0, deadline, now))
    return FALSE;
  if (current_permit != NULL && current_permit->permit.is_held)
    tally_admission_begin (&current_permit->permit, times, now);
  return TRUE;
}

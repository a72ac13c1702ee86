/* Owns what a server tells of itself: its state, and what it has done. */
#include "server-private.h"

#include <string.h>

/* Bytes of TallyServerStatistics as it was in 0.1. */
#define STATISTICS_0_1 (G_STRUCT_OFFSET (TallyServerSnapshot, requests) + sizeof (guint64))

G_DEFINE_ENUM_TYPE (TallyServerState,
                    tally_server_state,
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_LISTENING, "listening"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_SERVING, "serving"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_DRAINING, "draining"),
                    G_DEFINE_ENUM_VALUE (TALLY_SERVER_LEAVING, "leaving"))

/**
 * tally_server_get_state:
 * @self: a server
 *
 * Tells whether clients are served now, as a load balancer wants to know it. A stop is seen once a thread of the server
 * has taken note of it. Thread-safe.
 *
 * Returns: how far the server is in its life
 *
 * Since: 0.2
 */
TallyServerState
tally_server_get_state (TallyServer *self)
{
  TallyServerState state = TALLY_SERVER_CLOSED;

  g_return_val_if_fail (TALLY_IS_SERVER (self), TALLY_SERVER_CLOSED);
  pthread_mutex_lock (&self->lock);
  if (atomic_get (&self->stopping))
    state = TALLY_SERVER_DRAINING;
  else if (self->listening && self->registrar.leaves)
    state = TALLY_SERVER_LEAVING;
  else if (self->listening)
    state = self->serving ? TALLY_SERVER_SERVING : TALLY_SERVER_LISTENING;
  pthread_mutex_unlock (&self->lock);
  return state;
}

G_DEFINE_FLAGS_TYPE (TallyAdmission,
                     tally_admission,
                     G_DEFINE_ENUM_VALUE (TALLY_ADMISSION_NONE, "none"),
                     G_DEFINE_ENUM_VALUE (TALLY_ADMISSION_CONCURRENCY, "concurrency"),
                     G_DEFINE_ENUM_VALUE (TALLY_ADMISSION_DEADLINE, "deadline"),
                     G_DEFINE_ENUM_VALUE (TALLY_ADMISSION_CLIENT, "client"))

static gpointer
copy_server_snapshot (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyServerSnapshot));
}

G_DEFINE_BOXED_TYPE (TallyServerSnapshot, tally_server_snapshot, copy_server_snapshot, g_free)

static guint64
get_refused (const TallyServer *self, ServerRefusal refusal)
{
  return atomic_peek (&self->n_refused_requests[refusal]);
}

static void
count_refused (const TallyServer *self, TallyServerSnapshot *snapshot)
{
  snapshot->refused_busy = get_refused (self, REFUSE_BUSY) + get_refused (self, REFUSE_LATE)
                           + get_refused (self, REFUSE_MEMORY);
  snapshot->refused_limit = get_refused (self, REFUSE_LIMIT);
  snapshot->refused_client = get_refused (self, REFUSE_SHARE);
  snapshot->refused_deadline =
      get_refused (self, REFUSE_HOPELESS) + get_refused (self, REFUSE_OVERDUE);
  snapshot->refused_stopping = get_refused (self, REFUSE_STOPPING);
}

static void
count_all (TallyServer *self, TallyServerSnapshot *snapshot)
{
  pthread_mutex_lock (&self->lock);
  *snapshot = (TallyServerSnapshot){
    .connections = self->n_connections,
    .workers = self->n_workers,
    .accepted = self->n_accepted,
    .refused = self->n_refusals,
    .timed_out = self->n_timeouts,
    .dropped = self->n_dropped,
    .requests = self->n_requests + atomic_peek (&self->supervisor.n_requests),
  };
  snapshot->waiting = self->turns.n_waiting;
  snapshot->clients = self->turns.n_known;
  if (self->running != NULL)
    {
      snapshot->running = atomic_peek (&self->running->n_running);
      snapshot->running_limit = tally_admission_get_limit (self->running);
    }
  count_refused (self, snapshot);
  for (ServerWorker *worker = self->workers; worker != NULL; worker = worker->next)
    snapshot->requests += atomic_peek (&worker->n_requests);
  pthread_mutex_unlock (&self->lock);
}

/**
 * tally_server_snapshot_sized: (skip)
 * @self: a server
 * @snapshot: (out caller-allocates): what it has done
 * @size: bytes of *@snapshot
 *
 * What the macro tally_server_snapshot() calls, with the size of *@snapshot: takes one consistent view and
 * fills in as much as @size has room for. #TallyServerSnapshot grows at its end, so that a program gets
 * what it was compiled for from every later library, and 0 for what an earlier one does not know.
 * Thread-safe.
 *
 * Since: 0.2
 */
void
tally_server_snapshot_sized (TallyServer *self, TallyServerSnapshot *snapshot, gsize size)
{
  TallyServerSnapshot whole;

  g_return_if_fail (TALLY_IS_SERVER (self) && snapshot != NULL);

  count_all (self, &whole);
  if (size > sizeof whole)
    memset ((gchar *) snapshot + sizeof whole, 0, size - sizeof whole);
  memcpy (snapshot, &whole, MIN (size, sizeof whole));
}

/**
 * tally_server_dup_snapshot:
 * @self: a server
 *
 * Takes one consistent view, as large as this library knows it. Thread-safe.
 *
 * Returns: (transfer full): what the server has done; g_boxed_free() frees it, with %TALLY_TYPE_SERVER_SNAPSHOT
 *
 * Since: 0.2
 */
TallyServerSnapshot *
tally_server_dup_snapshot (TallyServer *self)
{
  g_autofree TallyServerSnapshot *snapshot = g_new (TallyServerSnapshot, 1);

  g_return_val_if_fail (TALLY_IS_SERVER (self), NULL);

  count_all (self, snapshot);
  return g_steal_pointer (&snapshot);
}

/**
 * tally_server_get_statistics: (skip)
 * @self: a server
 * @statistics: (out caller-allocates): what it has done
 *
 * Takes a snapshot as 0.1 had it. Thread-safe.
 *
 * Deprecated: 0.2: Use tally_server_snapshot().
 */
void
tally_server_get_statistics (TallyServer *self, TallyServerSnapshot *statistics)
{
  tally_server_snapshot_sized (self, statistics, STATISTICS_0_1);
}

/* The server's threads that serve: which run, which wait for work, which end. It knows neither
 * epoll nor messages. */
#include "server-requests-private.h"

#include <errno.h>
#include <time.h>

static ServerWorker *
worker_new (TallyServer *self)
{
  ServerWorker *worker = g_new0 (ServerWorker, 1);
  pthread_condattr_t attributes;

  worker->server = self;
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&worker->wake, &attributes);
  pthread_condattr_destroy (&attributes);
  worker->input = g_malloc (TALLY_SERVER_CHUNK);
  return worker;
}

void
server_worker_free (ServerWorker *worker)
{
  pthread_cond_destroy (&worker->wake);
  g_free (worker->input);
  tally_buffer_clear (&worker->output);
  tally_buffer_clear (&worker->next_answer);
  g_free (worker);
}

/* ---- idling ---- */

static void
remove_idle_locked (TallyServer *self, ServerWorker *worker)
{
  ServerWorker **place = &self->idle_workers;

  while (*place != worker)
    place = &(*place)->next_idle;
  *place = worker->next_idle;
}

/* Waits for work. FALSE: there was none for so long that the worker is to leave. The worker that
 * worked last is woken first, so that those not needed end, however steady the work is. */
static gboolean
idle_locked (TallyServer *self, ServerWorker *worker)
{
  gint64 deadline = self->worker_timeout > 0
                        ? g_get_monotonic_time () + (gint64) self->worker_timeout * 1000
                        : G_MAXINT64;
  struct timespec end = { deadline / G_TIME_SPAN_SECOND, deadline % G_TIME_SPAN_SECOND * 1000 };
  gint result = 0;

  worker->woken = FALSE;
  worker->next_idle = self->idle_workers;
  self->idle_workers = worker;
  atomic_put (&self->crowded, FALSE);
  while (!worker->woken && !self->quit && result != ETIMEDOUT)
    result = pthread_cond_timedwait (&worker->wake, &self->lock, &end);
  if (worker->woken)
    return TRUE;
  remove_idle_locked (self, worker);
  return self->quit;
}

static void
leave_workers_locked (TallyServer *self, ServerWorker *worker)
{
  ServerWorker **place = &self->workers;

  while (*place != worker)
    place = &(*place)->next;
  *place = worker->next;
  worker->next = self->retired;
  self->retired = worker;
  self->n_workers--;
  self->n_requests += atomic_peek (&worker->n_requests);
  if (self->quit)
    server_wake_supervisor_locked (self);
}

/* ---- working ---- */

/* Executes a request that runs apart. */
static void
work_apart_locked (TallyServer *self, ServerWorker *worker)
{
  ServerRequest *request = server_take_request_locked (self);

  if (request == NULL)
    return; /* one that did not wait has had the room */
  server_begin_work_locked (self, worker);
  if (server_wants_help_locked (self))
    server_wake_worker_locked (self);
  pthread_mutex_unlock (&self->lock);

  server_run_request (request, worker);

  pthread_mutex_lock (&self->lock);
  atomic_put (&worker->busy, FALSE);
}

/* Where both connections and requests wait they take turns. */
static gboolean
is_requests_turn_locked (TallyServer *self)
{
  if (G_LIKELY (self->turns.clients.head == NULL) || !server_has_request_locked (self))
    return FALSE;
  self->connections_turn = !self->connections_turn;
  return self->ready_head == NULL || !self->connections_turn;
}

static void *
worker_main (void *data)
{
  ServerWorker *worker = data;
  TallyServer *self = worker->server;

  pthread_setname_np (pthread_self (), "tally-worker");
  pthread_mutex_lock (&self->lock);
  for (;;)
    {
      if (is_requests_turn_locked (self))
        {
          work_apart_locked (self, worker);
          continue;
        }
      if (self->ready_head != NULL)
        {
          server_serve_ready_locked (self, worker);
          continue;
        }
      if (self->quit)
        break;
      if (self->loop_holder == NULL)
        {
          self->loop_holder = worker;
          atomic_put (&self->crowded, FALSE);
        }
      if (self->loop_holder == worker)
        {
          pthread_mutex_unlock (&self->lock);
          server_loop_wait (self, -1);
          pthread_mutex_lock (&self->lock);
        }
      else if (!idle_locked (self, worker))
        break;
    }
  if (self->loop_holder == worker)
    self->loop_holder = NULL;
  leave_workers_locked (self, worker);
  pthread_mutex_unlock (&self->lock);
  return NULL;
}

/* ---- starting and joining ---- */

static gboolean
start_worker_locked (TallyServer *self)
{
  ServerWorker *worker;

  if (self->n_workers >= self->max_workers)
    return FALSE;
  worker = worker_new (self);
  if (pthread_create (&worker->thread, NULL, worker_main, worker) != 0)
    {
      server_worker_free (worker);
      return FALSE;
    }
  worker->next = self->workers;
  self->workers = worker;
  self->n_workers++;
  return TRUE;
}

gboolean
server_wake_worker_locked (TallyServer *self)
{
  ServerWorker *worker = self->idle_workers;

  if (worker == NULL)
    return start_worker_locked (self);
  self->idle_workers = worker->next_idle;
  worker->woken = TRUE;
  pthread_cond_signal (&worker->wake);
  return TRUE;
}

void
server_join_retired_locked (TallyServer *self)
{
  while (self->retired != NULL)
    {
      ServerWorker *worker = self->retired;

      self->retired = worker->next;
      pthread_mutex_unlock (&self->lock);
      pthread_join (worker->thread, NULL);
      server_worker_free (worker);
      pthread_mutex_lock (&self->lock);
    }
}

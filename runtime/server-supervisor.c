/* The thread in serve (): time-outs, a loop whose holder is stuck in a handler, stopping. While
 * requests come it looks at the server every tick; while none come it sleeps. It calls no handler.
 *
 * * * The tick is the price for serving without a thread switch: the thread that holds the loop
 * calls handlers, and it cannot be known beforehand which of them will be slow. */
#include "server-requests-private.h"

#include <errno.h>
#include <time.h>

/* Microseconds between two looks at a busy server. */
#define TICK 1000
/* The loop's holder is stuck when it has served one and the same request for so many ticks. More
 * than one, because on a busy machine it may just not have run. */
#define STUCK_TICKS 2
/* So many ticks without a sign of life, and the supervisor sleeps. */
#define QUIET_TICKS 5
/* Milliseconds between two looks at the deadlines, at least and at most. */
#define MIN_REAP 5
#define MAX_REAP 1000
/* Fewer requests in a tick than this and each of them is work that another core should share. */
#define HEAVY_REQUESTS 50

/* What the last tick saw. */
typedef struct
{
  const ServerWorker *holder;
  guint64 epoch;
  guint same; /* ticks for which both have been the same */
  gboolean backlog;
  guint n_cores;
  guint quiet;
  gint64 next_reap; /* server_now () */
  gint64
      drain_deadline; /* the same; 0 before a stop, and when draining takes as long as it takes */
  gboolean draining;
} Watch;

/* Sleeps @microseconds, or with -1 until it is woken. */
static void
sleep_locked (TallyServer *self, gint64 microseconds)
{
  struct timespec end;

  if (microseconds < 0)
    {
      pthread_cond_wait (&self->supervisor_wake, &self->lock);
      return;
    }
  clock_gettime (CLOCK_MONOTONIC, &end);
  end.tv_nsec += microseconds % 1000000 * 1000;
  end.tv_sec += microseconds / 1000000 + end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  pthread_cond_timedwait (&self->supervisor_wake, &self->lock, &end);
}

/* Until the next look at a busy server, which nothing shortens. Not in a wait for the condition, which would take the lock as
 * one that is contended: that is one system call more for this thread and, for a worker, two at times. */
static void
rest_locked (TallyServer *self)
{
  const struct timespec tick = { .tv_nsec = TICK * 1000 };

  pthread_mutex_unlock (&self->lock);
  clock_nanosleep (CLOCK_MONOTONIC, 0, &tick, NULL);
  pthread_mutex_lock (&self->lock);
}

/* ---- deadlines ---- */

static guint
reap_interval (const TallyServer *self)
{
  const guint timeouts[] = {
    self->idle_timeout,  self->read_timeout,  self->write_timeout,
    self->drain_timeout, self->queue_timeout, self->acceptor != NULL ? self->handshake_timeout : 0
  };
  guint interval = MAX_REAP;

  for (guint i = 0; i < G_N_ELEMENTS (timeouts); i++)
    if (timeouts[i] > 0)
      interval = MIN (interval, timeouts[i] / 4);
  return MAX (interval, MIN_REAP);
}

static gboolean
is_overdue (ServerConnection *connection, gint64 now)
{
  gint64 deadline = atomic_peek (&connection->deadline);

  return deadline != 0 && deadline <= now;
}

/* Claims the connections for which @wanted holds, once before and once after the claim: between the
 * two their owner may have served and parked them. The others that it claimed are given to a
 * worker, which parks them. (transfer container) */
static GPtrArray *
claim_where_locked (TallyServer *self, gboolean (*wanted) (ServerConnection *, gint64), gint64 now)
{
  GPtrArray *claimed = g_ptr_array_new ();

  for (ServerConnection *connection = self->connections; connection != NULL;
       connection = connection->next)
    {
      if (atomic_peek (&connection->owner) != OWNER_NOBODY || !wanted (connection, now)
          || !server_claim (connection))
        continue;
      if (wanted (connection, now))
        g_ptr_array_add (claimed, connection);
      else
        server_enqueue_locked (self, connection);
    }
  return claimed;
}

/* Has a worker look at the queue. */
static void
rouse_locked (TallyServer *self)
{
  if (self->ready_head != NULL && !server_wake_worker_locked (self))
    server_loop_interrupt (self);
}

static void
discard_all_unlocked (TallyServer *self, GPtrArray *connections)
{
  for (guint i = 0; i < connections->len; i++)
    server_discard (self, g_ptr_array_index (connections, i));
}

/* Closes what is overdue. */
static void
reap_locked (TallyServer *self, Watch *seen, gint64 now)
{
  g_autoptr (GPtrArray) overdue = NULL;

  if (now < seen->next_reap)
    return;
  seen->next_reap = now + reap_interval (self);
  server_loop_resume_listeners_locked (self);
  overdue = claim_where_locked (self, is_overdue, now);
  self->n_timeouts += overdue->len;
  rouse_locked (self);
  pthread_mutex_unlock (&self->lock);
  discard_all_unlocked (self, overdue);
  pthread_mutex_lock (&self->lock);
  server_trim_locked (self, now);
  server_join_retired_locked (self);
}

/* ---- the loop's holder ---- */

/* Gives the loop away. With every worker busy, looks for events itself, so that peers past the
 * limits are still refused and a stop is still seen. */
static void
replace_holder_locked (TallyServer *self)
{
  self->loop_holder = NULL;
  if (server_wake_worker_locked (self))
    return;
  atomic_put (&self->crowded, TRUE);
  self->loop_holder = &self->supervisor;
  pthread_mutex_unlock (&self->lock);
  server_loop_wait (self, 0);
  pthread_mutex_lock (&self->lock);
  self->loop_holder = NULL;
}

/* Requests pile up although the loop's holder is not stuck: a second worker helps if they are
 * heavy, or if there are cores to spare. */
static void
help_locked (TallyServer *self, guint n_cores, guint64 n_requests)
{
  if (n_cores > 1 && (n_requests < HEAVY_REQUESTS || self->n_workers < n_cores / 2))
    server_wake_worker_locked (self);
}

/* Whether a connection waits that mostly brings a request: one whose peer has gone is soon closed. */
static gboolean
has_backlog_locked (const TallyServer *self)
{
  return self->ready_head != NULL && !atomic_peek (&self->ready_head->hung_up);
}

/* TRUE: the server is busy, look again in a tick. */
static gboolean
watch_holder_locked (TallyServer *self, Watch *seen)
{
  const ServerWorker *holder = self->loop_holder;
  guint64 epoch = holder != NULL ? atomic_peek (&holder->epoch) : 0;
  gboolean same = holder == seen->holder && epoch == seen->epoch;
  gboolean busy = holder == NULL || atomic_peek (&holder->busy) || self->ready_head != NULL
                  || self->turns.clients.head != NULL;
  gboolean backlog = has_backlog_locked (self);

  seen->same = same ? seen->same + 1 : 0;
  if (holder == NULL && seen->holder == NULL)
    replace_holder_locked (self);
  else if (holder != NULL && seen->same >= STUCK_TICKS && atomic_peek (&holder->busy))
    {
      atomic_put (&self->quick_turns, 0);
      atomic_put (&self->eager, TRUE);
      replace_holder_locked (self);
    }
  else if (server_wants_help_locked (self))
    server_wake_worker_locked (self);
  else if (backlog && seen->backlog)
    help_locked (self, seen->n_cores, epoch - seen->epoch);
  seen->quiet = busy || !same ? 0 : seen->quiet + 1;
  seen->holder = self->loop_holder;
  seen->epoch = seen->holder != NULL ? atomic_peek (&seen->holder->epoch) : 0;
  seen->backlog = backlog;
  return seen->quiet < QUIET_TICKS;
}

/* ---- stopping ---- */

static gboolean
is_idle (ServerConnection *connection, gint64 now)
{
  return atomic_peek (&connection->phase) == PHASE_IDLE;
}

/* What has a handler running that answers at once is not cut off from its answer. */
static gboolean
is_any (ServerConnection *connection, gint64 now)
{
  return connection->n_running == 0;
}

/* Has each idle connection looked at once more, for a request that is there already; the worker
 * that looks then closes it. Past the deadline all the others are closed too. */
static void
drain_locked (TallyServer *self, Watch *seen, gint64 now)
{
  g_autoptr (GPtrArray) idle = NULL;
  g_autoptr (GPtrArray) late = NULL;

  if (!seen->draining && self->drain_timeout > 0)
    seen->drain_deadline = now + self->drain_timeout;
  seen->draining = TRUE;
  idle = claim_where_locked (self, is_idle, now);
  for (guint i = 0; i < idle->len; i++)
    server_enqueue_locked (self, g_ptr_array_index (idle, i));
  rouse_locked (self);
  if (seen->drain_deadline == 0 || now < seen->drain_deadline)
    return;

  /* A handler cannot be ended. A request that was read and is not under way is refused: by the
   * worker that serves the connection, or here if it waits for one. */
  atomic_set (&self->expired, TRUE);
  late = claim_where_locked (self, is_any, now);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < late->len; i++)
    server_refuse_answers (g_ptr_array_index (late, i));
  discard_all_unlocked (self, late);
  pthread_mutex_lock (&self->lock);
}

/* Sends every worker home and waits until the last has left. */
static void
dismiss_locked (TallyServer *self)
{
  self->quit = TRUE;
  for (ServerWorker *worker = self->idle_workers; worker != NULL; worker = worker->next_idle)
    pthread_cond_signal (&worker->wake);
  while (self->n_workers > 0)
    {
      server_loop_interrupt (self);
      rest_locked (self);
    }
  server_join_retired_locked (self);
}

/* A stop that waits for handshakes looks again. */
static void
resume_stop_locked (TallyServer *self, gint64 now)
{
  if (G_LIKELY (self->next_stop == 0) || now < self->next_stop)
    return;
  self->next_stop = 0;
  tally_server_stop (self);
}

static void
do_chores_locked (TallyServer *self, gint64 now)
{
  if (server_pace_release_locked (self))
    server_loop_interrupt (self); /* no thread is started for them */
  server_registrar_look_locked (self, now);
  server_systemd_look_locked (self, now);
  resume_stop_locked (self, now);
}

/* How long the supervisor may sleep where nothing else is to be done, in microseconds; G_MAXINT64: until it is woken. */
static gint64
find_chore_locked (const TallyServer *self, gint64 now)
{
  gint64 registrar = server_registrar_get_rest_locked (self, now);
  gint64 systemd = server_systemd_get_rest_locked (self, now);
  gint64 chore = MIN (registrar, systemd);
  gint64 stop = self->next_stop > 0 ? MAX (self->next_stop - now, 1) * 1000 : G_MAXINT64;

  return MIN (chore, stop);
}

/* How long nothing has to be done, in microseconds. */
static gint64
find_rest_locked (TallyServer *self, const Watch *seen, gint64 now)
{
  gint64 reap = MAX (seen->next_reap - now, 1) * 1000;
  gint64 due = server_due_wait_locked (self);
  gint64 paced = server_pace_wait_locked (self);
  gint64 rest = MIN (MIN (reap, due), paced);
  gint64 chore = find_chore_locked (self, now);

  return MIN (rest, chore);
}

void
server_supervise (TallyServer *self)
{
  Watch seen = { .holder = &self->supervisor,
                 .n_cores = g_get_num_processors (),
                 .next_reap = server_now () + reap_interval (self) };

  pthread_mutex_lock (&self->lock);
  server_wake_worker_locked (self);
  while (!self->stopping || self->n_connections > 0)
    {
      gboolean offered, busy;
      gint64 now;

      self->supervisor_called = FALSE;
      offered = server_accept_offers_locked (self);
      busy = watch_holder_locked (self, &seen) || offered;
      now = server_now ();
      reap_locked (self, &seen, now);
      if (self->stopping)
        drain_locked (self, &seen, now);
      server_limit_queue_locked (self, now);
      do_chores_locked (self, now);
      if (G_UNLIKELY (self->due != NULL))
        server_due_fire_locked (self);
      if (G_UNLIKELY (self->turns.clients.head != NULL)
          && (atomic_peek (&self->crowded) || atomic_peek (&self->expired)
              || self->running != NULL))
        {
          pthread_mutex_unlock (&self->lock);
          server_limit_requests (self);
          pthread_mutex_lock (&self->lock);
        }
      if (self->stopping && self->n_connections == 0)
        break;
      if (!busy)
        server_trim_locked (self, now);
      /* Several of these unlock for a while: a call that came then did not wake this thread. */
      if (busy || self->stopping || self->supervisor_called)
        {
          rest_locked (self);
          continue;
        }
      /* A worker that makes an offer looks whether the supervisor sleeps, so this looks for offers
       * once more after it can be seen to sleep. */
      atomic_set (&self->supervisor_asleep, TRUE);
      if (server_accept_offers_locked (self) || self->supervisor_called)
        seen.quiet = 0;
      else if (self->n_connections == 0 && self->retired == NULL && !self->listeners_paused
               && !server_wants_trim_locked (self) && find_chore_locked (self, now) == G_MAXINT64)
        sleep_locked (self, -1);
      else
        sleep_locked (self, find_rest_locked (self, &seen, now));
      atomic_set (&self->supervisor_asleep, FALSE);
      seen.quiet = 0;
    }
  dismiss_locked (self);
  pthread_mutex_unlock (&self->lock);
}

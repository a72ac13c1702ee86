/* Owns what asynchronous calls do on a shared connection: one agent for each connection and main context,
 * a source that sends before the context polls what was started meanwhile, receives where no thread does,
 * ends the calls that are over, and knows their deadlines. */
#include "async-private.h"
#include "call-shared-private.h"
#include "socket-internal.h"
#include "stream-internal.h"
#include "thread-local-internal.h"

/* So many requests, where they are half of the calls under way, are sent while a turn goes on, so that the peer works
 * meanwhile. */
#define LEAST_SENT 32
/* A request of so many bytes is written where others wait for the connection's lock. */
#define MAX_WRITTEN_LOCKED 4096
/* Microseconds after which the rest of the loop gets a turn. */
#define LONGEST_TURN (5 * G_TIME_SPAN_MILLISECOND)

typedef struct _TallyAsyncAgent
{
  GSource source; /* first */
  TallySharedAgent agent;
  TallyShared *shared;
  TallySocket *socket; /* owned, and `shared` with it */
  gpointer watch;
  guint watched; /* the connection's lock: poll's events */

  /* The context's. Its next owner sees what the one before has done by `n_unsent`, which is atomic for that. */
  guint n_calls;
  guint n_turns;        /* under way: one, and those in loops that its callbacks run */
  guint n_unsent;       /* calls since what is queued was sent last */
  TallyAsyncDue due;    /* those that have a deadline */
  TallyPending *ending; /* nullable: what was over when it last looked, by `next_over` */

  pthread_mutex_t lock; /* after the connection's; protects what follows */
  gboolean is_awake;    /* it will look at the list before it sleeps */
  gint64 alarm;         /* when it is told the time, at the latest; -1: never */
  TallyPending *first_over;
  TallyPending *last_over;
} Agent;

static Agent *
get_agent (TallySharedAgent *base)
{
  return (Agent *) ((guint8 *) base - G_STRUCT_OFFSET (Agent, agent));
}

/* ---- what others tell it ---- */

/* With its lock. It gets a turn before it sleeps. */
static void
rouse_agent_locked (Agent *self)
{
  if (!self->is_awake)
    g_source_set_ready_time (&self->source, 0);
  self->is_awake = TRUE;
}

static void
on_watch (TallySharedAgent *base, guint events, gboolean holds_input)
{
  Agent *self = get_agent (base);
  guint watched = tally_socket_get_watch (self->socket, events);

  if (G_UNLIKELY (holds_input))
    {
      pthread_mutex_lock (&self->lock);
      rouse_agent_locked (self);
      pthread_mutex_unlock (&self->lock);
    }
  if (watched == self->watched)
    return;
  self->watched = watched;
  g_source_modify_unix_fd (&self->source, self->watch, watched);
}

/* The last that is touched is the lock, without which nobody finds the call. */
static void
on_over (TallySharedAgent *base, TallyPending *first, TallyPending *last)
{
  Agent *self = get_agent (base);

  pthread_mutex_lock (&self->lock);
  last->next_over = NULL;
  if (self->first_over == NULL)
    self->first_over = first;
  else
    self->last_over->next_over = first;
  self->last_over = last;
  rouse_agent_locked (self);
  pthread_mutex_unlock (&self->lock);
}

/* (nullable): the next call to end. */
static TallyPending *
take_over (Agent *self)
{
  TallyPending *pending;

  if (self->ending == NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->ending = g_steal_pointer (&self->first_over);
      pthread_mutex_unlock (&self->lock);
    }
  pending = self->ending;
  if (pending != NULL)
    self->ending = pending->next_over;
  return pending;
}

/* ---- the end of calls ---- */

/* Without a call it has no lease of the connection, which the pool may close: from then on it does not touch the socket. */
static inline gboolean
has_lease (const Agent *self)
{
  return self->n_calls > 0;
}

static inline gboolean
has_input (const Agent *self)
{
  return has_lease (self) && tally_socket_has_input (self->socket);
}

static void
retire_if_unused (Agent *self)
{
  tally_shared_close_settled (self->shared, &self->agent);
  if (has_lease (self) || g_source_is_destroyed (&self->source))
    return;
  tally_shared_remove_agent (self->shared, &self->agent);
  g_source_destroy (&self->source);
}

/* The call is no longer its agent's. */
static void
detach (TallyAsyncCall *self)
{
  tally_async_due_remove (&self->agent->due, self);
  tally_cancel_watch_end (&self->cancel);
  self->agent->n_calls--;
  self->agent = NULL;
}

/* @exchanged and @error: as of tally_call_settle_shared (). The call's callback may run in here. */
static void
end_call (TallyAsyncCall *self, gboolean exchanged, GError *error)
{
  TallyShared *shared = self->agent->shared;
  gboolean is_last = self->agent->n_calls == 1;
  gboolean whole, is_settled, clean;

  if (self->info != NULL)
    tally_call_note_shared_end (self->info, self->pending, exchanged);
  tally_call_settle_shared (&self->call, &self->lease, shared, self->pending, exchanged, &whole,
                            &error);
  clean = is_settled = G_LIKELY (exchanged && whole && !self->call.refused)
                       && tally_shared_settle_pending (shared, &self->agent->agent, self->pending);
  if (is_last) /* with its lease */
    clean &= tally_shared_close_settled (shared, &self->agent->agent);
  if (G_UNLIKELY (!is_settled))
    clean = tally_call_close_shared (&self->call, shared, self->pending, whole);
  detach (self);
  tally_async_call_end (self, clean, error);
}

/* Unless it is over, and its end is on its way. */
static void
leave (TallyAsyncCall *self, gboolean timed_out)
{
  GError *error = NULL;

  if (tally_shared_leave (self->agent->shared, self->pending, timed_out, &error))
    end_call (self, FALSE, error);
  else
    tally_async_due_remove (&self->agent->due, self);
}

static gboolean
on_call_cancelled (gpointer data)
{
  TallyAsyncCall *self = data;
  Agent *agent = (Agent *) g_source_ref (&self->agent->source);

  leave (self, FALSE);
  retire_if_unused (agent);
  g_source_unref (&agent->source);
  return G_SOURCE_REMOVE;
}

/* Sends what its calls have queued. */
static void
flush (Agent *self)
{
  if (__atomic_load_n (&self->n_unsent, __ATOMIC_ACQUIRE) == 0 || !has_lease (self))
    return;
  __atomic_store_n (&self->n_unsent, 0, __ATOMIC_RELEASE);
  tally_shared_flush (self->shared, &self->agent);
}

/* Microseconds of a clock that costs little to read, and advances every few milliseconds. */
static inline gint64
coarse_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * G_TIME_SPAN_SECOND + (guint32) now.tv_nsec / 1000;
}

/* What is left when it has taken too long is the next turn's. */
static void
end_calls_that_are_over (Agent *self)
{
  gint64 until = coarse_now () + LONGEST_TURN;
  TallyPending *pending;

  while ((pending = take_over (self)) != NULL)
    {
      GError *error = NULL;
      gboolean exchanged = tally_shared_get_outcome (self->shared, pending, &error);

      end_call (pending->owner, exchanged, error);
      if (self->n_unsent >= LEAST_SENT && self->n_unsent >= self->n_calls / 2)
        flush (self);
      if (coarse_now () >= until)
        return;
    }
}

/* As long as the others, so that neither keeps the other waiting for more than a turn. */
static void
end_calls_that_are_late (Agent *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 until = now + LONGEST_TURN;
  TallyAsyncCall *call;

  while ((call = tally_async_due_first (&self->due)) != NULL && call->call.deadline <= now
         && now < until)
    {
      leave (call, TRUE);
      now = g_get_monotonic_time ();
    }
}

/* ---- one turn ---- */

/* With the lock. An alarm that comes too early costs less than to move it with each call. */
static void
set_alarm_locked (Agent *self)
{
  const TallyAsyncCall *first = tally_async_due_first (&self->due);
  gint64 due = first != NULL ? first->call.deadline : -1;

  if (self->is_awake || due < 0 || (self->alarm >= 0 && due >= self->alarm))
    return;
  self->alarm = due;
  g_source_set_ready_time (&self->source, due);
}

static gboolean
is_over_nonempty (Agent *self)
{
  gboolean is_nonempty;

  if (self->ending != NULL)
    return TRUE;
  pthread_mutex_lock (&self->lock);
  is_nonempty = self->first_over != NULL;
  pthread_mutex_unlock (&self->lock);
  return is_nonempty;
}

static gboolean
agent_check (GSource *source)
{
  Agent *self = (Agent *) source;

  return g_source_query_unix_fd (source, self->watch) != 0 || is_over_nonempty (self)
         || has_input (self);
}

static void
wake_up (Agent *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_awake = TRUE;
  pthread_mutex_unlock (&self->lock);
}

/* What is over and was not ended makes it ready again, as any call will that is over from now on. */
static void
fall_asleep (Agent *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_awake = self->ending != NULL || self->first_over != NULL;
  self->alarm = -1;
  if (self->is_awake || tally_async_due_first (&self->due) == NULL)
    g_source_set_ready_time (&self->source, self->is_awake ? 0 : -1);
  set_alarm_locked (self);
  pthread_mutex_unlock (&self->lock);
}

/* In a loop that a callback runs it would be awake for as long as the turn around that goes on. */
static gboolean
agent_prepare (GSource *source, gint *timeout)
{
  Agent *self = (Agent *) source;

  *timeout = -1;
  flush (self);
  if (is_over_nonempty (self) || has_input (self))
    return TRUE;
  if (G_UNLIKELY (self->n_turns > 0))
    fall_asleep (self); /* what is over since then makes it ready */
  return FALSE;
}

/* The context whose agent this thread dispatches; of one in another the inner one. */
static TALLY_THREAD_LOCAL const GMainContext *dispatched;

gboolean
tally_async_is_dispatching (const GMainContext *context)
{
  return dispatched == context;
}

static gboolean
agent_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  Agent *self = (Agent *) source;
  guint events = g_source_query_unix_fd (source, self->watch);
  const GMainContext *outer = dispatched;

  dispatched = g_source_get_context (source);
  self->n_turns++;
  wake_up (self);
  if (has_lease (self) && (events != 0 || has_input (self)))
    tally_shared_take_input (self->shared, &self->agent);
  if (has_lease (self) && (events & ~(guint) G_IO_IN) != 0)
    tally_shared_flush (self->shared, &self->agent);
  end_calls_that_are_late (self); /* a reply that came in time was taken, so that its call is not */
  end_calls_that_are_over (self);
  self->n_turns--;
  dispatched = outer;
  retire_if_unused (self);
  if (g_source_is_destroyed (source))
    return G_SOURCE_REMOVE;
  fall_asleep (self);
  return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

static void
agent_finalize (GSource *source)
{
  Agent *self = (Agent *) source;

  pthread_mutex_lock (&self->lock); /* the thread that told it last may still hold it */
  pthread_mutex_unlock (&self->lock);
  pthread_mutex_destroy (&self->lock);
  tally_async_due_clear (&self->due);
  g_object_unref (self->socket);
}

static GSourceFuncs agent_funcs = { agent_prepare, agent_check, agent_dispatch, agent_finalize };

static Agent *
agent_new (TallyShared *shared, TallySocket *socket, GMainContext *context)
{
  Agent *self = (Agent *) g_source_new (&agent_funcs, sizeof *self);

  self->agent.watch = on_watch;
  self->agent.over = on_over;
  self->shared = shared;
  self->socket = g_object_ref (socket);
  self->alarm = -1;
  pthread_mutex_init (&self->lock, NULL);
  self->watch = tally_socket_add_to_source (socket, &self->source);
  g_source_set_static_name (&self->source, "tally shared calls");
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_attach (&self->source, context);
  tally_shared_add_agent (shared, &self->agent);
  g_source_unref (&self->source); /* the context's, as long as it has calls */
  return self;
}

static gboolean
is_of_context (TallySharedAgent *base, gconstpointer context)
{
  return g_source_get_context (&get_agent (base)->source) == context;
}

/* ---- the start of a call ---- */

static void
attach (TallyAsyncCall *self, Agent *agent, TallyPending *pending)
{
  guint n_unsent = __atomic_load_n (&agent->n_unsent, __ATOMIC_ACQUIRE);

  self->agent = agent;
  self->pending = pending;
  pending->owner = self;
  agent->n_calls++;
  if (self->call.deadline >= 0)
    {
      tally_async_due_add (&agent->due, self);
      if (tally_async_due_first (&agent->due) == self)
        {
          pthread_mutex_lock (&agent->lock);
          set_alarm_locked (agent);
          pthread_mutex_unlock (&agent->lock);
        }
    }
  __atomic_store_n (&agent->n_unsent, n_unsent + 1, __ATOMIC_RELEASE);
  if (self->call.cancellable != NULL)
    tally_cancel_watch_begin (&self->cancel, self->call.cancellable, self->context,
                              on_call_cancelled, self, NULL);
}

/* @base: (nullable): its context's agent. */
static gboolean
begin (TallyAsyncCall *self,
       TallyShared *shared,
       TallySharedAgent *base,
       TallyPending *pending,
       GError **error)
{
  Agent *agent = base != NULL ? get_agent (base) : agent_new (shared, self->socket, self->context);

  if (self->info != NULL)
    tally_call_note_shared_request (&self->call, self->info, pending);
  attach (self, agent, pending);
  if (tally_shared_begin (shared, pending, &agent->agent, self->call.method->oneway, error))
    return TRUE;
  detach (self);
  retire_if_unused (agent);
  return FALSE;
}

static gboolean
write_request (gpointer data, gint32 seqid, TallyBuffer *queue)
{
  TallyAsyncCall *self = data;

  self->call.seqid = seqid;
  return tally_call_write_around (&self->call, &self->args, queue, NULL);
}

/* FALSE: nothing has happened. */
static inline gboolean
begin_at_once (TallyAsyncCall *self, TallyShared *shared)
{
  TallySharedAgent *agent;
  TallyPending *pending;

  if (self->info != NULL || self->call.channel->framing == TALLY_FRAMING_HEADER
      || self->args.length > MAX_WRITTEN_LOCKED)
    return FALSE;
  pending = tally_shared_begin_at_once (shared, &self->call.limits, self->call.method->oneway,
                                        is_of_context, self->context, write_request, self, &agent);
  if (pending == NULL)
    return FALSE;
  attach (self, get_agent (agent), pending);
  return TRUE;
}

void
tally_async_exchange_shared (TallyAsyncCall *call)
{
  GError *error = NULL;
  TallyShared *shared = tally_call_find_shared (&call->call, call->socket, &error);
  TallyPending *pending = NULL;
  TallySharedAgent *agent;
  gboolean clean = FALSE;

  if (shared != NULL && begin_at_once (call, shared))
    return;
  if (shared != NULL)
    {
      pending = tally_shared_open_for_agent (shared, &call->call.limits, is_of_context,
                                             call->context, &agent, &error);
      if (pending == NULL)
        call->call.failed_at = tally_shared_get_failed_at (shared);
    }
  if (pending != NULL)
    {
      call->call.seqid = pending->seqid;
      if (tally_call_write_around (&call->call, &call->args, &pending->buffer, &error)
          && begin (call, shared, agent, pending, &error))
        return;
      clean = tally_call_close_shared (&call->call, shared, pending, TRUE);
    }
  tally_async_call_end (call, clean, error);
}

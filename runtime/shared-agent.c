/* Owns what calls without a thread do on a shared connection: they queue their requests, and an agent
 * sends and receives for them where no thread does (shared-exchange.c). */
#include "shared-private.h"

#include "tally-error.h"

static void
drop_settled_locked (TallyShared *self, TallySharedAgent *agent)
{
  TallyPending *pending;

  while ((pending = agent->settled) != NULL)
    {
      agent->settled = pending->next_over;
      tally_shared_drop_pending_locked (self, pending);
    }
}

gboolean
tally_shared_settle_pending (TallyShared *self, TallySharedAgent *agent, TallyPending *pending)
{
  if (G_UNLIKELY (__atomic_load_n (&self->is_unusable, __ATOMIC_ACQUIRE)
                  || __atomic_load_n (&self->n_late, __ATOMIC_ACQUIRE) > 0))
    return FALSE;
  pending->next_over = agent->settled;
  agent->settled = pending;
  return TRUE;
}

gboolean
tally_shared_close_settled (TallyShared *self, TallySharedAgent *agent)
{
  gboolean is_usable;

  if (agent->settled == NULL)
    return TRUE;
  tally_shared_lock (self);
  drop_settled_locked (self, agent);
  tally_shared_look_for_dirt_locked (self);
  is_usable = !__atomic_load_n (&self->is_unusable, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&self->lock);
  return is_usable;
}

void
tally_shared_add_agent (TallyShared *self, TallySharedAgent *agent)
{
  tally_shared_lock (self);
  agent->next = self->agents;
  self->agents = agent;
  tally_shared_hand_on_locked (self, NULL);
  tally_shared_unlock (self);
}

void
tally_shared_remove_agent (TallyShared *self, TallySharedAgent *agent)
{
  TallySharedAgent **link = &self->agents;

  tally_shared_lock (self);
  while (*link != agent)
    link = &(*link)->next;
  *link = agent->next;
  tally_shared_allow_alone_locked (self);
  /* The agent has no lease any more, but calls that are under way have one, and end with the lock: only where there are
   * some is the socket sure to be open. */
  if (self->waiting.head == NULL && self->unsent.head == NULL)
    {
      pthread_mutex_unlock (&self->lock);
      return;
    }
  tally_shared_hand_on_locked (self, NULL);
  tally_shared_unlock (self);
}

/* (nullable): the first for which @matches is. */
static inline TallySharedAgent *
find_agent_locked (TallyShared *self,
                   gboolean (*matches) (TallySharedAgent *agent, gconstpointer data),
                   gconstpointer data)
{
  TallySharedAgent *agent = self->agents;

  while (agent != NULL && !matches (agent, data))
    agent = agent->next;
  return agent;
}

/* What @pending is from its call's begin on. */
static inline void
set_agent (TallyPending *pending, TallySharedAgent *agent, gboolean oneway)
{
  pending->agent = agent;
  pending->oneway = oneway;
  pending->deadline = -1; /* the agent's business */
  pending->cancellable = NULL;
  pending->sent = 0;
}

TallyPending *
tally_shared_open_for_agent (TallyShared *self,
                             const TallyLimits *limits,
                             gboolean (*matches) (TallySharedAgent *agent, gconstpointer data),
                             gconstpointer data,
                             TallySharedAgent **agent,
                             GError **error)
{
  TallyPending *pending = NULL;
  const GError *failure;

  tally_shared_lock (self);
  failure = tally_shared_get_failure_locked (self);
  if (G_LIKELY (failure == NULL))
    pending = tally_shared_take_pending_locked (self);
  *agent = find_agent_locked (self, matches, data);
  pthread_mutex_unlock (&self->lock);
  if (G_LIKELY (pending != NULL))
    pending->limits = limits;
  else
    tally_shared_set_failure_error (failure, FALSE, error);
  return pending;
}

gboolean
tally_shared_begin (TallyShared *self,
                    TallyPending *pending,
                    TallySharedAgent *agent,
                    gboolean oneway,
                    GError **error)
{
  const GError *failure;

  set_agent (pending, agent, oneway);
  tally_shared_lock (self);
  failure = tally_shared_get_failure_locked (self);
  if (G_LIKELY (failure == NULL))
    {
      tally_shared_queue_locked (self, pending);
      tally_pending_set_state (pending, TALLY_PENDING_WAITING);
    }
  pthread_mutex_unlock (&self->lock);
  if (G_UNLIKELY (failure != NULL))
    tally_shared_set_failure_error (failure, FALSE, error);
  return failure == NULL;
}

TallyPending *
tally_shared_begin_at_once (TallyShared *self,
                            const TallyLimits *limits,
                            gboolean oneway,
                            gboolean (*matches) (TallySharedAgent *agent, gconstpointer data),
                            gconstpointer data,
                            gboolean (*append) (gpointer call, gint32 seqid, TallyBuffer *queue),
                            gpointer call,
                            TallySharedAgent **agent)
{
  TallyPending *pending = NULL;

  tally_shared_lock (self);
  *agent = find_agent_locked (self, matches, data);
  if (G_LIKELY (*agent != NULL && tally_shared_get_failure_locked (self) == NULL))
    {
      gsize before = self->queued.length;

      drop_settled_locked (self, *agent);
      pending = tally_shared_take_pending_locked (self);
      pending->limits = limits;
      set_agent (pending, *agent, oneway);
      if (G_LIKELY (append (call, pending->seqid, &self->queued)))
        {
          tally_shared_note_queued_locked (self, pending, self->queued.length - before);
          tally_pending_set_state (pending, TALLY_PENDING_WAITING);
        }
      else
        tally_shared_drop_pending_locked (self, g_steal_pointer (&pending));
    }
  pthread_mutex_unlock (&self->lock);
  return pending;
}

void
tally_shared_flush (TallyShared *self, TallySharedAgent *agent)
{
  gboolean full = FALSE;

  tally_shared_lock (self);
  if (self->sender == NULL)
    {
      self->sender = &agent->role;
      for (guint round = 0; round < TALLY_SHARED_MAX_ROUNDS && !full && self->queued.length > 0
                            && tally_shared_get_failure_locked (self) == NULL;
           round++)
        {
          /* the queue knows what that means to each call */
          g_autoptr (GError) error = tally_shared_send_round_locked (self, &full);
        }
      self->sender = NULL;
      tally_shared_hand_on_locked (self, NULL);
    }
  tally_shared_unlock (self);
}

void
tally_shared_take_input (TallyShared *self, TallySharedAgent *agent)
{
  g_autoptr (GError) error = NULL;
  gboolean is_receiver;

  tally_shared_lock (self);
  is_receiver = self->receiver == NULL && self->failure == NULL;
  if (is_receiver)
    self->receiver = &agent->role;
  else
    tally_shared_hand_on_locked (self, NULL); /* says anew what to wait for */
  pthread_mutex_unlock (&self->lock);
  if (!is_receiver)
    return;
  tally_shared_receive_at_once (self, &error);
  tally_shared_lock (self);
  self->receiver = NULL;
  if (error != NULL)
    tally_shared_fail_locked (self, error);
  tally_shared_hand_on_locked (self, NULL);
  tally_shared_unlock (self);
}

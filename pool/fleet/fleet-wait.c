/* Owns the calls that wait: for a fleet's first list, or for an endpoint that can be reached. Each is a source in its call's
 * context, so that a call that has no thread waits as one that has. */
#include "cancel-watch-internal.h"
#include "core-private.h"
#include "fleet-private.h"

/* A call that waits. Everything happens in its context, but that it is woken. */
typedef struct
{
  GSource source; /* first */
  TallyFleet *fleet;
  gboolean is_for_list;
  TallyReadyWait ready;      /* `until` is a deadline, -1: none, where it is for a list */
  GCancellable *cancellable; /* nullable */
  TallyCancelWatch cancel;
  gboolean has_begun;
  void (*callback) (gpointer data);
  gpointer data;
} FleetWait;

/* ---- waking ---- */

void
tally_fleet_wake_waits_locked (TallyFleet *self)
{
  for (guint i = 0; i < self->waits->len; i++)
    {
      FleetWait *wait = g_ptr_array_index (self->waits, i);

      g_source_set_ready_time (&wait->source, wait->ready.from);
    }
}

void
tally_fleet_note_change_locked (TallyFleet *self, gint64 now)
{
  self->changed_at = now;
  for (guint i = 0; i < self->waits->len; i++)
    {
      FleetWait *wait = g_ptr_array_index (self->waits, i);

      if (!wait->is_for_list)
        g_source_set_ready_time (&wait->source, wait->ready.from);
    }
}

void
tally_fleet_note_change (TallyFleet *self)
{
  pthread_mutex_lock (&self->lock);
  tally_fleet_note_change_locked (self, g_get_monotonic_time ());
  pthread_mutex_unlock (&self->lock);
}

gboolean
tally_fleet_is_closed (const TallyFleet *self)
{
  return __atomic_load_n (&self->core->closed, __ATOMIC_RELAXED);
}

/* ---- waiting ---- */

/* Uses up the source's own reference; the loop has another. */
static void
end_wait (FleetWait *self)
{
  pthread_mutex_lock (&self->fleet->lock);
  g_ptr_array_remove_fast (self->fleet->waits, self);
  pthread_mutex_unlock (&self->fleet->lock);
  tally_cancel_watch_end (&self->cancel);
  g_clear_object (&self->cancellable);
  g_source_destroy (&self->source);
  self->callback (self->data);
  tally_fleet_unref (self->fleet);
  g_source_unref (&self->source);
}

static gboolean
on_wait_cancelled (gpointer data)
{
  end_wait (data);
  return G_SOURCE_REMOVE;
}

/* With the fleet's lock. */
static gboolean
must_wait_locked (const FleetWait *self)
{
  return self->is_for_list ? tally_fleet_must_wait_locked (self->fleet)
                           : !tally_fleet_is_closed (self->fleet);
}

/* Whether there is a reason to wait on. What changes from now on wakes it. */
static gboolean
begin_wait (FleetWait *self)
{
  TallyFleet *fleet = self->fleet;
  gboolean must_wait, has_changed;

  self->has_begun = TRUE;
  pthread_mutex_lock (&fleet->lock);
  g_ptr_array_add (fleet->waits, self);
  must_wait = must_wait_locked (self);
  has_changed = !self->is_for_list && fleet->changed_at >= self->ready.since;
  g_source_set_ready_time (&self->source, has_changed ? self->ready.from : self->ready.until);
  pthread_mutex_unlock (&fleet->lock);
  if (must_wait && self->cancellable != NULL)
    tally_cancel_watch_begin (&self->cancel, self->cancellable,
                              g_source_get_context (&self->source), on_wait_cancelled, self, NULL);
  return must_wait;
}

static gboolean
wait_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  FleetWait *self = (FleetWait *) source;

  if (!self->has_begun && begin_wait (self))
    return G_SOURCE_CONTINUE;
  end_wait (self);
  return G_SOURCE_REMOVE;
}

static GSourceFuncs wait_funcs = { .dispatch = wait_dispatch };

/* (transfer none): a wait that is to be attached. */
static FleetWait *
wait_new (TallyFleet *fleet,
          GCancellable *cancellable,
          void (*callback) (gpointer data),
          gpointer data)
{
  FleetWait *self = (FleetWait *) g_source_new (&wait_funcs, sizeof (FleetWait));

  self->fleet = tally_fleet_ref (fleet);
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->callback = callback;
  self->data = data;
  g_source_set_static_name (&self->source, "tally call that waits for its endpoints");
  g_source_set_ready_time (&self->source, 0);
  return self;
}

void
tally_fleet_await (TallyFleet *self,
                   GMainContext *context,
                   gint64 deadline,
                   GCancellable *cancellable,
                   void (*callback) (gpointer data),
                   gpointer data)
{
  FleetWait *wait = wait_new (self, cancellable, callback, data);

  wait->is_for_list = TRUE;
  wait->ready.until = deadline;
  g_source_attach (&wait->source, context);
}

void
tally_fleet_await_change (TallyFleet *self,
                          GMainContext *context,
                          const TallyReadyWait *ready,
                          GCancellable *cancellable,
                          void (*callback) (gpointer data),
                          gpointer data)
{
  FleetWait *wait = wait_new (self, cancellable, callback, data);

  wait->ready = *ready;
  g_source_attach (&wait->source, context);
}

/* Owns the order in which requests that are answered later pass their deadlines: those whose handlers asked for a
 * cancellable. It knows neither connections nor threads; the supervisor looks. */
#include "server-requests-private.h"

static gint
compare_deadlines (gconstpointer a, gconstpointer b, gpointer data)
{
  gint64 left = ((const ServerRequest *) a)->later.deadline;
  gint64 right = ((const ServerRequest *) b)->later.deadline;

  return (left > right) - (left < right);
}

void
server_due_add_locked (TallyServer *self, ServerRequest *request)
{
  if (self->due == NULL)
    self->due = g_sequence_new (NULL);
  request->due = g_sequence_insert_sorted (self->due, request, compare_deadlines, NULL);
  if (g_sequence_iter_is_begin (request->due))
    server_wake_supervisor_locked (self);
}

void
server_due_remove_locked (ServerRequest *request)
{
  g_clear_pointer (&request->due, g_sequence_remove);
}

/* (nullable): the one whose deadline is next. */
static ServerRequest *
get_first_locked (TallyServer *self)
{
  return self->due == NULL || g_sequence_is_empty (self->due)
             ? NULL
             : g_sequence_get (g_sequence_get_begin_iter (self->due));
}

gint64
server_due_wait_locked (TallyServer *self)
{
  const ServerRequest *first = get_first_locked (self);
  gint64 left;

  if (G_LIKELY (first == NULL))
    return G_MAXINT64;
  left = first->later.deadline - g_get_monotonic_time ();
  return MAX (left, 1);
}

void
server_due_fire_locked (TallyServer *self)
{
  g_autoptr (GPtrArray) cancellables = g_ptr_array_new_with_free_func (g_object_unref);
  gint64 now = g_get_monotonic_time ();
  ServerRequest *first;

  while ((first = get_first_locked (self)) != NULL && first->later.deadline <= now)
    {
      first->is_abandoned = TRUE;
      g_ptr_array_add (cancellables, g_object_ref (first->cancellable));
      server_due_remove_locked (first);
    }
  if (cancellables->len == 0)
    return;
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < cancellables->len; i++)
    g_cancellable_cancel (g_ptr_array_index (cancellables, i));
  pthread_mutex_lock (&self->lock);
}

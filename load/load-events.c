/* Owns the order of a simulation's events: a binary heap. */
#include "load-events-private.h"

static gboolean
is_before (const LoadEvent *event, const LoadEvent *other)
{
  return event->at < other->at || (event->at == other->at && event->order < other->order);
}

static void
swap (LoadEvent *event, LoadEvent *other)
{
  const LoadEvent kept = *event;

  *event = *other;
  *other = kept;
}

void
load_events_init (LoadEvents *self)
{
  *self = (LoadEvents){ .heap = g_array_new (FALSE, FALSE, sizeof (LoadEvent)) };
}

void
load_events_clear (LoadEvents *self)
{
  g_clear_pointer (&self->heap, g_array_unref);
}

void
load_events_add (LoadEvents *self, gint64 at, LoadEventKind kind, gpointer what, guint64 number)
{
  const LoadEvent event = { at, self->added++, kind, what, number };
  LoadEvent *events;

  g_array_append_val (self->heap, event);
  events = (LoadEvent *) self->heap->data;
  for (guint i = self->heap->len - 1; i > 0 && is_before (&events[i], &events[(i - 1) / 2]);
       i = (i - 1) / 2)
    swap (&events[i], &events[(i - 1) / 2]);
}

static void
sink (LoadEvent *events, guint n_events)
{
  for (guint i = 0, child; (child = 2 * i + 1) < n_events; i = child)
    {
      if (child + 1 < n_events && is_before (&events[child + 1], &events[child]))
        child++;
      if (!is_before (&events[child], &events[i]))
        return;
      swap (&events[child], &events[i]);
    }
}

gboolean
load_events_take (LoadEvents *self, LoadEvent *event)
{
  LoadEvent *events = (LoadEvent *) self->heap->data;

  if (self->heap->len == 0)
    return FALSE;
  *event = events[0];
  events[0] = events[self->heap->len - 1];
  g_array_set_size (self->heap, self->heap->len - 1);
  sink (events, self->heap->len);
  return TRUE;
}

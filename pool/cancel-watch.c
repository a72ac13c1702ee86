/* Owns telling a main context of a cancellation, whichever thread it comes from. It knows nothing of
 * what is cancelled. */
#include "cancel-watch-internal.h"

static void
on_cancelled (GCancellable *cancellable, gpointer source)
{
  g_source_set_ready_time (source, 0);
}

/* The handler's own reference: a handler that another thread is in outlives its disconnection. */
static void
release_source (gpointer source, GClosure *closure)
{
  g_source_unref (source);
}

void
tally_cancel_watch_begin (TallyCancelWatch *self,
                          GCancellable *cancellable,
                          GMainContext *context,
                          GSourceFunc function,
                          gpointer data,
                          GDestroyNotify destroy)
{
  self->cancellable = g_object_ref (cancellable);
  self->source = g_timeout_source_new (0);
  g_source_set_ready_time (self->source, -1); /* not before the cancellation */
  g_source_set_callback (self->source, function, data, destroy);
  g_source_attach (self->source, context);
  self->handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                         g_source_ref (self->source), release_source, 0);
  if (g_cancellable_is_cancelled (cancellable))
    g_source_set_ready_time (self->source, 0);
}

void
tally_cancel_watch_end (TallyCancelWatch *self)
{
  if (self->source == NULL)
    return;
  g_signal_handler_disconnect (self->cancellable, self->handler);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_object_unref (self->cancellable);
  *self = (TallyCancelWatch){ NULL };
}

/* Owns telling a main context of a cancellation, whichever thread it comes from. It knows nothing of
 * what is cancelled. */
#include "cancel-watch-internal.h"

/* What a handler has: one that another thread is in outlives its disconnection. The source's context is given up last: GLib
 * before 2.80 looks at it when the source is given up. */
typedef struct
{
  GSource *source;
  GMainContext *context;
} Watched;

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  g_source_set_ready_time (((Watched *) data)->source, 0);
}

static void
release_watched (gpointer data, GClosure *closure)
{
  Watched *self = data;

  g_source_unref (self->source);
  if (self->context != NULL)
    g_main_context_unref (self->context);
  g_free (self);
}

void
tally_cancel_watch_begin (TallyCancelWatch *self,
                          GCancellable *cancellable,
                          GMainContext *context,
                          GSourceFunc function,
                          gpointer data,
                          GDestroyNotify destroy)
{
  Watched *watched = g_new (Watched, 1);

  self->cancellable = g_object_ref (cancellable);
  self->source = g_timeout_source_new (0);
  g_source_set_ready_time (self->source, -1); /* not before the cancellation */
  g_source_set_callback (self->source, function, data, destroy);
  g_source_attach (self->source, context);
  *watched = (Watched){ g_source_ref (self->source),
                        context != NULL ? g_main_context_ref (context) : NULL };
  self->handler = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                         watched, release_watched, 0);
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

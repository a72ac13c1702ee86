/* Hears of a cancellation in a main context. GLib's source for that leaks itself when it is disposed
 * of while the cancellation that it told of still runs in another thread (as of GLib 2.74). */
#ifndef TALLY_CANCEL_WATCH_INTERNAL_H
#define TALLY_CANCEL_WATCH_INTERNAL_H

#include <gio/gio.h>

G_BEGIN_DECLS

/* Zeroed: watches nothing. Not for two threads at once. */
typedef struct
{
  GSource *source;
  GCancellable *cancellable;
  gulong handler;
} TallyCancelWatch;

/* @function is called once in @context when @cancellable is cancelled, or was before; it returns
 * %G_SOURCE_REMOVE. @destroy (nullable) is called with @data when that can no longer happen. Takes
 * no lock of @cancellable's. */
void tally_cancel_watch_begin (TallyCancelWatch *self,
                               GCancellable *cancellable,
                               GMainContext *context,
                               GSourceFunc function,
                               gpointer data,
                               GDestroyNotify destroy);

/* Waits for nobody: the function may be running in another thread. */
void tally_cancel_watch_end (TallyCancelWatch *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TallyCancelWatch, tally_cancel_watch_end)

G_END_DECLS

#endif /* TALLY_CANCEL_WATCH_INTERNAL_H */

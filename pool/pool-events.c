/* Owns the "event" signal: what a pool tells its listeners, outside every lock and never after
 * close. */
#include "hooks-private.h"

#include "bucket-private.h"
#include "glib-gate-private.h"

G_DEFINE_BOXED_TYPE (TallyPoolEvent, tally_pool_event, tally_pool_event_copy, tally_pool_event_free)

/**
 * tally_pool_event_copy:
 * @event: an event
 *
 * Returns: (transfer full): a copy, valid after the signal's handler has returned
 */
TallyPoolEvent *
tally_pool_event_copy (const TallyPoolEvent *event)
{
  TallyPoolEvent *copy = g_memdup2 (event, sizeof *event);

  copy->endpoint = tally_endpoint_ref (event->endpoint);
  return copy;
}

/**
 * tally_pool_event_free:
 * @event: (transfer full): what tally_pool_event_copy() made
 *
 * Frees a copy.
 */
void
tally_pool_event_free (TallyPoolEvent *event)
{
  tally_endpoint_unref (event->endpoint);
  g_free (event);
}

guint
tally_pool_install_event (GType type)
{
  return g_signal_new ("event", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                       TALLY_TYPE_POOL_EVENT | G_SIGNAL_TYPE_STATIC_SCOPE);
}

/* Not under any lock. @event's endpoint is filled in. */
void
tally_bucket_emit (TallyBucket *bucket, const TallyPoolEvent *event)
{
  TallyPoolCore *core = bucket->core;
  g_autoptr (TallyPool) pool = NULL;
  gboolean is_heard;
  TallyFrame frame;

  if (!tally_hooks_begin (core))
    return;
  tally_frame_push (&frame, core);
  tally_glib_begin ();
  pool = g_weak_ref_get (&core->pool);
  is_heard = pool != NULL && g_signal_has_handler_pending (pool, core->event_signal, 0, FALSE);
  tally_glib_end ();
  if (is_heard)
    {
      TallyPoolEvent complete = *event;

      complete.endpoint = bucket->endpoint;
      g_signal_emit (pool, core->event_signal, 0, &complete);
    }
  g_clear_object (&pool);
  tally_frame_pop (&frame);
  tally_hooks_end (core);
}

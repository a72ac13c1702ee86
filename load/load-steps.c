/* Finds out where the time of a mode's calls goes, by calls of their own on a channel with an interceptor, so that those which are
 * measured pay for none. */
#include "load-steps-private.h"

#define LOAD_TYPE_WATCH (load_watch_get_type ())
G_DECLARE_FINAL_TYPE (LoadWatch, load_watch, LOAD, WATCH, GObject)

struct _LoadWatch
{
  GObject parent_instance;

  GMutex lock;
  guint64 calls; /* under the lock, as are the sums, in microseconds */
  guint64 until_sent;
  guint64 until_end; /* from then on */
};

static void
load_watch_after (TallyInterceptor *interceptor, TallyCallInfo *info)
{
  LoadWatch *self = LOAD_WATCH (interceptor);
  const gint64 sent = tally_call_info_get_sent_time (info);

  if (tally_call_info_get_outcome (info) != TALLY_CALL_ANSWERED || sent == 0)
    return;
  g_mutex_lock (&self->lock);
  self->calls++;
  self->until_sent += (guint64) (sent - tally_call_info_get_start_time (info));
  self->until_end += (guint64) (tally_call_info_get_end_time (info) - sent);
  g_mutex_unlock (&self->lock);
}

static void
load_watch_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->after = load_watch_after;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (LoadWatch,
                               load_watch,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR,
                                                      load_watch_interceptor_init))

static void
load_watch_finalize (GObject *object)
{
  g_mutex_clear (&LOAD_WATCH (object)->lock);
  G_OBJECT_CLASS (load_watch_parent_class)->finalize (object);
}

static void
load_watch_class_init (LoadWatchClass *class)
{
  G_OBJECT_CLASS (class)->finalize = load_watch_finalize;
}

static void
load_watch_init (LoadWatch *self)
{
  g_mutex_init (&self->lock);
}

static LoadSteps
compute_steps (const LoadWatch *watch, TallyPool *pool)
{
  LoadSteps steps = { .calls = watch->calls };
  TallyPoolSnapshot snapshot;
  gdouble before_sent;

  if (watch->calls == 0)
    return steps;
  tally_pool_snapshot (pool, &snapshot);
  before_sent = 1e3 * (gdouble) watch->until_sent / (gdouble) watch->calls;
  steps.connect_ns = 1e3 * (gdouble) snapshot.dial_time.sum / (gdouble) watch->calls;
  steps.wait_ns = 1e3 * (gdouble) snapshot.wait_time.sum / (gdouble) watch->calls;
  /* A dial that its borrower did not wait for, as another connection came back sooner, is no part of a call. */
  steps.connect_ns = MIN (steps.connect_ns, before_sent);
  steps.wait_ns = MIN (steps.wait_ns, before_sent - steps.connect_ns);
  steps.send_ns = before_sent - steps.connect_ns - steps.wait_ns;
  steps.answer_ns = 1e3 * (gdouble) watch->until_end / (gdouble) watch->calls;
  return steps;
}

static gboolean
find_steps (
    LoadOptions *options, const LoadWork *work, LoadMode *mode, guint64 calls, GError **error)
{
  g_autoptr (LoadMode) watched = load_mode_new (options, mode->name, error);
  g_autoptr (LoadWatch) watch = g_object_new (LOAD_TYPE_WATCH, NULL);

  if (watched == NULL)
    return FALSE;
  tally_channel_add_interceptor (watched->channel, TALLY_INTERCEPTOR (watch));
  load_run_unmeasured (options, work, watched, calls);
  if (g_atomic_int_get (&options->interrupted) < 2)
    mode->steps = compute_steps (watch, watched->pool);
  else
    g_steal_pointer (&watched); /* calls are still under way */
  return TRUE;
}

gboolean
load_find_steps (
    LoadOptions *options, const LoadWork *work, GPtrArray *modes, guint64 calls, GError **error)
{
  for (guint i = 0; i < modes->len; i++)
    if (g_atomic_int_get (&options->interrupted) == 0
        && !find_steps (options, work, g_ptr_array_index (modes, i), calls, error))
      return FALSE;
  return TRUE;
}

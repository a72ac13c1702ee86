/* Owns the attempts of an idempotent call that overlap: one begins at once, another when the first has taken longer than most
 * calls did lately. The first answer is the call's; what is still under way then is cancelled. Each attempt is an
 * asynchronous call of its own, a part. Everything happens in the call's main context. */
#include "hedge-private.h"

#include <stdlib.h>

#include "headers-private.h"

#define HEDGE_PARTS 2
/* So many times have to be known. */
#define MIN_TIMES 16

struct _TallyHedge
{
  TallyAsyncCall *call; /* owned */
  guint n_parts;
  guint n_running;
  gboolean is_told; /* the call knows what this came to */
  GCancellable *cancellables[HEDGE_PARTS];
  TallyAsyncCall *parts[HEDGE_PARTS]; /* those that run: they are their own */
  gint64 began[HEDGE_PARTS];
  GSource *timer;          /* nullable: before the second part */
  TallyCancelWatch cancel; /* the caller's */
};

gboolean
tally_hedge_is_wanted (const TallyRetryPolicy *policy, const TallyCall *call)
{
  return policy != NULL && policy->hedge_percent > 0 && policy->attempts > 1
         && !call->method->oneway && tally_call_is_idempotent (call);
}

/* ---- the end ---- */

static void
end_timer (TallyHedge *self)
{
  if (self->timer == NULL)
    return;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static void
hedge_free (TallyHedge *self)
{
  self->call->hedge = NULL;
  for (guint i = 0; i < self->n_parts; i++)
    g_object_unref (self->cancellables[i]);
  g_object_unref (self->call);
  g_free (self);
}

static void
cancel_parts (TallyHedge *self)
{
  for (guint i = 0; i < self->n_parts; i++)
    g_cancellable_cancel (self->cancellables[i]);
}

/* The call comes to @error (transfer full) (nullable). @self lives on until all parts are over. */
static void
tell_call (TallyHedge *self, GError *error)
{
  g_autoptr (GObject) call = g_object_ref (G_OBJECT (self->call));

  self->is_told = TRUE;
  end_timer (self);
  tally_cancel_watch_end (&self->cancel);
  cancel_parts (self);
  if (self->n_running == 0)
    hedge_free (self);
  tally_async_call_attempted ((TallyAsyncCall *) call, error);
}

/* ---- what a part came to ---- */

/* What @part knows of its end becomes the call's. */
static void
take_end (TallyAsyncCall *call, TallyAsyncCall *part)
{
  const TallyStructInfo *result = call->call.method->result;

  g_clear_pointer (&call->call.route, tally_route_free);
  call->call.route = g_steal_pointer (&part->call.route);
  call->call.bucket = part->call.bucket;
  call->call.answered = part->call.answered;
  call->call.declared = part->call.declared;
  call->call.refused = part->call.refused;
  call->call.sent = part->call.sent;
  call->call.sent_bytes = part->call.sent_bytes;
  call->call.request_bytes = part->call.request_bytes;
  call->call.seqid = part->call.seqid;
  for (guint i = 0; result != NULL && i < result->n_fields; i++)
    {
      TallyResultSlot empty = call->slots[i];

      call->slots[i] = part->slots[i];
      part->slots[i] = empty;
    }
  if (part->options.reply_headers != NULL)
    tally_headers_assign (call->call.options->reply_headers, part->options.reply_headers);
  if (call->info == NULL)
    return;
  call->info->attempts += MAX (part->info->attempts, 1) - 1; /* its replay */
  call->info->seqid = part->info->seqid;
  if (part->info->peer != NULL)
    {
      g_free (call->info->peer);
      call->info->peer = g_steal_pointer (&part->info->peer);
    }
  call->info->request_bytes = part->info->request_bytes;
  call->info->reply_bytes = part->info->reply_bytes;
  call->info->sent = part->info->sent;
  g_clear_pointer (&call->info->request, g_bytes_unref);
  g_clear_pointer (&call->info->reply, g_bytes_unref);
  call->info->request = g_steal_pointer (&part->info->request);
  call->info->reply = g_steal_pointer (&part->info->reply);
}

/* Of a first part that was overtaken it is known that it takes longer than this. */
static void
note_time (const TallyHedge *self)
{
  tally_retry_note_time (self->call->call.channel, g_get_monotonic_time () - self->began[0]);
}

static void
settle (TallyHedge *self, TallyAsyncCall *part, guint index)
{
  TallyRetry *retry = tally_async_retry_get (self->call->retry);
  GError *error = g_steal_pointer (&part->error);
  gboolean is_final =
      part->call.answered && (error == NULL || !tally_retry_is_allowed (retry, &part->call, error));

  if (is_final)
    note_time (self);
  else if (error != NULL && self->n_running > 0)
    {
      tally_retry_note (retry, &part->call, error, self->began[index]);
      g_error_free (error);
      return;
    }
  take_end (self->call, part);
  tally_async_retry_set_began (self->call->retry, self->began[index]);
  tell_call (self, error);
}

static void
on_part_over (GObject *source, GAsyncResult *result, gpointer data)
{
  TallyAsyncCall *part = (TallyAsyncCall *) result;
  TallyHedge *self = data;
  guint index = part->call.cancellable == self->cancellables[0] ? 0 : 1;

  self->n_running--;
  if (!self->is_told)
    settle (self, part, index);
  else if (self->n_running == 0)
    hedge_free (self);
  g_clear_object (&part->info);
}

/* ---- the parts ---- */

/* The second attempt goes to another endpoint, where there are several. */
static void
avoid_first_part (const TallyHedge *self, TallyAsyncCall *part)
{
  TallyFleet *fleet = part->call.channel->fleet;

  if (fleet == NULL || part == self->parts[0])
    return;
  part->call.route = tally_route_new (fleet);
  tally_route_avoid (part->call.route, self->parts[0]->call.route);
}

static void
begin_part (TallyHedge *self)
{
  TallyAsyncCall *call = self->call;
  guint index = self->n_parts++;
  TallyAsyncCall *part;

  self->cancellables[index] = g_cancellable_new ();
  self->began[index] = g_get_monotonic_time ();
  self->n_running++;
  if (call->info != NULL)
    call->info->attempts++;
  part = tally_async_call_new_part (call, self->cancellables[index], on_part_over, self);
  self->parts[index] = part;
  avoid_first_part (self, part);
  g_object_ref (part);
  tally_async_call_attempt (part);
  __atomic_store_n (&part->has_started, TRUE, __ATOMIC_RELEASE);
  g_object_unref (part);
}

static gboolean
on_hedge_due (gpointer data)
{
  TallyHedge *self = data;

  end_timer (self);
  if (tally_retry_take_now (tally_async_retry_get (self->call->retry)))
    begin_part (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_hedge_cancelled (gpointer data)
{
  TallyHedge *self = data;

  end_timer (self);
  cancel_parts (self);
  return G_SOURCE_REMOVE;
}

static void
set_timer (TallyHedge *self)
{
  const TallyCall *call = &self->call->call;
  gint64 delay = tally_retry_get_hedge_delay (call->channel,
                                              tally_async_retry_get (self->call->retry)->policy);
  gint64 until = self->began[0] + delay;

  if (delay < 0 || (call->deadline >= 0 && until >= call->deadline))
    return;
  self->timer = g_timeout_source_new (0);
  g_source_set_static_name (self->timer, "tally hedge");
  g_source_set_ready_time (self->timer, until);
  g_source_set_callback (self->timer, on_hedge_due, self, NULL);
  g_source_attach (self->timer, self->call->context);
}

static gboolean
begin_here (gpointer data)
{
  TallyAsyncCall *call = data;
  TallyHedge *self = g_new0 (TallyHedge, 1);

  self->call = g_object_ref (call);
  call->hedge = self;
  if (call->call.cancellable != NULL)
    tally_cancel_watch_begin (&self->cancel, call->call.cancellable, call->context,
                              on_hedge_cancelled, self, NULL);
  begin_part (self);
  set_timer (self);
  return G_SOURCE_REMOVE;
}

void
tally_hedge_begin (TallyAsyncCall *call)
{
  GMainContext *context = g_main_context_ref (call->context);

  if (g_main_context_acquire (context))
    {
      begin_here (call);
      g_main_context_release (context);
    }
  else /* another thread is in the call's context */
    {
      g_autoptr (GSource) source = g_idle_source_new ();

      g_source_set_static_name (source, "tally hedge");
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, begin_here, g_object_ref (call), g_object_unref);
      g_source_attach (source, context);
    }
  g_main_context_unref (context);
}

/* ---- a call whose thread waits ---- */

static void
on_call_over (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

gboolean
tally_hedge_make_call (TallyChannel *channel,
                       const TallyMethod *method,
                       gconstpointer args,
                       gpointer const *results,
                       const TallyCallOptions *options,
                       GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;
  gboolean done;

  g_main_context_push_thread_default (context);
  tally_async_call_start (channel, channel, method, args, options, NULL, on_call_over, &result);
  while (result == NULL || ((TallyAsyncCall *) result)->hedge != NULL)
    g_main_context_iteration (context, TRUE);
  done = tally_async_call_finish (channel, method, result, results, error);
  g_main_context_pop_thread_default (context);
  return done;
}

/* ---- recent times ---- */

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  guint32 first = *(const guint32 *) a;
  guint32 second = *(const guint32 *) b;

  return (first > second) - (first < second);
}

void
tally_retry_note_time (TallyChannel *channel, gint64 microseconds)
{
  pthread_mutex_lock (&channel->retry_lock);
  if (channel->recent_times == NULL)
    channel->recent_times = g_new0 (TallyRecentTimes, 1);
  channel->recent_times->times[channel->recent_times->n_times++ % TALLY_RECENT_TIMES] =
      (guint32) MIN (microseconds, G_MAXUINT32);
  pthread_mutex_unlock (&channel->retry_lock);
}

gint64
tally_retry_get_hedge_delay (TallyChannel *channel, const TallyRetryPolicy *policy)
{
  TallyRecentTimes recent = { .n_times = 0 };
  guint length;

  pthread_mutex_lock (&channel->retry_lock);
  if (channel->recent_times != NULL)
    recent = *channel->recent_times;
  pthread_mutex_unlock (&channel->retry_lock);
  if (recent.n_times < MIN_TIMES)
    return -1;
  length = MIN (recent.n_times, TALLY_RECENT_TIMES);
  qsort (recent.times, length, sizeof recent.times[0], compare_times);
  return MAX (recent.times[(length * policy->hedge_percent - 1) / 100],
              policy->hedge_least_ms * G_TIME_SPAN_MILLISECOND);
}

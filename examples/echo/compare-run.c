/* Makes the calls of one round: many threads, or a main loop, one client, every answer checked. Knows
 * nothing of how results are shown. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "compare-caller.h"

#define ASYNC "async-" /* before the name of a mode in which one thread calls without blocking */

guint64
compare_now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (guint64) time.tv_sec * 1000000000u + time.tv_nsec;
}

/* The callers' calls take turns. */
guint64
compare_caller_get_start (const CompareCaller *self, gint call)
{
  const CompareRound *round = self->round;

  if (round->options->rate <= 0)
    return compare_now ();
  return round->start
         + (guint64) (1e9 * ((gint64) call * round->callers + self->number) / round->options->rate);
}

void
compare_caller_stamp (CompareCaller *self, gint call)
{
  gsize size = MAX (self->round->options->size, 0);
  gchar stamp[32];
  gsize length;

  if (self->payload != NULL)
    {
      ((DemoItem *) g_ptr_array_index (self->payload->items, 0))->stamp = call;
      return;
    }
  length = (gsize) g_snprintf (stamp, sizeof stamp, "%d/%u/", call, self->number);
  memset (self->text, 'x', MIN (size, sizeof stamp)); /* what is left of a longer one */
  memcpy (self->text, stamp, MIN (size, length));
}

void
compare_caller_note (CompareCaller *self, guint64 took, gboolean is_right, GError *error)
{
  if (is_right)
    g_array_append_val (self->latencies, took);
  else
    {
      self->failures++;
      if (self->failure == NULL)
        self->failure =
            g_strdup (error != NULL ? error->message : "an answer is not what was sent");
    }
  g_clear_error (&error);
  g_atomic_int_inc (&self->done);
}

/* ---- callers that block ---- */

static void
call_with_text (CompareCaller *self, guint64 start)
{
  DemoEchoIf *echo = DEMO_ECHO_IF (self->round->mode->client);
  g_autofree gchar *reply = NULL;
  GError *error = NULL;
  gboolean is_answered = demo_echo_if_echo (echo, &reply, self->text, &error);
  guint64 took = compare_now () - start;

  compare_caller_note (self, took, is_answered && strcmp (reply, self->text) == 0, error);
}

static void
call_with_payload (CompareCaller *self, guint64 start)
{
  DemoEchoIf *echo = DEMO_ECHO_IF (self->round->mode->client);
  g_autoptr (DemoPayload) reply = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  GError *error = NULL;
  gboolean is_answered = demo_echo_if_echo_payload (echo, &reply, self->payload, &error);
  guint64 took = compare_now () - start;

  compare_caller_note (self, took, is_answered && tally_struct_equal (reply, self->payload), error);
}

static void
await_time (guint64 time)
{
  struct timespec until = { .tv_sec = (time_t) (time / 1000000000u),
                            .tv_nsec = (long) (time % 1000000000u) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
    continue;
}

static void
run_blocking (CompareCaller *self)
{
  CompareOptions *options = self->round->options;
  gint i;

  for (i = 0; i < self->calls && !g_atomic_int_get (&options->interrupted); i++)
    {
      guint64 start;

      compare_caller_stamp (self, i);
      start = compare_caller_get_start (self, i);
      if (options->rate > 0)
        await_time (start);
      if (self->payload != NULL)
        call_with_payload (self, start);
      else
        call_with_text (self, start);
    }
}

static void
await_start (CompareRound *round)
{
  g_mutex_lock (&round->lock);
  while (!round->started)
    g_cond_wait (&round->changed, &round->lock);
  g_mutex_unlock (&round->lock);
}

static void
report_end (CompareRound *round)
{
  g_mutex_lock (&round->lock);
  round->running--;
  g_cond_broadcast (&round->changed);
  g_mutex_unlock (&round->lock);
}

static gpointer
run_caller (gpointer data)
{
  CompareCaller *self = data;
  CompareOptions *options = self->round->options;

  if (options->size < 0)
    self->payload = payload_new (self->number);
  self->text = g_strnfill (MAX (options->size, 0), 'x');
  await_start (self->round);
  if (self->round->mode->is_async)
    compare_caller_run_async (self);
  else
    run_blocking (self);
  g_clear_object (&self->payload);
  g_free (self->text);
  report_end (self->round);
  return NULL;
}

static gdouble
get_share_done (const CompareRound *round, CompareCaller *callers)
{
  const CompareOptions *options = round->options;
  gint64 done = 0;
  gint i;

  for (i = 0; i < round->callers; i++)
    done += g_atomic_int_get (&callers[i].done);
  return (gdouble) done / ((gint64) options->callers * options->calls);
}

/* Starts all callers and waits for them. */
static void
await_end (CompareRound *round,
           CompareCaller *callers,
           void (*progress) (gdouble share, gpointer user_data),
           gpointer user_data)
{
  g_mutex_lock (&round->lock);
  round->start = compare_now ();
  round->started = TRUE;
  g_cond_broadcast (&round->changed);
  while (round->running > 0)
    {
      if (progress == NULL)
        g_cond_wait (&round->changed, &round->lock);
      else if (!g_cond_wait_until (&round->changed, &round->lock,
                                   g_get_monotonic_time () + G_TIME_SPAN_SECOND / 5))
        progress (get_share_done (round, callers), user_data);
    }
  g_mutex_unlock (&round->lock);
}

static void
collect (CompareMode *mode, CompareCaller *caller)
{
  g_thread_join (caller->thread);
  g_array_append_vals (mode->latencies, caller->latencies->data, caller->latencies->len);
  g_array_unref (caller->latencies);
  mode->failures += caller->failures;
  if (mode->failure == NULL)
    mode->failure = g_steal_pointer (&caller->failure);
  g_free (caller->failure);
}

void
compare_run_round (CompareOptions *options,
                   CompareMode *mode,
                   void (*progress) (gdouble share, gpointer user_data),
                   gpointer user_data)
{
  gint n = mode->is_async ? 1 : options->callers;
  g_autofree CompareCaller *callers = g_new0 (CompareCaller, n);
  CompareRound round = { .options = options, .mode = mode, .callers = n, .running = n };
  guint before = mode->latencies->len;
  guint64 start, duration;
  gdouble rate;
  gint i;

  g_mutex_init (&round.lock);
  g_cond_init (&round.changed);
  for (i = 0; i < n; i++)
    {
      callers[i].round = &round;
      callers[i].number = i;
      callers[i].calls = options->callers * options->calls / n;
      callers[i].latencies = g_array_sized_new (FALSE, FALSE, sizeof (guint64), callers[i].calls);
      callers[i].thread = g_thread_new ("caller", run_caller, &callers[i]);
    }
  start = compare_now ();
  await_end (&round, callers, progress, user_data);
  duration = compare_now () - start;
  for (i = 0; i < n; i++)
    collect (mode, &callers[i]);
  rate = 1e9 * (mode->latencies->len - before) / MAX (duration, 1);
  g_array_append_val (mode->rates, rate);
  g_cond_clear (&round.changed);
  g_mutex_clear (&round.lock);
}

gboolean
compare_ask (const CompareOptions *options, GError **error)
{
  g_autoptr (TallyChannel) channel = tally_channel_new (options->uri, error);
  g_autoptr (DemoEchoClient) client = channel != NULL ? demo_echo_client_new (channel) : NULL;
  g_autofree gchar *reply = NULL;

  if (client == NULL || !demo_echo_if_echo (DEMO_ECHO_IF (client), &reply, "ready?", error))
    return FALSE;
  if (strcmp (reply, "ready?") == 0)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%s: the answer is not what was sent",
               options->uri);
  return FALSE;
}

CompareMode *
compare_mode_new (const CompareOptions *options, const gchar *name, GError **error)
{
  gboolean is_async = g_str_has_prefix (name, ASYNC);
  g_autofree gchar *uri =
      g_strconcat (options->uri, strchr (options->uri, '?') != NULL ? "&mode=" : "?mode=",
                   name + (is_async ? strlen (ASYNC) : 0), NULL);
  g_autoptr (CompareMode) mode = g_new0 (CompareMode, 1);
  g_autoptr (TallyChannel) channel = NULL;

  mode->name = g_strdup (name);
  mode->is_async = is_async;
  mode->latencies = g_array_new (FALSE, FALSE, sizeof (guint64));
  mode->rates = g_array_new (FALSE, FALSE, sizeof (gdouble));
  mode->pool = tally_pool_new ();
  /* A connection for each call must not have to wait for the limit on dials. */
  g_object_set (mode->pool, "max-open", options->connections, "max-dials", options->connections,
                NULL);
  channel = tally_channel_new_with_pool (uri, mode->pool, error);
  if (channel == NULL)
    return NULL;
  mode->client = demo_echo_client_new (channel);
  return g_steal_pointer (&mode);
}

void
compare_mode_free (CompareMode *mode)
{
  g_clear_object (&mode->client);
  tally_pool_close (mode->pool);
  g_clear_object (&mode->pool);
  g_array_unref (mode->latencies);
  g_array_unref (mode->rates);
  g_free (mode->failure);
  g_free (mode->name);
  g_free (mode);
}

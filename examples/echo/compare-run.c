/* Makes the calls of one round: many threads, one client, every answer checked. Knows nothing of
 * how results are shown. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "compare.h"
#include "payload.h"

/* All callers of a round start at once; the thread that runs the round waits until they are
 * done. */
typedef struct
{
  CompareOptions *options;
  DemoEchoIf *echo;
  GMutex lock;
  GCond changed;
  gboolean started; /* under the lock */
  gint running;     /* under the lock */
} Round;

/* One thread's part. */
typedef struct
{
  Round *round;
  GThread *thread;
  guint number;
  GArray *latencies; /* of guint64 */
  gint done;         /* atomic; the progress line reads it */
  guint64 failures;
  gchar *failure;
} Caller;

static guint64
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (guint64) time.tv_sec * 1000000000u + time.tv_nsec;
}

static void
note_failure (Caller *self, GError *error)
{
  self->failures++;
  if (self->failure == NULL)
    self->failure = g_strdup (error != NULL ? error->message : "an answer is not what was sent");
  g_clear_error (&error);
}

/* Each call's text is another one, as far as the size has room for that, so that an answer to
 * another call is seen. */
static void
call_with_text (Caller *self, gchar *text, gsize size, guint call)
{
  g_autofree gchar *reply = NULL;
  GError *error = NULL;
  gchar stamp[32];
  gsize length;
  guint64 start, end;

  length = (gsize) g_snprintf (stamp, sizeof stamp, "%u/%u/", call, self->number);
  memcpy (text, stamp, MIN (size, length));
  start = now ();
  if (!demo_echo_if_echo (self->round->echo, &reply, text, &error))
    {
      note_failure (self, error);
      return;
    }
  end = now () - start;
  if (strcmp (reply, text) == 0)
    g_array_append_val (self->latencies, end);
  else
    note_failure (self, NULL);
}

static void
call_with_payload (Caller *self, DemoPayload *payload, guint call)
{
  g_autoptr (DemoPayload) reply = g_object_new (DEMO_TYPE_PAYLOAD, NULL);
  DemoItem *first = g_ptr_array_index (payload->items, 0);
  GError *error = NULL;
  guint64 start, end;

  first->stamp = call;
  start = now ();
  if (!demo_echo_if_echo_payload (self->round->echo, &reply, payload, &error))
    {
      note_failure (self, error);
      return;
    }
  end = now () - start;
  if (tally_struct_equal (reply, payload))
    g_array_append_val (self->latencies, end);
  else
    note_failure (self, NULL);
}

static void
await_start (Round *round)
{
  g_mutex_lock (&round->lock);
  while (!round->started)
    g_cond_wait (&round->changed, &round->lock);
  g_mutex_unlock (&round->lock);
}

static void
report_end (Round *round)
{
  g_mutex_lock (&round->lock);
  round->running--;
  g_cond_broadcast (&round->changed);
  g_mutex_unlock (&round->lock);
}

static gpointer
run_caller (gpointer data)
{
  Caller *self = data;
  CompareOptions *options = self->round->options;
  g_autoptr (DemoPayload) payload = options->size < 0 ? payload_new (self->number) : NULL;
  g_autofree gchar *text = g_strnfill (MAX (options->size, 0), 'x');
  gint i;

  await_start (self->round);
  for (i = 0; i < options->calls && !g_atomic_int_get (&options->interrupted); i++)
    {
      if (payload != NULL)
        call_with_payload (self, payload, i);
      else
        call_with_text (self, text, options->size, i);
      g_atomic_int_set (&self->done, i + 1);
    }
  report_end (self->round);
  return NULL;
}

static gdouble
get_share_done (const CompareOptions *options, Caller *callers)
{
  gint64 done = 0;
  gint i;

  for (i = 0; i < options->callers; i++)
    done += g_atomic_int_get (&callers[i].done);
  return (gdouble) done / ((gint64) options->callers * options->calls);
}

/* Starts all callers and waits for them. */
static void
await_end (Round *round,
           Caller *callers,
           void (*progress) (gdouble share, gpointer user_data),
           gpointer user_data)
{
  g_mutex_lock (&round->lock);
  round->started = TRUE;
  g_cond_broadcast (&round->changed);
  while (round->running > 0)
    {
      if (progress == NULL)
        g_cond_wait (&round->changed, &round->lock);
      else if (!g_cond_wait_until (&round->changed, &round->lock,
                                   g_get_monotonic_time () + G_TIME_SPAN_SECOND / 5))
        progress (get_share_done (round->options, callers), user_data);
    }
  g_mutex_unlock (&round->lock);
}

static void
collect (CompareMode *mode, Caller *caller)
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
  g_autofree Caller *callers = g_new0 (Caller, options->callers);
  Round round = { .options = options,
                  .echo = DEMO_ECHO_IF (mode->client),
                  .running = options->callers };
  guint before = mode->latencies->len;
  guint64 start, duration;
  gdouble rate;
  gint i;

  g_mutex_init (&round.lock);
  g_cond_init (&round.changed);
  for (i = 0; i < options->callers; i++)
    {
      callers[i].round = &round;
      callers[i].number = i;
      callers[i].latencies = g_array_sized_new (FALSE, FALSE, sizeof (guint64), options->calls);
      callers[i].thread = g_thread_new ("caller", run_caller, &callers[i]);
    }
  start = now ();
  await_end (&round, callers, progress, user_data);
  duration = now () - start;
  for (i = 0; i < options->callers; i++)
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
  g_autofree gchar *uri =
      g_strconcat (options->uri, strchr (options->uri, '?') != NULL ? "&mode=" : "?mode=", name,
                   NULL);
  g_autoptr (CompareMode) mode = g_new0 (CompareMode, 1);
  g_autoptr (TallyChannel) channel = NULL;

  mode->name = g_strdup (name);
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

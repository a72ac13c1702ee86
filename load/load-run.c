/* Makes the calls of the rounds: many threads, or a main loop, and looks now and then at what they have done. Knows nothing
 * of how results are shown. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "load-caller-private.h"
#include "load-steps-private.h"

/* How often it is looked at what was done, and how many such intervals are kept of a mode. */
#define INTERVAL_NS G_GUINT64_CONSTANT (100000000)
#define MAX_SAMPLES 400
/* A signal does not wake a caller that waits for its call's time. */
#define LOOK_NS G_GUINT64_CONSTANT (100000000)

guint64
load_now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (guint64) time.tv_sec * 1000000000u + (guint64) time.tv_nsec;
}

guint64
load_caller_get_number (const LoadCaller *self, guint64 index)
{
  return self->round->first_number + index * self->round->callers + self->index;
}

/* The callers' calls take turns. */
guint64
load_caller_get_start (const LoadCaller *self, guint64 index)
{
  const LoadRound *round = self->round;

  if (round->options->rate <= 0)
    return 0;
  return round->start
         + (guint64) (1e9 * (gdouble) (index * round->callers + self->index)
                      / round->options->rate);
}

gboolean
load_caller_has_more (const LoadCaller *self, guint64 index)
{
  const LoadRound *round = self->round;

  if (g_atomic_int_get (&round->options->interrupted) != 0)
    return FALSE;
  if (self->calls > 0 && index >= self->calls)
    return FALSE;
  if (round->end == 0)
    return round->calls == 0 || index < self->calls;
  return (round->options->rate > 0 ? load_caller_get_start (self, index) : self->now) < round->end;
}

void
load_caller_note (LoadCaller *self, guint64 took, const GError *error)
{
  if (error == NULL)
    {
      load_histogram_add (self->latency, took);
      return;
    }
  __atomic_store_n (&self->n_failures, self->n_failures + 1, __ATOMIC_RELAXED);
  g_mutex_lock (&self->round->lock);
  load_failure_add (self->failed, error->message, 1);
  g_mutex_unlock (&self->round->lock);
}

/* ---- callers that block ---- */

/* FALSE when it was interrupted. */
static gboolean
await_time (const LoadCaller *self, guint64 time)
{
  guint64 now = load_now ();

  while (now < time)
    {
      const guint64 next = MIN (time, now + LOOK_NS);
      const struct timespec until = { .tv_sec = (time_t) (next / 1000000000u),
                                      .tv_nsec = (long) (next % 1000000000u) };

      if (g_atomic_int_get (&self->round->options->interrupted) != 0)
        return FALSE;
      clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
      now = load_now ();
    }
  return TRUE;
}

static void
run_blocking (LoadCaller *self)
{
  const LoadWork *work = self->round->work;

  for (guint64 index = 0; load_caller_has_more (self, index); index++)
    {
      const guint64 number = load_caller_get_number (self, index);
      g_autoptr (GError) error = NULL;
      gboolean is_answered;
      guint64 start;

      work->prepare (self->caller, number);
      start = load_caller_get_start (self, index);
      if (start == 0)
        start = load_now ();
      else if (!await_time (self, start))
        return;
      is_answered = work->call (self->caller, &error);
      self->now = load_now ();
      work->check (self->caller, number, is_answered ? &error : NULL);
      load_caller_note (self, self->now - start, error);
    }
}

static void
await_start (LoadRound *round)
{
  g_mutex_lock (&round->lock);
  while (!round->started)
    g_cond_wait (&round->changed, &round->lock);
  g_mutex_unlock (&round->lock);
}

static void
report_end (LoadRound *round)
{
  g_mutex_lock (&round->lock);
  round->running--;
  g_cond_broadcast (&round->changed);
  g_mutex_unlock (&round->lock);
}

static gpointer
run_caller (gpointer data)
{
  LoadCaller *self = data;
  const LoadWork *work = self->round->work;

  self->caller = work->caller_new (work->data, self->round->mode->channel, self->index);
  await_start (self->round);
  self->now = self->round->start;
  if (self->round->mode->is_async)
    load_caller_run_async (self);
  else
    run_blocking (self);
  work->caller_free (self->caller);
  report_end (self->round);
  return NULL;
}

/* ---- what is looked at meanwhile ---- */

typedef struct
{
  LoadMode *mode;
  LoadRound *round;
  LoadCaller *callers;
  guint number;          /* of the round */
  LoadHistogram *before; /* all that was done at the last look */
  guint64 failures_before;
  guint64 time; /* of the last look */
  LoadTell tell;
  gpointer user_data;
} Look;

/* Neighbours become one: of their medians the greater. */
static void
merge_samples (GArray *samples)
{
  guint n = 0;

  for (guint i = 0; i + 1 < samples->len; i += 2, n++)
    {
      const LoadSample a = g_array_index (samples, LoadSample, i);
      const LoadSample b = g_array_index (samples, LoadSample, i + 1);
      const gdouble length = a.length_s + b.length_s;

      g_array_index (samples, LoadSample, n) =
          (LoadSample){ (a.at_s * a.length_s + b.at_s * b.length_s) / length,
                        length,
                        a.calls + b.calls,
                        a.failures + b.failures,
                        MAX (a.p50_ns, b.p50_ns),
                        MAX (a.p99_ns, b.p99_ns) };
    }
  g_array_set_size (samples, n);
}

static gdouble
get_share (const Look *look, guint64 now)
{
  const LoadRound *round = look->round;
  guint64 done = look->before->count + look->failures_before;
  gdouble share = 0;

  if (round->calls > 0)
    share = (gdouble) done / (gdouble) round->calls;
  if (round->end > 0)
    {
      const gdouble of_time =
          (gdouble) (now - round->start) / (gdouble) (round->end - round->start);

      share = MAX (share, of_time);
    }
  return MIN (share, 1);
}

static void
take_sample (Look *look)
{
  const guint64 now = load_now ();
  const gdouble length_s = (gdouble) (now - look->time) / 1e9;
  LoadHistogram *all = g_new0 (LoadHistogram, 1);
  g_autofree LoadHistogram *fresh = NULL; /* what was done since */
  guint64 failures = 0;
  LoadSample sample;

  for (guint i = 0; i < look->round->callers; i++)
    {
      load_histogram_merge (all, look->callers[i].latency);
      failures += __atomic_load_n (&look->callers[i].n_failures, __ATOMIC_RELAXED);
    }
  fresh = g_memdup2 (all, sizeof *all);
  load_histogram_subtract (fresh, look->before);
  sample = (LoadSample){ look->mode->elapsed_s + (gdouble) (now - look->round->start) / 1e9
                             - length_s / 2,
                         length_s,
                         fresh->count,
                         failures - look->failures_before,
                         load_histogram_quantile (fresh, 0.5),
                         load_histogram_quantile (fresh, 0.99) };
  g_free (look->before);
  look->before = all;
  look->failures_before = failures;
  look->time = now;
  if (look->mode->samples->len == MAX_SAMPLES)
    merge_samples (look->mode->samples);
  if (length_s > 0)
    g_array_append_val (look->mode->samples, sample);
  if (look->tell != NULL)
    {
      const LoadProgress progress = { look->mode, look->number, get_share (look, now), &sample,
                                      look->mode->failures + failures };

      look->tell (&progress, look->user_data);
    }
}

/* Starts all callers and waits for them; FALSE when the user does not want to wait. */
static gboolean
await_end (LoadRound *round, Look *look)
{
  gboolean is_over;

  g_mutex_lock (&round->lock);
  round->start = load_now ();
  if (round->options->duration_ns > 0)
    round->end = round->start + round->options->duration_ns;
  if (look != NULL)
    look->time = round->start;
  round->started = TRUE;
  g_cond_broadcast (&round->changed);
  while (round->running > 0 && g_atomic_int_get (&round->options->interrupted) < 2)
    if (!g_cond_wait_until (&round->changed, &round->lock,
                            g_get_monotonic_time () + (gint64) (INTERVAL_NS / 1000))
        && look != NULL)
      {
        g_mutex_unlock (&round->lock);
        take_sample (look);
        g_mutex_lock (&round->lock);
      }
  is_over = round->running == 0;
  g_mutex_unlock (&round->lock);
  return is_over;
}

/* ---- rounds ---- */

static LoadRound *
round_new (const LoadOptions *options, const LoadWork *work, const LoadMode *mode, guint64 calls)
{
  LoadRound *round = g_new0 (LoadRound, 1);

  round->options = options;
  round->work = work;
  round->mode = mode;
  round->callers = mode->is_async ? 1 : options->callers;
  round->calls = calls;
  round->first_number = options->n_begun;
  round->running = round->callers;
  g_mutex_init (&round->lock);
  g_cond_init (&round->changed);
  return round;
}

static LoadCaller *
start_callers (LoadRound *round)
{
  LoadCaller *callers = g_new0 (LoadCaller, round->callers);

  for (guint i = 0; i < round->callers; i++)
    {
      const guint64 rest = round->calls % round->callers;

      callers[i].round = round;
      callers[i].index = i;
      callers[i].calls = round->calls / round->callers + (i < rest ? 1 : 0);
      callers[i].latency = g_new0 (LoadHistogram, 1);
      callers[i].failed = g_ptr_array_new_with_free_func (load_failure_free);
      callers[i].thread = g_thread_new ("caller", run_caller, &callers[i]);
    }
  return callers;
}

/* Adds what the callers have done to @mode (nullable). */
static void
collect (LoadMode *mode, LoadRound *round, LoadCaller *callers)
{
  g_mutex_lock (&round->lock);
  for (guint i = 0; mode != NULL && i < round->callers; i++)
    {
      load_histogram_merge (mode->latency, callers[i].latency);
      for (guint k = 0; k < callers[i].failed->len; k++)
        {
          const LoadFailure *failure = g_ptr_array_index (callers[i].failed, k);

          load_mode_note_failure (mode, failure->message, failure->count);
        }
    }
  g_mutex_unlock (&round->lock);
}

/* The most calls that one of the callers has begun, times the callers. */
static guint64
count_numbers (const LoadRound *round, const LoadCaller *callers)
{
  guint64 most = 0;

  for (guint i = 0; i < round->callers; i++)
    {
      const guint64 n =
          callers[i].latency->count + __atomic_load_n (&callers[i].n_failures, __ATOMIC_RELAXED);

      most = MAX (most, n);
    }
  return most * round->callers;
}

static void
free_round (LoadRound *round, LoadCaller *callers)
{
  for (guint i = 0; i < round->callers; i++)
    {
      g_thread_join (callers[i].thread);
      g_free (callers[i].latency);
      g_ptr_array_unref (callers[i].failed);
    }
  g_free (callers);
  g_cond_clear (&round->changed);
  g_mutex_clear (&round->lock);
  g_free (round);
}

/* Callers that are not waited for keep what they have, and the program ends soon. */
static void
end_round (LoadOptions *options, LoadRound *round, LoadCaller *callers, gboolean is_over)
{
  if (!is_over)
    return;
  options->n_begun += count_numbers (round, callers);
  free_round (round, callers);
}

static void
run_round (LoadOptions *options,
           const LoadWork *work,
           LoadMode *mode,
           guint number,
           LoadTell tell,
           gpointer user_data)
{
  LoadRound *round = round_new (options, work, mode, options->calls);
  LoadCaller *callers = start_callers (round);
  const guint64 before = mode->latency->count;
  const LoadMachine machine = load_machine_read (options);
  Look look = { .mode = mode,
                .round = round,
                .callers = callers,
                .number = number,
                .tell = tell,
                .user_data = user_data };
  LoadMachine after;
  gboolean is_over;
  gdouble duration_s, rate;

  look.before = g_new0 (LoadHistogram, 1);
  is_over = await_end (round, &look);
  duration_s = (gdouble) (load_now () - round->start) / 1e9;
  after = load_machine_read (options);
  take_sample (&look);
  collect (mode, round, callers);
  mode->elapsed_s += duration_s;
  rate = (gdouble) (mode->latency->count - before) / MAX (duration_s, 1e-9);
  g_array_append_val (mode->rates, rate);
  load_machine_charge (mode, &machine, &after);
  g_free (look.before);
  end_round (options, round, callers, is_over);
}

void
load_run_unmeasured (LoadOptions *options,
                     const LoadWork *work,
                     const LoadMode *mode,
                     guint64 calls)
{
  LoadRound *round = round_new (options, work, mode, calls);
  LoadCaller *callers = start_callers (round);

  end_round (options, round, callers, await_end (round, NULL));
}

/* A mode's turn; its connections do not stay when the next mode has its own: a server that serves one connection at a time
 * would serve no other. Where they were closed each caller makes a call first that is not measured. */
static void
take_turn (LoadOptions *options,
           const LoadWork *work,
           LoadMode *mode,
           guint number,
           gboolean is_alone,
           LoadTell tell,
           gpointer user_data)
{
  guint64 warm_up = options->warm_up;

  if (number > 0)
    warm_up = is_alone ? 0 : MIN (options->warm_up, options->callers);
  if (warm_up > 0)
    load_run_unmeasured (options, work, mode, warm_up);
  run_round (options, work, mode, number, tell, user_data);
  if (!is_alone || number + 1 == options->rounds)
    tally_pool_clear (mode->pool);
}

void
load_run (
    LoadOptions *options, const LoadWork *work, GPtrArray *modes, LoadTell tell, gpointer user_data)
{
  for (guint number = 0; number < options->rounds; number++)
    for (guint i = 0; i < modes->len && g_atomic_int_get (&options->interrupted) == 0; i++)
      take_turn (options, work, g_ptr_array_index (modes, (number + i) % modes->len), number,
                 modes->len == 1, tell, user_data);
}

gboolean
load_ask (const LoadOptions *options, const LoadWork *work, GError **error)
{
  g_autoptr (LoadMode) mode = load_mode_new (options, "unpooled", error);
  gpointer caller = mode != NULL ? work->caller_new (work->data, mode->channel, 0) : NULL;
  gboolean is_answered;

  if (caller == NULL)
    return FALSE;
  work->prepare (caller, 0);
  is_answered = work->call (caller, error);
  is_answered = work->check (caller, 0, is_answered ? error : NULL) && is_answered;
  work->caller_free (caller);
  return is_answered;
}

/* ---- interrupting ---- */

static gint *interrupted; /* atomic: what the signal counts in */

static void
on_interrupt (int number)
{
  if (g_atomic_int_add (interrupted, 1) >= 1)
    signal (number, SIG_DFL);
}

void
load_catch_interrupt (LoadOptions *options)
{
  struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };

  interrupted = &options->interrupted;
  sigaction (SIGINT, &action, NULL);
}

void
load_end_with_callers (const LoadOptions *options, gint status)
{
  if (g_atomic_int_get (&options->interrupted) < 2)
    return;
  fflush (stdout);
  _exit (status);
}

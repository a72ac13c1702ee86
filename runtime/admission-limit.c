/* Owns how many requests may run at once, where that is to follow what the handlers' times say: when they take much longer
 * than they do while less runs, the server has more than it can use. It knows no queue.
 *
 * Each method is compared with itself, so that slow methods among quick ones say nothing. What is usual for it is learnt
 * while no more than half of the limit runs. Where that does not happen by itself, as in a long overload, the limit is halved
 * for a round now and then: what counts as usual neither creeps up with the overload nor stays below what is possible,
 * and the limit comes to stand below twice what the server can use. */
#include "admission-private.h"

/* Until something is known. */
#define FIRST_LIMIT 32
/* A round has as many samples, and as many as may run at once: so it shows what the last change did. */
#define MIN_ROUND 32
/* So much slower than usual is a server at its best use. */
#define TOLERANCE 1.5
/* In one round the limit falls by no more than this. */
#define MAX_FALL 0.5
/* How much of what a round asks for is done. */
#define SMOOTHING 0.5
/* Microseconds that are added to both sides of a comparison: what is quicker than a scheduler varies for its own reasons. */
#define SLACK 500
/* One call counts as no more than so many times slower than usual. */
#define MAX_SLOWDOWN 8
/* How fast means follow: after so many samples two thirds are new. */
#define MEAN_SHARE 32
/* A method's first calls make its usual time whatever runs beside them. */
#define FIRST_SAMPLES 16
/* After so many rounds in which nothing usual was learnt one is halved; the first time after fewer. */
#define PROBE_ROUNDS 50
#define FIRST_PROBE 8
/* That round is as long as so many at most. */
#define MAX_PROBE 8
/* After so many times what a method takes of late calm is believed. */
#define CALM_AGE 4
/* How fast the quarter of the quickest calls follows. */
#define QUICK_STEP 16
/* Of calls that would not make it one in so many is let in. */
#define DOUBTS 16
/* After a pause as long, microseconds, a round begins anew. */
#define LONG_PAUSE (60 * G_USEC_PER_SEC)

#define atomic_read(place) __atomic_load_n ((place), __ATOMIC_RELAXED)
#define atomic_write(place, value) __atomic_store_n ((place), (value), __ATOMIC_RELAXED)

/* While no more run, times are usual. */
static guint
find_calm (const TallyAdmissionLimit *self)
{
  guint half = (guint) (self->exact / 2);

  return MAX (self->least, half);
}

static void
begin_round (TallyAdmissionLimit *self)
{
  gboolean is_probe = self->adapts && self->rounds_to_probe == 0;

  self->slowdowns = 0;
  self->n_samples = 0;
  self->n_calm = 0;
  self->most_seen = 0;
  self->is_probe = is_probe;
  atomic_write (&self->limit, (guint) self->exact);
  atomic_write (&self->calm, find_calm (self));
  atomic_write (&self->allowed, is_probe ? self->calm : self->limit);
}

void
tally_admission_init (TallyAdmissionLimit *self)
{
  *self = (TallyAdmissionLimit){ .exact = FIRST_LIMIT, .rounds_to_probe = FIRST_PROBE };
  g_mutex_init (&self->lock);
}

void
tally_admission_set_bounds (TallyAdmissionLimit *self, guint least, guint most, gboolean adapts)
{
  g_mutex_lock (&self->lock);
  self->least = least;
  self->most = most;
  self->adapts = adapts;
  self->exact = adapts ? CLAMP (self->exact, least, most) : most;
  begin_round (self);
  g_mutex_unlock (&self->lock);
}

void
tally_admission_clear (TallyAdmissionLimit *self)
{
  g_mutex_clear (&self->lock);
}

guint
tally_admission_get_limit (const TallyAdmissionLimit *self)
{
  return atomic_read (&self->limit);
}

gboolean
tally_admission_has_room (const TallyAdmissionLimit *self)
{
  return __atomic_load_n (&self->n_running, __ATOMIC_SEQ_CST) < atomic_read (&self->allowed);
}

gboolean
tally_admission_take (TallyAdmissionLimit *self, TallyAdmissionPermit *permit)
{
  guint n_running = __atomic_add_fetch (&self->n_running, 1, __ATOMIC_SEQ_CST);

  if (n_running > atomic_read (&self->allowed))
    {
      __atomic_sub_fetch (&self->n_running, 1, __ATOMIC_SEQ_CST);
      return FALSE;
    }
  if (n_running > atomic_read (&self->calm) && !atomic_read (&self->was_crossed))
    atomic_write (&self->was_crossed, TRUE);
  *permit = (TallyAdmissionPermit){ .is_held = TRUE, .n_seen = n_running };
  return TRUE;
}

void
tally_admission_begin (TallyAdmissionPermit *permit, TallyMethodTimes *times, gint64 now)
{
  permit->times = times;
  permit->began = now;
}

/* ---- methods ---- */

TallyMethodTimes *
tally_admission_find_times (TallyAdmissionLimit *self, gconstpointer method)
{
  const gconstpointer name = method != NULL ? method : self;
  guint first = (guint) (((gsize) name >> 4) * 2654435761u) % TALLY_ADMISSION_METHODS;

  for (guint i = 0; i < TALLY_ADMISSION_METHODS; i++)
    {
      TallyMethodTimes *times = &self->methods[(first + i) % TALLY_ADMISSION_METHODS];
      gconstpointer there = NULL;

      if (atomic_read (&times->method) == name
          || __atomic_compare_exchange_n (&times->method, &there, name, FALSE, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED)
          || there == name)
        return times;
    }
  return &self->methods[first];
}

static void
approach_mean (gdouble *mean, gdouble sample, guint n_samples)
{
  *mean += (sample - *mean) / MIN (n_samples, MEAN_SHARE);
}

/* A quarter of the samples comes to lie below it. */
static void
note_quick (TallyMethodTimes *times, gint64 took)
{
  guint quick = atomic_read (&times->quick);
  guint step = MAX (quick / QUICK_STEP / 4, 1);

  if (quick == 0)
    quick = (guint) CLAMP (took, 1, G_MAXINT / 2);
  else if (took > quick)
    quick += MIN (step, G_MAXINT / 2 - quick);
  else
    quick -= MIN (3 * step, quick - 1);
  atomic_write (&times->quick, quick);
}

/* How much slower a call was than is usual for it. */
static gdouble
note_sample (TallyMethodTimes *times, gdouble took, gboolean is_calm)
{
  gdouble slowdown;

  times->n_samples++;
  approach_mean (&times->recent, took, times->n_samples);
  if (is_calm || times->n_samples <= FIRST_SAMPLES)
    approach_mean (&times->usual, took, times->n_samples);
  slowdown = (took + SLACK) / (times->usual + SLACK);
  return MIN (slowdown, MAX_SLOWDOWN);
}

/* ---- rounds ---- */

/* Samples of a round. */
static guint
find_round (const TallyAdmissionLimit *self)
{
  return MAX (MIN_ROUND, self->limit);
}

/* By Newton's way; of @number from 1 on. */
static gdouble
find_root (gdouble number)
{
  gdouble root = number;

  for (guint i = 0; i < 24; i++)
    root = (root + number / root) / 2;
  return root;
}

/* The limit rises only as far as it is used: a burst after a quiet night finds no other one than the evening did. */
static void
follow (TallyAdmissionLimit *self)
{
  gdouble slowdown = self->slowdowns / self->n_samples;
  gdouble gradient = TOLERANCE / slowdown;
  gdouble headroom, wanted;

  gradient = CLAMP (gradient, MAX_FALL, 1);
  headroom = find_root (self->exact) * (gradient - MAX_FALL) / (1 - MAX_FALL);
  wanted = self->exact * gradient + headroom;
  if (wanted > self->exact && self->most_seen * 2 < self->exact)
    return;
  self->exact += (wanted - self->exact) * SMOOTHING;
  self->exact = CLAMP (self->exact, self->least, self->most);
}

static void
end_round (TallyAdmissionLimit *self)
{
  if (self->n_calm >= MIN_ROUND / 2)
    self->rounds_to_probe = PROBE_ROUNDS;
  else if (self->rounds_to_probe > 0)
    self->rounds_to_probe--;
  if (self->adapts && !self->is_probe)
    follow (self);
  begin_round (self);
}

/* Whether what @permit's call took is usual: the calm must be older than it, and so old that long calls have ended in it
 * as well as short ones. */
static gboolean
look_for_calm (TallyAdmissionLimit *self,
               const TallyAdmissionPermit *permit,
               guint n_running,
               gint64 now)
{
  if (atomic_read (&self->was_crossed) || n_running > atomic_read (&self->calm))
    {
      atomic_write (&self->was_crossed, FALSE);
      self->calm_since = now;
    }
  return permit->began >= self->calm_since
         && now - self->calm_since >= CALM_AGE * permit->times->recent;
}

static void
learn_locked (TallyAdmissionLimit *self,
              const TallyAdmissionPermit *permit,
              guint n_running,
              gint64 now)
{
  gint64 took = MAX (now - permit->began, 0);
  guint most_seen = MAX (permit->n_seen, n_running);
  gboolean is_calm = look_for_calm (self, permit, n_running, now);
  guint mean = atomic_read (&self->mean);

  if (now - self->last_end > LONG_PAUSE)
    begin_round (self);
  self->last_end = now;
  note_quick (permit->times, took);
  atomic_write (&self->mean, mean == 0
                                 ? (guint) MIN (took, G_MAXINT)
                                 : (guint) (mean + (MIN (took, G_MAXINT) - mean) / MEAN_SHARE));
  self->slowdowns += note_sample (permit->times, took, is_calm);
  self->n_calm += is_calm;
  self->most_seen = MAX (self->most_seen, most_seen);
  if (++self->n_samples >= find_round (self)
      && (!self->is_probe || self->n_calm >= 2 * MIN_ROUND
          || self->n_samples >= MAX_PROBE * find_round (self)))
    end_round (self);
}

void
tally_admission_give (TallyAdmissionLimit *self, TallyAdmissionPermit *permit, gint64 now)
{
  guint n_running;

  if (!permit->is_held)
    return;
  n_running = __atomic_fetch_sub (&self->n_running, 1, __ATOMIC_SEQ_CST);
  if (permit->times != NULL && g_mutex_trylock (&self->lock))
    {
      learn_locked (self, permit, n_running, now);
      g_mutex_unlock (&self->lock);
    }
  *permit = (TallyAdmissionPermit){ 0 };
}

/* ---- deadlines ---- */

gint64
tally_admission_estimate (const TallyAdmissionLimit *self,
                          const TallyMethodTimes *times,
                          guint n_ahead)
{
  guint quick = atomic_read (&times->quick);

  if (quick == 0)
    return 0;
  return quick + (gint64) n_ahead * atomic_read (&self->mean) / atomic_read (&self->limit);
}

gboolean
tally_admission_is_hopeless (TallyAdmissionLimit *self,
                             TallyMethodTimes *times,
                             guint n_ahead,
                             gint64 left)
{
  if (tally_admission_estimate (self, times, n_ahead) <= left)
    return FALSE;
  return __atomic_add_fetch (&times->n_doubted, 1, __ATOMIC_RELAXED) % DOUBTS != 0;
}

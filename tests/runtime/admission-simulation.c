#include "admission-simulation.h"

#include <math.h>

typedef struct
{
  TallyTurnsClient *client;
  guint source;
  TallyAdmissionPermit permit;
  gdouble work;
  gdouble left;
  GList place;
} SimRequest;

static const gchar sim_methods[SIM_METHODS * 16];

static gpointer
get_method (guint method)
{
  return (gpointer) &sim_methods[method * 16];
}

static gint64
draw_pause (SimWorld *self, gdouble rate)
{
  return (gint64) (-log (1 - g_rand_double (self->random)) / rate * SIM_SECOND) + 1;
}

static guint64
get_key (const SimWorld *self, guint source)
{
  return self->sources[source].key > 0 ? self->sources[source].key : source + 1;
}

void
sim_begin (SimWorld *self, guint least, guint most, gboolean adapts, guint32 seed)
{
  tally_admission_init (&self->limit);
  tally_admission_set_bounds (&self->limit, least, most, adapts);
  self->random = g_rand_new_with_seed (seed);
  self->running = g_ptr_array_new ();
  self->speed = self->speed == 0 ? 1 : self->speed;
  self->now = SIM_SECOND;
  /* As long as they are connected. */
  for (guint i = 0; i < self->n_sources; i++)
    self->clients[i] = tally_turns_join (&self->turns, get_key (self, i));
  for (guint i = 0; i < self->n_sources; i++)
    self->next_arrival[i] = self->now + draw_pause (self, self->sources[i].rate);
  sim_reset_counts (self);
}

void
sim_reset_counts (SimWorld *self)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    self->n_asked[i] = self->n_served[i] = self->n_refused[i] = 0;
  self->served_work = 0;
  self->lowest = self->highest = tally_admission_get_limit (&self->limit);
  self->most_running = 0;
}

guint64
sim_sum (const guint64 *counts)
{
  guint64 sum = 0;

  for (guint i = 0; i < SIM_CLIENTS; i++)
    sum += counts[i];
  return sum;
}

gdouble
sim_use (const SimWorld *self, gint64 microseconds)
{
  return self->served_work / (microseconds * self->cores * self->speed);
}

/* ---- requests ---- */

static void
start (SimWorld *self, SimRequest *request)
{
  guint method = self->sources[request->source].method;

  request->client->n_running++;
  tally_admission_begin (&request->permit,
                         tally_admission_find_times (&self->limit, get_method (method)), self->now);
  g_ptr_array_add (self->running, request);
  self->most_running = MAX (self->most_running, self->running->len);
}

static gboolean
take_any (gpointer data, gpointer user_data)
{
  return TRUE;
}

static void
start_next (SimWorld *self)
{
  while (self->turns.n_waiting > 0 && tally_admission_has_room (&self->limit))
    {
      GList *place =
          tally_turns_find (&self->turns, tally_admission_get_limit (&self->limit), take_any, NULL);
      SimRequest *request;

      if (place == NULL)
        return;
      request = place->data;
      tally_admission_take (&self->limit, &request->permit);
      tally_turns_remove (&self->turns, request->client, place);
      tally_turns_count (&self->turns, request->client, -1);
      tally_turns_pass (&self->turns, request->client);
      start (self, request);
    }
}

static void
ask (SimWorld *self, guint source, gdouble work, gboolean moved)
{
  SimRequest *request = g_new0 (SimRequest, 1);
  guint limit = tally_admission_get_limit (&self->limit);
  guint max = self->max_waiting > 0 ? self->max_waiting : 4 * limit;

  request->source = source;
  request->work = request->left = work;
  request->client = self->clients[source];
  request->place.data = request;
  self->n_asked[source]++;
  if (self->turns.n_waiting == 0 && tally_turns_may_run (&self->turns, request->client, limit)
      && tally_admission_take (&self->limit, &request->permit))
    start (self, request);
  else if (tally_turns_may_wait (&self->turns, request->client, max))
    {
      tally_turns_count (&self->turns, request->client, 1);
      tally_turns_enter (&self->turns, request->client, &request->place);
      start_next (self);
    }
  else
    {
      g_free (request);
      if (self->other != NULL && !moved)
        ask (self->other, source, work, TRUE);
      else
        self->n_refused[source]++;
    }
}

static void
finish (SimWorld *self, SimRequest *request)
{
  guint limit;

  g_ptr_array_remove_fast (self->running, request);
  self->n_served[request->source]++;
  self->served_work += request->work;
  request->client->n_running--;
  tally_admission_give (&self->limit, &request->permit, self->now);
  g_free (request);
  limit = tally_admission_get_limit (&self->limit);
  self->lowest = MIN (self->lowest, limit);
  self->highest = MAX (self->highest, limit);
  start_next (self);
}

/* ---- time ---- */

/* Of one core that each request has. */
static gdouble
get_pace (const SimWorld *self)
{
  return self->speed * MIN (1, self->cores / MAX (self->running->len, 1));
}

static SimRequest *
find_next_end (const SimWorld *self)
{
  SimRequest *next = NULL;

  for (guint i = 0; i < self->running->len; i++)
    {
      SimRequest *request = g_ptr_array_index (self->running, i);

      if (next == NULL || request->left < next->left)
        next = request;
    }
  return next;
}

static void
advance (SimWorld *self, gint64 until)
{
  gdouble done = (until - self->now) * get_pace (self);

  for (guint i = 0; i < self->running->len; i++)
    ((SimRequest *) g_ptr_array_index (self->running, i))->left -= done;
  self->now = until;
}

static gdouble
draw_work (SimWorld *self, guint source)
{
  gdouble mean = self->work[self->sources[source].method];

  return self->is_even ? mean : -log (1 - g_rand_double (self->random)) * mean;
}

void
sim_burst (SimWorld *self, guint source, guint count)
{
  for (guint i = 0; i < count; i++)
    ask (self, source, draw_work (self, source), FALSE);
}

/* One event, at most until @end. */
static void
step (SimWorld *self, gint64 end)
{
  SimRequest *ending = find_next_end (self);
  gint64 at = ending == NULL ? G_MAXINT64
                             : self->now + (gint64) ceil (MAX (ending->left, 0) / get_pace (self));
  guint source = 0;

  for (guint i = 1; i < self->n_sources; i++)
    if (self->next_arrival[i] < self->next_arrival[source])
      source = i;
  if (MIN (at, self->next_arrival[source]) > end)
    advance (self, end);
  else if (at <= self->next_arrival[source])
    {
      advance (self, at);
      finish (self, ending);
    }
  else
    {
      advance (self, self->next_arrival[source]);
      self->next_arrival[source] += draw_pause (self, self->sources[source].rate);
      if (self->other != NULL && self->other->now < self->now)
        sim_run (self->other, self->now - self->other->now);
      ask (self, source, draw_work (self, source), FALSE);
    }
}

void
sim_run (SimWorld *self, gint64 microseconds)
{
  gint64 end = self->now + microseconds;

  while (self->now < end)
    step (self, end);
}

void
sim_end (SimWorld *self)
{
  while (self->running->len > 0 || self->turns.n_waiting > 0)
    {
      SimRequest *ending = find_next_end (self);

      advance (self, self->now + (gint64) ceil (MAX (ending->left, 0) / get_pace (self)));
      finish (self, ending);
    }
  g_assert (self->limit.n_running == 0);
  for (guint i = 0; i < self->n_sources; i++)
    tally_turns_leave (&self->turns, self->clients[i]);
  tally_turns_clear (&self->turns);
  tally_admission_clear (&self->limit);
  g_ptr_array_unref (self->running);
  g_rand_free (self->random);
}

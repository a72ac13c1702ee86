/* Owns which members get no calls for a while because their calls fail, and their return: for a short time at first, for a
 * longer one when they fail again, with a weight that rises step by step. Never are more than half of the active members out: where most fail the cause
 * is elsewhere, and the few that are left would be overrun. After a single failure a member is left alone for a moment. */
#include "picker-private.h"

/* So many failures in a row take a member out, */
#define MAX_IN_A_ROW 5
/* and so do those of a period, if so many calls ended in it and half of them failed. */
#define MIN_CALLS 20
/* A period ends after so many microseconds, and later where fewer calls than that ended in it. */
#define PERIOD (10 * G_TIME_SPAN_SECOND)
#define LONGEST_PERIOD (60 * G_TIME_SPAN_SECOND)
/* How long it is out: doubled each time. */
#define FIRST_PAUSE (5 * G_TIME_SPAN_SECOND)
#define LONGEST_PAUSE (60 * G_TIME_SPAN_SECOND)
/* How long it is left alone after one failure, or two time-outs. A process that was killed may close connections before the socket that listens: what is
 * sent on one that it takes after that is lost, too. */
#define MOMENT (500 * G_TIME_SPAN_MILLISECOND)

static gboolean
is_taken_out (TallyMember *member, gint64 now)
{
  TallyHealth *health = &member->health;

  if (health->out_until == 0)
    return FALSE;
  if (now < health->out_until)
    return TRUE;
  member->rising = health->out_until;
  health->out_until = 0;
  health->in_a_row = 0;
  health->began = now;
  health->n_calls = health->n_failures = 0;
  return FALSE;
}

gboolean
tally_outliers_is_out (TallyMember *member, gint64 now)
{
  return is_taken_out (member, now) || now < member->health.alone_until;
}

static gboolean
may_take_out (const TallyPicker *picker, gint64 now)
{
  guint n_out = 0;

  for (guint i = 0; i < picker->active->len; i++)
    n_out += is_taken_out (g_ptr_array_index (picker->active, i), now);
  return (n_out + 1) * 2 <= picker->active->len;
}

/* A member that returned a short while ago has to prove itself. */
static gboolean
is_on_trial (const TallyMember *member, gint64 now)
{
  return member->health.n_times > 0 && member->rising != G_MININT64
         && now - member->rising < TALLY_PICKER_SLOW_START;
}

static gboolean
looks_bad (const TallyMember *member, gint64 now)
{
  const TallyHealth *health = &member->health;

  return health->in_a_row >= MAX_IN_A_ROW || (health->in_a_row > 0 && is_on_trial (member, now))
         || (health->n_calls >= MIN_CALLS && health->n_failures * 2 >= health->n_calls);
}

static void
take_out (TallyMember *member, gint64 now)
{
  TallyHealth *health = &member->health;
  gint64 pause = FIRST_PAUSE;

  for (guint i = 0; i < health->n_times && pause < LONGEST_PAUSE; i++)
    pause *= 2;
  pause = MIN (pause, LONGEST_PAUSE);
  health->out_until = now + pause;
  health->n_times++;
}

static void
begin_period (TallyHealth *health, gint64 now)
{
  gint64 age = now - health->began;

  if (age < PERIOD || (health->n_calls < MIN_CALLS && age < LONGEST_PERIOD))
    return;
  if (health->n_failures == 0 && health->n_times > 0)
    health->n_times--;
  health->began = now;
  health->n_calls = health->n_failures = 0;
}

/* For a moment; and at most half of those that were not taken out, which are the latest that failed. */
static void
leave_alone (const TallyPicker *picker, TallyMember *member, gint64 now)
{
  TallyMember *earliest = NULL;
  guint n_in = 0;
  guint n_alone = 1;

  for (guint i = 0; i < picker->active->len; i++)
    {
      TallyMember *other = g_ptr_array_index (picker->active, i);
      gint64 until = other->health.alone_until;

      if (is_taken_out (other, now))
        continue;
      n_in++;
      if (other == member || now >= until)
        continue;
      n_alone++;
      if (earliest == NULL || until < earliest->health.alone_until)
        earliest = other;
    }
  if (n_in < 2)
    return;
  if (n_alone * 2 > n_in)
    earliest->health.alone_until = 0;
  member->health.alone_until = now + MOMENT;
}

void
tally_outliers_note (const TallyPicker *picker,
                     TallyMember *member,
                     gint64 now,
                     TallyAttemptEnd end)
{
  TallyHealth *health = &member->health;
  gboolean has_failed = end != TALLY_ATTEMPT_ANSWERED;

  begin_period (health, now);
  health->n_calls++;
  health->n_failures += has_failed;
  health->in_a_row = has_failed ? health->in_a_row + 1 : 0;
  if (!has_failed || !member->is_active || is_taken_out (member, now))
    return;
  if (looks_bad (member, now) && may_take_out (picker, now))
    take_out (member, now);
  else if (end == TALLY_ATTEMPT_FAILED || health->in_a_row > 1)
    leave_alone (picker, member, now);
}

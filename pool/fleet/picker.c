/* Owns which member an attempt gets: by turn, by load or by order, among those that are in. */
#include "picker-private.h"

/* A newcomer begins with this part of its weight. */
#define FIRST_SHARE 10
/* Random draws of a member before all are looked through. */
#define DRAWS 16
/* So many of one priority a call tries before it tries others. */
#define MAX_TRIES_OF_PRIORITY (TALLY_PICKER_MAX_TRIES / 2)
/* How fast a member's pace follows its answers, and that of all as many times slower as there are, at most so many. */
#define MEMBER_SHARE 4
#define MAX_SLOWER 64
/* One doubling of the time. */
#define DOUBLED 256
/* So many doublings is a member slower that refuses calls. */
#define REFUSED 4
/* A member that takes less than double the time of the others counts as equally fast. That one is slow is believed less
 * and less, and not at all after so many microseconds: then it is tried again, and if it is still slow that is believed for
 * twice as long. */
#define FIRST_BELIEF (10 * G_TIME_SPAN_SECOND)
#define LONGEST_BELIEF (60 * G_TIME_SPAN_SECOND)

const gchar *const tally_picker_names[TALLY_N_PICKERS] = { "two-choices", "least", "round-robin",
                                                           "first" };

/* ---- members ---- */

static TallyMember *
get_active (const TallyPicker *self, guint i)
{
  return g_ptr_array_index (self->active, i);
}

void
tally_picker_init (TallyPicker *self, const TallyPickerOptions *options, guint64 random)
{
  *self = (TallyPicker){ .options = *options, .random = random };
  self->members = g_ptr_array_new ();
  self->active = g_ptr_array_new ();
}

void
tally_picker_clear (TallyPicker *self)
{
  g_ptr_array_unref (self->members);
  g_ptr_array_unref (self->active);
}

static guint64
draw (TallyPicker *self)
{
  self->random += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return tally_mix (self->random);
}

/* Below @limit, which is not 0. */
static guint
draw_below (TallyPicker *self, guint limit)
{
  return (guint) ((draw (self) >> 32) * limit >> 32);
}

TallyMember *
tally_picker_add (TallyPicker *self, const TallyMemberSpec *spec, guint position, gint64 now)
{
  TallyMember *member = g_new0 (TallyMember, 1);

  member->id = spec->id;
  member->weight = CLAMP (spec->weight, 1, TALLY_PICKER_MAX_WEIGHT);
  member->priority = spec->priority;
  member->position = position;
  member->rising = now;
  member->is_listed = TRUE;
  member->believed = FIRST_BELIEF / 2;
  /* Clients that start together do not all begin with the same one. */
  member->credit = draw_below (self, member->weight * TALLY_PICKER_WHOLE);
  g_ptr_array_add (self->members, member);
  return member;
}

void
tally_picker_remove (TallyPicker *self, TallyMember *member)
{
  g_ptr_array_remove_fast (self->members, member);
}

void
tally_picker_arrange (TallyPicker *self)
{
  guint begin = 0;

  tally_subset_choose (self);
  self->heaviest = 1;
  for (guint i = 0; i < self->active->len; i++)
    {
      TallyMember *member = get_active (self, i);

      self->heaviest = MAX (self->heaviest, member->weight);
      if (member->priority != get_active (self, begin)->priority)
        begin = i;
      member->first_of_priority = begin;
    }
  for (guint i = self->active->len, end = i; i > 0; i--)
    {
      TallyMember *member = get_active (self, i - 1);

      if (i < self->active->len && get_active (self, i)->priority != member->priority)
        end = i;
      member->end_of_priority = end;
    }
}

guint
tally_picker_get_weight (const TallyMember *member, gint64 now)
{
  gint64 whole = (gint64) member->weight * TALLY_PICKER_WHOLE;
  gint64 age;

  if (member->rising == G_MININT64)
    return (guint) whole;
  age = now - member->rising;
  age = MAX (age, TALLY_PICKER_SLOW_START / FIRST_SHARE);
  return (guint) (age >= TALLY_PICKER_SLOW_START ? whole : whole * age / TALLY_PICKER_SLOW_START);
}

/* ---- load ---- */

/* The binary logarithm of @time, in 1/256; that of less than two microseconds is that of two. */
static gint32
find_pace (gint64 time)
{
  guint64 value = (guint64) MAX (time, 2);
  gint bits = g_bit_storage ((gulong) value) - 1;

  return bits * DOUBLED + (gint32) (((value << 8) >> bits) & 0xff);
}

static void
approach (gint32 *pace, gint32 sample, gint share)
{
  *pace = *pace == 0 ? sample : *pace + (sample - *pace) / share;
}

gdouble
tally_picker_get_slowness (const TallyPicker *self, const TallyMember *member, gint64 now)
{
  gint64 excess = member->pace == 0 ? 0 : member->pace - self->pace;
  gint64 age = now - member->pace_time;

  if (excess <= DOUBLED || age >= member->believed)
    return 1;
  excess = excess * (member->believed - age) / member->believed;
  excess = MIN (excess, 16 * DOUBLED);
  if (excess <= DOUBLED)
    return 1;
  return (gdouble) (1 << (excess / DOUBLED)) * (1 + (gdouble) (excess % DOUBLED) / DOUBLED);
}

static void
note_time (TallyPicker *self, TallyMember *member, gint64 took, gint64 now)
{
  gint32 sample = find_pace (took);

  gdouble believed = tally_picker_get_slowness (self, member, now);

  approach (&self->pace, sample, MEMBER_SHARE * (gint) CLAMP (self->active->len, 1, MAX_SLOWER));
  if (member->pace == 0)
    member->pace = self->pace;
  approach (&member->pace, sample, MEMBER_SHARE);
  if (member->pace - self->pace <= DOUBLED)
    member->believed = FIRST_BELIEF;
  else if (believed == 1)
    member->believed = MIN (2 * member->believed, LONGEST_BELIEF);
  member->pace_time = now;
}

/* A refusal comes quickly, and must not draw more calls: it counts as an answer that took much longer than others. */
static void
note_refusal (const TallyPicker *self, TallyMember *member, gint64 now)
{
  if (self->pace == 0)
    return;
  if (member->pace == 0)
    member->pace = self->pace;
  approach (&member->pace, self->pace + REFUSED * DOUBLED, MEMBER_SHARE);
  member->pace_time = now;
}

gdouble
tally_picker_get_load (const TallyPicker *self, const TallyMember *member, gint64 now)
{
  gdouble slowness = tally_picker_get_slowness (self, member, now);

  return ((member->in_flight + 1) * slowness - 1) * TALLY_PICKER_WHOLE
         / tally_picker_get_weight (member, now);
}

/* ---- which may be picked ---- */

/* The members from which one is picked. */
typedef struct
{
  gint64 now;
  TallyMember *const *tried;
  guint n_tried;
  gboolean takes_out; /* of those that are out, all others having been tried */
  guint begin;        /* of one priority: active members from here */
  guint end;          /* to here */
} Choice;

gboolean
tally_picker_has_tried (const TallyMember *member, TallyMember *const *tried, guint n_tried)
{
  for (guint i = 0; i < n_tried; i++)
    if (tried[i] == member)
      return TRUE;
  return FALSE;
}

static gboolean
may_be_picked (const Choice *choice, TallyMember *member)
{
  return !tally_picker_has_tried (member, choice->tried, choice->n_tried)
         && (choice->takes_out || !tally_outliers_is_out (member, choice->now));
}

static guint
count_tried (const Choice *choice, guint priority)
{
  guint n_tried = 0;

  for (guint i = 0; i < choice->n_tried; i++)
    n_tried += choice->tried[i]->priority == priority;
  return n_tried;
}

/* Finds the first priority that has a member to pick, and of which not so many were tried that none may be left for the others. */
static gboolean
find_range (const TallyPicker *self, Choice *choice)
{
  TallyMember *found = NULL;

  for (guint i = 0; i < self->active->len; i++)
    {
      TallyMember *member = get_active (self, i);

      if (!may_be_picked (choice, member))
        continue;
      if (found == NULL)
        found = member;
      if (count_tried (choice, member->priority) < MAX_TRIES_OF_PRIORITY)
        {
          found = member;
          break;
        }
      i = member->end_of_priority - 1;
    }
  if (found == NULL)
    return FALSE;
  choice->begin = found->first_of_priority;
  choice->end = found->end_of_priority;
  return TRUE;
}

/* ---- the kinds ---- */

/* Smooth: each gains its weight, and the one that has most pays what all have gained. */
static TallyMember *
pick_in_turn (const TallyPicker *self, const Choice *choice)
{
  TallyMember *best = NULL;
  gint64 total = 0;

  for (guint i = choice->begin; i < choice->end; i++)
    {
      TallyMember *member = get_active (self, i);
      guint weight;

      if (!may_be_picked (choice, member))
        continue;
      weight = tally_picker_get_weight (member, choice->now);
      total += weight;
      member->credit += weight;
      if (best == NULL || member->credit > best->credit)
        best = member;
    }
  best->credit -= total;
  return best;
}

/* Of two with equal load @first, unless only @second has a connection. */
static TallyMember *
prefer_connected (const TallyPicker *self, TallyMember *first, TallyMember *second)
{
  gboolean (*asks) (gpointer) = self->options.is_connected;

  if (first == second || asks == NULL || asks (first->owner) || !asks (second->owner))
    return first;
  return second;
}

/* A member at random, by weight. */
typedef struct
{
  guint64 total;
  TallyMember *chosen;
} Lot;

static void
offer (TallyPicker *self, Lot *lot, TallyMember *member, guint weight)
{
  lot->total += weight;
  if (draw (self) % lot->total < weight)
    lot->chosen = member;
}

static TallyMember *
pick_least (TallyPicker *self, const Choice *choice)
{
  Lot first = { 0, NULL };
  Lot second = { 0, NULL };
  gdouble least = G_MAXDOUBLE;

  for (guint i = choice->begin; i < choice->end; i++)
    {
      TallyMember *member = get_active (self, i);
      gdouble load;
      guint weight;

      if (!may_be_picked (choice, member))
        continue;
      load = tally_picker_get_load (self, member, choice->now);
      if (load > least)
        continue;
      if (load < least)
        first = second = (Lot){ 0, NULL };
      least = load;
      weight = tally_picker_get_weight (member, choice->now);
      offer (self, &first, member, weight);
      offer (self, &second, member, weight);
    }
  return prefer_connected (self, first.chosen, second.chosen);
}

/* (nullable): one at random that is not @other, by weight; NULL where luck would not have it. */
static TallyMember *
draw_member (TallyPicker *self, const Choice *choice, const TallyMember *other)
{
  guint heaviest = self->heaviest * TALLY_PICKER_WHOLE;

  for (guint i = 0; i < DRAWS; i++)
    {
      guint index = choice->begin + draw_below (self, choice->end - choice->begin);
      TallyMember *member = get_active (self, index);

      if (member != other && may_be_picked (choice, member)
          && draw_below (self, heaviest) < tally_picker_get_weight (member, choice->now))
        return member;
    }
  return NULL;
}

static TallyMember *
pick_of_two (TallyPicker *self, const Choice *choice)
{
  TallyMember *first = draw_member (self, choice, NULL);
  TallyMember *second = first != NULL ? draw_member (self, choice, first) : NULL;
  gdouble load, other;

  if (second == NULL) /* few are left, or all but few weigh little */
    return pick_least (self, choice);
  load = tally_picker_get_load (self, first, choice->now);
  other = tally_picker_get_load (self, second, choice->now);
  if (load == other)
    return prefer_connected (self, first, second);
  return load < other ? first : second;
}

static TallyMember *
pick_first (const TallyPicker *self, const Choice *choice)
{
  for (guint i = choice->begin; i < choice->end; i++)
    if (may_be_picked (choice, get_active (self, i)))
      return get_active (self, i);
  return NULL;
}

static TallyMember *
pick_by_kind (TallyPicker *self, const Choice *choice)
{
  switch (self->options.kind)
    {
    case TALLY_PICKER_LEAST:
      return pick_least (self, choice);
    case TALLY_PICKER_ROUND_ROBIN:
      return pick_in_turn (self, choice);
    case TALLY_PICKER_FIRST:
      return pick_first (self, choice);
    default:
      return pick_of_two (self, choice);
    }
}

/* (nullable) */
static TallyMember *
pick_active (TallyPicker *self, Choice *choice)
{
  if (find_range (self, choice))
    return pick_by_kind (self, choice);
  choice->takes_out = TRUE;
  return find_range (self, choice) ? pick_by_kind (self, choice) : NULL;
}

TallyMember *
tally_picker_pick (
    TallyPicker *self, gint64 now, guint64 random, TallyMember *const *tried, guint n_tried)
{
  Choice choice = { .now = now, .tried = tried, .n_tried = n_tried };
  TallyMember *member;

  self->random ^= random;
  member = pick_active (self, &choice);
  if (member == NULL)
    member = tally_subset_find_spare (self, tried, n_tried);
  if (member != NULL)
    tally_picker_repick (member);
  return member;
}

void
tally_picker_repick (TallyMember *member)
{
  member->in_flight++;
  member->n_picks++;
}

void
tally_picker_end (
    TallyPicker *self, TallyMember *member, gint64 began, gint64 now, TallyAttemptEnd end)
{
  if (member->in_flight > 0) /* a child process begins with none */
    member->in_flight--;
  if (end == TALLY_ATTEMPT_UNKNOWN)
    return;
  if (end == TALLY_ATTEMPT_REFUSED)
    {
      note_refusal (self, member, now);
      return;
    }
  if (end != TALLY_ATTEMPT_FAILED)
    note_time (self, member, now - began, now);
  if (end != TALLY_ATTEMPT_ANSWERED)
    member->n_failed++;
  tally_outliers_note (self, member, now, end);
}

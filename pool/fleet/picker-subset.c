/* Owns which of the listed members are active: all, or for a client of a large fleet the same few of them each time; and which comes
 * next where none of these works. */
#include "picker-private.h"

guint64
tally_mix (guint64 value)
{
  value += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15); /* splitmix64 */
  value = (value ^ (value >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ (value >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ (value >> 31);
}

/* By priority; within one the highest rank first. */
static gint
compare_ranks (gconstpointer a, gconstpointer b)
{
  const TallyMember *first = *(TallyMember *const *) a;
  const TallyMember *second = *(TallyMember *const *) b;

  if (first->priority != second->priority)
    return first->priority < second->priority ? -1 : 1;
  return (first->rank < second->rank) - (first->rank > second->rank);
}

/* By priority, then the list's order. */
static gint
compare_positions (gconstpointer a, gconstpointer b)
{
  const TallyMember *first = *(TallyMember *const *) a;
  const TallyMember *second = *(TallyMember *const *) b;

  if (first->priority != second->priority)
    return first->priority < second->priority ? -1 : 1;
  return (first->position > second->position) - (first->position < second->position);
}

/* Leaves the first @count of each priority. */
static void
cut_priorities (GPtrArray *members, guint count)
{
  guint kept = 0;
  guint of_this = 0;
  guint priority = 0;

  for (guint i = 0; i < members->len; i++)
    {
      TallyMember *member = g_ptr_array_index (members, i);

      of_this = i > 0 && member->priority == priority ? of_this + 1 : 1;
      priority = member->priority;
      if (of_this <= count)
        members->pdata[kept++] = member;
    }
  g_ptr_array_set_size (members, (gint) kept);
}

void
tally_subset_choose (TallyPicker *picker)
{
  g_ptr_array_set_size (picker->active, 0);
  for (guint i = 0; i < picker->members->len; i++)
    {
      TallyMember *member = g_ptr_array_index (picker->members, i);

      member->is_active = FALSE;
      if (member->is_listed)
        g_ptr_array_add (picker->active, member);
    }
  if (picker->options.subset > 0 && picker->options.subset < picker->active->len)
    {
      for (guint i = 0; i < picker->active->len; i++)
        {
          TallyMember *member = g_ptr_array_index (picker->active, i);

          member->rank = tally_mix (member->id ^ tally_mix (picker->options.seed));
        }
      g_ptr_array_sort (picker->active, compare_ranks);
      cut_priorities (picker->active, picker->options.subset);
    }
  g_ptr_array_sort (picker->active, compare_positions);
  for (guint i = 0; i < picker->active->len; i++)
    ((TallyMember *) g_ptr_array_index (picker->active, i))->is_active = TRUE;
}

TallyMember *
tally_subset_find_spare (const TallyPicker *picker, TallyMember *const *tried, guint n_tried)
{
  TallyMember *best = NULL;

  for (guint i = 0; i < picker->active->len; i++)
    if (((TallyMember *) g_ptr_array_index (picker->active, i))->health.in_a_row == 0)
      return NULL;
  for (guint i = 0; i < picker->members->len; i++)
    {
      TallyMember *member = g_ptr_array_index (picker->members, i);

      if (member->is_listed && !member->is_active
          && !tally_picker_has_tried (member, tried, n_tried)
          && (best == NULL || compare_ranks (&member, &best) < 0))
        best = member;
    }
  return best;
}

/* Owns a picker for tests, and its clock. */
#include "picker-bench.h"

void
bench_open (Bench *self, TallyPickerKind kind, guint n_members)
{
  const TallyPickerOptions options = { .kind = kind, .seed = 1 };

  self->now = 1000 * SECOND;
  tally_picker_init (&self->picker, &options, 7);
  for (guint i = 0; i < n_members; i++)
    tally_picker_add (&self->picker, &(TallyMemberSpec){ tally_mix (i), 1, 0 }, i, G_MININT64);
  tally_picker_arrange (&self->picker);
}

void
bench_close (Bench *self)
{
  g_ptr_array_foreach (self->picker.members, (GFunc) (void (*) (void)) g_free, NULL);
  tally_picker_clear (&self->picker);
}

TallyMember *
bench_get_member (const Bench *self, guint i)
{
  return g_ptr_array_index (self->picker.members, i);
}

TallyMember *
bench_pick (Bench *self)
{
  return tally_picker_pick (&self->picker, self->now, 0, NULL, 0);
}

void
bench_end (Bench *self, TallyMember *member, gint64 took, TallyAttemptEnd how)
{
  tally_picker_end (&self->picker, member, self->now - took, self->now, how);
}

void
bench_use (Bench *self, guint i, gint64 took, TallyAttemptEnd how)
{
  bench_get_member (self, i)->in_flight++;
  bench_end (self, bench_get_member (self, i), took, how);
}

void
bench_use_often (Bench *self, guint i, guint count, TallyAttemptEnd how)
{
  for (guint k = 0; k < count; k++)
    bench_use (self, i, MS, how);
}

gboolean
bench_is_out (const Bench *self, guint i)
{
  return tally_outliers_is_out (bench_get_member (self, i), self->now)
         && bench_get_member (self, i)->health.out_until > 0;
}

guint
bench_count_picks (Bench *self, guint count, guint i)
{
  guint n_picks = 0;

  for (guint k = 0; k < count; k++)
    {
      TallyMember *member = bench_pick (self);

      n_picks += member == bench_get_member (self, i);
      bench_end (self, member, MS, TALLY_ATTEMPT_UNKNOWN);
    }
  return n_picks;
}

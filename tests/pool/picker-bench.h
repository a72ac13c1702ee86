/* A picker without an owner of its members. Time and random numbers are the tests'. */
#ifndef TESTS_POOL_PICKER_BENCH_H
#define TESTS_POOL_PICKER_BENCH_H

#include "fleet/picker-private.h"
#include "harness.h"

#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

typedef struct
{
  TallyPicker picker;
  gint64 now;
} Bench;

/* With members of weight 1 and priority 0. */
void bench_open (Bench *self, TallyPickerKind kind, guint n_members);
void bench_close (Bench *self);
TallyMember *bench_get_member (const Bench *self, guint i);
/* (nullable): for a call that has tried none. */
TallyMember *bench_pick (Bench *self);
/* The attempt at @member, which took so many microseconds, has ended. */
void bench_end (Bench *self, TallyMember *member, gint64 took, TallyAttemptEnd how);
/* An attempt at member @i, as if it had been picked. */
void bench_use (Bench *self, guint i, gint64 took, TallyAttemptEnd how);
void bench_use_often (Bench *self, guint i, guint count, TallyAttemptEnd how);
/* Not only left alone for a moment. */
gboolean bench_is_out (const Bench *self, guint i);
/* How many of @count calls in turn go to member @i. */
guint bench_count_picks (Bench *self, guint count, guint i);

#endif /* TESTS_POOL_PICKER_BENCH_H */

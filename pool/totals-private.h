/* The account of the limits over all endpoints. */
#ifndef TALLY_TOTALS_PRIVATE_H
#define TALLY_TOTALS_PRIVATE_H

#include "bucket-private.h"

G_BEGIN_DECLS

gboolean tally_totals_reserve (gpointer bucket, TallyDialPurpose purpose);
void tally_totals_unreserve (gpointer bucket, gboolean yielded);
gboolean tally_totals_yield (gpointer bucket, gint64 before, gboolean closing);
void tally_totals_publish_wait_locked (TallyBucket *bucket);
gint tally_totals_room (gpointer bucket);
void tally_totals_forget (TallyBucket *bucket);
void tally_totals_leave (TallyBucket *bucket);
gboolean tally_totals_forget_unreferenced (TallyBucket *bucket, gboolean *was_denied);
void tally_totals_deny (TallyBucket *bucket);
void tally_totals_publish_idle_locked (TallyBucket *bucket);
TallyBucket *tally_totals_dup_first_held_back (TallyPoolCore *core, gboolean *room);
TallyBucket *tally_totals_take_first_denied (TallyPoolCore *core);

/* @closing: so many of the open ones are being closed. */
static inline gboolean
tally_totals_is_too_much_open (TallyPoolCore *core, guint closing)
{
  guint limit = __atomic_load_n (&core->max_open_total, __ATOMIC_RELAXED);

  return limit > 0 && __atomic_load_n (&core->open_total, __ATOMIC_ACQUIRE) > limit + closing;
}

static inline gboolean
tally_totals_is_too_much_idle (TallyPoolCore *core)
{
  gint limit = __atomic_load_n (&core->max_idle_total, __ATOMIC_RELAXED);

  return limit > 0 && __atomic_load_n (&core->idle_total, __ATOMIC_ACQUIRE) > limit;
}

/* Whether the limit over all endpoints asks for work, where the number of idle connections is as it was or does
 * not matter. */
static inline gboolean
tally_totals_is_open_unbalanced (TallyPoolCore *core)
{
  return __atomic_load_n (&core->n_held_back, __ATOMIC_ACQUIRE) > 0
         || tally_totals_is_too_much_open (core, 0);
}

static inline gboolean
tally_totals_need_balance (TallyPoolCore *core)
{
  return tally_totals_is_open_unbalanced (core) || tally_totals_is_too_much_idle (core)
         || __atomic_load_n (&core->n_denied, __ATOMIC_ACQUIRE) > 0;
}

G_END_DECLS

#endif /* TALLY_TOTALS_PRIVATE_H */

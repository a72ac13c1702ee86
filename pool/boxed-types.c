/* Owns the GObject types of this folder's plain structs: what is copied byte by byte and owns nothing. */
#include "tally-pool.h"

static gpointer
copy_histogram (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyHistogram));
}

G_DEFINE_BOXED_TYPE (TallyHistogram, tally_histogram, copy_histogram, g_free)

static gpointer
copy_pool_snapshot (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyPoolSnapshot));
}

G_DEFINE_BOXED_TYPE (TallyPoolSnapshot, tally_pool_snapshot, copy_pool_snapshot, g_free)

static gpointer
copy_lease (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyLease));
}

G_DEFINE_BOXED_TYPE (TallyLease, tally_lease, copy_lease, g_free)

/* Owns the GObject types of this folder's plain structs: what is copied byte by byte and owns nothing. */
#include "tally-pool.h"

static gpointer
copy_histogram (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyHistogram));
}

/**
 * tally_histogram_get_type:
 *
 * Returns: the boxed type of #TallyHistogram
 *
 * Since: 0.2
 */
G_DEFINE_BOXED_TYPE (TallyHistogram, tally_histogram, copy_histogram, g_free)

static gpointer
copy_pool_snapshot (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyPoolSnapshot));
}

/**
 * tally_pool_snapshot_get_type:
 *
 * Returns: the boxed type of #TallyPoolSnapshot. A copy is as large as this library's: copy what
 *   tally_pool_dup_snapshot() or tally_bucket_dup_snapshot() made, whose size that is
 *
 * Since: 0.2
 */
G_DEFINE_BOXED_TYPE (TallyPoolSnapshot, tally_pool_snapshot, copy_pool_snapshot, g_free)

static gpointer
copy_lease (gpointer boxed)
{
  return g_memdup2 (boxed, sizeof (TallyLease));
}

/**
 * tally_lease_get_type:
 *
 * Returns: the boxed type of #TallyLease. A copy borrows nothing: of a lease and its
 *   copies one is released, and the others are of no use then
 *
 * Since: 0.2
 */
G_DEFINE_BOXED_TYPE (TallyLease, tally_lease, copy_lease, g_free)

/* Owns the GObject types of this folder's plain structs: most are copied byte by byte and own nothing. */
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

/**
 * tally_pool_entry_copy:
 * @entry: an entry
 *
 * Returns: (transfer full): a copy
 *
 * Since: 0.2
 */
TallyPoolEntry *
tally_pool_entry_copy (const TallyPoolEntry *entry)
{
  TallyPoolEntry *copy = g_memdup2 (entry, sizeof *entry);

  copy->label = g_strdup (entry->label);
  return copy;
}

/**
 * tally_pool_entry_free:
 * @entry: (transfer full): an entry
 *
 * Since: 0.2
 */
void
tally_pool_entry_free (TallyPoolEntry *entry)
{
  g_free (entry->label);
  g_free (entry);
}

G_DEFINE_BOXED_TYPE (TallyPoolEntry, tally_pool_entry, tally_pool_entry_copy, tally_pool_entry_free)

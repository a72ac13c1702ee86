/* Memory of large buffers that are no longer in use, for those that are asked for next. The allocator would give it back to the
 * system, and the next large message would begin with a page fault for each 4 KiB. What is kept is bounded for the whole
 * process: a burst's memory goes back but for that. It knows no buffer's owner. */
#include "buffer-stock-private.h"

/* Sizes are powers of two, as buffers grow to. Smaller ones the allocator keeps itself, larger ones would be all of it. */
#define SMALLEST_BITS 16
#define LARGEST_BITS 22
#define N_SIZES (LARGEST_BITS - SMALLEST_BITS + 1)
#define PLACES 16
#define MOST_BYTES (16 * 1024 * 1024)

/* Each place is taken and filled by one atomic exchange, so that there is no lock that a child process could find held. */
static gpointer stock[N_SIZES][PLACES];
static gsize n_bytes; /* atomic: in the stock, or on their way there */

/* The places for @size; NULL: it is not kept. */
static gpointer *
find_places (gsize size)
{
  const guint bits = g_bit_storage (size) - 1;

  if (bits < SMALLEST_BITS || bits > LARGEST_BITS || size != (gsize) 1 << bits)
    return NULL;
  return stock[bits - SMALLEST_BITS];
}

gpointer
tally_stock_take (gsize size)
{
  gpointer *places = find_places (size);

  for (guint i = 0; places != NULL && i < PLACES; i++)
    if (__atomic_load_n (&places[i], __ATOMIC_RELAXED) != NULL)
      {
        gpointer memory = __atomic_exchange_n (&places[i], NULL, __ATOMIC_ACQUIRE);

        if (memory == NULL)
          continue; /* another thread was first */
        __atomic_sub_fetch (&n_bytes, size, __ATOMIC_RELAXED);
        return memory;
      }
  return NULL;
}

gboolean
tally_stock_put (gpointer memory, gsize size)
{
  gpointer *places = find_places (size);

  if (places == NULL)
    return FALSE;
  if (__atomic_add_fetch (&n_bytes, size, __ATOMIC_RELAXED) <= MOST_BYTES)
    for (guint i = 0; i < PLACES; i++)
      {
        gpointer empty = NULL;

        if (__atomic_load_n (&places[i], __ATOMIC_RELAXED) == NULL
            && __atomic_compare_exchange_n (&places[i], &empty, memory, FALSE, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED))
          return TRUE;
      }
  __atomic_sub_fetch (&n_bytes, size, __ATOMIC_RELAXED);
  return FALSE;
}

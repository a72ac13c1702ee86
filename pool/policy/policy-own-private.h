/* A thread's own connection: one that the thread takes and gives back by itself, without the bucket's lock.
 *
 * The policy stays the judge. It lets a connection out of the books, at a plain release, only where no rule would say
 * anything but "lend it to any borrower" until something changes (tally_policy_may_own ()). A thread that is about to change
 * or to ask anything has the bucket's lock, and enters all these connections in the books before. What a
 * connection's word says decides what is entered; from then on the word is 0, and the thread that had counted on it
 * finds its next step failed and takes the lock.
 *
 * So no rule depends on what other threads see when: a waiter joins the queue in the same section of the lock in
 * which all were entered, and none is let out while it waits. Each later release takes the lock and finds it.
 *
 * What lies beside the word is written before the step that ends the writer's turn and read after the step
 * that begins the reader's: the steps are atomic, and release and acquire. */
#ifndef TALLY_POLICY_OWN_PRIVATE_H
#define TALLY_POLICY_OWN_PRIVATE_H

#include "tally-pool.h"

G_BEGIN_DECLS

/* Bytes; what is allocated by it need not share a line with its neighbours. */
#define TALLY_CACHE_LINE 64
/* So many connections are out of the books at most: all of them are entered in one section of the lock. */
#define TALLY_MAX_OWN 256
/* So many lease numbers a connection gets when it is let out: a power of two, and no more than `bins` can count. */
#define TALLY_OWN_LEASES (1 << 16)

/* In the lowest bits of a word; above is the number of the lease, or of the last one. A word is 0 in the books. */
typedef enum
{
  TALLY_OWN_LYING = 1, /* idle */
  TALLY_OWN_LENT,      /* by its thread, to itself */
  TALLY_OWN_RETURNING  /* its thread gives it back */
} TallyOwnPhase;
#define TALLY_OWN_PHASE_BITS 2

typedef struct
{
  /* All atomic: a thread may look at them that has not noticed that the connection is another's. */
  guint64 word __attribute__ ((aligned (TALLY_CACHE_LINE)));
  guint32 thread;     /* whose it is */
  gboolean must_look; /* before it is lent */
  gint64 age_limit;   /* one that is idle for so long is not taken without the lock */
  gint64 idle_since;  /* boot time */

  guint64 filled; /* atomic: the lease of which what follows is filled in */
  const gchar *label;
  gint64 since;

  /* Of leases that are over and are not in the books yet. Changed while RETURNING, by that thread. */
  guint16 count;
  guint64 recent; /* the bins of the latest, one in each byte */
  guint64 sum;
  guint64 max;
  guint64 used; /* which bins are not 0 */
  guint16 bins[TALLY_HISTOGRAM_BINS];
} TallyOwn;

/* Two bins for each power of two: 2 and 3 have their own, then 4-5, 6-7, 8-11, 12-15, … */
static inline guint
tally_histogram_find_bin (guint64 microseconds)
{
  guint64 value = MAX (microseconds, 1);
  guint top = 63 - (guint) __builtin_clzll (value);
  guint bin = top == 0 ? (guint) microseconds : top * 2 + ((value >> (top - 1)) & 1);

  return MIN (bin, TALLY_HISTOGRAM_BINS - 1);
}

static inline guint64
tally_own_word (guint64 generation, TallyOwnPhase phase)
{
  return generation << TALLY_OWN_PHASE_BITS | phase;
}

static inline gboolean
tally_own_step (TallyOwn *self, guint64 from, guint64 to)
{
  return __atomic_compare_exchange_n (&self->word, &from, to, FALSE, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED);
}

/* @thread lends itself @self, at @boot, if it is its own, lies there and is young enough: the lease's number; else 0.
 * A word's number is that of one lease of one thread, so that the step fails if anything has happened since
 * the look. */
static inline guint64
tally_own_take (TallyOwn *self, guint32 thread, gint64 boot, gint64 *idle_age)
{
  guint64 word = __atomic_load_n (&self->word, __ATOMIC_ACQUIRE);
  guint64 generation = (word >> TALLY_OWN_PHASE_BITS) + 1;

  *idle_age = boot - __atomic_load_n (&self->idle_since, __ATOMIC_RELAXED);
  if (G_UNLIKELY (word != tally_own_word (generation - 1, TALLY_OWN_LYING)
                  || __atomic_load_n (&self->thread, __ATOMIC_RELAXED) != thread
                  || *idle_age >= __atomic_load_n (&self->age_limit, __ATOMIC_RELAXED)
                  || generation % TALLY_OWN_LEASES == 0))
    return 0;
  return tally_own_step (self, word, tally_own_word (generation, TALLY_OWN_LENT)) ? generation : 0;
}

/* Entered before this, it is a lease that has begun at that moment. */
static inline void
tally_own_fill (TallyOwn *self, guint64 generation, const gchar *label, gint64 since)
{
  self->label = label;
  self->since = since;
  __atomic_store_n (&self->filled, generation, __ATOMIC_RELEASE);
}

/* The lease of this number ends: the caller alone has the connection, until tally_own_leave (). A second
 * release, at the same time too, finds it ended. */
static inline gboolean
tally_own_begin_return (TallyOwn *self, guint64 generation)
{
  return tally_own_step (self, tally_own_word (generation, TALLY_OWN_LENT),
                         tally_own_word (generation, TALLY_OWN_RETURNING));
}

/* FALSE: it is in the books, and its lease with it, which is to be ended there. */
static inline gboolean
tally_own_leave (TallyOwn *self, guint64 generation, gint64 mono, gint64 boot)
{
  guint64 recent = self->recent;
  gint64 held = mono - self->since;
  guint bin;

  held = MAX (held, 0);
  bin = tally_histogram_find_bin ((guint64) held);
  self->count++;
  self->recent = recent << 8 | bin;
  self->sum += (guint64) held;
  self->max = MAX (self->max, (guint64) held);
  self->used |= G_GUINT64_CONSTANT (1) << bin;
  self->bins[bin]++;
  __atomic_store_n (&self->idle_since, boot, __ATOMIC_RELAXED);
  if (G_LIKELY (tally_own_step (self, tally_own_word (generation, TALLY_OWN_RETURNING),
                                tally_own_word (generation, TALLY_OWN_LYING))))
    return TRUE;
  self->count--;
  self->recent = recent;
  self->sum -= (guint64) held;
  self->bins[bin]--;
  return FALSE;
}

G_END_DECLS

#endif /* TALLY_POLICY_OWN_PRIVATE_H */

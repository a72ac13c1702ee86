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
 * And no thread waits for another: one that is stopped between two steps has left a word from which the books can go on.
 *
 * What lies beside the word is written before the step that ends the writer's turn and read after the step
 * that begins the reader's: the steps are atomic, and release and acquire. No two steps have the same words, for each
 * lease has a number of its own: a step that succeeds has been overtaken by nothing. */
#ifndef TALLY_POLICY_OWN_PRIVATE_H
#define TALLY_POLICY_OWN_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Bytes; what is allocated by it need not share a line with its neighbours. */
#define TALLY_CACHE_LINE 64
/* So many connections are out of the books at most: all of them are entered in one section of the lock. */
#define TALLY_MAX_OWN 128
/* So many lease numbers a connection gets when it is let out; the last of these leases ends in the books, and begins
 * the next ones. A power of two. */
#define TALLY_OWN_LEASES 64

/* In the lowest bits of a word; above is the number of the lease, or of the last one. A word is 0 in the books. */
typedef enum
{
  TALLY_OWN_LYING = 1, /* idle */
  TALLY_OWN_LENT,      /* by its thread, to itself; a shared one is not proven alive */
  TALLY_OWN_SHARED,    /* it is: others may have it, too, as soon as it is in the books */
  TALLY_OWN_RETURNING  /* its thread gives it back */
} TallyOwnPhase;
#define TALLY_OWN_PHASE_BITS 3

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

  /* Microseconds: how long those of its leases were out that are over, each by its number, and that are not in the
   * books yet. Written while RETURNING; what the word says is over is not written again before it is entered. */
  gint64 held[TALLY_OWN_LEASES];
} TallyOwn;

static inline guint64
tally_own_word (guint64 generation, TallyOwnPhase phase)
{
  return generation << TALLY_OWN_PHASE_BITS | phase;
}

static inline TallyOwnPhase
tally_own_get_phase (guint64 word)
{
  return word & ((1 << TALLY_OWN_PHASE_BITS) - 1);
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
  if (G_UNLIKELY (tally_own_get_phase (word) != TALLY_OWN_LYING
                  || __atomic_load_n (&self->thread, __ATOMIC_RELAXED) != thread
                  || *idle_age >= __atomic_load_n (&self->age_limit, __ATOMIC_RELAXED)))
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

/* The borrower of a shared one has found it alive. FALSE: it is in the books, and nobody else has it yet. */
static inline gboolean
tally_own_share (TallyOwn *self, guint64 generation)
{
  return tally_own_step (self, tally_own_word (generation, TALLY_OWN_LENT),
                         tally_own_word (generation, TALLY_OWN_SHARED));
}

/* The lease of this number ends: the caller alone has the connection, until tally_own_leave (). A second
 * release, at the same time too, finds it ended. FALSE: that is for the lock to do. */
static inline gboolean
tally_own_begin_return (TallyOwn *self, guint64 generation, gboolean is_shared)
{
  TallyOwnPhase lent = is_shared ? TALLY_OWN_SHARED : TALLY_OWN_LENT;

  return (generation + 1) % TALLY_OWN_LEASES != 0
         && tally_own_step (self, tally_own_word (generation, lent),
                            tally_own_word (generation, TALLY_OWN_RETURNING));
}

/* FALSE: it is in the books, and its lease with it, which is to be ended there. */
static inline gboolean
tally_own_leave (TallyOwn *self, guint64 generation, gint64 mono, gint64 boot)
{
  self->held[generation % TALLY_OWN_LEASES] = mono - self->since;
  __atomic_store_n (&self->idle_since, boot, __ATOMIC_RELAXED);
  return G_LIKELY (tally_own_step (self, tally_own_word (generation, TALLY_OWN_RETURNING),
                                   tally_own_word (generation, TALLY_OWN_LYING)));
}

G_END_DECLS

#endif /* TALLY_POLICY_OWN_PRIVATE_H */

/* Deadlines of threads that wait in a plain recv (): a thread of the process ends for reading what is
 * still being waited for when its deadline passes. stream-receive.c's.
 *
 * The kernel could do that too (SO_RCVTIMEO), but starts and stops a timer for each recv (), which
 * costs a call on a fast network more than all else that a library adds to it. Here a wait costs
 * two exchanges of a word; the thread sleeps until the earliest deadline that it has seen, and is
 * woken only for an earlier one, which calls with one timeout never have. */
#ifndef TALLY_DEADLINE_INTERNAL_H
#define TALLY_DEADLINE_INTERNAL_H

#include <glib.h>

G_BEGIN_DECLS

/* `until`, where it is no deadline. */
#define TALLY_DEADLINE_NONE 0    /* nobody waits */
#define TALLY_DEADLINE_ENDING -1 /* the thread is ending it for reading */
#define TALLY_DEADLINE_ENDED -2  /* it has */

/* A stream's place among those that are watched. */
typedef struct _TallyDeadline TallyDeadline;
struct _TallyDeadline
{
  gint64 until; /* atomic: the deadline of the thread that waits now, monotonic */
  void (*end) (TallyDeadline *self); /* the thread's: ends it for reading */
  gsize generation;                  /* of the list that it is in; 0: of none */
  TallyDeadline *prev;               /* the list's lock */
  TallyDeadline *next;
};

/* Atomic: when the thread will wake next, G_MAXINT64: not by itself; and which list is the present
 * one. */
extern gint64 tally_deadline_wakes_at;
extern gsize tally_deadline_generation;

/* Is watched from now until tally_deadline_remove (); when a deadline passes the thread calls @end. FALSE
 * when there can be no thread for that. */
gboolean tally_deadline_add (TallyDeadline *self, void (*end) (TallyDeadline *self));
/* Nobody waits. Before the stream is closed. */
void tally_deadline_remove (TallyDeadline *self);
/* For a deadline before tally_deadline_wakes_at. */
void tally_deadline_wake (void);
/* What is left of tally_deadline_end () when the deadline has passed; @until is what was there. */
void tally_deadline_await_end (TallyDeadline *self, gint64 until);

/* Before a recv (): the caller stores first and looks second, the thread the other way round, so
 * that at least one of them sees the other. */
static inline void
tally_deadline_begin (TallyDeadline *self, gint64 deadline)
{
  __atomic_store_n (&self->until, deadline, __ATOMIC_SEQ_CST);
  if (G_UNLIKELY (deadline < __atomic_load_n (&tally_deadline_wakes_at, __ATOMIC_SEQ_CST)))
    tally_deadline_wake ();
}

/* After it. FALSE when the deadline has passed: then nothing more can be received. */
static inline gboolean
tally_deadline_end (TallyDeadline *self)
{
  gint64 until = __atomic_exchange_n (&self->until, TALLY_DEADLINE_NONE, __ATOMIC_ACQ_REL);

  if (G_LIKELY (until > 0))
    return TRUE;
  tally_deadline_await_end (self, until);
  return FALSE;
}

/* Not so after a fork, in the child. */
static inline gboolean
tally_deadline_is_watched (const TallyDeadline *self)
{
  return self->generation == __atomic_load_n (&tally_deadline_generation, __ATOMIC_RELAXED);
}

G_END_DECLS

#endif /* TALLY_DEADLINE_INTERNAL_H */

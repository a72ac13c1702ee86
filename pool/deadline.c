/* Owns the thread that ends receives whose deadline has passed. It runs while there is anything to
 * watch; it knows times, and neither streams nor descriptors. */
#include "deadline-internal.h"

#include <sched.h>

#include "wait-private.h"

/* Receives that are ended in one go. */
#define BATCH 32

gint64 tally_deadline_wakes_at = G_MAXINT64;
gsize tally_deadline_generation = 1; /* written with the lock */

static pthread_mutex_t deadlines_lock = PTHREAD_MUTEX_INITIALIZER; /* protects what follows */
static pthread_cond_t changed;
static TallyDeadline *first_deadline;
static pthread_t watch_thread;

/* ---- the thread ---- */

/* The deadlines that have passed, which are this thread's to end from now on; at most BATCH.
 * @earliest: of the others. */
static guint
claim_passed_locked (TallyDeadline **passed, gint64 now, gint64 *earliest)
{
  guint count = 0;

  *earliest = G_MAXINT64;
  for (TallyDeadline *deadline = first_deadline; deadline != NULL; deadline = deadline->next)
    {
      gint64 until = __atomic_load_n (&deadline->until, __ATOMIC_SEQ_CST);

      if (until <= 0)
        continue;
      if (until > now || count == BATCH)
        *earliest = MIN (*earliest, until);
      else if (__atomic_compare_exchange_n (&deadline->until, &until, TALLY_DEADLINE_ENDING, FALSE,
                                            __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        passed[count++] = deadline;
      else
        *earliest = now; /* its wait is over, and another may have begun: look again */
    }
  return count;
}

/* Locked before and after. A stream that is being ended is not closed: the thread that waited in it
 * waits for the end, too. */
static void
end_locked (TallyDeadline **passed, guint count)
{
  pthread_mutex_unlock (&deadlines_lock);
  for (guint i = 0; i < count; i++)
    {
      passed[i]->end (passed[i]);
      __atomic_store_n (&passed[i]->until, TALLY_DEADLINE_ENDED, __ATOMIC_RELEASE);
    }
  pthread_mutex_lock (&deadlines_lock);
}

static void *
watch (void *data)
{
  gsize generation = GPOINTER_TO_SIZE (data);

  pthread_setname_np (pthread_self (), "tally-deadline");
  pthread_mutex_lock (&deadlines_lock);
  while (tally_deadline_generation == generation)
    {
      TallyDeadline *passed[BATCH];
      gint64 earliest;
      guint count;

      /* First this, then the look: a thread that begins to wait in between wakes this one. */
      __atomic_store_n (&tally_deadline_wakes_at, G_MAXINT64, __ATOMIC_SEQ_CST);
      count = claim_passed_locked (passed, g_get_monotonic_time (), &earliest);
      if (count > 0)
        {
          end_locked (passed, count);
          continue;
        }
      __atomic_store_n (&tally_deadline_wakes_at, earliest, __ATOMIC_SEQ_CST);
      tally_cond_wait_until (&changed, &deadlines_lock, earliest);
    }
  pthread_mutex_unlock (&deadlines_lock);
  return NULL;
}

void
tally_deadline_wake (void)
{
  pthread_mutex_lock (&deadlines_lock);
  pthread_cond_signal (&changed);
  pthread_mutex_unlock (&deadlines_lock);
}

void
tally_deadline_await_end (TallyDeadline *self, gint64 until)
{
  while (until != TALLY_DEADLINE_ENDED)
    {
      sched_yield ();
      until = __atomic_load_n (&self->until, __ATOMIC_ACQUIRE);
    }
  __atomic_store_n (&self->until, TALLY_DEADLINE_NONE, __ATOMIC_RELAXED);
}

/* ---- what is watched ---- */

/* Nothing is watched in a child process, which has no such thread; each socket is added anew when
 * needed. */
static void
start_anew (void)
{
  pthread_mutex_init (&deadlines_lock, NULL);
  tally_cond_init (&changed); /* the parent's thread waited for it */
  first_deadline = NULL;
  tally_deadline_generation++;
  tally_deadline_wakes_at = G_MAXINT64;
}

static void
prepare (void)
{
  tally_cond_init (&changed);
  pthread_atfork (NULL, NULL, start_anew);
}

static gboolean
start_locked (void)
{
  return pthread_create (&watch_thread, NULL, watch, GSIZE_TO_POINTER (tally_deadline_generation))
         == 0;
}

gboolean
tally_deadline_add (TallyDeadline *self, void (*end) (TallyDeadline *self))
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  gboolean runs;

  pthread_once (&once, prepare);
  pthread_mutex_lock (&deadlines_lock);
  runs = first_deadline != NULL || start_locked ();
  if (runs)
    {
      self->end = end;
      self->generation = tally_deadline_generation;
      self->prev = NULL;
      self->next = first_deadline;
      if (first_deadline != NULL)
        first_deadline->prev = self;
      first_deadline = self;
    }
  pthread_mutex_unlock (&deadlines_lock);
  return runs;
}

void
tally_deadline_remove (TallyDeadline *self)
{
  pthread_t ended;
  gboolean was_last = FALSE;

  if (self->generation == 0)
    return;
  pthread_mutex_lock (&deadlines_lock);
  if (self->generation == tally_deadline_generation)
    {
      if (self->prev != NULL)
        self->prev->next = self->next;
      else
        first_deadline = self->next;
      if (self->next != NULL)
        self->next->prev = self->prev;
      was_last = first_deadline == NULL;
    }
  self->generation = 0;
  ended = watch_thread;
  if (was_last)
    {
      __atomic_store_n (&tally_deadline_generation, tally_deadline_generation + 1,
                        __ATOMIC_RELAXED);
      pthread_cond_signal (&changed);
    }
  pthread_mutex_unlock (&deadlines_lock);
  if (was_last)
    pthread_join (ended, NULL);
}

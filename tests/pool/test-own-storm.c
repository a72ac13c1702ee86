/* Threads' own connections while everything else happens at the same time, and two releases of one lease at once. */
#include <sched.h>

#include "lab.h"
#include "bucket-private.h"

static gint n_criticals; /* atomic */

#define STORM_THREADS 8
#define STORM_ROUNDS 3000
#define STORM_OPEN 4

typedef struct
{
  Lab *lab;
  gint streams;
  TallyConn *conns[STORM_OPEN]; /* atomic; all that there are */
  gint users[STORM_OPEN];       /* atomic: how many leases each of them has */
  gint n_running;               /* atomic */
  guint64 n_borrows;            /* atomic */
  pthread_mutex_t lock;         /* protects what follows */
  TallyLease left;              /* for another thread to give back */
} Storm;

typedef struct
{
  Storm *storm;
  guint random;
} StormThread;

static guint
storm_pick (StormThread *self, guint below)
{
  self->random = self->random * 1103515245 + 12345;
  return (self->random >> 16) % below;
}

static gint *
find_users (Storm *storm, TallyConn *conn)
{
  for (guint i = 0; i < STORM_OPEN; i++)
    {
      TallyConn *found = NULL;

      if (__atomic_compare_exchange_n (&storm->conns[i], &found, conn, FALSE, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE)
          || found == conn)
        return &storm->users[i];
    }
  CU_FAIL_FATAL ("there are more connections than may be open");
  return NULL;
}

static void
storm_borrow (Storm *storm, TallyLease *lease)
{
  CU_ASSERT_TRUE_FATAL (tally_bucket_borrow (storm->lab->bucket, "storm", -1, NULL, lease, NULL));
  __atomic_add_fetch (&storm->n_borrows, 1, __ATOMIC_RELAXED);
  CU_ASSERT_TRUE_FATAL (__atomic_add_fetch (find_users (storm, ((TallyHold *) lease->slot)->conn),
                                            1, __ATOMIC_RELAXED)
                        <= storm->streams);
}

static void
storm_release (Storm *storm, TallyLease *lease, TallyOutcome outcome)
{
  __atomic_sub_fetch (find_users (storm, ((TallyHold *) lease->slot)->conn), 1, __ATOMIC_RELAXED);
  tally_bucket_release (storm->lab->bucket, lease, outcome);
}

/* Gives back what another thread has left, and leaves @lease for another one. */
static void
swap_leases (Storm *storm, TallyLease *lease)
{
  TallyLease left;

  pthread_mutex_lock (&storm->lock);
  left = storm->left;
  storm->left = *lease;
  pthread_mutex_unlock (&storm->lock);
  if (left.transport != NULL)
    storm_release (storm, &left, TALLY_OUTCOME_CLEAN);
}

/* Borrows and gives back without a pause, so that its connection is its own, and now and then does something else. */
static gpointer
weather_storm (gpointer data)
{
  StormThread *self = data;
  Storm *storm = self->storm;

  for (guint i = 0; i < STORM_ROUNDS; i++)
    {
      TallyLease lease = { 0 };
      guint dice = storm_pick (self, 256);

      storm_borrow (storm, &lease);
      if (dice < 16)
        sched_yield ();
      if (dice == 100)
        swap_leases (storm, &lease);
      else
        storm_release (storm, &lease, dice == 101 ? TALLY_OUTCOME_BROKEN : TALLY_OUTCOME_CLEAN);
      if (dice == 102)
        lab_let_time_pass (100);
    }
  __atomic_sub_fetch (&storm->n_running, 1, __ATOMIC_RELEASE);
  return NULL;
}

/* Looks, clears and sets while the storm lasts. */
static void
stir (StormThread *self, guint64 *n_seen)
{
  Lab *lab = self->storm->lab;
  TallyPoolSnapshot seen = lab_snapshot (lab);
  g_autofree gchar *dump = NULL;

  assert_sums (&seen);
  CU_ASSERT_TRUE_FATAL (seen.open <= STORM_OPEN && seen.borrows >= *n_seen);
  *n_seen = seen.borrows;
  switch (storm_pick (self, 8))
    {
    case 0:
      tally_bucket_clear (lab->bucket);
      break;
    case 1:
      dump = tally_bucket_dump (lab->bucket);
      break;
    case 2:
      g_object_set (lab->pool, "order", (gint) storm_pick (self, 2), NULL);
      break;
    case 3:
      g_object_set (lab->pool, "max-open", 1 + storm_pick (self, STORM_OPEN), NULL);
      break;
    default:
      lab_let_time_pass (500); /* the threads have connections of their own again */
    }
}

static void
last_through_storm (gint streams)
{
  g_autoptr (Lab) lab = lab_new ("max-open", STORM_OPEN, "streams-per-connection", streams, NULL);
  Storm storm = { .lab = lab, .streams = streams, .n_running = STORM_THREADS };
  StormThread threads[STORM_THREADS + 1];
  pthread_t ids[STORM_THREADS];
  TallyPoolSnapshot seen;
  guint64 n_seen = 0;

  __atomic_store_n (&n_criticals, 0, __ATOMIC_RELEASE);
  pthread_mutex_init (&storm.lock, NULL);
  for (guint i = 0; i <= STORM_THREADS; i++)
    threads[i] = (StormThread){ &storm, i + 1 };
  for (guint i = 0; i < STORM_THREADS; i++)
    pthread_create (&ids[i], NULL, weather_storm, &threads[i]);
  while (__atomic_load_n (&storm.n_running, __ATOMIC_ACQUIRE) > 0)
    stir (&threads[STORM_THREADS], &n_seen);
  for (guint i = 0; i < STORM_THREADS; i++)
    pthread_join (ids[i], NULL);
  if (storm.left.transport != NULL)
    storm_release (&storm, &storm.left, TALLY_OUTCOME_CLEAN);
  seen = lab_snapshot (lab);
  assert_sums (&seen);
  assert_int (seen.borrows, STORM_THREADS * STORM_ROUNDS);
  assert_int (seen.leases, 0);
  CU_ASSERT_TRUE (seen.open <= STORM_OPEN);
  assert_int (__atomic_load_n (&n_criticals, __ATOMIC_ACQUIRE), 0);
  pthread_mutex_destroy (&storm.lock);
}

static void
own_in_a_storm (void)
{
  last_through_storm (1);
}

static void
own_shared_in_a_storm (void)
{
  last_through_storm (2);
}

/* The second of two releases at the same time is refused, whichever it is (rule 20). */
typedef struct
{
  Lab *lab;
  TallyLease lease;
  gint *n_ready; /* atomic */
} Releaser;

static gpointer
release_with_another (gpointer data)
{
  Releaser *self = data;

  __atomic_sub_fetch (self->n_ready, 1, __ATOMIC_ACQ_REL);
  while (__atomic_load_n (self->n_ready, __ATOMIC_ACQUIRE) > 0)
    continue;
  lab_release (self->lab, &self->lease);
  return NULL;
}

static void
own_comes_back_once_of_two (void)
{
  g_autoptr (Lab) lab = lab_new ("max-open", 1, "idle-timeout", 0, NULL);
  TallyPoolSnapshot seen;

  lab_fill (lab, 1);
  for (guint i = 0; i < 200; i++)
    {
      gint n_ready = 2;
      TallyLease lease = lab_borrow (lab);
      Releaser other = { lab, lease, &n_ready }, self = other;
      pthread_t thread;

      pthread_create (&thread, NULL, release_with_another, &other);
      release_with_another (&self);
      pthread_join (thread, NULL);
      assert_int (__atomic_load_n (&n_criticals, __ATOMIC_ACQUIRE), i + 1);
    }
  seen = lab_snapshot (lab);
  assert_int (seen.refused, 200);
  assert_int (seen.idle, 1);
  assert_sums (&seen);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (own_comes_back_once_of_two),
    TEST (own_in_a_storm),
    TEST (own_shared_in_a_storm),
    { NULL, NULL },
  };

  lab_make_first_task ();
  lab_count_criticals (&n_criticals);
  return test_main ("pool", cases, argc, argv);
}

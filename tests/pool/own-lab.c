/* Owns how a thread comes to a connection of its own, and how others borrow beside it. */
#include "own-lab.h"

#include "bucket-private.h"

Lab *
lab_new_with_own (guint max_open, guint streams)
{
  Lab *lab =
      lab_new ("max-open", max_open, "streams-per-connection", streams, "idle-timeout", 0, NULL);

  lab_fill (lab, 1);
  assert_int (lab->bucket->policy.n_own, 0);
  lab_fill (lab, 1); /* the thread has come back */
  assert_int (lab->bucket->policy.n_own, 1);
  return lab;
}

gboolean
lease_is_own (const TallyLease *lease)
{
  const TallyConn *conn = ((TallyHold *) lease->slot)->conn;

  return __atomic_load_n (&conn->own.word, __ATOMIC_ACQUIRE)
         == tally_own_word (lease->generation, lease->shared ? TALLY_OWN_SHARED : TALLY_OWN_LENT);
}

TallyLease
lab_borrow_own (Lab *lab)
{
  TallyLease lease = lab_borrow (lab);

  CU_ASSERT_TRUE (lease_is_own (&lease) && lease.reused);
  CU_ASSERT_EQUAL (lease.shared, lab->bucket->policy.options.streams > 1);
  return lease;
}

TallyLease
lab_borrow_by_another (Lab *lab)
{
  Borrower other = { 0 };

  borrower_start (&other, lab, "another");
  CU_ASSERT_TRUE (borrower_join (&other));
  assert_no_error (other.error);
  return other.lease;
}

void
lab_release_by_another (Lab *lab, const TallyLease *lease)
{
  Borrower holder = { .lab = lab, .lease = *lease };
  pthread_t thread;

  pthread_create (&thread, NULL, borrower_release, &holder);
  pthread_join (thread, NULL);
}

typedef struct
{
  Lab *lab;
  guint count;
  guint index;
} Passer;

static gpointer
pass (gpointer data)
{
  Passer *self = data;

  for (guint i = 0; i < self->count; i++)
    {
      TallyLease lease = lab_borrow (self->lab);

      self->index = lab_index_of (self->lab, &lease);
      lab_release (self->lab, &lease);
    }
  return NULL;
}

guint
lab_use_by_another (Lab *lab, guint count)
{
  Passer passer = { lab, count, 0 };
  pthread_t thread;

  pthread_create (&thread, NULL, pass, &passer);
  pthread_join (thread, NULL);
  return passer.index;
}

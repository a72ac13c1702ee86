/* A thread's own connection of a bucket: found without a search, taken and given back without the bucket's lock.
 * Why that is right is said in policy/policy-own-private.h. */
#ifndef TALLY_OWN_PRIVATE_H
#define TALLY_OWN_PRIVATE_H

#include "bucket-private.h"
#include "thread-id-private.h"

G_BEGIN_DECLS

/* So many buckets a thread remembers. A power of two. */
#define TALLY_N_HINTS 8

/* Where a thread's own connection of a bucket may be found. Nobody but the thread knows of it, so that it may be out of
 * date; but a serial is one bucket's for ever, and that bucket's connections are freed after its last borrow. */
typedef struct
{
  guint64 serial;
  TallyConn *conn; /* (nullable) */
} TallyHint;

extern TALLY_THREAD_LOCAL TallyHint tally_hints[TALLY_N_HINTS];

static inline TallyHint *
tally_hint_find (const TallyBucket *bucket)
{
  return &tally_hints[bucket->serial % TALLY_N_HINTS];
}

/* (nullable): this thread's own connection, as far as it knows. */
static inline TallyConn *
tally_bucket_find_own (const TallyBucket *bucket)
{
  const TallyHint *hint = tally_hint_find (bucket);

  return hint->serial == bucket->serial ? hint->conn : NULL;
}

/* Lends this thread its own connection at @now, of which it fills in `boot`; NULL when that is for the lock to do. @generation: the lease's. */
static inline TallyConn *
tally_bucket_take_own (TallyBucket *bucket,
                       TallyInstant *now,
                       const gchar *label,
                       guint64 *generation,
                       gint64 *idle_age)
{
  TallyConn *conn = tally_bucket_find_own (bucket);

  if (conn == NULL)
    return NULL;
  tally_bucket_complete_instant (bucket, now);
  *generation = tally_own_take (&conn->own, tally_get_thread_id (), now->boot, idle_age);
  if (*generation == 0)
    return NULL;
  tally_own_fill (&conn->own, *generation, label, now->mono);
  return conn;
}

/* (nullable): the idle connection that this thread is lent next: the one that it gave back last, if nobody has used that
 * since, else what `order` says of all of them. Where connections are shared, one in use is better than
 * an idle one. With the lock. */
static inline TallyConn *
tally_bucket_find_next_locked (TallyBucket *bucket)
{
  TallyConn *own = tally_bucket_find_own (bucket);

  if (own != NULL && own->state == TALLY_CONN_IDLE && own->own.thread == tally_get_thread_id ()
      && bucket->policy.options.order == TALLY_POOL_ORDER_LIFO
      && bucket->policy.options.streams == 1)
    return own;
  tally_bucket_open_books_locked (bucket);
  return tally_policy_find_next (&bucket->policy);
}

/* pool-own.c */
/* With the lock: a lease of @conn has ended in this thread, it is idle since @now, and the reaper will look before it is
 * so for too long. Has it be the thread's own if the policy allows that. */
void tally_bucket_let_own_locked (TallyBucket *bucket, const TallyInstant *now, TallyConn *conn);

G_END_DECLS

#endif /* TALLY_OWN_PRIVATE_H */

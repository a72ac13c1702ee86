/* Owns which connections are out of the books, and their way out and back in. Part of the policy: no thread, lock,
 * socket or clock; but other threads change a connection's word meanwhile (policy-own-private.h). */
#include "policy-parts-private.h"
#include "policy-quick-private.h"

/* ---- out ---- */

/* Whether @conn, which is idle since @now, may be lent and come back until something changes, without any
 * rule having to say more of it. */
gboolean
tally_policy_may_own (const TallyPolicy *self, const TallyInstant *now, const TallyConn *conn)
{
  const TallyPoolOptions *options = &self->options;

  return self->is_plain && options->order == TALLY_POOL_ORDER_LIFO && options->min_idle == 0
         && options->max_open_total == 0 && conn->is_shared == (options->streams > 1)
         && self->warm == 0
         && (self->idle_limit == G_MAXUINT || self->idle_limit >= self->open_limit)
         && self->waiting == 0 && !self->closed && self->stats.leaks == 0
         && now->boot > self->last_death && self->n_own < TALLY_MAX_OWN;
}

static guint64
take_lease_numbers (TallyPolicy *self)
{
  guint64 first = (self->last_generation | (TALLY_OWN_LEASES - 1)) + 1;

  self->last_generation = first + TALLY_OWN_LEASES - 1;
  return first;
}

/* Lets @conn, which is idle, out to @thread. */
void
tally_policy_let_own (TallyPolicy *self, TallyConn *conn, guint32 thread)
{
  TallyOwn *own = &conn->own;
  TallyPoolCheck check = self->options.check;
  gint64 limit = check == TALLY_POOL_CHECK_AUTO
                     ? MIN (self->options.check_after, self->idle_age_limit)
                     : self->idle_age_limit;

  tally_conn_list_remove (&self->idle, conn);
  self->n_idle--;
  conn->state = TALLY_CONN_OWN;
  tally_conn_list_push (&self->own, conn);
  self->n_own++;
  own->filled = 0;
  __atomic_store_n (&own->thread, thread, __ATOMIC_RELAXED);
  __atomic_store_n (&own->must_look, check == TALLY_POOL_CHECK_ALWAYS, __ATOMIC_RELAXED);
  __atomic_store_n (&own->age_limit, limit, __ATOMIC_RELAXED);
  __atomic_store_n (&own->idle_since, conn->idle_since, __ATOMIC_RELAXED);
  __atomic_store_n (&own->word, tally_own_word (take_lease_numbers (self), TALLY_OWN_LYING),
                    __ATOMIC_RELEASE);
}

/* ---- in ---- */

/* The leases on @own that are over, up to @last, count from now on. */
static void
enter_leases (TallyPolicy *self, const TallyOwn *own, guint64 last)
{
  guint64 first = last - last % TALLY_OWN_LEASES + 1;
  guint count = (guint) (last + 1 - first);

  self->stats.requests += count;
  self->stats.hits += count;
  for (guint64 lease = first; lease <= last; lease++)
    tally_policy_count_hold (self, own->held[lease % TALLY_OWN_LEASES]);
}

static void
enter_idle (TallyPolicy *self, TallyConn *conn)
{
  TallyConn *newer = NULL;

  for (TallyConn *other = self->idle.head; other != NULL && other->idle_since > conn->idle_since;
       other = other->next)
    newer = other;
  conn->state = TALLY_CONN_IDLE;
  tally_conn_list_insert (&self->idle, newer, conn);
  self->n_idle++;
}

/* Its thread has lent itself @conn; of a lease that has just begun no more may be known. @may_share: others may have a
 * shared one, too, which is neither examined nor given back just now. */
static void
enter_lease (TallyPolicy *self,
             const TallyInstant *now,
             TallyConn *conn,
             guint64 generation,
             gboolean may_share)
{
  const TallyOwn *own = &conn->own;
  TallyHold *hold = &conn->hold;
  gboolean is_filled = __atomic_load_n (&own->filled, __ATOMIC_ACQUIRE) == generation;

  conn->state = TALLY_CONN_BUSY;
  conn->streams = 1;
  self->n_busy++;
  self->stats.requests++;
  self->stats.hits++;
  self->stats.leases++;
  hold->generation = generation;
  hold->label = is_filled ? own->label : NULL;
  hold->since = is_filled ? own->since : now->mono;
  hold->thread = own->thread;
  hold->leak_warned = FALSE;
  if (may_share)
    tally_policy_update_available (self, conn);
  else
    tally_policy_set_checking (self, conn, conn->is_shared);
}

/* What @word says of @conn, whose word is 0 from now on. */
static void
enter_as (TallyPolicy *self, const TallyInstant *now, TallyConn *conn, guint64 word)
{
  TallyOwnPhase phase = tally_own_get_phase (word);
  guint64 generation = word >> TALLY_OWN_PHASE_BITS;

  tally_conn_list_remove (&self->own, conn);
  self->n_own--;
  conn->idle_since = __atomic_load_n (&conn->own.idle_since, __ATOMIC_RELAXED);
  enter_leases (self, &conn->own, phase == TALLY_OWN_LYING ? generation : generation - 1);
  if (phase == TALLY_OWN_LYING)
    enter_idle (self, conn);
  else
    enter_lease (self, now, conn, generation, phase == TALLY_OWN_SHARED);
  if (phase == TALLY_OWN_RETURNING) /* it is no longer its borrower's, which may not end it twice */
    conn->hold.generation = ++self->last_generation;
}

/* Enters @conn if it is out of the books. */
void
tally_policy_enter (TallyPolicy *self, const TallyInstant *now, TallyConn *conn)
{
  if (conn->state == TALLY_CONN_OWN)
    enter_as (self, now, conn, __atomic_exchange_n (&conn->own.word, 0, __ATOMIC_ACQ_REL));
}

void
tally_policy_enter_all (TallyPolicy *self, const TallyInstant *now)
{
  while (self->own.head != NULL)
    tally_policy_enter (self, now, self->own.head);
}

/* The lease of @hold was entered while its thread gave it back, which goes on in the books now: it is lease
 * @generation again. */
void
tally_policy_end_return (TallyHold *hold, guint64 generation)
{
  hold->generation = generation;
}

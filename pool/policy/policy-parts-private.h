/* What the files of the policy share, and its owner does not need. */
#ifndef TALLY_POLICY_PARTS_PRIVATE_H
#define TALLY_POLICY_PARTS_PRIVATE_H

#include "histogram-internal.h"
#include "policy-internal.h"

G_BEGIN_DECLS

/* The queue: policy-queue.c */
void tally_policy_enqueue (TallyPolicy *self, TallyWaiter *waiter);
void tally_policy_dequeue (TallyPolicy *self, TallyWaiter *waiter);
void tally_policy_wake (TallyPolicy *self, TallyWaiter *waiter);
void tally_policy_count_wait (TallyPolicy *self, TallyWaiter *waiter, gint64 until);
void tally_policy_fail (TallyPolicy *self,
                        const TallyInstant *now,
                        TallyWaiter *waiter,
                        TallyRefusal refusal);

/* Connections and leases: policy-conns.c */
void tally_conn_list_insert (TallyConnList *list, TallyConn *newer, TallyConn *conn);
void tally_policy_update_available (TallyPolicy *self, TallyConn *conn);
void tally_policy_set_checking (TallyPolicy *self, TallyConn *conn, gboolean checking);
TallyHold *tally_policy_lend (TallyPolicy *self,
                              const TallyInstant *now,
                              TallyConn *conn,
                              const gchar *label,
                              guint32 thread,
                              gboolean reused);
void tally_policy_claim (TallyPolicy *self,
                         const TallyInstant *now,
                         TallyConn *conn,
                         TallyWaiter *waiter);
void tally_policy_drop_hold (TallyPolicy *self, TallyConn *conn, TallyHold *hold);
TallyConn *tally_policy_take_idle (TallyPolicy *self, const TallyInstant *now);
gboolean tally_policy_is_fresh_for (const TallyConn *conn, const TallyWaiter *waiter);
TallyConn *tally_policy_take_fresh (TallyPolicy *self, const TallyWaiter *waiter);
void tally_policy_take_out (TallyPolicy *self, TallyConn *conn);
TallyConn *
tally_policy_start_dial (TallyPolicy *self, const TallyInstant *now, TallyDialPurpose purpose);
void tally_policy_disown_dial (TallyPolicy *self, TallyConn *conn);
void tally_policy_end_dial (TallyPolicy *self, TallyConn *conn);
void tally_policy_free_place (TallyPolicy *self, TallyConn *conn);

/* What waiters may hope for: policy-promise.c */
gboolean tally_policy_would_dial (TallyPolicy *self, const TallyInstant *now);
gboolean tally_policy_may_dial (TallyPolicy *self, const TallyInstant *now);
gboolean tally_policy_waits_for_ready (const TallyPolicy *self, const TallyWaiter *waiter);
gboolean
tally_policy_is_hopeless (TallyPolicy *self, const TallyInstant *now, const TallyWaiter *waiter);
guint tally_policy_promised (const TallyPolicy *self, const TallyWaiter *newcomer);
guint tally_policy_promised_fresh (const TallyPolicy *self);
gint64 tally_policy_find_dials (const TallyPolicy *self, const TallyWaiter *waiter, guint *leases);
gboolean tally_policy_would_give_up (const TallyPolicy *self, const TallyInstant *now);

/* Why a connection must close: policy-limits.c */
gboolean tally_policy_outlived (TallyPolicy *self, const TallyInstant *now, const TallyConn *conn);
gboolean tally_policy_keep_until_replaced (TallyPolicy *self, const TallyConn *conn, guint n_idle);
gboolean tally_policy_must_make_room (TallyPolicy *self, const TallyInstant *now);
TallyCloseReason
tally_policy_must_close (TallyPolicy *self, const TallyInstant *now, TallyConn *conn);

/* When to dial: policy-dial.c */
void tally_policy_hand_to_thread (TallyPolicy *self, TallyConn *conn);
void tally_policy_dial_for_waiters (TallyPolicy *self, const TallyInstant *now);
void tally_policy_dial_in_background (TallyPolicy *self, const TallyInstant *now);

/* What has become possible: policy-pump.c */
void tally_policy_shed (TallyPolicy *self, const TallyInstant *now);
void tally_policy_offer (TallyPolicy *self, const TallyInstant *now, TallyConn *conn);
void
tally_policy_enqueue_and_pump (TallyPolicy *self, const TallyInstant *now, TallyWaiter *waiter);

/* Other pieces: policy-examine.c, policy-estimate.c, policy.c */
void tally_policy_look_at_idle (TallyPolicy *self, const TallyInstant *now);
gboolean tally_policy_is_wait_too_long (const TallyPolicy *self,
                                        const TallyInstant *now,
                                        guint ahead,
                                        gint64 deadline,
                                        gint64 *estimate);
gdouble tally_policy_random (TallyPolicy *self);

static inline gboolean
tally_policy_knows_longest (const TallyPolicy *self)
{
  return self->longest != NULL && self->longest->generation == self->longest_generation;
}

/* Whether the connection that is idle for longest has been so for too long, and is not one of those that
 * `min-idle` keeps ready (rules 16, 17). */
static inline gboolean
tally_policy_is_unused (const TallyPolicy *self, const TallyInstant *now)
{
  return self->n_idle > tally_policy_kept_ready (self) && self->idle.tail != NULL
         && now->boot - self->idle.tail->idle_since >= self->idle_age_limit;
}

G_END_DECLS

#endif /* TALLY_POLICY_PARTS_PRIVATE_H */

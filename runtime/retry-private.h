/* Attempts of a call beyond the first: the policy's fields, what a channel keeps for all of its calls, and what one call
 * keeps of its attempts. The attempts are made by retry-call.c, for a thread that waits, and by retry-async.c. */
#ifndef TALLY_RETRY_PRIVATE_H
#define TALLY_RETRY_PRIVATE_H

#include "call-private.h"
#include "tally-retry-policy.h"

G_BEGIN_DECLS

#define TALLY_RETRY_MAX_FLOOR 100000

typedef struct
{
  GQuark domain;
  gint code; /* negative: any */
} TallyNamedError;

/* Constant once it is used. */
struct _TallyRetryPolicy
{
  gatomicrefcount ref_count;
  gint is_used; /* atomic; a boolean */
  guint attempts;
  guint first_pause_ms;
  guint longest_pause_ms;
  TallyRetryErrors errors;
  TallyNamedError *named;
  guint n_named;
  guint budget_percent;
  guint budget_floor;
  guint hedge_percent; /* 0: not hedged */
  guint hedge_least_ms;
};

/* (transfer full): @self, which is constant from now on. */
TallyRetryPolicy *tally_retry_policy_use (TallyRetryPolicy *self);
/* Microseconds to wait after so many failed attempts; @random: any number, evenly distributed. */
gint64 tally_retry_policy_get_pause (const TallyRetryPolicy *self, guint n_failed, guint32 random);

/* ---- what a channel keeps: retry-channel.c ---- */

/* Whether a call may have a policy. */
static inline gboolean
tally_retry_may_be_wanted (const TallyChannel *channel, const TallyCallOptions *options)
{
  return G_UNLIKELY (__atomic_load_n (&channel->is_special, __ATOMIC_RELAXED))
         || G_UNLIKELY (options != NULL && options->retry_policy != NULL);
}

/* (transfer full) (nullable): the policy of a call with @options (nullable). */
TallyRetryPolicy *tally_retry_find_policy (TallyChannel *channel, const TallyCallOptions *options);
/* Each call with a policy pays in once. */
void tally_retry_pay_in (TallyChannel *channel, const TallyRetryPolicy *policy);
/* For one attempt; FALSE when there is not enough. */
gboolean tally_retry_take_out (TallyChannel *channel, const TallyRetryPolicy *policy);
void tally_retry_clear_channel (TallyChannel *channel);
/* An attempt that may be hedged was answered after so long: hedge.c. */
void tally_retry_note_time (TallyChannel *channel, gint64 microseconds);
/* Microseconds after which a second attempt begins; -1: not enough is known. */
gint64 tally_retry_get_hedge_delay (TallyChannel *channel, const TallyRetryPolicy *policy);

/* ---- what a call keeps: retry.c ---- */

typedef struct
{
  TallyRetryPolicy *policy; /* owned */
  TallyChannel *channel;
  gint64 began; /* monotonic, as all times here */
  guint n_attempts;
  guint n_failed;
  gboolean was_too_much; /* of the last one: the server has too much to do */
  const gchar
      *stopped_by; /* nullable: why there was no further attempt, where there might have been */
  GString *story;  /* what became of each attempt that failed */
  TallySent sent;  /* the most of all that were not answered */
  guint32 sent_bytes;
  guint32 request_bytes;
  GError *worst; /* nullable: why the first of those failed that may have been executed */
} TallyRetry;

/* @policy: (transfer full). */
void tally_retry_begin (TallyRetry *self, TallyChannel *channel, TallyRetryPolicy *policy);
void tally_retry_clear (TallyRetry *self);
/* Keeps what became of an attempt that began at @began and failed with @error. */
void tally_retry_note (TallyRetry *self, const TallyCall *call, const GError *error, gint64 began);
/* Whether the policy lets a call be made again that failed so, and that is safe. */
gboolean
tally_retry_is_allowed (const TallyRetry *self, const TallyCall *call, const GError *error);
/* Takes one more attempt, which begins at *@until; FALSE, and why in `stopped_by`, when attempts or budget are used up or
 * @deadline would pass before. */
gboolean tally_retry_take_later (TallyRetry *self, gint64 deadline, gint64 *until);
/* tally_retry_take_later () for one that begins now. */
gboolean tally_retry_take_now (TallyRetry *self);
/* (transfer full): the error of a call that was cancelled in the pause before that. */
GError *tally_retry_cancel (TallyRetry *self);
/* What the caller is told of the last @error (transfer full), which @call ended with. */
GError *tally_retry_explain (TallyRetry *self, TallyCall *call, GError *error);

/* ---- the attempts ---- */

/* tally_channel_make_call () for calls and channels that are not plain: retry-call.c. */
gboolean tally_retry_make_call (TallyChannel *channel,
                                const TallyMethod *method,
                                gconstpointer args,
                                gpointer const *results,
                                const TallyCallOptions *options,
                                GError **error);

G_END_DECLS

#endif /* TALLY_RETRY_PRIVATE_H */

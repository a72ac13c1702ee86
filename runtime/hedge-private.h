/* Hedging: a second attempt of an idempotent call while the first is still under way. */
#ifndef TALLY_HEDGE_PRIVATE_H
#define TALLY_HEDGE_PRIVATE_H

#include "async-private.h"
#include "retry-private.h"

G_BEGIN_DECLS

/* What the channel's recent calls took; how many of them are looked at. */
#define TALLY_RECENT_TIMES 64

struct _TallyRecentTimes
{
  guint32 times[TALLY_RECENT_TIMES]; /* microseconds */
  guint n_times;                     /* ever */
};

/* Whether a call with @policy (nullable) is hedged. */
gboolean tally_hedge_is_wanted (const TallyRetryPolicy *policy, const TallyCall *call);
/* Makes one attempt of @call, in its main context, or two of which the second begins later; ends in
 * tally_async_call_attempted (). */
void tally_hedge_begin (TallyAsyncCall *call);
/* tally_channel_make_call () for a call that is hedged: in a main context of its own. */
gboolean tally_hedge_make_call (TallyChannel *channel,
                                const TallyMethod *method,
                                gconstpointer args,
                                gpointer const *results,
                                const TallyCallOptions *options,
                                GError **error);

G_END_DECLS

#endif /* TALLY_HEDGE_PRIVATE_H */

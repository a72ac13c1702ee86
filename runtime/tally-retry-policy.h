/* Whether, when and how often a call that failed is made again. */
#ifndef TALLY_RETRY_POLICY_H
#define TALLY_RETRY_POLICY_H

#include <glib-object.h>

#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TallyRetryErrors:
 * @TALLY_RETRY_NOT_SENT: no byte of the request was sent: the dial failed or is backed off, the pool had no
 *   connection to lend, or the connection was dead.
 * @TALLY_RETRY_NOT_EXECUTED: the server says that it did not execute the request: it is busy, full or stopping.
 * @TALLY_RETRY_LOST: the connection died after some or all of the request was sent. Idempotent calls only.
 *
 * The kinds of failure after which a call may be made again.
 *
 * Since: 0.2
 */
typedef enum /*< flags >*/
{
  TALLY_RETRY_NOT_SENT = 1 << 0,
  TALLY_RETRY_NOT_EXECUTED = 1 << 1,
  TALLY_RETRY_LOST = 1 << 2
} TallyRetryErrors;

#define TALLY_TYPE_RETRY_ERRORS (tally_retry_errors_get_type ())
TALLY_API GType tally_retry_errors_get_type (void);

/**
 * TallyRetryPolicy:
 *
 * Whether, when and how often a call that failed is made again. It is set up by the thread that made it, and is
 * constant from its first use on: by a channel or by a call. Many channels and calls may then share it.
 *
 * Since: 0.2
 */
typedef struct _TallyRetryPolicy TallyRetryPolicy;

#define TALLY_TYPE_RETRY_POLICY (tally_retry_policy_get_type ())
TALLY_API GType tally_retry_policy_get_type (void);

TALLY_API TallyRetryPolicy *tally_retry_policy_new (guint attempts);
TALLY_API TallyRetryPolicy *tally_retry_policy_ref (TallyRetryPolicy *policy);
TALLY_API void tally_retry_policy_unref (TallyRetryPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyRetryPolicy, tally_retry_policy_unref)

TALLY_API guint tally_retry_policy_get_attempts (const TallyRetryPolicy *policy);
TALLY_API void
tally_retry_policy_set_backoff (TallyRetryPolicy *policy, guint first_ms, guint longest_ms);
TALLY_API void tally_retry_policy_set_errors (TallyRetryPolicy *policy, TallyRetryErrors errors);
TALLY_API void tally_retry_policy_add_error (TallyRetryPolicy *policy, GQuark domain, gint code);
TALLY_API void tally_retry_policy_set_budget (TallyRetryPolicy *policy, guint percent, guint floor);
TALLY_API void
tally_retry_policy_set_hedging (TallyRetryPolicy *policy, guint percent, guint least_ms);

G_END_DECLS

#endif /* TALLY_RETRY_POLICY_H */

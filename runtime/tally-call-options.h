/* What a caller may say about one call. */
#ifndef TALLY_CALL_OPTIONS_H
#define TALLY_CALL_OPTIONS_H

#include <gio/gio.h>

#include "tally-headers.h"
#include "tally-macros.h"
#include "tally-retry-policy.h"

G_BEGIN_DECLS

/**
 * TallyIdempotence:
 * @TALLY_IDEMPOTENCE_OF_METHOD: what the IDL says of the method, by its annotation `(idempotent)`.
 * @TALLY_IDEMPOTENCE_YES: to execute this call twice does no harm.
 * @TALLY_IDEMPOTENCE_NO: this call must not be executed twice.
 *
 * Whether a call may be made again of which the server may have executed the first attempt.
 */
typedef enum
{
  TALLY_IDEMPOTENCE_OF_METHOD,
  TALLY_IDEMPOTENCE_YES,
  TALLY_IDEMPOTENCE_NO
} TallyIdempotence;

#define TALLY_TYPE_IDEMPOTENCE (tally_idempotence_get_type ())
TALLY_API GType tally_idempotence_get_type (void);

/**
 * TallyCallOptions:
 * @timeout: milliseconds that the call may take in all its steps; 0 = the channel's `timeout`, or no other
 *   than @deadline where that is set; negative = no limit.
 * @deadline: g_get_monotonic_time() by which it must be over; 0 = none. Of @timeout and @deadline the
 *   earlier counts. A call whose deadline has passed sends nothing.
 * @cancellable: (nullable): ends it early, in any of its steps.
 * @label: (nullable): what the pool calls the lease in its events, dumps and warnings; %NULL = the method's
 *   name. Must stay valid as long as these are looked at: a literal, mostly.
 * @idempotence: whether a second attempt may follow a first that may have been executed (pool rule 13).
 * @retry_policy: (nullable): what follows a failure; %NULL = what the channel's `retry-policy` says.
 * @headers: (nullable): what goes with the request, where the channel's URI says `transport=header`; elsewhere
 *   it is passed over. An asynchronous call takes a copy when it starts.
 * @reply_headers: (nullable): is given the headers of the reply, an exception too; it is emptied first, and stays
 *   empty where none came. It is written until the call is over, by the thread that blocks or iterates the main context.
 *
 * What a caller says about one call, `{ .timeout = 200 }`. What is left out, and all of it where no
 * options are given, is 0: the default. Read while the call runs; the caller keeps it. Its size does not
 * change in later versions: what is added takes the place of @reserved. A copy of it owns nothing, as itself.
 */
typedef struct
{
  gint timeout;
  TallyIdempotence idempotence;
  gint64 deadline;
  GCancellable *cancellable;
  const gchar *label;
  TallyRetryPolicy *retry_policy;
  TallyHeaders *headers;
  TallyHeaders *reply_headers;
  /*< private >*/
  gpointer reserved[5];
} TallyCallOptions;

#define TALLY_TYPE_CALL_OPTIONS (tally_call_options_get_type ())
TALLY_API GType tally_call_options_get_type (void);

G_END_DECLS

#endif /* TALLY_CALL_OPTIONS_H */

/* What calls came to, counted for each method. */
#ifndef TALLY_CALL_STATISTICS_H
#define TALLY_CALL_STATISTICS_H

#include "tally-interceptor.h"
#include "tally-pool-types.h"

G_BEGIN_DECLS

/**
 * TallyErrorCount:
 * @domain: of the error; 0 for all kinds that have no entry of their own.
 * @code: of the error.
 * @count: how many calls ended with such an error.
 *
 * How often one kind of error was what a caller, or a server's client, was told.
 *
 * Since: 0.2
 */
typedef struct
{
  GQuark domain;
  gint code;
  guint64 count;
} TallyErrorCount;

#define TALLY_TYPE_ERROR_COUNT (tally_error_count_get_type ())
TALLY_API GType tally_error_count_get_type (void);

/**
 * TallyMethodStatistics:
 * @is_server: whether these are requests of a server; else they are a channel's calls.
 * @service: (nullable): the service's name where it is multiplexed.
 * @method: the method's name; "(others)" for all that have no entry of their own.
 * @calls: how many there were, which is the sum of @outcomes.
 * @outcomes: how many came to each #TallyCallOutcome, which is the index; none to %TALLY_CALL_UNDER_WAY. There is room
 *   for later ones.
 * @attempts: how often they were tried.
 * @request_bytes: of all requests.
 * @reply_bytes: of all replies.
 * @time: how long each took, from its start to its end.
 * @n_errors: length of @errors.
 * @errors: (array length=n_errors) (nullable): the kinds of error that there were, in the order in which they first came.
 *
 * What the calls of one method came to.
 *
 * Since: 0.2
 */
typedef struct
{
  gboolean is_server;
  gchar *service;
  gchar *method;
  guint64 calls;
  guint64 outcomes[16];
  guint64 attempts;
  guint64 request_bytes;
  guint64 reply_bytes;
  TallyHistogram time;
  guint n_errors;
  TallyErrorCount *errors;
} TallyMethodStatistics;

#define TALLY_TYPE_METHOD_STATISTICS (tally_method_statistics_get_type ())
TALLY_API GType tally_method_statistics_get_type (void);
TALLY_API TallyMethodStatistics *
tally_method_statistics_copy (const TallyMethodStatistics *statistics);
TALLY_API void tally_method_statistics_free (TallyMethodStatistics *statistics);

#define TALLY_TYPE_CALL_STATISTICS (tally_call_statistics_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyCallStatistics, tally_call_statistics, TALLY, CALL_STATISTICS, GObject)

TALLY_API TallyCallStatistics *tally_call_statistics_new (void);
TALLY_API GPtrArray *tally_call_statistics_dup_snapshot (TallyCallStatistics *self);

G_END_DECLS

#endif /* TALLY_CALL_STATISTICS_H */

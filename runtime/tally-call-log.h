/* A message in the log for each call. */
#ifndef TALLY_CALL_LOG_H
#define TALLY_CALL_LOG_H

#include "tally-interceptor.h"

G_BEGIN_DECLS

#define TALLY_TYPE_CALL_LOG (tally_call_log_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyCallLog, tally_call_log, TALLY, CALL_LOG, GObject)

TALLY_API TallyCallLog *tally_call_log_new (GLogLevelFlags level, GLogLevelFlags failure_level);

G_END_DECLS

#endif /* TALLY_CALL_LOG_H */

/* What is known of one call: for interceptors. */
#ifndef TALLY_CALL_INFO_H
#define TALLY_CALL_INFO_H

#include <gio/gio.h>

#include "tally-headers.h"
#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TallyCallOutcome:
 * @TALLY_CALL_UNDER_WAY: it is not over.
 * @TALLY_CALL_ANSWERED: there is a result; a oneway call was sent, or executed.
 * @TALLY_CALL_DECLARED: one of the method's exceptions.
 * @TALLY_CALL_EXCEPTION: a TApplicationException; its type is the error's code.
 * @TALLY_CALL_FAILED: anything else that the error says.
 * @TALLY_CALL_CANCELLED: it was cancelled; at a server its connection ended before a worker came to it.
 * @TALLY_CALL_TIMED_OUT: its time was over.
 * @TALLY_CALL_REFUSED: an interceptor refused it, so nothing was sent, or executed.
 *
 * What a call came to.
 *
 * Since: 0.2
 */
typedef enum
{
  TALLY_CALL_UNDER_WAY,
  TALLY_CALL_ANSWERED,
  TALLY_CALL_DECLARED,
  TALLY_CALL_EXCEPTION,
  TALLY_CALL_FAILED,
  TALLY_CALL_CANCELLED,
  TALLY_CALL_TIMED_OUT,
  TALLY_CALL_REFUSED
} TallyCallOutcome;

#define TALLY_N_CALL_OUTCOMES (TALLY_CALL_REFUSED + 1)

#define TALLY_TYPE_CALL_OUTCOME (tally_call_outcome_get_type ())
TALLY_API GType tally_call_outcome_get_type (void);

TALLY_API const gchar *tally_call_outcome_to_string (TallyCallOutcome outcome);

#define TALLY_TYPE_CALL_INFO (tally_call_info_get_type ())
TALLY_API
G_DECLARE_FINAL_TYPE (TallyCallInfo, tally_call_info, TALLY, CALL_INFO, GObject)

TALLY_API gboolean tally_call_info_is_server (TallyCallInfo *self);
TALLY_API gboolean tally_call_info_is_oneway (TallyCallInfo *self);
TALLY_API const gchar *tally_call_info_get_method (TallyCallInfo *self);
TALLY_API const gchar *tally_call_info_get_service (TallyCallInfo *self);
TALLY_API const gchar *tally_call_info_get_peer (TallyCallInfo *self);
TALLY_API gint32 tally_call_info_get_seqid (TallyCallInfo *self);
TALLY_API guint tally_call_info_get_attempts (TallyCallInfo *self);
TALLY_API gsize tally_call_info_get_request_bytes (TallyCallInfo *self);
TALLY_API gsize tally_call_info_get_reply_bytes (TallyCallInfo *self);
TALLY_API void tally_call_info_keep_messages (TallyCallInfo *self);
TALLY_API GBytes *tally_call_info_get_request (TallyCallInfo *self);
TALLY_API GBytes *tally_call_info_get_reply (TallyCallInfo *self);
TALLY_API TallyHeaders *tally_call_info_get_request_headers (TallyCallInfo *self);
TALLY_API TallyHeaders *tally_call_info_get_reply_headers (TallyCallInfo *self);
TALLY_API gint64 tally_call_info_get_start_time (TallyCallInfo *self);
TALLY_API gint64 tally_call_info_get_sent_time (TallyCallInfo *self);
TALLY_API gint64 tally_call_info_get_end_time (TallyCallInfo *self);
TALLY_API TallyCallOutcome tally_call_info_get_outcome (TallyCallInfo *self);
TALLY_API const GError *tally_call_info_get_error (TallyCallInfo *self);

G_END_DECLS

#endif /* TALLY_CALL_INFO_H */

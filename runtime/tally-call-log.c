/* Owns an interceptor that logs each call that is over, with fields. */
#include "tally-call-log.h"

#include <string.h>

#include "peer-text.h"

/* One field's text is a number. */
#define NUMBER_MAX 24

/**
 * TallyCallLog:
 *
 * An interceptor that writes a message by g_log_structured_array() in the domain "tally" for each call that is over, with what is
 * known of it in fields of its own: `TALLY_SIDE` ("client" or "server"), `TALLY_METHOD`, `TALLY_SERVICE`, `TALLY_PEER`, `TALLY_SEQID`,
 * `TALLY_ATTEMPTS`, `TALLY_REQUEST_BYTES`, `TALLY_REPLY_BYTES`, `TALLY_DURATION_USEC`, `TALLY_OUTCOME`, `TALLY_ERROR`. A field
 * of which nothing is known is left out. The log's writer runs on the call's thread.
 *
 * Since: 0.2
 */
struct _TallyCallLog
{
  GObject parent_instance;

  GLogLevelFlags level;
  GLogLevelFlags failure_level;
};

/* ---- fields ---- */

#define MAX_FIELDS 14

typedef struct
{
  GLogField fields[MAX_FIELDS];
  gchar numbers[MAX_FIELDS][NUMBER_MAX];
  guint length;
} Fields;

static void
add_text (Fields *self, const gchar *key, const gchar *text)
{
  if (text != NULL)
    self->fields[self->length++] = (GLogField){ key, text, -1 };
}

static void
add_number (Fields *self, const gchar *key, gint64 number)
{
  gchar *text = self->numbers[self->length];

  g_snprintf (text, NUMBER_MAX, "%" G_GINT64_FORMAT, number);
  add_text (self, key, text);
}

/* The PRIORITY of syslog, as GLib's own messages have it. */
static const gchar *
get_priority (GLogLevelFlags level)
{
  if ((level & G_LOG_LEVEL_CRITICAL) != 0 || (level & G_LOG_LEVEL_WARNING) != 0)
    return "4";
  if ((level & G_LOG_LEVEL_MESSAGE) != 0)
    return "5";
  return (level & G_LOG_LEVEL_INFO) != 0 ? "6" : "7";
}

static gchar *
describe (TallyCallInfo *info, gint64 took, const gchar *error)
{
  const gchar *service = tally_call_info_get_service (info);
  const gchar *peer = tally_call_info_get_peer (info);

  return g_strdup_printf ("%s%s%s %s %s: %s after %" G_GINT64_FORMAT " us%s%s",
                          service != NULL ? service : "", service != NULL ? ":" : "",
                          tally_call_info_get_method (info),
                          tally_call_info_is_server (info) ? "from" : "at",
                          peer != NULL ? peer : "nowhere",
                          tally_call_outcome_to_string (tally_call_info_get_outcome (info)), took,
                          error != NULL ? ": " : "", error != NULL ? error : "");
}

/* ---- the interceptor ---- */

static void
call_log_after (TallyInterceptor *interceptor, TallyCallInfo *info)
{
  const TallyCallLog *self = TALLY_CALL_LOG (interceptor);
  TallyCallOutcome outcome = tally_call_info_get_outcome (info);
  gboolean is_well = outcome == TALLY_CALL_ANSWERED || outcome == TALLY_CALL_DECLARED;
  GLogLevelFlags level = is_well ? self->level : self->failure_level;
  gint64 took = tally_call_info_get_end_time (info) - tally_call_info_get_start_time (info);
  const GError *error = tally_call_info_get_error (info);
  g_autofree gchar *text = NULL;
  g_autofree gchar *message = NULL;
  Fields fields = { .length = 0 };

  if (level == 0)
    return;
  if (error != NULL)
    text = tally_peer_text (error->message, strlen (error->message), TALLY_PEER_TEXT_MAX);
  message = describe (info, took, text);
  add_text (&fields, "MESSAGE", message);
  add_text (&fields, "PRIORITY", get_priority (level));
  add_text (&fields, "GLIB_DOMAIN", G_LOG_DOMAIN);
  add_text (&fields, "TALLY_SIDE", tally_call_info_is_server (info) ? "server" : "client");
  add_text (&fields, "TALLY_METHOD", tally_call_info_get_method (info));
  add_text (&fields, "TALLY_SERVICE", tally_call_info_get_service (info));
  add_text (&fields, "TALLY_PEER", tally_call_info_get_peer (info));
  add_number (&fields, "TALLY_SEQID", tally_call_info_get_seqid (info));
  add_number (&fields, "TALLY_ATTEMPTS", tally_call_info_get_attempts (info));
  add_number (&fields, "TALLY_REQUEST_BYTES", (gint64) tally_call_info_get_request_bytes (info));
  add_number (&fields, "TALLY_REPLY_BYTES", (gint64) tally_call_info_get_reply_bytes (info));
  add_number (&fields, "TALLY_DURATION_USEC", took);
  add_text (&fields, "TALLY_OUTCOME", tally_call_outcome_to_string (outcome));
  add_text (&fields, "TALLY_ERROR", text);
  g_log_structured_array (level, fields.fields, fields.length);
}

static void
call_log_interceptor_init (TallyInterceptorInterface *interface)
{
  interface->after = call_log_after;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TallyCallLog,
                               tally_call_log,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TALLY_TYPE_INTERCEPTOR,
                                                      call_log_interceptor_init))

static void
tally_call_log_class_init (TallyCallLogClass *class)
{
}

static void
tally_call_log_init (TallyCallLog *self)
{
  self->level = G_LOG_LEVEL_DEBUG;
  self->failure_level = G_LOG_LEVEL_MESSAGE;
}

/**
 * tally_call_log_new:
 * @level: at which calls are logged that came to a result or to one of the method's exceptions, such as
 *   %G_LOG_LEVEL_DEBUG; 0: they are not
 * @failure_level: at which all others are, such as %G_LOG_LEVEL_MESSAGE; 0: they are not
 *
 * Returns: (transfer full): an interceptor that logs
 *
 * Since: 0.2
 */
TallyCallLog *
tally_call_log_new (GLogLevelFlags level, GLogLevelFlags failure_level)
{
  TallyCallLog *self;

  g_return_val_if_fail (((level | failure_level) & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) == 0,
                        NULL);
  self = g_object_new (TALLY_TYPE_CALL_LOG, NULL);
  self->level = level;
  self->failure_level = failure_level;
  return self;
}

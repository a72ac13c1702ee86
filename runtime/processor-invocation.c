/* One call of a handler: its arguments and result in memory, and what the call came to. It knows
 * neither how they were read nor how they will be written. */
#include "invocation-private.h"

#include <string.h>

#include "peer-text.h"

/* ---- results ---- */

void
tally_result_clear_field (gpointer instance, const TallyField *field)
{
  tally_value_clear (field->type, (guint8 *) instance + field->offset);
  if (field->isset_offset != TALLY_NO_ISSET)
    *(gboolean *) ((guint8 *) instance + field->isset_offset) = FALSE;
}

/* The handler returned FALSE: the first exception that is set is the result. %FALSE without one. */
static gboolean
settle_exception (const TallyStructInfo *info, gpointer result)
{
  gboolean found = FALSE;

  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (!tally_field_is_success (field) && !found && *tally_result_slot (result, field) != NULL)
        found = TRUE;
      else
        tally_result_clear_field (result, field);
    }
  return found;
}

static void
fail_from_handler (TallyApplicationException *failure,
                   const TallyMethod *method,
                   const GError *error)
{
  ThriftApplicationExceptionError type = THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR;

  if (error == NULL)
    {
      tally_failure_init (failure, type,
                          g_strdup_printf ("%s failed without saying why", method->name));
      return;
    }
  /* A handler that chose Thrift's own domain chose the code too. */
  if (error->domain == THRIFT_APPLICATION_EXCEPTION_ERROR)
    type = error->code;
  tally_failure_init (failure, type, g_strdup (error->message));
}

/* A handler's message may repeat what the peer sent. */
static void
log_oneway (const TallyMethod *method, const GError *error)
{
  const gchar *message = error != NULL ? error->message : "it does not say why";
  g_autofree gchar *text = tally_peer_text (message, strlen (message), TALLY_PEER_TEXT_MAX);

  g_debug ("oneway %s failed: %s", method->name, text);
}

gboolean
tally_invocation_end (const TallyInvocation *self,
                      gboolean returned,
                      GError *error,
                      TallyApplicationException *failure)
{
  const TallyMethod *method = self->method;
  g_autoptr (GError) owned = error;

  if (self->result == NULL)
    {
      if (returned)
        return TRUE;
      log_oneway (method, error);
      fail_from_handler (failure, method, error);
      return FALSE;
    }

  if (returned && tally_result_settle (method->result, self->result))
    return TRUE;
  if (returned)
    {
      tally_failure_init (failure, THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT,
                          g_strdup_printf ("%s returned no result", method->name));
      return FALSE;
    }
  if (settle_exception (method->result, self->result))
    return TRUE;
  fail_from_handler (failure, method, error);
  return FALSE;
}

/* ---- what interceptors are told ---- */

void
tally_call_info_note_result (TallyCallInfo *info, const TallyMethod *method, gconstpointer result)
{
  for (guint i = 0; result != NULL && i < method->result->n_fields; i++)
    {
      const TallyField *field = &method->result->fields[i];

      if (!tally_field_is_success (field) && *tally_result_slot ((gpointer) result, field) != NULL)
        info->noted = TALLY_CALL_DECLARED;
    }
}

void
tally_call_info_note_failure (TallyCallInfo *info, const TallyApplicationException *failure)
{
  info->noted = TALLY_CALL_EXCEPTION;
  g_clear_error (&info->error);
  g_set_error_literal (&info->error, THRIFT_APPLICATION_EXCEPTION_ERROR, failure->type,
                       failure->message != NULL ? failure->message : "");
}

/* ---- the exceptions that a processor answers ---- */

void
tally_failure_init (TallyApplicationException *failure,
                    ThriftApplicationExceptionError type,
                    gchar *message)
{
  failure->type = type;
  failure->message = message;
}

void
tally_failure_init_unknown_method (TallyApplicationException *failure,
                                   const gchar *name,
                                   gsize name_length)
{
  g_autofree gchar *shown = tally_peer_text (name, name_length, TALLY_PEER_NAME_MAX);

  tally_failure_init (failure, THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD,
                      g_strdup_printf ("Invalid method name: '%s'", shown));
}

void
tally_failure_init_message_type (TallyApplicationException *failure, gint32 type)
{
  tally_failure_init (failure, THRIFT_APPLICATION_EXCEPTION_ERROR_INVALID_MESSAGE_TYPE,
                      g_strdup_printf ("a server takes calls, not a message of type %d", type));
}

void
tally_failure_init_unreadable (TallyApplicationException *failure,
                               const TallyMethod *method,
                               const GError *error)
{
  tally_failure_init (failure, THRIFT_APPLICATION_EXCEPTION_ERROR_PROTOCOL_ERROR,
                      g_strdup_printf ("%s: arguments: %s",
                                       method != NULL ? method->name : "unknown method",
                                       error->message));
}

void
tally_failure_init_unwritable (TallyApplicationException *failure,
                               const TallyMethod *method,
                               const GError *error)
{
  tally_failure_init (failure, THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR,
                      g_strdup_printf ("%s: result: %s", method->name, error->message));
}

void
tally_failure_clear (TallyApplicationException *failure)
{
  g_clear_pointer (&failure->message, g_free);
}

/* One call of a handler: its arguments and result in memory, and what the call came to. It knows
 * neither how they were read nor how they will be written. */
#include "processor-private.h"

#include <string.h>

#include "peer-text.h"

static gsize
align (gsize size)
{
  return (size + G_MEM_ALIGN - 1) & ~((gsize) G_MEM_ALIGN - 1);
}

void
tally_invocation_init (TallyInvocation *self, const TallyMethod *method)
{
  gsize args_size = align (method->args->instance_size);
  gsize size = args_size + (method->result != NULL ? method->result->instance_size : 0);
  guint8 *memory;

  self->method = method;
  self->heap = size > sizeof self->stack ? g_malloc (size) : NULL;
  memory = self->heap != NULL ? self->heap : self->stack.bytes;
  memset (memory, 0, size);

  self->args = memory;
  tally_struct_init_instance (method->args, self->args);
  self->result = NULL;
  if (method->result != NULL)
    {
      self->result = memory + args_size;
      tally_struct_init_instance (method->result, self->result);
    }
}

void
tally_invocation_clear (TallyInvocation *self)
{
  tally_struct_dispose_instance (self->method->args, self->args);
  if (self->result != NULL)
    tally_struct_dispose_instance (self->method->result, self->result);
  g_free (self->heap);
}

/* ---- results ---- */

static gboolean
is_pointer (const TallyField *field)
{
  return field->type->storage != TALLY_STORAGE_PLAIN;
}

static gpointer *
pointer_slot (gpointer instance, const TallyField *field)
{
  return (gpointer *) ((guint8 *) instance + field->offset);
}

static void
clear_field (gpointer instance, const TallyField *field)
{
  tally_value_clear (field->type, (guint8 *) instance + field->offset);
  if (field->isset_offset != TALLY_NO_ISSET)
    *(gboolean *) ((guint8 *) instance + field->isset_offset) = FALSE;
}

static gboolean
is_success (const TallyField *field)
{
  return field->id == 0;
}

/* The handler returned TRUE: `success` counts, exceptions do not. %FALSE when there is no value. */
static gboolean
settle_success (const TallyStructInfo *info, gpointer result)
{
  gboolean complete = TRUE;

  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (!is_success (field))
        clear_field (result, field);
      else if (is_pointer (field))
        complete = *pointer_slot (result, field) != NULL;
      else if (field->isset_offset != TALLY_NO_ISSET)
        *(gboolean *) ((guint8 *) result + field->isset_offset) = TRUE;
    }
  return complete;
}

/* The handler returned FALSE: the first exception that is set is the result. %FALSE without one. */
static gboolean
settle_exception (const TallyStructInfo *info, gpointer result)
{
  gboolean found = FALSE;

  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (!is_success (field) && !found && *pointer_slot (result, field) != NULL)
        found = TRUE;
      else
        clear_field (result, field);
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
tally_invocation_run (TallyInvocation *self, gpointer handler, TallyApplicationException *failure)
{
  const TallyMethod *method = self->method;
  g_autoptr (GError) error = NULL;
  gboolean returned;

  returned = method->invoke (handler, self->args, self->result, &error);
  if (self->result == NULL)
    {
      if (returned)
        return TRUE;
      log_oneway (method, error);
      fail_from_handler (failure, method, error);
      return FALSE;
    }

  if (returned && settle_success (method->result, self->result))
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

      if (!is_success (field) && *pointer_slot ((gpointer) result, field) != NULL)
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

/* Owns what is said of a call that is over. */
#include "cli-outcome.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "cli-show.h"

void
cli_outcome_init (CliOutcome *self, const CliMethod *method)
{
  const TallyStructInfo *result = method->table->result;
  const guint n_fields = result != NULL ? result->n_fields : 0;

  *self = (CliOutcome){ .method = method };
  self->slots = g_new0 (CliSlot, n_fields + 1);
  self->results = g_new0 (gpointer, n_fields + 1);
  for (guint i = 0; i < n_fields; i++)
    self->results[i] = &self->slots[i];
}

void
cli_outcome_clear (CliOutcome *self)
{
  const TallyStructInfo *result = self->method->table->result;

  for (guint i = 0; result != NULL && i < result->n_fields; i++)
    tally_value_clear (result->fields[i].type, &self->slots[i]);
  g_free (self->slots);
  g_free (self->results);
  g_clear_error (&self->error);
}

/* An error's message says what the server may have seen of the call. */
static gboolean
was_executed_never (const GError *error)
{
  return g_str_has_suffix (error->message, "; nothing was sent")
         || g_str_has_suffix (error->message, "; the request was not executed");
}

void
cli_outcome_judge (CliOutcome *self, TallyCallOutcome known)
{
  if (self->error == NULL)
    self->status = CLI_OK;
  else if (known == TALLY_CALL_DECLARED)
    self->status = CLI_DECLARED;
  else if (known == TALLY_CALL_EXCEPTION)
    self->status = CLI_REFUSED;
  else if (g_error_matches (self->error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE))
    self->status = CLI_MISTAKE;
  else
    self->status = was_executed_never (self->error) ? CLI_UNSENT : CLI_FAILED;
}

/* ---- JSON ---- */

/* The index of the exception that was thrown. */
static guint
find_exception (const CliOutcome *self)
{
  const TallyStructInfo *result = self->method->table->result;
  guint i;

  for (i = 0; i < result->n_fields; i++)
    if (result->fields[i].id != 0 && self->slots[i].words[0] != 0)
      break;
  return i;
}

static void
show_result (IdlJson *json, const gchar *key, const CliOutcome *self)
{
  const TallyStructInfo *result = self->method->table->result;

  if (result != NULL && result->n_fields > 0 && result->fields[0].id == 0)
    cli_show (json, key, result->fields[0].type, &self->slots[0]);
  else
    idl_json_null (json, key);
}

static void
show_exception (IdlJson *json, const gchar *key, const CliOutcome *self)
{
  const TallyStructInfo *result = self->method->table->result;
  const guint index = find_exception (self);

  idl_json_begin (json, key, '{', FALSE);
  if (index < result->n_fields)
    cli_show (json, ((const TallyStructInfo *) result->fields[index].type)->name,
              result->fields[index].type, &self->slots[index]);
  idl_json_end (json, '{');
}

gchar *
cli_outcome_to_json (const CliOutcome *self)
{
  IdlJson json;

  if (self->status != CLI_OK && self->status != CLI_DECLARED)
    return NULL;
  idl_json_init (&json);
  if (self->status == CLI_OK)
    show_result (&json, NULL, self);
  else
    show_exception (&json, NULL, self);
  return idl_json_finish (&json);
}

gchar *
cli_outcome_to_line (const CliOutcome *self, const gchar *method)
{
  IdlJson json;

  idl_json_init (&json);
  idl_json_begin (&json, NULL, '{', TRUE);
  idl_json_string (&json, "method", method);
  if (self->status == CLI_OK)
    show_result (&json, "result", self);
  else if (self->status == CLI_DECLARED)
    show_exception (&json, "exception", self);
  else
    idl_json_string (&json, "error", self->error->message);
  idl_json_end (&json, '{');
  return idl_json_finish (&json);
}

/* ---- words ---- */

static void
explain_unknown_method (const CliOutcome *self)
{
  const gchar *name = self->method->function->node.name;
  g_autofree gchar *near = cli_idl_list_near (self->method->service, name);

  g_printerr ("tally: the server has no method \"%s\": it serves something else, or by another "
              "version of the IDL",
              name);
  if (*near != '\0')
    g_printerr (", where it may be called %s", near);
  g_printerr (". A server of several services wants --multiplexed NAME.\n");
}

static void
explain_cause (const CliOutcome *self)
{
  const GError *error = self->error;

  if (g_error_matches (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                       THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD))
    explain_unknown_method (self);
  else if (g_error_matches (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
                            THRIFT_APPLICATION_EXCEPTION_ERROR_MISSING_RESULT))
    g_printerr ("tally: the server's IDL seems to have another result, or an exception that this "
                "one lacks; -v shows what came.\n");
  else if (error->domain == THRIFT_PROTOCOL_ERROR)
    g_printerr ("tally: the server seems to speak another protocol or transport than the URI says, "
                "or to have another IDL; -v shows what came.\n");
}

void
cli_outcome_explain (const CliOutcome *self, const gchar *method)
{
  if (self->status == CLI_DECLARED)
    g_printerr ("tally: %s threw %s\n", method, self->error->message);
  else if (self->status != CLI_OK)
    {
      g_printerr ("tally: %s\n", self->error->message);
      explain_cause (self);
    }
}

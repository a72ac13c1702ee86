/* Owns how one answer of a stand-in server is read. It knows nothing of requests. */
#include "cli-answers.h"

#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "cli-fill.h"
#include "cli-skeleton.h"

static const gchar *const answer_members[] = { "result", "echo",  "exception",
                                               "error",  "fault", "delay" };
static const gchar *const faults[] = {
  "none", "close", "half", "silence", "seqid", "name", "type"
};
/* Thrift RPC specification, "TApplicationException". */
static const gchar *const refusals[] = {
  "UNKNOWN",           "UNKNOWN_METHOD",   "INVALID_MESSAGE_TYPE",   "WRONG_METHOD_NAME",
  "BAD_SEQUENCE_ID",   "MISSING_RESULT",   "INTERNAL_ERROR",         "PROTOCOL_ERROR",
  "INVALID_TRANSFORM", "INVALID_PROTOCOL", "UNSUPPORTED_CLIENT_TYPE"
};
/* A day. */
#define MAX_DELAY_MS 86400000

const gchar *
cli_fault_get_name (CliFault fault)
{
  return faults[fault];
}

gboolean
cli_answer_has_member (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (answer_members); i++)
    if (g_str_equal (answer_members[i], name))
      return TRUE;
  return FALSE;
}

gboolean
cli_answer_fail (const CliJson *json, const gchar *source, GError **error, const gchar *format, ...)
{
  const CliPlace place = { .source = source, .index = -1 };
  g_autofree gchar *message = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return cli_fail_value (json, &place, error, "%s", message);
}

/* The index of the word that @json is, of @count; -1 with an error. */
static gint
find_word (const CliJson *json,
           const gchar *const *words,
           guint count,
           const gchar *what,
           const gchar *source,
           GError **error)
{
  g_autofree gchar *known = NULL;

  if (json->kind != CLI_JSON_STRING)
    {
      cli_answer_fail (json, source, error, "%s is a string, not %s", what,
                       cli_json_describe (json));
      return -1;
    }
  for (guint i = 0; i < count; i++)
    if (g_str_equal (words[i], json->text))
      return (gint) i;
  known = cli_suggest (json->text, words, count);
  cli_answer_fail (json, source, error, "there is no %s \"%s\"%s", what, json->text, known);
  return -1;
}

/* ---- the result ---- */

static GObject *
ensure_result (CliAnswer *self, const TallyLoadedInfo *info)
{
  if (self->result == NULL)
    self->result = g_object_new (info->g_type, NULL);
  return self->result;
}

static const TallyField *
find_success (const TallyLoadedInfo *info)
{
  return info->info.n_fields > 0 && info->info.fields[0].id == 0 ? &info->info.fields[0] : NULL;
}

static gboolean
read_result (CliAnswer *self,
             const CliJson *json,
             const TallyLoadedInfo *info,
             const gchar *source,
             GError **error)
{
  const CliPlace place = { .source = source, .name = "result", .index = -1 };
  const TallyField *success = info != NULL ? find_success (info) : NULL;

  if (info == NULL)
    return json->kind == CLI_JSON_NULL
           || cli_answer_fail (json, source, error, "the method is oneway: it has no result");
  ensure_result (self, info);
  if (success != NULL)
    return cli_fill_field (json, success, self->result, &place, error);
  return json->kind == CLI_JSON_NULL
         || cli_answer_fail (json, source, error, "the method returns nothing: its result is null");
}

static gboolean
are_alike (const TallyType *a, const TallyType *b)
{
  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL || a->kind != b->kind || a->element == NULL)
    return FALSE;
  return are_alike (a->element, b->element) && are_alike (a->key, b->key);
}

static gboolean
read_echo (CliAnswer *self,
           const CliJson *json,
           const CliClasses *classes,
           const gchar *source,
           GError **error)
{
  const TallyField *success = classes->result != NULL ? find_success (classes->result) : NULL;
  const TallyStructInfo *args = &classes->args->info;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  gint index;

  if (success == NULL)
    return cli_answer_fail (json, source, error, "the method returns nothing that could be echoed");
  for (guint i = 0; i < args->n_fields; i++)
    g_ptr_array_add (names, (gpointer) args->fields[i].name);
  index =
      find_word (json, (const gchar *const *) names->pdata, names->len, "argument", source, error);
  if (index < 0)
    return FALSE;
  if (!are_alike (args->fields[index].type, success->type))
    return cli_answer_fail (json, source, error,
                            "the argument \"%s\" is not of the result's type, %s",
                            args->fields[index].name, cli_describe_type (success->type));
  self->echo = &args->fields[index];
  ensure_result (self, classes->result);
  return TRUE;
}

/* By the exception's name, or what the method calls it. */
static const TallyField *
find_thrown (const TallyLoadedInfo *info, const gchar *name, GPtrArray *names)
{
  for (guint i = 0; info != NULL && i < info->info.n_fields; i++)
    {
      const TallyField *field = &info->info.fields[i];
      const gchar *type_name;

      if (field->id == 0) /* the result, of any type */
        continue;
      type_name = ((const TallyStructInfo *) field->type)->name;
      if (g_str_equal (type_name, name) || g_str_equal (field->name, name))
        return field;
      g_ptr_array_add (names, (gpointer) type_name);
    }
  return NULL;
}

static gboolean
read_exception (CliAnswer *self,
                const CliJson *json,
                const TallyLoadedInfo *info,
                const gchar *source,
                GError **error)
{
  const CliPlace place = { .source = source, .name = "exception", .index = -1 };
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *known = NULL;
  const TallyField *field;

  if (json->kind != CLI_JSON_OBJECT || json->items->len != 1)
    return cli_answer_fail (json, source, error,
                            "an exception is written as {\"Name\": {...}}, with its fields");
  field = find_thrown (info, g_ptr_array_index (json->names, 0), names);
  if (field != NULL)
    return cli_fill_field (g_ptr_array_index (json->items, 0), field, ensure_result (self, info),
                           &place, error);
  known = cli_suggest (g_ptr_array_index (json->names, 0), (const gchar *const *) names->pdata,
                       names->len);
  return cli_answer_fail (json, source, error, "the method throws no \"%s\"%s",
                          (const gchar *) g_ptr_array_index (json->names, 0), known);
}

/* ---- what else there is ---- */

static gboolean
read_error_type (CliAnswer *self, const CliJson *json, const gchar *source, GError **error)
{
  gint type;

  if (json->kind == CLI_JSON_INTEGER && json->integer >= 0 && json->integer <= G_MAXINT32)
    {
      self->refusal_type = (gint) json->integer;
      return TRUE;
    }
  type = find_word (json, refusals, G_N_ELEMENTS (refusals), "type of a TApplicationException",
                    source, error);
  if (type >= 0)
    self->refusal_type = type;
  return type >= 0;
}

/* "text", or {"type": …, "message": "text"} */
static gboolean
read_error (CliAnswer *self, const CliJson *json, const gchar *source, GError **error)
{
  const CliJson *message = json;
  const CliJson *type = NULL;

  if (json->kind == CLI_JSON_OBJECT)
    {
      message = cli_json_get (json, "message");
      type = cli_json_get (json, "type");
      if ((message != NULL) + (type != NULL) != (gint) json->items->len)
        return cli_answer_fail (json, source, error,
                                "an error has \"type\" and \"message\", and nothing else");
    }
  if (message != NULL && message->kind != CLI_JSON_STRING)
    return cli_answer_fail (message, source, error, "an error's text is a string, not %s",
                            cli_json_describe (message));
  self->refusal = g_strdup (message != NULL ? message->text : "");
  self->refusal_type = THRIFT_APPLICATION_EXCEPTION_ERROR_INTERNAL_ERROR;
  return type == NULL || read_error_type (self, type, source, error);
}

static gboolean
read_delay (CliAnswer *self, const CliJson *json, const gchar *source, GError **error)
{
  if (json->kind != CLI_JSON_INTEGER || json->integer < 0 || json->integer > MAX_DELAY_MS)
    return cli_answer_fail (json, source, error, "a delay is 0 to %d milliseconds", MAX_DELAY_MS);
  self->delay_ms = (guint) json->integer;
  return TRUE;
}

static gboolean
read_fault (CliAnswer *self, const CliJson *json, const gchar *source, GError **error)
{
  const gint fault = find_word (json, faults, G_N_ELEMENTS (faults), "fault", source, error);

  if (fault >= 0)
    self->fault = (CliFault) fault;
  return fault >= 0;
}

static gboolean
read_members (CliAnswer *self,
              const CliJson *json,
              const CliClasses *classes,
              const gchar *source,
              GError **error)
{
  const CliJson *result = cli_json_get (json, "result");
  const CliJson *echo = cli_json_get (json, "echo");
  const CliJson *exception = cli_json_get (json, "exception");
  const CliJson *refusal = cli_json_get (json, "error");
  const CliJson *fault = cli_json_get (json, "fault");
  const CliJson *delay = cli_json_get (json, "delay");

  if ((result != NULL) + (echo != NULL) + (exception != NULL) + (refusal != NULL) > 1)
    return cli_answer_fail (
        json, source, error,
        "an answer has one of \"result\", \"echo\", \"exception\" and \"error\"");
  return (result == NULL || read_result (self, result, classes->result, source, error))
         && (echo == NULL || read_echo (self, echo, classes, source, error))
         && (exception == NULL || read_exception (self, exception, classes->result, source, error))
         && (refusal == NULL || read_error (self, refusal, source, error))
         && (fault == NULL || read_fault (self, fault, source, error))
         && (delay == NULL || read_delay (self, delay, source, error));
}

/* ---- answers ---- */

CliAnswer *
cli_answer_new_default (const TallyLoadedInfo *info)
{
  CliAnswer *self = g_new0 (CliAnswer, 1);
  const CliPlace place = { .source = "", .index = -1 };
  const TallyField *success = info != NULL ? find_success (info) : NULL;
  g_autoptr (CliJson) json = NULL;
  g_autofree gchar *text = NULL;

  if (info == NULL)
    return self;
  ensure_result (self, info);
  if (success == NULL)
    return self;
  text = cli_skeleton_new_value (success->type);
  json = cli_json_parse ("", text, strlen (text), NULL);
  if (json != NULL)
    (void) cli_fill_field (json, success, self->result, &place,
                           NULL); /* a value that has no end stays out */
  return self;
}

CliAnswer *
cli_answer_new (const CliJson *json, const CliClasses *classes, const gchar *source, GError **error)
{
  CliAnswer *self = g_new0 (CliAnswer, 1);
  g_autofree CliAnswer *usual = NULL;

  self->line = json->line;
  if (!read_members (self, json, classes, source, error))
    {
      cli_answer_free (self);
      return NULL;
    }
  if (self->result == NULL && self->refusal == NULL)
    {
      usual = cli_answer_new_default (classes->result);
      self->result = g_steal_pointer (&usual->result);
    }
  return self;
}

void
cli_answer_free (CliAnswer *self)
{
  if (self == NULL)
    return;
  g_clear_object (&self->result);
  g_free (self->refusal);
  g_free (self);
}

GObject *
cli_answer_dup_result (const CliAnswer *self, GObject *args)
{
  GObject *result;
  const TallyField *success;
  guint8 *instance;

  if (self->result == NULL)
    return NULL;
  if (self->echo == NULL)
    return g_object_ref (self->result);
  result = g_object_new (G_OBJECT_TYPE (self->result), NULL);
  success = &tally_struct_get_info (result)->fields[0];
  instance = (guint8 *) result;
  tally_value_copy (success->type, (const guint8 *) args + self->echo->offset,
                    instance + success->offset);
  *(gboolean *) (instance + success->isset_offset) = TRUE;
  return result;
}

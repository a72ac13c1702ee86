/* Owns what errors about JSON say of the place. */
#include "cli-place.h"

#include <string.h>

#include "cli-fill.h"
#include "similar.h"

/* Names that an error lists. */
#define MAX_LISTED 20

static const gchar *
append_place (const CliPlace *place, GString *text)
{
  const gchar *source = place->outer != NULL ? append_place (place->outer, text) : place->source;

  if (place->name != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 && *place->name != '[' ? "." : "",
                            place->name);
  if (place->index >= 0)
    g_string_append_printf (text, "[%d]", place->index);
  return source;
}

gboolean
cli_fail_value (
    const CliJson *json, const CliPlace *place, GError **error, const gchar *format, ...)
{
  g_autoptr (GString) path = g_string_new (NULL);
  g_autofree gchar *message = NULL;
  const gchar *source = append_place (place, path);
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, CLI_INPUT_ERROR, 0, "%s:%u:%u: %s%s%s", source, json->line, json->column,
               path->str, path->len > 0 ? ": " : "", message);
  return FALSE;
}

/* What a value of @type is called. */
const gchar *
cli_describe_type (const TallyType *type)
{
  static const gchar *const names[] = {
    [TALLY_KIND_BOOL] = "bool", [TALLY_KIND_I8] = "i8",         [TALLY_KIND_I16] = "i16",
    [TALLY_KIND_I32] = "i32",   [TALLY_KIND_I64] = "i64",       [TALLY_KIND_DOUBLE] = "double",
    [TALLY_KIND_UUID] = "uuid", [TALLY_KIND_STRING] = "string", [TALLY_KIND_BINARY] = "binary",
    [TALLY_KIND_LIST] = "list", [TALLY_KIND_SET] = "set",       [TALLY_KIND_MAP] = "map",
  };

  if (type->kind == TALLY_KIND_ENUM)
    return ((const TallyEnumInfo *) type)->name;
  return type->kind == TALLY_KIND_STRUCT ? ((const TallyStructInfo *) type)->name
                                         : names[type->kind];
}

gboolean
cli_fail_kind (const CliJson *json,
               const TallyType *type,
               const CliPlace *place,
               const gchar *wanted,
               GError **error)
{
  return cli_fail_value (json, place, error, "%s is written as %s, not as %s",
                         cli_describe_type (type), wanted, cli_json_describe (json));
}

/* (nullable) (transfer full): the name that is most like @wanted. */
static gchar *
find_similar (const gchar *wanted, const gchar *const *names, guint count)
{
  gint64 effort = 1000000;
  IdlSimilar similar;
  gchar *best;

  idl_similar_init (&similar, wanted, &effort);
  for (guint i = 0; i < count; i++)
    idl_similar_offer (&similar, names[i]);
  best = g_strdup (similar.best);
  idl_similar_clear (&similar);
  return best;
}

gchar *
cli_suggest (const gchar *wanted, const gchar *const *names, guint count)
{
  g_autofree gchar *similar = find_similar (wanted, names, count);
  g_autoptr (GString) text = g_string_new (NULL);

  if (similar != NULL)
    return g_strdup_printf (", did you mean \"%s\"?", similar);
  if (count == 0)
    return g_strdup ("; there is none");
  for (guint i = 0; i < count && i < MAX_LISTED; i++)
    g_string_append_printf (text, "%s%s", i == 0 ? "; there is " : ", ", names[i]);
  if (count > MAX_LISTED)
    g_string_append (text, ", ...");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

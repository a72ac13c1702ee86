/* Owns how JSON becomes numbers, enums, uuids, strings and binaries. */
#include "cli-place.h"

#include <math.h>
#include <string.h>

#include "cli-base.h"
#include "cli-fill.h"

/* ---- numbers ---- */

static gboolean
fill_integer (const CliJson *json,
              const TallyType *type,
              gpointer slot,
              const CliPlace *place,
              GError **error)
{
  const guint bits = type->size * 8;
  const gint64 highest = (gint64) (G_MAXUINT64 >> (65 - bits));

  if (json->kind == CLI_JSON_LARGE)
    return cli_fail_value (json, place, error,
                           "%.0f does not fit %s (%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ")",
                           json->number, cli_describe_type (type), -highest - 1, highest);
  if (json->kind != CLI_JSON_INTEGER)
    return cli_fail_kind (json, type, place, "a whole number", error);
  if (json->integer > highest || json->integer < -highest - 1)
    return cli_fail_value (json, place, error,
                           "%" G_GINT64_FORMAT " does not fit %s (%" G_GINT64_FORMAT
                           " to %" G_GINT64_FORMAT ")",
                           json->integer, cli_describe_type (type), -highest - 1, highest);
  switch (type->size)
    {
    case 1:
      *(gint8 *) slot = (gint8) json->integer;
      return TRUE;
    case 2:
      *(gint16 *) slot = (gint16) json->integer;
      return TRUE;
    case 4:
      *(gint32 *) slot = (gint32) json->integer;
      return TRUE;
    default:
      *(gint64 *) slot = json->integer;
      return TRUE;
    }
}

static gboolean
fill_double (const CliJson *json,
             const TallyType *type,
             gdouble *slot,
             const CliPlace *place,
             GError **error)
{
  static const struct
  {
    const gchar *word;
    gdouble number;
  } words[] = { { "NaN", NAN }, { "Infinity", INFINITY }, { "-Infinity", -INFINITY } };

  if (json->kind == CLI_JSON_DOUBLE || json->kind == CLI_JSON_LARGE)
    *slot = json->number;
  else if (json->kind == CLI_JSON_INTEGER)
    *slot = (gdouble) json->integer;
  else
    {
      for (guint i = 0; json->kind == CLI_JSON_STRING && i < G_N_ELEMENTS (words); i++)
        if (g_str_equal (json->text, words[i].word))
          {
            *slot = words[i].number;
            return TRUE;
          }
      return cli_fail_kind (json, type, place, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
                            error);
    }
  return TRUE;
}

static gboolean
fill_enum (const CliJson *json,
           const TallyEnumInfo *info,
           gpointer slot,
           const CliPlace *place,
           GError **error)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autofree gchar *suggestion = NULL;

  if (json->kind == CLI_JSON_INTEGER || json->kind == CLI_JSON_LARGE)
    return fill_integer (json, &info->type, slot, place, error);
  if (json->kind != CLI_JSON_STRING)
    return cli_fail_kind (json, &info->type, place, "a name or a number", error);
  names = g_ptr_array_new ();
  for (guint i = 0; i < info->n_values; i++)
    {
      if (g_str_equal (info->values[i].name, json->text))
        {
          *(gint32 *) slot = info->values[i].value;
          return TRUE;
        }
      g_ptr_array_add (names, (gpointer) info->values[i].name);
    }
  suggestion = cli_suggest (json->text, (const gchar *const *) names->pdata, names->len);
  return cli_fail_value (json, place, error, "%s has no value \"%s\"%s", info->name, json->text,
                         suggestion);
}

static gboolean
fill_uuid (const CliJson *json,
           const TallyType *type,
           TallyUuid *slot,
           const CliPlace *place,
           GError **error)
{
  if (json->kind != CLI_JSON_STRING)
    return cli_fail_kind (json, type, place, "a string", error);
  return tally_uuid_parse (json->text, slot, NULL)
         || cli_fail_value (
             json, place, error,
             "\"%s\" is no uuid; one is written as 32 hexadecimal digits in groups of "
             "8-4-4-4-12",
             json->text);
}

gboolean
cli_fill_plain (const CliJson *json,
                const TallyType *type,
                gpointer slot,
                const CliPlace *place,
                GError **error)
{
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      if (json->kind != CLI_JSON_BOOLEAN)
        return cli_fail_kind (json, type, place, "true or false", error);
      *(gboolean *) slot = json->integer != 0;
      return TRUE;
    case TALLY_KIND_DOUBLE:
      return fill_double (json, type, slot, place, error);
    case TALLY_KIND_ENUM:
      return fill_enum (json, (const TallyEnumInfo *) type, slot, place, error);
    case TALLY_KIND_UUID:
      return fill_uuid (json, type, slot, place, error);
    default:
      return fill_integer (json, type, slot, place, error);
    }
}

/* ---- bytes ---- */

/* The bytes that @json says in one of their forms. (nullable) (transfer full) */
static GByteArray *
read_bytes (const CliJson *json, const TallyType *type, const CliPlace *place, GError **error)
{
  const gchar *form = type->kind == TALLY_KIND_STRING ? "$text" : "$base64";
  const CliJson *text = json;
  g_autoptr (GError) reason = NULL;
  GByteArray *bytes;

  if (json->kind == CLI_JSON_OBJECT && json->items->len == 1)
    {
      form = g_ptr_array_index (json->names, 0);
      text = g_ptr_array_index (json->items, 0);
    }
  if (text->kind != CLI_JSON_STRING)
    {
      cli_fail_kind (json, type, place,
                     type->kind == TALLY_KIND_STRING
                         ? "a string or {\"$hex\": \"...\"}"
                         : "base64 in a string, {\"$hex\": \"...\"} or {\"$text\": \"...\"}",
                     error);
      return NULL;
    }
  bytes = cli_bytes_parse (form, text->text, text->length, &reason);
  if (bytes == NULL)
    cli_fail_value (text, place, error, "%s", reason->message);
  return bytes;
}

gboolean
cli_fill_bytes (const CliJson *json,
                const TallyType *type,
                gpointer slot,
                const CliPlace *place,
                GError **error)
{
  GByteArray *bytes = read_bytes (json, type, place, error);
  gsize length;

  if (bytes == NULL)
    return FALSE;
  if (type->kind == TALLY_KIND_BINARY)
    {
      *(GByteArray **) slot = bytes;
      return TRUE;
    }
  if (bytes->len > 0 && memchr (bytes->data, 0, bytes->len) != NULL)
    {
      g_byte_array_unref (bytes);
      return cli_fail_value (json, place, error, "a string of C holds no NUL");
    }
  length = bytes->len;
  *(gchar **) slot = length > 0 ? g_strndup ((const gchar *) bytes->data, length) : g_strdup ("");
  g_byte_array_unref (bytes);
  return TRUE;
}

/* Owns how values become JSON. Sets and maps, which have no order, are sorted, so that equal values are equal texts. */
#include "cli-show.h"

#include <math.h>
#include <string.h>

#include "cli-base.h"

/* What a table stores, with the text by which it is sorted. */
typedef struct
{
  gchar *text;
  gint64 number; /* of whole numbers, which are sorted by it */
  gdouble real;  /* of others */
  gpointer key;
  gpointer value;
} Entry;

void
cli_show_double (IdlJson *json, const gchar *key, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (value) || isinf (value))
    {
      idl_json_string (json, key, isnan (value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
      return;
    }
  for (gint digits = 15; digits <= 17; digits++)
    {
      gchar format[] = "%.15g";

      format[3] = (gchar) ('0' + digits - 10);
      g_ascii_formatd (text, sizeof text, format, value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  if (strpbrk (text, ".e") == NULL)
    strcat (text, ".0");
  idl_json_raw (json, key, text);
}

static void
show_hex (IdlJson *json, const gchar *key, const guint8 *bytes, gsize length)
{
  g_autofree gchar *text = cli_bytes_to_hex (bytes, length);

  idl_json_begin (json, key, '{', TRUE);
  idl_json_string (json, "$hex", text);
  idl_json_end (json, '{');
}

void
cli_show_text (IdlJson *json, const gchar *key, const gchar *text, gsize length)
{
  if (g_utf8_validate_len (text, length, NULL))
    idl_json_bytes (json, key, text, (gssize) length);
  else
    show_hex (json, key, (const guint8 *) text, length);
}

static void
show_binary (IdlJson *json, const gchar *key, const GByteArray *bytes)
{
  g_autofree gchar *text = g_base64_encode (bytes->data, bytes->len);

  idl_json_string (json, key, text);
}

static gint64
get_integer (const TallyType *type, gconstpointer slot)
{
  return type->size == 1   ? *(const gint8 *) slot
         : type->size == 2 ? *(const gint16 *) slot
         : type->size == 4 ? *(const gint32 *) slot
                           : *(const gint64 *) slot;
}

void
cli_show_enum (IdlJson *json, const gchar *key, const TallyEnumInfo *info, gint32 value)
{
  for (guint i = 0; i < info->n_values; i++)
    if (info->values[i].value == value)
      {
        idl_json_string (json, key, info->values[i].name);
        return;
      }
  idl_json_integer (json, key, value);
}

static void
show_plain (IdlJson *json, const gchar *key, const TallyType *type, gconstpointer slot)
{
  gchar text[37];

  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      idl_json_boolean (json, key, *(const gboolean *) slot);
      return;
    case TALLY_KIND_DOUBLE:
      cli_show_double (json, key, *(const gdouble *) slot);
      return;
    case TALLY_KIND_ENUM:
      cli_show_enum (json, key, (const TallyEnumInfo *) type, *(const gint32 *) slot);
      return;
    case TALLY_KIND_UUID:
      tally_uuid_to_string (slot, text);
      idl_json_string (json, key, text);
      return;
    default:
      idl_json_integer (json, key, get_integer (type, slot));
    }
}

/* Whether all of it fits a line. */
static gboolean
is_flat (const TallyType *type)
{
  return type->kind != TALLY_KIND_STRUCT && type->element == NULL;
}

static void
show_list (IdlJson *json, const gchar *key, const TallyType *type, gconstpointer slot)
{
  const gboolean is_array = type->storage == TALLY_STORAGE_ARRAY;
  const GArray *array = *(GArray *const *) slot;
  const GPtrArray *pointers = *(GPtrArray *const *) slot;
  const guint length = is_array ? array->len : pointers->len;

  idl_json_begin (json, key, '[', is_flat (type->element));
  for (guint i = 0; i < length; i++)
    cli_show (json, NULL, type->element,
              is_array ? (gconstpointer) (array->data + (gsize) i * type->element->size)
                       : (gconstpointer) &pointers->pdata[i]);
  idl_json_end (json, '[');
}

/* ---- sets and maps ---- */

static void
show_cell (IdlJson *json, const gchar *key, const TallyType *type, gpointer cell)
{
  const gint32 number = GPOINTER_TO_INT (cell);

  if (type->kind == TALLY_KIND_ENUM)
    cli_show (json, key, type, &number);
  else
    cli_show (json, key, type, type->storage == TALLY_STORAGE_PLAIN ? cell : (gconstpointer) &cell);
}

static void
clear_entry (gpointer entry)
{
  g_free (((Entry *) entry)->text);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const Entry *left = a, *right = b;

  if (left->number != right->number)
    return left->number < right->number ? -1 : 1;
  if (left->real != right->real && !isnan (left->real) && !isnan (right->real))
    return left->real < right->real ? -1 : 1;
  return strcmp (left->text, right->text);
}

static gboolean
is_integer (const TallyType *type)
{
  return type->kind >= TALLY_KIND_I8 && type->kind <= TALLY_KIND_I64;
}

void
cli_flat_begin (IdlJson *json)
{
  idl_json_init (json);
  idl_json_begin (json, NULL, '[', TRUE);
}

gchar *
cli_flat_end (IdlJson *json)
{
  g_autofree gchar *text = NULL;

  idl_json_end (json, '[');
  text = idl_json_finish (json);
  return g_strndup (text + 1, strlen (text) - strlen ("[]\n"));
}

/* What a member's name says: a string's bytes, or the JSON of anything else that is no container. */
static gchar *
get_cell_text (const TallyType *type, gpointer cell)
{
  IdlJson json;
  g_autofree gchar *text = NULL;

  if (type->kind == TALLY_KIND_STRING)
    return g_strdup (cell != NULL ? cell : "");
  cli_flat_begin (&json);
  show_cell (&json, NULL, type, cell);
  text = cli_flat_end (&json);
  return type->storage == TALLY_STORAGE_PLAIN && *text == '"'
             ? g_strndup (text + 1, strlen (text) - 2)
             : g_steal_pointer (&text);
}

static GArray *
sort_table (const TallyType *key_type, GHashTable *table)
{
  GArray *entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  GHashTableIter iter;
  Entry entry = { NULL };

  g_array_set_clear_func (entries, clear_entry);
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &entry.key, &entry.value))
    {
      entry.text = get_cell_text (key_type, entry.key);
      entry.number = is_integer (key_type) ? get_integer (key_type, entry.key) : 0;
      entry.real = key_type->kind == TALLY_KIND_DOUBLE ? *(const gdouble *) entry.key : 0;
      g_array_append_val (entries, entry);
    }
  g_array_sort (entries, compare_entries);
  return entries;
}

static void
show_set (IdlJson *json, const gchar *key, const TallyType *type, GHashTable *table)
{
  g_autoptr (GArray) entries = sort_table (type->element, table);

  idl_json_begin (json, key, '[', is_flat (type->element));
  for (guint i = 0; i < entries->len; i++)
    show_cell (json, NULL, type->element, g_array_index (entries, Entry, i).key);
  idl_json_end (json, '[');
}

/* Whether each key can be a member's name. */
static gboolean
has_names (const TallyType *key_type, const GArray *entries)
{
  if (key_type->kind != TALLY_KIND_STRING)
    return key_type->storage == TALLY_STORAGE_PLAIN;
  for (guint i = 0; i < entries->len; i++)
    if (!g_utf8_validate (g_array_index (entries, Entry, i).text, -1, NULL))
      return FALSE;
  return TRUE;
}

static void
show_pair (IdlJson *json, const TallyType *type, const Entry *entry)
{
  idl_json_begin (json, NULL, '[', is_flat (type->key) && is_flat (type->element));
  show_cell (json, NULL, type->key, entry->key);
  show_cell (json, NULL, type->element, entry->value);
  idl_json_end (json, '[');
}

static void
show_map (IdlJson *json, const gchar *key, const TallyType *type, GHashTable *table)
{
  g_autoptr (GArray) entries = sort_table (type->key, table);
  const gboolean is_object = has_names (type->key, entries);

  idl_json_begin (json, key, is_object ? '{' : '[', is_object && is_flat (type->element));
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = &g_array_index (entries, Entry, i);

      if (is_object)
        show_cell (json, entry->text, type->element, entry->value);
      else
        show_pair (json, type, entry);
    }
  idl_json_end (json, is_object ? '{' : '[');
}

/* ---- structs and values ---- */

gboolean
cli_is_set (const TallyField *field, gconstpointer instance)
{
  const guint8 *base = instance;

  if (field->type->storage == TALLY_STORAGE_PLAIN)
    return field->isset_offset == TALLY_NO_ISSET
           || *(const gboolean *) (base + field->isset_offset);
  return *(const gconstpointer *) (base + field->offset) != NULL
         && (field->isset_offset == TALLY_NO_ISSET
             || *(const gboolean *) (base + field->isset_offset));
}

static void
show_struct (IdlJson *json, const gchar *key, const TallyStructInfo *info, gconstpointer instance)
{
  idl_json_begin (json, key, '{', FALSE);
  for (guint i = 0; i < info->n_fields; i++)
    if (cli_is_set (&info->fields[i], instance))
      cli_show (json, info->fields[i].name, info->fields[i].type,
                (const guint8 *) instance + info->fields[i].offset);
  idl_json_end (json, '{');
}

void
cli_show (IdlJson *json, const gchar *key, const TallyType *type, gconstpointer slot)
{
  const gpointer *pointer = slot;

  if (type->storage == TALLY_STORAGE_PLAIN)
    show_plain (json, key, type, slot);
  else if (*pointer == NULL)
    idl_json_null (json, key);
  else if (type->kind == TALLY_KIND_STRING)
    cli_show_text (json, key, *pointer, strlen (*pointer));
  else if (type->kind == TALLY_KIND_BINARY)
    show_binary (json, key, *pointer);
  else if (type->kind == TALLY_KIND_STRUCT)
    show_struct (json, key, (const TallyStructInfo *) type, *pointer);
  else if (type->kind == TALLY_KIND_LIST)
    show_list (json, key, type, slot);
  else if (type->kind == TALLY_KIND_SET)
    show_set (json, key, type, *pointer);
  else
    show_map (json, key, type, *pointer);
}

/* Values as text for people: logs, test failures, a debugger. */
#include "codec-private.h"
#include "storage.h"
#include "tally-struct.h"

/* Bytes of a binary that are shown. */
#define SHOWN_BYTES 32

static void print_value (GString *text, const TallyType *type, gconstpointer slot);

static void
print_string (GString *text, const guint8 *bytes, gsize length)
{
  g_string_append_c (text, '"');
  for (gsize i = 0; i < length; i++)
    {
      if (bytes[i] == '"' || bytes[i] == '\\')
        g_string_append_printf (text, "\\%c", bytes[i]);
      else if (bytes[i] == '\n')
        g_string_append (text, "\\n");
      else if (bytes[i] < ' ' || bytes[i] == 0x7f)
        g_string_append_printf (text, "\\x%02x", bytes[i]);
      else
        g_string_append_c (text, (gchar) bytes[i]);
    }
  g_string_append_c (text, '"');
}

static void
print_binary (GString *text, const guint8 *bytes, gsize length)
{
  g_string_append_c (text, '<');
  for (gsize i = 0; i < MIN (length, SHOWN_BYTES); i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  if (length > SHOWN_BYTES)
    g_string_append_printf (text, "... %" G_GSIZE_FORMAT " bytes", length);
  g_string_append_c (text, '>');
}

static void
print_double (GString *text, gdouble number)
{
  gchar digits[G_ASCII_DTOSTR_BUF_SIZE];

  /* The shorter form where it is the same number. */
  g_ascii_formatd (digits, sizeof digits, "%.15g", number);
  if (g_ascii_strtod (digits, NULL) != number)
    g_ascii_dtostr (digits, sizeof digits, number);
  g_string_append (text, digits);
}

static void
print_enum (GString *text, const TallyEnumInfo *info, gint32 value)
{
  for (guint i = 0; i < info->n_values; i++)
    if (info->values[i].value == value)
      {
        g_string_append (text, info->values[i].name);
        return;
      }
  g_string_append_printf (text, "%" G_GINT32_FORMAT, value);
}

static void
print_plain (GString *text, const TallyType *type, gconstpointer slot)
{
  gchar uuid[37];

  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_BOOL:
      g_string_append (text, *(const gboolean *) slot ? "true" : "false");
      return;
    case TALLY_KIND_I8:
      g_string_append_printf (text, "%d", *(const gint8 *) slot);
      return;
    case TALLY_KIND_I16:
      g_string_append_printf (text, "%d", *(const gint16 *) slot);
      return;
    case TALLY_KIND_I32:
      g_string_append_printf (text, "%" G_GINT32_FORMAT, *(const gint32 *) slot);
      return;
    case TALLY_KIND_I64:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, *(const gint64 *) slot);
      return;
    case TALLY_KIND_DOUBLE:
      print_double (text, *(const gdouble *) slot);
      return;
    case TALLY_KIND_ENUM:
      print_enum (text, (const TallyEnumInfo *) type, *(const gint32 *) slot);
      return;
    default:
      tally_uuid_to_string (slot, uuid);
      g_string_append (text, uuid);
      return;
    }
}

static void
print_list (GString *text, const TallyType *type, gconstpointer slot)
{
  TallyListView view = tally_storage_view_list (type, slot);

  g_string_append_c (text, '[');
  for (guint i = 0; i < view.length; i++)
    {
      if (i > 0)
        g_string_append (text, ", ");
      print_value (text, type->element, view.data + i * view.stride);
    }
  g_string_append_c (text, ']');
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(gchar *const *) a, *(gchar *const *) b);
}

/* A table has no order. Sorted by their texts, equal tables print alike. */
static void
print_table (GString *text, const TallyType *type, gconstpointer slot)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  const gboolean is_map = type->kind == TALLY_KIND_MAP;
  const TallyType *key_type = is_map ? type->key : type->element;
  TallyTableIter iter;
  TallyCell cell;
  gpointer key, value;

  tally_table_iter_init (&iter, slot);
  while (tally_table_iter_next (&iter, &key, &value))
    {
      GString *part = g_string_new (NULL);

      print_value (part, key_type, tally_cell_view (key_type, key, &cell));
      if (is_map)
        {
          g_string_append (part, ": ");
          print_value (part, type->element, tally_cell_view (type->element, value, &cell));
        }
      g_ptr_array_add (parts, g_string_free (part, FALSE));
    }
  g_ptr_array_sort (parts, compare_texts);
  g_string_append_c (text, '{');
  for (guint i = 0; i < parts->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const gchar *) parts->pdata[i]);
  g_string_append_c (text, '}');
}

static void
print_instance (GString *text, const TallyStructInfo *info, gconstpointer instance)
{
  const gchar *separator = "";

  g_string_append_printf (text, "%s(", info->name);
  for (guint i = 0; i < info->n_fields; i++)
    {
      const TallyField *field = &info->fields[i];

      if (!tally_field_is_present (info, field, instance))
        continue;
      g_string_append_printf (text, "%s%s=", separator, field->name);
      print_value (text, field->type, (const guint8 *) instance + field->offset);
      separator = ", ";
    }
  g_string_append_c (text, ')');
}

static void
print_value (GString *text, const TallyType *type, gconstpointer slot)
{
  gsize length;
  const guint8 *bytes;

  if (type->storage == TALLY_STORAGE_PLAIN && slot != NULL)
    {
      print_plain (text, type, slot);
      return;
    }
  slot = tally_slot_to_write (type, slot);
  if (slot == NULL)
    {
      g_string_append (text, "NULL");
      return;
    }
  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_STRING:
      bytes = tally_storage_get_bytes (type, slot, &length);
      print_string (text, bytes, length);
      return;
    case TALLY_KIND_BINARY:
      bytes = tally_storage_get_bytes (type, slot, &length);
      print_binary (text, bytes, length);
      return;
    case TALLY_KIND_STRUCT:
      print_instance (text, (const TallyStructInfo *) type, tally_storage_get_struct (slot));
      return;
    case TALLY_KIND_LIST:
      print_list (text, type, slot);
      return;
    default:
      print_table (text, type, slot);
      return;
    }
}

/**
 * tally_value_to_string: (skip)
 * @type: the value's type
 * @slot: where it lies: the field, array element or variable, never what a pointer in it leads to
 *
 * Returns: (transfer full): the value as text for people: strings quoted, enums by name, a binary's
 *   first bytes, sets and maps sorted by their texts
 */
gchar *
tally_value_to_string (const TallyType *type, gconstpointer slot)
{
  GString *text = g_string_new (NULL);

  print_value (text, type, slot);
  return g_string_free (text, FALSE);
}

/**
 * tally_struct_to_string:
 * @object: any TallyStruct
 *
 * Returns: (transfer full): as `Point(x=1, tags=["a"])`; fields that would not be written are left
 * out
 */
gchar *
tally_struct_to_string (gconstpointer object)
{
  g_return_val_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (object, TALLY_TYPE_STRUCT), NULL);

  return tally_value_to_string (&tally_struct_get_info (object)->type, &object);
}

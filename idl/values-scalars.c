/* Owns what a scalar literal may be for each type, and when two literals are the same value. */
#include "values-private.h"

#include <string.h>

const gchar *
idl_values_describe (const IdlValue *value)
{
  switch (value->kind)
    {
    case IDL_VALUE_INTEGER:
      return value->is_boolean ? "a bool" : "an integer";
    case IDL_VALUE_DOUBLE:
      return "a floating-point number";
    case IDL_VALUE_STRING:
      return "a string";
    case IDL_VALUE_LIST:
      return "a list";
    case IDL_VALUE_MAP:
      return "a map";
    default:
      return value->enumerator != NULL ? "an enumerator" : "a name";
    }
}

static gchar *
explain_integer (const IdlValue *value, const IdlType *type)
{
  guint bits = 8u << (type->kind - IDL_TYPE_I8);
  gint64 limit = bits == 64 ? G_MAXINT64 : ((gint64) 1 << (bits - 1)) - 1;

  if (value->integer >= -limit - 1 && value->integer <= limit)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT " does not fit an i%u", value->integer, bits);
}

/* 8-4-4-4-12 hexadecimal digits, or the same in braces. */
static gboolean
is_uuid (const gchar *text, gsize length)
{
  if (length == 38 && text[0] == '{' && text[37] == '}')
    {
      text++;
      length = 36;
    }
  if (length != 36)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      gboolean is_dash = i == 8 || i == 13 || i == 18 || i == 23;

      if (is_dash ? text[i] != '-' : !g_ascii_isxdigit (text[i]))
        return FALSE;
    }
  return TRUE;
}

static gchar *
explain_wrong_kind (const IdlValue *value, const IdlType *type)
{
  g_autofree gchar *name = idl_type_to_string (type);

  return g_strdup_printf ("%s given for type %s", idl_values_describe (value), name);
}

gchar *
idl_values_explain_scalar (const IdlValue *value, const IdlType *type)
{
  gboolean is_integer = value->kind == IDL_VALUE_INTEGER || value->enumerator != NULL;

  switch (type->kind)
    {
    case IDL_TYPE_BOOL:
      if (is_integer && !value->is_boolean && value->integer != 0 && value->integer != 1)
        return g_strdup_printf ("%" G_GINT64_FORMAT " is not a bool; use true or false",
                                value->integer);
      return is_integer ? NULL : explain_wrong_kind (value, type);
    case IDL_TYPE_I8:
    case IDL_TYPE_I16:
    case IDL_TYPE_I32:
    case IDL_TYPE_I64:
      return is_integer ? explain_integer (value, type) : explain_wrong_kind (value, type);
    case IDL_TYPE_DOUBLE:
      return is_integer || value->kind == IDL_VALUE_DOUBLE ? NULL
                                                           : explain_wrong_kind (value, type);
    case IDL_TYPE_STRING:
    case IDL_TYPE_BINARY:
      return value->kind == IDL_VALUE_STRING ? NULL : explain_wrong_kind (value, type);
    case IDL_TYPE_UUID:
      if (value->kind == IDL_VALUE_STRING && !is_uuid (value->text, (gsize) value->length))
        return g_strdup ("not a UUID, which looks like \"00112233-4455-6677-8899-aabbccddeeff\"");
      return value->kind == IDL_VALUE_STRING ? NULL : explain_wrong_kind (value, type);
    default:
      return explain_wrong_kind (value, type);
    }
}

/* Appends bytes that are equal for equal values (of one type) and different for different ones. */
static void
append_key (GString *key, const IdlValue *value)
{
  value = idl_value_resolve (value);
  if (value->kind == IDL_VALUE_INTEGER || value->enumerator != NULL)
    g_string_append_printf (key, "i%" G_GINT64_FORMAT ";", value->integer);
  else if (value->kind == IDL_VALUE_DOUBLE)
    g_string_append_printf (key, "d%a;", value->number);
  else if (value->kind == IDL_VALUE_STRING)
    {
      g_string_append_printf (key, "s%" G_GSSIZE_FORMAT ":", value->length);
      g_string_append_len (key, value->text, value->length);
    }
  else if (value->items != NULL)
    {
      g_string_append_printf (key, "[%u:", value->items->len);
      for (guint i = 0; i < value->items->len; i++)
        append_key (key, g_ptr_array_index (value->items, i));
    }
  else
    g_string_append_printf (key, "?%p;", (const void *) value);
}

/* A reference within @value may lead anywhere, and its cycles are not cut yet. */
static gboolean
has_reference (const IdlValue *value)
{
  if (value->constant != NULL)
    return TRUE;
  for (guint i = 0; value->items != NULL && i < value->items->len; i++)
    if (has_reference (g_ptr_array_index (value->items, i)))
      return TRUE;
  return FALSE;
}

void
idl_values_check_duplicates (IdlValues *values, const IdlValue *value, guint step)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < value->items->len; i += step)
    {
      const IdlValue *item = g_ptr_array_index (value->items, i);
      g_autoptr (GString) key = g_string_new (NULL);
      const IdlValue *other;

      if (has_reference (item))
        continue;
      append_key (key, item);
      other = g_hash_table_lookup (seen, key->str);
      if (other == NULL)
        {
          g_hash_table_insert (seen, g_string_free (g_steal_pointer (&key), FALSE),
                               (gpointer) item);
          continue;
        }
      idl_values_report (values, IDL_RULE_DUPLICATE_ELEMENT, IDL_WARNING, &item->location,
                         step == 1 ? "element occurs twice in a set" : "key occurs twice in a map");
      idl_values_note (values, &other->location, "the other is here");
    }
}

/* Writes TallyValues: the literals of defaults and constants with the type that is known from where
 * they stand. */
#include <string.h>

#include "tables.h"
#include "writer.h"

static gchar *
get_enum_literal (const GenNames *names, const IdlDefinition *definition, const IdlValue *value)
{
  const IdlEnumerator *enumerator = value->enumerator;

  if (enumerator == NULL && value->integer >= G_MININT32 && value->integer <= G_MAXINT32)
    enumerator = idl_definition_find_enumerator (definition, (gint32) value->integer);
  if (enumerator != NULL)
    return g_strdup (gen_names_get (names, enumerator)->upper);

  return gen_integer_literal (value->integer);
}

/* An integer, also where the IDL says it by an enumerator. */
static gint64
get_integer (const IdlValue *value)
{
  if (value->kind == IDL_VALUE_NAMED && value->enumerator != NULL)
    return value->enumerator->value;

  return value->kind == IDL_VALUE_DOUBLE ? (gint64) value->number : value->integer;
}

void
gen_parse_uuid (const IdlValue *value, guint8 bytes[16])
{
  guint digits = 0;

  memset (bytes, 0, 16);
  for (gsize i = 0; i < value->length && digits < 32; i++)
    if (g_ascii_isxdigit (value->text[i]))
      {
        bytes[digits / 2] =
            (guint8) (bytes[digits / 2] << 4 | g_ascii_xdigit_value (value->text[i]));
        digits++;
      }
}

static gchar *
get_uuid_literal (const IdlValue *value)
{
  guint8 bytes[16];

  gen_parse_uuid (value, bytes);
  return gen_string_literal ((const gchar *) bytes, sizeof bytes);
}

gchar *
gen_scalar_literal (const GenNames *names, const IdlType *type, const IdlValue *value)
{
  const IdlType *resolved = idl_type_resolve (type);
  const IdlValue *literal = idl_value_resolve (value);

  switch (resolved->kind)
    {
    case IDL_TYPE_BOOL:
      return g_strdup (get_integer (literal) != 0 ? "TRUE" : "FALSE");
    case IDL_TYPE_DOUBLE:
      return gen_double_literal (
          literal->kind == IDL_VALUE_DOUBLE ? literal->number : (gdouble) get_integer (literal));
    case IDL_TYPE_STRING:
    case IDL_TYPE_BINARY:
      return gen_string_literal (literal->text, literal->length);
    case IDL_TYPE_UUID:
      return get_uuid_literal (literal);
    case IDL_TYPE_NAMED:
      return get_enum_literal (names, resolved->definition, literal);
    default:
      return gen_integer_literal (get_integer (literal));
    }
}

/* Adds the initializer of one part; arrays within it are named after its place. */
static void
add_item (GenSource *source,
          const IdlType *type,
          const IdlValue *value,
          const gchar *wish,
          GPtrArray *items)
{
  g_autofree gchar *item_wish = g_strdup_printf ("%s_%u", wish, items->len);

  g_ptr_array_add (items, gen_value_initializer (source, type, value, item_wish));
}

/* The initializers of a container's or struct's parts. */
static void
collect_items (GenSource *source,
               const IdlType *type,
               const IdlValue *value,
               const gchar *wish,
               GPtrArray *items)
{
  if (value->kind != IDL_VALUE_MAP)
    {
      for (guint i = 0; i < value->items->len; i++)
        add_item (source, type->element, g_ptr_array_index (value->items, i), wish, items);
      return;
    }

  for (guint i = 0; i < value->items->len; i += 2)
    {
      const IdlValue *key = g_ptr_array_index (value->items, i);
      const IdlType *value_type = type->element;

      if (type->kind == IDL_TYPE_NAMED)
        {
          const IdlField *field =
              idl_definition_find_member (type->definition, idl_value_resolve (key)->text);

          g_ptr_array_add (items, g_strdup_printf ("TALLY_INTEGER_VALUE (%d)", field->id));
          value_type = field->type;
        }
      else
        add_item (source, type->key, key, wish, items);
      add_item (source, value_type, g_ptr_array_index (value->items, i + 1), wish, items);
    }
}

static gchar *
get_items_initializer (GenSource *source,
                       const IdlType *type,
                       const IdlValue *value,
                       const gchar *wish)
{
  if (value->items == NULL || value->items->len == 0)
    return g_strdup ("TALLY_EMPTY_VALUE");

  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_free);

  collect_items (source, type, value, wish, items);

  g_autofree gchar *items_wish = g_strdup_printf ("%s_items", wish);
  g_autofree gchar *name = gen_source_take (source, items_wish);

  gen_print (source->out, "static const TallyValue %s[] = {\n", name);
  gen_print_filled (source->out, items);
  g_string_append (source->out, "};\n");
  source->gap = TRUE;
  return g_strdup_printf ("TALLY_ITEMS_VALUE (%s)", name);
}

gchar *
gen_value_initializer (GenSource *source,
                       const IdlType *type,
                       const IdlValue *value,
                       const gchar *wish)
{
  const IdlType *resolved = idl_type_resolve (type);
  const gchar *macro = "TALLY_INTEGER_VALUE";

  switch (resolved->kind)
    {
    case IDL_TYPE_LIST:
    case IDL_TYPE_SET:
    case IDL_TYPE_MAP:
      return get_items_initializer (source, resolved, idl_value_resolve (value), wish);
    case IDL_TYPE_NAMED:
      if (resolved->definition->kind != IDL_DEFINITION_ENUM)
        return get_items_initializer (source, resolved, idl_value_resolve (value), wish);
      break;
    case IDL_TYPE_DOUBLE:
      macro = "TALLY_DOUBLE_VALUE";
      break;
    case IDL_TYPE_STRING:
    case IDL_TYPE_BINARY:
    case IDL_TYPE_UUID:
      macro = "TALLY_STRING_VALUE";
      break;
    default:
      break;
    }

  g_autofree gchar *literal = gen_scalar_literal (source->names, resolved, value);

  /* A negative number has its parentheses already. */
  return g_strdup_printf (g_str_has_prefix (literal, "(-") ? "%s %s" : "%s (%s)", macro, literal);
}

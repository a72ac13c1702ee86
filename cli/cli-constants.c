/* Owns how the IDL's default values become the engine's. The front end has checked that they fit their types. */
#include "cli-tables.h"

#include <string.h>

static gint64
get_constant_integer (const IdlValue *value)
{
  if (value->kind == IDL_VALUE_NAMED && value->enumerator != NULL)
    return value->enumerator->value;
  return value->kind == IDL_VALUE_DOUBLE ? (gint64) value->number : value->integer;
}

static gdouble
get_constant_double (const IdlValue *value)
{
  return value->kind == IDL_VALUE_DOUBLE ? value->number : (gdouble) get_constant_integer (value);
}

static void
set_uuid (TallyValue *constant, const IdlValue *value)
{
  TallyUuid *uuid = cli_tables_alloc (sizeof *uuid);

  tally_uuid_parse (value->text, uuid, NULL);
  constant->bytes = (const gchar *) uuid->bytes;
  constant->length = sizeof uuid->bytes;
}

static void
set_bytes (TallyValue *constant, const IdlValue *value)
{
  gchar *bytes = cli_tables_alloc (value->length + 1);

  memcpy (bytes, value->text, value->length);
  constant->bytes = bytes;
  constant->length = (guint32) value->length;
}

static void set_value (TallyValue *constant, const IdlType *type, const IdlValue *value);

/* A literal's member: the field's id, then the value. */
static void
set_member (TallyValue *pair,
            const IdlDefinition *definition,
            const IdlValue *key,
            const IdlValue *value)
{
  const IdlField *field = idl_definition_find_member (definition, idl_value_resolve (key)->text);

  pair[0].integer = field->id;
  set_value (&pair[1], field->type, value);
}

/* Of a container or struct; a list is a set's literal too. */
static void
set_items (TallyValue *constant, const IdlType *type, const IdlValue *value)
{
  guint n_items = value->items != NULL ? value->items->len : 0;
  TallyValue *items = n_items > 0 ? cli_tables_alloc (n_items * sizeof *items) : NULL;

  constant->items = items;
  constant->length = n_items;
  for (guint i = 0; i < n_items; i++)
    {
      const IdlValue *item = g_ptr_array_index (value->items, i);

      if (type->kind == IDL_TYPE_NAMED)
        {
          set_member (&items[i], type->definition, item, g_ptr_array_index (value->items, i + 1));
          i++;
        }
      else
        set_value (&items[i], type->kind == IDL_TYPE_MAP && i % 2 == 0 ? type->key : type->element,
                   item);
    }
}

static void
set_value (TallyValue *constant, const IdlType *type, const IdlValue *value)
{
  const IdlType *resolved = idl_type_resolve (type);
  const IdlValue *literal = idl_value_resolve (value);

  switch (resolved->kind)
    {
    case IDL_TYPE_BOOL:
      constant->integer = get_constant_integer (literal) != 0;
      return;
    case IDL_TYPE_DOUBLE:
      constant->number = get_constant_double (literal);
      return;
    case IDL_TYPE_STRING:
    case IDL_TYPE_BINARY:
      set_bytes (constant, literal);
      return;
    case IDL_TYPE_UUID:
      set_uuid (constant, literal);
      return;
    case IDL_TYPE_NAMED:
      if (resolved->definition->kind == IDL_DEFINITION_ENUM)
        constant->integer = get_constant_integer (literal);
      else
        set_items (constant, resolved, literal);
      return;
    case IDL_TYPE_LIST:
    case IDL_TYPE_SET:
    case IDL_TYPE_MAP:
      set_items (constant, resolved, literal);
      return;
    default:
      constant->integer = get_constant_integer (literal);
    }
}

const TallyValue *
cli_constant_new (const IdlType *type, const IdlValue *value)
{
  TallyValue *constant = cli_tables_alloc (sizeof *constant);

  set_value (constant, type, value);
  return constant;
}

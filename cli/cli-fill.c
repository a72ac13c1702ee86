/* Owns how JSON becomes containers, structs and arguments. docs/tally.md has the forms; every error names the place in the
 * text and the field. */
#include "cli-fill.h"

#include <string.h>

#include "cli-place.h"

/* ---- containers ---- */

static gboolean
fill_list (const CliJson *json,
           const TallyType *type,
           gpointer slot,
           const CliPlace *place,
           GError **error)
{
  const TallyType *element = type->element;

  if (json->kind != CLI_JSON_ARRAY)
    return cli_fail_kind (json, type, place, "an array", error);
  for (guint i = 0; i < json->items->len; i++)
    {
      const CliPlace inner = { .outer = place, .index = (gint) i };
      const CliJson *item = g_ptr_array_index (json->items, i);
      gpointer pointer = NULL;

      if (element->storage == TALLY_STORAGE_PLAIN)
        {
          GArray *array = *(GArray **) slot;

          g_array_set_size (array, i + 1);
          if (!cli_fill (item, element, array->data + (gsize) i * element->size, &inner, error))
            return FALSE;
          continue;
        }
      if (!cli_fill (item, element, &pointer, &inner, error))
        return FALSE;
      g_ptr_array_add (*(GPtrArray **) slot, pointer);
    }
  return TRUE;
}

/* What a table stores for a value: numbers on the heap, an enum in the pointer. */
static gboolean
make_cell (const CliJson *json,
           const TallyType *type,
           gpointer *cell,
           const CliPlace *place,
           GError **error)
{
  *cell = NULL;
  if (type->kind == TALLY_KIND_ENUM)
    {
      gint32 number;

      if (!cli_fill (json, type, &number, place, error))
        return FALSE;
      *cell = GINT_TO_POINTER (number);
      return TRUE;
    }
  if (type->storage != TALLY_STORAGE_PLAIN)
    return cli_fill (json, type, cell, place, error);
  *cell = g_malloc0 (type->size);
  if (cli_fill (json, type, *cell, place, error))
    return TRUE;
  g_clear_pointer (cell, g_free);
  return FALSE;
}

static void
free_cell (const TallyType *type, gpointer cell)
{
  if (type->kind == TALLY_KIND_ENUM)
    return;
  if (type->storage == TALLY_STORAGE_PLAIN)
    g_free (cell);
  else
    tally_value_clear (type, &cell);
}

static gboolean
fill_set (const CliJson *json,
          const TallyType *type,
          gpointer slot,
          const CliPlace *place,
          GError **error)
{
  GHashTable *table = *(GHashTable **) slot;

  if (json->kind != CLI_JSON_ARRAY)
    return cli_fail_kind (json, type, place, "an array", error);
  for (guint i = 0; i < json->items->len; i++)
    {
      const CliPlace inner = { .outer = place, .index = (gint) i };
      const CliJson *item = g_ptr_array_index (json->items, i);
      gpointer cell;

      if (!make_cell (item, type->element, &cell, &inner, error))
        return FALSE;
      if (g_hash_table_contains (table, cell))
        {
          free_cell (type->element, cell);
          return cli_fail_value (item, &inner, error, "the set has this element already");
        }
      g_hash_table_add (table, cell);
    }
  return TRUE;
}

static gboolean
add_pair (const CliJson *key,
          const CliJson *value,
          const TallyType *type,
          GHashTable *table,
          const CliPlace *place,
          GError **error)
{
  gpointer key_cell, value_cell;

  if (!make_cell (key, type->key, &key_cell, place, error))
    return FALSE;
  if (g_hash_table_contains (table, key_cell))
    {
      free_cell (type->key, key_cell);
      return cli_fail_value (key, place, error, "the map has this key already");
    }
  if (!make_cell (value, type->element, &value_cell, place, error))
    {
      free_cell (type->key, key_cell);
      return FALSE;
    }
  g_hash_table_insert (table, key_cell, value_cell);
  return TRUE;
}

void
cli_json_read_word (CliJson *json, const TallyType *type)
{
  g_autoptr (CliJson) number = NULL;

  if (type->storage == TALLY_STORAGE_PLAIN && type->kind != TALLY_KIND_UUID)
    number = cli_json_parse ("key", json->text, json->length, NULL);
  if (number != NULL
      && (number->kind == CLI_JSON_INTEGER || number->kind == CLI_JSON_LARGE
          || number->kind == CLI_JSON_DOUBLE
          || (number->kind == CLI_JSON_BOOLEAN && type->kind == TALLY_KIND_BOOL)))
    {
      json->kind = number->kind;
      json->integer = number->integer;
      json->number = number->number;
    }
}

/* A member's name as the value that it says. */
static CliJson *
read_key (const gchar *name, const TallyType *type, const CliJson *value)
{
  CliJson *key = cli_json_new_string (name);

  key->line = value->line;
  key->column = value->column;
  cli_json_read_word (key, type);
  return key;
}

static gboolean
fill_map_of_members (const CliJson *json,
                     const TallyType *type,
                     GHashTable *table,
                     const CliPlace *place,
                     GError **error)
{
  if (type->key->kind >= TALLY_KIND_STRUCT)
    return cli_fail_value (
        json, place, error,
        "a map whose keys are of type %s is written as an array of pairs, [[key, value], ...]",
        cli_describe_type (type->key));
  for (guint i = 0; i < json->items->len; i++)
    {
      const gchar *name = g_ptr_array_index (json->names, i);
      const CliJson *value = g_ptr_array_index (json->items, i);
      g_autofree gchar *quoted = g_strdup_printf ("[\"%s\"]", name);
      const CliPlace inner = { .outer = place, .name = quoted, .index = -1 };
      g_autoptr (CliJson) key = read_key (name, type->key, value);

      if (!add_pair (key, value, type, table, &inner, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
fill_map_of_pairs (const CliJson *json,
                   const TallyType *type,
                   GHashTable *table,
                   const CliPlace *place,
                   GError **error)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const CliPlace inner = { .outer = place, .index = (gint) i };
      const CliJson *pair = g_ptr_array_index (json->items, i);

      if (pair->kind != CLI_JSON_ARRAY || pair->items->len != 2)
        return cli_fail_value (pair, &inner, error, "a pair of a map is written as [key, value]");
      if (!add_pair (g_ptr_array_index (pair->items, 0), g_ptr_array_index (pair->items, 1), type,
                     table, &inner, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
fill_map (const CliJson *json,
          const TallyType *type,
          gpointer slot,
          const CliPlace *place,
          GError **error)
{
  if (json->kind == CLI_JSON_OBJECT)
    return fill_map_of_members (json, type, *(GHashTable **) slot, place, error);
  if (json->kind == CLI_JSON_ARRAY)
    return fill_map_of_pairs (json, type, *(GHashTable **) slot, place, error);
  return cli_fail_kind (json, type, place, "an object, or an array of pairs", error);
}

gpointer
cli_find_cell (const CliJson *json,
               guint index,
               const TallyType *type,
               GHashTable *table,
               const CliJson **value)
{
  const CliJson *item = g_ptr_array_index (json->items, index);
  const gboolean is_pair = json->kind == CLI_JSON_ARRAY;
  g_autoptr (CliJson) word = NULL;
  gpointer key, cell;

  *value = is_pair ? g_ptr_array_index (item->items, 1) : item;
  if (!is_pair)
    word = read_key (g_ptr_array_index (json->names, index), type->key, item);
  if (!make_cell (is_pair ? g_ptr_array_index (item->items, 0) : word, type->key, &key, NULL, NULL))
    return NULL;
  cell = g_hash_table_lookup (table, key);
  free_cell (type->key, key);
  return cell;
}

/* ---- structs ---- */

const TallyField *
cli_find_member (const CliJson *json,
                 guint index,
                 const TallyStructInfo *info,
                 const CliPlace *place,
                 GError **error)
{
  const gchar *name = g_ptr_array_index (json->names, index);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree gchar *known = NULL;

  for (guint i = 0; i < info->n_fields; i++)
    {
      if (g_str_equal (info->fields[i].name, name))
        return &info->fields[i];
      g_ptr_array_add (names, (gpointer) info->fields[i].name);
    }
  known = cli_suggest (name, (const gchar *const *) names->pdata, names->len);
  if (info->form == TALLY_FORM_ARGS)
    cli_fail_value (g_ptr_array_index (json->items, index), place, error,
                    "the method has no argument \"%s\"%s", name, known);
  else
    cli_fail_value (g_ptr_array_index (json->items, index), place, error,
                    "%s has no field \"%s\"%s", info->name, name, known);
  return NULL;
}

gboolean
cli_fill_field (const CliJson *json,
                const TallyField *field,
                gpointer instance,
                const CliPlace *place,
                GError **error)
{
  gpointer slot = (guint8 *) instance + field->offset;

  tally_value_clear (field->type, slot); /* its default */
  if (!cli_fill (json, field->type, slot, place, error))
    return FALSE;
  if (field->isset_offset != TALLY_NO_ISSET)
    *(gboolean *) ((guint8 *) instance + field->isset_offset) = TRUE;
  return TRUE;
}

/* Fills the fields that an object gives, and says in @given, by index, which. null gives nothing. */
static gboolean
fill_members (const CliJson *json,
              const TallyStructInfo *info,
              gpointer instance,
              gboolean *given,
              const CliPlace *place,
              GError **error)
{
  for (guint i = 0; i < json->items->len; i++)
    {
      const TallyField *field = cli_find_member (json, i, info, place, error);
      const CliJson *value = g_ptr_array_index (json->items, i);
      CliPlace inner = { .outer = place, .index = -1 };

      if (field == NULL)
        return FALSE;
      if (value->kind == CLI_JSON_NULL)
        continue;
      inner.name = field->name;
      if (!cli_fill_field (value, field, instance, &inner, error))
        return FALSE;
      given[field - info->fields] = TRUE;
    }
  return TRUE;
}

/* A field that must be given has no default. */
static gboolean
is_due (const TallyStructInfo *info, const TallyField *field)
{
  return field->value == NULL
         && (field->requiredness == TALLY_REQUIRED
             || (info->form == TALLY_FORM_ARGS && field->requiredness == TALLY_DEFAULT));
}

static gboolean
check_given (const CliJson *json,
             const TallyStructInfo *info,
             const gboolean *given,
             const CliPlace *place,
             GError **error)
{
  guint n_given = 0;

  for (guint i = 0; i < info->n_fields; i++)
    {
      n_given += given[i] ? 1 : 0;
      if (given[i] || !is_due (info, &info->fields[i]))
        continue;
      if (info->form == TALLY_FORM_ARGS)
        return cli_fail_value (json, place, error, "the argument \"%s\" (%s) is missing",
                               info->fields[i].name, cli_describe_type (info->fields[i].type));
      return cli_fail_value (json, place, error, "%s's required field \"%s\" (%s) is missing",
                             info->name, info->fields[i].name,
                             cli_describe_type (info->fields[i].type));
    }
  return info->form != TALLY_FORM_UNION || n_given == 1
         || cli_fail_value (json, place, error, "%s is a union: one field is given, not %u",
                            info->name, n_given);
}

static gboolean
fill_fields (const CliJson *json,
             const TallyStructInfo *info,
             gpointer instance,
             const CliPlace *place,
             GError **error)
{
  g_autofree gboolean *given = g_new0 (gboolean, info->n_fields + 1);

  if (json->kind != CLI_JSON_OBJECT)
    return info->form == TALLY_FORM_ARGS
               ? cli_fail_value (json, place, error,
                                 "arguments are written as an object, not as %s",
                                 cli_json_describe (json))
               : cli_fail_kind (json, &info->type, place, "an object", error);
  return fill_members (json, info, instance, given, place, error)
         && check_given (json, info, given, place, error);
}

/* ---- values ---- */

gboolean
cli_fill (const CliJson *json,
          const TallyType *type,
          gpointer slot,
          const CliPlace *place,
          GError **error)
{
  gboolean done;

  if (type->storage == TALLY_STORAGE_PLAIN)
    return cli_fill_plain (json, type, slot, place, error);
  if (type->kind == TALLY_KIND_STRING || type->kind == TALLY_KIND_BINARY)
    return cli_fill_bytes (json, type, slot, place, error);
  tally_value_init (type, NULL, slot);
  if (type->kind == TALLY_KIND_STRUCT)
    done = fill_fields (json, (const TallyStructInfo *) type, *(gpointer *) slot, place, error);
  else if (type->kind == TALLY_KIND_LIST)
    done = fill_list (json, type, slot, place, error);
  else if (type->kind == TALLY_KIND_SET)
    done = fill_set (json, type, slot, place, error);
  else
    done = fill_map (json, type, slot, place, error);
  if (!done)
    tally_value_clear (type, slot);
  return done;
}

gpointer
cli_args_new (const TallyMethod *method, const CliJson *json, const gchar *source, GError **error)
{
  const TallyStructInfo *info = method->args;
  const CliPlace place = { .source = source, .index = -1 };
  gpointer args = g_malloc0 (info->instance_size);

  for (guint i = 0; i < info->n_fields; i++)
    if (info->fields[i].value != NULL)
      tally_value_init (info->fields[i].type, info->fields[i].value,
                        (guint8 *) args + info->fields[i].offset);
  if (fill_fields (json, info, args, &place, error))
    return args;
  cli_args_free (method, args);
  return NULL;
}

void
cli_args_free (const TallyMethod *method, gpointer args)
{
  if (args == NULL)
    return;
  tally_value_clear (&method->args->type, args);
  g_free (args);
}

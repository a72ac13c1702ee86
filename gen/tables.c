/* Writes tables of types and fields. Values are in literals.c. */
#include "tables.h"

#include <string.h>

#include "writer.h"

void
gen_source_init (GenSource *source,
                 const GenNames *names,
                 const GenCycles *cycles,
                 const IdlProgram *program,
                 const gchar *prefix,
                 GString *out)
{
  *source = (GenSource){
    .names = names, .cycles = cycles, .program = program, .prefix = prefix, .out = out
  };
  source->statics = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  source->containers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
gen_source_clear (GenSource *source)
{
  g_hash_table_unref (source->statics);
  g_hash_table_unref (source->containers);
}

gchar *
gen_source_own (const GenSource *source, const gchar *format, ...)
{
  GString *name = g_string_new (source->prefix);
  va_list arguments;

  va_start (arguments, format);
  g_string_append_vprintf (name, format, arguments);
  va_end (arguments);
  return g_string_free (name, FALSE);
}

void
gen_source_reserve (GenSource *source, gchar *name)
{
  g_hash_table_add (source->statics, name);
}

gchar *
gen_source_take (GenSource *source, const gchar *wish)
{
  g_autofree gchar *first = gen_source_own (source, "%s", wish);
  g_autoptr (GString) name = g_string_new (first);

  while (g_hash_table_contains (source->statics, name->str))
    g_string_append_c (name, '_');

  gen_source_reserve (source, g_strdup (name->str));
  return g_strdup (name->str);
}

void
gen_source_close_gap (GenSource *source)
{
  if (source->gap)
    g_string_append_c (source->out, '\n');
  source->gap = FALSE;
}

/* ---- types ---- */

/* The words that stand for a type in the names of container tables, and tally_type_…'s. */
static const gchar *const type_words[] = {
  [IDL_TYPE_BOOL] = "bool",     [IDL_TYPE_I8] = "i8",         [IDL_TYPE_I16] = "i16",
  [IDL_TYPE_I32] = "i32",       [IDL_TYPE_I64] = "i64",       [IDL_TYPE_DOUBLE] = "double",
  [IDL_TYPE_STRING] = "string", [IDL_TYPE_BINARY] = "binary", [IDL_TYPE_UUID] = "uuid",
  [IDL_TYPE_LIST] = "list",     [IDL_TYPE_SET] = "set",       [IDL_TYPE_MAP] = "map",
};

/* The words of nested types can be long and are then cut; what is cut still counts in the key. */
#define MAX_NAME 60

static gboolean
is_container (const IdlType *type)
{
  IdlTypeKind kind = idl_type_resolve (type)->kind;

  return kind == IDL_TYPE_LIST || kind == IDL_TYPE_SET || kind == IDL_TYPE_MAP;
}

/* `map_string_list_point`: unambiguous enough to name a container; two that read the same (a struct
 * called ListI32) are told apart by gen_source_take(). */
static void
append_type_name (const GenSource *source, const IdlType *type, gchar separator, GString *name)
{
  const IdlType *resolved = idl_type_resolve (type);

  if (resolved->kind == IDL_TYPE_NAMED)
    {
      const GenName *definition = gen_names_get (source->names, resolved->definition);

      g_string_append (name, separator != '_' || resolved->definition->program != source->program
                                 ? definition->lower
                                 : definition->local);
      return;
    }

  g_string_append (name, type_words[resolved->kind]);
  if (resolved->key != NULL)
    {
      g_string_append_c (name, separator);
      append_type_name (source, resolved->key, separator, name);
    }
  if (resolved->element != NULL)
    {
      g_string_append_c (name, separator);
      append_type_name (source, resolved->element, separator, name);
    }
}

static gboolean
is_array_element (const IdlType *type)
{
  const IdlType *resolved = idl_type_resolve (type);

  if (resolved->kind == IDL_TYPE_NAMED)
    return resolved->definition->kind == IDL_DEFINITION_ENUM;

  return resolved->kind != IDL_TYPE_STRING && resolved->kind != IDL_TYPE_BINARY
         && !is_container (resolved);
}

static gchar *get_type_table (GenSource *source, const IdlType *type, gboolean is_key);

static void
print_container (GenSource *source, const IdlType *type, const gchar *name, gboolean is_key)
{
  g_autofree gchar *key =
      type->kind == IDL_TYPE_MAP ? get_type_table (source, type->key, TRUE) : NULL;
  g_autofree gchar *element = get_type_table (source, type->element, type->kind == IDL_TYPE_SET);
  const gchar *macro = type->kind == IDL_TYPE_SET         ? "TALLY_SET_OF"
                       : type->kind == IDL_TYPE_MAP       ? "TALLY_MAP_OF"
                       : is_array_element (type->element) ? "TALLY_ARRAY_OF"
                                                          : "TALLY_LIST_OF";
  g_autofree gchar *declaration = g_strdup_printf ("static const TallyType %s", name);
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);

  if (is_key)
    gen_print (source->out, "TALLY_DEFINE_KEY (%s)\n", name);
  if (key != NULL)
    g_ptr_array_add (parameters, g_strdup (key));
  g_ptr_array_add (parameters, g_strdup (element));
  if (is_key)
    {
      g_ptr_array_add (parameters, g_strdup_printf (".hash = %s_hash", name));
      g_ptr_array_add (parameters, g_strdup_printf (".equal = %s_equal", name));
    }
  gen_print_table (source->out, declaration, macro, parameters);
  source->gap = TRUE;
}

/* @is_key: it is a set's element or a map's key, so that a container needs hash and equality. */
static gchar *
get_type_table (GenSource *source, const IdlType *type, gboolean is_key)
{
  const IdlType *resolved = idl_type_resolve (type);

  if (resolved->kind == IDL_TYPE_NAMED)
    return g_strdup_printf ("&%s_info.type",
                            gen_names_get (source->names, resolved->definition)->lower);
  if (!is_container (resolved))
    return g_strdup_printf ("&tally_type_%s", type_words[resolved->kind]);

  g_autoptr (GString) identity = g_string_new (is_key ? "key " : "");

  append_type_name (source, resolved, ' ', identity);

  const gchar *known = g_hash_table_lookup (source->containers, identity->str);

  if (known == NULL)
    {
      g_autoptr (GString) wish = g_string_new (NULL);

      append_type_name (source, resolved, '_', wish);
      g_string_truncate (wish, MIN (wish->len, MAX_NAME));
      g_string_append (wish, is_key ? "_key" : "");

      gchar *name = gen_source_take (source, wish->str);

      print_container (source, resolved, name, is_key);
      g_hash_table_insert (source->containers, g_strdup (identity->str), name);
      known = name;
    }

  return g_strdup_printf ("&%s", known);
}

gchar *
gen_type_table (GenSource *source, const IdlType *type)
{
  return get_type_table (source, type, FALSE);
}

/* ---- fields ---- */

void
gen_print_value (GenSource *source, const gchar *name, const gchar *initializer)
{
  gboolean fits =
      strlen ("static const TallyValue  = ;") + strlen (name) + strlen (initializer) <= GEN_MARGIN;

  gen_print (source->out,
             fits ? "static const TallyValue %s = %s;\n" : "static const TallyValue %s =\n  %s;\n",
             name, initializer);
  source->gap = TRUE;
}

gint
gen_compare_rows (gconstpointer a, gconstpointer b)
{
  const GenRow *first = *(const GenRow *const *) a;
  const GenRow *second = *(const GenRow *const *) b;

  return (first->id > second->id) - (first->id < second->id);
}

/* What TallyField.value points to, written in place; the arrays that it needs are statics. NULL
 * without a default. */
static gchar *
get_default (GenSource *source, const gchar *wish, const GenRow *row)
{
  if (row->value == NULL)
    return NULL;

  g_autofree gchar *base = g_strdup_printf ("%s_%s", wish, row->member);
  g_autofree gchar *initializer = gen_value_initializer (source, row->type, row->value, base);

  return g_strdup_printf (".value = &(const TallyValue) %s", initializer);
}

static void
print_row (GenSource *source,
           const gchar *c_type,
           const GenRow *row,
           const gchar *type,
           const gchar *value)
{
  g_autofree gchar *name = gen_string_literal (row->name, strlen (row->name));
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (parts, g_strdup_printf (".name = %s", name));
  g_ptr_array_add (parts, g_strdup_printf (".id = %d", row->id));
  g_ptr_array_add (parts, g_strdup_printf (".type = %s", type));
  g_ptr_array_add (parts,
                   g_strdup_printf ("TALLY_%s_SLOT (%s, %s)", row->slot, c_type, row->member));
  if (value != NULL)
    g_ptr_array_add (parts, g_strdup (value));
  if (row->starts_null)
    g_ptr_array_add (parts, g_strdup (".starts_null = TRUE"));

  gen_print_braced (source->out, parts);
}

/* @rows' types and defaults as text; the statics that these need are written first. */
static void
list_types_and_values (GenSource *source,
                       const gchar *wish,
                       const GPtrArray *rows,
                       GPtrArray *types,
                       GPtrArray *values)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const GenRow *row = g_ptr_array_index (rows, i);

      g_ptr_array_add (types, gen_type_table (source, row->type));
      g_ptr_array_add (values, get_default (source, wish, row));
    }
  gen_source_close_gap (source);
}

/* A row of a method's arguments or result. */
static void
print_local_row (
    GenSource *source, const gchar *tag, const GenRow *row, const gchar *type, const gchar *value)
{
  gboolean is_same = strcmp (row->name, row->member) == 0;
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (parts, g_strdup (row->slot));
  g_ptr_array_add (parts, g_strdup (tag));
  g_ptr_array_add (parts, g_strdup (row->member));
  if (!is_same)
    g_ptr_array_add (parts, gen_string_literal (row->name, strlen (row->name)));
  g_ptr_array_add (parts, g_strdup_printf ("%d", row->id));
  g_ptr_array_add (parts, g_strdup (type));
  if (value != NULL)
    g_ptr_array_add (parts, g_strdup (value));
  gen_print_call (source->out, is_same ? ",\n  TALLY_ROW " : ",\n  TALLY_ROW_AS ", parts, ")");
}

void
gen_print_local_info (GenSource *source,
                      const gchar *macro,
                      const gchar *tag,
                      const gchar *name,
                      const gchar *wish,
                      const GPtrArray *rows)
{
  g_autoptr (GPtrArray) types = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  list_types_and_values (source, wish, rows, types, values);
  gen_print (source->out, "%s (%s, \"%s\"", macro, tag, name);
  for (guint i = 0; i < rows->len; i++)
    print_local_row (source, tag, g_ptr_array_index (rows, i), g_ptr_array_index (types, i),
                     g_ptr_array_index (values, i));
  g_string_append (source->out, ");\n");
}

void
gen_print_fields (GenSource *source,
                  const gchar *name,
                  const gchar *c_type,
                  const gchar *wish,
                  const GPtrArray *rows)
{
  g_autoptr (GPtrArray) types = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  list_types_and_values (source, wish, rows, types, values);

  gen_print (source->out, "static const TallyField %s[] = {\n", name);
  for (guint i = 0; i < rows->len; i++)
    print_row (source, c_type, g_ptr_array_index (rows, i), g_ptr_array_index (types, i),
               g_ptr_array_index (values, i));
  g_string_append (source->out, "};\n\n");
}

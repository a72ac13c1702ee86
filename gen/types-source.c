/* The types source of a program: the tables of its enums and structs, and its constants. */
#include "parts.h"
#include "writer.h"

static void
print_enum_functions (GenSource *source, const IdlDefinition *definition)
{
  const GenName *name = gen_names_get (source->names, definition);
  GString *out = source->out;

  if (definition->members->len == 0)
    gen_print (out, "const TallyEnumInfo %s_info = TALLY_EMPTY_ENUM_INFO (\"%s\");\n\n",
               name->lower, definition->node.name);
  else
    {
      g_autofree gchar *wish = g_strdup_printf ("%s_values", name->local);
      g_autofree gchar *values = gen_source_take (source, wish);

      gen_print (out, "static const TallyEnumValue %s[] = {\n", values);
      for (guint i = 0; i < definition->members->len; i++)
        {
          const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
          const gchar *c_name = gen_names_get (source->names, enumerator)->upper;

          gen_print (out, "  { %s, \"%s\", \"%s\" },\n", c_name, enumerator->node.name, c_name);
        }
      g_autofree gchar *declaration = g_strdup_printf ("const TallyEnumInfo %s_info", name->lower);
      g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);

      g_ptr_array_add (parameters, g_strdup_printf ("\"%s\"", definition->node.name));
      g_ptr_array_add (parameters, g_strdup (name->type));
      g_ptr_array_add (parameters, g_strdup (values));
      g_string_append (out, "};\n");
      gen_print_table (out, declaration, "TALLY_ENUM_INFO", parameters);
      g_string_append_c (out, '\n');
    }

  gen_print (out,
             "const gchar *\n%s_to_string (gint value)\n"
             "{\n"
             "  return tally_enum_to_string (&%s_info, value);\n"
             "}\n\n",
             name->lower, name->lower);
}

/* ---- structs ---- */

static const gchar *
get_slot (const IdlDefinition *definition, const IdlField *field)
{
  if (definition->kind == IDL_DEFINITION_UNION)
    return "OPTIONAL";

  return field->requiredness == IDL_REQUIRED   ? "REQUIRED"
         : field->requiredness == IDL_OPTIONAL ? "OPTIONAL"
                                               : "DEFAULT";
}

static GPtrArray *
list_rows (GenSource *source, const IdlDefinition *definition)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      GenRow *row = g_new0 (GenRow, 1);

      row->name = field->node.name;
      row->member = gen_names_get (source->names, field)->member;
      row->id = field->id;
      row->type = field->type;
      row->value = field->value;
      row->slot = get_slot (definition, field);
      row->starts_null = gen_cycles_contain (source->cycles, definition, field->type);
      g_ptr_array_add (rows, row);
    }

  g_ptr_array_sort (rows, gen_compare_rows);
  return rows;
}

static void
print_info (GenSource *source, const IdlDefinition *definition, const gchar *fields)
{
  const GenName *name = gen_names_get (source->names, definition);
  gboolean exception = definition->kind == IDL_DEFINITION_EXCEPTION;
  const gchar *form =
      definition->kind == IDL_DEFINITION_UNION ? "TALLY_FORM_UNION" : "TALLY_FORM_STRUCT";
  g_autofree gchar *declaration = g_strdup_printf ("const TallyStructInfo %s_info", name->lower);
  g_autofree gchar *macro = g_strdup_printf ("TALLY_%s%s_INFO", fields == NULL ? "EMPTY_" : "",
                                             exception ? "EXCEPTION" : "STRUCT");
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);

  if (!exception)
    g_ptr_array_add (parameters, g_strdup (form));
  g_ptr_array_add (parameters, g_strdup_printf ("\"%s\"", definition->node.name));
  g_ptr_array_add (parameters, g_strdup (name->type));
  g_ptr_array_add (parameters, g_strdup (name->lower));
  if (fields != NULL)
    g_ptr_array_add (parameters, g_strdup (fields));
  gen_print_table (source->out, declaration, macro, parameters);
  gen_print (source->out, "TALLY_DEFINE_STRUCT (%s, %s)\n", name->type, name->lower);

  if (exception)
    gen_print (source->out, "TALLY_DEFINE_ERROR (%s)\n", name->lower);
  g_string_append_c (source->out, '\n');
}

static void
print_struct_tables (GenSource *source, const IdlDefinition *definition)
{
  const GenName *name = gen_names_get (source->names, definition);
  g_autofree gchar *wish = g_strdup_printf ("%s_fields", name->local);

  if (definition->members->len == 0)
    {
      print_info (source, definition, NULL);
      return;
    }

  g_autofree gchar *fields = gen_source_take (source, wish);
  g_autoptr (GPtrArray) rows = list_rows (source, definition);

  gen_print_fields (source, fields, name->type, name->local, rows);
  /* The table and what is made of it belong together. */
  g_string_truncate (source->out, source->out->len - 1);
  print_info (source, definition, fields);
}

/* Whether the file itself must mention something that it declares as deprecated. */
static gboolean
has_deprecated_type (const IdlProgram *program)
{
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (gen_get_deprecated (&definition->node) != NULL)
        return TRUE;
      for (guint j = 0; definition->members != NULL && j < definition->members->len; j++)
        if (gen_get_deprecated (g_ptr_array_index (definition->members, j)) != NULL)
          return TRUE;
    }

  return FALSE;
}

void
gen_print_types_source (GenSource *source)
{
  const IdlProgram *program = source->program;

  gen_print_banner (program, source->out);
  gen_print (source->out, "#include \"%s.h\"\n\n", gen_names_get_file (source->names, program));
  if (has_deprecated_type (program))
    g_string_append (source->out, "G_GNUC_BEGIN_IGNORE_DEPRECATIONS\n\n");

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_ENUM)
        print_enum_functions (source, definition);
      else if (gen_is_struct (definition))
        print_struct_tables (source, definition);
    }
  gen_print_constant_definitions (source);

  if (has_deprecated_type (program))
    g_string_append (source->out, "G_GNUC_END_IGNORE_DEPRECATIONS\n");
}

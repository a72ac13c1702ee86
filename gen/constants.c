/* The constants of a program: macros for what a C literal can say, functions that build the rest
 * once. */
#include "ctype.h"
#include "parts.h"
#include "writer.h"

/* Whether a constant of @type is built by a function; binary has that besides Apache's string. */
static gboolean
has_function (const IdlType *type)
{
  return gen_ctype_is_pointer (type) && idl_type_resolve (type)->kind != IDL_TYPE_STRING;
}

static gchar *
get_uuid_body (const IdlValue *value)
{
  GString *body = g_string_new ("((TallyUuid) { { ");
  guint8 bytes[16];

  gen_parse_uuid (idl_value_resolve (value), bytes);
  for (guint i = 0; i < sizeof bytes; i++)
    gen_print (body, "%s0x%02x", i == 0 ? "" : ", ", bytes[i]);
  g_string_append (body, " } })");
  return g_string_free (body, FALSE);
}

/* What the macro of @constant stands for. */
static gchar *
get_body (const GenNames *names, const IdlDefinition *constant)
{
  const IdlType *type = idl_type_resolve (constant->type);

  if (has_function (type) && type->kind != IDL_TYPE_BINARY)
    return g_strdup_printf ("(%s_constant ())", gen_names_get (names, constant)->lower);

  g_autofree gchar *literal = gen_scalar_literal (names, type, constant->value);

  switch (type->kind)
    {
    case IDL_TYPE_STRING:
    case IDL_TYPE_BINARY:
      return g_strdup_printf ("g_strdup (%s)", literal);
    case IDL_TYPE_UUID:
      return get_uuid_body (constant->value);
    default:
      return g_steal_pointer (&literal);
    }
}

static void
print_declaration (const GenNames *names, const IdlDefinition *constant, GString *out)
{
  const GenName *name = gen_names_get (names, constant);
  g_autofree gchar *body = get_body (names, constant);

  gen_print_doc (out, name->upper, constant->node.doc, NULL, gen_get_deprecated (&constant->node));
  if (has_function (constant->type))
    {
      g_autofree gchar *type = gen_ctype_slot (names, constant->type);

      gen_print (out, "%s%s_constant (void);\n", type, name->lower);
    }
  gen_print_define (out, name->upper, body);
}

void
gen_print_constant_declarations (const GenNames *names, const IdlProgram *program, GString *out)
{
  gsize before = out->len;

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_CONST)
        print_declaration (names, definition, out);
    }

  if (out->len > before)
    g_string_append_c (out, '\n');
}

static void
print_definition (GenSource *source, const IdlDefinition *constant)
{
  const GenName *name = gen_names_get (source->names, constant);
  g_autofree gchar *type = gen_ctype_slot (source->names, constant->type);
  g_autofree gchar *table = gen_type_table (source, constant->type);
  g_autofree gchar *initializer =
      gen_value_initializer (source, constant->type, constant->value, name->local);
  g_autofree gchar *wish = g_strdup_printf ("%s_value", name->local);
  g_autofree gchar *value = gen_source_take (source, wish);

  gen_print_value (source, value, initializer);
  gen_source_close_gap (source);
  gen_print (source->out,
             "%s\n%s_constant (void)\n"
             "{\n"
             "  static gsize once;\n\n"
             "  return tally_constant_get (&once, %s, &%s);\n"
             "}\n\n",
             type, name->lower, table, value);
}

void
gen_print_constant_definitions (GenSource *source)
{
  for (guint i = 0; i < source->program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (source->program->definitions, i);

      if (definition->kind == IDL_DEFINITION_CONST && has_function (definition->type))
        print_definition (source, definition);
    }
}

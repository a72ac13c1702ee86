/* The types header of a program: its enums, typedefs, structs and constants as C declares them. */
#include <string.h>

#include "ctype.h"
#include "parts.h"
#include "writer.h"

/* C compilers take a header that is nested less than 200 deep (gcc), so a long chain of includes is
 * cut at every file that stands a multiple of this above the chain's end: what is above includes it
 * straight. */
#define CHAIN_LENGTH 50

/* How far @program is from the end of the longest chain of includes that it begins. Each program of
 * @depths is before those that include it. */
static guint
get_depth (const IdlProgram *program, GHashTable *depths)
{
  guint depth = 0;

  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);

      guint below = GPOINTER_TO_UINT (g_hash_table_lookup (depths, include->program));

      depth = MAX (depth, below);
    }
  return depth + 1;
}

/* Enters what @program includes, and what that includes, the ends of chains first. */
static void
collect_depths (const IdlProgram *program, GHashTable *depths, GPtrArray *order)
{
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);

      if (!g_hash_table_contains (depths, include->program))
        collect_depths (include->program, depths, order);
    }
  g_hash_table_insert (depths, (gpointer) program, GUINT_TO_POINTER (get_depth (program, depths)));
  g_ptr_array_add (order, (gpointer) program);
}

/* Where the chains below @program are cut. */
static void
print_cuts (const GenNames *names, const IdlProgram *program, GString *out)
{
  g_autoptr (GHashTable) depths = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) order = g_ptr_array_new ();

  collect_depths (program, depths, order);
  for (guint i = 0; i + 1 < order->len; i++)
    {
      const IdlProgram *included = g_ptr_array_index (order, i);

      if (GPOINTER_TO_UINT (g_hash_table_lookup (depths, included)) % CHAIN_LENGTH == 0)
        gen_print (out, "#include \"%s.h\"\n", gen_names_get_file (names, included));
    }
}

static void
print_includes (const GenNames *names, const IdlProgram *program, GString *out)
{
  g_string_append (out, "#include <tally.h>\n\n");
  print_cuts (names, program, out);
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);

      gen_print (out, "#include \"%s.h\"\n", gen_names_get_file (names, include->program));
    }
  if (program->includes->len > 0)
    g_string_append_c (out, '\n');
}

/* A file name of a cpp_include: `<vector>` stands for itself. */
static void
print_foreign_includes (const GPtrArray *paths, GString *out)
{
  for (guint i = 0; i < paths->len; i++)
    {
      const gchar *path = g_ptr_array_index (paths, i);

      gen_print (out, *path == '<' ? "#include %s\n" : "#include \"%s\"\n", path);
    }
}

static void
print_all_foreign_includes (const IdlProgram *program, GString *out)
{
  if (program->c_includes->len > 0)
    {
      print_foreign_includes (program->c_includes, out);
      g_string_append_c (out, '\n');
    }
  if (program->cpp_includes->len > 0)
    {
      g_string_append (out, "#ifdef __cplusplus\n");
      print_foreign_includes (program->cpp_includes, out);
      g_string_append (out, "#endif\n\n");
    }
}

/* ---- enums and typedefs ---- */

static void
print_enumerators (const GenNames *names, const IdlDefinition *definition, GString *out)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      g_autofree gchar *value = gen_integer_literal (enumerator->value);

      gen_print (out, "  %s%s = %s%s\n", gen_names_get (names, enumerator)->upper,
                 gen_get_deprecated (&enumerator->node) != NULL ? " G_GNUC_DEPRECATED" : "", value,
                 i == definition->members->len - 1 ? "" : ",");
    }
}

static void
print_enum (const GenNames *names, const IdlDefinition *definition, GString *out)
{
  const GenName *name = gen_names_get (names, definition);
  const gchar *word = definition->node.name;
  g_autoptr (GPtrArray) docs = g_ptr_array_new ();

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);

      g_ptr_array_add (docs, (gpointer) gen_names_get (names, enumerator)->upper);
      g_ptr_array_add (docs, (gpointer) enumerator->node.doc);
    }
  gen_print_doc (out, name->type, definition->node.doc, docs,
                 gen_get_deprecated (&definition->node));

  if (definition->members->len == 0)
    gen_print (out, "typedef gint32 %s;\n", name->type);
  else
    {
      gen_print (out, "typedef enum _%s\n{\n", name->type);
      print_enumerators (names, definition, out);
      gen_print (out, "} %s;\n", name->type);
    }

  gen_print (out, "extern const TallyEnumInfo %s_info;\n", name->lower);
  gen_print (out, "const gchar *%s_to_string (gint value);\n", name->lower);
  gen_print (out, "#ifndef toString_%s\n#define toString_%s %s_to_string\n#endif\n\n", word, word,
             name->lower);
}

/* C wants a typedef's target first; IDL does not. @done: of the typedefs that are written. */
static void
print_typedef (const GenNames *names,
               const IdlDefinition *definition,
               GHashTable *done,
               GString *out)
{
  const IdlDefinition *target = definition->type->definition;

  if (!g_hash_table_add (done, (gpointer) definition))
    return;
  if (target != NULL && target->kind == IDL_DEFINITION_TYPEDEF
      && target->program == definition->program)
    print_typedef (names, target, done, out);

  const GenName *name = gen_names_get (names, definition);
  g_autofree gchar *alias = gen_ctype_alias (names, definition->type);
  g_autofree gchar *declaration = gen_declare (alias, name->type);

  gen_print_doc (out, name->type, definition->node.doc, NULL,
                 gen_get_deprecated (&definition->node));
  gen_print (out, "typedef %s;\n", declaration);
}

/* ---- structs ---- */

static void
print_members (const GenNames *names, const IdlDefinition *definition, GString *out)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      const GenName *name = gen_names_get (names, field);
      g_autofree gchar *type = gen_ctype_slot (names, field->type);
      g_autofree gchar *member = gen_get_member (name);
      g_autofree gchar *declaration = gen_declare (type, member);

      if (i == 0)
        g_string_append_c (out, '\n');
      gen_print (out, "  %s%s;\n", declaration,
                 gen_get_deprecated (&field->node) != NULL ? " G_GNUC_DEPRECATED" : "");
      if (field->requiredness != IDL_REQUIRED || definition->kind == IDL_DEFINITION_UNION)
        gen_print (out, "  gboolean __isset_%s;\n", name->member);
    }
}

static void
print_struct_doc (const GenNames *names, const IdlDefinition *definition, GString *out)
{
  g_autoptr (GPtrArray) docs = g_ptr_array_new ();

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);

      g_ptr_array_add (docs, (gpointer) gen_names_get (names, field)->member);
      g_ptr_array_add (docs, (gpointer) field->node.doc);
    }
  gen_print_doc (out, gen_names_get (names, definition)->type, definition->node.doc, docs,
                 gen_get_deprecated (&definition->node));
}

/* Apache's macros for casts and checks, the class's included. */
static void
print_struct_macros (const GenName *name, GString *out)
{
  const gchar *type = name->type, *space = name->space, *bare = name->bare;

  gen_print (out, "#define %sTYPE_%s (%s_get_type ())\n", space, bare, name->lower);

  const struct
  {
    const gchar *format;
    const gchar *check;
    const gchar *argument;
    const gchar *suffix;
  } macros[] = {
    { "%s%s(obj)", "INSTANCE_CAST", "(obj)", "" },
    { "%s%s_CLASS(c)", "CLASS_CAST", "(c)", "Class" },
    { "%sIS_%s(obj)", "INSTANCE_TYPE", "(obj)", NULL },
    { "%sIS_%s_CLASS(c)", "CLASS_TYPE", "(c)", NULL },
    { "%s%s_GET_CLASS(obj)", "INSTANCE_GET_CLASS", "(obj)", "Class" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (macros); i++)
    {
      const gchar *get = strcmp (macros[i].check, "INSTANCE_GET_CLASS") == 0 ? "" : "CHECK_";
      g_autofree gchar *head = g_strdup_printf (macros[i].format, space, bare);
      g_autoptr (GString) body = g_string_new (NULL);

      gen_print (body, "(G_TYPE_%s%s (%s, %sTYPE_%s", get, macros[i].check, macros[i].argument,
                 space, bare);
      if (macros[i].suffix != NULL)
        gen_print (body, ", %s%s", type, macros[i].suffix);
      g_string_append (body, "))");
      gen_print_define (out, head, body->str);
    }
}

static void
print_struct (const GenNames *names, const IdlDefinition *definition, GString *out)
{
  const GenName *name = gen_names_get (names, definition);

  print_struct_doc (names, definition, out);
  gen_print (out, "struct _%s\n{\n  ThriftStruct parent;\n", name->type);
  print_members (names, definition, out);
  gen_print (out, "};\ntypedef TallyStructClass %sClass;\n\n", name->type);

  print_struct_macros (name, out);
  gen_print (out, "GType %s_get_type (void)%s;\n", name->lower,
             gen_get_deprecated (&definition->node) != NULL ? " G_GNUC_DEPRECATED" : "");
  gen_print (out, "extern const TallyStructInfo %s_info;\n", name->lower);
  gen_print (out, "G_DEFINE_AUTOPTR_CLEANUP_FUNC (%s, g_object_unref)\n\n", name->type);

  if (definition->kind == IDL_DEFINITION_EXCEPTION)
    {
      gen_print (out, "typedef enum\n{\n  %s_ERROR_CODE\n} %sError;\n", name->upper, name->type);
      gen_print (out, "#define %s_ERROR (%s_error_quark ())\n", name->upper, name->lower);
      gen_print (out, "GQuark %s_error_quark (void);\n\n", name->lower);
    }
}

/* ---- the header ---- */

static void
print_forward_declarations (const GenNames *names, const IdlProgram *program, GString *out)
{
  gsize before = out->len;

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (gen_is_struct (definition))
        {
          const gchar *type = gen_names_get (names, definition)->type;

          gen_print (out, "typedef struct _%s %s;\n", type, type);
        }
    }

  if (out->len > before)
    g_string_append_c (out, '\n');
}

static void
print_typedefs (const GenNames *names, const IdlProgram *program, GString *out)
{
  g_autoptr (GHashTable) done = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_TYPEDEF)
        print_typedef (names, definition, done, out);
    }

  if (g_hash_table_size (done) > 0)
    g_string_append_c (out, '\n');
}

void
gen_print_types_header (const GenNames *names, const IdlProgram *program, GString *out)
{
  gen_print_banner (program, out);
  if (program->doc != NULL)
    gen_print_comment (out, program->doc);

  g_autofree gchar *guard = gen_print_guard (gen_names_get_file (names, program), out);

  print_includes (names, program, out);
  print_all_foreign_includes (program, out);
  g_string_append (out, "G_BEGIN_DECLS\n\n");
  print_forward_declarations (names, program, out);

  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_ENUM)
        print_enum (names, definition, out);
    }
  print_typedefs (names, program, out);
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (gen_is_struct (definition))
        print_struct (names, definition, out);
    }
  gen_print_constant_declarations (names, program, out);

  gen_print (out, "G_END_DECLS\n\n#endif /* %s */\n", guard);
}

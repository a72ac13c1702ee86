/* Gives every node of the model its C names, each free in the scope where it stands. */
#include "cnames.h"

#include <string.h>

#include "cnames-private.h"
#include "identifiers.h"

gchar *
gen_initial_caps_to_underscores (const gchar *name)
{
  GString *result = g_string_new (NULL);

  for (const gchar *c = name; *c != '\0'; c++)
    {
      if (c > name && g_ascii_isupper (*c))
        g_string_append_c (result, '_');
      g_string_append_c (result, g_ascii_tolower (*c));
    }

  return g_string_free (result, FALSE);
}

const gchar *
gen_names_keep (GenNames *names, gchar *text)
{
  const gchar *kept = g_string_chunk_insert_const (names->strings, text);

  g_free (text);
  return kept;
}

static const gchar *
keep_upper (GenNames *names, const gchar *text)
{
  return gen_names_keep (names, g_ascii_strup (text, -1));
}

void
gen_names_add_rename (GenNames *names,
                      const IdlNode *node,
                      const gchar *what,
                      const gchar *name,
                      const gchar *reason,
                      const gchar *instead)
{
  const GenRename rename = { node, g_strdup_printf ("%s'%s' is '%s' in C: %s is %s", what,
                                                    node->name, instead, name, reason) };

  g_array_append_val (names->renames, rename);
}

void
gen_names_add_clash (GenNames *names,
                     const IdlNode *node,
                     const GenClash *clash,
                     const gchar *instead)
{
  g_autofree gchar *reason = gen_clash_describe (clash);

  gen_names_add_rename (names, node, "", clash->name, reason, instead);
}

/* ---- definitions ---- */

static void
fill_definition_name (GenNames *names,
                      const GenSpace *space,
                      IdlDefinitionKind kind,
                      const gchar *word,
                      GenName *name)
{
  g_autofree gchar *lower = kind == IDL_DEFINITION_CONST ? g_ascii_strdown (word, -1)
                                                         : gen_initial_caps_to_underscores (word);

  name->type = KEEP (names, "%s%s", space->type, word);
  name->lower = KEEP (names, "%s%s", space->lower, lower);
  name->local = KEEP (names, "%s", lower);
  name->space = space->upper;
  name->bare = keep_upper (names, lower);
  name->upper = KEEP (names, "%s%s", space->upper, name->bare);
}

static void
name_definition (GenNames *names, const GenSpace *space, const IdlDefinition *definition)
{
  g_autoptr (GString) word = g_string_new (definition->node.name);
  GenName *name = g_new0 (GenName, 1);
  GenClash first = { NULL };

  for (;; g_string_append_c (word, '_'))
    {
      GenClash clash;

      fill_definition_name (names, space, definition->kind, word->str, name);

      g_autoptr (GArray) identifiers =
          gen_list_identifiers (names->strings, definition->kind, name);

      if (gen_scope_take (space->scope, identifiers, &definition->node, &clash))
        break;
      if (first.name == NULL)
        first = clash;
    }

  g_hash_table_insert (names->names, (gpointer) definition, name);
  if (first.name != NULL)
    gen_names_add_clash (names, &definition->node, &first,
                         definition->kind == IDL_DEFINITION_CONST ? name->upper : name->type);
}

const gchar *
gen_names_take_alone (GenNames *names,
                      const GenSpace *space,
                      const IdlNode *node,
                      GenTaken kind,
                      const gchar *name,
                      GenClash *first)
{
  g_autoptr (GArray) identifiers = g_array_new (FALSE, FALSE, sizeof (GenIdentifier));

  for (;; name = KEEP (names, "%s_", name))
    {
      const GenIdentifier identifier = { name, kind };
      GenClash clash;

      g_array_set_size (identifiers, 0);
      g_array_append_val (identifiers, identifier);
      if (gen_scope_take (space->scope, identifiers, node, &clash))
        return name;
      if (first->name == NULL)
        *first = clash;
    }
}

static void
name_enumerators (GenNames *names, const GenSpace *space, const IdlDefinition *definition)
{
  const GenName *owner = gen_names_get (names, definition);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);
      GenClash first = { NULL };

      name->upper =
          gen_names_take_alone (names, space, &enumerator->node, GEN_TAKEN_VALUE,
                                KEEP (names, "%s_%s", owner->upper, enumerator->node.name), &first);
      g_hash_table_insert (names->names, (gpointer) enumerator, name);
      if (first.name != NULL)
        gen_names_add_clash (names, &enumerator->node, &first, name->upper);
    }
}

/* ---- members and parameters ---- */

static const gchar *
get_instance_reason (const gchar *word)
{
  return strcmp (word, "parent") == 0 ? "the first member of every struct" : NULL;
}

static const gchar *
get_parameter_reason (const gchar *word)
{
  if (gen_is_mentioned_type (word))
    return "a type that generated functions use";
  return gen_is_own_local (word) ? "used in generated functions" : NULL;
}

static const gchar *
get_exception_reason (const gchar *word)
{
  if (strcmp (word, "success") == 0 || strcmp (word, "__isset_success") == 0)
    return "what a method returns";
  return get_parameter_reason (word);
}

#define ALWAYS_TAKEN (GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_KEYWORD)
static const GenMemberRule field_rule = { ALWAYS_TAKEN, GEN_TAKEN_OBJECT_MACRO,
                                          get_instance_reason };
/* A parenthesis follows where it is called. */
const GenMemberRule gen_vfunc_rule = { ALWAYS_TAKEN | GEN_TAKEN_FUNCTION_MACRO,
                                       GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_FUNCTION_MACRO,
                                       get_instance_reason };
const GenMemberRule gen_argument_rule = { ALWAYS_TAKEN | GEN_TAKEN_CXX_KEYWORD,
                                          GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE,
                                          get_parameter_reason };
const GenMemberRule gen_exception_rule = { ALWAYS_TAKEN | GEN_TAKEN_CXX_KEYWORD,
                                           GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE,
                                           get_exception_reason };
/* For a name that only C++ sees; it follows one that C can have. */
static const GenMemberRule cxx_rule = { ALWAYS_TAKEN,
                                        GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE | GEN_TAKEN_TAG,
                                        NULL };

/* (transfer full) (nullable): what @word is, where a member of @rule cannot be called so. */
static gchar *
find_reason (const GenSpace *space,
             GHashTable *siblings,
             const GenMemberRule *rule,
             const gchar *word)
{
  g_autofree gchar *isset = g_strconcat ("__isset_", word, NULL);
  const gchar *reason = rule->get_reason != NULL ? rule->get_reason (word) : NULL;
  GenClash clash;

  if (reason != NULL)
    return g_strdup (reason);
  if (g_hash_table_contains (siblings, word) || g_hash_table_contains (siblings, isset))
    return g_strdup ("taken by what stands before it");
  if (gen_scope_find_taken (word, rule->taken, &clash)
      || gen_scope_find_defined (space->scope, word, rule->defined, &clash))
    return gen_clash_describe (&clash);
  return NULL;
}

const gchar *
gen_names_take_member (GenNames *names,
                       const GenSpace *space,
                       GHashTable *siblings,
                       const GenMemberRule *rule,
                       const IdlNode *node,
                       const gchar *what,
                       const gchar *word)
{
  const gchar *member = KEEP (names, "%s", word);
  g_autofree gchar *first = find_reason (space, siblings, rule, member);
  g_autofree gchar *reason = g_strdup (first);

  while (reason != NULL)
    {
      member = KEEP (names, "%s_", member);
      g_free (reason);
      reason = find_reason (space, siblings, rule, member);
    }

  g_hash_table_add (siblings, (gpointer) member);
  g_hash_table_add (siblings, (gpointer) KEEP (names, "__isset_%s", member));
  if (node != NULL && first != NULL)
    gen_names_add_rename (names, node, what, word, first, member);
  return member;
}

void
gen_names_take_for_cxx (GenNames *names, const GenSpace *space, GHashTable *siblings, GenName *name)
{
  if (!gen_scope_find_taken (name->member, GEN_TAKEN_CXX_KEYWORD, NULL)
      && !gen_scope_find_defined (space->scope, name->member, GEN_TAKEN_TYPE | GEN_TAKEN_TAG, NULL)
      && !gen_is_mentioned_type (name->member))
    return;

  g_autofree gchar *wish = g_strconcat (name->member, "_", NULL);

  name->cxx = gen_names_take_member (names, space, siblings, &cxx_rule, NULL, "", wish);
}

static void
name_fields (GenNames *names, const GenSpace *space, const IdlDefinition *definition)
{
  g_autoptr (GHashTable) siblings = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);

      name->member = gen_names_take_member (names, space, siblings, &field_rule, &field->node, "",
                                            field->node.name);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }

  for (guint i = 0; i < definition->members->len; i++)
    gen_names_take_for_cxx (names, space, siblings,
                            g_hash_table_lookup (names->names,
                                                 g_ptr_array_index (definition->members, i)));
}

/* ---- programs ---- */

/* A namespace as it stands in C: `foo.bar` is `foo_bar`. */
static gchar *
get_namespace (const IdlProgram *program)
{
  gchar *space = g_strdup (idl_program_get_namespace (program, "c_glib"));

  return g_strcanon (space, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
}

static GenSpace *
space_new (GenNames *names, const IdlProgram *program)
{
  GenSpace *space = g_new0 (GenSpace, 1);
  g_autofree gchar *name = get_namespace (program);
  g_autofree gchar *lower = gen_initial_caps_to_underscores (name);
  g_autofree gchar *program_lower = gen_initial_caps_to_underscores (program->name);

  space->scope = g_hash_table_lookup (names->scopes, program);
  space->type = KEEP (names, "%s", name);
  space->lower = *name == '\0' ? "" : KEEP (names, "%s_", lower);
  space->upper = keep_upper (names, space->lower);
  space->file = KEEP (names, "%s%s_types", space->lower, program_lower);
  return space;
}

static gboolean
is_struct (IdlDefinitionKind kind)
{
  return kind == IDL_DEFINITION_STRUCT || kind == IDL_DEFINITION_UNION
         || kind == IDL_DEFINITION_EXCEPTION;
}

/* Of two definitions that clash the one of the earlier rank keeps its name. */
static guint
get_rank (IdlDefinitionKind kind)
{
  switch (kind)
    {
    case IDL_DEFINITION_SERVICE:
      return 2;
    case IDL_DEFINITION_CONST:
      return 3;
    case IDL_DEFINITION_ENUM:
    case IDL_DEFINITION_TYPEDEF:
      return 1;
    default:
      return 0;
    }
}

static void
name_program (GenNames *names, const IdlProgram *program)
{
  const GenSpace *space = g_hash_table_lookup (names->spaces, program);

  for (guint rank = 0; rank <= 3; rank++)
    for (guint i = 0; i < program->definitions->len; i++)
      {
        const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

        if (get_rank (definition->kind) != rank)
          continue;
        name_definition (names, space, definition);
        if (definition->kind == IDL_DEFINITION_ENUM)
          name_enumerators (names, space, definition);
      }

  /* Last, because they must not hide any of the above. */
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (is_struct (definition->kind))
        name_fields (names, space, definition);
      else if (definition->kind == IDL_DEFINITION_SERVICE)
        gen_names_name_functions (names, space, definition);
    }
}

static void
name_program_calls (GenNames *names, const IdlProgram *program)
{
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (definition->kind == IDL_DEFINITION_SERVICE)
        gen_names_name_calls (names, g_hash_table_lookup (names->spaces, program), definition);
    }
}

/* Once all identifiers are known. */
static void
take_prefixes (GenNames *names, const IdlProgram *program)
{
  GenSpace *space = g_hash_table_lookup (names->spaces, program);

  space->local =
      gen_names_keep (names, gen_scopes_take_prefix (names->scopes, program, space->file));
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);
      GenName *name = g_hash_table_lookup (names->names, definition);

      if (definition->kind == IDL_DEFINITION_SERVICE)
        name->local =
            gen_names_keep (names, gen_scopes_take_prefix (names->scopes, program, name->lower));
    }
}

static void
name_free (gpointer data)
{
  GenName *name = data;

  if (name->calls != NULL)
    g_free (name->calls->later);
  g_free (name->calls);
  g_free (name);
}

static void
rename_clear (gpointer data)
{
  g_free (((GenRename *) data)->message);
}

GenNames *
gen_names_new (const GPtrArray *programs)
{
  GenNames *names = g_new0 (GenNames, 1);

  names->strings = g_string_chunk_new (4096);
  names->names = g_hash_table_new_full (NULL, NULL, NULL, name_free);
  names->scopes = gen_scopes_new (programs);
  names->spaces = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names->renames = g_array_new (FALSE, FALSE, sizeof (GenRename));
  g_array_set_clear_func (names->renames, rename_clear);

  for (guint i = 0; i < programs->len; i++)
    g_hash_table_insert (names->spaces, g_ptr_array_index (programs, i),
                         space_new (names, g_ptr_array_index (programs, i)));
  for (guint i = 0; i < programs->len; i++)
    name_program (names, g_ptr_array_index (programs, i));
  for (guint i = 0; i < programs->len; i++)
    name_program_calls (names, g_ptr_array_index (programs, i));
  for (guint i = 0; i < programs->len; i++)
    take_prefixes (names, g_ptr_array_index (programs, i));

  return names;
}

void
gen_names_free (GenNames *names)
{
  g_hash_table_unref (names->names);
  g_hash_table_unref (names->spaces);
  g_hash_table_unref (names->scopes);
  g_array_unref (names->renames);
  g_string_chunk_free (names->strings);
  g_free (names);
}

const GenName *
gen_names_get (const GenNames *names, gconstpointer node)
{
  const GenName *name = g_hash_table_lookup (names->names, node);

  g_assert (name != NULL);
  return name;
}

const gchar *
gen_names_get_file (const GenNames *names, const IdlProgram *program)
{
  const GenSpace *space = g_hash_table_lookup (names->spaces, program);

  return space->file;
}

const gchar *
gen_names_get_prefix (const GenNames *names, const IdlProgram *program)
{
  const GenSpace *space = g_hash_table_lookup (names->spaces, program);

  return space->local;
}

void
gen_names_report (const GenNames *names, IdlDiagnostics *diagnostics)
{
  for (guint i = 0; i < names->renames->len; i++)
    {
      const GenRename *rename = &g_array_index (names->renames, GenRename, i);

      idl_diagnostics_add (diagnostics, IDL_RULE_C_WORD, IDL_WARNING, &rename->node->location, "%s",
                           rename->message);
    }
}

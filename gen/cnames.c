/* Gives every node of the model its C names, each free in the scope where it stands. */
#include "cnames.h"

#include <string.h>

#include "identifiers.h"
#include "scope.h"

/* A program's place among C's names. */
typedef struct
{
  GenScope *scope;
  const gchar *type;  /* TTest */
  const gchar *lower; /* t_test_ */
  const gchar *upper; /* T_TEST_ */
  const gchar *file;  /* t_test_thrift_test_types */
  const gchar *local; /* t_test_thrift_test_types__ */
} Space;

/* A name that C has otherwise, and why. */
typedef struct
{
  const IdlNode *node;
  gchar *message;
} Rename;

struct _GenNames
{
  GStringChunk *strings;
  GHashTable *names;  /* of node to GenName */
  GHashTable *scopes; /* of IdlProgram to GenScope */
  GHashTable *spaces; /* of IdlProgram to Space */
  GArray *renames;    /* of Rename */
};

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

static const gchar *
keep (GenNames *names, gchar *text)
{
  const gchar *kept = g_string_chunk_insert_const (names->strings, text);

  g_free (text);
  return kept;
}

#define KEEP(names, ...) keep ((names), g_strdup_printf (__VA_ARGS__))

static const gchar *
keep_upper (GenNames *names, const gchar *text)
{
  return keep (names, g_ascii_strup (text, -1));
}

/* @what: of @node, empty where it is its own name. @reason: what @name is. */
static void
add_rename (GenNames *names,
            const IdlNode *node,
            const gchar *what,
            const gchar *name,
            const gchar *reason,
            const gchar *instead)
{
  const Rename rename = { node, g_strdup_printf ("%s'%s' is '%s' in C: %s is %s", what, node->name,
                                                 instead, name, reason) };

  g_array_append_val (names->renames, rename);
}

static void
add_clash (GenNames *names, const IdlNode *node, const GenClash *clash, const gchar *instead)
{
  g_autofree gchar *reason = gen_clash_describe (clash);

  add_rename (names, node, "", clash->name, reason, instead);
}

/* ---- definitions ---- */

static void
fill_definition_name (
    GenNames *names, const Space *space, IdlDefinitionKind kind, const gchar *word, GenName *name)
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
name_definition (GenNames *names, const Space *space, const IdlDefinition *definition)
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
    add_clash (names, &definition->node, &first,
               definition->kind == IDL_DEFINITION_CONST ? name->upper : name->type);
}

/* Takes @name, which is a @kind, for @node, or else with a `_` behind it, or another; fills @first
 * when it is not the first one. */
static const gchar *
take_alone (GenNames *names,
            const Space *space,
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
name_enumerators (GenNames *names, const Space *space, const IdlDefinition *definition)
{
  const GenName *owner = gen_names_get (names, definition);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);
      GenClash first = { NULL };

      name->upper = take_alone (names, space, &enumerator->node, GEN_TAKEN_VALUE,
                                KEEP (names, "%s_%s", owner->upper, enumerator->node.name), &first);
      g_hash_table_insert (names->names, (gpointer) enumerator, name);
      if (first.name != NULL)
        add_clash (names, &enumerator->node, &first, name->upper);
    }
}

/* ---- members and parameters ---- */

/* Which names a member or parameter cannot have, each a set of GenTaken, besides those of its
 * siblings. @get_reason: (nullable): of other names that are refused says what they are; it must let
 * through what ends with enough of `_`. */
typedef struct
{
  guint taken;
  guint defined;
  const gchar *(*get_reason) (const gchar *word);
} MemberRule;

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
static const MemberRule field_rule = { ALWAYS_TAKEN, GEN_TAKEN_OBJECT_MACRO, get_instance_reason };
/* A parenthesis follows where it is called. */
static const MemberRule vfunc_rule = { ALWAYS_TAKEN | GEN_TAKEN_FUNCTION_MACRO,
                                       GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_FUNCTION_MACRO,
                                       get_instance_reason };
static const MemberRule argument_rule = { ALWAYS_TAKEN | GEN_TAKEN_CXX_KEYWORD,
                                          GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE,
                                          get_parameter_reason };
static const MemberRule exception_rule = { ALWAYS_TAKEN | GEN_TAKEN_CXX_KEYWORD,
                                           GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE,
                                           get_exception_reason };
/* For a name that only C++ sees; it follows one that C can have. */
static const MemberRule cxx_rule = { ALWAYS_TAKEN,
                                     GEN_TAKEN_OBJECT_MACRO | GEN_TAKEN_TYPE | GEN_TAKEN_TAG,
                                     NULL };

/* (transfer full) (nullable): what @word is, where a member of @rule cannot be called so. */
static gchar *
find_reason (const Space *space, GHashTable *siblings, const MemberRule *rule, const gchar *word)
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

/* The first of @word, word_, word__, … that @rule allows beside @siblings, to which it is added with
 * its __isset_. @node: (nullable): whose other name is to be reported. */
static const gchar *
take_member (GenNames *names,
             const Space *space,
             GHashTable *siblings,
             const MemberRule *rule,
             const IdlNode *node,
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
    add_rename (names, node, "", word, first, member);
  return member;
}

/* In C++ a member may neither be called like a keyword nor like its class nor like a type that its class
 * mentions: then it has another name there, which none of @siblings, which are complete, has. */
static void
name_for_cxx (GenNames *names, const Space *space, GHashTable *siblings, GenName *name)
{
  if (!gen_scope_find_taken (name->member, GEN_TAKEN_CXX_KEYWORD, NULL)
      && !gen_scope_find_defined (space->scope, name->member, GEN_TAKEN_TYPE | GEN_TAKEN_TAG, NULL)
      && !gen_is_mentioned_type (name->member))
    return;

  g_autofree gchar *wish = g_strconcat (name->member, "_", NULL);

  name->cxx = take_member (names, space, siblings, &cxx_rule, NULL, wish);
}

static void
name_fields (GenNames *names, const Space *space, const IdlDefinition *definition)
{
  g_autoptr (GHashTable) siblings = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);

      name->member =
          take_member (names, space, siblings, &field_rule, &field->node, field->node.name);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }

  for (guint i = 0; i < definition->members->len; i++)
    name_for_cxx (names, space, siblings,
                  g_hash_table_lookup (names->names, g_ptr_array_index (definition->members, i)));
}

static void
name_parameters (GenNames *names,
                 const Space *space,
                 const MemberRule *rule,
                 const GPtrArray *fields,
                 GHashTable *siblings)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      GenName *name = g_new0 (GenName, 1);

      name->member = take_member (names, space, siblings, rule, &field->node, field->node.name);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }
}

/* ---- methods ---- */

static void
name_function (GenNames *names,
               const Space *space,
               const GenName *service,
               const IdlFunction *function)
{
  static const gchar *const parts[] = { "if", "client", "client_send", "client_recv", "handler" };
  g_autoptr (GArray) identifiers = g_array_new (FALSE, FALSE, sizeof (GenIdentifier));
  g_autofree gchar *lower = gen_initial_caps_to_underscores (function->node.name);
  GenName *name = g_new0 (GenName, 1);
  GenClash first = { NULL };

  for (name->lower = KEEP (names, "%s", lower);; name->lower = KEEP (names, "%s_", name->lower))
    {
      GenClash clash;

      g_array_set_size (identifiers, 0);
      for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        {
          const GenIdentifier identifier = {
            KEEP (names, "%s_%s_%s", service->lower, parts[i], name->lower), GEN_TAKEN_FUNCTION
          };

          g_array_append_val (identifiers, identifier);
        }
      if (gen_scope_take (space->scope, identifiers, &function->node, &clash))
        break;
      if (first.name == NULL)
        first = clash;
    }

  g_hash_table_insert (names->names, (gpointer) function, name);
  if (first.name != NULL)
    add_clash (names, &function->node, &first, name->lower);
}

/* What Apache's compiler has no function for: it gives way to all that it has, so that no method is called
 * otherwise because of it. */
static void
name_call_with (GenNames *names,
                const Space *space,
                const GenName *service,
                const IdlFunction *function)
{
  GenName *name = g_hash_table_lookup (names->names, function);
  GenClash first = { NULL };

  name->with = take_alone (names, space, &function->node, GEN_TAKEN_FUNCTION,
                           KEEP (names, "%s_client_%s_with", service->lower, name->lower), &first);
  if (first.name != NULL)
    {
      g_autofree gchar *reason = gen_clash_describe (&first);

      add_rename (names, &function->node, "the call with options of ", first.name, reason,
                  name->with);
    }
}

static void
name_functions (GenNames *names, const Space *space, const IdlDefinition *service)
{
  const GenName *service_name = gen_names_get (names, service);
  g_autoptr (GHashTable) vfuncs = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GHashTable) siblings = g_hash_table_new (g_str_hash, g_str_equal);

      name_function (names, space, service_name, function);

      GenName *name = g_hash_table_lookup (names->names, function);

      name->member = take_member (names, space, vfuncs, &vfunc_rule, &function->node, name->lower);
      name_parameters (names, space, &argument_rule, function->arguments, siblings);
      name_parameters (names, space, &exception_rule, function->throws, siblings);
      name->client = take_member (names, space, siblings, &argument_rule, NULL, "client");
      name->options = take_member (names, space, siblings, &argument_rule, NULL, "options");
    }

  for (guint i = 0; i < service->members->len; i++)
    name_call_with (names, space, service_name, g_ptr_array_index (service->members, i));
  for (guint i = 0; i < service->members->len; i++)
    name_for_cxx (names, space, vfuncs,
                  g_hash_table_lookup (names->names, g_ptr_array_index (service->members, i)));
}

/* ---- programs ---- */

/* A namespace as it stands in C: `foo.bar` is `foo_bar`. */
static gchar *
get_namespace (const IdlProgram *program)
{
  gchar *space = g_strdup (idl_program_get_namespace (program, "c_glib"));

  return g_strcanon (space, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
}

static Space *
space_new (GenNames *names, const IdlProgram *program)
{
  Space *space = g_new0 (Space, 1);
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
  const Space *space = g_hash_table_lookup (names->spaces, program);

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
        name_functions (names, space, definition);
    }
}

/* Once all identifiers are known. */
static void
take_prefixes (GenNames *names, const IdlProgram *program)
{
  Space *space = g_hash_table_lookup (names->spaces, program);

  space->local = keep (names, gen_scopes_take_prefix (names->scopes, program, space->file));
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);
      GenName *name = g_hash_table_lookup (names->names, definition);

      if (definition->kind == IDL_DEFINITION_SERVICE)
        name->local = keep (names, gen_scopes_take_prefix (names->scopes, program, name->lower));
    }
}

static void
rename_clear (gpointer data)
{
  g_free (((Rename *) data)->message);
}

GenNames *
gen_names_new (const GPtrArray *programs)
{
  GenNames *names = g_new0 (GenNames, 1);

  names->strings = g_string_chunk_new (4096);
  names->names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names->scopes = gen_scopes_new (programs);
  names->spaces = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names->renames = g_array_new (FALSE, FALSE, sizeof (Rename));
  g_array_set_clear_func (names->renames, rename_clear);

  for (guint i = 0; i < programs->len; i++)
    g_hash_table_insert (names->spaces, g_ptr_array_index (programs, i),
                         space_new (names, g_ptr_array_index (programs, i)));
  for (guint i = 0; i < programs->len; i++)
    name_program (names, g_ptr_array_index (programs, i));
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
  const Space *space = g_hash_table_lookup (names->spaces, program);

  return space->file;
}

const gchar *
gen_names_get_prefix (const GenNames *names, const IdlProgram *program)
{
  const Space *space = g_hash_table_lookup (names->spaces, program);

  return space->local;
}

void
gen_names_report (const GenNames *names, IdlDiagnostics *diagnostics)
{
  for (guint i = 0; i < names->renames->len; i++)
    {
      const Rename *rename = &g_array_index (names->renames, Rename, i);

      idl_diagnostics_add (diagnostics, IDL_RULE_C_WORD, IDL_WARNING, &rename->node->location, "%s",
                           rename->message);
    }
}

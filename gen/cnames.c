/* Gives every node of the model its C names. It knows which identifiers each kind of definition brings
 * about, but not how they are written down. */
#include "cnames.h"

#include <string.h>

#include "reserved.h"

/* The identifiers of one program, and the scopes of all programs that it sees. */
typedef struct
{
  GHashTable *taken;   /* of const gchar * */
  GPtrArray *visible;  /* of Scope: every program included, directly or not */
  const gchar *type;   /* TTest */
  const gchar *lower;  /* t_test_ */
  const gchar *upper;  /* T_TEST_ */
  const gchar *file;   /* t_test_thrift_test_types */
} Scope;

struct _GenNames
{
  GStringChunk *strings;
  GHashTable *names;   /* of node to GenName */
  GHashTable *scopes;  /* of IdlProgram to Scope */
};

static void
scope_free (gpointer data)
{
  Scope *scope = data;

  g_hash_table_unref (scope->taken);
  g_ptr_array_unref (scope->visible);
  g_free (scope);
}

GenNames *
gen_names_new (void)
{
  GenNames *names = g_new0 (GenNames, 1);

  names->strings = g_string_chunk_new (4096);
  names->names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names->scopes = g_hash_table_new_full (NULL, NULL, NULL, scope_free);
  return names;
}

void
gen_names_free (GenNames *names)
{
  g_hash_table_unref (names->names);
  g_hash_table_unref (names->scopes);
  g_string_chunk_free (names->strings);
  g_free (names);
}

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

/* Whether @scope or one that it sees defines @identifier. */
static gboolean
scope_defines (const Scope *scope, const gchar *identifier)
{
  if (g_hash_table_contains (scope->taken, identifier))
    return TRUE;

  for (guint i = 0; i < scope->visible->len; i++)
    {
      const Scope *other = g_ptr_array_index (scope->visible, i);

      if (g_hash_table_contains (other->taken, identifier))
        return TRUE;
    }

  return FALSE;
}

static gboolean
scope_has (const Scope *scope, const gchar *identifier)
{
  return gen_is_reserved (identifier) || gen_is_cxx_keyword (identifier) || gen_is_global (identifier)
         || scope_defines (scope, identifier);
}

/* ---- what a definition brings about ---- */

static void
add_struct_identifiers (GenNames *names, const GenName *name, gboolean exception, GPtrArray *list)
{
  const gchar *space = name->space, *bare = name->bare;

  g_ptr_array_add (list, (gpointer) name->type);
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sClass", name->type));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_get_type", name->lower));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_info", name->lower));
  g_ptr_array_add (list, (gpointer) name->upper);
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sTYPE_%s", space, bare));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_CLASS", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sIS_%s", space, bare));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sIS_%s_CLASS", space, bare));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_GET_CLASS", name->upper));
  if (!exception)
    return;
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sError", name->type));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_ERROR", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_ERROR_CODE", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_error_quark", name->lower));
}

static void
add_service_identifiers (GenNames *names, const GenName *name, GPtrArray *list)
{
  static const gchar *const parts[][2] = { { "If", "IF" }, { "Client", "CLIENT" },
                                           { "Handler", "HANDLER" }, { "Processor", "PROCESSOR" } };

  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_service", name->lower));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_client_new", name->lower));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%sIfInterface", name->type));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_IF_GET_INTERFACE", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_IS_CLIENT", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_IS_CLIENT_CLASS", name->upper));
  g_ptr_array_add (list, (gpointer) KEEP (names, "%s_H", name->upper));

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      const gchar *type = parts[i][0], *upper = parts[i][1];
      g_autofree gchar *lower = g_ascii_strdown (upper, -1);

      g_ptr_array_add (list, (gpointer) KEEP (names, "%s%s", name->type, type));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s%sClass", name->type, type));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_%s_get_type", name->lower, lower));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%sTYPE_%s_%s", name->space, name->bare, upper));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_%s", name->upper, upper));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_%s_CLASS", name->upper, upper));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_%s_GET_CLASS", name->upper, upper));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%sIS_%s_%s", name->space, name->bare, upper));
      g_ptr_array_add (list,
                       (gpointer) KEEP (names, "%sIS_%s_%s_CLASS", name->space, name->bare, upper));
    }
}

/* (element-type const gchar *): all identifiers that a definition of @kind called @name defines. */
static GPtrArray *
list_identifiers (GenNames *names, IdlDefinitionKind kind, const GenName *name)
{
  GPtrArray *list = g_ptr_array_new ();

  switch (kind)
    {
    case IDL_DEFINITION_ENUM:
      g_ptr_array_add (list, (gpointer) name->type);
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_to_string", name->lower));
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_info", name->lower));
      break;
    case IDL_DEFINITION_TYPEDEF:
      g_ptr_array_add (list, (gpointer) name->type);
      break;
    case IDL_DEFINITION_STRUCT:
    case IDL_DEFINITION_UNION:
    case IDL_DEFINITION_EXCEPTION:
      add_struct_identifiers (names, name, kind == IDL_DEFINITION_EXCEPTION, list);
      break;
    case IDL_DEFINITION_SERVICE:
      add_service_identifiers (names, name, list);
      break;
    case IDL_DEFINITION_CONST:
      g_ptr_array_add (list, (gpointer) name->upper);
      g_ptr_array_add (list, (gpointer) KEEP (names, "%s_constant", name->lower));
      break;
    }

  return list;
}

/* Takes all of @identifiers when none of them is taken. */
static gboolean
scope_take (Scope *scope, const GPtrArray *identifiers)
{
  for (guint i = 0; i < identifiers->len; i++)
    if (scope_has (scope, g_ptr_array_index (identifiers, i)))
      return FALSE;

  for (guint i = 0; i < identifiers->len; i++)
    g_hash_table_add (scope->taken, g_ptr_array_index (identifiers, i));

  return TRUE;
}

/* ---- definitions ---- */

static void
fill_definition_name (GenNames *names, const Scope *scope, IdlDefinitionKind kind, const gchar *word,
                      GenName *name)
{
  g_autofree gchar *lower = kind == IDL_DEFINITION_CONST ? g_ascii_strdown (word, -1)
                                                         : gen_initial_caps_to_underscores (word);

  name->type = KEEP (names, "%s%s", scope->type, word);
  name->lower = KEEP (names, "%s%s", scope->lower, lower);
  name->local = KEEP (names, "%s", lower);
  name->space = scope->upper;
  name->bare = keep_upper (names, lower);
  name->upper = KEEP (names, "%s%s", scope->upper, name->bare);
}

static void
name_definition (GenNames *names, Scope *scope, const IdlDefinition *definition)
{
  g_autoptr (GString) word = g_string_new (definition->node.name);
  GenName *name = g_new0 (GenName, 1);

  for (;; g_string_append_c (word, '_'))
    {
      fill_definition_name (names, scope, definition->kind, word->str, name);

      g_autoptr (GPtrArray) identifiers = list_identifiers (names, definition->kind, name);

      if (scope_take (scope, identifiers))
        break;
    }

  g_hash_table_insert (names->names, (gpointer) definition, name);
}

static void
name_enumerators (GenNames *names, Scope *scope, const IdlDefinition *definition)
{
  const GenName *owner = gen_names_get (names, definition);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);

      name->upper = KEEP (names, "%s_%s", owner->upper, enumerator->node.name);
      while (scope_has (scope, name->upper))
        name->upper = KEEP (names, "%s_", name->upper);

      g_hash_table_add (scope->taken, (gpointer) name->upper);
      g_hash_table_insert (names->names, (gpointer) enumerator, name);
    }
}

/* ---- members and parameters ---- */

/* The first of word, word_, word__, … that is neither in @local nor refused; added to @local. */
static const gchar *
take_member (GenNames *names, GHashTable *local, const gchar *word, gboolean (*refused) (const gchar *))
{
  const gchar *member = KEEP (names, "%s", word);

  while (gen_is_reserved (member) || refused (member) || g_hash_table_contains (local, member))
    member = KEEP (names, "%s_", member);

  g_hash_table_add (local, (gpointer) member);
  return member;
}

static gboolean
is_instance_member (const gchar *word)
{
  return strcmp (word, "parent") == 0 || g_str_has_prefix (word, "__isset_");
}

/* Our macros are in capitals: a member of such a name would be expanded. */
static gboolean
is_macro (const Scope *scope, const gchar *word)
{
  g_autofree gchar *upper = g_ascii_strup (word, -1);

  return strcmp (word, upper) == 0 && scope_defines (scope, word);
}

static void
name_fields (GenNames *names, const Scope *scope, const IdlDefinition *definition)
{
  g_autoptr (GHashTable) local = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlField *field = g_ptr_array_index (definition->members, i);
      GenName *name = g_new0 (GenName, 1);

      do
        name->member = take_member (names, local, field->node.name, is_instance_member);
      while (is_macro (scope, name->member));
      /* In C++ a member may not have the name of a type that its class mentions either. */
      name->cxx = gen_is_cxx_keyword (name->member) || scope_defines (scope, name->member)
                  || gen_is_type (name->member);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }
}

static gboolean
is_function_local (const gchar *word)
{
  return gen_is_cxx_keyword (word) || gen_is_type (word) || gen_is_own_parameter (word);
}

static void
name_parameters (GenNames *names, const Scope *scope, const GPtrArray *fields, GHashTable *local)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      GenName *name = g_new0 (GenName, 1);

      do
        name->member = take_member (names, local, field->node.name, is_function_local);
      while (scope_defines (scope, name->member));

      g_hash_table_insert (names->names, (gpointer) field, name);
    }
}

/* ---- methods ---- */

/* `test_void` is TestVoid in the types that are local to a service's file. */
static gchar *
underscores_to_caps (const gchar *lower)
{
  GString *result = g_string_new (NULL);

  for (const gchar *c = lower; *c != '\0'; c++)
    if (*c == '_' && g_ascii_isalpha (c[1]) && c > lower)
      g_string_append_c (result, g_ascii_toupper (*++c));
    else
      g_string_append_c (result, c == lower ? g_ascii_toupper (*c) : *c);

  return g_string_free (result, FALSE);
}

static void
name_function (GenNames *names, Scope *scope, const GenName *service, const IdlFunction *function,
               GHashTable *types)
{
  static const gchar *const parts[] = { "if", "client", "client_send", "client_recv", "handler" };
  g_autofree gchar *lower = gen_initial_caps_to_underscores (function->node.name);
  GenName *name = g_new0 (GenName, 1);
  gboolean taken;

  name->lower = KEEP (names, "%s", lower);
  do
    {
      g_autoptr (GPtrArray) identifiers = g_ptr_array_new ();

      for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        g_ptr_array_add (identifiers, (gpointer) KEEP (names, "%s_%s_%s", service->lower, parts[i],
                                                       name->lower));

      taken = scope_take (scope, identifiers);
      if (!taken)
        name->lower = KEEP (names, "%s_", name->lower);
    }
  while (!taken);

  name->bare = keep_upper (names, name->lower);
  name->local = name->lower;
  while (scope_has (scope, KEEP (names, "%s_args_info", name->local))
         || scope_has (scope, KEEP (names, "%s_result_info", name->local)))
    name->local = KEEP (names, "%s_", name->local);
  name->type = keep (names, underscores_to_caps (name->lower));
  while (g_hash_table_contains (types, name->type)
         || scope_has (scope, KEEP (names, "%sArgs", name->type))
         || scope_has (scope, KEEP (names, "%sResult", name->type)))
    name->type = KEEP (names, "%s_", name->type);
  g_hash_table_add (types, (gpointer) name->type);

  g_hash_table_insert (names->names, (gpointer) function, name);
}

static void
name_functions (GenNames *names, Scope *scope, const IdlDefinition *service)
{
  const GenName *service_name = gen_names_get (names, service);
  g_autoptr (GHashTable) vfuncs = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) types = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GHashTable) local = g_hash_table_new (g_str_hash, g_str_equal);

      name_function (names, scope, service_name, function, types);

      GenName *name = g_hash_table_lookup (names->names, function);

      name->member = take_member (names, vfuncs, name->lower, is_instance_member);
      name->cxx = gen_is_cxx_keyword (name->member);
      name_parameters (names, scope, function->arguments, local);
      name_parameters (names, scope, function->throws, local);
    }
}

/* ---- programs ---- */

/* A namespace as it stands in C: `foo.bar` is `foo_bar`. */
static gchar *
get_namespace (const IdlProgram *program)
{
  gchar *space = g_strdup (idl_program_get_namespace (program, "c_glib"));

  return g_strcanon (space, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
}

static Scope *
scope_new (GenNames *names, const IdlProgram *program)
{
  Scope *scope = g_new0 (Scope, 1);
  g_autofree gchar *space = get_namespace (program);
  g_autofree gchar *space_lower = gen_initial_caps_to_underscores (space);
  g_autofree gchar *program_lower = gen_initial_caps_to_underscores (program->name);

  scope->taken = g_hash_table_new (g_str_hash, g_str_equal);
  scope->visible = g_ptr_array_new ();
  scope->type = KEEP (names, "%s", space);
  scope->lower = *space == '\0' ? "" : KEEP (names, "%s_", space_lower);
  scope->upper = keep_upper (names, scope->lower);
  scope->file = KEEP (names, "%s%s_types", scope->lower, program_lower);
  return scope;
}

static void
scope_see (Scope *scope, Scope *other)
{
  if (!g_ptr_array_find (scope->visible, other, NULL))
    g_ptr_array_add (scope->visible, other);
}

static void
scope_see_includes (GenNames *names, Scope *scope, const IdlProgram *program)
{
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);
      Scope *other = g_hash_table_lookup (names->scopes, include->program);

      scope_see (scope, other);
      for (guint j = 0; j < other->visible->len; j++)
        scope_see (scope, g_ptr_array_index (other->visible, j));
    }
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

void
gen_names_add (GenNames *names, const IdlProgram *program)
{
  if (g_hash_table_contains (names->scopes, program))
    return;

  Scope *scope = scope_new (names, program);

  g_hash_table_insert (names->scopes, (gpointer) program, scope);
  scope_see_includes (names, scope, program);

  for (guint rank = 0; rank <= 3; rank++)
    for (guint i = 0; i < program->definitions->len; i++)
      {
        const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

        if (get_rank (definition->kind) != rank)
          continue;
        name_definition (names, scope, definition);
        if (definition->kind == IDL_DEFINITION_ENUM)
          name_enumerators (names, scope, definition);
      }

  /* Last, because they must not hide any of the above. */
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

      if (is_struct (definition->kind))
        name_fields (names, scope, definition);
      else if (definition->kind == IDL_DEFINITION_SERVICE)
        name_functions (names, scope, definition);
    }
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
  const Scope *scope = g_hash_table_lookup (names->scopes, program);

  return scope->file;
}

gboolean
gen_names_is_taken (const GenNames *names, const IdlProgram *program, const gchar *identifier)
{
  return scope_has (g_hash_table_lookup (names->scopes, program), identifier);
}

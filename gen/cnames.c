/* Gives every node of the model its C names, each free in the scope where it stands. */
#include "cnames.h"

#include <string.h>

#include "identifiers.h"
#include "reserved.h"

/* The identifiers of one program, and the scopes of all programs that it sees. */
typedef struct
{
  GHashTable *taken;    /* of const gchar *; may be shared by all */
  GHashTable *visible;  /* of Scope: what C can see beside this one */
  GHashTable *prefixes; /* that of GenNames */
  const gchar *type;    /* TTest */
  const gchar *lower;   /* t_test_ */
  const gchar *upper;   /* T_TEST_ */
  const gchar *file;    /* t_test_thrift_test_types */
  const gchar *local;   /* t_test_thrift_test_types__ */
} Scope;

struct _GenNames
{
  GStringChunk *strings;
  GHashTable *names;    /* of node to GenName */
  GHashTable *scopes;   /* of IdlProgram to Scope */
  GHashTable *prefixes; /* of gchar *: beginnings of identifiers, up to and with two `_` or more */
};

static void
scope_free (gpointer data)
{
  Scope *scope = data;

  g_hash_table_unref (scope->taken);
  g_hash_table_unref (scope->visible);
  g_free (scope);
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

  GHashTableIter iter;
  gpointer other;

  g_hash_table_iter_init (&iter, scope->visible);
  while (g_hash_table_iter_next (&iter, &other, NULL))
    if (g_hash_table_contains (((const Scope *) other)->taken, identifier))
      return TRUE;

  return FALSE;
}

static gboolean
scope_has (const Scope *scope, const gchar *identifier)
{
  return gen_is_reserved (identifier) || gen_is_cxx_keyword (identifier)
         || gen_is_global (identifier) || gen_is_header_type (identifier)
         || scope_defines (scope, identifier);
}

/* Remembers each beginning of @identifier that could be the prefix of names local to a file. */
static void
note_prefixes (GHashTable *prefixes, const gchar *identifier)
{
  for (const gchar *at = strstr (identifier, "__"); at != NULL; at = strstr (at + 1, "__"))
    g_hash_table_add (prefixes, g_strndup (identifier, (gsize) (at + 2 - identifier)));
}

static void
scope_add (Scope *scope, const gchar *identifier)
{
  g_hash_table_add (scope->taken, (gpointer) identifier);
  note_prefixes (scope->prefixes, identifier);
}

/* Takes all of @identifiers when none of them is taken. */
static gboolean
scope_take (Scope *scope, const GPtrArray *identifiers)
{
  for (guint i = 0; i < identifiers->len; i++)
    if (scope_has (scope, g_ptr_array_index (identifiers, i)))
      return FALSE;

  for (guint i = 0; i < identifiers->len; i++)
    scope_add (scope, g_ptr_array_index (identifiers, i));

  return TRUE;
}

/* ---- definitions ---- */

static void
fill_definition_name (
    GenNames *names, const Scope *scope, IdlDefinitionKind kind, const gchar *word, GenName *name)
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

      g_autoptr (GPtrArray) identifiers =
          gen_list_identifiers (names->strings, definition->kind, name);

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

      scope_add (scope, name->upper);
      g_hash_table_insert (names->names, (gpointer) enumerator, name);
    }
}

/* ---- members and parameters ---- */

/* The first of word, word_, word__, … that neither is in @local nor has its __isset_ there nor is
 * refused; both are added to @local. @refused must let through what ends with enough of `_`. */
static const gchar *
take_member (GenNames *names,
             GHashTable *local,
             const gchar *word,
             gboolean (*refused) (const gchar *))
{
  const gchar *member = KEEP (names, "%s", word);
  const gchar *isset = KEEP (names, "__isset_%s", member);

  while (gen_is_reserved (member) || refused (member) || g_hash_table_contains (local, member)
         || g_hash_table_contains (local, isset))
    {
      member = KEEP (names, "%s_", member);
      isset = KEEP (names, "__isset_%s", member);
    }

  g_hash_table_add (local, (gpointer) member);
  g_hash_table_add (local, (gpointer) isset);
  return member;
}

static gboolean
is_instance_member (const gchar *word)
{
  return strcmp (word, "parent") == 0;
}

/* Our macros are in capitals: a member of such a name would be expanded. */
static gboolean
is_macro (const Scope *scope, const gchar *word)
{
  g_autofree gchar *upper = g_ascii_strup (word, -1);

  return strcmp (word, upper) == 0 && scope_defines (scope, word);
}

static gboolean
is_never_refused (const gchar *word)
{
  return FALSE;
}

/* Gives @name another name for C++, which none of its siblings in @local has, nor any type; they are
 * complete. */
static void
name_for_cxx (GenNames *names, const Scope *scope, GHashTable *local, GenName *name)
{
  name->cxx = name->member;
  do
    name->cxx = take_member (names, local, KEEP (names, "%s_", name->cxx), is_never_refused);
  while (scope_defines (scope, name->cxx));
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
      g_hash_table_insert (names->names, (gpointer) field, name);
    }

  for (guint i = 0; i < definition->members->len; i++)
    {
      GenName *name =
          g_hash_table_lookup (names->names, g_ptr_array_index (definition->members, i));

      /* In C++ a member may not have the name of a type that its class mentions either. */
      if (gen_is_cxx_keyword (name->member) || scope_defines (scope, name->member)
          || gen_is_type (name->member))
        name_for_cxx (names, scope, local, name);
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

static void
name_function (GenNames *names, Scope *scope, const GenName *service, const IdlFunction *function)
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

  g_hash_table_insert (names->names, (gpointer) function, name);
}

static void
name_functions (GenNames *names, Scope *scope, const IdlDefinition *service)
{
  const GenName *service_name = gen_names_get (names, service);
  g_autoptr (GHashTable) vfuncs = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GHashTable) local = g_hash_table_new (g_str_hash, g_str_equal);

      name_function (names, scope, service_name, function);

      GenName *name = g_hash_table_lookup (names->names, function);

      name->member = take_member (names, vfuncs, name->lower, is_instance_member);
      name_parameters (names, scope, function->arguments, local);
      name_parameters (names, scope, function->throws, local);
    }

  for (guint i = 0; i < service->members->len; i++)
    {
      GenName *name = g_hash_table_lookup (names->names, g_ptr_array_index (service->members, i));

      if (gen_is_cxx_keyword (name->member))
        name_for_cxx (names, scope, vfuncs, name);
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

/* @shared: (nullable): what is taken in all scopes alike. */
static Scope *
scope_new (GenNames *names, const IdlProgram *program, GHashTable *shared)
{
  Scope *scope = g_new0 (Scope, 1);
  g_autofree gchar *space = get_namespace (program);
  g_autofree gchar *space_lower = gen_initial_caps_to_underscores (space);
  g_autofree gchar *program_lower = gen_initial_caps_to_underscores (program->name);

  scope->taken =
      shared != NULL ? g_hash_table_ref (shared) : g_hash_table_new (g_str_hash, g_str_equal);
  scope->visible = g_hash_table_new (NULL, NULL);
  scope->prefixes = names->prefixes;
  scope->type = KEEP (names, "%s", space);
  scope->lower = *space == '\0' ? "" : KEEP (names, "%s_", space_lower);
  scope->upper = keep_upper (names, scope->lower);
  scope->file = KEEP (names, "%s%s_types", scope->lower, program_lower);
  return scope;
}

/* (element-type IdlProgram) (transfer full): those of @programs that none of the others includes.
 */
static GPtrArray *
find_roots (const GPtrArray *programs)
{
  g_autoptr (GHashTable) included = g_hash_table_new (NULL, NULL);
  GPtrArray *roots = g_ptr_array_new ();

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      for (guint j = 0; j < program->includes->len; j++)
        {
          const IdlInclude *include = g_ptr_array_index (program->includes, j);

          g_hash_table_add (included, include->program);
        }
    }
  for (guint i = 0; i < programs->len; i++)
    if (!g_hash_table_contains (included, g_ptr_array_index (programs, i)))
      g_ptr_array_add (roots, g_ptr_array_index (programs, i));

  return roots;
}

/* (element-type Scope) (transfer full): @root's and those of all that it includes, at any depth. */
static GPtrArray *
list_seen (GenNames *names, const IdlProgram *root)
{
  g_autoptr (GPtrArray) programs = g_ptr_array_new ();
  g_autoptr (GHashTable) known = g_hash_table_new (NULL, NULL);
  GPtrArray *scopes = g_ptr_array_new ();

  g_ptr_array_add (programs, (gpointer) root);
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      g_ptr_array_add (scopes, g_hash_table_lookup (names->scopes, program));
      for (guint j = 0; j < program->includes->len; j++)
        {
          const IdlInclude *include = g_ptr_array_index (program->includes, j);

          if (g_hash_table_add (known, include->program))
            g_ptr_array_add (programs, include->program);
        }
    }

  return scopes;
}

/* Makes the scopes of @programs, each seeing all that C will see beside it in any one file: what it
 * includes, what includes it, and what these include. With one root that is everything. */
static void
make_scopes (GenNames *names, const GPtrArray *programs)
{
  g_autoptr (GPtrArray) roots = find_roots (programs);
  g_autoptr (GHashTable) shared =
      roots->len == 1 ? g_hash_table_new (g_str_hash, g_str_equal) : NULL;

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      g_hash_table_insert (names->scopes, (gpointer) program, scope_new (names, program, shared));
    }

  for (guint i = 0; shared == NULL && i < roots->len; i++)
    {
      g_autoptr (GPtrArray) seen = list_seen (names, g_ptr_array_index (roots, i));

      for (guint j = 0; j < seen->len; j++)
        for (guint k = 0; k < seen->len; k++)
          if (j != k)
            {
              Scope *scope = g_ptr_array_index (seen, j);

              g_hash_table_add (scope->visible, g_ptr_array_index (seen, k));
            }
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

static void
name_program (GenNames *names, const IdlProgram *program)
{
  Scope *scope = g_hash_table_lookup (names->scopes, program);

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

/* What begins the names that are local to @file: no identifier of any program begins so, and no
 * other file's names do. */
static const gchar *
take_prefix (GenNames *names, const gchar *file)
{
  g_autoptr (GString) prefix = g_string_new (g_ascii_isdigit (*file) ? "_" : "");
  g_autofree gchar *upper = NULL;

  g_string_append (prefix, file);
  g_strcanon (prefix->str, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_", '_');
  g_string_append (prefix, "__");
  for (;; g_string_append_c (prefix, '_'))
    {
      g_free (upper);
      upper = g_ascii_strup (prefix->str, -1);
      if (!g_hash_table_contains (names->prefixes, prefix->str)
          && !g_hash_table_contains (names->prefixes, upper))
        break;
    }

  note_prefixes (names->prefixes, prefix->str);
  return KEEP (names, "%s", prefix->str);
}

/* Once all identifiers are known. */
static void
take_prefixes (GenNames *names, const IdlProgram *program)
{
  Scope *scope = g_hash_table_lookup (names->scopes, program);

  scope->local = take_prefix (names, scope->file);
  for (guint i = 0; i < program->definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);
      GenName *name = g_hash_table_lookup (names->names, definition);

      if (definition->kind == IDL_DEFINITION_SERVICE)
        name->local = take_prefix (names, name->lower);
    }
}

GenNames *
gen_names_new (const GPtrArray *programs)
{
  GenNames *names = g_new0 (GenNames, 1);

  names->strings = g_string_chunk_new (4096);
  names->names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  names->scopes = g_hash_table_new_full (NULL, NULL, NULL, scope_free);
  names->prefixes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  make_scopes (names, programs);
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
  g_hash_table_unref (names->scopes);
  g_hash_table_unref (names->prefixes);
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
  const Scope *scope = g_hash_table_lookup (names->scopes, program);

  return scope->file;
}

const gchar *
gen_names_get_prefix (const GenNames *names, const IdlProgram *program)
{
  const Scope *scope = g_hash_table_lookup (names->scopes, program);

  return scope->local;
}

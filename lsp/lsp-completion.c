/* Owns what is offered where something is being typed. The client narrows the list while the word grows. */
#include "lsp-private.h"
#include "lsp-context.h"

#include <string.h>

/* More than this are not shown: the list is then said to be incomplete, and asked for again. */
#define MAX_ITEMS 1000

/* The protocol's numbers. */
enum
{
  KIND_CLASS = 7,
  KIND_INTERFACE = 8,
  KIND_ENUM = 13,
  KIND_KEYWORD = 14,
  KIND_ENUM_MEMBER = 20,
  KIND_CONSTANT = 21,
  KIND_STRUCT = 22,
  KIND_TYPE_PARAMETER = 25
};

typedef struct
{
  LspServer *server;
  LspAnalysis *analysis;
  const IdlProgram *program;
  IdlJson *json;
  const gchar *word;  /* what is there of it */
  IdlLocation place;  /* of the word */
  GHashTable *wanted; /* set of IdlDefinition: enums that the value may be of */
  guint n_items;
} Completion;

/* `rank` sorts: the first are what is most likely meant. */
static void
offer (Completion *completion,
       const gchar *name,
       guint kind,
       const gchar *detail,
       const gchar *doc,
       gchar rank)
{
  IdlJson *json = completion->json;
  g_autofree gchar *sort = NULL;

  if (!lsp_matches (name, completion->word) || completion->n_items++ >= MAX_ITEMS)
    return;
  sort = g_strdup_printf ("%c%s", rank, name);
  idl_json_begin (json, NULL, '{', TRUE);
  idl_json_string (json, "label", name);
  idl_json_integer (json, "kind", kind);
  idl_json_string (json, "detail", detail);
  idl_json_string (json, "documentation", doc);
  idl_json_string (json, "sortText", sort);
  idl_json_string (json, "filterText", name);
  idl_json_begin (json, "textEdit", '{', TRUE);
  lsp_places_write_range (completion->analysis->places, json, "range", &completion->place);
  idl_json_string (json, "newText", name);
  idl_json_end (json, '{');
  idl_json_end (json, '{');
}

static void
offer_words (Completion *completion, const gchar *const *words, gchar rank)
{
  for (guint i = 0; words[i] != NULL; i++)
    offer (completion, words[i], KIND_KEYWORD, NULL, NULL, rank);
}

typedef gboolean (*Filter) (const IdlDefinition *definition);

static gboolean
is_type (const IdlDefinition *definition)
{
  return definition->kind != IDL_DEFINITION_CONST && definition->kind != IDL_DEFINITION_SERVICE;
}

static gboolean
is_exception (const IdlDefinition *definition)
{
  return definition->kind == IDL_DEFINITION_EXCEPTION;
}

static gboolean
is_service (const IdlDefinition *definition)
{
  return definition->kind == IDL_DEFINITION_SERVICE;
}

static guint
get_kind (const IdlDefinition *definition)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_ENUM:
      return KIND_ENUM;
    case IDL_DEFINITION_TYPEDEF:
      return KIND_TYPE_PARAMETER;
    case IDL_DEFINITION_EXCEPTION:
      return KIND_CLASS;
    case IDL_DEFINITION_SERVICE:
      return KIND_INTERFACE;
    case IDL_DEFINITION_CONST:
      return KIND_CONSTANT;
    default:
      return KIND_STRUCT;
    }
}

/* `Thing`, or `shared.Thing`. (transfer full) */
static gchar *
get_name (const Completion *completion, const IdlDefinition *definition)
{
  return definition->program == completion->program
             ? g_strdup (definition->node.name)
             : g_strdup_printf ("%s.%s", definition->program->name, definition->node.name);
}

static void
offer_definition (Completion *completion, const IdlDefinition *definition, gchar rank)
{
  g_autofree gchar *name = get_name (completion, definition);
  g_autofree gchar *type = definition->type == NULL ? NULL : idl_type_to_string (definition->type);

  offer (completion, name, get_kind (definition),
         type != NULL ? type : idl_definition_kind_get_name (definition->kind),
         definition->node.doc, rank);
}

/* Calls @visit for each definition that the program sees: its own and those of what it includes. */
static void
for_each_definition (Completion *completion,
                     void (*visit) (Completion *completion,
                                    const IdlDefinition *definition,
                                    gpointer data),
                     gpointer data)
{
  const IdlProgram *program = completion->program;

  for (guint i = 0; i < program->definitions->len; i++)
    visit (completion, g_ptr_array_index (program->definitions, i), data);
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlProgram *included =
          ((const IdlInclude *) g_ptr_array_index (program->includes, i))->program;

      for (guint j = 0; included != NULL && j < included->definitions->len; j++)
        visit (completion, g_ptr_array_index (included->definitions, j), data);
    }
}

static void
offer_if (Completion *completion, const IdlDefinition *definition, gpointer filter)
{
  if ((*(Filter *) filter) (definition))
    offer_definition (completion, definition, '1');
}

static void
offer_all (Completion *completion, Filter filter)
{
  for_each_definition (completion, offer_if, &filter);
}

static void
offer_types (Completion *completion)
{
  static const gchar *const words[] = {
    "binary", "bool", "byte", "double", "i16",    "i32",  "i64",
    "i8",     "list", "map",  "set",    "string", "uuid", NULL
  };

  offer_words (completion, words, '2');
  offer_all (completion, is_type);
}

static void
offer_enumerators (Completion *completion, const IdlDefinition *definition, gchar rank)
{
  g_autofree gchar *owner = get_name (completion, definition);

  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      g_autofree gchar *name = g_strdup_printf ("%s.%s", owner, enumerator->node.name);
      g_autofree gchar *value = g_strdup_printf ("%d", enumerator->value);

      offer (completion, name, KIND_ENUM_MEMBER, value, enumerator->node.doc, rank);
    }
}

static void
offer_value (Completion *completion, const IdlDefinition *definition, gpointer data)
{
  if (definition->kind == IDL_DEFINITION_CONST)
    offer_definition (completion, definition, '1');
  else if (definition->kind == IDL_DEFINITION_ENUM)
    offer_enumerators (completion, definition,
                       g_hash_table_contains (completion->wanted, definition) ? '0' : '2');
}

/* The enum that @definition is, if @text names it. */
static void
want_if_named (Completion *completion, const IdlDefinition *definition, gpointer words)
{
  g_autofree gchar *name = get_name (completion, definition);
  const IdlDefinition *resolved = definition;

  if (!g_strv_contains (words, name))
    return;
  if (definition->kind == IDL_DEFINITION_TYPEDEF)
    resolved = idl_type_get_definition (definition->type);
  if (resolved != NULL && resolved->kind == IDL_DEFINITION_ENUM)
    g_hash_table_add (completion->wanted, (gpointer) resolved);
}

static void
offer_values (Completion *completion, const gchar *text, const LspContext *context)
{
  static const gchar *const booleans[] = { "false", "true", NULL };
  g_autofree gchar *type =
      g_strndup (text + context->type_start, context->type_end - context->type_start);
  g_auto (GStrv) words = g_strsplit_set (type, "<>, \t\r\n", -1);

  for_each_definition (completion, want_if_named, words);
  if (g_strv_contains ((const gchar *const *) words, "bool"))
    offer_words (completion, booleans, '0');
  for_each_definition (completion, offer_value, NULL);
}

static void
offer_expected (Completion *completion, const gchar *text, const LspContext *context)
{
  static const gchar *const declarations[] = { "const",     "enum",    "exception", "include",
                                               "namespace", "service", "struct",    "typedef",
                                               "union",     NULL };
  static const gchar *const requiredness[] = { "optional", "required", NULL };
  static const gchar *const returns[] = { "void", NULL };
  static const gchar *const oneway[] = { "oneway", NULL };
  static const gchar *const throws[] = { "throws", NULL };
  static const gchar *const extends[] = { "extends", NULL };
  static const gchar *const scopes[] = { "*",     "as3",    "c_glib", "cl",     "cpp",    "d",
                                         "dart",  "delphi", "erl",    "go",     "haxe",   "java",
                                         "js",    "kotlin", "lua",    "netstd", "nodejs", "ocaml",
                                         "perl",  "php",    "py",     "rb",     "rs",     "st",
                                         "swift", "xsd",    NULL };
  static const struct
  {
    LspExpected expected;
    const gchar *const *words;
  } words[] = {
    { LSP_EXPECT_DECLARATION, declarations },
    { LSP_EXPECT_REQUIREDNESS, requiredness },
    { LSP_EXPECT_RETURN, returns },
    { LSP_EXPECT_ONEWAY, oneway },
    { LSP_EXPECT_THROWS, throws },
    { LSP_EXPECT_EXTENDS, extends },
    { LSP_EXPECT_SCOPE, scopes },
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (context->expected & words[i].expected)
      offer_words (completion, words[i].words, '0');
  if (context->expected & LSP_EXPECT_TYPE)
    offer_types (completion);
  if (context->expected & LSP_EXPECT_EXCEPTION)
    offer_all (completion, is_exception);
  if (context->expected & LSP_EXPECT_SERVICE)
    offer_all (completion, is_service);
  if (context->expected & LSP_EXPECT_VALUE)
    offer_values (completion, text, context);
}

gboolean
lsp_request_completion (LspServer *server, JsonObject *params, IdlJson *json, GError **error)
{
  LspDocument *document = lsp_server_find_document (server, params, error);
  Completion completion = { .server = server, .json = json };
  g_autoptr (GHashTable) wanted = g_hash_table_new (NULL, NULL);
  g_autofree gchar *word = NULL;
  LspContext context;
  gsize at;

  if (document == NULL)
    return FALSE;
  completion.analysis = lsp_server_analyse (server, document);
  completion.program = lsp_analysis_find (completion.analysis, document);
  at = lsp_position_get_offset (lsp_json_get_position (params, "position"), document->text->str,
                                document->text->len, server->client.encoding);
  lsp_context_find (&context, document->text->str, at);
  word = g_strndup (document->text->str + context.start, at - context.start);
  completion.word = word;
  completion.wanted = wanted;
  idl_json_begin (json, "result", '{', TRUE);
  idl_json_begin (json, "items", '[', TRUE);
  if (completion.program != NULL)
    {
      completion.place = (IdlLocation){ completion.program->source, (guint32) context.start,
                                        (guint32) (at - context.start) };
      offer_expected (&completion, document->text->str, &context);
    }
  idl_json_end (json, '[');
  idl_json_boolean (json, "isIncomplete", completion.n_items > MAX_ITEMS);
  idl_json_end (json, '{');
  return TRUE;
}

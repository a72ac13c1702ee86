/* Owns the grammar of a whole file: headers, definitions, and where parsing goes on after a
 * mistake. The grammar is that of Apache's compiler (thrifty.yy), as recursive descent with one
 * token in hand. It resolves no name and checks no rule beyond syntax. */
#include "parser-private.h"

#include <string.h>

typedef struct
{
  const gchar *word;
  const gchar *message;
} ForeignWord;

/* Words that begin a header or definition elsewhere: in fbthrift, in Protocol Buffers, or in Apache
 * Thrift of old. */
static const ForeignWord foreign_words[] = {
  { "package", "'package' is fbthrift's and Protocol Buffers'; use 'namespace'" },
  { "message", "'message' is Protocol Buffers'; use 'struct'" },
  { "import", "'import' is Protocol Buffers'; use 'include'" },
  { "rpc", "'rpc' is Protocol Buffers'; functions stand in a 'service'" },
  { "syntax", "'syntax' is Protocol Buffers'; a Thrift file has no such line" },
  { "option", "'option' is Protocol Buffers'; Thrift has annotations, (name = \"value\")" },
  { "extend", "'extend' is Protocol Buffers'; only a service extends another" },
  { "interaction", "'interaction' is fbthrift's; Apache Thrift has none" },
  { "performs", "'performs' is fbthrift's; Apache Thrift has none" },
  { "hs_include", "'hs_include' is fbthrift's; Apache Thrift has none" },
  { "senum", "'senum' was removed from Thrift; use 'enum', or 'string'" },
  { "slist", "'slist' was removed from Thrift; use 'string'" },
  { "cpp_namespace", "'cpp_namespace' was removed from Thrift; use 'namespace cpp'" },
  { "php_namespace", "'php_namespace' was removed from Thrift; use 'namespace php'" },
  { "py_module", "'py_module' was removed from Thrift; use 'namespace py'" },
  { "perl_package", "'perl_package' was removed from Thrift; use 'namespace perl'" },
  { "ruby_namespace", "'ruby_namespace' was removed from Thrift; use 'namespace rb'" },
  { "smalltalk_category",
    "'smalltalk_category' was removed from Thrift; use 'namespace smalltalk.category'" },
  { "smalltalk_prefix",
    "'smalltalk_prefix' was removed from Thrift; use 'namespace smalltalk.prefix'" },
  { "java_package", "'java_package' was removed from Thrift; use 'namespace java'" },
  { "cocoa_prefix", "'cocoa_prefix' was removed from Thrift; use 'namespace cocoa'" },
  { "csharp_namespace", "'csharp_namespace' was removed from Thrift; use 'namespace csharp'" },
  { "delphi_namespace", "'delphi_namespace' was removed from Thrift; use 'namespace delphi'" },
  { "xsd_namespace", "'xsd_namespace' was removed from Thrift; use 'namespace xsd'" },
};

static const gchar *
find_foreign_word (const IdlParser *parser)
{
  const gchar *text = parser->lexer.text + parser->token.offset;

  if (parser->token.kind != IDL_TOKEN_IDENTIFIER)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (foreign_words); i++)
    if (strlen (foreign_words[i].word) == parser->token.length
        && memcmp (foreign_words[i].word, text, parser->token.length) == 0)
      return foreign_words[i].message;
  return NULL;
}

static gboolean
is_header (const IdlParser *parser)
{
  return parser->token.kind == IDL_TOKEN_INCLUDE || parser->token.kind == IDL_TOKEN_CPP_INCLUDE
         || parser->token.kind == IDL_TOKEN_NAMESPACE || idl_parser_is_word (parser, "c_include");
}

/* A word that is foreign may be a name within braces, so it counts only where no blank is before it. */
static gboolean
is_foreign_line (const IdlParser *parser)
{
  guint32 at = parser->token.offset;

  return (at == 0 || parser->lexer.text[at - 1] == '\n' || parser->lexer.text[at - 1] == '\r')
         && find_foreign_word (parser) != NULL;
}

/* After a mistake: on to what begins a definition and a line. */
static void
skip_to_definition (IdlParser *parser)
{
  parser->program->has_gaps = TRUE;
  parser->lexer.quiet = TRUE;
  while (parser->token.kind != IDL_TOKEN_END && !idl_parser_at_definition (parser)
         && !(is_header (parser) && idl_parser_is_first_on_line (parser))
         && !is_foreign_line (parser))
    idl_parser_advance (parser);
  parser->lexer.quiet = FALSE;
}

static gboolean
parse_literal_header (IdlParser *parser, GPtrArray *list)
{
  idl_parser_advance (parser);
  if (parser->token.kind != IDL_TOKEN_STRING)
    return idl_parser_fail_expected (parser, "the file's name in quotes");
  g_ptr_array_add (list, (gpointer) parser->token.text);
  idl_parser_advance (parser);
  return TRUE;
}

static gboolean
parse_include (IdlParser *parser)
{
  IdlInclude *include = idl_arena_new_node (parser->unit->arena, IdlInclude);

  idl_parser_advance (parser);
  if (parser->token.kind != IDL_TOKEN_STRING)
    return idl_parser_fail_expected (parser, "the file's name in quotes");
  include->location = idl_parser_get_location (parser);
  include->path = parser->token.text;
  g_ptr_array_add (parser->program->includes, include);
  idl_parser_advance (parser);
  return TRUE;
}

static gboolean
parse_namespace (IdlParser *parser)
{
  IdlNamespace *name_space = idl_arena_new_node (parser->unit->arena, IdlNamespace);

  idl_parser_advance (parser);
  if (parser->token.kind != '*' && parser->token.kind != IDL_TOKEN_IDENTIFIER)
    return idl_parser_fail_expected (parser, "a language or '*' after 'namespace'");
  name_space->scope = idl_parser_dup_token (parser);
  idl_parser_advance (parser);
  if (parser->token.kind != IDL_TOKEN_IDENTIFIER)
    return idl_parser_fail_expected (parser, "the namespace's name");
  name_space->location = idl_parser_get_location (parser);
  name_space->name = idl_parser_dup_token (parser);
  idl_parser_advance (parser);
  g_ptr_array_add (parser->program->namespaces, name_space);
  return idl_parser_parse_annotations (parser, &name_space->annotations);
}

static gboolean
parse_header (IdlParser *parser)
{
  if (parser->program->definitions->len > 0)
    {
      IdlLocation location = idl_parser_get_location (parser);

      idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_HEADER_ORDER, IDL_ERROR, &location,
                           "includes and namespaces stand before the first definition");
    }
  switch (parser->token.kind)
    {
    case IDL_TOKEN_INCLUDE:
      return parse_include (parser);
    case IDL_TOKEN_NAMESPACE:
      return parse_namespace (parser);
    case IDL_TOKEN_CPP_INCLUDE:
      return parse_literal_header (parser, parser->program->cpp_includes);
    default:
      return parse_literal_header (parser, parser->program->c_includes);
    }
}

/* What each definition begins with: its keyword (consumed) and its name. */
static IdlDefinition *
new_definition (IdlParser *parser, IdlDefinitionKind kind)
{
  IdlDefinition *definition = idl_arena_new_node (parser->unit->arena, IdlDefinition);

  definition->kind = kind;
  definition->program = parser->program;
  if (kind != IDL_DEFINITION_TYPEDEF && kind != IDL_DEFINITION_CONST)
    definition->members = idl_arena_array (parser->unit->arena);
  return definition;
}

/* The name is known: from here on the definition exists, even if the rest of it is wrong, so that
 * what refers to it is not reported too. */
static void
add_definition (IdlParser *parser, IdlDefinition *definition)
{
  definition->index = parser->program->definitions->len;
  definition->is_broken = TRUE;
  g_ptr_array_add (parser->program->definitions, definition);
}

static gboolean
parse_enumerators (IdlParser *parser, IdlDefinition *definition, const IdlLocation *open)
{
  gint64 next = 0;
  IdlNode *owner = parser->documented;

  parser->open = *open;
  while (parser->token.kind != '}')
    {
      IdlEnumerator *enumerator = idl_arena_new_node (parser->unit->arena, IdlEnumerator);
      IdlToken first = parser->token;
      IdlLocation location;

      parser->item_start = first.offset;
      if (parser->token.kind == IDL_TOKEN_END)
        return idl_parser_expect_close (parser, '}', open);
      if (!idl_parser_parse_name (parser, &enumerator->node, &first, "an enumerator's name"))
        return FALSE;
      location = enumerator->node.location;
      if (idl_parser_accept (parser, '='))
        {
          location = idl_parser_get_location (parser);
          if (parser->token.kind != IDL_TOKEN_INTEGER)
            return idl_parser_fail_expected (parser, "an integer as the enumerator's value");
          next = parser->token.integer;
          idl_parser_advance (parser);
        }
      if (next < G_MININT32 || next > G_MAXINT32)
        idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_VALUE_RANGE, IDL_ERROR, &location,
                             "the value of '%s' is %" G_GINT64_FORMAT
                             ", which does not fit 32 bits",
                             enumerator->node.name, next);
      enumerator->value = (gint32) CLAMP (next, G_MININT32, G_MAXINT32);
      enumerator->owner = definition;
      next = (gint64) enumerator->value + 1;
      if (!idl_parser_parse_annotations (parser, &enumerator->node.annotations))
        return FALSE;
      enumerator->node.extent = idl_parser_get_extent (parser, &first);
      g_ptr_array_add (definition->members, enumerator);
      idl_parser_skip_separator (parser);
    }
  parser->documented = owner;
  idl_parser_advance (parser);
  return TRUE;
}

/* `enum`, `struct`, `union`, `exception`, `service`: name, braces, annotations. */
static gboolean
parse_body (IdlParser *parser, IdlDefinition *definition)
{
  static const gchar *const extends[] = { "extends", NULL };
  static const gchar *const no_words[] = { NULL };
  IdlLocation open;
  gboolean parsed;

  definition->xsd_all =
      definition->kind != IDL_DEFINITION_SERVICE && idl_parser_accept (parser, IDL_TOKEN_XSD_ALL);
  if (definition->kind == IDL_DEFINITION_SERVICE && idl_parser_accept (parser, IDL_TOKEN_EXTENDS))
    {
      if (parser->token.kind != IDL_TOKEN_IDENTIFIER)
        return idl_parser_fail_expected (parser, "the name of the service that is extended");
      definition->extends_location = idl_parser_get_location (parser);
      definition->extends_name = idl_parser_dup_token (parser);
      idl_parser_advance (parser);
    }
  open = idl_parser_get_location (parser);
  if (!idl_parser_accept (parser, '{'))
    return idl_parser_fail_expected_word (parser, "'{'",
                                          definition->kind == IDL_DEFINITION_SERVICE ? extends
                                                                                     : no_words);
  if (definition->kind == IDL_DEFINITION_ENUM)
    parsed = parse_enumerators (parser, definition, &open);
  else if (definition->kind == IDL_DEFINITION_SERVICE)
    parsed = idl_parser_parse_functions (parser, &open, definition->members);
  else
    parsed = idl_parser_parse_fields (parser, '}', &open, definition->members);
  return parsed && idl_parser_parse_annotations (parser, &definition->node.annotations);
}

static gboolean
parse_typedef (IdlParser *parser, IdlDefinition *definition, const IdlToken *first)
{
  definition->type = idl_parser_parse_type (parser, "the type that gets a name");
  if (definition->type == NULL
      || !idl_parser_parse_name (parser, &definition->node, first, "the new type's name"))
    return FALSE;
  add_definition (parser, definition);
  if (!idl_parser_parse_annotations (parser, &definition->node.annotations))
    return FALSE;
  definition->node.extent = idl_parser_get_extent (parser, first);
  idl_parser_skip_separator (parser);
  return TRUE;
}

static gboolean
parse_const (IdlParser *parser, IdlDefinition *definition, const IdlToken *first)
{
  definition->type = idl_parser_parse_type (parser, "the constant's type");
  if (definition->type == NULL
      || !idl_parser_parse_name (parser, &definition->node, first, "the constant's name"))
    return FALSE;
  add_definition (parser, definition);
  if (!idl_parser_expect (parser, '=', "'=' and the constant's value"))
    return FALSE;
  definition->value = idl_parser_parse_value (parser);
  if (definition->value == NULL)
    return FALSE;
  definition->node.extent = idl_parser_get_extent (parser, first);
  idl_parser_skip_separator (parser);
  return TRUE;
}

static gboolean
parse_definition (IdlParser *parser, IdlDefinitionKind kind)
{
  IdlDefinition *definition = new_definition (parser, kind);
  IdlToken first = parser->token;
  gboolean parsed;

  idl_parser_advance (parser);
  if (kind == IDL_DEFINITION_TYPEDEF)
    parsed = parse_typedef (parser, definition, &first);
  else if (kind == IDL_DEFINITION_CONST)
    parsed = parse_const (parser, definition, &first);
  else
    {
      g_autofree gchar *what =
          g_strdup_printf ("the %s's name", idl_definition_kind_get_name (kind));

      if (!idl_parser_parse_name (parser, &definition->node, &first, what))
        return FALSE;
      add_definition (parser, definition);
      parsed = parse_body (parser, definition);
    }
  if (parsed)
    definition->is_broken = FALSE;
  /* What was given up ends where the mistake is. */
  if (definition->node.extent.source == NULL)
    definition->node.extent = idl_parser_get_extent (parser, &first);
  return parsed;
}

/* Reports a word that begins nothing. A misspelt keyword is taken for the keyword, so that what it
 * defines is known; FALSE: it is none. */
static gboolean
mend_first_word (IdlParser *parser)
{
  static const gchar *const words[] = { "const",   "cpp_include", "enum",    "exception",
                                        "include", "namespace",   "service", "struct",
                                        "typedef", "union",       NULL };
  const gchar *foreign = find_foreign_word (parser);
  const gchar *similar = idl_parser_find_similar (parser, words);
  IdlLocation location = idl_parser_get_location (parser);

  if (foreign != NULL)
    {
      idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_FOREIGN_WORD, IDL_ERROR, &location,
                           "%s", foreign);
      idl_parser_advance (parser);
      return FALSE;
    }
  idl_parser_fail_expected_word (parser, "a definition, such as 'struct' or 'service'", words);
  if (similar == NULL)
    return FALSE;
  parser->token.kind = idl_lexer_classify (similar, strlen (similar));
  return TRUE;
}

static gboolean
parse_item (IdlParser *parser)
{
  if (is_header (parser))
    return parse_header (parser);
  switch (parser->token.kind)
    {
    case IDL_TOKEN_CONST:
      return parse_definition (parser, IDL_DEFINITION_CONST);
    case IDL_TOKEN_ENUM:
      return parse_definition (parser, IDL_DEFINITION_ENUM);
    case IDL_TOKEN_EXCEPTION:
      return parse_definition (parser, IDL_DEFINITION_EXCEPTION);
    case IDL_TOKEN_SERVICE:
      return parse_definition (parser, IDL_DEFINITION_SERVICE);
    case IDL_TOKEN_STRUCT:
      return parse_definition (parser, IDL_DEFINITION_STRUCT);
    case IDL_TOKEN_TYPEDEF:
      return parse_definition (parser, IDL_DEFINITION_TYPEDEF);
    case IDL_TOKEN_UNION:
      return parse_definition (parser, IDL_DEFINITION_UNION);
    default:
      return mend_first_word (parser) && parse_item (parser);
    }
}

/* The file's first doc comment is the program's when a header follows it, or another doc comment
 * before the first definition. */
static void
take_program_doc (IdlParser *parser)
{
  const IdlLexer *lexer = &parser->lexer;

  if (lexer->first_doc_length > 0
      && (is_header (parser) || lexer->first_doc_offset != parser->token.doc_offset))
    parser->program->doc =
        idl_lexer_clean_doc (parser->unit->arena, lexer->text + lexer->first_doc_offset,
                             lexer->first_doc_length);
}

static void
skip_stray_separator (IdlParser *parser)
{
  IdlLocation location = idl_parser_get_location (parser);

  if (parser->token.kind != ',' && parser->token.kind != ';')
    return;
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_STRAY_SEPARATOR, IDL_WARNING, &location,
                       "other Thrift compilers take no separator here");
  idl_parser_advance (parser);
}

void
idl_parse (IdlUnit *unit, IdlProgram *program)
{
  IdlParser parser = { .unit = unit, .program = program };

  idl_lexer_init (&parser.lexer, program->source, unit->diagnostics, unit->arena);
  idl_parser_advance (&parser);
  take_program_doc (&parser);
  while (parser.token.kind != IDL_TOKEN_END)
    {
      parser.depth = 0;
      parser.open.source = NULL;
      parser.documented = NULL;
      parser.item_start = parser.token.offset;
      if (parse_item (&parser))
        skip_stray_separator (&parser);
      else
        skip_to_definition (&parser);
    }
}

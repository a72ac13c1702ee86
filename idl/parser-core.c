/* Owns how the parser moves over tokens and how it says what it expected. It knows no grammar. */
#include "parser-private.h"

#include <string.h>

/* What the C standard's limits and linkers make of a name with its prefixes. */
#define MAX_NAME_LENGTH 255

void
idl_parser_advance (IdlParser *parser)
{
  parser->previous_end = parser->token.offset + parser->token.length;
  idl_lexer_next (&parser->lexer, &parser->token);
}

gboolean
idl_parser_accept (IdlParser *parser, guint kind)
{
  if (parser->token.kind != kind)
    return FALSE;
  idl_parser_advance (parser);
  return TRUE;
}

gboolean
idl_parser_expect (IdlParser *parser, guint kind, const gchar *what)
{
  return idl_parser_accept (parser, kind) || idl_parser_fail_expected (parser, what);
}

IdlLocation
idl_parser_get_location (const IdlParser *parser)
{
  return (IdlLocation){ parser->program->source, parser->token.offset, parser->token.length };
}

/* What the next token is, in words. */
static gchar *
describe_token (const IdlParser *parser)
{
  const IdlToken *token = &parser->token;

  if (token->kind == IDL_TOKEN_END)
    return g_strdup ("the end of the file");
  if (token->kind == IDL_TOKEN_STRING)
    return g_strdup ("a string");
  if (token->length > 40)
    return g_strdup_printf ("'%.40s...'", parser->lexer.text + token->offset);
  return g_strdup_printf ("'%.*s'", (int) token->length, parser->lexer.text + token->offset);
}

/* Whether a line ends between the last token and the next. */
static gboolean
next_is_on_another_line (const IdlParser *parser)
{
  for (guint32 i = parser->previous_end; i < parser->token.offset; i++)
    if (parser->lexer.text[i] == '\n' || parser->lexer.text[i] == '\r')
      return TRUE;
  return FALSE;
}

gboolean
idl_parser_fail_expected (IdlParser *parser, const gchar *what)
{
  IdlLocation location = idl_parser_get_location (parser);
  g_autofree gchar *found = NULL;

  if (parser->token.kind == IDL_TOKEN_INVALID)
    return FALSE; /* the lexer has said it */
  /* What is missing at a line's end is missing there, not on the next line. */
  if (parser->token.offset != parser->item_start && next_is_on_another_line (parser))
    location = (IdlLocation){ parser->program->source, parser->previous_end, 1 };
  found = describe_token (parser);
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_SYNTAX, IDL_ERROR, &location,
                       "expected %s, found %s", what, found);
  return FALSE;
}

gboolean
idl_parser_expect_close (IdlParser *parser, guint kind, const IdlLocation *open)
{
  IdlLocation location = idl_parser_get_location (parser);
  gchar what[] = { '\'', (gchar) kind, '\'', '\0' };

  if (idl_parser_accept (parser, kind))
    return TRUE;
  if (parser->token.kind != IDL_TOKEN_END)
    return idl_parser_fail_expected (parser, what);
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_UNCLOSED, IDL_ERROR, &location,
                       "expected %s before the end of the file", what);
  idl_diagnostics_add_note (parser->unit->diagnostics, open, "this is not closed");
  return FALSE;
}

void
idl_parser_skip_separator (IdlParser *parser)
{
  if (parser->token.kind == ',' || parser->token.kind == ';')
    idl_parser_advance (parser);
}

const gchar *
idl_parser_dup_token (IdlParser *parser)
{
  return idl_arena_strndup (parser->unit->arena, parser->lexer.text + parser->token.offset,
                            parser->token.length);
}

gboolean
idl_parser_enter (IdlParser *parser, const gchar *what)
{
  IdlLocation location = idl_parser_get_location (parser);

  if (parser->depth < IDL_MAX_NESTING)
    {
      parser->depth++;
      return TRUE;
    }
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_NESTING, IDL_ERROR, &location,
                       "%s nest deeper than %d", what, IDL_MAX_NESTING);
  return FALSE;
}

gboolean
idl_parser_parse_name (IdlParser *parser,
                       IdlNode *node,
                       const IdlToken *doc_token,
                       const gchar *what)
{
  g_autofree gchar *message = NULL;

  if (idl_token_kind_is_keyword (parser->token.kind) && !next_is_on_another_line (parser))
    {
      message = g_strdup_printf ("%s (which may not be a keyword)", what);
      what = message;
    }
  if (parser->token.kind != IDL_TOKEN_IDENTIFIER)
    return idl_parser_fail_expected (parser, what);
  node->location = idl_parser_get_location (parser);
  node->name = idl_parser_dup_token (parser);
  if (parser->token.length > MAX_NAME_LENGTH)
    idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_LONG_NAME, IDL_WARNING,
                         &node->location,
                         "a name of more than %d bytes: not every compiler takes it",
                         MAX_NAME_LENGTH);
  if (doc_token != NULL && doc_token->doc_length > 0)
    node->doc =
        idl_lexer_clean_doc (parser->unit->arena, parser->lexer.text + doc_token->doc_offset,
                             doc_token->doc_length);
  if (strchr (node->name, '.') != NULL)
    idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_DOTTED_NAME, IDL_ERROR,
                         &node->location, "a name may not have a dot");
  idl_parser_advance (parser);
  return TRUE;
}

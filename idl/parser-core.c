/* Owns how the parser moves over tokens and how it says what it expected. It knows no grammar. */
#include "parser-private.h"

#include "similar.h"

#include <string.h>

/* What the C standard's limits and linkers make of a name with its prefixes. */
#define MAX_NAME_LENGTH 255

/* A comment behind what it documents adds to a comment before it. */
static void
take_trailing_doc (IdlParser *parser)
{
  IdlArena *arena = parser->unit->arena;
  IdlNode *node = parser->documented;
  const gchar *doc = idl_lexer_clean_doc (arena, parser->lexer.text + parser->token.trailing_offset,
                                          parser->token.trailing_length);
  g_autofree gchar *both = NULL;

  if (node->doc != NULL)
    {
      both = g_strconcat (node->doc, "\n", doc, NULL);
      doc = idl_arena_strndup (arena, both, strlen (both));
    }
  node->doc = doc;
}

void
idl_parser_advance (IdlParser *parser)
{
  parser->previous_end = parser->token.offset + parser->token.length;
  idl_lexer_next (&parser->lexer, &parser->token);
  if (parser->token.trailing_length > 0 && parser->documented != NULL)
    take_trailing_doc (parser);
}

void
idl_parser_look_ahead (const IdlParser *parser, guint *kinds, guint n)
{
  g_autoptr (IdlDiagnostics) unheard = idl_diagnostics_new ();
  IdlLexer lexer = parser->lexer;
  IdlToken token;

  lexer.diagnostics = unheard;
  for (guint i = 0; i < n; i++)
    {
      idl_lexer_next (&lexer, &token);
      kinds[i] = token.kind;
    }
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

IdlLocation
idl_parser_get_extent (const IdlParser *parser, const IdlToken *first)
{
  return (IdlLocation){ parser->program->source, first->offset,
                        parser->previous_end - first->offset };
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
idl_parser_is_first_on_line (const IdlParser *parser)
{
  guint32 at = parser->token.offset;

  while (at > 0 && (parser->lexer.text[at - 1] == ' ' || parser->lexer.text[at - 1] == '\t'))
    at--;
  return at == 0 || parser->lexer.text[at - 1] == '\n' || parser->lexer.text[at - 1] == '\r';
}

gboolean
idl_parser_at_definition (const IdlParser *parser)
{
  switch (parser->token.kind)
    {
    case IDL_TOKEN_CONST:
    case IDL_TOKEN_ENUM:
    case IDL_TOKEN_EXCEPTION:
    case IDL_TOKEN_SERVICE:
    case IDL_TOKEN_STRUCT:
    case IDL_TOKEN_TYPEDEF:
    case IDL_TOKEN_UNION:
      return idl_parser_is_first_on_line (parser);
    default:
      return FALSE;
    }
}

gboolean
idl_parser_is_word (const IdlParser *parser, const gchar *word)
{
  return parser->token.kind == IDL_TOKEN_IDENTIFIER && parser->token.length == strlen (word)
         && memcmp (parser->lexer.text + parser->token.offset, word, parser->token.length) == 0;
}

const gchar *
idl_parser_find_similar (const IdlParser *parser, const gchar *const *words)
{
  g_autofree gchar *name = NULL;
  gint64 effort = 10000;
  const gchar *best = NULL;
  IdlSimilar similar;

  if (parser->token.kind != IDL_TOKEN_IDENTIFIER || parser->token.length > 20)
    return NULL;
  name = g_strndup (parser->lexer.text + parser->token.offset, parser->token.length);
  idl_similar_init (&similar, name, &effort);
  for (guint i = 0; words[i] != NULL; i++)
    if (idl_similar_offer (&similar, words[i]))
      best = words[i];
  idl_similar_clear (&similar);
  return best;
}

/* Whether the next token says that the innermost bracket should have been closed before it. */
static gboolean
shows_unclosed (const IdlParser *parser)
{
  gchar open = parser->lexer.text[parser->open.offset];
  guint close = open == '(' ? ')' : open == '[' ? ']' : '}';

  switch (parser->token.kind)
    {
    case ')':
    case ']':
    case '}':
      return parser->token.kind != close;
    case IDL_TOKEN_END:
      return TRUE;
    default:
      return idl_parser_at_definition (parser);
    }
}

gboolean
idl_parser_fail_expected_word (IdlParser *parser, const gchar *what, const gchar *const *words)
{
  IdlLocation location = idl_parser_get_location (parser);
  const gchar *similar = idl_parser_find_similar (parser, words);
  g_autofree gchar *found = NULL;

  if (parser->token.kind == IDL_TOKEN_INVALID)
    return FALSE; /* the lexer has said it */
  /* What is missing at a line's end is missing there, not on the next line. */
  if (parser->token.offset != parser->item_start && next_is_on_another_line (parser))
    location = (IdlLocation){ parser->program->source, parser->previous_end, 1 };
  found = describe_token (parser);
  idl_diagnostics_add (parser->unit->diagnostics, IDL_RULE_SYNTAX, IDL_ERROR, &location,
                       "expected %s, found %s%s%s%s", what, found,
                       similar == NULL ? "" : "; did you mean '", similar == NULL ? "" : similar,
                       similar == NULL ? "" : "'?");
  if (parser->open.source != NULL && shows_unclosed (parser))
    idl_diagnostics_add_note (parser->unit->diagnostics, &parser->open, "this is not closed");
  return FALSE;
}

gboolean
idl_parser_fail_expected (IdlParser *parser, const gchar *what)
{
  static const gchar *const no_words[] = { NULL };

  return idl_parser_fail_expected_word (parser, what, no_words);
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
  parser->documented = node;
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

/* What the parser's files share: the state, and how a mistake is reported. */
#ifndef IDL_PARSER_PRIVATE_H
#define IDL_PARSER_PRIVATE_H

#include "lexer.h"
#include "unit-private.h"

G_BEGIN_DECLS

typedef struct
{
  IdlUnit *unit;
  IdlProgram *program;
  IdlLexer lexer;
  IdlToken token;       /* the next one, not consumed */
  guint32 previous_end; /* where the last consumed token ended */
  guint32 item_start;   /* where the field, function or definition began that is being parsed */
  guint depth;          /* of the type or value being parsed */
  IdlLocation open;     /* the innermost bracket that is not closed; its source may be NULL */
  IdlNode *documented;  /* (nullable): what a doc comment behind the last token belongs to */
} IdlParser;

/* A function that parses something returns FALSE or NULL after it has reported why not; the
 * definition is then given up. */

void idl_parser_advance (IdlParser *parser);
/* Consumes the next token when it is @kind. */
gboolean idl_parser_accept (IdlParser *parser, guint kind);
/* Consumes the next token when it is @kind, and else reports that @what was expected. */
gboolean idl_parser_expect (IdlParser *parser, guint kind, const gchar *what);
/* Reports that @what was expected where the next token is; returns FALSE. */
gboolean idl_parser_fail_expected (IdlParser *parser, const gchar *what);
/* idl_parser_fail_expected () that suggests the one of the NULL-terminated @words that the next
 * token is like. */
gboolean
idl_parser_fail_expected_word (IdlParser *parser, const gchar *what, const gchar *const *words);
/* (nullable): the one of @words that the next token, no keyword, is most like. */
const gchar *idl_parser_find_similar (const IdlParser *parser, const gchar *const *words);
/* Whether the next token is the identifier @word. */
gboolean idl_parser_is_word (const IdlParser *parser, const gchar *word);
/* The kinds of the @n tokens that follow the next one. */
void idl_parser_look_ahead (const IdlParser *parser, guint *kinds, guint n);
/* Whether the next token begins a definition, and a line. */
gboolean idl_parser_at_definition (const IdlParser *parser);
/* Whether nothing but blanks stands before the next token on its line. */
gboolean idl_parser_is_first_on_line (const IdlParser *parser);
/* Consumes the '}' (or ')' or ']') that closes what @open began, or reports its absence. */
gboolean idl_parser_expect_close (IdlParser *parser, guint kind, const IdlLocation *open);
void idl_parser_skip_separator (IdlParser *parser);
IdlLocation idl_parser_get_location (const IdlParser *parser);
/* From the token @first to the last one that was consumed. */
IdlLocation idl_parser_get_extent (const IdlParser *parser, const IdlToken *first);
/* The next token's text. (transfer none): in the arena. */
const gchar *idl_parser_dup_token (IdlParser *parser);
/* Counts one level of nesting; reports when there are too many. */
gboolean idl_parser_enter (IdlParser *parser, const gchar *what);
static inline void
idl_parser_leave (IdlParser *parser)
{
  parser->depth--;
}
/* The next token is a name for @node: its name, location and doc comment (@doc_token's, nullable).
 */
gboolean idl_parser_parse_name (IdlParser *parser,
                                IdlNode *node,
                                const IdlToken *doc_token,
                                const gchar *what);

IdlType *idl_parser_parse_type (IdlParser *parser, const gchar *what);
IdlValue *idl_parser_parse_value (IdlParser *parser);
/* Sets *@annotations to NULL when there are none. */
gboolean idl_parser_parse_annotations (IdlParser *parser, GPtrArray **annotations);
/* The fields up to and with @close, which ends what @open began. */
gboolean idl_parser_parse_fields (IdlParser *parser,
                                  guint close,
                                  const IdlLocation *open,
                                  GPtrArray *fields);
gboolean
idl_parser_parse_functions (IdlParser *parser, const IdlLocation *open, GPtrArray *functions);

G_END_DECLS

#endif /* IDL_PARSER_PRIVATE_H */

/* What lexer.c and lexer-literals.c share. */
#ifndef IDL_LEXER_PRIVATE_H
#define IDL_LEXER_PRIVATE_H

#include "lexer.h"

G_BEGIN_DECLS

void idl_lexer_report (IdlLexer *lexer,
                       IdlRule rule,
                       IdlSeverity severity,
                       gsize offset,
                       gsize length,
                       const gchar *message);
/* A number begins at lexer->at: a sign, a digit, or a dot before a digit. */
void idl_lexer_number (IdlLexer *lexer, IdlToken *token);
/* A quote is at lexer->at. */
void idl_lexer_string (IdlLexer *lexer, IdlToken *token);

G_END_DECLS

#endif /* IDL_LEXER_PRIVATE_H */

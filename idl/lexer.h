/* Text to tokens. */
#ifndef IDL_LEXER_H
#define IDL_LEXER_H

#include "arena.h"
#include "diagnostics.h"

G_BEGIN_DECLS

/* Symbols are their own character; the keywords keep the order of the table in lexer.c. */
typedef enum
{
  IDL_TOKEN_END = 0,
  IDL_TOKEN_IDENTIFIER = 256,
  IDL_TOKEN_INTEGER,
  IDL_TOKEN_DOUBLE,
  IDL_TOKEN_STRING,
  IDL_TOKEN_COMMENT, /* only from a lexer that keeps comments */
  IDL_TOKEN_INVALID, /* the mistake has been reported */
  IDL_TOKEN_FIRST_KEYWORD,
  IDL_TOKEN_ASYNC = IDL_TOKEN_FIRST_KEYWORD,
  IDL_TOKEN_BINARY,
  IDL_TOKEN_BOOL,
  IDL_TOKEN_BYTE,
  IDL_TOKEN_CONST,
  IDL_TOKEN_CPP_INCLUDE,
  IDL_TOKEN_CPP_TYPE,
  IDL_TOKEN_DOUBLE_TYPE,
  IDL_TOKEN_ENUM,
  IDL_TOKEN_EXCEPTION,
  IDL_TOKEN_EXTENDS,
  IDL_TOKEN_FALSE,
  IDL_TOKEN_I16,
  IDL_TOKEN_I32,
  IDL_TOKEN_I64,
  IDL_TOKEN_I8,
  IDL_TOKEN_INCLUDE,
  IDL_TOKEN_LIST,
  IDL_TOKEN_MAP,
  IDL_TOKEN_NAMESPACE,
  IDL_TOKEN_ONEWAY,
  IDL_TOKEN_OPTIONAL,
  IDL_TOKEN_REQUIRED,
  IDL_TOKEN_SERVICE,
  IDL_TOKEN_SET,
  IDL_TOKEN_STRING_TYPE,
  IDL_TOKEN_STRUCT,
  IDL_TOKEN_THROWS,
  IDL_TOKEN_TRUE,
  IDL_TOKEN_TYPEDEF,
  IDL_TOKEN_UNION,
  IDL_TOKEN_UUID,
  IDL_TOKEN_VOID,
  IDL_TOKEN_XSD_ALL,
  IDL_TOKEN_XSD_ATTRS,
  IDL_TOKEN_XSD_NILLABLE,
  IDL_TOKEN_XSD_OPTIONAL,
  IDL_TOKEN_LAST_KEYWORD = IDL_TOKEN_XSD_OPTIONAL
} IdlTokenKind;

typedef struct
{
  guint kind; /* an IdlTokenKind or a symbol's character */
  guint32 offset;
  guint32 length;
  gint64 integer;    /* INTEGER */
  gdouble number;    /* DOUBLE */
  const gchar *text; /* STRING: escapes resolved, in the arena */
  gsize text_length;
  guint32 doc_offset;      /* the doc comment before the token; */
  guint32 doc_length;      /* 0: none */
  guint32 trailing_offset; /* the doc comment behind the token before it; */
  guint32 trailing_length; /* 0: none */
} IdlToken;

typedef struct
{
  const IdlSource *source;
  IdlDiagnostics *diagnostics;
  IdlArena *arena;
  const gchar *text;
  gsize length;
  gsize at;
  gboolean keep_comments;   /* hand comments out as tokens, for the formatter */
  gboolean quiet;           /* skipping after an error: stray characters are not reported */
  guint previous_kind;      /* of the last token; 0: there is none yet */
  guint32 first_doc_offset; /* the first doc comment of the file; */
  guint32 first_doc_length; /* 0: none yet */
  /* Said once a file, however often it is so. */
  gboolean warned_encoding;
  gboolean warned_nul;
  gboolean warned_form_feed;
} IdlLexer;

void idl_lexer_init (IdlLexer *lexer,
                     const IdlSource *source,
                     IdlDiagnostics *diagnostics,
                     IdlArena *arena);
/* After the last token: END, again and again. */
void idl_lexer_next (IdlLexer *lexer, IdlToken *token);
/* The keyword's spelling. */
const gchar *idl_token_kind_get_keyword (guint kind);
static inline gboolean
idl_token_kind_is_keyword (guint kind)
{
  return kind >= IDL_TOKEN_FIRST_KEYWORD && kind <= IDL_TOKEN_LAST_KEYWORD;
}
/* The keyword that the @length bytes at @text are, or IDENTIFIER. */
guint idl_lexer_classify (const gchar *text, gsize length);
/* A doc comment's text without its stars and common indentation. (transfer none): in @arena. */
const gchar *idl_lexer_clean_doc (IdlArena *arena, const gchar *comment, gsize length);

G_END_DECLS

#endif /* IDL_LEXER_H */

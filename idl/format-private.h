/* What the formatter's files share: the tokens with their comments, and how they are set. */
#ifndef IDL_FORMAT_PRIVATE_H
#define IDL_FORMAT_PRIVATE_H

#include "format.h"
#include "layout.h"
#include "lexer.h"

G_BEGIN_DECLS

typedef struct
{
  guint32 offset;
  guint32 length;
  guint lines_before; /* line ends between what is before and this */
} IdlFormatComment;

typedef struct
{
  guint kind;
  guint32 offset;
  guint32 length;
  guint lines_before;  /* line ends between the last comment, or token, and this */
  guint first_comment; /* those before the token */
  guint n_comments;
} IdlFormatToken;

/* What stands before a token, if no comment asks for more. */
typedef enum
{
  IDL_BREAK_NONE,
  IDL_BREAK_SPACE,
  IDL_BREAK_SOFT_NONE, /* nothing, or a line if the group is broken */
  IDL_BREAK_SOFT,      /* a space, or a line */
  IDL_BREAK_CLOSE,     /* a line, never an empty one */
  IDL_BREAK_LINE,      /* a line; an empty one is kept */
  IDL_BREAK_BLANK      /* an empty line */
} IdlBreak;

typedef struct
{
  const gchar *text;
  GArray *tokens;   /* of IdlFormatToken; the last is END */
  GArray *comments; /* of IdlFormatComment */
  IdlLayout *layout;
  guint next;
  gboolean just_opened; /* a brace: no empty line after it */
} IdlFormat;

/* Splits @source, whose syntax is right. */
void idl_format_init (IdlFormat *format, const IdlSource *source, IdlArena *arena);
void idl_format_clear (IdlFormat *format);
static inline const IdlFormatToken *
idl_format_peek (const IdlFormat *format)
{
  return &g_array_index (format->tokens, IdlFormatToken, format->next);
}
/* Sets the comments before the next token; returns what then stands before the token itself. */
IdlBreak idl_format_comments (IdlFormat *format, IdlBreak before);
/* Sets the next token, its comments first. */
void idl_format_token (IdlFormat *format, IdlBreak before);

G_END_DECLS

#endif /* IDL_FORMAT_PRIVATE_H */

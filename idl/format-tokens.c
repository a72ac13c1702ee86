/* Owns how tokens and comments are set one after the other. Comments stay where they are between
 * two tokens: one that followed its token on the line stays there, one on a line of its own gets
 * one. Which token goes where is format.c's. */
#include "format-private.h"

#include <string.h>

/* Line ends in the bytes from @start to @end; a CR LF is one. */
static guint
count_lines (const gchar *text, gsize start, gsize end)
{
  guint lines = 0;

  for (gsize i = start; i < end; i++)
    lines += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
  return lines;
}

void
idl_format_init (IdlFormat *format, const IdlSource *source, IdlArena *arena)
{
  g_autoptr (IdlDiagnostics) ignored = idl_diagnostics_new ();
  IdlLexer lexer;
  IdlToken token;
  gsize end = 0;
  guint first_comment = 0;

  idl_lexer_init (&lexer, source, ignored, arena);
  lexer.keep_comments = TRUE;
  *format = (IdlFormat){ .text = lexer.text };
  format->tokens = g_array_new (FALSE, FALSE, sizeof (IdlFormatToken));
  format->comments = g_array_new (FALSE, FALSE, sizeof (IdlFormatComment));
  format->layout = idl_layout_new ();
  do
    {
      guint lines;

      idl_lexer_next (&lexer, &token);
      lines = count_lines (lexer.text, end, token.offset);
      end = token.offset + token.length;
      if (token.kind == IDL_TOKEN_COMMENT)
        {
          IdlFormatComment comment = { token.offset, token.length, lines };

          g_array_append_val (format->comments, comment);
        }
      else
        {
          IdlFormatToken kept = {
            token.kind, token.offset,  token.length,
            lines,      first_comment, format->comments->len - first_comment
          };

          g_array_append_val (format->tokens, kept);
          first_comment = format->comments->len;
        }
    }
  while (token.kind != IDL_TOKEN_END);
}

void
idl_format_clear (IdlFormat *format)
{
  g_array_unref (format->tokens);
  g_array_unref (format->comments);
  idl_layout_free (format->layout);
}

static gsize
trim_end (const gchar *text, gsize length)
{
  while (length > 0 && g_ascii_isspace (text[length - 1]))
    length--;
  return length;
}

/* A line of a block comment after the first: under the star of the first if it begins with one. */
static void
set_comment_line (IdlFormat *format, const gchar *text, gsize length)
{
  gsize blanks = 0;

  length = trim_end (text, length);
  while (blanks < length && g_ascii_isspace (text[blanks]))
    blanks++;
  if (blanks < length && text[blanks] == '*')
    {
      idl_layout_line (format->layout, FALSE);
      idl_layout_text (format->layout, " ", 1);
      text += blanks;
      length -= blanks;
    }
  else
    idl_layout_raw_line (format->layout);
  idl_layout_text (format->layout, text, length);
}

static void
set_comment (IdlFormat *format, const IdlFormatComment *comment)
{
  const gchar *text = format->text + comment->offset;
  gsize at = 0;
  gboolean first = TRUE;

  while (at <= comment->length)
    {
      gsize end = at;

      while (end < comment->length && text[end] != '\n' && text[end] != '\r')
        end++;
      if (first)
        idl_layout_text (format->layout, text, trim_end (text, end));
      else
        set_comment_line (format, text + at, end - at);
      first = FALSE;
      at = end + (end + 1 < comment->length && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1);
    }
}

static void
set_break (IdlFormat *format, IdlBreak before, guint lines_before)
{
  gboolean nothing_yet = idl_layout_is_empty (format->layout);

  if (nothing_yet)
    return;
  switch (before)
    {
    case IDL_BREAK_NONE:
      break;
    case IDL_BREAK_SPACE:
      idl_layout_space (format->layout);
      break;
    case IDL_BREAK_SOFT_NONE:
    case IDL_BREAK_SOFT:
      idl_layout_soft (format->layout, before == IDL_BREAK_SOFT);
      break;
    case IDL_BREAK_CLOSE:
      idl_layout_line (format->layout, FALSE);
      break;
    case IDL_BREAK_LINE:
      idl_layout_line (format->layout, lines_before > 1 && !format->just_opened);
      break;
    case IDL_BREAK_BLANK:
      idl_layout_line (format->layout, TRUE);
      break;
    }
}

IdlBreak
idl_format_comments (IdlFormat *format, IdlBreak before)
{
  const IdlFormatToken *token = idl_format_peek (format);
  gboolean closing = before == IDL_BREAK_CLOSE;

  for (guint i = 0; i < token->n_comments; i++)
    {
      const IdlFormatComment *comment =
          &g_array_index (format->comments, IdlFormatComment, token->first_comment + i);
      gboolean is_line =
          format->text[comment->offset] != '/' || format->text[comment->offset + 1] == '/';
      guint lines_after =
          i + 1 < token->n_comments ? (comment + 1)->lines_before : token->lines_before;
      gboolean ends_line = is_line || lines_after > 0;
      /* What begins a line that its token goes on with belongs to that token. */
      gboolean goes_ahead = !ends_line && before >= IDL_BREAK_LINE;

      if (comment->lines_before == 0 && !goes_ahead && !idl_layout_is_empty (format->layout))
        {
          idl_layout_space (format->layout);
          if (ends_line)
            before = MAX (before, closing ? IDL_BREAK_CLOSE : IDL_BREAK_LINE);
          else
            before = MAX (before, IDL_BREAK_SPACE);
        }
      else
        {
          set_break (format, before == IDL_BREAK_BLANK ? before : IDL_BREAK_LINE,
                     comment->lines_before);
          before = !ends_line ? IDL_BREAK_SPACE : closing ? IDL_BREAK_CLOSE : IDL_BREAK_LINE;
          format->just_opened = FALSE;
        }
      set_comment (format, comment);
    }
  return before;
}

void
idl_format_token (IdlFormat *format, IdlBreak before)
{
  const IdlFormatToken *token = idl_format_peek (format);

  before = idl_format_comments (format, before);
  set_break (format, before, token->lines_before);
  format->just_opened = token->kind == '{';
  idl_layout_text (format->layout, format->text + token->offset, token->length);
  if (token->kind != IDL_TOKEN_END)
    format->next++;
}

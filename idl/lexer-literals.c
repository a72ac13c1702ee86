/* Owns the literals among the tokens, numbers and strings, and the text of doc comments. */
#include "lexer-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Longer numbers are refused: converting one is not linear in its length. */
#define MAX_NUMBER_LENGTH 1000

static gsize
skip_digits (const gchar *text, gsize at)
{
  while (g_ascii_isdigit (text[at]))
    at++;
  return at;
}

static void
fail (IdlLexer *lexer, IdlToken *token, const gchar *message)
{
  token->kind = IDL_TOKEN_INVALID;
  if (!lexer->quiet)
    idl_lexer_report (lexer, IDL_RULE_LITERAL, IDL_ERROR, token->offset, token->length, message);
}

/* Sets @token to the integer of @digits in @base. */
static void
convert_integer (IdlLexer *lexer,
                 IdlToken *token,
                 const gchar *digits,
                 const gchar *end,
                 guint base,
                 gboolean negative)
{
  guint64 limit = negative ? (guint64) G_MAXINT64 + 1 : (guint64) G_MAXINT64;
  guint64 value = 0;

  for (; digits < end; digits++)
    {
      guint digit = (guint) g_ascii_xdigit_value (*digits);

      if (value > (limit - digit) / base)
        {
          fail (lexer, token, "integer does not fit 64 bits");
          return;
        }
      value = value * base + digit;
    }
  token->kind = IDL_TOKEN_INTEGER;
  token->integer = negative ? (gint64) (0 - value) : (gint64) value;
}

static void
convert_double (IdlLexer *lexer, IdlToken *token)
{
  g_autofree gchar *text = NULL;

  if (token->length > MAX_NUMBER_LENGTH)
    {
      fail (lexer, token, "number is too long");
      return;
    }
  text = g_strndup (lexer->text + token->offset, token->length);
  token->number = g_ascii_strtod (text, NULL);
  if (isinf (token->number))
    {
      fail (lexer, token, "number is too large for a double");
      return;
    }
  token->kind = IDL_TOKEN_DOUBLE;
}

void
idl_lexer_number (IdlLexer *lexer, IdlToken *token)
{
  const gchar *text = lexer->text;
  gboolean negative = text[lexer->at] == '-';
  gsize start = lexer->at + (negative || text[lexer->at] == '+');
  gsize whole, end;

  if (text[start] == '0' && text[start + 1] == 'x' && g_ascii_isxdigit (text[start + 2]))
    {
      for (end = start + 2; g_ascii_isxdigit (text[end]);)
        end++;
      token->length = (guint32) (end - lexer->at);
      lexer->at = end;
      convert_integer (lexer, token, text + start + 2, text + end, 16, negative);
      return;
    }
  whole = end = skip_digits (text, start);
  if (text[end] == '.' && g_ascii_isdigit (text[end + 1]))
    end = skip_digits (text, end + 1);
  if (end == start)
    {
      lexer->at = start;
      token->length = 1;
      fail (lexer, token, "a sign without a number");
      return;
    }
  if (text[end] == 'e' || text[end] == 'E')
    {
      gsize exponent = end + 1 + (text[end + 1] == '+' || text[end + 1] == '-');

      if (g_ascii_isdigit (text[exponent]))
        end = skip_digits (text, exponent);
    }
  token->length = (guint32) (end - lexer->at);
  lexer->at = end;
  if (end == whole)
    convert_integer (lexer, token, text + start, text + end, 10, negative);
  else
    convert_double (lexer, token);
}

/* The character that "\@escape" stands for; -1: none. */
static gint
unescape (gchar escape)
{
  switch (escape)
    {
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '"':
    case '\'':
    case '\\':
      return escape;
    default:
      return -1;
    }
}

static void
decode_string (IdlLexer *lexer, IdlToken *token, gsize start, gsize end)
{
  gchar *decoded = idl_arena_alloc (lexer->arena, end - start + 1);
  gsize length = 0;

  for (gsize at = start; at < end; at++)
    {
      gint character = lexer->text[at];

      if (character == '\\')
        {
          character = unescape (lexer->text[++at]);
          if (character < 0)
            {
              character = lexer->text[at];
              if (!lexer->quiet)
                idl_lexer_report (lexer, IDL_RULE_ESCAPE, IDL_ERROR, at - 1, 2,
                                  "unknown escape: there are \\n, \\r, \\t, \\\", \\' and \\\\");
            }
        }
      decoded[length++] = (gchar) character;
    }
  token->text = decoded;
  token->text_length = length;
}

void
idl_lexer_string (IdlLexer *lexer, IdlToken *token)
{
  gchar mark = lexer->text[lexer->at];
  gsize start = lexer->at + 1;
  gsize end = start;

  while (end < lexer->length && lexer->text[end] != mark && lexer->text[end] != '\n'
         && lexer->text[end] != '\r')
    end += lexer->text[end] == '\\' && end + 1 < lexer->length && lexer->text[end + 1] != '\n'
                   && lexer->text[end + 1] != '\r'
               ? 2
               : 1;
  if (end >= lexer->length || lexer->text[end] != mark)
    {
      end = MIN (end, lexer->length);
      token->length = (guint32) (end - lexer->at);
      lexer->at = end;
      fail (lexer, token, "string is not closed at the end of the line");
      return;
    }
  token->kind = IDL_TOKEN_STRING;
  token->length = (guint32) (end + 1 - lexer->at);
  decode_string (lexer, token, start, end);
  lexer->at = end + 1;
}

/* One line of a doc comment. */
typedef struct
{
  const gchar *text;
  gsize length;
  gboolean starred; /* had a '*' before its text, which is cut off */
} DocLine;

static gsize
count_blanks (const gchar *text, gsize length)
{
  gsize count = 0;

  while (count < length && (text[count] == ' ' || text[count] == '\t'))
    count++;
  return count;
}

static void
trim_line_end (DocLine *line)
{
  while (line->length > 0 && g_ascii_isspace (line->text[line->length - 1]))
    line->length--;
}

/* Splits the @length bytes between the comment's marks; the array is of DocLine. */
static GArray *
split_doc (const gchar *text, gsize length)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (DocLine));
  gsize at = 0;

  while (at <= length)
    {
      gsize end = at;
      DocLine line = { text + at };
      gsize blanks;

      while (end < length && text[end] != '\n' && text[end] != '\r')
        end++;
      line.length = end - at;
      blanks = count_blanks (line.text, line.length);
      if (lines->len == 0 || (blanks < line.length && line.text[blanks] == '*'))
        {
          gsize cut = lines->len == 0 ? blanks : blanks + 1;

          line.starred = lines->len > 0;
          line.text += cut;
          line.length -= cut;
        }
      trim_line_end (&line);
      g_array_append_val (lines, line);
      at = end + (end + 1 < length && text[end] == '\r' && text[end + 1] == '\n' ? 2 : 1);
    }
  return lines;
}

/* The blanks before every line (but the first) that is @starred. */
static gsize
common_indentation (const GArray *lines, gboolean starred)
{
  gsize common = G_MAXSIZE;

  for (guint i = 1; i < lines->len; i++)
    {
      const DocLine *line = &g_array_index (lines, DocLine, i);

      if (line->length > 0 && line->starred == starred)
        {
          gsize blanks = count_blanks (line->text, line->length);

          common = MIN (common, blanks);
        }
    }
  return common;
}

const gchar *
idl_lexer_clean_doc (IdlArena *arena, const gchar *comment, gsize length)
{
  /* Without the opening and the closing mark, which may have more stars. */
  g_autoptr (GArray) lines = NULL;
  g_autoptr (GString) doc = g_string_new (NULL);
  gsize common[2];
  gsize start = 2, end = length - 2;

  while (start < end && comment[start] == '*')
    start++;
  if (start < end && comment[start] == '<') /* it is behind what it documents */
    start++;
  while (end > start && comment[end - 1] == '*')
    end--;
  lines = split_doc (comment + start, end - start);
  common[FALSE] = common_indentation (lines, FALSE);
  common[TRUE] = common_indentation (lines, TRUE);
  for (guint i = 0; i < lines->len; i++)
    {
      const DocLine *line = &g_array_index (lines, DocLine, i);
      gsize cut = i == 0 ? 0 : MIN (common[line->starred], line->length);

      if (doc->len > 0)
        g_string_append_c (doc, '\n');
      g_string_append_len (doc, line->text + cut, (gssize) (line->length - cut));
    }
  while (doc->len > 0 && g_ascii_isspace (doc->str[doc->len - 1]))
    g_string_truncate (doc, doc->len - 1);
  return idl_arena_strndup (arena, doc->str, doc->len);
}

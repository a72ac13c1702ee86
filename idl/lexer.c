/* Owns the lexical rules: white space, comments, names, numbers, strings. It knows no grammar. The
 * rules are those of Apache's compiler (thriftl.ll), with form feed as white space, a lone CR as a
 * line end and INT64_MIN in hexadecimal added, and with malformed numbers refused that Apache reads
 * as 0. Every byte is looked at a bounded number of times. */
#include "lexer.h"

#include "lexer-private.h"

#include <stdlib.h>
#include <string.h>

/* In the order of IdlTokenKind, which is also strcmp's. */
static const gchar *const keywords[] = {
  "async",        "binary",       "bool",      "byte",    "const",  "cpp_include", "cpp_type",
  "double",       "enum",         "exception", "extends", "false",  "i16",         "i32",
  "i64",          "i8",           "include",   "list",    "map",    "namespace",   "oneway",
  "optional",     "required",     "service",   "set",     "string", "struct",      "throws",
  "true",         "typedef",      "union",     "uuid",    "void",   "xsd_all",     "xsd_attrs",
  "xsd_nillable", "xsd_optional",
};

G_STATIC_ASSERT (G_N_ELEMENTS (keywords) == IDL_TOKEN_LAST_KEYWORD - IDL_TOKEN_FIRST_KEYWORD + 1);

const gchar *
idl_token_kind_get_keyword (guint kind)
{
  g_return_val_if_fail (idl_token_kind_is_keyword (kind), NULL);
  return keywords[kind - IDL_TOKEN_FIRST_KEYWORD];
}

void
idl_lexer_init (IdlLexer *lexer,
                const IdlSource *source,
                IdlDiagnostics *diagnostics,
                IdlArena *arena)
{
  *lexer = (IdlLexer){ .source = source, .diagnostics = diagnostics, .arena = arena };
  lexer->text = idl_source_get_text (source, &lexer->length);
  if (lexer->length >= 3 && memcmp (lexer->text, "\357\273\277", 3) == 0)
    lexer->at = 3; /* a UTF-8 byte order mark */
}

void
idl_lexer_report (IdlLexer *lexer,
                  IdlRule rule,
                  IdlSeverity severity,
                  gsize offset,
                  gsize length,
                  const gchar *message)
{
  IdlLocation location = { lexer->source, (guint32) offset, (guint32) length };

  idl_diagnostics_add (lexer->diagnostics, rule, severity, &location, "%s", message);
}

/* Warns of bytes in a comment or string that other tools will choke on. */
static void
check_bytes (IdlLexer *lexer, gsize start, gsize end)
{
  while (start < end && !(lexer->warned_encoding && lexer->warned_nul))
    {
      const gchar *bad;

      if (g_utf8_validate (lexer->text + start, (gssize) (end - start), &bad))
        return;
      start = (gsize) (bad - lexer->text);
      if (*bad == '\0' && !lexer->warned_nul)
        {
          idl_lexer_report (lexer, IDL_RULE_NUL_BYTE, IDL_WARNING, start, 1, "NUL byte");
          lexer->warned_nul = TRUE;
        }
      else if (*bad != '\0' && !lexer->warned_encoding)
        {
          idl_lexer_report (lexer, IDL_RULE_ENCODING, IDL_WARNING, start, 1,
                            "the text is not UTF-8");
          lexer->warned_encoding = TRUE;
        }
      start++;
    }
}

/* The end of the line comment that begins at @at. */
static gsize
find_line_end (const IdlLexer *lexer, gsize at)
{
  while (at < lexer->length && lexer->text[at] != '\n' && lexer->text[at] != '\r')
    at++;
  return at;
}

static gboolean
is_all_stars (const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (text[i] != '*')
      return FALSE;
  return TRUE;
}

static void
check_block_comment (IdlLexer *lexer, gsize start, gsize end)
{
  for (gsize i = start + 2; i + 3 < end; i++)
    if (lexer->text[i] == '/' && lexer->text[i + 1] == '*' && lexer->text[i + 2] != '/')
      {
        idl_lexer_report (lexer, IDL_RULE_NESTED_COMMENT, IDL_WARNING, i, 2,
                          "'/*' within a comment: comments do not nest");
        break;
      }
}

/* The doc comment before the token turns out to be behind the one before that. */
static void
make_trailing (IdlToken *token)
{
  token->trailing_offset = token->doc_offset;
  token->trailing_length = token->doc_length;
  token->doc_length = 0;
}

/* Remembers the doc comment from @start to @end. One that says so ("/" "**<") is behind what it
 * documents. */
static void
take_doc (IdlLexer *lexer, IdlToken *token, gsize start, gsize end)
{
  if (lexer->text[start + 3] == '<')
    {
      token->trailing_offset = (guint32) start;
      token->trailing_length = (guint32) (end - start);
      return;
    }
  token->doc_offset = (guint32) start;
  token->doc_length = (guint32) (end - start);
  if (lexer->first_doc_length == 0)
    {
      lexer->first_doc_offset = token->doc_offset;
      lexer->first_doc_length = token->doc_length;
    }
}

/* The end of the block comment that begins at lexer->at; remembers it when it is a doc comment. */
static gsize
find_block_end (IdlLexer *lexer, IdlToken *token)
{
  gsize start = lexer->at;
  const gchar *close = NULL;
  gsize end;

  if (start + 2 < lexer->length)
    close = memmem (lexer->text + start + 2, lexer->length - start - 2, "*/", 2);
  if (close == NULL)
    {
      idl_lexer_report (lexer, IDL_RULE_UNCLOSED, IDL_ERROR, start, 2, "comment is not closed");
      return lexer->length;
    }
  end = (gsize) (close - lexer->text) + 2;
  check_block_comment (lexer, start, end);
  if (lexer->text[start + 2] == '*' && !is_all_stars (lexer->text + start + 2, end - start - 3))
    take_doc (lexer, token, start, end);
  return end;
}

static gboolean
at_comment (const IdlLexer *lexer)
{
  gchar first = lexer->text[lexer->at];
  gchar second = lexer->text[lexer->at + 1];

  return first == '#' || (first == '/' && (second == '/' || second == '*'));
}

/* Whether a doc comment that stands on the last token's line may belong to that token. */
static gboolean
may_trail (const IdlLexer *lexer)
{
  return lexer->previous_kind != 0 && lexer->previous_kind != '{' && lexer->previous_kind != '(';
}

/* Whether what comes next documents nothing itself. */
static gboolean
at_end_of_item (const IdlLexer *lexer)
{
  gchar byte = lexer->at < lexer->length ? lexer->text[lexer->at] : '}';

  return byte == ',' || byte == ';' || byte == '}' || byte == ')';
}

/* Skips white space and comments. With keep_comments it stops at a comment and returns TRUE, the
 * comment being the token. */
static gboolean
skip_blank (IdlLexer *lexer, IdlToken *token)
{
  gboolean on_line = may_trail (lexer); /* still on the last token's line */
  gboolean trails = FALSE;              /* the doc comment began there */

  while (lexer->at < lexer->length)
    {
      gchar byte = lexer->text[lexer->at];
      gsize end;
      guint32 doc_offset = token->doc_offset;

      if (byte == '\n' || byte == '\r')
        {
          if (trails)
            make_trailing (token);
          on_line = trails = FALSE;
        }
      if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f')
        {
          if (byte == '\f' && !lexer->warned_form_feed)
            {
              idl_lexer_report (lexer, IDL_RULE_FORM_FEED, IDL_WARNING, lexer->at, 1,
                                "form feed: other Thrift compilers do not take it as white space");
              lexer->warned_form_feed = TRUE;
            }
          lexer->at++;
          continue;
        }
      if (!at_comment (lexer))
        break;
      end = byte == '/' && lexer->text[lexer->at + 1] == '*' ? find_block_end (lexer, token)
                                                             : find_line_end (lexer, lexer->at);
      check_bytes (lexer, lexer->at, end);
      if (lexer->keep_comments)
        {
          token->kind = IDL_TOKEN_COMMENT;
          token->offset = (guint32) lexer->at;
          token->length = (guint32) (end - lexer->at);
          lexer->at = end;
          return TRUE;
        }
      if (token->doc_offset != doc_offset)
        trails = on_line;
      on_line = on_line && memchr (lexer->text + lexer->at, '\n', end - lexer->at) == NULL;
      lexer->at = end;
    }
  if (trails && at_end_of_item (lexer))
    make_trailing (token);
  return FALSE;
}

static gint
compare_keyword (gconstpointer key, gconstpointer element)
{
  return strcmp (key, *(const gchar *const *) element);
}

guint
idl_lexer_classify (const gchar *text, gsize length)
{
  gchar name[16];
  const gchar *const *found;

  if (length >= sizeof name)
    return IDL_TOKEN_IDENTIFIER;
  memcpy (name, text, length);
  name[length] = '\0';
  found = bsearch (name, keywords, G_N_ELEMENTS (keywords), sizeof keywords[0], compare_keyword);
  return found == NULL ? IDL_TOKEN_IDENTIFIER
                       : IDL_TOKEN_FIRST_KEYWORD + (guint) (found - keywords);
}

static inline gboolean
is_name_byte (gchar byte)
{
  return g_ascii_isalnum (byte) || byte == '_';
}

static void
lex_name (IdlLexer *lexer, IdlToken *token)
{
  gsize end = lexer->at + 1;

  while (is_name_byte (lexer->text[end])
         || (lexer->text[end] == '.' && is_name_byte (lexer->text[end + 1])))
    end++;
  token->kind = idl_lexer_classify (lexer->text + lexer->at, end - lexer->at);
  token->length = (guint32) (end - lexer->at);
  lexer->at = end;
}

/* Whatever is no token's beginning: one character, so that UTF-8 is not reported byte by byte. */
static void
lex_stray (IdlLexer *lexer, IdlToken *token)
{
  const gchar *text = lexer->text + lexer->at;
  gunichar character = g_utf8_get_char_validated (text, (gssize) (lexer->length - lexer->at));
  gboolean valid = *text != '\0' && character != (gunichar) -1 && character != (gunichar) -2;
  g_autofree gchar *message = NULL;

  token->kind = IDL_TOKEN_INVALID;
  token->length = valid ? g_utf8_skip[(guchar) *text] : 1;
  lexer->at += token->length;
  if (lexer->quiet)
    return;
  if (*text == '@')
    message = g_strdup ("structured annotations ('@...') are fbthrift's; Apache Thrift has only "
                        "(name = \"value\")");
  else if (*text == '\0')
    message = g_strdup ("NUL byte: this is not a text file");
  else if (valid && g_unichar_isprint (character))
    message = g_strdup_printf ("unexpected character '%.*s'", (int) token->length, text);
  else
    message = g_strdup_printf ("unexpected byte 0x%02X", (guchar) *text);
  idl_lexer_report (lexer, IDL_RULE_STRAY_BYTE, IDL_ERROR, token->offset, token->length, message);
}

/* A token begins at lexer->at. */
static void
lex_token (IdlLexer *lexer, IdlToken *token)
{
  gchar byte = lexer->text[lexer->at];

  if (g_ascii_isalpha (byte) || byte == '_')
    lex_name (lexer, token);
  else if (g_ascii_isdigit (byte) || byte == '+' || byte == '-'
           || (byte == '.' && g_ascii_isdigit (lexer->text[lexer->at + 1])))
    idl_lexer_number (lexer, token);
  else if (byte == '"' || byte == '\'')
    {
      idl_lexer_string (lexer, token);
      check_bytes (lexer, token->offset, token->offset + token->length);
    }
  else if (byte != '\0' && strchr (":;,{}()=<>[]*&", byte) != NULL)
    {
      token->kind = (guchar) byte;
      token->length = 1;
      lexer->at++;
    }
  else
    lex_stray (lexer, token);
}

void
idl_lexer_next (IdlLexer *lexer, IdlToken *token)
{
  memset (token, 0, sizeof *token);
  if (skip_blank (lexer, token))
    return;
  token->offset = (guint32) lexer->at;
  if (lexer->at < lexer->length)
    lex_token (lexer, token);
  lexer->previous_kind = token->kind;
}

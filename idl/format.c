/* Owns the layout of IDL: which tokens share a line. It follows the grammar as the parser does, on
 * a text that the parser has accepted. Each field, enumerator and function has a line; arguments,
 * annotations and values share one when they fit in 100 columns. No token is added, left out or
 * changed. */
#include "format-private.h"

#include "unit-private.h"

#include <string.h>

#define WIDTH 100

static guint
peek (const IdlFormat *format)
{
  return idl_format_peek (format)->kind;
}

static void
format_separator (IdlFormat *format)
{
  if (peek (format) == ',' || peek (format) == ';')
    idl_format_token (format, IDL_BREAK_NONE);
}

/* The bracket that closes: comments before it are still inside. */
static void
format_close (IdlFormat *format, IdlBreak before)
{
  before = idl_format_comments (format, before);
  idl_layout_indent (format->layout, -1);
  /* The comments are done; nothing is set twice. */
  g_array_index (format->tokens, IdlFormatToken, format->next).n_comments = 0;
  idl_format_token (format, before);
}

static gboolean
is_empty_until (const IdlFormat *format, guint close)
{
  return peek (format) == close && idl_format_peek (format)->n_comments == 0;
}

static void
format_annotations (IdlFormat *format)
{
  if (peek (format) != '(')
    return;
  idl_format_token (format, IDL_BREAK_SPACE);
  idl_layout_begin (format->layout);
  idl_layout_indent (format->layout, 1);
  for (gboolean first = TRUE; peek (format) != ')'; first = FALSE)
    {
      idl_format_token (format, first ? IDL_BREAK_SOFT_NONE : IDL_BREAK_SOFT);
      if (peek (format) == '=')
        {
          idl_format_token (format, IDL_BREAK_SPACE);
          idl_format_token (format, IDL_BREAK_SPACE);
        }
      format_separator (format);
    }
  format_close (format, IDL_BREAK_SOFT_NONE);
  idl_layout_end (format->layout);
}

/* Returns what stands before what follows. */
static IdlBreak
format_cpp_type (IdlFormat *format)
{
  if (peek (format) != IDL_TOKEN_CPP_TYPE)
    return IDL_BREAK_NONE;
  idl_format_token (format, IDL_BREAK_SPACE);
  idl_format_token (format, IDL_BREAK_SPACE);
  return IDL_BREAK_SPACE;
}

static void
format_type (IdlFormat *format, IdlBreak before)
{
  guint kind = peek (format);

  idl_format_token (format, before);
  if (kind == IDL_TOKEN_LIST || kind == IDL_TOKEN_SET || kind == IDL_TOKEN_MAP)
    {
      idl_format_token (format, format_cpp_type (format));
      format_type (format, IDL_BREAK_NONE);
      if (kind == IDL_TOKEN_MAP)
        {
          idl_format_token (format, IDL_BREAK_NONE);
          format_type (format, IDL_BREAK_SPACE);
        }
      idl_format_token (format, IDL_BREAK_NONE);
      format_cpp_type (format);
    }
  if (kind != IDL_TOKEN_IDENTIFIER && kind != IDL_TOKEN_VOID)
    format_annotations (format);
}

static void
format_value (IdlFormat *format, IdlBreak before)
{
  guint open = peek (format);
  guint close = open == '[' ? ']' : '}';

  idl_format_token (format, before);
  if (open != '[' && open != '{')
    return;
  if (is_empty_until (format, close))
    {
      idl_format_token (format, IDL_BREAK_NONE);
      return;
    }
  idl_layout_begin (format->layout);
  idl_layout_indent (format->layout, 1);
  for (gboolean first = TRUE; peek (format) != close; first = FALSE)
    {
      format_value (format, first ? IDL_BREAK_SOFT_NONE : IDL_BREAK_SOFT);
      if (open == '{')
        {
          idl_format_token (format, IDL_BREAK_NONE);
          format_value (format, IDL_BREAK_SPACE);
        }
      format_separator (format);
    }
  format_close (format, IDL_BREAK_SOFT_NONE);
  idl_layout_end (format->layout);
}

/* `{`, each member on its line by @format_member, `}`. */
static void
format_body (IdlFormat *format, void (*format_member) (IdlFormat *format, IdlBreak before))
{
  idl_format_token (format, IDL_BREAK_SPACE);
  if (is_empty_until (format, '}'))
    {
      idl_format_token (format, IDL_BREAK_NONE);
      return;
    }
  idl_layout_indent (format->layout, 1);
  while (peek (format) != '}')
    format_member (format, IDL_BREAK_LINE);
  format_close (format, IDL_BREAK_CLOSE);
}

static void
format_field (IdlFormat *format, IdlBreak before)
{
  if (peek (format) == IDL_TOKEN_INTEGER)
    {
      idl_format_token (format, before);
      idl_format_token (format, IDL_BREAK_NONE);
      before = IDL_BREAK_SPACE;
    }
  if (peek (format) == IDL_TOKEN_REQUIRED || peek (format) == IDL_TOKEN_OPTIONAL)
    {
      idl_format_token (format, before);
      before = IDL_BREAK_SPACE;
    }
  format_type (format, before);
  if (peek (format) == '&')
    idl_format_token (format, IDL_BREAK_NONE);
  idl_format_token (format, IDL_BREAK_SPACE);
  if (peek (format) == '=')
    {
      idl_format_token (format, IDL_BREAK_SPACE);
      format_value (format, IDL_BREAK_SPACE);
    }
  while (peek (format) == IDL_TOKEN_XSD_OPTIONAL || peek (format) == IDL_TOKEN_XSD_NILLABLE)
    idl_format_token (format, IDL_BREAK_SPACE);
  if (peek (format) == IDL_TOKEN_XSD_ATTRS)
    {
      idl_format_token (format, IDL_BREAK_SPACE);
      format_body (format, format_field);
    }
  format_annotations (format);
  format_separator (format);
}

/* `(`, fields, `)`. */
static void
format_fields (IdlFormat *format, IdlBreak before)
{
  idl_format_token (format, before);
  if (is_empty_until (format, ')'))
    {
      idl_format_token (format, IDL_BREAK_NONE);
      return;
    }
  idl_layout_begin (format->layout);
  idl_layout_indent (format->layout, 1);
  for (gboolean first = TRUE; peek (format) != ')'; first = FALSE)
    format_field (format, first ? IDL_BREAK_SOFT_NONE : IDL_BREAK_SOFT);
  format_close (format, IDL_BREAK_SOFT_NONE);
  idl_layout_end (format->layout);
}

static void
format_function (IdlFormat *format, IdlBreak before)
{
  if (peek (format) == IDL_TOKEN_ONEWAY || peek (format) == IDL_TOKEN_ASYNC)
    {
      idl_format_token (format, before);
      before = IDL_BREAK_SPACE;
    }
  format_type (format, before);
  idl_format_token (format, IDL_BREAK_SPACE);
  format_fields (format, IDL_BREAK_NONE);
  if (peek (format) == IDL_TOKEN_THROWS)
    {
      idl_format_token (format, IDL_BREAK_SPACE);
      format_fields (format, IDL_BREAK_SPACE);
    }
  format_annotations (format);
  format_separator (format);
}

static void
format_enumerator (IdlFormat *format, IdlBreak before)
{
  idl_format_token (format, before);
  if (peek (format) == '=')
    {
      idl_format_token (format, IDL_BREAK_SPACE);
      idl_format_token (format, IDL_BREAK_SPACE);
    }
  format_annotations (format);
  format_separator (format);
}

/* A definition with braces, from its keyword on. */
static void
format_braced (IdlFormat *format, IdlBreak before)
{
  guint kind = peek (format);

  idl_format_token (format, before);
  while (peek (format) != '{') /* the name, `extends` and another, `xsd_all` */
    idl_format_token (format, IDL_BREAK_SPACE);
  format_body (format, kind == IDL_TOKEN_ENUM      ? format_enumerator
                       : kind == IDL_TOKEN_SERVICE ? format_function
                                                   : format_field);
  format_annotations (format);
  format_separator (format);
}

static gboolean
is_braced (guint kind)
{
  return kind == IDL_TOKEN_ENUM || kind == IDL_TOKEN_STRUCT || kind == IDL_TOKEN_UNION
         || kind == IDL_TOKEN_EXCEPTION || kind == IDL_TOKEN_SERVICE;
}

static void
format_item (IdlFormat *format, IdlBreak before)
{
  guint kind = peek (format);

  if (is_braced (kind))
    {
      format_braced (format, before);
      return;
    }
  idl_format_token (format, before);
  if (kind == IDL_TOKEN_TYPEDEF || kind == IDL_TOKEN_CONST)
    {
      format_type (format, IDL_BREAK_SPACE);
      idl_format_token (format, IDL_BREAK_SPACE);
    }
  else
    {
      idl_format_token (format, IDL_BREAK_SPACE); /* include's file, namespace's language */
      if (kind == IDL_TOKEN_NAMESPACE)
        idl_format_token (format, IDL_BREAK_SPACE);
    }
  if (kind == IDL_TOKEN_CONST)
    {
      idl_format_token (format, IDL_BREAK_SPACE);
      format_value (format, IDL_BREAK_SPACE);
    }
  else if (kind == IDL_TOKEN_TYPEDEF || kind == IDL_TOKEN_NAMESPACE)
    format_annotations (format);
  format_separator (format);
}

static void
format_program (IdlFormat *format)
{
  gboolean after_braces = FALSE;

  while (peek (format) != IDL_TOKEN_END)
    {
      gboolean braces = is_braced (peek (format));

      format_item (format, braces || after_braces ? IDL_BREAK_BLANK : IDL_BREAK_LINE);
      after_braces = braces;
    }
  idl_format_token (format, IDL_BREAK_LINE);
}

/* Whether the parser takes the text; the mistakes are in @diagnostics. */
static gboolean
parses (const IdlSource *source, IdlArena *arena, IdlDiagnostics *diagnostics)
{
  IdlUnit unit = { .arena = arena, .diagnostics = diagnostics };
  IdlProgram program = { .source = (IdlSource *) source };
  guint errors = idl_diagnostics_count (diagnostics, IDL_ERROR);

  program.includes = idl_arena_array (arena);
  program.cpp_includes = idl_arena_array (arena);
  program.c_includes = idl_arena_array (arena);
  program.namespaces = idl_arena_array (arena);
  program.definitions = idl_arena_array (arena);
  idl_parse (&unit, &program);
  return idl_diagnostics_count (diagnostics, IDL_ERROR) == errors;
}

gchar *
idl_format_source (const IdlSource *source, IdlDiagnostics *diagnostics)
{
  g_autoptr (IdlArena) arena = idl_arena_new ();
  IdlFormat format;
  gsize length;
  const gchar *bytes = idl_source_get_text (source, &length);
  const gchar *nul = memchr (bytes, '\0', length);
  gchar *text;

  if (!parses (source, arena, diagnostics))
    return NULL;
  if (nul != NULL)
    {
      /* It is in a comment or string; what is returned could not hold it. */
      IdlLocation location = { source, (guint32) (nul - bytes), 1 };

      idl_diagnostics_add (diagnostics, IDL_RULE_NUL_BYTE, IDL_ERROR, &location,
                           "a text with a NUL byte is not formatted");
      return NULL;
    }
  idl_format_init (&format, source, arena);
  format_program (&format);
  text = idl_layout_render (format.layout, WIDTH);
  idl_format_clear (&format);
  return text;
}

gchar *
idl_format_file (const gchar *path, IdlSource **source, IdlDiagnostics *diagnostics)
{
  g_autoptr (GError) error = NULL;

  *source = idl_source_read_named (path, &error);
  if (*source != NULL)
    return idl_format_source (*source, diagnostics);
  idl_diagnostics_add (diagnostics, IDL_RULE_UNREADABLE_FILE, IDL_ERROR, NULL, "%s",
                       error->message);
  return NULL;
}

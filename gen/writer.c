/* Lays out C text. What is said, and where, is decided by its callers. */
#include "writer.h"

#include <math.h>
#include <string.h>

void
gen_print (GString *out, const gchar *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_string_append_vprintf (out, format, arguments);
  va_end (arguments);
}

static gsize
get_column (const GString *out)
{
  gsize start = out->len;

  while (start > 0 && out->str[start - 1] != '\n')
    start--;

  return out->len - start;
}

/* @items with commas between them, as many on a line as fit when @indent columns are left free, and
 * then @tail. Returns how many lines that makes; with @out %NULL it only counts. */
static guint
print_folded (GString *out, const GPtrArray *items, gsize indent, const gchar *tail)
{
  gsize column = indent;
  guint lines = 1;

  for (guint i = 0; i < items->len; i++)
    {
      const gchar *item = g_ptr_array_index (items, i);
      gboolean last = i == items->len - 1;
      gsize needed = strlen (item) + (last ? strcspn (tail, "\n") : 1);
      gboolean fold = i > 0 && column + 1 + needed > GEN_MARGIN;

      column = (fold ? indent : column + (i > 0)) + needed;
      /* A line that is too long all the same counts as bad. */
      lines += fold + (column > GEN_MARGIN ? 2 : 0);
      if (out != NULL && fold)
        gen_print (out, "\n%*s%s%s", (int) indent, "", item, last ? "" : ",");
      else if (out != NULL)
        gen_print (out, "%s%s%s", i > 0 ? " " : "", item, last ? "" : ",");
    }

  if (out != NULL)
    g_string_append (out, tail);
  return lines;
}

/* Columns of the line that @out ends with, and how far its text is indented. */
static gsize
get_indent (const GString *out, gsize column)
{
  const gchar *line = out->str + out->len - column;

  return strspn (line, " ");
}

/* The end of gen_print_call (), whose head and parenthesis @out ends with already. */
static void
print_items (GString *out, const GPtrArray *items, const gchar *tail)
{
  gsize column = get_column (out);
  gsize indent = get_indent (out, column) + 4;

  if (print_folded (NULL, items, column, tail) > 1 + print_folded (NULL, items, indent, tail))
    {
      gen_print (out, "\n%*s", (int) indent, "");
      column = indent;
    }
  print_folded (out, items, column, tail);
}

void
gen_print_call (GString *out, const gchar *head, const GPtrArray *parameters, const gchar *tail)
{
  gen_print (out, "%s(", head);
  print_items (out, parameters, tail);
}

void
gen_print_table (GString *out,
                 const gchar *declaration,
                 const gchar *macro,
                 const GPtrArray *parameters)
{
  gsize start = out->len;

  gen_print (out, "%s = %s (", declaration, macro);
  if (print_folded (NULL, parameters, get_column (out), ");") > 1)
    {
      g_string_truncate (out, start);
      gen_print (out, "%s =\n  %s (", declaration, macro);
    }
  print_items (out, parameters, ");\n");
}

void
gen_print_braced (GString *out, const GPtrArray *items)
{
  g_string_append (out, "  { ");
  print_folded (out, items, 4, " },\n");
}

void
gen_print_define (GString *out, const gchar *head, const gchar *body)
{
  const gchar *comma = strrchr (body, ',');

  if (strlen ("#define ") + strlen (head) + 1 + strlen (body) <= GEN_MARGIN)
    gen_print (out, "#define %s %s\n", head, body);
  else if (comma == NULL || strlen (body) + 2 <= GEN_MARGIN)
    gen_print (out, "#define %s \\\n  %s\n", head, body);
  else
    gen_print (out, "#define %s \\\n  %.*s, \\\n    %s\n", head, (int) (comma - body), body,
               comma + 2);
}

void
gen_print_filled (GString *out, const GPtrArray *items)
{
  g_string_append (out, "  ");
  print_folded (out, items, 2, ",\n");
}

/* ---- comments ---- */

/* What would end the comment, make the C compiler warn, or show text in another order than it has.
 */
static gchar *
clean_comment (const gchar *text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  GString *clean = g_string_new (NULL);

  for (const gchar *c = valid; *c != '\0'; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);
      gboolean bidirectional = (character >= 0x202a && character <= 0x202e)
                               || (character >= 0x2066 && character <= 0x2069)
                               || character == 0x200e || character == 0x200f;

      if (bidirectional || character == '\r')
        continue;
      g_string_append_unichar (clean, character);
      if ((*c == '/' && c[1] == '*') || (*c == '*' && c[1] == '/') || (*c == '?' && c[1] == '?'))
        g_string_append_c (clean, ' ');
    }

  return g_string_free (clean, FALSE);
}

/* @text's lines with ` * ` in front; @lead stands before the first. */
static void
print_comment_lines (GString *out, const gchar *lead, const gchar *text)
{
  g_autofree gchar *clean = clean_comment (text);
  g_auto (GStrv) lines = g_strsplit (g_strstrip (clean), "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const gchar *line = g_strchomp (lines[i]);

      if (i == 0)
        gen_print (out, " * %s%s\n", lead, line);
      else
        gen_print (out, *line == '\0' ? " *%s\n" : " * %s\n", line);
    }
}

void
gen_print_comment (GString *out, const gchar *text)
{
  g_string_append (out, "/*\n");
  print_comment_lines (out, "", text);
  g_string_append (out, " */\n");
}

void
gen_print_doc (GString *out,
               const gchar *symbol,
               const gchar *text,
               const GPtrArray *members,
               const gchar *deprecated)
{
  /* Of a bare (deprecated) the attribute says all. */
  gboolean reason = deprecated != NULL && strcmp (deprecated, "1") != 0 && *deprecated != '\0';
  gboolean anything = text != NULL || reason;

  for (guint i = 1; members != NULL && i < members->len; i += 2)
    anything = anything || g_ptr_array_index (members, i) != NULL;
  if (!anything)
    return;

  gen_print (out, "/**\n * %s:\n", symbol);
  for (guint i = 0; members != NULL && i + 1 < members->len; i += 2)
    {
      const gchar *member_text = g_ptr_array_index (members, i + 1);

      if (member_text != NULL)
        {
          g_autofree gchar *lead =
              g_strdup_printf ("@%s: ", (const gchar *) g_ptr_array_index (members, i));

          print_comment_lines (out, lead, member_text);
        }
    }
  if (text != NULL)
    {
      g_string_append (out, " *\n");
      print_comment_lines (out, "", text);
    }
  if (reason)
    {
      g_string_append (out, " *\n");
      print_comment_lines (out, "Deprecated: ", deprecated);
    }
  g_string_append (out, " */\n");
}

/* ---- literals ---- */

gchar *
gen_string_literal (const gchar *bytes, gsize length)
{
  GString *literal = g_string_new ("\"");

  for (gsize i = 0; i < length; i++)
    {
      guchar c = (guchar) bytes[i];

      if (c == '"' || c == '\\')
        gen_print (literal, "\\%c", c);
      else if (c == '\n')
        g_string_append (literal, "\\n");
      else if (c == '\t')
        g_string_append (literal, "\\t");
      else if (c == '?' && i > 0 && bytes[i - 1] == '?')
        g_string_append (literal, "\\?");
      else if (c < 0x20 || c >= 0x7f)
        gen_print (literal, "\\%03o", c);
      else
        g_string_append_c (literal, (gchar) c);
    }

  g_string_append_c (literal, '"');
  return g_string_free (literal, FALSE);
}

gchar *
gen_declare (const gchar *type, const gchar *name)
{
  return g_strdup_printf (g_str_has_suffix (type, "*") ? "%s%s" : "%s %s", type, name);
}

gchar *
gen_double_literal (gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (number))
    return g_strdup ("__builtin_nan (\"\")");
  if (isinf (number))
    return g_strdup (number > 0 ? "__builtin_inf ()" : "(-__builtin_inf ())");

  /* The shortest of 15, 16 and 17 digits that reads back the same. */
  for (gint digits = 15; digits <= 17; digits++)
    {
      gchar format[8];

      g_snprintf (format, sizeof format, "%%.%dg", digits);
      g_ascii_formatd (text, sizeof text, format, number);
      if (g_ascii_strtod (text, NULL) == number)
        break;
    }

  const gchar *suffix = strpbrk (text, ".e") == NULL ? ".0" : "";

  return g_strdup_printf (*text == '-' ? "(%s%s)" : "%s%s", text, suffix);
}

gchar *
gen_integer_literal (gint64 number)
{
  if (number == G_MININT64)
    return g_strdup ("G_MININT64");
  if (number == G_MININT32)
    return g_strdup ("G_MININT32");
  if (number < G_MININT32 || number > G_MAXINT32)
    return g_strdup_printf (number < 0 ? "(-G_GINT64_CONSTANT (%" G_GUINT64_FORMAT "))"
                                       : "G_GINT64_CONSTANT (%" G_GUINT64_FORMAT ")",
                            number < 0 ? (guint64) -number : (guint64) number);

  return g_strdup_printf (number < 0 ? "(%" G_GINT64_FORMAT ")" : "%" G_GINT64_FORMAT, number);
}

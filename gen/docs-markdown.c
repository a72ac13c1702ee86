/* Owns Markdown as GitHub shows it. Text is escaped so that nothing in it is markup, and `<code>`
 * stands where a code span could not hold a link. */
#include "docs-private.h"

#include <string.h>

/* Whether @c, behind @inner and between @before and @after, would mean something. */
static gboolean
is_markup (const GString *inner, gunichar c, gunichar before, gunichar after)
{
  if (c == '_') /* within a word it is nothing */
    return !(g_unichar_isalnum (before) && g_unichar_isalnum (after));
  if (c == '#' || c == '-' || c == '+' || c == '=') /* at a line's beginning */
    return before == 0;
  if (c == '.' || c == ')') /* behind a number there */
    return inner->len > 0 && strspn (inner->str, "0123456789") == inner->len;
  return c < 0x80 && strchr ("\\`*[]|~$!", (gchar) c) != NULL;
}

static void
markdown_text (GString *inner, const gchar *text, gsize length)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, (gssize) length);
  gunichar before = inner->len == 0 ? 0 : ' ';

  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (c == '<')
        g_string_append (inner, "&lt;");
      else if (c == '>')
        g_string_append (inner, "&gt;");
      else if (c == '&')
        g_string_append (inner, "&amp;");
      else if (c == '\n' || c == '\t')
        g_string_append_c (inner, ' ');
      else
        {
          if (is_markup (inner, c, before, g_utf8_get_char (g_utf8_next_char (at))))
            g_string_append_c (inner, '\\');
          g_string_append_unichar (inner, docs_is_unfit (c) ? 0xfffd : c);
        }
      before = c;
    }
}

/* Lines of code as HTML, in which no line is blank, as that would end the element. */
static void
append_code_lines (GString *out, const gchar *code, const gchar *line_end)
{
  g_auto (GStrv) lines = g_strsplit (code, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_string_append (out, i == 0 ? "" : line_end);
      for (const gchar *c = lines[i]; *c == ' '; c++)
        g_string_append (out, "&nbsp;");
      g_strchug (lines[i]);
      markdown_text (out, lines[i], strlen (lines[i]));
    }
}

static void
markdown_begin_page (GString *out, const gchar *title)
{
}

static void
markdown_end_page (GString *out)
{
}

static void
markdown_heading (GString *out, guint level, const gchar *anchor, const gchar *inner)
{
  if (anchor != NULL)
    g_string_append_printf (out, "<a id=\"%s\"></a>\n\n", anchor);
  g_string_append_printf (out, "%.*s %s\n\n", (int) level, "######", inner);
}

static void
markdown_block (
    GString *out, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last)
{
  if (kind == DOCS_ITEM)
    g_string_append_printf (out, "- %s\n%s", inner, is_last ? "\n" : "");
  else if (kind == DOCS_CODE)
    {
      g_string_append (out, "<code>");
      append_code_lines (out, inner, "<br>\n");
      g_string_append (out, "</code>\n\n");
    }
  else
    g_string_append_printf (out, "%s\n\n", inner);
}

static void
markdown_cell_block (
    GString *cell, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last)
{
  if (cell->len > 0)
    g_string_append (cell, "<br>");
  if (kind == DOCS_CODE)
    {
      g_string_append (cell, "<code>");
      append_code_lines (cell, inner, "<br>");
      g_string_append (cell, "</code>");
    }
  else
    g_string_append_printf (cell, "%s%s", kind == DOCS_ITEM ? "• " : "", inner);
}

static void
markdown_signature (GString *out, const gchar *inner)
{
  g_string_append_printf (out, "<code>%s</code>\n\n", inner);
}

static void
markdown_note (GString *out, const gchar *inner)
{
  g_string_append_printf (out, "%s\n\n", inner);
}

static void
markdown_begin_table (GString *out, const gchar *const *headings)
{
  GString *line = g_string_new ("|");

  g_string_append_c (out, '|');
  for (; *headings != NULL; headings++)
    {
      g_string_append_printf (out, " %s |", *headings);
      g_string_append (line, " --- |");
    }
  g_string_append_printf (out, "\n%s\n", line->str);
  g_string_free (line, TRUE);
}

static void
markdown_row (GString *out, const gchar *anchor, const gchar *const *cells, guint n_cells)
{
  g_string_append_c (out, '|');
  for (guint i = 0; i < n_cells; i++)
    {
      g_string_append_c (out, ' ');
      if (i == 0 && anchor != NULL)
        g_string_append_printf (out, "<a id=\"%s\"></a>", anchor);
      g_string_append_printf (out, "%s |", cells[i]);
    }
  g_string_append_c (out, '\n');
}

static void
markdown_end_table (GString *out)
{
  g_string_append_c (out, '\n');
}

const DocsForm docs_form_markdown = {
  .extension = "md",
  .begin_page = markdown_begin_page,
  .end_page = markdown_end_page,
  .heading = markdown_heading,
  .block = markdown_block,
  .cell_block = markdown_cell_block,
  .signature = markdown_signature,
  .note = markdown_note,
  .begin_table = markdown_begin_table,
  .row = markdown_row,
  .end_table = markdown_end_table,
  .text = markdown_text,
};

/* Owns HTML: pages that need nothing but themselves, and whose text is text, whatever is in it. */
#include "docs-private.h"

#include <string.h>

static const gchar html_head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n";

static const gchar html_style[] =
    "<style>\n"
    ":root { color-scheme: light dark; --text: #1c2128; --soft: #59636e; --back: #fff; --panel: "
    "#f4f6f8;\n"
    "  --line: #d6dbe1; --link: #0a58ca; --mark: #9a5b00; }\n"
    "@media (prefers-color-scheme: dark) { :root { --text: #dde3ea; --soft: #98a3af; --back: "
    "#14181d;\n"
    "  --panel: #1d232a; --line: #353d47; --link: #78b0ff; --mark: #f0b35a; } }\n"
    "body { margin: 0 auto; max-width: 62rem; padding: 1rem 1.25rem 4rem; color: var(--text);\n"
    "  background: var(--back); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }\n"
    "h1, h2, h3, h4 { line-height: 1.25; margin: 2rem 0 .6rem; }\n"
    "h1 { margin-top: 1rem; } h2 { border-bottom: 1px solid var(--line); padding-bottom: .3rem; "
    "margin-top: 3rem; }\n"
    "h3 { margin-top: 2.6rem; } :target { background: var(--panel); outline: .4rem solid "
    "var(--panel); }\n"
    "a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }\n"
    "code, pre { font: .9em/1.5 ui-monospace, monospace; }\n"
    "pre, .signature { background: var(--panel); border: 1px solid var(--line); border-radius: "
    ".4rem;\n"
    "  padding: .7rem .9rem; overflow-x: auto; }\n"
    ".note { color: var(--soft); font-size: .92em; } .note strong { color: var(--mark); }\n"
    ".wide { overflow-x: auto; margin: .9rem 0; } table { border-collapse: collapse; width: 100%; "
    "font-size: .95em; "
    "}\n"
    "th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: "
    "1px solid var(--line); }\n"
    "th { color: var(--soft); font-weight: 600; } td { min-width: 2.5rem; }\n"
    "td p, td ul, td pre { margin: 0 0 .4rem; } td > :last-child { margin-bottom: 0; }\n"
    "td:last-child { min-width: 12rem; }\n"
    "</style>\n";

gboolean
docs_is_unfit (gunichar c)
{
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0)
         || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e
         || c == 0x200f || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

static void
html_text (GString *inner, const gchar *text, gsize length)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, (gssize) length);

  for (const gchar *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (c == '<')
        g_string_append (inner, "&lt;");
      else if (c == '>')
        g_string_append (inner, "&gt;");
      else if (c == '&')
        g_string_append (inner, "&amp;");
      else if (c == '"')
        g_string_append (inner, "&quot;");
      else if (c == '\'')
        g_string_append (inner, "&#39;");
      else
        g_string_append_unichar (inner, docs_is_unfit (c) ? 0xfffd : c);
    }
}

static void
html_begin_page (GString *out, const gchar *title)
{
  g_string_append (out, html_head);
  g_string_append (out, "<title>");
  html_text (out, title, strlen (title));
  g_string_append (out, "</title>\n");
  g_string_append (out, html_style);
  g_string_append (out, "</head>\n<body>\n");
}

static void
html_end_page (GString *out)
{
  g_string_append (out, "</body>\n</html>\n");
}

static void
html_heading (GString *out, guint level, const gchar *anchor, const gchar *inner)
{
  if (anchor == NULL)
    g_string_append_printf (out, "<h%u>%s</h%u>\n", level, inner, level);
  else
    g_string_append_printf (out, "<h%u id=\"%s\">%s</h%u>\n", level, anchor, inner, level);
}

static void
html_block (
    GString *out, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last)
{
  if (kind == DOCS_ITEM)
    g_string_append_printf (out, "%s<li>%s</li>%s", is_first ? "<ul>\n" : "", inner,
                            is_last ? "\n</ul>\n" : "\n");
  else if (kind == DOCS_CODE)
    {
      g_string_append (out, "<pre>");
      html_text (out, inner, strlen (inner));
      g_string_append (out, "</pre>\n");
    }
  else
    g_string_append_printf (out, "<p>%s</p>\n", inner);
}

static void
html_signature (GString *out, const gchar *inner)
{
  g_string_append_printf (out, "<p class=\"signature\"><code>%s</code></p>\n", inner);
}

static void
html_note (GString *out, const gchar *inner)
{
  g_string_append_printf (out, "<p class=\"note\">%s</p>\n", inner);
}

static void
html_begin_table (GString *out, const gchar *const *headings)
{
  g_string_append (out, "<div class=\"wide\"><table>\n<thead><tr>");
  for (; *headings != NULL; headings++)
    g_string_append_printf (out, "<th>%s</th>", *headings);
  g_string_append (out, "</tr></thead>\n<tbody>\n");
}

static void
html_row (GString *out, const gchar *anchor, const gchar *const *cells, guint n_cells)
{
  if (anchor == NULL)
    g_string_append (out, "<tr>");
  else
    g_string_append_printf (out, "<tr id=\"%s\">", anchor);
  for (guint i = 0; i < n_cells; i++)
    g_string_append_printf (out, "<td>%s</td>", cells[i]);
  g_string_append (out, "</tr>\n");
}

static void
html_end_table (GString *out)
{
  g_string_append (out, "</tbody>\n</table></div>\n");
}

const DocsForm docs_form_html = {
  .extension = "html",
  .begin_page = html_begin_page,
  .end_page = html_end_page,
  .heading = html_heading,
  .block = html_block,
  .cell_block = html_block,
  .signature = html_signature,
  .note = html_note,
  .begin_table = html_begin_table,
  .row = html_row,
  .end_table = html_end_table,
  .text = html_text,
};

/* Any IDL through the reference in both forms: nothing of its text is markup, and every link leads to
 * something. Names aside, a page's only `<` are those of elements that the reference itself writes. */
#include "fuzz.h"

#include "docs.h"
#include "idl.h"

#include <string.h>

static const gchar *const elements[] = {
  "!DOCTYPE html>", "html", "head>", "body>", "meta ", "title>", "style>", "table>", "thead>",
  "tbody>",         "tr",   "th>",   "td>",   "ul>",   "li>",    "p",      "pre>",   "code>",
  "strong>",        "div",  "h1",    "h2",    "h3",    "h4",     "a ",     "a>",     "br>"
};

static gboolean
is_element (const gchar *text)
{
  text += *text == '/';
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++)
    if (g_str_has_prefix (text, elements[i]))
      {
        gchar next = text[strlen (elements[i])];

        return strchr (" >", elements[i][strlen (elements[i]) - 1]) != NULL || next == '>'
               || next == ' ';
      }
  return FALSE;
}

static void
check_page (const GenFile *file)
{
  g_assert (g_utf8_validate (file->text, -1, NULL));
  for (const gchar *at = strchr (file->text, '<'); at != NULL; at = strchr (at + 1, '<'))
    g_assert (is_element (at + 1));
}

/* What is linked to on the one page besides the index. */
static void
check_links (const gchar *page)
{
  for (const gchar *at = strstr (page, "<a href=\"#"); at != NULL;
       at = strstr (at + 1, "<a href=\"#"))
    {
      const gchar *start = at + strlen ("<a href=\"#");
      g_autofree gchar *target =
          g_strdup_printf (" id=\"%.*s\"", (int) strcspn (start, "\""), start);

      g_assert (strstr (page, target) != NULL);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();

  if (size > 64 * 1024
      || idl_unit_load_text (unit, "t.thrift", size > 0 ? (const gchar *) data : "", (gssize) size)
             == NULL)
    return 0;
  for (guint form = GEN_DOCS_HTML; form <= GEN_DOCS_MARKDOWN; form++)
    {
      g_autoptr (GPtrArray) files = gen_docs (idl_unit_get_programs (unit), form);

      for (guint i = 0; i < files->len; i++)
        check_page (g_ptr_array_index (files, i));
      check_links (((const GenFile *) g_ptr_array_index (files, files->len - 1))->text);
    }
  return 0;
}

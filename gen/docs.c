/* Owns the reference as a whole: the index, and a page for each file, in the order services, types,
 * constants. */
#include "docs.h"

#include "docs-private.h"

static const struct
{
  const gchar *title;
  IdlDefinitionKind kind;
} sections[] = { { "Services", IDL_DEFINITION_SERVICE }, { "Structs", IDL_DEFINITION_STRUCT },
                 { "Unions", IDL_DEFINITION_UNION },     { "Exceptions", IDL_DEFINITION_EXCEPTION },
                 { "Enums", IDL_DEFINITION_ENUM },       { "Typedefs", IDL_DEFINITION_TYPEDEF },
                 { "Constants", IDL_DEFINITION_CONST } };

/* (element-type IdlDefinition) (transfer full): those of one kind. */
static GPtrArray *
list_kind (const IdlProgram *program, IdlDefinitionKind kind)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < program->definitions->len; i++)
    if (((const IdlDefinition *) g_ptr_array_index (program->definitions, i))->kind == kind)
      g_ptr_array_add (list, g_ptr_array_index (program->definitions, i));
  return list;
}

static void
append_page_link (const DocsPage *page, GString *inner, const IdlProgram *program)
{
  g_string_append_printf (inner, "<a href=\"%s\">", docs_links_get_page (page->links, program));
  docs_append_text (page, inner, program->name);
  g_string_append (inner, "</a>");
}

/* A list of @definitions with the first sentence of each. */
static void
print_summaries (const DocsPage *page, const GPtrArray *definitions)
{
  for (guint i = 0; i < definitions->len; i++)
    {
      const IdlDefinition *definition = g_ptr_array_index (definitions, i);
      g_autofree gchar *summary = docs_dup_summary (page, definition->node.doc);
      g_autoptr (GString) inner = g_string_new ("<code>");

      docs_append_link (page, inner, definition, NULL, definition->node.name);
      g_string_append (inner, "</code>");
      if (idl_annotations_get (definition->node.annotations, "deprecated") != NULL)
        g_string_append (inner, " <strong>deprecated</strong>");
      if (*summary != '\0')
        g_string_append_printf (inner, ": %s", summary);
      page->form->block (page->out, DOCS_ITEM, inner->str, i == 0, i + 1 == definitions->len);
    }
}

/* ---- the page of a file ---- */

static void
print_page_includes (const DocsPage *page)
{
  g_autoptr (GString) inner = g_string_new ("Includes ");

  for (guint i = 0; i < page->program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (page->program->includes, i);

      g_string_append (inner, i == 0 ? "" : ", ");
      append_page_link (page, inner, include->program);
    }
  if (page->program->includes->len > 0)
    page->form->note (page->out, inner->str);
}

static void
print_includers (const DocsPage *page, const GPtrArray *programs)
{
  g_autoptr (GString) inner = g_string_new (NULL);

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      for (guint j = 0; j < program->includes->len; j++)
        if (((const IdlInclude *) g_ptr_array_index (program->includes, j))->program
            == page->program)
          {
            g_string_append (inner, inner->len == 0 ? "Included by " : ", ");
            append_page_link (page, inner, program);
            break;
          }
    }
  if (inner->len > 0)
    page->form->note (page->out, inner->str);
}

static void
print_namespaces (const DocsPage *page)
{
  static const gchar *const headings[] = { "Language", "Namespace", NULL };

  if (page->program->namespaces->len == 0)
    return;
  page->form->heading (page->out, 2, ":namespaces", "Namespaces");
  page->form->begin_table (page->out, headings);
  for (guint i = 0; i < page->program->namespaces->len; i++)
    {
      const IdlNamespace *name_space = g_ptr_array_index (page->program->namespaces, i);
      g_autoptr (GString) scope = g_string_new (NULL);
      g_autoptr (GString) name = g_string_new (NULL);
      const gchar *cells[2];

      docs_append_text (page, scope, name_space->scope);
      docs_append_code (page, name, name_space->name);
      cells[0] = scope->str;
      cells[1] = name->str;
      page->form->row (page->out, NULL, cells, G_N_ELEMENTS (cells));
    }
  page->form->end_table (page->out);
}

static void
print_contents (const DocsPage *page)
{
  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      g_autoptr (GPtrArray) list = list_kind (page->program, sections[i].kind);
      g_autofree gchar *title = g_strdup_printf ("<strong>%s</strong>", sections[i].title);

      if (list->len == 0)
        continue;
      page->form->block (page->out, DOCS_PARAGRAPH, title, TRUE, TRUE);
      print_summaries (page, list);
    }
}

static void
print_sections (const DocsPage *page)
{
  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      g_autoptr (GPtrArray) list = list_kind (page->program, sections[i].kind);
      g_autofree gchar *anchor = g_strdup_printf (":%s", sections[i].title);

      if (list->len == 0)
        continue;
      page->form->heading (page->out, 2, anchor, sections[i].title);
      for (guint j = 0; j < list->len; j++)
        docs_print_definition (page, g_ptr_array_index (list, j));
    }
}

static void
print_program (const DocsPage *page, const GPtrArray *programs)
{
  g_autoptr (DocsComment) comment = docs_comment_new (page->program->doc);
  g_autoptr (GString) heading = g_string_new (NULL);
  g_autofree gchar *title = g_strdup_printf ("%s.thrift", page->program->name);
  g_autofree gchar *index =
      g_strdup_printf ("<a href=\"index.%s\">Index</a>", page->form->extension);

  page->form->begin_page (page->out, title);
  page->form->note (page->out, index);
  docs_append_text (page, heading, title);
  page->form->heading (page->out, 1, NULL, heading->str);
  docs_print_comment (page, comment);
  docs_print_tags (page, comment, NULL);
  print_page_includes (page);
  print_includers (page, programs);
  print_contents (page);
  print_sections (page);
  print_namespaces (page);
  page->form->end_page (page->out);
}

/* ---- the index ---- */

static void
print_index (const DocsPage *page, const GPtrArray *programs)
{
  page->form->begin_page (page->out, "Thrift reference");
  page->form->heading (page->out, 1, NULL, "Thrift reference");
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);
      g_autoptr (GPtrArray) services = list_kind (program, IDL_DEFINITION_SERVICE);
      g_autofree gchar *summary = docs_dup_summary (page, program->doc);
      g_autoptr (GString) heading = g_string_new (NULL);
      g_autoptr (GString) counts = g_string_new (NULL);

      append_page_link (page, heading, program);
      page->form->heading (page->out, 2, NULL, heading->str);
      if (*summary != '\0')
        page->form->block (page->out, DOCS_PARAGRAPH, summary, TRUE, TRUE);
      print_summaries (page, services);
      for (guint j = 1; j < G_N_ELEMENTS (sections); j++)
        {
          g_autoptr (GPtrArray) list = list_kind (program, sections[j].kind);

          if (list->len > 0)
            g_string_append_printf (counts, "%s<a href=\"%s#:%s\">%s</a> (%u)",
                                    counts->len == 0 ? "" : ", ",
                                    docs_links_get_page (page->links, program), sections[j].title,
                                    sections[j].title, list->len);
        }
      if (counts->len > 0)
        page->form->note (page->out, counts->str);
    }
  page->form->end_page (page->out);
}

static void
add_page (GPtrArray *files, const gchar *name, GString *text)
{
  GenFile *file = g_new0 (GenFile, 1);

  file->name = g_strdup (name);
  file->text = g_string_free (text, FALSE);
  g_ptr_array_add (files, file);
}

GPtrArray *
gen_docs (const GPtrArray *programs, GenDocsForm form)
{
  const DocsForm *written = form == GEN_DOCS_HTML ? &docs_form_html : &docs_form_markdown;
  g_autoptr (DocsLinks) links = docs_links_new (programs, written->extension);
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) gen_file_free);
  g_autofree gchar *index = g_strdup_printf ("index.%s", written->extension);
  DocsPage page = { .form = written, .links = links, .out = g_string_new (NULL) };

  print_index (&page, programs);
  add_page (files, index, page.out);
  for (guint i = 0; i < programs->len; i++)
    {
      page.program = g_ptr_array_index (programs, i);
      page.out = g_string_new (NULL);
      print_program (&page, programs);
      add_page (files, docs_links_get_page (links, page.program), page.out);
    }
  return files;
}

/* Owns what the reference says of a service: its functions, and those it inherits. */
#include "docs-private.h"

#include <string.h>

/* ---- functions ---- */

static void
append_signature_fields (const DocsPage *page, GString *inner, const GPtrArray *fields)
{
  docs_append_text (page, inner, "(");
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      g_autofree gchar *id = g_strdup_printf ("%s%d: ", i == 0 ? "" : ", ", field->id);

      docs_append_text (page, inner, id);
      docs_append_type (page, inner, field->type);
      docs_append_text (page, inner, " ");
      docs_append_text (page, inner, field->node.name);
    }
  docs_append_text (page, inner, ")");
}

static void
print_signature (const DocsPage *page, const IdlFunction *function)
{
  g_autoptr (GString) inner = g_string_new (NULL);

  docs_append_text (page, inner, function->oneway ? "oneway " : "");
  docs_append_type (page, inner, function->returns);
  docs_append_text (page, inner, " ");
  docs_append_text (page, inner, function->node.name);
  docs_append_text (page, inner, " ");
  append_signature_fields (page, inner, function->arguments);
  if (function->throws->len > 0)
    {
      docs_append_text (page, inner, " throws ");
      append_signature_fields (page, inner, function->throws);
    }
  page->form->signature (page->out, inner->str);
}

/* What a comment says of an exception, by its type's name or its own. */
static const gchar *
find_throws_text (const DocsComment *comment, const IdlField *field)
{
  const gchar *dot = strrchr (field->type->kind == IDL_TYPE_NAMED ? field->type->name : "", '.');
  const gchar *text = NULL;

  if (field->type->kind == IDL_TYPE_NAMED)
    text = docs_comment_find (comment, "throws", field->type->name);
  if (text == NULL && dot != NULL)
    text = docs_comment_find (comment, "throws", dot + 1);
  return text != NULL ? text : docs_comment_find (comment, "throws", field->node.name);
}

static void
print_throws (const DocsPage *page, const IdlFunction *function, const DocsComment *comment)
{
  static const gchar *const headings[] = { "Id", "Throws", "Name", "Description", NULL };

  page->form->begin_table (page->out, headings);
  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *field = g_ptr_array_index (function->throws, i);
      const gchar *text = find_throws_text (comment, field);
      g_autoptr (DocsComment) own = docs_comment_new (field->node.doc);
      g_autofree gchar *number = g_strdup_printf ("%d", field->id);
      g_autoptr (GString) id = g_string_new (NULL);
      g_autoptr (GString) type = g_string_new ("<code>");
      g_autoptr (GString) name = g_string_new (NULL);
      g_autoptr (GString) description = g_string_new (NULL);
      g_autoptr (GString) inner = g_string_new (NULL);
      const gchar *cells[4];

      docs_append_text (page, id, number);
      docs_append_type (page, type, field->type);
      g_string_append (type, "</code>");
      docs_append_code (page, name, field->node.name);
      docs_append_comment (page, description, own);
      if (text != NULL)
        {
          docs_append_prose (page, inner, text);
          page->form->cell_block (description, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
        }
      cells[0] = id->str;
      cells[1] = type->str;
      cells[2] = name->str;
      cells[3] = description->str;
      page->form->row (page->out, NULL, cells, G_N_ELEMENTS (cells));
    }
  page->form->end_table (page->out);
}

static gboolean
has_field (const GPtrArray *fields, const gchar *name)
{
  for (guint i = 0; i < fields->len; i++)
    if (g_str_equal (((const IdlField *) g_ptr_array_index (fields, i))->node.name, name))
      return TRUE;
  return FALSE;
}

/* Whether the table of arguments or exceptions has what the tag says. */
static gboolean
is_in_table (const IdlFunction *function, const DocsComment *comment, const DocsTag *tag)
{
  if (function == NULL)
    return FALSE;
  if (g_str_equal (tag->tag, "param"))
    return has_field (function->arguments, tag->name);
  for (guint i = 0; i < function->throws->len; i++)
    if (find_throws_text (comment, g_ptr_array_index (function->throws, i)) == tag->text->str)
      return TRUE;
  return FALSE;
}

void
docs_print_tags (const DocsPage *page, const DocsComment *comment, const IdlFunction *function)
{
  for (guint i = 0; i < comment->tags->len; i++)
    {
      const DocsTag *tag = g_ptr_array_index (comment->tags, i);
      g_autoptr (GString) inner = g_string_new ("<strong>");
      gchar *label;

      if (g_str_equal (tag->tag, "deprecated") || is_in_table (function, comment, tag))
        continue;
      label = g_str_equal (tag->tag, "return") ? g_strdup ("Returns") : g_strdup (tag->tag);
      *label = g_ascii_toupper (*label);
      docs_append_text (page, inner, label);
      g_string_append (inner, "</strong>: ");
      g_free (label);
      if (*tag->name != '\0')
        {
          docs_append_code (page, inner, tag->name);
          g_string_append_c (inner, ' ');
        }
      docs_append_prose (page, inner, tag->text->str);
      page->form->block (page->out, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
    }
}

static void
print_function (const DocsPage *page, const IdlDefinition *service, const IdlFunction *function)
{
  g_autofree gchar *anchor = docs_dup_anchor (service, &function->node);
  g_autoptr (DocsComment) comment = docs_comment_new (function->node.doc);
  g_autoptr (GString) heading = g_string_new (NULL);

  docs_append_text (page, heading, function->node.name);
  page->form->heading (page->out, 4, anchor, heading->str);
  print_signature (page, function);
  if (function->oneway)
    page->form->note (page->out, "One way: no answer comes.");
  docs_print_annotations (page, &function->node, comment);
  docs_print_comment (page, comment);
  if (function->arguments->len > 0)
    docs_print_fields (page, function->arguments, NULL, "Argument", comment);
  docs_print_tags (page, comment, function);
  if (function->throws->len > 0)
    print_throws (page, function, comment);
}

/* ---- the service ---- */

static void
print_inherited (const DocsPage *page, const IdlDefinition *base)
{
  g_autoptr (GString) inner = g_string_new ("Inherited from <code>");

  docs_append_link (page, inner, base, NULL, base->node.name);
  g_string_append (inner, "</code>: ");
  for (guint i = 0; i < base->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (base->members, i);

      g_string_append (inner, i == 0 ? "<code>" : ", <code>");
      docs_append_link (page, inner, base, &function->node, function->node.name);
      g_string_append (inner, "</code>");
    }
  page->form->block (page->out, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
}

void
docs_print_service (const DocsPage *page, const IdlDefinition *service)
{
  if (service->extends != NULL)
    {
      g_autoptr (GString) inner = g_string_new ("Extends <code>");

      docs_append_link (page, inner, service->extends, NULL, service->extends_name);
      g_string_append (inner, "</code>.");
      page->form->block (page->out, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
    }
  for (const IdlDefinition *base = service->extends; base != NULL; base = base->extends)
    if (base->members->len > 0)
      print_inherited (page, base);
  for (guint i = 0; i < service->members->len; i++)
    print_function (page, service, g_ptr_array_index (service->members, i));
}

/* Owns the text within blocks: names with their links, types, values, and the prose of comments. */
#include "docs-private.h"

#include "writer.h"

#include <string.h>

void
docs_append_text (const DocsPage *page, GString *inner, const gchar *text)
{
  page->form->text (inner, text, strlen (text));
}

void
docs_append_code (const DocsPage *page, GString *inner, const gchar *text)
{
  g_string_append (inner, "<code>");
  docs_append_text (page, inner, text);
  g_string_append (inner, "</code>");
}

void
docs_append_link (const DocsPage *page,
                  GString *inner,
                  const IdlDefinition *definition,
                  const IdlNode *member,
                  const gchar *text)
{
  g_autofree gchar *url = docs_links_dup_url (page->links, page->program, definition, member);

  g_string_append_printf (inner, "<a href=\"%s\">", url);
  docs_append_text (page, inner, text);
  g_string_append (inner, "</a>");
}

/* ---- types and values ---- */

void
docs_append_type (const DocsPage *page, GString *inner, const IdlType *type)
{
  if (type->kind == IDL_TYPE_NAMED)
    {
      docs_append_link (page, inner, type->definition, NULL, type->name);
      return;
    }
  docs_append_text (page, inner, idl_type_kind_get_name (type->kind));
  if (type->element == NULL)
    return;
  docs_append_text (page, inner, "<");
  if (type->key != NULL)
    {
      docs_append_type (page, inner, type->key);
      docs_append_text (page, inner, ", ");
    }
  docs_append_type (page, inner, type->element);
  docs_append_text (page, inner, ">");
}

/* As the IDL has it: a quote in it is escaped, bytes that are no text are too. */
static void
append_quoted_text (const DocsPage *page, GString *inner, const IdlValue *value)
{
  g_autoptr (GString) quoted = g_string_new ("\"");

  for (gsize i = 0; i < value->length; i++)
    if (strchr ("\"\\", value->text[i]) != NULL && value->text[i] != '\0')
      g_string_append_printf (quoted, "\\%c", value->text[i]);
    else if (value->text[i] == '\n')
      g_string_append (quoted, "\\n");
    else if ((guchar) value->text[i] < 0x20)
      g_string_append_printf (quoted, "\\x%02x", (guint) value->text[i]);
    else
      g_string_append_c (quoted, value->text[i]);
  g_string_append_c (quoted, '"');
  docs_append_text (page, inner, quoted->str);
}

static void
append_items (const DocsPage *page, GString *inner, const IdlValue *value)
{
  gboolean is_map = value->kind == IDL_VALUE_MAP;

  docs_append_text (page, inner, is_map ? "{" : "[");
  for (guint i = 0; i < value->items->len; i++)
    {
      docs_append_text (page, inner, i == 0 ? "" : is_map && i % 2 == 1 ? ": " : ", ");
      docs_append_value (page, inner, g_ptr_array_index (value->items, i));
    }
  docs_append_text (page, inner, is_map ? "}" : "]");
}

void
docs_append_value (const DocsPage *page, GString *inner, const IdlValue *value)
{
  g_autofree gchar *number = NULL;

  switch (value->kind)
    {
    case IDL_VALUE_INTEGER:
      number = g_strdup_printf ("%" G_GINT64_FORMAT, value->integer);
      docs_append_text (page, inner,
                        value->is_boolean ? (value->integer != 0 ? "true" : "false") : number);
      break;
    case IDL_VALUE_DOUBLE:
      number = gen_double_literal (value->number);
      docs_append_text (page, inner, number);
      break;
    case IDL_VALUE_STRING:
      append_quoted_text (page, inner, value);
      break;
    case IDL_VALUE_NAMED:
      if (value->constant != NULL)
        docs_append_link (page, inner, value->constant, NULL, value->text);
      else if (value->enumerator != NULL)
        docs_append_link (page, inner, value->enumerator->owner, &value->enumerator->node,
                          value->text);
      else
        docs_append_text (page, inner, value->text);
      break;
    default:
      append_items (page, inner, value);
      break;
    }
}

/* ---- prose ---- */

/* (nullable): the definition of that name in @program. */
static const IdlDefinition *
find_in_page (const IdlProgram *program, const gchar *name)
{
  const IdlDefinition *found = g_hash_table_lookup (program->types, name);

  return found != NULL ? found : g_hash_table_lookup (program->constants, name);
}

/* (nullable): what `Name`, `Name.member`, `Name#member` or `program.Name` means on this page. */
static const IdlDefinition *
find_meant (const DocsPage *page, const gchar *name, const IdlNode **member)
{
  gsize length = strcspn (name, ".#");
  g_autofree gchar *prefix = g_strndup (name, length);
  const IdlDefinition *found;

  *member = NULL;
  if (page->program == NULL)
    return NULL;
  found = find_in_page (page->program, *name == '#' ? "" : prefix);
  if (found == NULL && name[length] == '.')
    for (guint i = 0; i < page->program->includes->len && found == NULL; i++)
      {
        const IdlProgram *included =
            ((const IdlInclude *) g_ptr_array_index (page->program->includes, i))->program;

        if (g_str_equal (included->name, prefix))
          found = find_in_page (included, name + length + 1);
      }
  else if (found != NULL && name[length] != '\0')
    {
      *member =
          found->members == NULL ? NULL : idl_definition_find_member (found, name + length + 1);
      return *member == NULL ? NULL : found;
    }
  return found;
}

/* A name in a comment, or code. */
static void
append_meant (const DocsPage *page, GString *inner, const gchar *text, gsize length)
{
  g_autofree gchar *copy = g_strndup (text, length);
  const IdlNode *member;
  const IdlDefinition *meant = find_meant (page, g_strstrip (copy), &member);

  g_string_append (inner, "<code>");
  if (meant != NULL)
    docs_append_link (page, inner, meant, member, copy);
  else
    docs_append_text (page, inner, copy);
  g_string_append (inner, "</code>");
}

/* The marks that have code between them. */
static const struct
{
  const gchar *begin, *end;
} code_marks[] = { { "``", "``" },         { "`", "`" },       { "<code>", "</code>" },
                   { "<tt>", "</tt>" },    { "{@code ", "}" }, { "{@link ", "}" },
                   { "{@linkplain ", "}" } };

/* (nullable): the end of the code that begins at @text; @code and @length: it. */
static const gchar *
find_code (const gchar *text, const gchar **code, gsize *length)
{
  for (guint i = 0; i < G_N_ELEMENTS (code_marks); i++)
    if (g_str_has_prefix (text, code_marks[i].begin))
      {
        const gchar *start = text + strlen (code_marks[i].begin);
        const gchar *end = strstr (start, code_marks[i].end);

        if (end == NULL || end == start)
          continue;
        *code = start;
        *length = (gsize) (end - start);
        return end + strlen (code_marks[i].end);
      }
  return NULL;
}

void
docs_append_prose (const DocsPage *page, GString *inner, const gchar *text)
{
  const gchar *plain = text;
  const gchar *code;
  gsize length;

  while (*text != '\0')
    {
      const gchar *mark = text + strcspn (text, "`<{");
      const gchar *end = *mark == '\0' ? NULL : find_code (mark, &code, &length);

      if (end == NULL)
        {
          text = *mark == '\0' ? mark : mark + 1;
          continue;
        }
      page->form->text (inner, plain, (gsize) (mark - plain));
      append_meant (page, inner, code, length);
      text = plain = end;
    }
  page->form->text (inner, plain, (gsize) (text - plain));
}

/* ---- comments ---- */

typedef void (*BlockPrinter) (
    GString *out, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last);

static gboolean
is_item (const GPtrArray *blocks, guint number)
{
  return number < blocks->len
         && ((const DocsBlock *) g_ptr_array_index (blocks, number))->kind == DOCS_ITEM;
}

static void
print_blocks (const DocsPage *page, const DocsComment *comment, BlockPrinter print, GString *out)
{
  for (guint i = 0; i < comment->blocks->len; i++)
    {
      const DocsBlock *block = g_ptr_array_index (comment->blocks, i);
      g_autoptr (GString) inner = g_string_new (NULL);

      if (block->kind == DOCS_CODE)
        g_string_append (inner, block->text->str);
      else
        docs_append_prose (page, inner, block->text->str);
      print (out, block->kind, inner->str, i == 0 || !is_item (comment->blocks, i - 1),
             !is_item (comment->blocks, i + 1));
    }
}

void
docs_print_comment (const DocsPage *page, const DocsComment *comment)
{
  print_blocks (page, comment, page->form->block, page->out);
}

void
docs_append_comment (const DocsPage *page, GString *cell, const DocsComment *comment)
{
  print_blocks (page, comment, page->form->cell_block, cell);
}

gchar *
docs_dup_summary (const DocsPage *page, const gchar *doc)
{
  g_autoptr (DocsComment) comment = docs_comment_new (doc);
  const DocsBlock *first =
      comment->blocks->len == 0 ? NULL : g_ptr_array_index (comment->blocks, 0);
  GString *inner = g_string_new (NULL);
  const gchar *end;

  if (first != NULL && first->kind == DOCS_PARAGRAPH)
    {
      end = strstr (first->text->str, ". ");
      if (end != NULL)
        g_string_truncate (first->text, (gsize) (end + 1 - first->text->str));
      docs_append_prose (page, inner, first->text->str);
    }
  return g_string_free (inner, FALSE);
}

/* ---- annotations ---- */

static gboolean
is_deprecation (const IdlAnnotation *annotation)
{
  return g_str_equal (annotation->name, "deprecated");
}

/* `Deprecated: why`, and the other annotations as they are written. */
static void
append_annotations (const DocsPage *page, GString *inner, const IdlNode *node, const gchar *reason)
{
  const gchar *deprecated = idl_annotations_get (node->annotations, "deprecated");

  if (deprecated != NULL && !g_str_equal (deprecated, "1"))
    reason = deprecated;
  if (deprecated != NULL || reason != NULL)
    {
      g_string_append (inner, "<strong>Deprecated</strong>");
      if (reason != NULL && *reason != '\0')
        {
          g_string_append (inner, ": ");
          docs_append_prose (page, inner, reason);
        }
    }
  for (guint i = 0; node->annotations != NULL && i < node->annotations->len; i++)
    {
      const IdlAnnotation *annotation = g_ptr_array_index (node->annotations, i);
      g_autofree gchar *text = NULL;

      if (is_deprecation (annotation))
        continue;
      text = g_str_equal (annotation->value, "1")
                 ? g_strdup_printf ("(%s)", annotation->name)
                 : g_strdup_printf ("(%s = \"%s\")", annotation->name, annotation->value);
      g_string_append (inner, inner->len == 0 ? "" : " ");
      docs_append_code (page, inner, text);
    }
}

void
docs_print_annotations (const DocsPage *page, const IdlNode *node, const DocsComment *comment)
{
  g_autoptr (GString) inner = g_string_new (NULL);

  append_annotations (page, inner, node, docs_comment_find (comment, "deprecated", NULL));
  if (inner->len > 0)
    page->form->note (page->out, inner->str);
}

void
docs_append_annotations (const DocsPage *page, GString *cell, const IdlNode *node)
{
  g_autoptr (GString) inner = g_string_new (NULL);

  append_annotations (page, inner, node, NULL);
  if (inner->len > 0)
    page->form->cell_block (cell, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
}

/* Owns what the reference says of a definition: structs, enums, typedefs, constants, and what uses
 * each; services are in docs-services.c. */
#include "docs-private.h"

#include <string.h>

static void
print_note (const DocsPage *page, GString *inner)
{
  page->form->note (page->out, inner->str);
  g_string_free (inner, TRUE);
}

/* ---- fields ---- */

/* The comment of a field, with what its function says of it by @param, and annotations. */
static void
append_field_description (const DocsPage *page,
                          GString *cell,
                          const IdlField *field,
                          const DocsComment *about)
{
  g_autoptr (DocsComment) comment = docs_comment_new (field->node.doc);
  const gchar *param = about == NULL ? NULL : docs_comment_find (about, "param", field->node.name);
  const gchar *reason = docs_comment_find (comment, "deprecated", NULL);
  g_autoptr (GString) inner = g_string_new (NULL);

  docs_append_annotations (page, cell, &field->node);
  if (reason != NULL && idl_annotations_get (field->node.annotations, "deprecated") == NULL)
    {
      g_string_append (inner, "<strong>Deprecated</strong>: ");
      docs_append_prose (page, inner, reason);
      page->form->cell_block (cell, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
      g_string_truncate (inner, 0);
    }
  docs_append_comment (page, cell, comment);
  if (param != NULL)
    {
      docs_append_prose (page, inner, param);
      page->form->cell_block (cell, DOCS_PARAGRAPH, inner->str, TRUE, TRUE);
    }
}

static void
print_field (const DocsPage *page,
             const IdlField *field,
             const IdlDefinition *owner,
             const DocsComment *about,
             gboolean with_values)
{
  static const gchar *const requiredness[] = { "default", "required", "optional" };
  g_autofree gchar *anchor = owner == NULL ? NULL : docs_dup_anchor (owner, &field->node);
  g_autofree gchar *id = g_strdup_printf ("%d", field->id);
  GString *cells[6];
  const gchar *texts[6];
  guint n_cells = 0;

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++)
    cells[i] = g_string_new (NULL);
  docs_append_text (page, cells[n_cells++], id);
  docs_append_code (page, cells[n_cells++], field->node.name);
  g_string_append (cells[n_cells], "<code>");
  docs_append_type (page, cells[n_cells], field->type);
  g_string_append (cells[n_cells++], "</code>");
  docs_append_text (page, cells[n_cells++], requiredness[field->requiredness]);
  if (with_values && field->value != NULL)
    {
      g_string_append (cells[n_cells], "<code>");
      docs_append_value (page, cells[n_cells], field->value);
      g_string_append (cells[n_cells], "</code>");
    }
  n_cells += with_values;
  append_field_description (page, cells[n_cells++], field, about);
  for (guint i = 0; i < n_cells; i++)
    texts[i] = cells[i]->str;
  page->form->row (page->out, anchor, texts, n_cells);
  for (guint i = 0; i < G_N_ELEMENTS (cells); i++)
    g_string_free (cells[i], TRUE);
}

static gboolean
has_values (const GPtrArray *fields)
{
  for (guint i = 0; i < fields->len; i++)
    if (((const IdlField *) g_ptr_array_index (fields, i))->value != NULL)
      return TRUE;
  return FALSE;
}

void
docs_print_fields (const DocsPage *page,
                   const GPtrArray *fields,
                   const IdlDefinition *owner,
                   const gchar *heading,
                   const DocsComment *about)
{
  const gboolean with_values = has_values (fields);
  const gchar *headings[] = {
    "Id",          heading, "Type", "Requiredness", with_values ? "Default" : "Description",
    "Description", NULL
  };

  if (!with_values)
    headings[5] = NULL;
  page->form->begin_table (page->out, headings);
  for (guint i = 0; i < fields->len; i++)
    print_field (page, g_ptr_array_index (fields, i), owner, about, with_values);
  page->form->end_table (page->out);
}

/* ---- the other kinds ---- */

static void
print_enumerator_table (const DocsPage *page, const IdlDefinition *definition)
{
  static const gchar *const headings[] = { "Name", "Value", "Description", NULL };

  page->form->begin_table (page->out, headings);
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      g_autofree gchar *anchor = docs_dup_anchor (definition, &enumerator->node);
      g_autofree gchar *number = g_strdup_printf ("%d", enumerator->value);
      g_autoptr (GString) name = g_string_new (NULL);
      g_autoptr (GString) value = g_string_new (NULL);
      g_autoptr (GString) description = g_string_new (NULL);
      g_autoptr (DocsComment) comment = docs_comment_new (enumerator->node.doc);
      const gchar *cells[3];

      docs_append_code (page, name, enumerator->node.name);
      docs_append_text (page, value, number);
      docs_append_annotations (page, description, &enumerator->node);
      docs_append_comment (page, description, comment);
      cells[0] = name->str;
      cells[1] = value->str;
      cells[2] = description->str;
      page->form->row (page->out, anchor, cells, G_N_ELEMENTS (cells));
    }
  page->form->end_table (page->out);
}

/* `typedef map<string, Thing> Things`, and what that is where it is a chain. */
static void
print_typedef_body (const DocsPage *page, const IdlDefinition *definition)
{
  const IdlType *resolved = idl_type_resolve (definition->type);
  g_autoptr (GString) signature = g_string_new (NULL);

  docs_append_text (page, signature, "typedef ");
  docs_append_type (page, signature, definition->type);
  docs_append_text (page, signature, " ");
  docs_append_text (page, signature, definition->node.name);
  page->form->signature (page->out, signature->str);
  if (resolved != definition->type)
    {
      GString *inner = g_string_new ("Resolves to <code>");

      docs_append_type (page, inner, resolved);
      g_string_append (inner, "</code>");
      print_note (page, inner);
    }
}

static void
print_constant_body (const DocsPage *page, const IdlDefinition *definition)
{
  const IdlValue *resolved = idl_value_resolve (definition->value);
  g_autoptr (GString) signature = g_string_new (NULL);

  docs_append_text (page, signature, "const ");
  docs_append_type (page, signature, definition->type);
  docs_append_text (page, signature, " ");
  docs_append_text (page, signature, definition->node.name);
  docs_append_text (page, signature, " = ");
  docs_append_value (page, signature, definition->value);
  page->form->signature (page->out, signature->str);
  if (resolved != NULL && resolved != definition->value)
    {
      GString *inner = g_string_new ("Value: <code>");

      docs_append_value (page, inner, resolved);
      g_string_append (inner, "</code>");
      print_note (page, inner);
    }
}

static void
print_body (const DocsPage *page, const IdlDefinition *definition)
{
  switch (definition->kind)
    {
    case IDL_DEFINITION_TYPEDEF:
      print_typedef_body (page, definition);
      break;
    case IDL_DEFINITION_CONST:
      print_constant_body (page, definition);
      break;
    case IDL_DEFINITION_ENUM:
      if (definition->members->len > 0)
        print_enumerator_table (page, definition);
      break;
    case IDL_DEFINITION_SERVICE:
      docs_print_service (page, definition);
      break;
    default:
      if (definition->members->len > 0)
        docs_print_fields (page, definition->members, definition, "Field", NULL);
      else
        page->form->note (page->out, "No fields.");
      break;
    }
}

/* ---- what uses it ---- */

static void
print_users (const DocsPage *page, const IdlDefinition *definition)
{
  const GArray *users = docs_links_get_users (page->links, definition);
  GString *inner;

  if (users == NULL)
    return;
  inner = g_string_new ("Used by ");
  for (guint i = 0; i < users->len; i++)
    {
      const DocsUser *user = &g_array_index (users, DocsUser, i);
      g_autofree gchar *text =
          g_strconcat (user->definition->program == definition->program
                           ? ""
                           : user->definition->program->name,
                       user->definition->program == definition->program ? "" : ".",
                       user->definition->node.name, user->member == NULL ? NULL : ".",
                       user->member == NULL ? NULL : user->member->name, NULL);

      g_string_append (inner, i == 0 ? "<code>" : ", <code>");
      docs_append_link (page, inner, user->definition, user->member, text);
      g_string_append (inner, "</code>");
    }
  print_note (page, inner);
}

void
docs_print_definition (const DocsPage *page, const IdlDefinition *definition)
{
  g_autofree gchar *anchor = docs_dup_anchor (definition, NULL);
  g_autoptr (GString) heading = g_string_new (NULL);
  g_autoptr (DocsComment) comment = docs_comment_new (definition->node.doc);

  docs_append_text (page, heading, idl_definition_kind_get_name (definition->kind));
  docs_append_text (page, heading, " ");
  docs_append_text (page, heading, definition->node.name);
  page->form->heading (page->out, 3, anchor, heading->str);
  docs_print_annotations (page, &definition->node, comment);
  docs_print_comment (page, comment);
  docs_print_tags (page, comment, NULL);
  print_body (page, definition);
  print_users (page, definition);
}

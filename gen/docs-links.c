/* Owns where things stand in the reference: the pages' names, anchors, and what uses what. All names
 * that it makes consist of letters, digits and `_.:-`, so they need no quoting anywhere. */
#include "docs-private.h"

#include "references.h"

#include <string.h>

struct _DocsLinks
{
  GHashTable *pages; /* IdlProgram to its page's name */
  GHashTable *users; /* IdlDefinition to GArray of DocsUser */
};

/* ---- pages ---- */

/* (transfer full): the name with only what every file system and URL takes. */
static gchar *
clean_page_name (const gchar *name)
{
  gchar *clean = g_strdup (name);

  for (gchar *c = clean; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '_' && (c == clean || (*c != '.' && *c != '-')))
      *c = '_';
  return clean;
}

/* Names that differ in case only are one on some file systems. */
static gboolean
take_page_name (GHashTable *taken, const gchar *name)
{
  return g_hash_table_add (taken, g_ascii_strdown (name, -1));
}

static void
name_pages (DocsLinks *links, const GPtrArray *programs, const gchar *extension)
{
  g_autoptr (GHashTable) taken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  take_page_name (taken, "index");
  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);
      g_autofree gchar *clean = clean_page_name (program->name);
      g_autofree gchar *name = g_strdup (clean);

      for (guint number = 2; !take_page_name (taken, name); number++)
        {
          g_free (name);
          name = g_strdup_printf ("%s-%u", clean, number);
        }
      g_hash_table_insert (links->pages, (gpointer) program,
                           g_strconcat (name, ".", extension, NULL));
    }
}

const gchar *
docs_links_get_page (const DocsLinks *links, const IdlProgram *program)
{
  return g_hash_table_lookup (links->pages, program);
}

/* ---- anchors ---- */

/* A constant may have the name of a type, so it has a prefix that no name has. */
gchar *
docs_dup_anchor (const IdlDefinition *definition, const IdlNode *member)
{
  return g_strconcat (definition->kind == IDL_DEFINITION_CONST ? "const:" : "",
                      definition->node.name, member == NULL ? NULL : ":",
                      member == NULL ? NULL : member->name, NULL);
}

gchar *
docs_links_dup_url (const DocsLinks *links,
                    const IdlProgram *from,
                    const IdlDefinition *definition,
                    const IdlNode *member)
{
  g_autofree gchar *anchor = docs_dup_anchor (definition, member);

  return g_strconcat (definition->program == from
                          ? ""
                          : docs_links_get_page (links, definition->program),
                      "#", anchor, NULL);
}

/* ---- what uses what ---- */

/* The member that the reference at @offset is in: the last that begins before it. */
static const IdlNode *
find_user_member (const IdlDefinition *definition, guint32 offset)
{
  const IdlNode *found = NULL;

  if (definition->kind == IDL_DEFINITION_ENUM || definition->members == NULL)
    return NULL;
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlNode *member = g_ptr_array_index (definition->members, i);

      if (member->extent.offset > offset)
        break;
      found = member;
    }
  return found;
}

static void
add_user (DocsLinks *links, const IdlDefinition *used, const DocsUser *user)
{
  GArray *users = g_hash_table_lookup (links->users, used);

  if (users == NULL)
    {
      users = g_array_new (FALSE, FALSE, sizeof (DocsUser));
      g_hash_table_insert (links->users, (gpointer) used, users);
    }
  /* Uses come in the order of the text, so the same user comes in a row. */
  for (guint i = users->len; i > 0; i--)
    {
      const DocsUser *other = &g_array_index (users, DocsUser, i - 1);

      if (other->definition != user->definition)
        break;
      if (other->member == user->member)
        return;
    }
  g_array_append_val (users, *user);
}

static void
find_users (DocsLinks *links, const IdlProgram *program)
{
  g_autoptr (GArray) references = idl_program_list_references (program);
  guint at = 0;

  for (guint i = 0; i < references->len; i++)
    {
      const IdlReference *reference = &g_array_index (references, IdlReference, i);
      guint32 offset = reference->location.offset;
      DocsUser user = { NULL, NULL };

      if (reference->kind == IDL_REFERENCE_INCLUDE)
        continue;
      for (; at + 1 < program->definitions->len; at++)
        if (((const IdlNode *) g_ptr_array_index (program->definitions, at + 1))->extent.offset
            > offset)
          break;
      user.definition = g_ptr_array_index (program->definitions, at);
      user.member = find_user_member (user.definition, offset);
      add_user (links, reference->definition, &user);
    }
}

const GArray *
docs_links_get_users (const DocsLinks *links, const IdlDefinition *definition)
{
  return g_hash_table_lookup (links->users, definition);
}

DocsLinks *
docs_links_new (const GPtrArray *programs, const gchar *extension)
{
  DocsLinks *links = g_new0 (DocsLinks, 1);

  links->pages = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  links->users = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_array_unref);
  name_pages (links, programs, extension);
  for (guint i = 0; i < programs->len; i++)
    find_users (links, g_ptr_array_index (programs, i));
  return links;
}

void
docs_links_free (DocsLinks *links)
{
  g_hash_table_unref (links->pages);
  g_hash_table_unref (links->users);
  g_free (links);
}

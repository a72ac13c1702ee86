/* What the parts of the reference share: pages and their links, a form (HTML or Markdown), and the
 * text of doc comments. */
#ifndef GEN_DOCS_PRIVATE_H
#define GEN_DOCS_PRIVATE_H

#include "model.h"

G_BEGIN_DECLS

/* ---- forms ---- */

typedef enum
{
  DOCS_PARAGRAPH,
  DOCS_ITEM, /* of a list */
  DOCS_CODE  /* lines as they stand */
} DocsBlockKind;

/* How a page is written. @inner is text in that form, without blocks; all else is plain text. What
 * stands in an anchor, a page's name or an attribute needs no quoting: see docs-links.c. `<code>` and
 * `<a>` are the same in all forms. */
typedef struct
{
  const gchar *extension;
  void (*begin_page) (GString *out, const gchar *title);
  void (*end_page) (GString *out);
  /* @anchor: (nullable) */
  void (*heading) (GString *out, guint level, const gchar *anchor, const gchar *inner);
  /* Blocks in a row; DOCS_CODE gets plain text. */
  void (*block) (
      GString *out, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last);
  /* A block of text within a table's cell. */
  void (*cell_block) (
      GString *cell, DocsBlockKind kind, const gchar *inner, gboolean is_first, gboolean is_last);
  void (*signature) (GString *out, const gchar *inner);
  void (*note) (GString *out, const gchar *inner);
  void (*begin_table) (GString *out, const gchar *const *headings);
  void (*row) (GString *out, const gchar *anchor, const gchar *const *cells, guint n_cells);
  void (*end_table) (GString *out);
  void (*text) (GString *inner, const gchar *text, gsize length);
} DocsForm;

extern const DocsForm docs_form_html;
extern const DocsForm docs_form_markdown;

/* TRUE for what may not reach a page: controls, and what turns the direction of text. */
gboolean docs_is_unfit (gunichar c);

/* ---- links ---- */

typedef struct _DocsLinks DocsLinks;

/* @programs: (element-type IdlProgram): a page for each, beside the index. */
DocsLinks *docs_links_new (const GPtrArray *programs, const gchar *extension);
void docs_links_free (DocsLinks *links);
/* The page's file. */
const gchar *docs_links_get_page (const DocsLinks *links, const IdlProgram *program);
/* (transfer full): the anchor of @definition, or of its @member (nullable), on its page. */
gchar *docs_dup_anchor (const IdlDefinition *definition, const IdlNode *member);
/* (transfer full): where @definition stands, seen from the page of @from (nullable: the index). */
gchar *docs_links_dup_url (const DocsLinks *links,
                           const IdlProgram *from,
                           const IdlDefinition *definition,
                           const IdlNode *member);

/* Where something is used. */
typedef struct
{
  const IdlDefinition *definition;
  const IdlNode *member; /* (nullable) */
} DocsUser;

/* (element-type DocsUser) (nullable): what uses @definition, each once, in the order of the files. */
const GArray *docs_links_get_users (const DocsLinks *links, const IdlDefinition *definition);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DocsLinks, docs_links_free)

/* ---- doc comments ---- */

typedef struct
{
  DocsBlockKind kind;
  GString *text; /* as in the comment; of CODE its lines, else one line */
} DocsBlock;

/* `@param NAME TEXT` and its like. */
typedef struct
{
  gchar *tag;  /* "param", "return", "throws", "deprecated", "see", … */
  gchar *name; /* of param and throws; else "" */
  GString *text;
} DocsTag;

typedef struct
{
  GPtrArray *blocks; /* of DocsBlock */
  GPtrArray *tags;   /* of DocsTag */
} DocsComment;

/* @text: (nullable). */
DocsComment *docs_comment_new (const gchar *text);
void docs_comment_free (DocsComment *comment);
/* (nullable): the text of the first tag @tag that has @name (nullable: any). */
const gchar *docs_comment_find (const DocsComment *comment, const gchar *tag, const gchar *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DocsComment, docs_comment_free)

/* ---- what a page is made of ---- */

typedef struct
{
  const DocsForm *form;
  const DocsLinks *links;
  const IdlProgram *program; /* (nullable): of the index */
  GString *out;
} DocsPage;

void docs_append_text (const DocsPage *page, GString *inner, const gchar *text);
void docs_append_code (const DocsPage *page, GString *inner, const gchar *text);
void docs_append_link (const DocsPage *page,
                       GString *inner,
                       const IdlDefinition *definition,
                       const IdlNode *member,
                       const gchar *text);
/* Text of a comment, one line: `code` and names of definitions in it. */
void docs_append_prose (const DocsPage *page, GString *inner, const gchar *text);
void docs_append_type (const DocsPage *page, GString *inner, const IdlType *type);
void docs_append_value (const DocsPage *page, GString *inner, const IdlValue *value);
/* All of a comment but its tags. */
void docs_print_comment (const DocsPage *page, const DocsComment *comment);
void docs_append_comment (const DocsPage *page, GString *cell, const DocsComment *comment);
/* (transfer full): the first sentence, as an inner text. */
gchar *docs_dup_summary (const DocsPage *page, const gchar *doc);
/* Says what is deprecated, and other annotations. */
void docs_print_annotations (const DocsPage *page, const IdlNode *node, const DocsComment *comment);
void docs_append_annotations (const DocsPage *page, GString *cell, const IdlNode *node);

/* Its tags, but those about what is in the tables of @function (nullable). */
void
docs_print_tags (const DocsPage *page, const DocsComment *comment, const IdlFunction *function);
void docs_print_service (const DocsPage *page, const IdlDefinition *service);
void docs_print_definition (const DocsPage *page, const IdlDefinition *definition);
/* A table of fields: of a struct, or of arguments. @owner: (nullable): whose members they are, for anchors. @comment: (nullable): with the
 * tags about them. */
void docs_print_fields (const DocsPage *page,
                        const GPtrArray *fields,
                        const IdlDefinition *owner,
                        const gchar *heading,
                        const DocsComment *comment);

G_END_DECLS

#endif /* GEN_DOCS_PRIVATE_H */

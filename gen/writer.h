/* Lays out C text: declarations folded at the margin, comments, filled lists, string literals. It
 * knows C and the house style, and nothing of IDL but its doc comments. */
#ifndef GEN_WRITER_H
#define GEN_WRITER_H

#include "model.h"

G_BEGIN_DECLS

/* Columns that a line of generated code may have. */
#define GEN_MARGIN 100

void gen_print (GString *out, const gchar *format, ...) G_GNUC_PRINTF (2, 3);
/* @head, an opening parenthesis, the items (of gchar *) with commas between them, and @tail: as many on a line as fit,
 * and the next lines aligned with the first item. */
void
gen_print_call (GString *out, const gchar *head, const GPtrArray *parameters, const gchar *tail);
/* `declaration = macro (parameters);`, the macro on a line of its own where one is too short. */
void gen_print_table (GString *out,
                      const gchar *declaration,
                      const gchar *macro,
                      const GPtrArray *parameters);
/* `#define head body`, continued on a second line where one is too short. */
void gen_print_define (GString *out, const gchar *head, const gchar *body);
/* @items (of gchar *) separated by commas, as many on a line as fit, indented by two. */
void gen_print_filled (GString *out, const GPtrArray *items);

/* `  { item, item },`, folded at the margin: a row of a table. */
void gen_print_braced (GString *out, const GPtrArray *items);

/* @text as a comment of its own. */
void gen_print_comment (GString *out, const gchar *text);
/* A gtk-doc comment about @symbol. @members: (nullable): names and texts in turn, of const gchar *,
 * those with a %NULL text left out. Nothing is printed when there is nothing to say. @deprecated:
 * (nullable): the annotation's value. */
void gen_print_doc (GString *out,
                    const gchar *symbol,
                    const gchar *text,
                    const GPtrArray *members,
                    const gchar *deprecated);
/* (transfer full): a C string literal of @length bytes, NUL and all. */
gchar *gen_string_literal (const gchar *bytes, gsize length);
/* (transfer full): @type and @name joined as C does: no space behind a star. */
gchar *gen_declare (const gchar *type, const gchar *name);
/* (transfer full): a number that reads back as the same double. */
gchar *gen_double_literal (gdouble number);
/* (transfer full): the same for an integer of 64 bits. */
gchar *gen_integer_literal (gint64 number);

G_END_DECLS

#endif /* GEN_WRITER_H */

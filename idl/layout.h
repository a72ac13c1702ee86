/* Text that is broken into lines where it must be and where it does not fit. */
#ifndef IDL_LAYOUT_H
#define IDL_LAYOUT_H

#include <glib.h>

G_BEGIN_DECLS

/* A sequence of operations, rendered at the end. A group is set on one line when it fits and has no
 * hard line in it; else each soft break that is directly in it becomes a line. */
typedef struct _IdlLayout IdlLayout;

IdlLayout *idl_layout_new (void);
void idl_layout_free (IdlLayout *layout);
/* @text has no line end and must outlive the layout. */
void idl_layout_text (IdlLayout *layout, const gchar *text, gsize length);
void idl_layout_space (IdlLayout *layout);
/* A new line, after an empty one if @blank. */
void idl_layout_line (IdlLayout *layout, gboolean blank);
/* A new line without indentation. */
void idl_layout_raw_line (IdlLayout *layout);
/* A place where the group may be broken; @space is what stands there otherwise. */
void idl_layout_soft (IdlLayout *layout, gboolean space);
void idl_layout_begin (IdlLayout *layout);
void idl_layout_end (IdlLayout *layout);
void idl_layout_indent (IdlLayout *layout, gint by);
gboolean idl_layout_is_empty (const IdlLayout *layout);
/* Lines of at most @width columns where possible. Linear. (transfer full) */
gchar *idl_layout_render (IdlLayout *layout, guint width);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlLayout, idl_layout_free)

G_END_DECLS

#endif /* IDL_LAYOUT_H */

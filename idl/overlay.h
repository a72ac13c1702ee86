/* Texts that stand in the place of files: what an editor holds and has not saved. */
#ifndef IDL_OVERLAY_H
#define IDL_OVERLAY_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdlOverlay IdlOverlay;

IdlOverlay *idl_overlay_new (void);
void idl_overlay_free (IdlOverlay *overlay);
/* The file at @path, which need not exist, has this text. */
void idl_overlay_set (IdlOverlay *overlay, const gchar *path, const gchar *text, gsize length);
void idl_overlay_remove (IdlOverlay *overlay, const gchar *path);
gboolean idl_overlay_has (const IdlOverlay *overlay, const gchar *path);
/* (nullable) (transfer full): the text for @path, ended by a NUL that *@length does not count. */
gchar *idl_overlay_dup_text (const IdlOverlay *overlay, const gchar *path, gsize *length);
/* The one path of @path: links followed as far as it exists. (transfer full) */
gchar *idl_overlay_canonicalize (const gchar *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlOverlay, idl_overlay_free)

G_END_DECLS

#endif /* IDL_OVERLAY_H */

/* Owns the texts that stand in the place of files, by the files' canonical paths. Whether a file is there
 * does not matter: one that was deleted, or never saved, has a text in an editor all the same. */
#include "overlay.h"

#include <stdlib.h>
#include <string.h>

struct _IdlOverlay
{
  GHashTable *texts; /* canonical path to GBytes */
};

IdlOverlay *
idl_overlay_new (void)
{
  IdlOverlay *overlay = g_new0 (IdlOverlay, 1);

  overlay->texts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  return overlay;
}

void
idl_overlay_free (IdlOverlay *overlay)
{
  if (overlay == NULL)
    return;
  g_hash_table_unref (overlay->texts);
  g_free (overlay);
}

gchar *
idl_overlay_canonicalize (const gchar *path)
{
  g_autofree gchar *whole = g_canonicalize_filename (path, NULL);
  g_autofree gchar *directory = g_path_get_dirname (whole);
  g_autofree gchar *base = g_path_get_basename (whole);
  char *real = realpath (whole, NULL);
  gchar *canonical;

  if (real == NULL)
    {
      real = realpath (directory, NULL);
      canonical = real == NULL ? g_steal_pointer (&whole) : g_build_filename (real, base, NULL);
    }
  else
    canonical = g_strdup (real);
  free (real);
  return canonical;
}

void
idl_overlay_set (IdlOverlay *overlay, const gchar *path, const gchar *text, gsize length)
{
  g_hash_table_insert (overlay->texts, idl_overlay_canonicalize (path), g_bytes_new (text, length));
}

void
idl_overlay_remove (IdlOverlay *overlay, const gchar *path)
{
  g_autofree gchar *canonical = idl_overlay_canonicalize (path);

  g_hash_table_remove (overlay->texts, canonical);
}

static GBytes *
find (const IdlOverlay *overlay, const gchar *path)
{
  g_autofree gchar *canonical = idl_overlay_canonicalize (path);

  return g_hash_table_lookup (overlay->texts, canonical);
}

gboolean
idl_overlay_has (const IdlOverlay *overlay, const gchar *path)
{
  return find (overlay, path) != NULL;
}

gchar *
idl_overlay_dup_text (const IdlOverlay *overlay, const gchar *path, gsize *length)
{
  GBytes *bytes = find (overlay, path);
  gconstpointer text;
  gchar *copy;

  if (bytes == NULL)
    return NULL;
  text = g_bytes_get_data (bytes, length);
  copy = g_malloc (*length + 1);
  if (*length > 0)
    memcpy (copy, text, *length);
  copy[*length] = '\0';
  return copy;
}

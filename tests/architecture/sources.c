/* Owns the walk over a folder's C files. */
#include "sources.h"

void
sources_foreach (const gchar *path, void (*visit) (const gchar *path, gpointer data), gpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree gchar *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        sources_foreach (child, visit, data);
      else if (g_str_has_suffix (name, ".c") || g_str_has_suffix (name, ".h"))
        visit (child, data);
    }
}

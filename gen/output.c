/* Writes files. It knows nothing of what is in them. */
#include "output.h"

#include <errno.h>
#include <glib/gstdio.h>

static gboolean
make_directory (const gchar *directory, GError **error)
{
  if (g_mkdir_with_parents (directory, 0777) == 0)
    return TRUE;

  gint code = errno;

  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code),
               "%s: cannot make directory: %s", directory, g_strerror (code));
  return FALSE;
}

/* `./x` is `x` to ninja, which compares names as text. */
static gchar *
get_path (const gchar *directory, const GenFile *file)
{
  return g_strcmp0 (directory, ".") == 0 ? g_strdup (file->name)
                                         : g_build_filename (directory, file->name, NULL);
}

gboolean
gen_output_write (const gchar *directory, const GPtrArray *files, GError **error)
{
  if (!make_directory (directory, error))
    return FALSE;

  for (guint i = 0; i < files->len; i++)
    {
      const GenFile *file = g_ptr_array_index (files, i);
      g_autofree gchar *path = get_path (directory, file);

      if (!g_file_set_contents_full (path, file->text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0666,
                                     error))
        return FALSE;
    }

  return TRUE;
}

/* make's quoting: a space and `#` want a backslash, `$` is doubled. */
static void
append_quoted (GString *rule, const gchar *path)
{
  for (const gchar *c = path; *c != '\0'; c++)
    {
      if (*c == ' ' || *c == '#' || *c == '\\')
        g_string_append_c (rule, '\\');
      else if (*c == '$')
        g_string_append_c (rule, '$');
      g_string_append_c (rule, *c);
    }
}

gboolean
gen_output_write_depfile (const gchar *path,
                          const gchar *directory,
                          const GPtrArray *files,
                          const GPtrArray *sources,
                          GError **error)
{
  g_autoptr (GString) rule = g_string_new (NULL);

  for (guint i = 0; i < files->len; i++)
    {
      g_autofree gchar *target = get_path (directory, g_ptr_array_index (files, i));

      append_quoted (rule, target);
      g_string_append (rule, i == files->len - 1 ? ":" : " ");
    }
  for (guint i = 0; i < sources->len; i++)
    {
      g_string_append (rule, " \\\n  ");
      append_quoted (rule, g_ptr_array_index (sources, i));
    }
  g_string_append_c (rule, '\n');

  return g_file_set_contents_full (path, rule->str, (gssize) rule->len,
                                   G_FILE_SET_CONTENTS_CONSISTENT, 0666, error);
}

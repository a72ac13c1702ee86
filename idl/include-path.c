/* Owns the search for included files. It opens none of them. */
#include "include-path.h"

#include "similar.h"

#include <stdlib.h>
#include <string.h>

/* Names compared for one suggestion, by their letters: directories may be large. */
#define MAX_EFFORT (1000 * 1000)

gchar *
idl_include_path_resolve (const gchar *path)
{
  char *real = realpath (path, NULL);
  gchar *copy = g_strdup (real);

  free (real);
  return copy;
}

/* The candidate for an include of @path in @directory; "" and "." add nothing to what is shown. */
static gchar *
join (const gchar *directory, const gchar *path)
{
  while (g_str_has_prefix (path, "./") && path[2] != '/')
    path += 2;
  if (g_path_is_absolute (path) || *directory == '\0' || strcmp (directory, ".") == 0)
    return g_strdup (path);
  return g_build_filename (directory, path, NULL);
}

/* "" for a file here. (transfer full) */
static gchar *
get_directory (const gchar *file)
{
  const gchar *slash = strrchr (file, '/');

  return g_strndup (file, slash == NULL ? 0 : (gsize) (slash - file) + (slash == file));
}

/* The directories to look in, in order. (element-type gchar *) (transfer full) */
static GPtrArray *
list_directories (const gchar *includer, const gchar *path, const GPtrArray *directories)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *linked = NULL;

  g_ptr_array_add (list, get_directory (includer));
  if (g_path_is_absolute (path))
    return list;
  linked = idl_include_path_resolve (includer);
  if (linked != NULL)
    g_ptr_array_add (list, get_directory (linked));
  for (guint i = 0; i < directories->len; i++)
    g_ptr_array_add (list, g_strdup (g_ptr_array_index (directories, i)));
  return list;
}

gchar *
idl_include_path_find (const gchar *includer,
                       const gchar *path,
                       const GPtrArray *directories,
                       const IdlOverlay *overlay)
{
  g_autoptr (GPtrArray) list = list_directories (includer, path, directories);

  for (guint i = 0; i < list->len; i++)
    {
      g_autofree gchar *candidate = join (g_ptr_array_index (list, i), path);

      if (g_file_test (candidate, G_FILE_TEST_EXISTS)
          || (overlay != NULL && idl_overlay_has (overlay, candidate)))
        return g_steal_pointer (&candidate);
    }
  return NULL;
}

/* (nullable) (transfer full): the entry of @directory that is @name, or most like it. A file is one of
 * Thrift. */
static gchar *
find_entry (const gchar *directory, const gchar *name, gboolean is_last, gint64 *effort)
{
  g_autoptr (GDir) dir = g_dir_open (*directory == '\0' ? "." : directory, 0, NULL);
  g_autofree gchar *best = NULL;
  IdlSimilar similar;
  const gchar *entry;

  idl_similar_init (&similar, name, effort);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL && *effort > 0)
    if (is_last == g_str_has_suffix (entry, ".thrift"))
      idl_similar_offer (&similar, entry);
  best = g_steal_pointer (&similar.best);
  idl_similar_clear (&similar);
  return g_steal_pointer (&best);
}

/* Part by part: "comon/x.thrift" is most like "common/x.thrift". */
static gchar *
suggest_in (const gchar *directory, const gchar *path, gint64 *effort)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autoptr (GString) suggestion = g_string_new (NULL);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree gchar *parent = join (directory, suggestion->str);
      g_autofree gchar *whole = NULL;
      g_autofree gchar *entry = NULL;

      if (suggestion->len > 0 && suggestion->str[suggestion->len - 1] != '/')
        g_string_append_c (suggestion, '/');
      whole = g_build_filename (*parent == '\0' ? "." : parent, parts[i], NULL);
      if (g_file_test (whole, G_FILE_TEST_EXISTS))
        {
          g_string_append (suggestion, parts[i]);
          continue;
        }
      entry = find_entry (parent, parts[i], parts[i + 1] == NULL, effort);
      if (entry == NULL)
        return NULL;
      g_string_append (suggestion, entry);
    }
  return g_string_free (g_steal_pointer (&suggestion), FALSE);
}

gchar *
idl_include_path_suggest (const gchar *includer, const gchar *path, const GPtrArray *directories)
{
  g_autoptr (GPtrArray) list = NULL;
  gchar *suggestion = NULL;
  gint64 effort = MAX_EFFORT;

  if (g_path_is_absolute (path) || *path == '\0')
    return NULL;
  list = list_directories (includer, path, directories);
  for (guint i = 0; i < list->len && suggestion == NULL; i++)
    suggestion = suggest_in (g_ptr_array_index (list, i), path, &effort);
  return suggestion;
}

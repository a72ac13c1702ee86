/* Owns what is read from git: one revision's files. Git is run without a shell, and what it says when
 * it fails is passed on. It knows nothing of Thrift. */
#include "revision.h"

#include "include-path.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* Links that lead from one to the next. */
#define MAX_LINKS 8

struct _IdlRevision
{
  gchar *name; /* REV, as the user wrote it */
  gchar *here; /* the current directory, links followed */
  gchar *top;  /* of the repository, likewise */
};

/* What the revision has at a path. */
typedef struct
{
  guint mode;
  gsize length;
} Entry;

#define LINK_MODE 0120000
#define FILE_TYPE_MASK 0170000

gboolean
idl_revision_is_meant (const gchar *word)
{
  const gchar *colon = strchr (word, ':');

  return colon != NULL && colon > word && colon[1] != '\0'
         && !g_file_test (word, G_FILE_TEST_EXISTS);
}

void
idl_revision_free (IdlRevision *revision)
{
  if (revision == NULL)
    return;
  g_free (revision->name);
  g_free (revision->here);
  g_free (revision->top);
  g_free (revision);
}

/* Runs git with @words behind; what it prints goes to @output, with a NUL behind. FALSE with @error if
 * it fails; @what is what was to be read. */
static gboolean
run_git (const gchar *const *words, const gchar *what, gchar **output, GError **error)
{
  g_autoptr (GPtrArray) line = g_ptr_array_new ();
  g_autoptr (GError) spawn_error = NULL;
  g_autofree gchar *printed = NULL;
  g_autofree gchar *complaint = NULL;
  gint status = 0;

  g_ptr_array_add (line, (gpointer) "git");
  for (; *words != NULL; words++)
    g_ptr_array_add (line, (gpointer) *words);
  g_ptr_array_add (line, NULL);
  if (!g_spawn_sync (NULL, (gchar **) line->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &printed,
                     &complaint, &status, &spawn_error))
    {
      g_set_error (error, spawn_error->domain, spawn_error->code,
                   "cannot read '%s': git cannot be run: %s", what, spawn_error->message);
      return FALSE;
    }
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0)
    {
      g_strchomp (complaint);
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "cannot read '%s': git says: %s", what,
                   complaint);
      return FALSE;
    }
  *output = g_steal_pointer (&printed);
  return TRUE;
}

/* (nullable) (transfer full): the path from the top of the repository; NULL if @path is outside. A
 * relative one begins in the current directory. */
static gchar *
get_path_in_repository (const IdlRevision *revision, const gchar *path)
{
  g_autofree gchar *real = idl_include_path_resolve (path);
  g_autofree gchar *whole =
      real != NULL ? g_steal_pointer (&real) : g_canonicalize_filename (path, revision->here);
  gsize length = strlen (revision->top);

  if (!g_str_has_prefix (whole, revision->top))
    return NULL;
  if (length > 1 && whole[length] != '/' && whole[length] != '\0')
    return NULL;
  return g_strdup (whole + length + (whole[length] == '/'));
}

/* The path without `.` and `..`, from the top of the repository. (transfer full) */
static gchar *
join_below_top (const gchar *directory, const gchar *path)
{
  g_autofree gchar *joined = g_build_filename ("/", directory, path, NULL);
  g_autofree gchar *whole = g_canonicalize_filename (joined, "/");

  return g_strdup (whole + 1);
}

/* FALSE with @error (nullable) if the revision has no file there. */
static gboolean
find_object (const IdlRevision *revision, const gchar *path, Entry *entry, GError **error)
{
  const gchar *const words[] = { "ls-tree",      "--full-tree", "-l", "-z",
                                 revision->name, "--",          path, NULL };
  g_autofree gchar *name = g_strconcat (revision->name, ":", path, NULL);
  g_autofree gchar *output = NULL;
  guint64 length = 0;

  if (!run_git (words, name, &output, error))
    return FALSE;
  if (sscanf (output, "%o blob %*s %" G_GUINT64_FORMAT, &entry->mode, &length) != 2)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                   "cannot read '%s': the revision has no such file", name);
      return FALSE;
    }
  entry->length = length;
  return TRUE;
}

static gboolean
set_places (IdlRevision *revision, const gchar *word, GError **error)
{
  const gchar *const words[] = { "rev-parse", "--show-prefix", NULL };
  g_autofree gchar *current = g_get_current_dir ();
  g_autofree gchar *prefix = NULL;
  gsize length, tail;

  if (!run_git (words, word, &prefix, error))
    return FALSE;
  g_strchomp (prefix); /* "", or the path from the top with a slash behind */
  revision->here = idl_include_path_resolve (current);
  if (revision->here == NULL)
    revision->here = g_strdup (current);
  length = strlen (revision->here);
  tail = strlen (prefix);
  revision->top = g_strndup (revision->here, length > tail ? length - tail : length);
  return TRUE;
}

static gboolean
begins_here (const gchar *file)
{
  return g_str_has_prefix (file, "./") || g_str_has_prefix (file, "../");
}

IdlRevision *
idl_revision_open (const gchar *word, gchar **path, GError **error)
{
  g_autoptr (IdlRevision) revision = g_new0 (IdlRevision, 1);
  const gchar *file = strchr (word, ':') + 1;
  g_autofree gchar *inner = NULL;

  revision->name = g_strndup (word, (gsize) (file - 1 - word));
  if (*word == '-')
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "cannot read '%s': a revision does not begin with '-'", word);
      return NULL;
    }
  if (!set_places (revision, word, error))
    return NULL;
  inner = begins_here (file) ? get_path_in_repository (revision, file) : join_below_top ("", file);
  if (inner == NULL || *inner == '\0')
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                   "cannot read '%s': it is no file of the repository", word);
      return NULL;
    }
  *path = g_strconcat (revision->name, ":", inner, NULL);
  return g_steal_pointer (&revision);
}

gboolean
idl_revision_has_name (const IdlRevision *revision, const gchar *path)
{
  return g_str_has_prefix (path, revision->name) && path[strlen (revision->name)] == ':';
}

const gchar *
idl_revision_skip_name (const IdlRevision *revision, const gchar *path)
{
  return path + strlen (revision->name) + 1;
}

/* (nullable) (transfer full): the name of the file at @path, if the revision has it. */
static gchar *
find_in_directory (const IdlRevision *revision, const gchar *directory, const gchar *path)
{
  g_autofree gchar *candidate = join_below_top (directory, path);
  Entry entry;

  if (*candidate == '\0' || !find_object (revision, candidate, &entry, NULL))
    return NULL;
  return g_strconcat (revision->name, ":", candidate, NULL);
}

/* (nullable) (transfer full): the file at @path in @directory, which is one of the disk's. */
static gchar *
find_in_disk_directory (const IdlRevision *revision, const gchar *directory, const gchar *path)
{
  g_autofree gchar *inner = get_path_in_repository (revision, directory);
  g_autofree gchar *outer = NULL;

  if (inner != NULL)
    return find_in_directory (revision, inner, path);
  outer = g_build_filename (directory, path, NULL);
  return g_file_test (outer, G_FILE_TEST_EXISTS) ? g_steal_pointer (&outer) : NULL;
}

gchar *
idl_revision_find (const IdlRevision *revision,
                   const gchar *includer,
                   const gchar *path,
                   const GPtrArray *directories)
{
  const gchar *inner = idl_revision_skip_name (revision, includer);
  g_autofree gchar *beside = g_path_get_dirname (inner);
  gchar *found;

  if (g_path_is_absolute (path))
    {
      g_autofree gchar *directory = g_path_get_dirname (path);
      g_autofree gchar *base = g_path_get_basename (path);

      return find_in_disk_directory (revision, directory, base);
    }
  found = find_in_directory (revision, beside, path);
  for (guint i = 0; i < directories->len && found == NULL; i++)
    found = find_in_disk_directory (revision, g_ptr_array_index (directories, i), path);
  return found;
}

/* The bytes at @path: a file's text or where a link leads. */
static gchar *
show (const IdlRevision *revision, const gchar *path, const Entry *entry, GError **error)
{
  g_autofree gchar *name = g_strconcat (revision->name, ":", path, NULL);
  const gchar *const words[] = { "show", "--no-textconv", name, NULL };
  g_autofree gchar *text = NULL;

  if (entry->length > IDL_SOURCE_MAX_SIZE)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC, "'%s' is larger than %u bytes", name,
                   IDL_SOURCE_MAX_SIZE);
      return NULL;
    }
  if (!run_git (words, name, &text, error))
    return NULL;
  if (strlen (text) != entry->length)
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                   "cannot read '%s': it is no text, it has NUL bytes", name);
      return NULL;
    }
  return g_steal_pointer (&text);
}

IdlSource *
idl_revision_read (const IdlRevision *revision, const gchar *path, GError **error)
{
  g_autofree gchar *inner = g_strdup (idl_revision_skip_name (revision, path));

  for (guint links = 0; links < MAX_LINKS; links++)
    {
      Entry entry;
      g_autofree gchar *text = NULL;
      g_autofree gchar *directory = g_path_get_dirname (inner);

      if (!find_object (revision, inner, &entry, error))
        return NULL;
      text = show (revision, inner, &entry, error);
      if (text == NULL)
        return NULL;
      if ((entry.mode & FILE_TYPE_MASK) != LINK_MODE)
        return idl_source_new (path, g_steal_pointer (&text), entry.length);
      g_free (inner);
      inner = join_below_top (directory, text);
    }
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_LOOP, "cannot read '%s': too many links", path);
  return NULL;
}

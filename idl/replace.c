/* Writes files, and standard output to its end. It knows nothing of what is in them. Files can be made again, so nothing waits for the
 * disk. */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
write_all (int fd, const gchar *text, gsize length)
{
  while (length > 0)
    {
      gssize done = write (fd, text, length);

      if (done < 0 && errno != EINTR)
        return FALSE;
      text += MAX (done, 0);
      length -= (gsize) MAX (done, 0);
    }
  return TRUE;
}

/* Writes and closes @fd, which may be that of a failed open. Returns: errno, or 0 */
static gint
write_and_close (int fd, const gchar *text, gsize length)
{
  gint code = 0;

  if (fd < 0 || !write_all (fd, text, length))
    code = errno;
  if (fd >= 0 && close (fd) != 0 && code == 0)
    code = errno;
  return code;
}

/* @old: (nullable): what is at @path. Returns: errno, or 0 */
static gint
write_anew (const gchar *path, const struct stat *old, const gchar *text, gsize length)
{
  g_autofree gchar *temporary = g_strconcat (path, ".XXXXXX", NULL);
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666);
  const gboolean is_made = fd >= 0;
  gint code = is_made && old != NULL && fchmod (fd, old->st_mode & 07777) != 0 ? errno : 0;
  gint written = write_and_close (fd, text, length);

  if (code == 0)
    code = written;
  if (code == 0 && g_rename (temporary, path) != 0)
    code = errno;
  if (is_made && code != 0)
    g_unlink (temporary);
  return code;
}

gboolean
idl_replace_file (const gchar *path, const gchar *text, gsize length, GError **error)
{
  struct stat info;
  const gboolean is_there = lstat (path, &info) == 0;
  gint code;

  if (!is_there || S_ISREG (info.st_mode))
    code = write_anew (path, is_there ? &info : NULL, text, length);
  else
    code =
        write_and_close (g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0666),
                         text, length);
  if (code == 0)
    return TRUE;
  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code), "%s: cannot write: %s",
               path, g_strerror (code));
  return FALSE;
}

gboolean
idl_flush_output (GError **error)
{
  gint code;

  errno = 0;
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;
  code = errno; /* 0: of what was printed earlier */
  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code), "standard output: %s",
               code != 0 ? g_strerror (code) : "not all of it could be written");
  return FALSE;
}

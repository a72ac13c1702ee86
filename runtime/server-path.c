/* The file of a Unix socket: gets a listening socket to a path and takes it away again, so that at
 * every instant at most one server has the path. It knows no server.
 *
 * - A socket listens before it has the path: it is bound beside it and then renamed. So no other
 *   server ever finds a file there whose socket does not answer, and takes it for stale.
 * - A file is stale only if no socket is bound to it. A socket that is bound and does not listen yet
 *   refuses a connection like a file without any; a connection of another type tells them apart.
 * - A free path is taken by a rename that replaces nothing. A stale file is replaced by an exchange;
 *   what was taken away is looked at once more and given back if it is not what was meant. Tally's servers do that one after the other, by a lock file that exists only meanwhile and that no other
 *   user can open: a lock on the directory could be held by any user that may read it. */
#include "server-path-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Others hold the lock for a few system calls. */
#define LOCK_TIMEOUT_MS 5000
/* Names that are tried beside the path; a killed process may have left its own. */
#define MAX_NAMES 100

/* ---- addresses ---- */

typedef struct
{
  struct sockaddr_un name;
  gint directory_fd; /* -1, or the directory that the name begins at */
} PathAddress;

/* The address of the file @name in @directory. Through the directory's descriptor a directory of any
 * length fits. */
static void
address_init (PathAddress *self, const gchar *directory, const gchar *name)
{
  gsize size = sizeof self->name.sun_path;

  *self = (PathAddress){ .name.sun_family = AF_UNIX, .directory_fd = -1 };
  if ((gsize) snprintf (self->name.sun_path, size, "%s/%s", directory, name) < size)
    return;
  self->directory_fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  snprintf (self->name.sun_path, size, "/proc/self/fd/%d/%s", self->directory_fd, name);
}

/* Keeps errno. */
static void
address_clear (PathAddress *self)
{
  gint number = errno;

  if (self->directory_fd >= 0)
    close (self->directory_fd);
  errno = number;
}

/* ---- what is there ---- */

/* What connecting a socket of @type to @address comes to: 0 or an errno. */
static gint
probe (const PathAddress *address, gint type)
{
  gint fd = socket (AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gint result = 0;

  if (fd < 0)
    return errno;
  if (connect (fd, (const struct sockaddr *) &address->name, sizeof address->name) != 0)
    result = errno;
  close (fd);
  return result;
}

/* Whether @path is the file of a socket that is gone. */
static gboolean
is_stale (const gchar *path)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *name = g_path_get_basename (path);
  struct stat status;
  PathAddress address;
  gboolean stale;

  if (lstat (path, &status) != 0 || !S_ISSOCK (status.st_mode))
    return FALSE;
  address_init (&address, directory, name);
  stale =
      probe (&address, SOCK_DGRAM) == ECONNREFUSED && probe (&address, SOCK_STREAM) == ECONNREFUSED;
  address_clear (&address);
  return stale;
}

/* ---- beside the path ---- */

/* Binds @fd to a new file in @path's directory. Returns its path, or NULL with errno. */
static gchar *
bind_beside (gint fd, const gchar *path)
{
  static guint n_names;
  const gsize size = sizeof ((struct sockaddr_un *) NULL)->sun_path;
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *base = g_path_get_basename (path);

  for (guint i = 0; i < MAX_NAMES; i++)
    {
      guint number = __atomic_add_fetch (&n_names, 1, __ATOMIC_RELAXED);
      g_autofree gchar *tail = g_strdup_printf (".%d-%u", (gint) getpid (), number);
      gboolean fits = strlen (path) + strlen (tail) < size;
      g_autofree gchar *name = g_strconcat (fits ? base : ".tally", tail, NULL);
      PathAddress address;
      gboolean bound;

      address_init (&address, directory, name);
      bound = bind (fd, (struct sockaddr *) &address.name, sizeof address.name) == 0;
      address_clear (&address);
      if (bound)
        return g_build_filename (directory, name, NULL);
      if (errno != EADDRINUSE)
        return NULL;
    }
  return NULL;
}

/* ---- to the path ---- */

/* Gives @own's file the name @path if nothing has it: EEXIST otherwise. */
static gboolean
take_free (const gchar *own, const gchar *path)
{
  if (renameat2 (AT_FDCWD, own, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno != EINVAL && errno != ENOSYS)
    return FALSE;
  /* a file system that cannot do it */
  if (link (own, path) != 0)
    return FALSE;
  unlink (own);
  return TRUE;
}

/* Puts @own's file in the place of the stale one at @path. The caller has the lock. */
static gboolean
replace_stale (const gchar *own, const gchar *path)
{
  if (renameat2 (AT_FDCWD, own, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
    return (errno == EINVAL || errno == ENOSYS) && rename (own, path) == 0;
  if (is_stale (own))
    {
      unlink (own);
      return TRUE;
    }
  /* a server that is not ours took the path meanwhile */
  (void) renameat2 (AT_FDCWD, own, AT_FDCWD, path, RENAME_EXCHANGE);
  errno = EADDRINUSE;
  return FALSE;
}

static gboolean
take_or_replace (const gchar *own, const gchar *path)
{
  if (take_free (own, path))
    return TRUE;
  if (errno != EEXIST)
    return FALSE;
  if (is_stale (path))
    return replace_stale (own, path);
  errno = EADDRINUSE;
  return FALSE;
}

/* ---- the lock ---- */

/* (transfer full) */
static gchar *
build_lock_path (const gchar *path)
{
  g_autofree gchar *directory = g_path_get_dirname (path);
  g_autofree gchar *base = g_path_get_basename (path);
  g_autofree gchar *name = g_strconcat (".", base, ".tally-lock", NULL);

  return g_build_filename (directory, name, NULL);
}

/* Opens @lock_path, which may be new. -1 with errno: ENOLCK when something else is there, or a file
 * of another user, which that user could lock for ever. */
static gint
open_path_lock (const gchar *lock_path)
{
  gint fd = open (lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && status.st_uid == geteuid ())
    return fd;
  if (fd >= 0)
    close (fd);
  if (fd >= 0 || errno == EACCES || errno == ELOOP || errno == EISDIR || errno == ENXIO)
    errno = ENOLCK;
  return -1;
}

/* Whether @fd is still the file @lock_path: the one that had the lock before has removed it. */
static gboolean
is_current_lock (gint fd, const gchar *lock_path)
{
  struct stat own, there;

  return fstat (fd, &own) == 0 && lstat (lock_path, &there) == 0 && own.st_dev == there.st_dev
         && own.st_ino == there.st_ino;
}

/* Returns a descriptor that holds the lock; -1 with errno. */
static gint
take_path_lock (const gchar *lock_path)
{
  for (guint i = 0; i < LOCK_TIMEOUT_MS; i++)
    {
      gint fd = open_path_lock (lock_path);

      if (fd < 0)
        return -1;
      if (flock (fd, LOCK_EX | LOCK_NB) == 0 && is_current_lock (fd, lock_path))
        return fd;
      close (fd);
      g_usleep (1000);
    }
  errno = EWOULDBLOCK;
  return -1;
}

/* The file goes before the lock does, so that no server has the one without the other. Keeps
 * errno. */
static void
drop_path_lock (gint fd, const gchar *lock_path)
{
  gint number = errno;

  unlink (lock_path);
  flock (fd, LOCK_UN); /* a child that was forked just now has the descriptor, too */
  close (fd);
  errno = number;
}

/* ---- all together ---- */

static gboolean
take_path (const gchar *own, const gchar *path)
{
  g_autofree gchar *lock_path = NULL;
  gboolean taken;
  gint lock;

  if (take_free (own, path))
    return TRUE;
  if (errno != EEXIST)
    return FALSE;
  if (!is_stale (path))
    {
      errno = EADDRINUSE;
      return FALSE;
    }
  lock_path = build_lock_path (path);
  lock = take_path_lock (lock_path);
  if (lock < 0)
    return FALSE;
  taken = take_or_replace (own, path);
  drop_path_lock (lock, lock_path);
  return taken;
}

gboolean
server_path_listen (gint fd, const gchar *path, gint backlog, guint64 *device, guint64 *inode)
{
  g_autofree gchar *own = bind_beside (fd, path);
  struct stat status;
  gint number;

  if (own == NULL)
    return FALSE;
  if (listen (fd, backlog) == 0 && lstat (own, &status) == 0 && take_path (own, path))
    {
      *device = status.st_dev;
      *inode = status.st_ino;
      return TRUE;
    }
  number = errno;
  unlink (own);
  errno = number;
  return FALSE;
}

const gchar *
server_path_describe (gint number)
{
  return number == EWOULDBLOCK ? "another server is replacing its file and does not finish"
         : number == ENOLCK    ? "replacing its stale file: another user has the lock's place "
                                 "(.NAME.tally-lock beside it)"
                               : NULL;
}

void
server_path_remove (const gchar *path, guint64 device, guint64 inode)
{
  struct stat status;

  if (lstat (path, &status) == 0 && status.st_dev == device && status.st_ino == inode)
    unlink (path);
}

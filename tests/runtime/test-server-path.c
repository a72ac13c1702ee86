/* Owns the tests of how servers replace the stale file of a Unix socket: one after the other, and
 * hindered by no stranger. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "server-fixture.h"

/* ---- a stale file ---- */

typedef struct
{
  gchar *directory;
  gchar *path;
  gchar *lock_path;
  gchar *address;
} Place;

static void
place_init (Place *self)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  self->directory = g_dir_make_tmp ("tally-server-XXXXXX", NULL);
  self->path = g_build_filename (self->directory, "s", NULL);
  self->lock_path = g_build_filename (self->directory, ".s.tally-lock", NULL);
  self->address = g_strdup_printf ("unix://%s", self->path);
  g_strlcpy (address.sun_path, self->path, sizeof address.sun_path);
  CU_ASSERT (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
  close (fd);
}

/* Nothing must be left there. */
static void
place_clear (Place *self)
{
  CU_ASSERT (g_rmdir (self->directory) == 0);
  g_free (self->directory);
  g_free (self->path);
  g_free (self->lock_path);
  g_free (self->address);
}

static gboolean
listens_once (const Place *place, GError **error)
{
  g_autoptr (TallyServer) server = server_new_idle (place->address, error);

  return server != NULL && tally_server_listen (server, error);
}

/* ---- strangers ---- */

/* Any user that may read the directory can lock it. */
static void
a_lock_on_the_directory_hinders_nobody (void)
{
  g_autoptr (GError) error = NULL;
  Place place;
  gint fd;

  place_init (&place);
  fd = open (place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CU_ASSERT (flock (fd, LOCK_EX) == 0);
  CU_ASSERT (listens_once (&place, &error));
  assert_no_error (error);
  close (fd);
  place_clear (&place);
}

/* A server that is killed may leave it; nobody else can open it. */
static void
a_left_lock_file_is_taken_over (void)
{
  g_autoptr (GError) error = NULL;
  Place place;

  place_init (&place);
  CU_ASSERT (
      g_file_set_contents_full (place.lock_path, "", 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  CU_ASSERT (listens_once (&place, &error));
  assert_no_error (error);
  place_clear (&place);
}

static void
check_foreign_lock (const Place *place)
{
  g_autoptr (GError) error = NULL;

  CU_ASSERT (!listens_once (place, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "another user has the lock's place");
  CU_ASSERT (g_file_test (place->path, G_FILE_TEST_EXISTS));
}

/* What a stranger may put there ends the start at once: it neither waits nor goes without. */
static void
a_lock_file_of_a_strangers_is_not_waited_for (void)
{
  Place place;

  place_init (&place);
  CU_ASSERT (symlink ("/etc/passwd", place.lock_path) == 0);
  check_foreign_lock (&place);
  unlink (place.lock_path);
  CU_ASSERT (mkfifo (place.lock_path, 0600) == 0);
  check_foreign_lock (&place);
  unlink (place.lock_path);
  if (geteuid () == 0)
    {
      CU_ASSERT (g_file_set_contents (place.lock_path, "", 0, NULL));
      CU_ASSERT (chown (place.lock_path, 65534, 65534) == 0);
      check_foreign_lock (&place);
      unlink (place.lock_path);
    }
  unlink (place.path);
  place_clear (&place);
}

/* ---- one after the other ---- */

static gint is_looked_at; /* atomic; whether the functions below count */
static gint n_replacing;  /* atomic */
static gint n_waiting;    /* atomic: found the lock taken */
static gint n_together;   /* atomic: replaced while another did */
static const Place *contested;
static GThread *second;

int
flock (int fd, int operation)
{
  int result = syscall (SYS_flock, fd, operation);

  if (result != 0 && errno == EWOULDBLOCK)
    g_atomic_int_inc (&n_waiting);
  return result;
}

static gpointer
start_second (gpointer data)
{
  return GINT_TO_POINTER (listens_once (contested, NULL));
}

/* The first to replace the file does so only once a second server waits for it, or replaces it too. */
int
renameat2 (
    int from_directory, const char *from, int to_directory, const char *to, unsigned int flags)
{
  gboolean first;
  int result, number;

  if (flags == RENAME_NOREPLACE || !g_atomic_int_get (&is_looked_at))
    return syscall (SYS_renameat2, from_directory, from, to_directory, to, flags);
  first = g_atomic_int_add (&n_replacing, 1) == 0;
  if (first)
    {
      second = g_thread_new ("second", start_second, NULL);
      while (g_atomic_int_get (&n_waiting) == 0 && g_atomic_int_get (&n_together) == 0)
        g_thread_yield ();
    }
  else
    g_atomic_int_inc (&n_together);
  result = syscall (SYS_renameat2, from_directory, from, to_directory, to, flags);
  number = errno;
  if (first)
    g_atomic_int_set (&is_looked_at, FALSE);
  errno = number;
  return result;
}

static void
replacing_is_done_one_after_the_other (void)
{
  g_autoptr (GError) error = NULL;
  Place place;

  place_init (&place);
  contested = &place;
  g_atomic_int_set (&is_looked_at, TRUE);
  CU_ASSERT (listens_once (&place, &error));
  assert_no_error (error);
  g_thread_join (second);
  assert_int (g_atomic_int_get (&n_together), 0);
  CU_ASSERT (g_atomic_int_get (&n_waiting) > 0);
  place_clear (&place);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_lock_on_the_directory_hinders_nobody),
    TEST (a_left_lock_file_is_taken_over),
    TEST (a_lock_file_of_a_strangers_is_not_waited_for),
    TEST (replacing_is_done_one_after_the_other),
    { NULL, NULL },
  };

  return test_main ("server-path", cases, argc, argv);
}

/* Owns Debian's ZooKeeper server in a process of its own, and a session that writes to it. */
#define THREADED
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

#include "harness.h"
#include "zookeeper-fixture.h"

#define JAR "/usr/share/java/zookeeper.jar"
/* Outside the ports that the kernel gives to clients, so that nothing takes it while the server is away. */
#define FIRST_PORT 20000
#define LAST_PORT 32000
#define PATIENCE (10 * G_TIME_SPAN_MINUTE)
/* Microseconds between two questions to another process. */
#define PAUSE 10000

static gchar *directory; /* nullable: there is none */
static gchar *server;
static guint port;
static GPid pid;

/* ---- the server ---- */

static void
remove_tree (const gchar *path)
{
  const gchar *command[] = { "rm", "-rf", path, NULL };

  g_spawn_sync (NULL, (gchar **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
}

static void
die_with_test (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
launch (void)
{
  g_autofree gchar *file = g_build_filename (directory, "zoo.cfg", NULL);
  g_autofree gchar *text =
      g_strdup_printf ("dataDir=%s/data\nclientPort=%u\nclientPortAddress=127.0.0.1\ntickTime=500\n"
                       "admin.enableServer=false\n4lw.commands.whitelist=conf\nmaxClientCnxns=0\n",
                       directory, port);
  const gchar *command[] = { "java",
                             "-Xmx128m",
                             "-XX:+UseSerialGC",
                             "-XX:TieredStopAtLevel=1",
                             "-Dzookeeper.forceSync=no",
                             "-cp",
                             JAR,
                             "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                             file,
                             NULL };
  GError *error = NULL;

  g_file_set_contents (file, text, -1, &error);
  assert_no_error (error);
  g_spawn_async (NULL, (gchar **) command, NULL,
                 G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL
                     | G_SPAWN_STDERR_TO_DEV_NULL,
                 die_with_test, NULL, &pid, &error);
  assert_no_error (error);
}

/* Whether the server at our port says that it has our data. */
static gboolean
is_ours_up (void)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);
  g_autoptr (GSocket) socket =
      g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GString) answer = g_string_new (NULL);
  gchar buffer[1024];
  gssize length;

  g_socket_set_timeout (socket, 10);
  if (!g_socket_connect (socket, address, NULL, NULL)
      || g_socket_send (socket, "conf", 4, NULL, NULL) != 4)
    return FALSE;
  /* One that has just begun may leave a connection open after such an answer. */
  while (strstr (answer->str, "not currently serving") == NULL
         && (length = g_socket_receive (socket, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_string_append_len (answer, buffer, length);
  return strstr (answer->str, directory) != NULL;
}

/* FALSE: it ended, as when the port is another's. */
static gboolean
await_server (void)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (!is_ours_up ())
    {
      if (waitpid (pid, NULL, WNOHANG) == pid)
        return FALSE;
      CU_ASSERT_FATAL (g_get_monotonic_time () < end);
      g_usleep (PAUSE);
    }
  return TRUE;
}

gboolean
zookeeper_begin (void)
{
  g_autofree gchar *java = g_find_program_in_path ("java");

  if (java == NULL || !g_file_test (JAR, G_FILE_TEST_EXISTS))
    {
      test_skip ("no ZooKeeper server, which is Debian's package zookeeper");
      return FALSE;
    }
  if (directory != NULL)
    return TRUE;
  directory = g_dir_make_tmp ("zookeeper-XXXXXX", NULL);
  do
    {
      port = (guint) g_random_int_range (FIRST_PORT, LAST_PORT);
      g_free (server);
      server = g_strdup_printf ("127.0.0.1:%u", port);
      launch ();
    }
  while (!await_server ());
  return TRUE;
}

void
zookeeper_kill (void)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

void
zookeeper_restart (gboolean keeps_data)
{
  g_autofree gchar *data = g_build_filename (directory, "data", NULL);

  if (!keeps_data)
    remove_tree (data);
  launch ();
  CU_ASSERT_TRUE_FATAL (await_server ());
}

void
zookeeper_finish (void)
{
  if (directory == NULL)
    return;
  zookeeper_kill ();
  remove_tree (directory);
  g_clear_pointer (&directory, g_free);
  g_clear_pointer (&server, g_free);
}

const gchar *
zookeeper_get_server (void)
{
  return server;
}

/* ---- what is in it ---- */

static void
say_nothing (const char *message)
{
}

static void
on_event (zhandle_t *handle, int type, int state, const char *path, void *context)
{
}

/* On ZooKeeper's thread: a watch has seen something, or sees nothing any more. */
static void
on_change (zhandle_t *handle, int type, int state, const char *path, void *changes)
{
  if (type != ZOO_SESSION_EVENT || state == ZOO_EXPIRED_SESSION_STATE)
    g_async_queue_push (changes, changes);
}

/* Each in a session of its own, as ZooKeeper forgets sessions here. */
static zhandle_t *
open_session (void)
{
  zhandle_t *handle = zookeeper_init2 (server, on_event, 10000, NULL, NULL, 0, say_nothing);

  CU_ASSERT_PTR_NOT_NULL_FATAL (handle);
  return handle;
}

static gboolean
goes_on (gint status)
{
  if (status == ZCONNECTIONLOSS || status == ZOPERATIONTIMEOUT || status == ZINVALIDSTATE)
    {
      g_usleep (PAUSE);
      return TRUE;
    }
  return FALSE;
}

static gint
create_node (zhandle_t *handle, const gchar *path, const gchar *data, gint length)
{
  gint status;

  do
    status = zoo_create (handle, path, data, length, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
  while (goes_on (status));
  return status;
}

static void
create_with_parents (zhandle_t *handle, const gchar *path, const gchar *data, gint length)
{
  for (const gchar *slash = strchr (path + 1, '/'); slash != NULL; slash = strchr (slash + 1, '/'))
    {
      g_autofree gchar *above = g_strndup (path, (gsize) (slash - path));

      create_node (handle, above, NULL, -1);
    }
  assert_int (create_node (handle, path, data, length), ZOK);
}

void
zookeeper_write_bytes (const gchar *path, const gchar *data, gsize length)
{
  zhandle_t *handle = open_session ();
  gint status;

  do
    status = zoo_set (handle, path, data, (gint) length, -1);
  while (goes_on (status));
  if (status == ZNONODE)
    create_with_parents (handle, path, data, (gint) length);
  else
    assert_int (status, ZOK);
  zookeeper_close (handle);
}

void
zookeeper_write (const gchar *path, const gchar *data)
{
  zhandle_t *handle;
  gint status;

  if (data != NULL)
    {
      zookeeper_write_bytes (path, data, strlen (data));
      return;
    }
  handle = open_session ();
  do
    status = zoo_delete (handle, path, -1);
  while (goes_on (status));
  CU_ASSERT (status == ZOK || status == ZNONODE);
  zookeeper_close (handle);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* @changes: (nullable): gets something when there may be others. */
static GPtrArray *
list_nodes (zhandle_t *handle, const gchar *path, GAsyncQueue *changes)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  watcher_fn watcher = changes != NULL ? on_change : NULL;
  struct String_vector children = { 0 };
  gint status;

  do
    status = zoo_wget_children (handle, path, watcher, changes, &children);
  while (goes_on (status));
  for (gint32 i = 0; status == ZOK && i < children.count; i++)
    g_ptr_array_add (names, g_strdup (children.data[i]));
  if (status == ZOK)
    deallocate_String_vector (&children);
  else if (changes != NULL && zoo_wexists (handle, path, watcher, changes, NULL) != ZNONODE)
    g_async_queue_push (changes, changes); /* it came meanwhile */
  g_ptr_array_sort (names, compare_names);
  return names;
}

GPtrArray *
zookeeper_list (const gchar *path)
{
  zhandle_t *handle = open_session ();
  GPtrArray *names = list_nodes (handle, path, NULL);

  zookeeper_close (handle);
  return names;
}

GPtrArray *
zookeeper_await_count (const gchar *path, guint count)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (TRUE)
    {
      g_autoptr (GAsyncQueue) changes = g_async_queue_new ();
      zhandle_t *handle = open_session ();
      g_autoptr (GPtrArray) names = list_nodes (handle, path, changes);
      gint64 left = end - g_get_monotonic_time ();
      gboolean looks_again = names->len != count && left > 0
                             && g_async_queue_timeout_pop (changes, (guint64) left) != NULL;

      zookeeper_close (handle); /* afterwards nothing is told */
      if (!looks_again)
        {
          assert_int (names->len, count);
          return g_steal_pointer (&names);
        }
    }
}

gchar *
zookeeper_read (const gchar *path)
{
  zhandle_t *handle = open_session ();
  gchar buffer[4096];
  gint length, status;

  do
    {
      length = sizeof buffer;
      status = zoo_get (handle, path, 0, buffer, &length, NULL);
    }
  while (goes_on (status));
  zookeeper_close (handle);
  return status == ZOK ? g_strndup (buffer, (gsize) MAX (length, 0)) : NULL;
}

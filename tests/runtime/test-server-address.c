/* Owns the tests of where a TallyServer listens. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server-fixture.h"

/* ---- addresses ---- */

static void
speaks (const gchar *address)
{
  for (guint i = 0; i < G_N_ELEMENTS (all_speeches); i++)
    {
      Running *running = running_start (&all_speeches[i], address, NULL);
      gint fd = peer_connect (running);

      CU_ASSERT (peer_echoes (fd, running->speech, 1, "hello"));
      CU_ASSERT (peer_echoes (fd, running->speech, 2, ""));
      close (fd);
      running_stop (running);
    }
}

static void
ipv4 (void)
{
  speaks ("tcp://127.0.0.1:0");
}

static gboolean
has_ipv6 (void)
{
  g_autofree gchar *text = NULL;

  return g_file_get_contents ("/proc/net/if_inet6", &text, NULL, NULL) && strlen (text) > 0;
}

static void
ipv6 (void)
{
  if (has_ipv6 ())
    speaks ("tcp://[::1]:0");
  else
    test_skip ("no IPv6 here");
}

/* [::] is reached through either family. */
static void
dual_stack (void)
{
  Running *running;
  g_autoptr (GUri) uri = NULL;
  g_autofree gchar *over_v4 = NULL;
  gint fd;

  if (!has_ipv6 ())
    {
      test_skip ("no IPv6 here");
      return;
    }
  running = running_start (&framed_binary, "tcp://[::]:0", NULL);
  uri = g_uri_parse (running->uri, G_URI_FLAGS_NONE, NULL);
  over_v4 = g_strdup_printf ("tcp://127.0.0.1:%d", g_uri_get_port (uri));
  fd = peer_connect_uri (over_v4);
  CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "four"));
  close (fd);
  check_alive (running);
  running_stop (running);
}

static gchar *
new_socket_path (gchar **directory)
{
  *directory = g_dir_make_tmp ("tally-server-XXXXXX", NULL);
  return g_build_filename (*directory, "s", NULL);
}

static void
unix_socket (void)
{
  g_autofree gchar *directory = NULL;
  g_autofree gchar *path = new_socket_path (&directory);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);

  speaks (address);
  CU_ASSERT (!g_file_test (path, G_FILE_TEST_EXISTS));
  rmdir (directory);
}

static gint
make_socket_file (const gchar *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  CU_ASSERT (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
  CU_ASSERT (listen (fd, 1) == 0);
  return fd;
}

static gboolean
listens (const gchar *address, GError **error)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (TallyServer) server = tally_server_new (THRIFT_PROCESSOR (processor), address, error);

  return server != NULL && tally_server_listen (server, error);
}

static void
unix_socket_in_the_way (void)
{
  g_autofree gchar *directory = NULL;
  g_autofree gchar *path = new_socket_path (&directory);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);
  g_autoptr (GError) used = NULL;
  g_autoptr (GError) file = NULL;
  g_autoptr (GError) stale = NULL;
  gint other = make_socket_file (path);

  CU_ASSERT (!listens (address, &used));
  assert_error (used, TALLY_ERROR, TALLY_ERROR_FAILED, path);
  CU_ASSERT (g_file_test (path, G_FILE_TEST_EXISTS));
  close (other);
  CU_ASSERT (listens (address, &stale));
  assert_no_error (stale);
  CU_ASSERT (!g_file_test (path, G_FILE_TEST_EXISTS));

  CU_ASSERT (g_file_set_contents (path, "precious", -1, NULL));
  CU_ASSERT (!listens (address, &file));
  assert_error (file, TALLY_ERROR, TALLY_ERROR_FAILED, path);
  CU_ASSERT (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  unlink (path);
  rmdir (directory);
}

/* Another's file under the same name stays. */
static void
unix_socket_replaced_meanwhile (void)
{
  g_autofree gchar *directory = NULL;
  g_autofree gchar *path = new_socket_path (&directory);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);
  Running *running = running_start (&framed_binary, address, NULL);
  gint other;

  unlink (path);
  other = make_socket_file (path);
  running_stop (running);
  CU_ASSERT (g_file_test (path, G_FILE_TEST_EXISTS));
  close (other);
  unlink (path);
  rmdir (directory);
}

static void
port_in_use (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (!listens (running->uri, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "127.0.0.1");
  running_stop (running);
}

static void
restart_on_the_same_port (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  g_autofree gchar *address = g_strndup (running->uri, strcspn (running->uri, "?"));
  gint fd = peer_connect (running);

  CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "first"));
  running_stop (running);
  CU_ASSERT (peer_sees_end (fd));
  close (fd);
  running = running_start (&framed_binary, address, NULL);
  check_alive (running);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (ipv4),
    TEST (ipv6),
    TEST (dual_stack),
    TEST (unix_socket),
    TEST (unix_socket_in_the_way),
    TEST (unix_socket_replaced_meanwhile),
    TEST (port_in_use),
    TEST (restart_on_the_same_port),
    { NULL, NULL },
  };

  return test_main ("server-address", cases, argc, argv);
}

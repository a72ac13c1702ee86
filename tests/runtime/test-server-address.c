/* Owns the tests of where a TallyServer listens. */
#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "peer.h"
#include "server-fixture.h"
#include "server-private.h"

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
  over_v4 = g_strdup_printf ("%s://127.0.0.1:%d", g_uri_get_scheme (uri), g_uri_get_port (uri));
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
  g_autoptr (TallyServer) server = server_new_idle (address, error);

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

/* A server may be between bind and listen. */
static void
unix_socket_that_does_not_listen_yet (void)
{
  g_autofree gchar *directory = NULL;
  g_autofree gchar *path = new_socket_path (&directory);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);
  struct sockaddr_un name = { .sun_family = AF_UNIX };
  gint types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

  g_strlcpy (name.sun_path, path, sizeof name.sun_path);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GError) used = NULL;
      struct stat before, after;
      gint fd = socket (AF_UNIX, types[i] | SOCK_CLOEXEC, 0);

      CU_ASSERT (bind (fd, (struct sockaddr *) &name, sizeof name) == 0);
      CU_ASSERT (lstat (path, &before) == 0);
      CU_ASSERT (!listens (address, &used));
      assert_error (used, TALLY_ERROR, TALLY_ERROR_FAILED, path);
      CU_ASSERT (lstat (path, &after) == 0);
      CU_ASSERT (after.st_ino == before.st_ino);
      close (fd);
      unlink (path);
    }
  CU_ASSERT (rmdir (directory) == 0); /* nothing was left beside it */
}

typedef struct
{
  const gchar *address;
  pthread_barrier_t *start;
  ThriftProcessor *processor;
  TallyServer *server; /* what listens, or NULL */
} Starter;

static void *
start_together (void *data)
{
  Starter *self = data;

  self->server = tally_server_new (self->processor, self->address, NULL);
  pthread_barrier_wait (self->start);
  if (!tally_server_listen (self->server, NULL))
    g_clear_object (&self->server);
  return NULL;
}

/* Starts @n servers at once. Returns how many listen; the path is then that of one of them. */
static guint
start_at_once (ThriftProcessor *processor, const gchar *address, guint n)
{
  pthread_t threads[8];
  Starter starters[8];
  pthread_barrier_t start;
  guint n_listening = 0;

  pthread_barrier_init (&start, NULL, n);
  for (guint i = 0; i < n; i++)
    {
      starters[i] = (Starter){ address, &start, processor, NULL };
      CU_ASSERT_FATAL (pthread_create (&threads[i], NULL, start_together, &starters[i]) == 0);
    }
  for (guint i = 0; i < n; i++)
    pthread_join (threads[i], NULL);
  for (guint i = 0; i < n; i++)
    n_listening += starters[i].server != NULL;
  close (peer_connect_uri (address)); /* it can be reached */
  for (guint i = 0; i < n; i++)
    g_clear_object (&starters[i].server);
  pthread_barrier_destroy (&start);
  return n_listening;
}

static void
one_of_many_gets_the_path (void)
{
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autofree gchar *directory = NULL;
  g_autofree gchar *path = new_socket_path (&directory);
  g_autofree gchar *address = g_strdup_printf ("unix://%s", path);

  for (guint round = 0; round < 100; round++)
    {
      if (round % 2 == 0)
        close (make_socket_file (path)); /* stale */
      assert_int (start_at_once (THRIFT_PROCESSOR (processor), address, round % 4 < 2 ? 2 : 4), 1);
      CU_ASSERT (!g_file_test (path, G_FILE_TEST_EXISTS));
    }
  CU_ASSERT (rmdir (directory) == 0);
}

/* The names beside the path fit, too. */
static void
longest_unix_path (void)
{
  struct sockaddr_un *name = NULL;
  g_autofree gchar *top = g_dir_make_tmp ("tally-server-XXXXXX", NULL);
  gsize longest = sizeof name->sun_path - 1;
  g_autofree gchar *filler = g_strnfill (longest - strlen (top) - strlen ("//s"), 'd');
  g_autofree gchar *directory = g_build_filename (top, filler, NULL);
  g_autofree gchar *long_name = g_strnfill (longest - strlen (top) - strlen ("/"), 'n');
  const gchar *const names[] = { "s", long_name };
  const gchar *const directories[] = { directory, top };

  CU_ASSERT (g_mkdir (directory, 0700) == 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree gchar *path = g_build_filename (directories[i], names[i], NULL);
      g_autofree gchar *address = g_strdup_printf ("unix://%s", path);

      assert_int (strlen (path), longest);
      speaks (address);
      close (make_socket_file (path));
      speaks (address);
    }
  CU_ASSERT (rmdir (directory) == 0);
  CU_ASSERT (rmdir (top) == 0);
}

static void
abstract_socket (void)
{
  g_autofree gchar *address = g_strdup_printf ("unix:@tally test/%d", (gint) getpid ());
  g_autofree gchar *escaped = g_uri_escape_string (address, ":@/", FALSE);
  g_autoptr (GError) used = NULL;
  Running *running;

  speaks (escaped);
  running = running_start (&framed_binary, escaped, NULL);
  CU_ASSERT (!listens (escaped, &used));
  assert_error (used, TALLY_ERROR, TALLY_ERROR_FAILED, "tally%20test");
  check_alive (running);
  running_stop (running);
}

/* What a server says it is reached by is a URI, and is right. */
static void
own_uri_is_taken (void)
{
  static const gchar *const addresses[] = {
    "tcp://[::ffff:127.0.0.1]:0", "tcp://[::ffff:0.0.0.0]:0", "tcp://[::ffff:7f00:1]:0",
    "tcp://[0:0:0:0:0:0:0:1]:0",  "tcp://0.0.0.0:0",          "tcp://[::]:0",
    "tcp://[::1%251]:0",
  };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      Running *running;

      if (strchr (addresses[i], '[') != NULL && !has_ipv6 ())
        continue;
      running = running_start (&framed_binary, addresses[i], NULL);
      check_alive (running);
      running_stop (running);
    }
}

/* Many ports are taken on the one family only. */
static void
a_port_that_is_free_on_both_families (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  gint held[4000];
  guint n_held = 0;
  struct rlimit limit, before;

  if (!has_ipv6 ())
    {
      test_skip ("no IPv6 here");
      return;
    }
  CU_ASSERT (getrlimit (RLIMIT_NOFILE, &before) == 0);
  limit = before;
  limit.rlim_cur = limit.rlim_max;
  CU_ASSERT (setrlimit (RLIMIT_NOFILE, &limit) == 0);
  for (; n_held < G_N_ELEMENTS (held); n_held++)
    {
      held[n_held] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (held[n_held] < 0)
        break;
      CU_ASSERT (bind (held[n_held], (struct sockaddr *) &address, sizeof address) == 0);
    }
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT (listens ("tcp://localhost:0", &error));
      assert_no_error (error);
    }
  while (n_held > 0)
    close (held[--n_held]);
  CU_ASSERT (setrlimit (RLIMIT_NOFILE, &before) == 0);
}

static void
port_in_use (void)
{
  Running *running = running_start (&framed_binary, NULL, NULL);
  g_autofree gchar *uri = g_strconcat ("tcp", strchr (running->uri, ':'), NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT (!listens (uri, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "127.0.0.1");
  running_stop (running);
}

static void
restart_on_the_same_port (void)
{
  guint16 port;
  gint reserved = test_reserve_port (&port);
  g_autofree gchar *address = g_strdup_printf ("tcp://127.0.0.1:%u", port);
  Running *running = running_start (&framed_binary, address, NULL);
  gint fd = peer_connect (running);

  CU_ASSERT (peer_echoes (fd, &framed_binary, 1, "first"));
  running_stop (running);
  check_goodbye (fd, &framed_binary);
  close (fd);
  running = running_start (&framed_binary, address, NULL);
  check_alive (running);
  running_stop (running);
  close (reserved);
}

/* A connection to @port that may take its time. */
static gint
begin_connect (guint16 port)
{
  const struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = g_htons (port),
                                       .sin_addr = { g_htonl (INADDR_LOOPBACK) } };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  CU_ASSERT_FATAL (connect (fd, (const struct sockaddr *) &address, sizeof address) == 0
                   || errno == EINPROGRESS);
  return fd;
}

/* What became of it. */
static gint
await_connect (gint fd)
{
  struct pollfd writable = { .fd = fd, .events = POLLOUT };
  socklen_t length = sizeof (gint);
  gint number = 0;

  CU_ASSERT (poll (&writable, 1, -1) == 1);
  CU_ASSERT (getsockopt (fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0);
  close (fd);
  return number;
}

/* What has connected can be accepted, what comes behind it is refused: it is not let in and then reset. */
static void
a_listener_lets_nobody_in_before_it_closes (void)
{
  TallyEndpoint *endpoint = tally_endpoint_new ("tcp://127.0.0.1:0", NULL);
  ServerListener listener;
  TallyStream stream;
  gint in_time, late;

  CU_ASSERT_FATAL (server_listener_open (&listener, endpoint, NULL));
  in_time = begin_connect (listener.port);
  assert_int (await_connect (dup (in_time)), 0);
  server_listener_end (&listener);
  late = begin_connect (listener.port);
  CU_ASSERT (server_listener_accept (&listener, 0, &stream));
  CU_ASSERT_FALSE (server_listener_accept (&listener, 0, &stream));
  assert_int (errno, EAGAIN);
  server_listener_close (&listener);
  assert_int (await_connect (late), ECONNREFUSED);
  close (in_time);
  tally_stream_close (&stream);
  tally_endpoint_unref (endpoint);
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
    TEST (unix_socket_that_does_not_listen_yet),
    TEST (one_of_many_gets_the_path),
    TEST (longest_unix_path),
    TEST (abstract_socket),
    TEST (own_uri_is_taken),
    TEST (a_port_that_is_free_on_both_families),
    TEST (port_in_use),
    TEST (restart_on_the_same_port),
    TEST (a_listener_lets_nobody_in_before_it_closes),
    { NULL, NULL },
  };

  /* GIO keeps open what it opens to resolve the first name. */
  (void) listens ("tcp://localhost:0", NULL);
  return test_main ("server-address", cases, argc, argv);
}

/* Owns the tests of servers as services of systemd's: processes that are given sockets and told where to report, by the
 * variables that systemd sets. Run with arguments it is such a service: URI, name of its sockets or "", threads. */
#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "server-fixture.h"
#include "systemd-fixture.h"

#define URI "tcp://127.0.0.1:0?transport=framed"
#define WATCHDOG_MS 400

/* ---- the service ---- */

static TallyServer *service;

static void
on_signal (int number)
{
  if (number == SIGHUP)
    tally_server_reload (service);
  else
    tally_server_stop (service);
}

static int
serve (const gchar *uri, const gchar *name, const gchar *threads)
{
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  g_autoptr (GError) error = NULL;
  gboolean served;

  service = server_new_idle (uri, &error);
  g_object_set (service, "max-workers", atoi (threads), NULL);
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGHUP, &action, NULL);
  served = tally_server_use_systemd (service, *name != '\0' ? name : NULL, &error)
           && thrift_server_serve (THRIFT_SERVER (service), &error);
  if (!served)
    g_printerr ("# %s\n", error->message);
  g_object_unref (service);
  return served ? 0 : 1;
}

/* ---- systemd ---- */

/* A service as systemd starts it. */
typedef struct
{
  const gchar *uri;
  const gchar *name; /* of the sockets that it takes */
  const gchar *threads;
  const gint *fds; /* that it is passed, and their names */
  guint n_fds;
  const gchar *names;
  const gchar *watchdog;   /* nullable: microseconds */
  gboolean is_for_another; /* what is passed is for another process */
  const gchar *count;      /* nullable: what LISTEN_FDS says instead */
} Unit;

/* In the new process. */
static void
become_service (const Manager *manager, const Unit *unit)
{
  g_autofree gchar *pid = g_strdup_printf ("%d", (gint) getpid () + unit->is_for_another);
  g_autofree gchar *n_fds = g_strdup_printf ("%u", unit->n_fds);
  gint copies[4];

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (guint i = 0; i < unit->n_fds; i++)
    copies[i] = dup (unit->fds[i]);
  for (guint i = 0; i < unit->n_fds; i++)
    copies[i] = fcntl (copies[i], F_DUPFD, 100);
  for (guint i = 0; i < unit->n_fds; i++)
    if (copies[i] >= 0)
      dup2 (copies[i], 3 + (gint) i);
    else
      close (3 + (gint) i);
  setenv ("NOTIFY_SOCKET", manager->address, TRUE);
  if (unit->n_fds > 0)
    {
      setenv ("LISTEN_PID", pid, TRUE);
      setenv ("LISTEN_FDS", unit->count != NULL ? unit->count : n_fds, TRUE);
      setenv ("LISTEN_FDNAMES", unit->names, TRUE);
    }
  if (unit->watchdog != NULL)
    setenv ("WATCHDOG_USEC", unit->watchdog, TRUE);
  execl ("/proc/self/exe", "test-systemd", unit->uri, unit->name, unit->threads, (gchar *) NULL);
  _exit (127);
}

static pid_t
start_service (const Manager *manager, const Unit *unit)
{
  pid_t pid = test_fork ();

  if (pid == 0)
    become_service (manager, unit);
  return pid;
}

static gint
await_end (pid_t pid)
{
  gint status = -1;

  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    continue;
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128;
}

static void
stop_service (const Manager *manager, pid_t pid)
{
  kill (pid, SIGTERM);
  manager_check (manager, "STOPPING=1\n");
  assert_int (await_end (pid), 0);
}

/* A socket that listens, and how a client reaches it. (transfer full) */
static gchar *
listen_somewhere (gint *fd)
{
  guint16 port;

  *fd = test_reserve_port (&port);
  CU_ASSERT_FATAL (listen (*fd, 16) == 0);
  return g_strdup_printf ("tcp://127.0.0.1:%u?transport=framed", port);
}

/* ---- tests ---- */

static void
it_is_told_of_the_beginning_and_the_end (void)
{
  const Unit unit = { .uri = URI, .name = "", .threads = "4" };
  g_autofree gchar *uri = NULL;
  Manager manager;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  uri = manager_expect_ready (&manager);
  check_alive_at (uri);
  stop_service (&manager, pid);
  manager_close (&manager);
}

static void
it_is_told_of_a_reload (void)
{
  const Unit unit = { .uri = URI, .name = "", .threads = "4" };
  g_autofree gchar *reload = NULL;
  Manager manager;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  manager_check (&manager, "READY=1\n");
  kill (pid, SIGHUP);
  reload = manager_expect (&manager, "RELOADING=1\nMONOTONIC_USEC=");
  CU_ASSERT (g_ascii_strtoll (strrchr (reload, '=') + 1, NULL, 10) > 0);
  manager_check (&manager, "READY=1\n");
  stop_service (&manager, pid);
  manager_close (&manager);
}

/* Which is so while systemd is busy. The service serves meanwhile, and what it has to say comes later; it ends, too. */
static void
a_full_socket_loses_no_report (void)
{
  gint fd;
  g_autofree gchar *uri = listen_somewhere (&fd);
  const Unit unit = { URI, "", "4", &fd, 1, "rpc", NULL, FALSE, NULL };
  Manager manager;
  pid_t pid;

  manager_open (&manager);
  manager_fill (&manager);
  pid = start_service (&manager, &unit);
  check_alive_at (uri);
  manager_check (&manager, "READY=1\n");
  manager_fill (&manager);
  kill (pid, SIGHUP);
  check_alive_at (uri);
  manager_check (&manager, "RELOADING=1\n");
  manager_check (&manager, "READY=1\n");
  manager_fill (&manager);
  kill (pid, SIGTERM);
  assert_int (await_end (pid), 0);
  manager_close (&manager);
  close (fd);
}

/* The one with the name, whose clients wait for the next instance while there is none. */
static void
a_socket_is_taken_by_its_name (void)
{
  gint fds[2];
  g_autofree gchar *other = listen_somewhere (&fds[0]);
  g_autofree gchar *uri = listen_somewhere (&fds[1]);
  const Unit unit = { URI, "rpc", "4", fds, 2, "web:rpc", NULL, FALSE, NULL };
  Manager manager;
  gint waits;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  g_free (manager_expect_ready (&manager));
  check_alive_at (uri);
  stop_service (&manager, pid);
  waits = peer_connect_uri (uri);
  peer_call (waits, &framed_binary, "ping", 7);
  pid = start_service (&manager, &unit);
  manager_check (&manager, "READY=1\n");
  check_reply (waits, &framed_binary, 7);
  close (waits);
  stop_service (&manager, pid);
  manager_close (&manager);
  close (fds[0]);
  close (fds[1]);
}

static void
all_sockets_are_taken (void)
{
  gint fds[2];
  g_autofree gchar *first = listen_somewhere (&fds[0]);
  g_autofree gchar *second = listen_somewhere (&fds[1]);
  const Unit unit = { URI, "", "4", fds, 2, "a:b", NULL, FALSE, NULL };
  Manager manager;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  manager_check (&manager, "READY=1\n");
  check_alive_at (first);
  check_alive_at (second);
  stop_service (&manager, pid);
  manager_close (&manager);
  close (fds[0]);
  close (fds[1]);
}

/* What was meant for another process, whose child this may be. */
static void
others_sockets_are_left_alone (void)
{
  gint fd;
  g_autofree gchar *uri = listen_somewhere (&fd);
  const Unit unit = { URI, "rpc", "4", &fd, 1, "rpc", NULL, TRUE, NULL };
  g_autofree gchar *own = NULL;
  Manager manager;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  own = manager_expect_ready (&manager);
  CU_ASSERT_FALSE (g_str_has_prefix (uri, own));
  check_alive_at (own);
  stop_service (&manager, pid);
  manager_close (&manager);
  close (fd);
}

static void
sockets_of_another_kind_are_refused (void)
{
  gint fds[5];
  g_autofree gchar *uri = listen_somewhere (&fds[0]);
  const Unit units[] = {
    { URI, "absent", "4", fds, 1, "rpc", NULL, FALSE, NULL },
    { "unix:@tally-none", "rpc", "4", fds, 1, "rpc", NULL, FALSE, NULL },
    { URI, "rpc", "4", fds + 1, 1, "rpc", NULL, FALSE, NULL }, /* a datagram's */
    { URI, "", "4", fds, 2, "a:b", NULL, FALSE, NULL },        /* and one that would do */
    { URI, "rpc", "4", fds + 2, 1, "rpc", NULL, FALSE, NULL }, /* connected */
    { URI, "rpc", "4", fds + 3, 1, "rpc", NULL, FALSE, NULL }, /* a file */
    { URI, "rpc", "4", fds + 4, 1, "rpc", NULL, FALSE, NULL }, /* closed */
    { URI, "rpc", "4", fds, 1, "", NULL, FALSE, NULL },
  };
  Manager manager;

  manager_open (&manager);
  fds[1] = manager.fd;
  fds[2] = peer_connect_uri (uri);
  fds[3] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  fds[4] = -1;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    assert_int (await_end (start_service (&manager, &units[i])), 1);
  manager_close (&manager);
  close (fds[0]);
  close (fds[2]);
  close (fds[3]);
}

static void
a_number_of_sockets_that_is_none_is_refused (void)
{
  static const gchar *const counts[] = { "", "one", "1 and more", "-1", "4294967297" };
  gint fd;
  g_autofree gchar *uri = listen_somewhere (&fd);
  Manager manager;

  manager_open (&manager);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      const Unit unit = { URI, "rpc", "4", &fd, 1, "rpc", NULL, FALSE, counts[i] };

      assert_int (await_end (start_service (&manager, &unit)), 1);
    }
  manager_close (&manager);
  close (fd);
}

/* A socket that listens at @address, which its kind's URI names. */
static gint
listen_at (GSocketAddress *address)
{
  struct sockaddr_storage native;
  gssize length = g_socket_address_get_native_size (address);
  gint fd;

  CU_ASSERT_FATAL (g_socket_address_to_native (address, &native, sizeof native, NULL));
  fd = socket (native.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CU_ASSERT_FATAL (bind (fd, (struct sockaddr *) &native, (socklen_t) length) == 0);
  CU_ASSERT_FATAL (listen (fd, 16) == 0);
  return fd;
}

/* And not where its URI would have it listen. A stop takes none of them away. */
static void
it_says_where_it_listens (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally systemd-XXXXXX", NULL);
  g_autofree gchar *path = g_build_filename (directory, "a.sock", NULL);
  g_autofree gchar *name = g_strdup_printf ("tally systemd-%d?", (gint) getpid ());
  g_autoptr (GSocketAddress) at_path = g_unix_socket_address_new (path);
  g_autoptr (GSocketAddress) at_name =
      g_unix_socket_address_new_with_type (name, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  gint fds[4] = { listen_at (at_path), listen_at (at_name) };
  g_autofree gchar *tcp = listen_somewhere (&fds[2]);
  g_autofree gchar *other = listen_somewhere (&fds[3]);
  g_autofree gchar *port = g_strndup (strrchr (tcp, ':'), strcspn (strrchr (tcp, ':'), "?"));
  const Unit units[] = {
    { "unix:@tally-none", "path", "4", fds, 4, "path:name:tcp:tcp", NULL, FALSE, NULL },
    { "unix:@tally-none", "name", "4", fds, 4, "path:name:tcp:tcp", NULL, FALSE, NULL },
    { "tcp://127.0.0.2:9?protocol=binary", "tcp", "4", fds, 4, "path:name:tcp:tcp", NULL, FALSE,
      NULL },
    { "tcp://localhost:0", "tcp", "4", fds, 4, "path:name:tcp:tcp", NULL, FALSE, NULL },
  };
  const gchar *const begins[] = { "unix:///", "unix:@tally%20systemd-",
                                  "tcp://127.0.0.1:", "tcp://localhost:" };
  Manager manager;

  manager_open (&manager);
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    {
      pid_t pid = start_service (&manager, &units[i]);
      g_autofree gchar *uri = manager_expect_ready (&manager);

      CU_ASSERT (g_str_has_prefix (uri, begins[i]));
      CU_ASSERT (i < 2 || g_str_has_prefix (strrchr (uri, ':'), port));
      check_alive_at (i < 3 ? uri : tcp);
      stop_service (&manager, pid);
      close (peer_connect_uri (i < 3 ? uri : tcp));
    }
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  assert_int (g_unlink (path), 0);
  assert_int (g_rmdir (directory), 0);
  manager_close (&manager);
}

/* As long as a worker comes back; a timer alone would tell of a server that is stuck, too. */
static void
the_watchdog_hears_of_workers (void)
{
  const Unit unit = {
    .uri = URI, .name = "", .threads = "1", .watchdog = G_STRINGIFY (WATCHDOG_MS) "000"
  };
  g_autofree gchar *uri = NULL;
  gboolean is_silent;
  guint n_heard = 0;
  Manager manager;
  gint busy;
  pid_t pid;

  manager_open (&manager);
  pid = start_service (&manager, &unit);
  uri = manager_expect_ready (&manager);
  while (n_heard < 4)
    {
      g_autofree gchar *text = manager_read (&manager, MANAGER_PATIENCE_MS);

      CU_ASSERT_PTR_NOT_NULL_FATAL (text);
      assert_string (text, "WATCHDOG=1\n");
      n_heard++;
    }
  busy = peer_connect_uri (uri);
  peer_call (busy, &framed_binary, "block", 1);
  do
    {
      g_autofree gchar *text = manager_read (&manager, 5 * WATCHDOG_MS);

      is_silent = text == NULL;
    }
  while (!is_silent && ++n_heard < 100);
  CU_ASSERT_TRUE (is_silent);
  kill (pid, SIGKILL);
  await_end (pid);
  close (busy);
  manager_close (&manager);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (it_is_told_of_the_beginning_and_the_end),
    TEST (it_is_told_of_a_reload),
    TEST (a_full_socket_loses_no_report),
    TEST (a_socket_is_taken_by_its_name),
    TEST (all_sockets_are_taken),
    TEST (others_sockets_are_left_alone),
    TEST (sockets_of_another_kind_are_refused),
    TEST (a_number_of_sockets_that_is_none_is_refused),
    TEST (it_says_where_it_listens),
    TEST (the_watchdog_hears_of_workers),
    { NULL, NULL },
  };

  if (argc == 4)
    return serve (argv[1], argv[2], argv[3]);
  return test_main ("systemd", cases, argc, argv);
}

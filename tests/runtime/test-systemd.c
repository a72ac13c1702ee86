/* Owns the tests of servers as services of systemd's: processes that are given sockets and told where to report, by the
 * variables that systemd sets. Run with arguments it is such a service: URI, name of its sockets or "", threads. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "server-fixture.h"

#define URI "tcp://127.0.0.1:0?transport=framed"
/* Milliseconds for what comes. */
#define PATIENCE 240000
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
  g_autoptr (GObject) handler = g_object_new (test_handler_get_type (), NULL);
  g_autoptr (GObject) processor =
      G_OBJECT (test_processor_new (base_processor_get_type (), (TestHandler *) handler));
  g_autoptr (GError) error = NULL;
  gboolean served;

  service = tally_server_new (THRIFT_PROCESSOR (processor), uri, &error);
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
} Unit;

typedef struct
{
  gchar *address; /* where services report: in the abstract namespace, which leaves no file */
  gint fd;
} Manager;

static void
open_manager (Manager *self)
{
  static gint count;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length;

  self->address = g_strdup_printf ("@tally-systemd-%d-%d", (gint) getpid (), count++);
  length = strlen (self->address);
  memcpy (address.sun_path, self->address, length);
  address.sun_path[0] = '\0';
  self->fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  CU_ASSERT_FATAL (bind (self->fd, (struct sockaddr *) &address,
                         offsetof (struct sockaddr_un, sun_path) + length)
                   == 0);
}

static void
close_manager (Manager *self)
{
  close (self->fd);
  g_free (self->address);
}

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
    dup2 (copies[i], 3 + (gint) i);
  setenv ("NOTIFY_SOCKET", manager->address, TRUE);
  if (unit->n_fds > 0)
    {
      setenv ("LISTEN_PID", pid, TRUE);
      setenv ("LISTEN_FDS", n_fds, TRUE);
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

/* (transfer full) (nullable): the next report, if it comes within @milliseconds. */
static gchar *
read_report (const Manager *self, gint milliseconds)
{
  struct pollfd readable = { .fd = self->fd, .events = POLLIN };
  gchar text[1024];
  gssize length;

  if (poll (&readable, 1, milliseconds) != 1)
    return NULL;
  length = recv (self->fd, text, sizeof text, 0);
  return length > 0 ? g_strndup (text, (gsize) length) : NULL;
}

/* The next report that is none of the watchdog's begins with @begin. (transfer full) (nullable): all of it. */
static gchar *
expect_report (const Manager *self, const gchar *begin)
{
  gchar *text;

  while ((text = read_report (self, PATIENCE)) != NULL && g_str_has_prefix (text, "WATCHDOG=1"))
    g_free (text);
  CU_ASSERT_PTR_NOT_NULL_FATAL (text);
  if (!g_str_has_prefix (text, begin))
    assert_string (text, begin);
  return text;
}

static void
check_report (const Manager *self, const gchar *begin)
{
  g_free (expect_report (self, begin));
}

/* Where the service is that says so next. (transfer full) */
static gchar *
expect_ready (const Manager *self)
{
  static const gchar status[] = "STATUS=Serving ";
  g_autofree gchar *report = expect_report (self, "READY=1\n");
  const gchar *uri = strstr (report, status);

  CU_ASSERT_PTR_NOT_NULL_FATAL (uri);
  uri += strlen (status);
  return g_strndup (uri, strcspn (uri, "\n"));
}

static void
check_echo (const gchar *uri)
{
  gint fd = peer_connect_uri (uri);

  CU_ASSERT_TRUE (peer_echoes (fd, &framed_binary, 1, "hello"));
  close (fd);
}

static void
stop_service (const Manager *manager, pid_t pid)
{
  kill (pid, SIGTERM);
  check_report (manager, "STOPPING=1\n");
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

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  uri = expect_ready (&manager);
  check_echo (uri);
  stop_service (&manager, pid);
  close_manager (&manager);
}

static void
it_is_told_of_a_reload (void)
{
  const Unit unit = { .uri = URI, .name = "", .threads = "4" };
  g_autofree gchar *reload = NULL;
  Manager manager;
  pid_t pid;

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  check_report (&manager, "READY=1\n");
  kill (pid, SIGHUP);
  reload = expect_report (&manager, "RELOADING=1\nMONOTONIC_USEC=");
  CU_ASSERT (g_ascii_strtoll (strrchr (reload, '=') + 1, NULL, 10) > 0);
  check_report (&manager, "READY=1\n");
  stop_service (&manager, pid);
  close_manager (&manager);
}

/* The one with the name, whose clients wait for the next instance while there is none. */
static void
a_socket_is_taken_by_its_name (void)
{
  gint fds[2];
  g_autofree gchar *other = listen_somewhere (&fds[0]);
  g_autofree gchar *uri = listen_somewhere (&fds[1]);
  const Unit unit = { URI, "rpc", "4", fds, 2, "web:rpc", NULL, FALSE };
  Manager manager;
  gint waits;
  pid_t pid;

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  g_free (expect_ready (&manager));
  check_echo (uri);
  stop_service (&manager, pid);
  waits = peer_connect_uri (uri);
  peer_call (waits, &framed_binary, "ping", 7);
  pid = start_service (&manager, &unit);
  check_report (&manager, "READY=1\n");
  check_reply (waits, &framed_binary, 7);
  close (waits);
  stop_service (&manager, pid);
  close_manager (&manager);
  close (fds[0]);
  close (fds[1]);
}

static void
all_sockets_are_taken (void)
{
  gint fds[2];
  g_autofree gchar *first = listen_somewhere (&fds[0]);
  g_autofree gchar *second = listen_somewhere (&fds[1]);
  const Unit unit = { URI, "", "4", fds, 2, "a:b", NULL, FALSE };
  Manager manager;
  pid_t pid;

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  check_report (&manager, "READY=1\n");
  check_echo (first);
  check_echo (second);
  stop_service (&manager, pid);
  close_manager (&manager);
  close (fds[0]);
  close (fds[1]);
}

/* What was meant for another process, whose child this may be. */
static void
others_sockets_are_left_alone (void)
{
  gint fd;
  g_autofree gchar *uri = listen_somewhere (&fd);
  const Unit unit = { URI, "rpc", "4", &fd, 1, "rpc", NULL, TRUE };
  g_autofree gchar *own = NULL;
  Manager manager;
  pid_t pid;

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  own = expect_ready (&manager);
  CU_ASSERT_FALSE (g_str_has_prefix (uri, own));
  check_echo (own);
  stop_service (&manager, pid);
  close_manager (&manager);
  close (fd);
}

static void
sockets_of_another_kind_are_refused (void)
{
  gint fds[2];
  g_autofree gchar *uri = listen_somewhere (&fds[0]);
  const Unit units[] = {
    { URI, "absent", "4", fds, 1, "rpc", NULL, FALSE },
    { "unix:@tally-none", "rpc", "4", fds, 1, "rpc", NULL, FALSE },
    { URI, "rpc", "4", fds + 1, 1, "rpc", NULL, FALSE }, /* a datagram's */
  };
  Manager manager;

  open_manager (&manager);
  fds[1] = manager.fd;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    assert_int (await_end (start_service (&manager, &units[i])), 1);
  close_manager (&manager);
  close (fds[0]);
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

  open_manager (&manager);
  pid = start_service (&manager, &unit);
  uri = expect_ready (&manager);
  while (n_heard < 4)
    {
      g_autofree gchar *text = read_report (&manager, PATIENCE);

      CU_ASSERT_PTR_NOT_NULL_FATAL (text);
      assert_string (text, "WATCHDOG=1\n");
      n_heard++;
    }
  busy = peer_connect_uri (uri);
  peer_call (busy, &framed_binary, "block", 1);
  do
    {
      g_autofree gchar *text = read_report (&manager, 5 * WATCHDOG_MS);

      is_silent = text == NULL;
    }
  while (!is_silent && ++n_heard < 100);
  CU_ASSERT_TRUE (is_silent);
  kill (pid, SIGKILL);
  await_end (pid);
  close (busy);
  close_manager (&manager);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (it_is_told_of_the_beginning_and_the_end), TEST (it_is_told_of_a_reload),
    TEST (a_socket_is_taken_by_its_name),           TEST (all_sockets_are_taken),
    TEST (others_sockets_are_left_alone),           TEST (sockets_of_another_kind_are_refused),
    TEST (the_watchdog_hears_of_workers),           { NULL, NULL },
  };

  if (argc == 4)
    return serve (argv[1], argv[2], argv[3]);
  return test_main ("systemd", cases, argc, argv);
}

/* Owns what a server tells systemd, and which sockets it takes from it: the protocols of sd_notify (3) and sd_listen_fds (3),
 * which are a datagram and three variables, so that no library is needed. It knows no connection. */
#include "server-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The first descriptor that systemd passes. */
#define FIRST_FD 3
#define MAX_FDS 64
/* So often within its time the supervisor looks whether the workers live. */
#define LOOKS 8

/* ---- telling ---- */

static gboolean
make_address (const gchar *text, struct sockaddr_un *address, socklen_t *length)
{
  gsize size = strlen (text);

  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  if ((*text != '/' && *text != '@') || size >= sizeof address->sun_path)
    return FALSE;
  memcpy (address->sun_path, text, size);
  if (*text == '@')
    address->sun_path[0] = '\0';
  *length = offsetof (struct sockaddr_un, sun_path) + size + (*text == '/');
  return TRUE;
}

/* Does nothing where nobody wants to hear it. Never blocks. */
static void
notify (const TallyServer *server, const gchar *state)
{
  struct sockaddr_un address;
  socklen_t length;
  gint number = EINVAL;
  gint fd;

  if (server->systemd.address == NULL)
    return;
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && make_address (server->systemd.address, &address, &length))
    number =
        sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *) &address, length) < 0
            ? errno
            : 0;
  if (fd >= 0)
    close (fd);
  if (number != 0)
    g_warning ("%s: systemd cannot be told at %s: %s", server->uri, server->systemd.address,
               g_strerror (number));
}

/* @fault: (nullable): what the operator is to see. */
static void
notify_ready (TallyServer *server, const gchar *fault)
{
  g_autofree gchar *uri = tally_server_dup_uri (server);
  g_autofree gchar *status =
      g_strconcat ("Serving ", uri, fault != NULL ? "; " : NULL, fault, NULL);
  g_autofree gchar *state =
      g_strdup_printf ("READY=1\nSTATUS=%s\n", g_strdelimit (status, "\n", ' '));

  notify (server, state);
}

void
server_systemd_begin (TallyServer *server)
{
  ServerSystemd *self = &server->systemd;

  atomic_set (&self->is_stopping, FALSE);
  self->next_look = self->told = 0;
  self->progress = G_MAXUINT64;
  if (self->address != NULL)
    notify_ready (server, NULL);
}

void
server_systemd_stop (TallyServer *server)
{
  if (!__atomic_exchange_n (&server->systemd.is_stopping, TRUE, __ATOMIC_SEQ_CST))
    notify (server, "STOPPING=1\nSTATUS=Stopping\n");
}

void
server_systemd_reload (TallyServer *server)
{
  g_autofree gchar *begin = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n",
                                             g_get_monotonic_time ());
  g_autoptr (GError) error = NULL;
  g_autofree gchar *fault = NULL;

  notify (server, begin);
  if (server->acceptor != NULL && !tally_tls_acceptor_reload (server->acceptor, &error))
    {
      fault =
          g_strconcat ("the certificate that was read before stays in use: ", error->message, NULL);
      g_warning ("%s: %s", server->uri, fault);
    }
  notify_ready (server, fault);
}

/* ---- the watchdog ---- */

/* Changes as long as some worker comes back from what it does, be it only from waiting: server_systemd_look_locked () has the
 * loop's holder do that. */
static guint64
count_progress_locked (const TallyServer *server)
{
  guint64 progress = atomic_peek (&server->n_wakes) + server->n_requests;

  for (const ServerWorker *worker = server->workers; worker != NULL; worker = worker->next)
    progress += atomic_peek (&worker->epoch) + atomic_peek (&worker->n_requests);
  return progress;
}

void
server_systemd_look_locked (TallyServer *server, gint64 now)
{
  ServerSystemd *self = &server->systemd;
  guint64 progress;

  if (G_LIKELY (self->watchdog == 0) || now < self->next_look)
    return;
  self->next_look = now + MAX (self->watchdog / LOOKS, 1);
  progress = count_progress_locked (server);
  if (progress != self->progress && now - self->told >= self->watchdog / 2 - self->watchdog / LOOKS)
    {
      self->progress = progress;
      self->told = now;
      pthread_mutex_unlock (&server->lock);
      notify (server, "WATCHDOG=1\n");
      pthread_mutex_lock (&server->lock);
    }
  server_loop_interrupt (server);
}

gint64
server_systemd_get_rest_locked (const TallyServer *server, gint64 now)
{
  gint64 left = server->systemd.next_look - now;

  return server->systemd.watchdog == 0 ? G_MAXINT64 : MAX (left, 1) * 1000;
}

/* ---- what systemd says to the program ---- */

/* A number in the environment; 0: there is none, or it is not for this process, whose id has to be in @pid_name. */
static gint64
get_number (const gchar *name, const gchar *pid_name)
{
  const gchar *text = g_getenv (name);
  const gchar *pid = g_getenv (pid_name);

  if (text == NULL || (pid != NULL && g_ascii_strtoll (pid, NULL, 10) != getpid ()))
    return 0;
  return g_ascii_strtoll (text, NULL, 10);
}

static gboolean
is_wanted (const gchar *socket_name, gchar **names, guint i)
{
  return socket_name == NULL
         || (names != NULL && i < g_strv_length (names) && strcmp (names[i], socket_name) == 0);
}

/* FALSE: systemd has passed sockets, and none of this name. */
static gboolean
take_sockets (ServerSystemd *self, const gchar *socket_name, GError **error)
{
  const gchar *text = g_getenv ("LISTEN_FDNAMES");
  g_auto (GStrv) names = text != NULL ? g_strsplit (text, ":", -1) : NULL;
  gint64 count = g_getenv ("LISTEN_PID") != NULL ? get_number ("LISTEN_FDS", "LISTEN_PID") : 0;

  count = CLAMP (count, 0, MAX_FDS);
  self->n_fds = 0;
  g_free (self->fds);
  self->fds = g_new (gint, count);
  for (guint i = 0; i < count; i++)
    {
      fcntl (FIRST_FD + (gint) i, F_SETFD, FD_CLOEXEC);
      if (is_wanted (socket_name, names, i))
        self->fds[self->n_fds++] = FIRST_FD + (gint) i;
    }
  if (count == 0 || self->n_fds > 0)
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "systemd has passed no socket named %s; it has passed: %s", socket_name,
               text != NULL ? text : "some without names");
  return FALSE;
}

/**
 * tally_server_use_systemd:
 * @self: a server that neither listens nor serves
 * @socket_name: (nullable): of the sockets to take, as `FileDescriptorName=` of a socket unit says; %NULL = all
 * @error: (nullable): %TALLY_ERROR_INVALID_ARGUMENT: sockets were passed, and none of that name
 *
 * Makes the server a service of systemd's, where the program is one; elsewhere it does nothing, and needs no library. The server
 *
 * - listens on the sockets that systemd has passed, if it has passed any (`LISTEN_FDS`), in place of its URI's address. They
 *   must be of the URI's kind. A stop leaves the peers that wait there to the next instance;
 * - tells when it serves (`READY=1`) and when it is about to stop (`STOPPING=1`), if somebody wants to hear it (`NOTIFY_SOCKET`);
 * - says that it lives (`WATCHDOG=1`), at half of `WATCHDOG_USEC`, as long as any of its workers comes back from what it does.
 *   Handlers that block all of `max-workers` for longer than that so end the service;
 * - tells of tally_server_reload().
 *
 * Not thread-safe: it reads the environment.
 *
 * Returns: whether it could
 *
 * Since: 0.2
 */
gboolean
tally_server_use_systemd (TallyServer *self, const gchar *socket_name, GError **error)
{
  ServerSystemd *systemd = &self->systemd;
  gint64 watchdog;

  g_return_val_if_fail (TALLY_IS_SERVER (self), FALSE);
  if (!take_sockets (systemd, socket_name, error))
    return FALSE;
  g_free (systemd->address);
  systemd->address = g_strdup (g_getenv ("NOTIFY_SOCKET"));
  watchdog = get_number ("WATCHDOG_USEC", "WATCHDOG_PID") / 1000;
  systemd->watchdog = systemd->address != NULL ? (guint) CLAMP (watchdog, 0, G_MAXINT) : 0;
  return TRUE;
}

void
server_systemd_clear (ServerSystemd *self)
{
  g_clear_pointer (&self->address, g_free);
  g_clear_pointer (&self->fds, g_free);
}

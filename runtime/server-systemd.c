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
#define MAX_FDS 1024
/* So often within its time the supervisor looks whether the workers live. */
#define LOOKS 8
/* Milliseconds until what could not be told is tried again; */
#define RETRY 20
/* for so long at the end of the service; */
#define LAST_WORDS 1000
/* so many reports are kept for that. */
#define MAX_UNTOLD 16

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

/* Never blocks. 0, or the error's number. */
static gint
send_report (const ServerSystemd *self, const gchar *report)
{
  struct sockaddr_un address;
  socklen_t length;
  gint number = 0;
  gint fd;

  if (!make_address (self->address, &address, &length))
    return EINVAL;
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return errno;
  if (sendto (fd, report, strlen (report), MSG_NOSIGNAL, (struct sockaddr *) &address, length) < 0)
    number = errno;
  close (fd);
  return number;
}

static void
warn_untold (const TallyServer *server, gint number)
{
  g_warning ("%s: systemd cannot be told at %s: %s", server->uri, server->systemd.address,
             g_strerror (number));
}

/* Whether what stands in the way passes: systemd's socket is full while it is busy, or this process is short of something. */
static gboolean
is_transient (gint number)
{
  return number == EAGAIN || number == EWOULDBLOCK || number == EINTR || number == ENOBUFS
         || number == ENOMEM || number == EMFILE || number == ENFILE;
}

/* With the lock, by the supervisor, which unlocks to send: tells what has not been told, in order, unless it has to be tried again. */
static void
tell_locked (TallyServer *server, gint64 now)
{
  ServerSystemd *self = &server->systemd;
  gchar *report;

  while ((report = g_queue_pop_head (&self->untold)) != NULL)
    {
      gint number;

      pthread_mutex_unlock (&server->lock);
      number = send_report (self, report);
      if (number != 0 && (!is_transient (number) || !self->is_late))
        warn_untold (server, number);
      pthread_mutex_lock (&server->lock);
      self->is_late = is_transient (number);
      if (self->is_late)
        {
          g_queue_push_head (&self->untold, report);
          self->next_try = now + RETRY;
          return;
        }
      g_free (report);
    }
}

/* Has the supervisor tell @report (transfer full). That it is about to stop is a service's last. */
static void
tell_later (TallyServer *server, gchar *report, gboolean is_last)
{
  ServerSystemd *self = &server->systemd;

  pthread_mutex_lock (&server->lock);
  if (self->is_stopping)
    g_free (report);
  else
    g_queue_push_tail (&self->untold, report);
  self->is_stopping |= is_last;
  if (self->untold.length > MAX_UNTOLD) /* the latest says how it is */
    g_free (g_queue_pop_head (&self->untold));
  server_wake_supervisor_locked (server);
  pthread_mutex_unlock (&server->lock);
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

  tell_later (server, g_steal_pointer (&state), FALSE);
}

void
server_systemd_begin (TallyServer *server)
{
  ServerSystemd *self = &server->systemd;

  self->is_stopping = FALSE;
  self->next_look = self->told = 0;
  self->progress = G_MAXUINT64;
  if (self->address != NULL)
    notify_ready (server, NULL);
}

void
server_systemd_stop (TallyServer *server)
{
  if (server->systemd.address != NULL)
    tell_later (server, g_strdup ("STOPPING=1\nSTATUS=Stopping\n"), TRUE);
}

/* A service that ends is not kept from it by a systemd that does not listen. */
void
server_systemd_end (TallyServer *server)
{
  ServerSystemd *self = &server->systemd;
  gint64 until = server_now () + LAST_WORDS;

  pthread_mutex_lock (&server->lock);
  for (gint64 now = server_now (); self->untold.length > 0 && now < until; now = server_now ())
    {
      tell_locked (server, now);
      if (self->untold.length > 0)
        {
          pthread_mutex_unlock (&server->lock);
          g_usleep (RETRY * 1000);
          pthread_mutex_lock (&server->lock);
        }
    }
  g_queue_clear_full (&self->untold, g_free);
  pthread_mutex_unlock (&server->lock);
}

void
server_systemd_reload (TallyServer *server)
{
  gboolean is_heard = server->systemd.address != NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *fault = NULL;

  if (is_heard)
    tell_later (server,
                g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n",
                                 g_get_monotonic_time ()),
                FALSE);
  if (server->acceptor != NULL && !tally_tls_acceptor_reload (server->acceptor, &error))
    {
      fault =
          g_strconcat ("the certificate that was read before stays in use: ", error->message, NULL);
      g_warning ("%s: %s", server->uri, fault);
    }
  if (is_heard)
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

/* Nothing is late that would be told before. */
static void
tell_of_life_locked (TallyServer *server, gint64 now)
{
  ServerSystemd *self = &server->systemd;
  gint number;

  pthread_mutex_unlock (&server->lock);
  number = send_report (self, "WATCHDOG=1\n");
  if (number != 0 && !is_transient (number))
    warn_untold (server, number);
  pthread_mutex_lock (&server->lock);
  if (number == 0)
    self->told = now;
}

static void
look_at_workers_locked (TallyServer *server, gint64 now)
{
  ServerSystemd *self = &server->systemd;
  guint64 progress;

  self->next_look = now + MAX (self->watchdog / LOOKS, 1);
  progress = count_progress_locked (server);
  if (progress != self->progress && now - self->told >= self->watchdog / 2 - self->watchdog / LOOKS)
    {
      self->progress = progress;
      tell_of_life_locked (server, now);
    }
  server_loop_interrupt (server);
}

void
server_systemd_look_locked (TallyServer *server, gint64 now)
{
  ServerSystemd *self = &server->systemd;

  if (G_UNLIKELY (self->untold.length > 0) && (!self->is_late || now >= self->next_try))
    tell_locked (server, now);
  if (G_UNLIKELY (self->watchdog > 0) && now >= self->next_look)
    look_at_workers_locked (server, now);
}

gint64
server_systemd_get_rest_locked (const TallyServer *server, gint64 now)
{
  const ServerSystemd *self = &server->systemd;
  gint64 next = self->watchdog > 0 ? self->next_look : G_MAXINT64;

  if (G_UNLIKELY (self->untold.length > 0))
    next = MIN (next, self->next_try);
  return next == G_MAXINT64 ? G_MAXINT64 : MAX (next - now, 1) * 1000;
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

/* How many sockets were passed to this process. */
static gboolean
count_sockets (guint64 *count, GError **error)
{
  const gchar *pid = g_getenv ("LISTEN_PID");
  const gchar *text = g_getenv ("LISTEN_FDS");

  *count = 0;
  if (pid == NULL || g_ascii_strtoll (pid, NULL, 10) != getpid () || text == NULL
      || g_ascii_string_to_unsigned (text, 10, 0, MAX_FDS, count, NULL))
    return TRUE;
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "LISTEN_FDS is \"%s\"; it must be a number from 0 to %d", text, MAX_FDS);
  return FALSE;
}

/* FALSE: systemd has passed sockets, and none of this name. */
static gboolean
take_sockets (ServerSystemd *self, const gchar *socket_name, GError **error)
{
  const gchar *text = g_getenv ("LISTEN_FDNAMES");
  g_auto (GStrv) names = text != NULL ? g_strsplit (text, ":", -1) : NULL;
  guint64 count;

  if (!count_sockets (&count, error))
    return FALSE;
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
 * @error: (nullable): %TALLY_ERROR_INVALID_ARGUMENT: sockets were passed, and none of that name, or nobody can tell how many
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
  g_queue_clear_full (&self->untold, g_free);
  g_clear_pointer (&self->address, g_free);
  g_clear_pointer (&self->fds, g_free);
}

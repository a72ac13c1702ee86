/* Owns the relay's thread: its listeners, its pairs of connections and when all of them are still. */
#include "tls-relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "tls-relay-private.h"

/* A peer that sends all the time never lets it be still. */
#define MAX_PASSES 1000

typedef struct
{
  gint fd;
  guint16 port;
  guint16 target;     /* the inner connections' */
  gint inner;         /* the only one, connected already; else -1 */
  gboolean has_ended; /* it is to be closed */
} Listener;

static gboolean is_on;
static RelayIdentity identity;
static SSL_CTX *server_context, *client_context;
static gint wake_fd = -1;

static GMutex lock; /* protects what follows */
static GCond changed;
static GPtrArray *listeners; /* of Listener */
static GPtrArray *coming;    /* of Relay: the thread has yet to take them */
static guint settles_wanted, settled;

static GPtrArray *relays; /* of Relay: the thread's */

gboolean
tls_relay_is_on (void)
{
  return is_on;
}

/* ---- the thread ---- */

static struct sockaddr_in
address_of (guint16 port)
{
  return (struct sockaddr_in){ .sin_family = AF_INET,
                               .sin_port = htons (port),
                               .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

/* It is there, or will be refused; a target that has gone meanwhile is like one that resets. */
static gint
connect_inner (guint16 port)
{
  struct sockaddr_in address = address_of (port);
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0 || errno == EINPROGRESS)
    return fd;
  close (fd);
  return -1;
}

static gboolean
accept_one (Listener *listener)
{
  const struct linger hard = { 1, 0 };
  gint fd = accept4 (listener->fd, NULL, NULL, SOCK_CLOEXEC);
  gint inner;

  if (fd < 0)
    return FALSE;
  inner = listener->target != 0 ? connect_inner (listener->target) : listener->inner;
  listener->inner = -1;
  if (inner >= 0)
    g_ptr_array_add (relays, relay_new (server_context, fd, inner, TRUE));
  else
    {
      setsockopt (fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      close (fd);
    }
  return TRUE;
}

static gboolean
serve_listeners_locked (void)
{
  gboolean moved = FALSE;

  for (guint i = 0; i < listeners->len; i++)
    {
      Listener *listener = g_ptr_array_index (listeners, i);

      while (accept_one (listener))
        moved = TRUE;
      if (!listener->has_ended)
        continue;
      close (listener->fd);
      g_ptr_array_remove_index (listeners, i--);
    }
  for (; coming->len > 0; moved = TRUE)
    g_ptr_array_add (relays, g_ptr_array_steal_index (coming, 0));
  return moved;
}

static gboolean
serve_relays (void)
{
  gboolean moved = FALSE;

  for (guint i = 0; i < relays->len; i++)
    {
      Relay *relay = g_ptr_array_index (relays, i);

      moved |= relay_step (relay);
      if (relay->outer < 0)
        g_ptr_array_remove_index (relays, i--);
    }
  return moved;
}

static void
await_news (void)
{
  g_autoptr (GArray) watches = g_array_new (FALSE, FALSE, sizeof (struct pollfd));
  struct pollfd watch[2] = { { .fd = wake_fd, .events = POLLIN } };
  eventfd_t count;

  g_array_append_val (watches, watch[0]);
  g_mutex_lock (&lock);
  for (guint i = 0; i < listeners->len; i++)
    {
      watch[0].fd = ((Listener *) g_ptr_array_index (listeners, i))->fd;
      g_array_append_val (watches, watch[0]);
    }
  g_mutex_unlock (&lock);
  for (guint i = 0; i < relays->len; i++)
    {
      relay_get_watches (g_ptr_array_index (relays, i), watch);
      g_array_append_vals (watches, watch, 2);
    }
  poll ((struct pollfd *) (gpointer) watches->data, watches->len, -1);
  if (g_array_index (watches, struct pollfd, 0).revents != 0)
    eventfd_read (wake_fd, &count);
}

static gpointer
run_relay (gpointer data)
{
  gboolean moved = FALSE;
  guint wanted = 0;
  guint n_passes = 0;

  for (;;)
    {
      g_mutex_lock (&lock);
      if (!moved || n_passes == MAX_PASSES)
        {
          wanted = settles_wanted;
          n_passes = 0;
        }
      n_passes++;
      moved = serve_listeners_locked ();
      g_mutex_unlock (&lock);
      moved |= serve_relays ();
      if (moved && n_passes < MAX_PASSES)
        continue;
      g_mutex_lock (&lock);
      settled = wanted;
      g_cond_broadcast (&changed);
      g_mutex_unlock (&lock);
      if (!moved)
        await_news ();
    }
  return NULL;
}

void
tls_relay_settle (void)
{
  guint wanted;

  if (!is_on)
    return;
  g_mutex_lock (&lock);
  wanted = ++settles_wanted;
  eventfd_write (wake_fd, 1);
  while ((gint) (settled - wanted) < 0)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}

/* ---- peers of clients ---- */

static gint
bind_listener (guint16 *port)
{
  struct sockaddr_in address = address_of (*port);
  socklen_t size = sizeof address;
  gint on = 1;
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, (struct sockaddr *) &address, size) != 0 || listen (fd, 128) != 0
      || getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    g_error ("no loopback port for the relay: %s", g_strerror (errno));
  *port = ntohs (address.sin_port);
  return fd;
}

static guint16
add_listener (guint16 port, guint16 target, gint inner)
{
  Listener *listener = g_new0 (Listener, 1);

  listener->fd = bind_listener (&port);
  listener->port = port;
  listener->target = target;
  listener->inner = inner;
  g_mutex_lock (&lock);
  g_ptr_array_add (listeners, listener);
  g_mutex_unlock (&lock);
  eventfd_write (wake_fd, 1);
  return port;
}

guint16
tls_relay_listen (guint16 port, guint16 outer_port)
{
  return add_listener (outer_port, port, -1);
}

guint16
tls_relay_listen_once (gint fd)
{
  return add_listener (0, 0, fd);
}

void
tls_relay_stop_listening (guint16 outer_port)
{
  g_mutex_lock (&lock);
  for (guint i = 0; i < listeners->len; i++)
    {
      Listener *listener = g_ptr_array_index (listeners, i);

      listener->has_ended |= listener->port == outer_port;
    }
  g_mutex_unlock (&lock);
  tls_relay_settle ();
}

gchar *
tls_relay_dup_uri (const gchar *host, guint16 outer_port, const gchar *options)
{
  return g_strdup_printf ("tls://%s:%u?ca=%s%s%s", host, outer_port, identity.file,
                          *options != '\0' ? "&" : "", *options != '\0' ? options + 1 : "");
}

/* ---- peers of servers ---- */

const gchar *
tls_relay_get_file (void)
{
  return identity.file;
}

gint
tls_relay_connect (gint fd)
{
  guint16 port;
  gint listener = test_listen (&port, 1);
  gint inner = connect_inner (port);
  gint relayed = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);

  close (listener);
  fcntl (inner, F_SETFL, 0);
  g_mutex_lock (&lock);
  g_ptr_array_add (coming, relay_new (client_context, fd, relayed, FALSE));
  g_mutex_unlock (&lock);
  tls_relay_settle ();
  return inner;
}

/* ---- life ---- */

static void
do_nothing (GTask *task, gpointer object, gpointer data, GCancellable *cancellable)
{
  g_task_return_boolean (task, TRUE);
}

/* What GLib keeps for good once something has used TLS is no test's leak. */
static void
warm_up (void)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_run_in_thread_sync (task, do_nothing);
  if (g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    return;
  printf ("1..0 # SKIP GIO has no TLS here (glib-networking)\n");
  exit (0);
}

static void __attribute__ ((constructor)) start_relay (void)
{
  is_on = g_getenv ("TALLY_TEST_TLS") != NULL;
  if (!is_on)
    return;
  warm_up ();
  relay_identity_init (&identity);
  server_context = relay_identity_make_context (&identity, TRUE);
  client_context = relay_identity_make_context (&identity, FALSE);
  wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  listeners = g_ptr_array_new_with_free_func (g_free);
  coming = g_ptr_array_new ();
  relays = g_ptr_array_new_with_free_func ((GDestroyNotify) relay_free);
  g_thread_unref (g_thread_new ("tls-relay", run_relay, NULL));
}

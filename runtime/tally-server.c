/* The server as an object: its address, its beginning and its end. Its properties are in
 * server-properties.c, its numbers in server-statistics.c. What it does in between is in the server-….c files; server-private.h says how they belong together. */
#include "tally-server.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "processor-private.h"
#include "endpoint-order-internal.h"
#include "server-admission-private.h"
#include "tally-interceptor.h"

typedef ThriftServerClass TallyServerClass;

static void tally_server_initable_init (GInitableIface *iface);

G_DEFINE_TYPE_WITH_CODE (TallyServer,
                         tally_server,
                         THRIFT_TYPE_SERVER,
                         G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, tally_server_initable_init))

/* ---- the address ---- */

/* Which clients it understands. Apache's servers of headers take clients of the older kinds, too. */
static void
open_speech (TallyServer *self)
{
  TallyProtocolId protocol = tally_endpoint_get_protocol (self->endpoint);
  TallyFraming framing = tally_endpoint_get_framing (self->endpoint);

  self->is_detecting = protocol == TALLY_PROTOCOL_AUTO || framing == TALLY_FRAMING_HEADER
                       || framing == TALLY_FRAMING_AUTO;
  self->is_compressed = tally_endpoint_is_compressed (self->endpoint);
  self->framing = framing == TALLY_FRAMING_HEADER ? TALLY_FRAMING_AUTO : framing;
  self->codec =
      tally_codec_get (protocol == TALLY_PROTOCOL_AUTO ? TALLY_PROTOCOL_BINARY : protocol);
}

static gboolean
open_endpoint (TallyServer *self, GError **error)
{
  if (self->endpoint != NULL)
    return TRUE;
  if (self->uri == NULL)
    {
      g_set_error_literal (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
                           "a server needs a URI to listen at");
      return FALSE;
    }
  self->endpoint = tally_endpoint_new (self->uri, error);
  if (self->endpoint == NULL)
    return FALSE;
  if (tally_endpoint_get_scheme (self->endpoint) == TALLY_SCHEME_TLS
      && !tally_tls_check (self->uri, error))
    {
      g_clear_pointer (&self->endpoint, tally_endpoint_unref);
      return FALSE;
    }
  self->service = tally_endpoint_get_service (self->endpoint);
  self->local = tally_endpoint_get_scheme (self->endpoint) == TALLY_SCHEME_UNIX;
  if (!tally_endpoint_get_strict (self->endpoint))
    self->limits.strict = FALSE;
  open_speech (self);
  return TRUE;
}

/* What properties and the URI say together. */
static TallyTlsOptions
get_tls (const TallyServer *self)
{
  TallyTlsOptions options = *tally_endpoint_get_tls (self->endpoint);

  if (self->tls.ca != NULL)
    options.ca = self->tls.ca;
  if (self->tls.certificate != NULL)
    {
      options.certificate = self->tls.certificate;
      options.key = self->tls.key;
    }
  if (self->tls.clients != TALLY_TLS_CLIENTS_IGNORED)
    options.clients = self->tls.clients;
  return options;
}

/* Whether the files that a server over TLS needs can be read. */
static gboolean
check_files (TallyServer *self, GError **error)
{
  TallyTlsOptions options = get_tls (self);

  if (tally_endpoint_get_scheme (self->endpoint) != TALLY_SCHEME_TLS)
    return TRUE;
  if (options.certificate != NULL)
    return tally_tls_check_files (&options, error);
  g_set_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT,
               "%s: a server over TLS needs a certificate: cert=FILE or the property "
               "tls-certificate",
               self->uri);
  return FALSE;
}

/* Where it listens is its URI's address, or what systemd has passed. */
static gboolean
open_listener (TallyServer *self, ServerListener *listener, GError **error)
{
  if (self->systemd.n_fds == 0)
    return server_listener_open (listener, self->endpoint, error);
  return server_listener_adopt (listener, self->endpoint, self->systemd.fds, self->systemd.n_fds,
                                error);
}

static gboolean
open_acceptor (TallyServer *self, GError **error)
{
  TallyTlsOptions options = get_tls (self);

  if (tally_endpoint_get_scheme (self->endpoint) != TALLY_SCHEME_TLS)
    return TRUE;
  self->acceptor = tally_tls_acceptor_new (&options, self->handshake_timeout, error);
  return self->acceptor != NULL;
}

/**
 * tally_server_new:
 * @processor: (type GObject.Object) (transfer none): what answers; a reference is taken
 * @uri: where to listen and how to speak
 * @error: (nullable): %TALLY_ERROR_INVALID_ARGUMENT, %TALLY_ERROR_NOT_SUPPORTED
 *
 * Makes a server that does not listen yet. `tcp://HOST:PORT` listens at every address of the host,
 * `tcp://0.0.0.0:PORT` at every IPv4 address, `tcp://[::]:PORT` at every address of both families.
 * With `service=NAME` calls that are multiplexed to that name are answered as well as plain ones.
 *
 * Returns: (transfer full) (nullable): the server
 */
TallyServer *
tally_server_new (ThriftProcessor *processor, const gchar *uri, GError **error)
{
  g_return_val_if_fail (THRIFT_IS_PROCESSOR (processor), NULL);
  g_return_val_if_fail (uri != NULL, NULL);
  return g_initable_new (TALLY_TYPE_SERVER, NULL, error, "processor", processor, "uri", uri, NULL);
}

/**
 * tally_server_listen:
 * @self: a server
 * @error: (nullable): %TALLY_ERROR_FAILED names the address and the reason
 *
 * Binds and listens: from now on clients may connect, and are served once somebody calls
 * thrift_server_serve(). A Unix socket's file whose socket is gone is replaced; of several servers
 * that want one path exactly one listens there at any time. For that the socket is bound to a name
 * of its own in the same directory and then renamed, so the kernel's lists show it by that name. Servers
 * replace a stale file one after the other, by a lock file `.NAME.tally-lock` that only their user can
 * open and that is gone afterwards: a user who may write to the directory can take that name, or the
 * path itself, and then the server fails at once. A killed process leaves a stale file. Does nothing when the server listens already.
 *
 * Returns: whether the server listens
 */
gboolean
tally_server_listen (TallyServer *self, GError **error)
{
  ServerListener listener;

  g_return_val_if_fail (TALLY_IS_SERVER (self), FALSE);

  if (self->listening)
    return TRUE;
  if (!open_endpoint (self, error) || !check_files (self, error)
      || !open_listener (self, &listener, error))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  self->listener = listener;
  self->listening = TRUE;
  pthread_mutex_unlock (&self->lock);
  g_object_notify (G_OBJECT (self), "uri"); /* its port is known now */
  return TRUE;
}

/* The endpoint's URI with @port in place of its own. */
static gchar *
replace_port (const gchar *uri, guint port)
{
  const gchar *host = strstr (uri, "://") + strlen ("://");
  gsize length = strcspn (host, "/?");
  const gchar *colon = g_strrstr_len (host, length, ":");
  const gchar *bracket = g_strrstr_len (host, length, "]");

  if (colon == NULL || (bracket != NULL && bracket > colon))
    colon = host + length;
  return g_strdup_printf ("%.*s:%u%s", (gint) (colon - uri), uri, port, host + length);
}

/**
 * tally_server_dup_uri:
 * @self: a server
 *
 * Says where the server can be reached, in the form that tally_channel_new() takes: of sockets that systemd has passed
 * (tally_server_use_systemd()) at the first, but by the host's name where its own URI has one. Over TLS a client adds its own authorities and certificate: the server's files are not in it. Thread-safe.
 *
 * Returns: (transfer full) (nullable): the URI with the real port; %NULL when it does not listen
 */
gchar *
tally_server_dup_uri (TallyServer *self)
{
  g_autofree gchar *uri = NULL;
  g_autoptr (GSocketAddress) address = NULL;
  gboolean listening;
  guint port;

  g_return_val_if_fail (TALLY_IS_SERVER (self), NULL);

  pthread_mutex_lock (&self->lock);
  listening = self->listening;
  port = listening ? self->listener.port
                   : 0; /* written without the lock afterwards, as is the next one */
  if (listening)
    g_set_object (&address, self->listener.adopted_address);
  pthread_mutex_unlock (&self->lock);
  if (!listening)
    return NULL;
  if (address != NULL)
    return tally_endpoint_dup_uri_at (self->endpoint, address);
  uri = tally_endpoint_dup_bare_uri (self->endpoint);
  return port != 0 ? replace_port (uri, port) : g_steal_pointer (&uri);
}

/* ---- serving ---- */

/* So that it can serve again. */
static void
reset (TallyServer *self)
{
  pthread_mutex_lock (&self->lock);
  atomic_set (&self->stopping, FALSE);
  atomic_set (&self->expired, FALSE);
  atomic_put (&self->crowded, FALSE);
  atomic_put (&self->eager, FALSE);
  self->quit = FALSE;
  self->serving = FALSE;
  self->listeners_paused = FALSE;
  g_ptr_array_set_size (self->graveyard, 0);
  pthread_mutex_unlock (&self->lock);
  server_drain_eventfd (self->stop_fd);
}

/* In a child process: the parent's is not to stop when this one is. */
static void
take_own_eventfds (TallyServer *self)
{
  if (self->stop_fd >= 0)
    close (self->stop_fd);
  if (self->reload_fd >= 0)
    close (self->reload_fd);
  self->reload_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->stop_fd = eventfd (atomic_get (&self->stop_in_child) ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->pid = getpid ();
}

/* Only one thread at a time may serve. */
static gboolean
begin_serving (TallyServer *self, GError **error)
{
  gboolean busy;

  pthread_mutex_lock (&self->lock);
  busy = self->serving;
  self->serving = TRUE;
  pthread_mutex_unlock (&self->lock);
  if (busy)
    g_set_error (error, TALLY_ERROR, TALLY_ERROR_FAILED, "%s is being served already", self->uri);
  else if (self->pid != getpid ())
    take_own_eventfds (self);
  return !busy;
}

static gboolean
tally_server_serve (ThriftServer *server, GError **error)
{
  TallyServer *self = TALLY_SERVER (server);
  guint n_processors = g_get_num_processors ();

  if (!begin_serving (self, error))
    return FALSE;
  if (!tally_server_listen (self, error) || !open_acceptor (self, error)
      || !server_loop_open (self, error))
    {
      g_clear_pointer (&self->acceptor, tally_tls_acceptor_free);
      reset (self);
      return FALSE;
    }
  self->in_any_order = tally_endpoint_takes_any_order (self->endpoint);
  self->side_by_side =
      self->in_any_order || self->is_concurrent || tally_endpoint_is_concurrent (self->endpoint);
  self->direct =
      tally_processor_is_direct (server->processor) ? TALLY_PROCESSOR (server->processor) : NULL;
  server_admission_open (self);
  self->max_pinned = MIN (n_processors, self->max_workers - 1);
  server_systemd_begin (self);
  server_registrar_begin (self);
  server_supervise (self);
  server_registrar_end (self);
  server_systemd_end (self);
  server_loop_close (self);
  g_clear_pointer (&self->acceptor, tally_tls_acceptor_free);
  reset (self);
  return TRUE;
}

/**
 * tally_server_stop:
 * @self: a server
 *
 * Makes thrift_server_serve() return once every request under way was answered. What was read before
 * is executed too, within the `drain-timeout`, and refused in words after it; the answers of a
 * connection leave together with its end. A stop that comes before a serve ends that serve. In a child
 * process it stops nothing of the parent's, and a child that serves at a Unix socket on which its parent
 * listens leaves the file there. Where the server has registrations these leave first, and #TallyServer:leave-delay passes; a
 * second stop cuts that short. Thread-safe and async-signal-safe.
 */
void
tally_server_stop (TallyServer *self)
{
  const guint64 one = 1;
  gint number = errno;

  if (self->pid != getpid ())
    atomic_set (&self->stop_in_child, TRUE);
  else if (write (self->stop_fd, &one, sizeof one) < 0)
    errno = number; /* it is set already */
}

/**
 * tally_server_reload:
 * @self: a server
 *
 * Has the server read its certificate's files anew, and log a warning if they cannot be used; then the certificate that was read before
 * stays in use. New files are used without that, too. A server of systemd's (tally_server_use_systemd()) tells it when it
 * begins and when it has done so, and in its status what is wrong with the files: what a handler of SIGHUP calls. Does nothing before the server serves. Thread-safe and
 * async-signal-safe.
 *
 * Since: 0.2
 */
void
tally_server_reload (TallyServer *self)
{
  const guint64 one = 1;
  gint number = errno;

  if (self->pid == getpid () && write (self->reload_fd, &one, sizeof one) < 0)
    errno = number; /* it is set already */
}

static void
tally_server_stop_vfunc (ThriftServer *server)
{
  tally_server_stop (TALLY_SERVER (server));
}

/* ---- the object ---- */

static gboolean
tally_server_init_now (GInitable *initable, GCancellable *cancellable, GError **error)
{
  return open_endpoint (TALLY_SERVER (initable), error);
}

static void
tally_server_initable_init (GInitableIface *iface)
{
  iface->init = tally_server_init_now;
}

static void
tally_server_finalize (GObject *object)
{
  TallyServer *self = TALLY_SERVER (object);

  if (self->listening)
    server_listener_close (&self->listener);
  if (self->stop_fd >= 0)
    close (self->stop_fd);
  if (self->reload_fd >= 0)
    close (self->reload_fd);
  server_registrar_clear (&self->registrar);
  server_systemd_clear (&self->systemd);
  g_free (self->supervisor.input);
  tally_buffer_clear (&self->supervisor.output);
  tally_buffer_clear (&self->supervisor.next_answer);
  g_ptr_array_unref (self->graveyard);
  g_free (self->tickets);
  tally_interceptors_clear (&self->interceptors);
  server_admission_clear (self);
  g_clear_pointer (&self->due, g_sequence_free);
  g_clear_pointer (&self->endpoint, tally_endpoint_unref);
  g_free (self->uri);
  g_free (self->tls.ca);
  g_free (self->tls.certificate);
  g_free (self->tls.key);
  if (self->pid == getpid ()) /* else threads may wait that this process does not have */
    {
      pthread_cond_destroy (&self->supervisor_wake);
      pthread_mutex_destroy (&self->lock);
    }
  G_OBJECT_CLASS (tally_server_parent_class)->finalize (object);
}

static void
tally_server_class_init (TallyServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  ThriftServerClass *server_class = THRIFT_SERVER_CLASS (klass);

  object_class->finalize = tally_server_finalize;
  server_class->serve = tally_server_serve;
  server_class->stop = tally_server_stop_vfunc;

  server_properties_install (object_class);
  server_keep_heap ();
}

static void
tally_server_init (TallyServer *self)
{
  pthread_condattr_t attributes;

  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->supervisor_wake, &attributes);
  pthread_condattr_destroy (&attributes);
  server_registrar_init (&self->registrar);
  self->graveyard = g_ptr_array_new_with_free_func ((GDestroyNotify) server_connection_free);
  self->supervisor.server = self;
  self->epoll_fd = self->wake_fd = -1;
  self->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->reload_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->pid = getpid ();
}

/**
 * tally_server_add_registration:
 * @self: a server
 * @registration: what makes it known; a reference is taken until the server's end
 *
 * Has @registration enter when the server serves, and leave when it is told to stop. Until that is done, and for
 * #TallyServer:leave-delay after it, the server serves on. Call it before the server serves.
 *
 * Since: 0.2
 */
void
tally_server_add_registration (TallyServer *self, TallyRegistration *registration)
{
  g_return_if_fail (TALLY_IS_SERVER (self));
  g_return_if_fail (TALLY_IS_REGISTRATION (registration));
  g_ptr_array_add (self->registrar.registrations, g_object_ref (registration));
}

/**
 * tally_server_add_interceptor:
 * @self: a server
 * @interceptor: what is called before and after each request; a reference is taken until the server's end
 *
 * Has @interceptor called for the requests that the server comes to from now on, behind what was added before. It is called
 * for each message whose header can be read, those that the server itself refuses included: they end as
 * %TALLY_CALL_EXCEPTION, on a thread that also looks after the server's time-outs, so that it must not block there.
 * It is there to stay. Thread-safe, also while the server serves.
 *
 * Since: 0.2
 */
void
tally_server_add_interceptor (TallyServer *self, TallyInterceptor *interceptor)
{
  g_return_if_fail (TALLY_IS_SERVER (self));
  g_return_if_fail (TALLY_IS_INTERCEPTOR (interceptor));
  tally_interceptors_add (&self->interceptors, interceptor);
}

/* The server as an object: its properties, its address, its beginning and its end. What it does in
 * between is in the server-….c files; server-private.h says how they belong together. */
#include "tally-server.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "processor-private.h"
#include "server-private.h"

typedef ThriftServerClass TallyServerClass;

G_DEFINE_TYPE (TallyServer, tally_server, THRIFT_TYPE_SERVER)

enum
{
  PROP_SERVER_0,
  PROP_URI,
  PROP_MAX_WORKERS,
  PROP_MAX_CONNECTIONS,
  PROP_IDLE_TIMEOUT,
  PROP_READ_TIMEOUT,
  PROP_WRITE_TIMEOUT,
  PROP_HANDSHAKE_TIMEOUT,
  PROP_DRAIN_TIMEOUT,
  PROP_WORKER_TIMEOUT,
  PROP_QUEUE_TIMEOUT,
  PROP_MAX_QUEUED,
  PROP_MAX_UNFINISHED,
  PROP_MAX_MESSAGE,
  PROP_SERVER_MAX_DEPTH,
  PROP_SERVER_STRICT,
  PROP_SERVER_MAX_MESSAGE_MEMORY,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_KEY,
  PROP_TLS_CA,
  PROP_TLS_CLIENTS,
  N_SERVER_PROPERTIES
};

static GParamSpec *server_properties[N_SERVER_PROPERTIES];

/* ---- properties ---- */

/* Where a property of type guint lies; NULL for the others. */
static guint *
find_number (TallyServer *self, guint id)
{
  switch (id)
    {
    case PROP_MAX_WORKERS:
      return &self->max_workers;
    case PROP_MAX_CONNECTIONS:
      return &self->max_connections;
    case PROP_IDLE_TIMEOUT:
      return &self->idle_timeout;
    case PROP_READ_TIMEOUT:
      return &self->read_timeout;
    case PROP_WRITE_TIMEOUT:
      return &self->write_timeout;
    case PROP_HANDSHAKE_TIMEOUT:
      return &self->handshake_timeout;
    case PROP_DRAIN_TIMEOUT:
      return &self->drain_timeout;
    case PROP_WORKER_TIMEOUT:
      return &self->worker_timeout;
    case PROP_QUEUE_TIMEOUT:
      return &self->queue_timeout;
    case PROP_MAX_QUEUED:
      return &self->max_queued;
    case PROP_MAX_MESSAGE:
      return &self->limits.max_message;
    case PROP_SERVER_MAX_DEPTH:
      return &self->limits.max_depth;
    default:
      return NULL;
    }
}

/* Where the property @id, which names a file, is kept; NULL: it is not such a one. */
static gchar **
find_file (TallyServer *self, guint id)
{
  return id == PROP_TLS_CERTIFICATE ? &self->tls.certificate
         : id == PROP_TLS_KEY       ? &self->tls.key
         : id == PROP_TLS_CA        ? &self->tls.ca
                                    : NULL;
}

static void
tally_server_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyServer *self = TALLY_SERVER (object);
  guint *number = find_number (self, id);
  gchar **file = find_file (self, id);

  if (number != NULL)
    *number = g_value_get_uint (value);
  else if (file != NULL)
    {
      g_free (*file);
      *file = g_value_dup_string (value);
    }
  else if (id == PROP_TLS_CLIENTS)
    self->tls.clients = g_value_get_enum (value);
  else if (id == PROP_URI)
    self->uri = g_value_dup_string (value);
  else if (id == PROP_SERVER_STRICT)
    self->limits.strict = g_value_get_boolean (value);
  else if (id == PROP_MAX_UNFINISHED)
    self->max_unfinished = g_value_get_uint64 (value);
  else if (id == PROP_SERVER_MAX_MESSAGE_MEMORY)
    self->limits.max_memory = g_value_get_uint64 (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
tally_server_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TallyServer *self = TALLY_SERVER (object);
  guint *number = find_number (self, id);
  gchar **file = find_file (self, id);

  if (number != NULL)
    g_value_set_uint (value, *number);
  else if (file != NULL)
    g_value_set_string (value, *file);
  else if (id == PROP_TLS_CLIENTS)
    g_value_set_enum (value, self->tls.clients);
  else if (id == PROP_URI)
    g_value_take_string (value,
                         self->listening ? tally_server_dup_uri (self) : g_strdup (self->uri));
  else if (id == PROP_SERVER_STRICT)
    g_value_set_boolean (value, self->limits.strict);
  else if (id == PROP_MAX_UNFINISHED)
    g_value_set_uint64 (value, self->max_unfinished);
  else if (id == PROP_SERVER_MAX_MESSAGE_MEMORY)
    g_value_set_uint64 (value, self->limits.max_memory);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* ---- the address ---- */

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
  self->framing = tally_endpoint_get_framing (self->endpoint);
  self->codec = tally_codec_get (tally_endpoint_get_protocol (self->endpoint));
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

/* Whether the files can be read of which a server over TLS consists. */
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
 * @processor: (transfer none): what answers; a reference is taken
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
  g_autoptr (TallyServer) self = NULL;

  g_return_val_if_fail (THRIFT_IS_PROCESSOR (processor), NULL);
  g_return_val_if_fail (uri != NULL, NULL);

  self = g_object_new (TALLY_TYPE_SERVER, "processor", processor, "uri", uri, NULL);
  return open_endpoint (self, error) ? g_steal_pointer (&self) : NULL;
}

/**
 * tally_server_listen:
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
      || !server_listener_open (&listener, self->endpoint, error))
    return FALSE;
  pthread_mutex_lock (&self->lock);
  self->listener = listener;
  self->listening = TRUE;
  pthread_mutex_unlock (&self->lock);
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
 *
 * Says where the server can be reached, in the form that tally_channel_new() takes. Over TLS a client
 * adds whom it trusts and who it is: the server's files are not in it. Thread-safe.
 *
 * Returns: (transfer full) (nullable): the URI with the real port; %NULL when it does not listen
 */
gchar *
tally_server_dup_uri (TallyServer *self)
{
  g_autofree gchar *uri = NULL;
  gboolean listening;
  guint port;

  g_return_val_if_fail (TALLY_IS_SERVER (self), NULL);

  pthread_mutex_lock (&self->lock);
  listening = self->listening;
  port = listening ? self->listener.port : 0; /* written without the lock afterwards */
  pthread_mutex_unlock (&self->lock);
  if (!listening)
    return NULL;
  uri = tally_endpoint_dup_bare_uri (self->endpoint);
  return port != 0 ? replace_port (uri, port) : g_steal_pointer (&uri);
}

/* ---- serving ---- */

/* So that it can serve again. */
static void
reset (TallyServer *self)
{
  guint64 count;

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
  if (read (self->stop_fd, &count, sizeof count) < 0)
    g_debug ("eventfd: %s", g_strerror (errno));
}

/* In a child process: the parent's is not to stop when this one is. */
static void
take_own_stop_fd (TallyServer *self)
{
  if (self->stop_fd >= 0)
    close (self->stop_fd);
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
    take_own_stop_fd (self);
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
  self->direct =
      tally_processor_is_direct (server->processor) ? TALLY_PROCESSOR (server->processor) : NULL;
  self->max_pinned = MIN (n_processors, self->max_workers - 1);
  server_supervise (self);
  server_loop_close (self);
  g_clear_pointer (&self->acceptor, tally_tls_acceptor_free);
  reset (self);
  return TRUE;
}

/**
 * tally_server_stop:
 *
 * Makes thrift_server_serve() return once every request under way was answered. What was read before
 * is executed too, within the `drain-timeout`, and refused in words after it; the answers of a
 * connection leave together with its end. A stop that comes before a serve ends that serve. In a child
 * process it stops nothing of the parent's, and a child that serves at a Unix socket on which its parent
 * listens leaves the file there. Thread-safe and async-signal-safe.
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

static void
tally_server_stop_vfunc (ThriftServer *server)
{
  tally_server_stop (TALLY_SERVER (server));
}

/**
 * tally_server_get_statistics:
 * @statistics: (out caller-allocated): filled in
 *
 * Takes a snapshot of what the server has done. Thread-safe.
 */
void
tally_server_get_statistics (TallyServer *self, TallyServerStatistics *statistics)
{
  g_return_if_fail (TALLY_IS_SERVER (self));

  pthread_mutex_lock (&self->lock);
  *statistics = (TallyServerStatistics){
    .connections = self->n_connections,
    .workers = self->n_workers,
    .accepted = self->n_accepted,
    .refused = self->n_refusals,
    .timed_out = self->n_timeouts,
    .requests = self->n_requests + atomic_peek (&self->supervisor.n_requests),
  };
  for (ServerWorker *worker = self->workers; worker != NULL; worker = worker->next)
    statistics->requests += atomic_peek (&worker->n_requests);
  pthread_mutex_unlock (&self->lock);
}

/* ---- the object ---- */

static void
tally_server_finalize (GObject *object)
{
  TallyServer *self = TALLY_SERVER (object);

  if (self->listening)
    server_listener_close (&self->listener);
  if (self->stop_fd >= 0)
    close (self->stop_fd);
  g_free (self->supervisor.input);
  tally_buffer_clear (&self->supervisor.output);
  tally_buffer_clear (&self->supervisor.next_answer);
  g_ptr_array_unref (self->graveyard);
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
install_number (
    guint id, const gchar *name, const gchar *blurb, guint minimum, guint maximum, guint initial)
{
  server_properties[id] =
      g_param_spec_uint (name, NULL, blurb, minimum, maximum, initial,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
}

static void
install_file (guint id, const gchar *name, const gchar *blurb)
{
  server_properties[id] =
      g_param_spec_string (name, NULL, blurb, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
}

/* What a client's certificate is wanted for is counted alike. */
G_STATIC_ASSERT ((gint) TALLY_TLS_CLIENTS_REQUESTED == (gint) G_TLS_AUTHENTICATION_REQUESTED
                 && (gint) TALLY_TLS_CLIENTS_REQUIRED == (gint) G_TLS_AUTHENTICATION_REQUIRED);

static void
tally_server_class_init (TallyServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  ThriftServerClass *server_class = THRIFT_SERVER_CLASS (klass);

  object_class->set_property = tally_server_set_property;
  object_class->get_property = tally_server_get_property;
  object_class->finalize = tally_server_finalize;
  server_class->serve = tally_server_serve;
  server_class->stop = tally_server_stop_vfunc;

  server_properties[PROP_URI] =
      g_param_spec_string ("uri", NULL, "Where it listens and how it speaks", NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  install_number (PROP_MAX_WORKERS, "max-workers", "Threads that may serve at once", 1, 65536, 256);
  install_number (PROP_MAX_CONNECTIONS, "max-connections", "Open connections", 1, G_MAXINT, 8192);
  install_number (PROP_IDLE_TIMEOUT, "idle-timeout", "Milliseconds without a request", 0, G_MAXINT,
                  600 * 1000);
  install_number (PROP_READ_TIMEOUT, "read-timeout", "Milliseconds for a request to arrive", 0,
                  G_MAXINT, 30 * 1000);
  install_number (PROP_WRITE_TIMEOUT, "write-timeout", "Milliseconds for an answer to be taken", 0,
                  G_MAXINT, 30 * 1000);
  install_number (PROP_HANDSHAKE_TIMEOUT, "handshake-timeout",
                  "Milliseconds for a peer to shake hands over TLS", 0, G_MAXINT, 10 * 1000);
  install_number (PROP_DRAIN_TIMEOUT, "drain-timeout", "Milliseconds that a stop waits for peers",
                  0, G_MAXINT, 5 * 1000);
  install_number (PROP_WORKER_TIMEOUT, "worker-timeout",
                  "Milliseconds that a thread stays without work", 0, G_MAXINT, 10 * 1000);
  install_number (PROP_QUEUE_TIMEOUT, "queue-timeout",
                  "Milliseconds that a request waits for a thread", 0, G_MAXINT, 30 * 1000);
  install_number (PROP_MAX_QUEUED, "max-queued",
                  "Requests that may wait for a thread; 0: 4 for each", 0, G_MAXINT, 0);
  server_properties[PROP_MAX_UNFINISHED] =
      g_param_spec_uint64 ("max-unfinished", NULL, "Bytes of all connections' unfinished messages",
                           0, G_MAXUINT64, 256 * 1024 * 1024,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  install_number (PROP_MAX_MESSAGE, "max-message", "Bytes of a request or an answer", 64, G_MAXINT,
                  tally_limits_default.max_message);
  install_number (PROP_SERVER_MAX_DEPTH, "max-depth", "Nesting of structs and containers", 1,
                  TALLY_MAX_DEPTH_MAX, tally_limits_default.max_depth);
  server_properties[PROP_SERVER_STRICT] =
      g_param_spec_boolean ("strict", NULL, "Whether a binary message must have a version", TRUE,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  server_properties[PROP_SERVER_MAX_MESSAGE_MEMORY] = g_param_spec_uint64 (
      "max-message-memory", NULL,
      "Bytes of memory that a request may take once decoded; 0 = 16 times max-message", 0,
      G_MAXSIZE, 0, G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  install_file (PROP_TLS_CERTIFICATE, "tls-certificate", "Its certificate's file");
  install_file (PROP_TLS_KEY, "tls-key", "Its key's file; NULL: it is in the certificate's");
  install_file (PROP_TLS_CA, "tls-ca", "The file of the authorities that clients are trusted by");
  server_properties[PROP_TLS_CLIENTS] =
      g_param_spec_enum ("tls-clients", NULL, "Whether clients must have a certificate",
                         G_TYPE_TLS_AUTHENTICATION_MODE, G_TLS_AUTHENTICATION_NONE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_SERVER_PROPERTIES, server_properties);
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
  self->graveyard = g_ptr_array_new_with_free_func ((GDestroyNotify) server_connection_free);
  self->supervisor.server = self;
  self->epoll_fd = self->wake_fd = -1;
  self->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->pid = getpid ();
}

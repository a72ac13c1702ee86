/* Owns the server's properties: their names, ranges and defaults, and where each is kept. What they mean is
 * for the other files. */
#include "server-private.h"

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
  PROP_LEAVE_TIMEOUT,
  PROP_LEAVE_DELAY,
  PROP_WORKER_TIMEOUT,
  PROP_QUEUE_TIMEOUT,
  PROP_MAX_QUEUED,
  PROP_MAX_REFUSALS,
  PROP_MAX_UNFINISHED,
  PROP_MAX_CONCURRENT,
  PROP_CONCURRENT,
  PROP_ADMISSION,
  PROP_MIN_RUNNING,
  PROP_MAX_RUNNING,
  PROP_SERVER_MAX_MESSAGE_SIZE,
  PROP_SERVER_MAX_MESSAGE, /* its name in 0.1 */
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
    case PROP_LEAVE_TIMEOUT:
      return &self->registrar.leave_timeout;
    case PROP_LEAVE_DELAY:
      return &self->registrar.leave_delay;
    case PROP_WORKER_TIMEOUT:
      return &self->worker_timeout;
    case PROP_QUEUE_TIMEOUT:
      return &self->queue_timeout;
    case PROP_MAX_QUEUED:
      return &self->max_queued;
    case PROP_MAX_REFUSALS:
      return &self->pace.rate;
    case PROP_MAX_CONCURRENT:
      return &self->max_concurrent;
    case PROP_MIN_RUNNING:
      return &self->min_running;
    case PROP_MAX_RUNNING:
      return &self->max_running;
    case PROP_SERVER_MAX_MESSAGE_SIZE:
    case PROP_SERVER_MAX_MESSAGE:
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

/* Has also what listens to the other name of the property @id know of its change. */
static void
notify_alias (TallyServer *self, guint id)
{
  if (id == PROP_SERVER_MAX_MESSAGE)
    g_object_notify_by_pspec (G_OBJECT (self), server_properties[PROP_SERVER_MAX_MESSAGE_SIZE]);
  else if (id == PROP_SERVER_MAX_MESSAGE_SIZE)
    g_object_notify_by_pspec (G_OBJECT (self), server_properties[PROP_SERVER_MAX_MESSAGE]);
}

static void
server_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyServer *self = TALLY_SERVER (object);
  guint *number = find_number (self, id);
  gchar **file = find_file (self, id);

  if (number != NULL)
    {
      *number = g_value_get_uint (value);
      notify_alias (self, id);
    }
  else if (file != NULL)
    {
      g_free (*file);
      *file = g_value_dup_string (value);
    }
  else if (id == PROP_TLS_CLIENTS)
    self->tls.clients = g_value_get_enum (value);
  else if (id == PROP_ADMISSION)
    self->admission = g_value_get_flags (value);
  else if (id == PROP_URI)
    self->uri = g_value_dup_string (value);
  else if (id == PROP_SERVER_STRICT)
    self->limits.strict = g_value_get_boolean (value);
  else if (id == PROP_CONCURRENT)
    self->is_concurrent = g_value_get_boolean (value);
  else if (id == PROP_MAX_UNFINISHED)
    self->max_unfinished = g_value_get_uint64 (value);
  else if (id == PROP_SERVER_MAX_MESSAGE_MEMORY)
    self->limits.max_memory = g_value_get_uint64 (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
server_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
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
  else if (id == PROP_ADMISSION)
    g_value_set_flags (value, self->admission);
  else if (id == PROP_URI)
    g_value_take_string (value,
                         self->listening ? tally_server_dup_uri (self) : g_strdup (self->uri));
  else if (id == PROP_SERVER_STRICT)
    g_value_set_boolean (value, self->limits.strict);
  else if (id == PROP_CONCURRENT)
    g_value_set_boolean (value, self->is_concurrent);
  else if (id == PROP_MAX_UNFINISHED)
    g_value_set_uint64 (value, self->max_unfinished);
  else if (id == PROP_SERVER_MAX_MESSAGE_MEMORY)
    g_value_set_uint64 (value, self->limits.max_memory);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
install_number (guint id, const gchar *name, guint minimum, guint maximum, guint initial)
{
  server_properties[id] =
      g_param_spec_uint (name, NULL, NULL, minimum, maximum, initial,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
}

static void
install_size (guint id, const gchar *name, guint64 maximum, guint64 initial)
{
  server_properties[id] =
      g_param_spec_uint64 (name, NULL, NULL, 0, maximum, initial,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
}

static void
install_file (guint id, const gchar *name)
{
  server_properties[id] =
      g_param_spec_string (name, NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
}

static void
install_counts (void)
{
  /**
   * TallyServer:max-workers:
   *
   * Threads that call handlers.
   * Default: 256.
   *
   * Since: 0.1
   */
  install_number (PROP_MAX_WORKERS, "max-workers", 1, 65536, 256);
  /**
   * TallyServer:max-connections:
   *
   * Open connections; a peer past that reads a refusal.
   * Default: 8,192.
   *
   * Since: 0.1
   */
  install_number (PROP_MAX_CONNECTIONS, "max-connections", 1, G_MAXINT, 8192);
  /**
   * TallyServer:max-queued:
   *
   * Connections with a request that may wait for a thread; 0 = 4 times #TallyServer:max-workers.
   * Default: 0.
   *
   * Since: 0.2
   */
  install_number (PROP_MAX_QUEUED, "max-queued", 0, G_MAXINT, 0);
  /**
   * TallyServer:max-refusals:
   *
   * Connections that end in a second because of what their peers have sent; 0 = no limit. A tenth of them may end at once; past that
   * a refusal waits for its turn, for 100 ms at most.
   * Default: 1,000.
   *
   * Since: 0.2
   */
  install_number (PROP_MAX_REFUSALS, "max-refusals", 0, G_USEC_PER_SEC, 1000);
}

static void
install_concurrency (void)
{
  /**
   * TallyServer:max-concurrent:
   *
   * Requests of one connection that run side by side, where they may.
   * Default: 64.
   *
   * Since: 0.2
   */
  install_number (PROP_MAX_CONCURRENT, "max-concurrent", 1, 65536, 64);
  /**
   * TallyServer:concurrent:
   *
   * Whether requests of one connection run side by side; `concurrent=yes` and `order=any` in the URI say so, too.
   * Default: FALSE.
   *
   * Since: 0.2
   */
  server_properties[PROP_CONCURRENT] =
      g_param_spec_boolean ("concurrent", NULL, NULL, FALSE,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
}

static void
install_times_of_a_stop (void)
{
  /**
   * TallyServer:drain-timeout:
   *
   * Milliseconds for which a stop waits for what is under way; 0 = as long as that takes.
   * Default: 5,000.
   *
   * Since: 0.1
   */
  install_number (PROP_DRAIN_TIMEOUT, "drain-timeout", 0, G_MAXINT, 5 * 1000);
  /**
   * TallyServer:leave-timeout:
   *
   * Milliseconds for which a stop waits for the server's registrations to leave; 0 = as long as that takes.
   * Default: 5,000.
   *
   * Since: 0.2
   */
  install_number (PROP_LEAVE_TIMEOUT, "leave-timeout", 0, G_MAXINT, 5 * 1000);
  /**
   * TallyServer:leave-delay:
   *
   * Milliseconds for which a stop serves on after the server's registrations have left, so that clients hear of it.
   * Default: 0.
   *
   * Since: 0.2
   */
  install_number (PROP_LEAVE_DELAY, "leave-delay", 0, G_MAXINT, 0);
}

static void
install_admission (void)
{
  /**
   * TallyServer:admission:
   *
   * What the server takes no more than; 0 = %TALLY_ADMISSION_NONE.
   * Default: 0.
   *
   * Since: 0.2
   */
  server_properties[PROP_ADMISSION] =
      g_param_spec_flags ("admission", NULL, NULL, TALLY_TYPE_ADMISSION, TALLY_ADMISSION_NONE,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  /**
   * TallyServer:min-running:
   *
   * With #TallyServer:admission, requests that may always run at once; 0 = 4.
   * Default: 0.
   *
   * Since: 0.2
   */
  install_number (PROP_MIN_RUNNING, "min-running", 0, G_MAXINT, 0);
  /**
   * TallyServer:max-running:
   *
   * With #TallyServer:admission, requests that may run at once at the most, those answered later included; 0 = one
   * less than #TallyServer:max-workers, and as many as come where only deadlines are looked at.
   * Default: 0.
   *
   * Since: 0.2
   */
  install_number (PROP_MAX_RUNNING, "max-running", 0, G_MAXINT, 0);
}

static void
install_times (void)
{
  /**
   * TallyServer:idle-timeout:
   *
   * Milliseconds after which a connection on which no request has begun is closed; 0 = never.
   * Default: 600,000.
   *
   * Since: 0.1
   */
  install_number (PROP_IDLE_TIMEOUT, "idle-timeout", 0, G_MAXINT, 600 * 1000);
  /**
   * TallyServer:read-timeout:
   *
   * Milliseconds from its first byte in which a request must have arrived; 0 = no limit.
   * Default: 30,000.
   *
   * Since: 0.1
   */
  install_number (PROP_READ_TIMEOUT, "read-timeout", 0, G_MAXINT, 30 * 1000);
  /**
   * TallyServer:write-timeout:
   *
   * Milliseconds in which a peer must take its answers; 0 = no limit.
   * Default: 30,000.
   *
   * Since: 0.1
   */
  install_number (PROP_WRITE_TIMEOUT, "write-timeout", 0, G_MAXINT, 30 * 1000);
  /**
   * TallyServer:worker-timeout:
   *
   * Milliseconds after which a thread that has had nothing to do ends.
   * Default: 10,000.
   *
   * Since: 0.1
   */
  install_number (PROP_WORKER_TIMEOUT, "worker-timeout", 0, G_MAXINT, 10 * 1000);
  /**
   * TallyServer:queue-timeout:
   *
   * Milliseconds after which a request that waits for a thread is refused; 0 = never.
   * Default: 30,000.
   *
   * Since: 0.2
   */
  install_number (PROP_QUEUE_TIMEOUT, "queue-timeout", 0, G_MAXINT, 30 * 1000);
}

static void
install_message_limits (void)
{
  /**
   * TallyServer:max-message-size:
   *
   * Bytes of one request, and of one answer.
   * Default: 16 MiB.
   *
   * Since: 0.2
   */
  install_number (PROP_SERVER_MAX_MESSAGE_SIZE, "max-message-size", 64, G_MAXINT,
                  tally_limits_default.max_message);
  /**
   * TallyServer:max-message:
   *
   * What #TallyServer:max-message-size was called in 0.1.
   * Default: 16 MiB.
   *
   * Since: 0.1
   *
   * Deprecated: 0.2: Use #TallyServer:max-message-size.
   */
  /* No construct property: its default would come after what the other name was set to. */
  server_properties[PROP_SERVER_MAX_MESSAGE] =
      g_param_spec_uint ("max-message", NULL, NULL, 64, G_MAXINT, tally_limits_default.max_message,
                         G_PARAM_READWRITE | G_PARAM_DEPRECATED | G_PARAM_STATIC_STRINGS);
  /**
   * TallyServer:max-message-memory:
   *
   * Bytes of memory that one request may take once decoded; 0 = 16 times
   * #TallyServer:max-message-size.
   * Default: 0.
   *
   * Since: 0.2
   */
  install_size (PROP_SERVER_MAX_MESSAGE_MEMORY, "max-message-memory", G_MAXSIZE, 0);
  /**
   * TallyServer:max-unfinished:
   *
   * Bytes of requests that are still arriving and of answers that are not yet taken, of all
   * connections together; 0 = no limit.
   * Default: 256 MiB.
   *
   * Since: 0.2
   */
  install_size (PROP_MAX_UNFINISHED, "max-unfinished", G_MAXUINT64, 256 * 1024 * 1024);
  /**
   * TallyServer:max-depth:
   *
   * Nesting of structs and containers in a request.
   * Default: 64.
   *
   * Since: 0.1
   */
  install_number (PROP_SERVER_MAX_DEPTH, "max-depth", 1, TALLY_MAX_DEPTH_MAX,
                  tally_limits_default.max_depth);
}

static void
install_address (void)
{
  /**
   * TallyServer:uri:
   *
   * Where the server listens and how it speaks there: see tally_server_new(). While it listens,
   * the URI to reach it by, with the real port.
   * Default: NULL.
   *
   * Since: 0.1
   */
  server_properties[PROP_URI] =
      g_param_spec_string ("uri", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * TallyServer:strict:
   *
   * Whether a binary message must have a version. `strict=no` in the URI switches it off, too.
   * Default: TRUE.
   *
   * Since: 0.1
   */
  server_properties[PROP_SERVER_STRICT] =
      g_param_spec_boolean ("strict", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
}

/* What a client's certificate is wanted for is counted alike. */
G_STATIC_ASSERT ((gint) TALLY_TLS_CLIENTS_REQUESTED == (gint) G_TLS_AUTHENTICATION_REQUESTED
                 && (gint) TALLY_TLS_CLIENTS_REQUIRED == (gint) G_TLS_AUTHENTICATION_REQUIRED);

static void
install_tls (void)
{
  /**
   * TallyServer:tls-certificate:
   *
   * File of the server's certificate, PEM, with the chain behind it, in place of the URI's `cert`.
   * Default: NULL.
   *
   * Since: 0.2
   */
  install_file (PROP_TLS_CERTIFICATE, "tls-certificate");
  /**
   * TallyServer:tls-key:
   *
   * File of that certificate's key, PEM, in place of the URI's `key`; %NULL: the certificate's
   * file has it.
   * Default: NULL.
   *
   * Since: 0.2
   */
  install_file (PROP_TLS_KEY, "tls-key");
  /**
   * TallyServer:tls-ca:
   *
   * File of the authorities that clients' certificates are trusted by, PEM, in place of the URI's
   * `ca`.
   * Default: NULL.
   *
   * Since: 0.2
   */
  install_file (PROP_TLS_CA, "tls-ca");
  /**
   * TallyServer:tls-clients:
   *
   * Whether a client's certificate is requested or required; none = what the URI's `clients` says.
   * Default: none.
   *
   * Since: 0.2
   */
  server_properties[PROP_TLS_CLIENTS] =
      g_param_spec_enum ("tls-clients", NULL, NULL, G_TYPE_TLS_AUTHENTICATION_MODE,
                         G_TLS_AUTHENTICATION_NONE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  /**
   * TallyServer:handshake-timeout:
   *
   * Milliseconds from its connection in which a peer must have finished TLS's handshake; 0 = no
   * limit.
   * Default: 10,000.
   *
   * Since: 0.2
   */
  install_number (PROP_HANDSHAKE_TIMEOUT, "handshake-timeout", 0, G_MAXINT, 10 * 1000);
}

void
server_properties_install (GObjectClass *object_class)
{
  object_class->set_property = server_set_property;
  object_class->get_property = server_get_property;
  install_address ();
  install_counts ();
  install_concurrency ();
  install_admission ();
  install_times ();
  install_times_of_a_stop ();
  install_message_limits ();
  install_tls ();
  g_object_class_install_properties (object_class, N_SERVER_PROPERTIES, server_properties);
}

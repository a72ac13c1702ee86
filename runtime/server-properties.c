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
  PROP_WORKER_TIMEOUT,
  PROP_QUEUE_TIMEOUT,
  PROP_MAX_QUEUED,
  PROP_MAX_UNFINISHED,
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
    case PROP_WORKER_TIMEOUT:
      return &self->worker_timeout;
    case PROP_QUEUE_TIMEOUT:
      return &self->queue_timeout;
    case PROP_MAX_QUEUED:
      return &self->max_queued;
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

void
server_properties_install (GObjectClass *object_class)
{
  object_class->set_property = server_set_property;
  object_class->get_property = server_get_property;

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
  install_number (PROP_SERVER_MAX_MESSAGE_SIZE, "max-message-size",
                  "Bytes of a request or an answer", 64, G_MAXINT,
                  tally_limits_default.max_message);
  /* No construct property: its default would come after what the other name was set to. */
  server_properties[PROP_SERVER_MAX_MESSAGE] =
      g_param_spec_uint ("max-message", NULL, "What max-message-size was called in 0.1", 64,
                         G_MAXINT, tally_limits_default.max_message,
                         G_PARAM_READWRITE | G_PARAM_DEPRECATED | G_PARAM_STATIC_STRINGS);
  install_number (PROP_SERVER_MAX_DEPTH, "max-depth", "Nesting of structs and containers", 1,
                  TALLY_MAX_DEPTH_MAX, tally_limits_default.max_depth);
  server_properties[PROP_SERVER_STRICT] =
      g_param_spec_boolean ("strict", NULL, "Whether a binary message must have a version", TRUE,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  server_properties[PROP_SERVER_MAX_MESSAGE_MEMORY] = g_param_spec_uint64 (
      "max-message-memory", NULL,
      "Bytes of memory that a request may take once decoded; 0 = 16 times max-message-size", 0,
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

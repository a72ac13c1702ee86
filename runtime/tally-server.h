/* TallyServer: serves any ThriftProcessor to many connections at once. */
#ifndef TALLY_SERVER_H
#define TALLY_SERVER_H

#include <gio/gio.h>
#include <thrift/c_glib/server/thrift_server.h>

#include "tally-headers.h"
#include "tally-macros.h"
#include "tally-registration.h"

G_BEGIN_DECLS

#define TALLY_TYPE_SERVER (tally_server_get_type ())
#define TALLY_SERVER(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), TALLY_TYPE_SERVER, TallyServer))
#define TALLY_IS_SERVER(object) (G_TYPE_CHECK_INSTANCE_TYPE ((object), TALLY_TYPE_SERVER))

/**
 * TallyServer:
 *
 * A ThriftServer that serves many connections at once. Handlers are called by several threads.
 *
 * Properties, to be set before it serves; times are in milliseconds and 0 means none:
 *
 * | property | default | meaning |
 * |---|---|---|
 * | `max-workers` | 256 | threads that may serve at once |
 * | `max-connections` | 8192 | open connections; one more is answered by an exception |
 * | `idle-timeout` | 600000 | a connection without a request for so long is closed |
 * | `read-timeout` | 30000 | a request must be there, from its first byte to its last, within it |
 * | `write-timeout` | 30000 | the peer must take its answers within it |
 * | `drain-timeout` | 5000 | what a stop waits for what is still to arrive or to be taken |
 * | `leave-timeout` | 5000 | what a stop waits for registrations to leave |
 * | `leave-delay` | 0 | how long it serves on after that |
 * | `worker-timeout` | 10000 | a thread that had nothing to do for so long ends |
 * | `queue-timeout` | 30000 | a request that waited so long for a thread is refused |
 * | `max-queued` | 0 | connections with a request that may wait for a thread; 0: 4 x `max-workers` |
 * | `max-refusals` | 1000 | connections that end in a second because of what their peers have sent; past that a refusal waits for its turn, for 100 ms at most |
 * | `admission` | none | whether it takes only what it can use, by concurrency, deadline and client |
 * | `min-running`, `max-running` | 0 | bounds of the requests that run at once then; 0: 4, and one less than `max-workers` |
 * | `max-unfinished` | 256 MiB | bytes of requests that are still arriving and answers not yet taken, of all connections together |
 * | `max-message-size` | 16 MiB | bytes of a request, and of an answer |
 * | `max-depth` | 64 | nesting of structs and containers in a request |
 * | `strict` | %TRUE | whether a binary message must have a version |
 * | `tls-certificate`, `tls-key`, `tls-ca` | %NULL | files that say who it is and whose clients it trusts, instead of the URI's `cert`, `key` and `ca` |
 * | `tls-clients` | %G_TLS_AUTHENTICATION_NONE | whether a client's certificate is requested or required; none: what the URI's `clients` says |
 * | `handshake-timeout` | 10000 | over TLS a peer must have shaken hands within it |
 *
 * A peer that speaks something else is logged in the domain "tally" at %G_LOG_LEVEL_MESSAGE, with what
 * its first bytes look like: once for each address, at most ten a minute.
 *
 * A request that is read but not executed is answered by a TApplicationException, type
 * INTERNAL_ERROR, with its name and sequence id, whose text says why and "not executed"; a oneway
 * cannot be told. Where a frame says how long it is, or the message's end is known otherwise, its
 * connection lives on; else the words and the connection's end leave together. Of unfinished messages
 * of more than 4 KiB, and no smaller than their mean, the one that has been so longest gives way: a
 * request is refused, an answer that its peer does not take is lost with its connection.
 */
typedef struct _TallyServer TallyServer;
TALLY_API GType tally_server_get_type (void);

TALLY_API TallyServer *
tally_server_new (ThriftProcessor *processor, const gchar *uri, GError **error);

TALLY_API gboolean tally_server_listen (TallyServer *self, GError **error);
TALLY_API gchar *tally_server_dup_uri (TallyServer *self);

TALLY_API void tally_server_stop (TallyServer *self);
TALLY_API void tally_server_reload (TallyServer *self);

TALLY_API void tally_server_add_registration (TallyServer *self, TallyRegistration *registration);
TALLY_API gboolean tally_server_use_systemd (TallyServer *self,
                                             const gchar *socket_name,
                                             GError **error);

/**
 * TallyAdmission:
 * @TALLY_ADMISSION_NONE: whatever comes, as far as the server's other limits go.
 * @TALLY_ADMISSION_CONCURRENCY: as many requests at once as its handlers can use, by the times that they take.
 * @TALLY_ADMISSION_DEADLINE: no request that could not be answered by its deadline.
 * @TALLY_ADMISSION_CLIENT: of each client its share, where several wait: of those with one certificate, at one address or of
 *   one user.
 *
 * What a server takes no more than: #TallyServer:admission. There may be later ones.
 *
 * Since: 0.2
 */
typedef enum /*< flags >*/
{
  TALLY_ADMISSION_NONE = 0,
  TALLY_ADMISSION_CONCURRENCY = 1 << 0,
  TALLY_ADMISSION_DEADLINE = 1 << 1,
  TALLY_ADMISSION_CLIENT = 1 << 2
} TallyAdmission;

#define TALLY_TYPE_ADMISSION (tally_admission_get_type ())
TALLY_API GType tally_admission_get_type (void);

/**
 * TallyServerState:
 * @TALLY_SERVER_CLOSED: it does not listen: not yet, or no longer.
 * @TALLY_SERVER_LISTENING: clients may connect, but nobody serves them yet.
 * @TALLY_SERVER_SERVING: clients are served.
 * @TALLY_SERVER_DRAINING: it was told to stop; it accepts nobody and finishes what it has.
 * @TALLY_SERVER_LEAVING: it was told to stop, and still serves while its registrations leave and `leave-delay` passes.
 *
 * How far a server is in its life. There may be later ones.
 *
 * Since: 0.2
 */
typedef enum
{
  TALLY_SERVER_CLOSED,
  TALLY_SERVER_LISTENING,
  TALLY_SERVER_SERVING,
  TALLY_SERVER_DRAINING,
  TALLY_SERVER_LEAVING
} TallyServerState;

#define TALLY_TYPE_SERVER_STATE (tally_server_state_get_type ())
TALLY_API GType tally_server_state_get_type (void);

TALLY_API TallyServerState tally_server_get_state (TallyServer *self);

/**
 * TallyServerSnapshot:
 * @connections: open now, refused ones included.
 * @workers: threads now.
 * @accepted: connections ever accepted.
 * @refused: those of them that were past `max-connections`, or found no descriptor.
 * @timed_out: connections closed because a time-out passed.
 * @requests: messages answered, refusals included, or executed where no answer was due.
 * @dropped: answers that came when the connection was closed or lost.
 * @running: requests that run now, where the server has an admission; else 0.
 * @running_limit: how many may; 0 where it has none.
 * @waiting: requests that wait apart from their connection.
 * @clients: with %TALLY_ADMISSION_CLIENT, clients that are connected.
 * @refused_busy: requests refused because they, or unfinished messages, passed `max-queued`, `queue-timeout` or
 *   `max-unfinished`.
 * @refused_limit: requests refused because as many waited as may.
 * @refused_client: requests refused because as many of their client waited as may.
 * @refused_deadline: requests refused because their deadline had passed, or would.
 * @refused_stopping: requests refused because the server stopped.
 *
 * What a server has done. It grows at its end: tally_server_snapshot() fills in as much as its caller was
 * compiled for. g_boxed_copy() takes those that tally_server_dup_snapshot() made.
 */
typedef struct
{
  guint connections;
  guint workers;
  guint64 accepted;
  guint64 refused;
  guint64 timed_out;
  guint64 requests;
  /* Here 0.1 ended: nothing above may change; what is new comes below. */
  guint64 dropped;
  guint running;
  guint running_limit;
  guint waiting;
  guint clients;
  guint64 refused_busy;
  guint64 refused_limit;
  guint64 refused_client;
  guint64 refused_deadline;
  guint64 refused_stopping;
} TallyServerSnapshot;

#define TALLY_TYPE_SERVER_SNAPSHOT (tally_server_snapshot_get_type ())
TALLY_API GType tally_server_snapshot_get_type (void);

TALLY_API void
tally_server_snapshot_sized (TallyServer *self, TallyServerSnapshot *snapshot, gsize size);
#define tally_server_snapshot(self, snapshot)                                                      \
  tally_server_snapshot_sized (self, snapshot, sizeof *(snapshot))
TALLY_API TallyServerSnapshot *tally_server_dup_snapshot (TallyServer *self);

/**
 * TallyServerPeerState:
 * @TALLY_SERVER_PEER_IDLE: nothing of a request is there.
 * @TALLY_SERVER_PEER_READING: a part of one is.
 * @TALLY_SERVER_PEER_ACTIVE: a request is executed, or waits for its turn, or a thread looks for the next one.
 * @TALLY_SERVER_PEER_WRITING: the peer does not take its answers.
 * @TALLY_SERVER_PEER_ENDING: its connection ends: it is told why, at its turn, and has the time to read it.
 *
 * What is done for a peer. There may be later ones.
 *
 * Since: 0.2
 */
typedef enum
{
  TALLY_SERVER_PEER_IDLE,
  TALLY_SERVER_PEER_READING,
  TALLY_SERVER_PEER_ACTIVE,
  TALLY_SERVER_PEER_WRITING,
  TALLY_SERVER_PEER_ENDING
} TallyServerPeerState;

#define TALLY_TYPE_SERVER_PEER_STATE (tally_server_peer_state_get_type ())
TALLY_API GType tally_server_peer_state_get_type (void);

/**
 * TallyServerPeer:
 * @address: where it is, `127.0.0.1:40000`, or over a Unix socket who, `process 12 of user 1000`.
 * @state: what is done for it.
 * @duration: microseconds since it connected.
 * @requests: of it that were answered, or executed where no answer is due.
 * @waiting: of it that wait for their turn.
 * @held: bytes of requests and answers that are kept for it.
 * @under_way: calls of it that are under way, where the server has an interceptor; else 0.
 * @method: (nullable): what the one of these calls that has lasted longest is of; %NULL where there is none.
 * @method_duration: microseconds for which that one has lasted.
 *
 * One connection of a server. Only the library makes it, and it grows at its end.
 *
 * Since: 0.2
 */
typedef struct
{
  gchar *address;
  TallyServerPeerState state;
  gint64 duration;
  guint64 requests;
  guint waiting;
  guint64 held;
  guint under_way;
  gchar *method;
  gint64 method_duration;
} TallyServerPeer;

#define TALLY_TYPE_SERVER_PEER (tally_server_peer_get_type ())
TALLY_API GType tally_server_peer_get_type (void);
TALLY_API TallyServerPeer *tally_server_peer_copy (const TallyServerPeer *peer);
TALLY_API void tally_server_peer_free (TallyServerPeer *peer);

TALLY_API GPtrArray *tally_server_dup_peers (TallyServer *self, guint max);

/**
 * TallyServerStatistics: (skip)
 *
 * What #TallyServerSnapshot was called in 0.1.
 *
 * Deprecated: 0.2: Use #TallyServerSnapshot.
 */
typedef TallyServerSnapshot TallyServerStatistics;
TALLY_API void tally_server_get_statistics (TallyServer *self, TallyServerSnapshot *statistics);

TALLY_API GTlsCertificate *tally_server_dup_peer_certificate (void);
TALLY_API gchar *tally_server_dup_peer_subject (void);
TALLY_API TallyHeaders *tally_server_dup_request_headers (void);
TALLY_API gboolean tally_server_set_reply_header (const gchar *name, const gchar *value);
TALLY_API gint64 tally_server_get_request_deadline (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyServer, g_object_unref)

G_END_DECLS

#endif /* TALLY_SERVER_H */

/* Owns the GObject types of this folder's public enumerations: names for each value, which properties,
 * signals and other languages go by. */
#include "tally-endpoint.h"
#include "tally-error.h"
#include "tally-pool-types.h"

G_DEFINE_ENUM_TYPE (TallyError,
                    tally_error,
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_FAILED, "failed"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_INVALID_ARGUMENT, "invalid-argument"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_TIMED_OUT, "timed-out"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_POOL_EXHAUSTED, "pool-exhausted"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_POOL_CLOSED, "pool-closed"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_CONNECT_FAILED, "connect-failed"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_BACKOFF, "backoff"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_NOT_SENT, "not-sent"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_CONNECTION_LOST, "connection-lost"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_LIMIT, "limit"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_INVALID_VALUE, "invalid-value"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_NOT_SUPPORTED, "not-supported"),
                    G_DEFINE_ENUM_VALUE (TALLY_ERROR_HANG_UP, "hang-up"))

G_DEFINE_ENUM_TYPE (TallyScheme,
                    tally_scheme,
                    G_DEFINE_ENUM_VALUE (TALLY_SCHEME_TCP, "tcp"),
                    G_DEFINE_ENUM_VALUE (TALLY_SCHEME_UNIX, "unix"),
                    G_DEFINE_ENUM_VALUE (TALLY_SCHEME_TLS, "tls"))

G_DEFINE_ENUM_TYPE (TallyProtocolId,
                    tally_protocol_id,
                    G_DEFINE_ENUM_VALUE (TALLY_PROTOCOL_BINARY, "binary"),
                    G_DEFINE_ENUM_VALUE (TALLY_PROTOCOL_COMPACT, "compact"),
                    G_DEFINE_ENUM_VALUE (TALLY_PROTOCOL_AUTO, "auto"))

G_DEFINE_ENUM_TYPE (TallyFraming,
                    tally_framing,
                    G_DEFINE_ENUM_VALUE (TALLY_FRAMING_FRAMED, "framed"),
                    G_DEFINE_ENUM_VALUE (TALLY_FRAMING_BUFFERED, "buffered"),
                    G_DEFINE_ENUM_VALUE (TALLY_FRAMING_HEADER, "header"),
                    G_DEFINE_ENUM_VALUE (TALLY_FRAMING_AUTO, "auto"))

G_DEFINE_ENUM_TYPE (TallyMode,
                    tally_mode,
                    G_DEFINE_ENUM_VALUE (TALLY_MODE_POOLED, "pooled"),
                    G_DEFINE_ENUM_VALUE (TALLY_MODE_UNPOOLED, "unpooled"),
                    G_DEFINE_ENUM_VALUE (TALLY_MODE_SHARED, "shared"))

G_DEFINE_ENUM_TYPE (TallyOutcome,
                    tally_outcome,
                    G_DEFINE_ENUM_VALUE (TALLY_OUTCOME_CLEAN, "clean"),
                    G_DEFINE_ENUM_VALUE (TALLY_OUTCOME_BROKEN, "broken"))

G_DEFINE_ENUM_TYPE (TallyPoolOrder,
                    tally_pool_order,
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ORDER_LIFO, "lifo"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ORDER_FIFO, "fifo"))

G_DEFINE_ENUM_TYPE (TallyPoolCheck,
                    tally_pool_check,
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_CHECK_ALWAYS, "always"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_CHECK_AUTO, "auto"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_CHECK_NEVER, "never"))

G_DEFINE_ENUM_TYPE (TallyPoolSystem,
                    tally_pool_system,
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_NET_HTTP_1, "net-http-1"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_NET_HTTP_2, "net-http-2"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_FASTHTTP, "fasthttp"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_GRPC, "grpc"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_REDIGO, "redigo"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_GO_REDIS, "go-redis"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_DATABASE_SQL, "database-sql"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_LIKE_HIKARICP, "hikaricp"))

G_DEFINE_ENUM_TYPE (TallyCloseReason,
                    tally_close_reason,
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_NONE, "none"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_BROKEN, "broken"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_UNREAD, "unread"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_DEAD, "dead"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_STALE, "stale"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_IDLE, "idle"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_LIFETIME, "lifetime"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_LIMIT, "limit"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_EVICTED, "evicted"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_CLEARED, "cleared"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_RETIRED, "retired"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_RESET, "reset"),
                    G_DEFINE_ENUM_VALUE (TALLY_CLOSE_POOL, "pool"))

G_DEFINE_ENUM_TYPE (TallyPoolEventKind,
                    tally_pool_event_kind,
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_EVENT_OPENED, "opened"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_EVENT_CLOSED, "closed"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_EVENT_WAITED, "waited"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_EVENT_EXHAUSTED, "exhausted"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_EVENT_LEAKED, "leaked"))

G_DEFINE_ENUM_TYPE (TallyPoolEntryKind,
                    tally_pool_entry_kind,
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ENTRY_IDLE, "idle"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ENTRY_BUSY, "busy"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ENTRY_DIALING, "dialing"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ENTRY_CLOSING, "closing"),
                    G_DEFINE_ENUM_VALUE (TALLY_POOL_ENTRY_WAITING, "waiting"))

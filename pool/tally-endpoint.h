/* Where to dial and how to speak there: the pool's key. Immutable once made. */
#ifndef TALLY_ENDPOINT_H
#define TALLY_ENDPOINT_H

#include <gio/gio.h>

#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TallyScheme:
 * @TALLY_SCHEME_TCP: `tcp://host:port`, IPv4 or IPv6, `tcp://[::1]:9090`.
 * @TALLY_SCHEME_UNIX: `unix:///path`, or `unix:@name` in Linux's abstract namespace.
 * @TALLY_SCHEME_TLS: `tls://host:port`, where GIO has TLS.
 */
typedef enum
{
  TALLY_SCHEME_TCP,
  TALLY_SCHEME_UNIX,
  TALLY_SCHEME_TLS
} TallyScheme;

#define TALLY_TYPE_SCHEME (tally_scheme_get_type ())
TALLY_API GType tally_scheme_get_type (void);

/**
 * TallyProtocolId:
 * @TALLY_PROTOCOL_BINARY: `protocol=binary`, the default; strict headers.
 * @TALLY_PROTOCOL_COMPACT: `protocol=compact`.
 * @TALLY_PROTOCOL_AUTO: `protocol=auto`, for servers: each connection's own, found by its first bytes. Since 0.2.
 */
typedef enum
{
  TALLY_PROTOCOL_BINARY,
  TALLY_PROTOCOL_COMPACT,
  TALLY_PROTOCOL_AUTO = 255
} TallyProtocolId;

#define TALLY_TYPE_PROTOCOL_ID (tally_protocol_id_get_type ())
TALLY_API GType tally_protocol_id_get_type (void);

/**
 * TallyFraming:
 * @TALLY_FRAMING_FRAMED: `transport=framed`, the default: four bytes of length before each message.
 * @TALLY_FRAMING_BUFFERED: `transport=buffered`: messages back to back.
 * @TALLY_FRAMING_HEADER: `transport=header`: frames with headers (THeader). A server takes clients of the other
 *   kinds too, as Apache's do, and answers each in its own. Since 0.2.
 * @TALLY_FRAMING_AUTO: `transport=auto`, for servers: as @TALLY_FRAMING_HEADER. Since 0.2.
 */
typedef enum
{
  TALLY_FRAMING_FRAMED,
  TALLY_FRAMING_BUFFERED,
  TALLY_FRAMING_HEADER,
  TALLY_FRAMING_AUTO
} TallyFraming;

#define TALLY_TYPE_FRAMING (tally_framing_get_type ())
TALLY_API GType tally_framing_get_type (void);

/**
 * TallyMode:
 * @TALLY_MODE_POOLED: `mode=pooled`, the default: a connection is borrowed for each call.
 * @TALLY_MODE_UNPOOLED: `mode=unpooled`: a connection is opened and closed for each call.
 * @TALLY_MODE_SHARED: `mode=shared`: many calls in flight on one connection.
 */
typedef enum
{
  TALLY_MODE_POOLED,
  TALLY_MODE_UNPOOLED,
  TALLY_MODE_SHARED
} TallyMode;

#define TALLY_TYPE_MODE (tally_mode_get_type ())
TALLY_API GType tally_mode_get_type (void);

/**
 * TallyEndpoint:
 *
 * An immutable, atomically reference-counted description of a service's address and of how to speak
 * there. Two endpoints made from URIs that mean the same compare equal and share a pool's
 * connections. `mode=shared` takes part in that, for a shared connection does not serve a caller
 * that wants it alone; the other modes, the timeout and strict belong to the channel and do not.
 */
typedef struct _TallyEndpoint TallyEndpoint;

/**
 * TALLY_MAX_ATTEMPTS:
 *
 * How often a call may be made at most, however it is asked for.
 *
 * Since: 0.2
 */
#define TALLY_MAX_ATTEMPTS 10

#define TALLY_TYPE_ENDPOINT (tally_endpoint_get_type ())
TALLY_API GType tally_endpoint_get_type (void);

TALLY_API TallyEndpoint *tally_endpoint_new (const gchar *uri, GError **error);
TALLY_API TallyEndpoint *tally_endpoint_ref (TallyEndpoint *endpoint);
TALLY_API void tally_endpoint_unref (TallyEndpoint *endpoint);
TALLY_API guint tally_endpoint_hash (gconstpointer endpoint);
TALLY_API gboolean tally_endpoint_equal (gconstpointer a, gconstpointer b);

TALLY_API const gchar *tally_endpoint_get_uri (const TallyEndpoint *endpoint);
TALLY_API TallyScheme tally_endpoint_get_scheme (const TallyEndpoint *endpoint);
TALLY_API TallyProtocolId tally_endpoint_get_protocol (const TallyEndpoint *endpoint);
TALLY_API TallyFraming tally_endpoint_get_framing (const TallyEndpoint *endpoint);
TALLY_API TallyMode tally_endpoint_get_mode (const TallyEndpoint *endpoint);
TALLY_API gint tally_endpoint_get_timeout (const TallyEndpoint *endpoint);
TALLY_API gboolean tally_endpoint_get_strict (const TallyEndpoint *endpoint);
TALLY_API guint tally_endpoint_get_attempts (const TallyEndpoint *endpoint);
TALLY_API const gchar *tally_endpoint_get_service (const TallyEndpoint *endpoint);
TALLY_API GSocketConnectable *tally_endpoint_get_connectable (const TallyEndpoint *endpoint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyEndpoint, tally_endpoint_unref)

G_END_DECLS

#endif /* TALLY_ENDPOINT_H */

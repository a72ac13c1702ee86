/* How a server answers a request, without interceptors and with them. */
#ifndef TALLY_SERVER_WATCHED_PRIVATE_H
#define TALLY_SERVER_WATCHED_PRIVATE_H

#include "server-requests-private.h"

G_BEGIN_DECLS

/* server_dispatch () without interceptors, and with them. */
ServerOutcome server_dispatch_plain (TallyServer *server,
                                     const TallyCodec *codec,
                                     const guint8 *bytes,
                                     gsize length,
                                     TallyBuffer *output,
                                     TallyLater *later,
                                     GError **error);
TALLY_COLD ServerOutcome server_dispatch_watched (TallyServer *server,
                                                  const TallyCodec *codec,
                                                  const TallyStream *stream,
                                                  const guint8 *bytes,
                                                  gsize length,
                                                  TallyBuffer *output,
                                                  TallyLater *later,
                                                  GError **error);

/* Answers one complete message into @output. @stream (nullable): whence it came, where the caller owns that. @later
 * (nullable): where an answer goes that comes later; one of the two is there. @error is not NULL: what it holds tells
 * outcomes apart. */
static inline ServerOutcome
server_dispatch_freely (TallyServer *server,
                        const TallyCodec *codec,
                        const TallyStream *stream,
                        const guint8 *bytes,
                        gsize length,
                        TallyBuffer *output,
                        TallyLater *later,
                        GError **error)
{
  if (tally_interceptors_is_empty (&server->interceptors))
    return server_dispatch_plain (server, codec, bytes, length, output, later, error);
  return server_dispatch_watched (server, codec, stream, bytes, length, output, later, error);
}

/* server_dispatch_freely () of what has a permit (server_set_permit ()): begins it, or refuses what would not make its
 * deadline. */
TALLY_COLD ServerOutcome server_dispatch_permitted (TallyServer *server,
                                                    const TallyCodec *codec,
                                                    const TallyStream *stream,
                                                    const guint8 *bytes,
                                                    gsize length,
                                                    TallyBuffer *output,
                                                    TallyLater *later,
                                                    GError **error);

/* Either, as the server is set up. */
static inline ServerOutcome
server_dispatch (TallyServer *server,
                 const TallyCodec *codec,
                 const TallyStream *stream,
                 const guint8 *bytes,
                 gsize length,
                 TallyBuffer *output,
                 TallyLater *later,
                 GError **error)
{
  if (G_UNLIKELY (server->running != NULL))
    return server_dispatch_permitted (server, codec, stream, bytes, length, output, later, error);
  return server_dispatch_freely (server, codec, stream, bytes, length, output, later, error);
}

/* What the message calls, its name as the client sent it. (nullable): the processor does not tell. */
const TallyMethod *server_find_method (const TallyServer *server, TallyMessage message);

/* server_refuse () for a message that is a request and whose interceptors are told so. @stream and @later as for
 * server_dispatch (). */
gboolean server_refuse_request (TallyServer *server,
                                const TallyCodec *codec,
                                const TallyStream *stream,
                                TallyLater *later,
                                const guint8 *bytes,
                                gsize length,
                                const gchar *text,
                                TallyBuffer *output);

/* ---- what the interceptors are told: server-watched.c ---- */

/* The request of @length bytes that begins with @message has come to its turn: calls their `before`. (transfer full):
 * what is known of it. *@denial: what one refused it with. */
TallyCallInfo *server_begin_watched (TallyServer *self,
                                     const TallyStream *stream,
                                     TallyLater *later,
                                     const TallyMessage *message,
                                     gsize length,
                                     GError **denial);
/* The exception that answers a request which an interceptor refused with @denial. */
void server_deny (const TallyCodec *codec,
                  const TallyMessage *message,
                  const GError *denial,
                  TallyBuffer *output);
/* @answer, of @length bytes, 0 where there is none, is what the request came to: calls `after`. @header: (nullable): what
 * goes around it. @error: (nullable): why it was denied, or malformed. */
void server_end_watched (TallyServer *self,
                         TallyCallInfo *info,
                         const ServerHeader *header,
                         const TallyCodec *codec,
                         const guint8 *answer,
                         gsize length,
                         const GError *error);
/* The connection of @request, which has no worker and will have none, ends: calls `before` and `after`. */
void server_tell_unexecuted (ServerConnection *connection, ServerRequest *request);

G_END_DECLS

#endif /* TALLY_SERVER_WATCHED_PRIVATE_H */

/* How a server answers a request, without interceptors and with them. */
#ifndef TALLY_SERVER_WATCHED_PRIVATE_H
#define TALLY_SERVER_WATCHED_PRIVATE_H

#include "server-requests-private.h"

G_BEGIN_DECLS

/* One complete message, and where its answer goes. */
typedef struct
{
  TallyServer *server;
  const TallyCodec *codec;
  const guint8 *bytes;
  gsize length;
  TallyBuffer *output;
  const TallyStream *stream; /* (nullable): whence the message came, where the caller owns that */
  TallyLater
      *later; /* (nullable): where an answer goes that comes later; one of the two is there */
} ServerExchange;

/* server_dispatch () without interceptors, and with them. */
ServerOutcome server_dispatch_plain (const ServerExchange *exchange, GError **error);
TALLY_COLD ServerOutcome server_dispatch_watched (const ServerExchange *exchange, GError **error);

/* Answers the message. @error is not NULL: what it holds tells outcomes apart. */
static inline ServerOutcome
server_dispatch_freely (const ServerExchange *exchange, GError **error)
{
  if (tally_interceptors_is_empty (&exchange->server->interceptors))
    return server_dispatch_plain (exchange, error);
  return server_dispatch_watched (exchange, error);
}

/* server_dispatch_freely () of what has a permit (server_set_permit ()): begins it, or refuses what would not make its
 * deadline. */
TALLY_COLD ServerOutcome server_dispatch_permitted (const ServerExchange *exchange, GError **error);

/* Either, as the server is set up. */
static inline ServerOutcome
server_dispatch (const ServerExchange *exchange, GError **error)
{
  if (G_UNLIKELY (exchange->server->running != NULL))
    return server_dispatch_permitted (exchange, error);
  return server_dispatch_freely (exchange, error);
}

/* Answers the message, which may end anywhere, by an exception that says @text, executing nothing. FALSE: its header is not
 * all there, or is none; then the exception has no name and sequence id 0. */
gboolean server_refuse (const ServerExchange *exchange, const gchar *text);
/* server_refuse () for a message that is a request and whose interceptors are told so. */
gboolean server_refuse_request (const ServerExchange *exchange, const gchar *text);

/* What the message calls, its name as the client sent it. (nullable): the processor does not tell. */
const TallyMethod *server_find_method (const TallyServer *server, TallyMessage message);

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

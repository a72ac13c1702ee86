/* What the header transport adds to a server's requests and replies. */
#ifndef TALLY_SERVER_HEADER_PRIVATE_H
#define TALLY_SERVER_HEADER_PRIVATE_H

#include "header-frame-private.h"
#include "tally-server.h"

G_BEGIN_DECLS

typedef struct _ServerConnection ServerConnection;

/* What came around a request by the header transport, and what is to go around its reply. */
typedef struct
{
  TallyHeaderFrame frame;
  TallyHeaders
      *headers; /* nullable: made when the handler asks, or for a request that runs apart */
  TallyHeaders *reply_headers; /* nullable: what the handler has set */
  TallyHeaders *persistent;    /* nullable, borrowed: the connection's */
  const gboolean
      *is_taken; /* nullable: whether the request has a reply of its own, which sets its headers */
  gint64 deadline; /* the connection's message_deadline */
} ServerHeader;

/* Reads the frame @bytes, and keeps what the client says for later requests. The message is in @message, or in @inflated where
 * it was compressed. */
gboolean server_header_open (ServerHeader *self,
                             ServerConnection *connection,
                             const guint8 *bytes,
                             gsize length,
                             TallyBuffer *inflated,
                             const guint8 **message,
                             gsize *message_length,
                             GError **error);
/* Makes what handlers ask for, so that the frame's bytes are no longer needed. */
void server_header_keep (ServerHeader *self);
/* Moves what @opened has to @self, which outlives the frame's bytes and the connection. */
void server_header_take (ServerHeader *self, ServerHeader *opened);
void server_header_clear (ServerHeader *self);
/* Sets a header of the reply. FALSE: there is room for no more. */
gboolean server_header_set (ServerHeader *self, const gchar *name, const gchar *value);
/* Puts the header around the reply that @output has from @start on, if it has any. */
void server_header_wrap (const ServerHeader *self,
                         const TallyServer *server,
                         TallyBuffer *output,
                         gsize start);
/* Before the whole frame @bytes is answered, or taken apart: what its header says of that. @since: server_now ()
 * when it came; 0: just now. */
void
server_header_note (ServerConnection *connection, const guint8 *bytes, gsize length, gint64 since);
/* What this thread answers now has @header (nullable). */
void server_peer_set_header (ServerHeader *header);
/* (nullable) */
ServerHeader *server_peer_get_header (void);

G_END_DECLS

#endif /* TALLY_SERVER_HEADER_PRIVATE_H */

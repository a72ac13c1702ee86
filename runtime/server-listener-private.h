/* The server's listening sockets. */
#ifndef TALLY_SERVER_LISTENER_PRIVATE_H
#define TALLY_SERVER_LISTENER_PRIVATE_H

#include <sys/types.h>

#include "stream-internal.h"
#include "tally-endpoint.h"

G_BEGIN_DECLS

#define TALLY_SERVER_MAX_LISTENERS 8
/* Peers that the kernel lets wait to be accepted. */
#define TALLY_SERVER_BACKLOG 1024

typedef struct
{
  gint fds[TALLY_SERVER_MAX_LISTENERS];
  guint n_fds;
  gint spare_fd; /* given up to accept and refuse a peer when descriptors have run out */
  guint16 port;  /* the real one; TCP */
  gchar *path;   /* Unix: to be unlinked if it is still this file */
  guint64 device;
  guint64 inode;
  pid_t pid;           /* the process that listened; a child shares the sockets */
  gboolean is_adopted; /* the sockets are somebody else's, too, who goes on listening there */
  GSocketAddress *adopted_address; /* nullable: of the first of these, where the URI's is another */
  gboolean is_local;
} ServerListener;

gboolean server_listener_open (ServerListener *self, TallyEndpoint *endpoint, GError **error);
/* Listens on @fds, which stay open and listen already. */
gboolean server_listener_adopt (
    ServerListener *self, TallyEndpoint *endpoint, const gint *fds, guint n_fds, GError **error);
void server_listener_close (ServerListener *self);
/* Before that: lets no further peer in. Those that have connected can still be accepted. */
void server_listener_end (ServerListener *self);
/* Whether there are peers whose handshake is under way, as far as the kernel tells. */
gboolean server_listener_has_handshakes (const ServerListener *self);
/* Opens @stream, which may be moved until it is first used, to a new peer. FALSE with errno, EAGAIN when
 * there is none. Where descriptors have run out the peer is accepted and closed, and errno is EMFILE. */
gboolean server_listener_accept (ServerListener *self, guint index, TallyStream *stream);

G_END_DECLS

#endif /* TALLY_SERVER_LISTENER_PRIVATE_H */

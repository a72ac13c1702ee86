/* What dialing may do with a TallySocket beyond its public interface. */
#ifndef TALLY_SOCKET_PRIVATE_H
#define TALLY_SOCKET_PRIVATE_H

#include "tally-socket.h"

G_BEGIN_DECLS

/* As tally_socket_new_from_fd (), for a descriptor that is blocking and closed on exec already. */
TallySocket *tally_socket_new_prepared (gint fd);

G_END_DECLS

#endif /* TALLY_SOCKET_PRIVATE_H */

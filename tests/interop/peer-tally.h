/* What only Tally's generated code can say, and the bytes it makes of it. */
#ifndef PEER_TALLY_H
#define PEER_TALLY_H

#include "interop-peer.h"

/* (transfer full): the struct whose fields Apache C GLib loses. */
PeerWide *peer_make_wide (void);

/* Compares every line of the file (struct, protocol, bytes in hexadecimal) with what Tally's codec
 * makes of the same value, both ways. */
void peer_check_vectors (const gchar *path);

#endif /* PEER_TALLY_H */

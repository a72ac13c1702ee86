/* What a peer sent, as it may be shown in an error or a log. */
#ifndef TALLY_PEER_TEXT_H
#define TALLY_PEER_TEXT_H

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of names and of whole texts that are shown at most. */
#define TALLY_PEER_NAME_MAX 128
#define TALLY_PEER_TEXT_MAX 1024

/* The first @longest of @bytes as UTF-8 in which nothing ends a line or steers a terminal: what is not
 * printable, and the backslash, is escaped as in C. Says how much was cut off. (transfer full) */
gchar *tally_peer_text (gconstpointer bytes, gsize length, gsize longest);

/* (nullable): what else than a message that is expected here begins with @bytes, of which there may be
 * few: "HTTP", "Thrift's JSON protocol" and so on. */
const gchar *tally_peer_guess (gconstpointer bytes, gsize length);

/* Says at the end of @error (nullable, and so what it points to) what @bytes look like. */
void tally_peer_add_guess (GError **error, gconstpointer bytes, gsize length);

G_END_DECLS

#endif /* TALLY_PEER_TEXT_H */

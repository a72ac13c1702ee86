/* The protocols and the framings: one row each, and nothing else lists them. A row's first two
 * columns are the id and the name in a URI; the third is runtime's, and means nothing in this
 * folder. */
#ifndef TALLY_PROTOCOLS_INTERNAL_H
#define TALLY_PROTOCOLS_INTERNAL_H

#include "tally-endpoint.h"

G_BEGIN_DECLS

/* ROW (id, name, codec): the codec is a TallyCodec, which says all that is particular to a protocol. The
 * first row is the default. */
#define TALLY_PROTOCOLS(ROW)                                                                       \
  ROW (TALLY_PROTOCOL_BINARY, "binary", tally_codec_binary)                                        \
  ROW (TALLY_PROTOCOL_COMPACT, "compact", tally_codec_compact)

/* ROW (id, name, header): before each message there are so many bytes, which are its length; without a
 * length the protocol's scanner finds where a message ends. The first row is the default. */
#define TALLY_FRAMINGS(ROW)                                                                        \
  ROW (TALLY_FRAMING_FRAMED, "framed", 4)                                                          \
  ROW (TALLY_FRAMING_BUFFERED, "buffered", 0)                                                      \
  ROW (TALLY_FRAMING_HEADER, "header", 4)                                                          \
  ROW (TALLY_FRAMING_AUTO, "auto", 4)

/* The rows above and those that tests add. */
#define TALLY_MAX_PROTOCOLS 8

#define TALLY_COUNT_ROW(id, name, column) +1
#define TALLY_NAME_ROW(id, name, column) [id] = name,

/* The name of TALLY_PROTOCOL_AUTO, which has no row. */
#define TALLY_PROTOCOL_AUTO_NAME "auto"

/* What a URI calls it. */
const gchar *tally_protocol_get_name (TallyProtocolId id);
const gchar *tally_framing_get_name (TallyFraming framing);
/* All names, by id. */
const gchar *const *tally_protocol_get_names (guint *n_names);
const gchar *const *tally_framing_get_names (guint *n_names);

/* Whether what is sent there is compressed: `transform=zlib`. */
gboolean tally_endpoint_is_compressed (const TallyEndpoint *endpoint);

/* Lets URIs name a protocol that has no row; @name lives as long as the process. Returns its id. Before
 * other threads parse URIs. */
TallyProtocolId tally_protocol_add_name (const gchar *name);

G_END_DECLS

#endif /* TALLY_PROTOCOLS_INTERNAL_H */

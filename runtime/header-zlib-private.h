/* The header transport's one transform. */
#ifndef TALLY_HEADER_ZLIB_PRIVATE_H
#define TALLY_HEADER_ZLIB_PRIVATE_H

#include "buffer-internal.h"

G_BEGIN_DECLS

/* Appends to @output what @bytes inflate to, of at most @max bytes. With @is_prefix no more than that is
 * looked at, else more is THRIFT_PROTOCOL_ERROR_SIZE_LIMIT; what is no zlib data, or ends early or late, is
 * INVALID_DATA. */
gboolean tally_header_inflate (const guint8 *bytes,
                               gsize length,
                               gsize max,
                               gboolean is_prefix,
                               TallyBuffer *output,
                               GError **error);
/* Appends to @output what @bytes deflate to. */
void tally_header_deflate (const guint8 *bytes, gsize length, TallyBuffer *output);

G_END_DECLS

#endif /* TALLY_HEADER_ZLIB_PRIVATE_H */

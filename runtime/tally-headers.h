/* What travels beside a message: names with values. */
#ifndef TALLY_HEADERS_H
#define TALLY_HEADERS_H

#include <glib-object.h>

#include "tally-macros.h"

G_BEGIN_DECLS

/**
 * TALLY_HEADER_TIMEOUT:
 *
 * The header that tells a server how long its client still waits for the reply: milliseconds from when the
 * request was sent, as a decimal number; fbthrift's name and unit. A duration, because clocks of two machines
 * differ. A channel over `transport=header` sends it with each call that has a deadline, unless the caller's
 * own headers have it. 0 and what is no number say nothing.
 *
 * Since: 0.2
 */
#define TALLY_HEADER_TIMEOUT "client_timeout"

/**
 * TALLY_HEADERS_MAX:
 *
 * How many headers a message may have. All of them together, with their lengths, have at most 65,532 bytes.
 *
 * Since: 0.2
 */
#define TALLY_HEADERS_MAX 1024

/**
 * TallyHeaders:
 *
 * The headers of a request or a reply that travels by `transport=header` (THeader): names with values, in the
 * order in which they were first set, each name once. Reference-counted. May be read by several threads
 * at once, but not while one of them changes it.
 *
 * On the wire both are bytes and are passed on as they are: upper and lower case differ, and nothing is
 * escaped. What this side sets has a name of UTF-8 text, best of ASCII. What a peer sent may be anything; it
 * is text only where it is valid UTF-8 without a NUL, and tally_headers_lookup_bytes() gives all.
 *
 * Since: 0.2
 */
typedef struct _TallyHeaders TallyHeaders;

#define TALLY_TYPE_HEADERS (tally_headers_get_type ())
TALLY_API GType tally_headers_get_type (void);

TALLY_API TallyHeaders *tally_headers_new (void);
TALLY_API TallyHeaders *tally_headers_copy (const TallyHeaders *self);
TALLY_API TallyHeaders *tally_headers_ref (TallyHeaders *self);
TALLY_API void tally_headers_unref (TallyHeaders *self);

TALLY_API gboolean tally_headers_set (TallyHeaders *self, const gchar *name, const gchar *value);
TALLY_API gboolean tally_headers_set_bytes (TallyHeaders *self, const gchar *name, GBytes *value);
TALLY_API gboolean tally_headers_remove (TallyHeaders *self, const gchar *name);
TALLY_API void tally_headers_clear (TallyHeaders *self);

TALLY_API const gchar *tally_headers_lookup (const TallyHeaders *self, const gchar *name);
TALLY_API GBytes *tally_headers_lookup_bytes (const TallyHeaders *self, const gchar *name);
TALLY_API guint tally_headers_get_size (const TallyHeaders *self);
TALLY_API const gchar *tally_headers_get_name (const TallyHeaders *self, guint index);
TALLY_API const gchar *tally_headers_get_value (const TallyHeaders *self, guint index);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TallyHeaders, tally_headers_unref)

G_END_DECLS

#endif /* TALLY_HEADERS_H */

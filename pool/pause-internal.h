/* A pause of the calling thread. */
#ifndef TALLY_PAUSE_INTERNAL_H
#define TALLY_PAUSE_INTERNAL_H

#include <gio/gio.h>

G_BEGIN_DECLS

/* Sleeps until @until, by g_get_monotonic_time (). FALSE, at once, when @cancellable (nullable) is cancelled. */
gboolean tally_pause_until (gint64 until, GCancellable *cancellable);

G_END_DECLS

#endif /* TALLY_PAUSE_INTERNAL_H */

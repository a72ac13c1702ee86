/* A pool's buckets, options and hooks as a whole, and its end. */
#ifndef TALLY_REGISTRY_PRIVATE_H
#define TALLY_REGISTRY_PRIVATE_H

#include "core-private.h"

G_BEGIN_DECLS

/* pool-registry.c */
TallyPoolCore *tally_core_new (TallyPool *pool, guint event_signal);
TallyBucket *tally_core_dup_bucket (TallyPoolCore *core, TallyEndpoint *endpoint);
void tally_core_forget_all (TallyPoolCore *core);
void tally_core_snapshot (TallyPoolCore *core, TallyPoolSnapshot *snapshot);
void tally_core_set_option (TallyPoolCore *core, guint property_id, const GValue *value);
void tally_core_set_hook (TallyPoolCore *core,
                          TallyHookKind kind,
                          GCallback function,
                          gpointer data,
                          GDestroyNotify destroy);

/* pool-sweep.c */
#define TALLY_SMALLEST_SWEEP 64
void tally_core_forget_unused (TallyPoolCore *core);
void tally_core_sweep (TallyPoolCore *core);

/* pool-close.c */
void tally_core_close (TallyPoolCore *core, gboolean wait);

G_END_DECLS

#endif /* TALLY_REGISTRY_PRIVATE_H */

/* The pool's options as GObject properties. */
#ifndef TALLY_OPTIONS_INTERNAL_H
#define TALLY_OPTIONS_INTERNAL_H

#include "policy/policy-internal.h"

G_BEGIN_DECLS

void tally_pool_install_options (GObjectClass *class);
void tally_pool_options_set (TallyPoolOptions *self, guint property_id, const GValue *value);
void tally_pool_options_get (const TallyPoolOptions *self, guint property_id, GValue *value);

G_END_DECLS

#endif /* TALLY_OPTIONS_INTERNAL_H */

/* What load-steps.c asks of load-run.c. */
#ifndef LOAD_STEPS_PRIVATE_H
#define LOAD_STEPS_PRIVATE_H

#include "load.h"

G_BEGIN_DECLS

/* @calls calls by all of @mode's callers. Nothing of them is noted. */
void load_run_unmeasured (LoadOptions *options,
                          const LoadWork *work,
                          const LoadMode *mode,
                          guint64 calls);

G_END_DECLS

#endif /* LOAD_STEPS_PRIVATE_H */

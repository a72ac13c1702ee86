/* Keeps a fork from happening while a thread of the pool may hold one of GLib's locks (pool rule 22). */
#ifndef TALLY_GLIB_GATE_PRIVATE_H
#define TALLY_GLIB_GATE_PRIVATE_H

#include <glib.h>

G_BEGIN_DECLS

/* Around what does not block, runs no foreign code and takes no lock of Tally's; may be
 * nested. */
void tally_glib_begin (void);
void tally_glib_end (void);

/* Before a fork, one thread at a time: waits until no other thread is inside, and keeps the others out. */
void tally_glib_gate_shut (void);
void tally_glib_gate_open (void);
/* In the child, which is alone: the gate is open. */
void tally_glib_gate_start_anew (void);

G_END_DECLS

#endif /* TALLY_GLIB_GATE_PRIVATE_H */

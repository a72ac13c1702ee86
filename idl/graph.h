/* Cycles among definitions. */
#ifndef IDL_GRAPH_H
#define IDL_GRAPH_H

#include "model.h"

G_BEGIN_DECLS

/* Adds to @targets the definitions that @definition depends on. */
typedef void (*IdlGraphEdges) (IdlDefinition *definition, GPtrArray *targets, gpointer user_data);
/* @first depends, through others or itself, on @last, which depends on @first. The callback may cut
 * what it likes; the search goes on. */
typedef void (*IdlGraphCycle) (IdlDefinition *first, IdlDefinition *last, gpointer user_data);
/* All that @definition depends on was done before. */
typedef void (*IdlGraphDone) (IdlDefinition *definition, gpointer user_data);

/* Visits the definitions of @program of one of the @kinds (a mask of 1 << IdlDefinitionKind), each
 * once, dependencies first. Edges to other programs or kinds are not followed: what is included is
 * complete and cannot lead back. Needs no stack for deep graphs; linear in nodes and edges. */
void idl_graph_visit (IdlProgram *program,
                      guint kinds,
                      IdlGraphEdges edges,
                      IdlGraphCycle cycle,
                      IdlGraphDone done,
                      gpointer user_data);

G_END_DECLS

#endif /* IDL_GRAPH_H */

/* A processor that answers as a file says, for the methods of an IDL. */
#ifndef CLI_STAND_IN_H
#define CLI_STAND_IN_H

#include <thrift/c_glib/processor/thrift_processor.h>

#include "cli-answers.h"

G_BEGIN_DECLS

typedef struct _CliStandIn CliStandIn;

#define CLI_TYPE_STAND_IN (cli_stand_in_get_type ())
#define CLI_STAND_IN(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), CLI_TYPE_STAND_IN, CliStandIn))
GType cli_stand_in_get_type (void);

/* @answers live as long. @tells: each request is a line on standard output. */
CliStandIn *cli_stand_in_new (CliAnswers *answers, gboolean tells);
/* Ends the delays that are under way, and all later ones. */
void cli_stand_in_stop (CliStandIn *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CliStandIn, g_object_unref)

G_END_DECLS

#endif /* CLI_STAND_IN_H */

/* What the two halves of the wire's reader share. */
#ifndef CLI_WIRE_PRIVATE_H
#define CLI_WIRE_PRIVATE_H

#include "cli-wire.h"

G_BEGIN_DECLS

/* A length or count. */
gboolean cli_wire_read_size (CliWireReader *self, guint64 *size, const gchar *what);
gint64 cli_wire_unzigzag (guint64 value);
/* A value that is no struct and no container, of @value's wire type. */
gboolean cli_wire_read_plain (CliWireReader *self, CliWire *value, const TallyType *type);

G_END_DECLS

#endif /* CLI_WIRE_PRIVATE_H */

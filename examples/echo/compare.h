/* What the parts of echo-compare share. */
#ifndef EXAMPLES_COMPARE_H
#define EXAMPLES_COMPARE_H

#include "load.h"

/* compare-server.c */
typedef struct _CompareServer CompareServer;
/* Starts an echo-server on a free loopback port and waits until it listens. */
CompareServer *compare_server_start (const gchar *options, gchar **uri, GError **error);
gint compare_server_get_pid (const CompareServer *server);
/* Asks it to stop; FALSE with an error when it did not end well. */
gboolean compare_server_stop (CompareServer *server, GError **error);

/* compare-call.c: calls that echo a text of *@size bytes, which lives as long as they; of -1 the rich Payload instead. */
LoadWork compare_call (const gint *size);

#endif /* EXAMPLES_COMPARE_H */

/* Which calls a server's report names. */
#ifndef TALLY_SERVER_REPORT_PRIVATE_H
#define TALLY_SERVER_REPORT_PRIVATE_H

#include "server-private.h"

G_BEGIN_DECLS

/* A call of @connection that interceptors are told of is under way. */
void server_report_begin_locked (ServerConnection *connection, TallyCallInfo *info);
/* It is over. */
void server_report_end (TallyServer *self, TallyCallInfo *info);
/* The owner closes @connection, which has requests that run apart: their calls are nobody's. */
void server_report_close_locked (ServerConnection *connection);

G_END_DECLS

#endif /* TALLY_SERVER_REPORT_PRIVATE_H */

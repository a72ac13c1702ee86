/* What the server's files ask its admission. */
#ifndef TALLY_SERVER_ADMISSION_PRIVATE_H
#define TALLY_SERVER_ADMISSION_PRIVATE_H

#include "server-private.h"

G_BEGIN_DECLS

/* Before the server serves; at its end. */
void server_admission_open (TallyServer *self);
void server_admission_clear (TallyServer *self);
/* Whether so few may run that one worker always receives: what a connection sends is then read soon, and judged by its client. */
gboolean server_admission_leaves_worker (const TallyServer *self);
/* The owner is about to answer a message of @connection: whether it may run at once, with the worker's permit. */
gboolean server_admit (ServerConnection *connection, ServerWorker *worker);
/* The owner is about to let a message of @connection wait: why it must not. @method (nullable) is what it calls. */
ServerRefusal server_find_verdict (ServerConnection *connection, const TallyMethod *method);
/* For a request of @client that has waited. FALSE: as many run as may. */
gboolean
server_take_permit_locked (TallyServer *self, ServerPermit *permit, TallyTurnsClient *client);
/* The request has run, or is refused. */
void server_give_permit (TallyServer *self, ServerPermit *permit);
/* What this thread dispatches next has @permit (nullable). */
void server_set_permit (ServerPermit *permit);
/* This thread is about to execute a call of @method (nullable), by @deadline or 0. FALSE: it would not make it. */
gboolean server_begin_permitted (TallyServer *self, const TallyMethod *method, gint64 deadline);
/* Whether there is room for another request to run. */
gboolean server_has_room (const TallyServer *self);
guint server_get_running_limit (const TallyServer *self);
/* The owner closes @connection. */
void server_leave_client_locked (ServerConnection *connection);

G_END_DECLS

#endif /* TALLY_SERVER_ADMISSION_PRIVATE_H */

/* Several servers and a channel to all of them. Knows no test. */
#ifndef TESTS_RUNTIME_FLEET_FIXTURE_H
#define TESTS_RUNTIME_FLEET_FIXTURE_H

#include "server-fixture.h"
#include "tally-channel.h"
#include "tally-resolver.h"

G_BEGIN_DECLS

#define FLEET_SERVERS 3

typedef struct
{
  Running *servers[FLEET_SERVERS]; /* nullable: was stopped */
  gchar *addresses[FLEET_SERVERS]; /* HOST:PORT */
  gchar *scheme;                   /* "tcp://" or "tls://" */
  gchar *files;                    /* options of TLS, or "" */
  GString *list;                   /* what a channel's URI has before its options */
  TallyPool *pool;
  TallyChannel *channel; /* nullable */
} Fleet;

extern const gchar *const fleet_modes[3];

/* Starts the servers; @server_options as for running_start (). */
void fleet_start (Fleet *self, const gchar *address, const gchar *server_options);
/* A channel to all in the list. @options: of its URI. */
void fleet_open (Fleet *self, const gchar *options);
/* Adds an address to the list. */
void fleet_add (Fleet *self, const gchar *address);
void fleet_stop_server (Fleet *self, guint i);
/* Closes all that there is; nothing is lent any more. */
void fleet_stop (Fleet *self);
/* Adds up what the endpoints' buckets tell, one after the other. */
void fleet_snapshot (const Fleet *self, TallyPoolSnapshot *sum);
/* How often the handler of server @i was called. */
guint fleet_count (const Fleet *self, guint i);

/* (transfer full): it hears of changes by itself: from the test, which publishes. */
TallyResolver *fleet_resolver_new (void);

/* Whether a child process can call; else the test is skipped. */
gboolean fleet_can_follow_children (void);

/* Waits until a server is in block (): which one. */
guint fleet_find_blocked (const Fleet *self);

/* One echo; whether its answer was right. */
gboolean fleet_echo (const Fleet *self, const TallyCallOptions *options, GError **error);
/* fleet_echo () that does not block, in a main context of its own. */
gboolean fleet_echo_async (const Fleet *self, const TallyCallOptions *options, GError **error);

typedef gboolean (*FleetEcho) (const Fleet *self, const TallyCallOptions *options, GError **error);
/* Both. */
extern const FleetEcho fleet_echoes[2];
/* So many of them succeed. */
void fleet_check_echoes (const Fleet *self, FleetEcho echo, guint count);

G_END_DECLS

#endif /* TESTS_RUNTIME_FLEET_FIXTURE_H */

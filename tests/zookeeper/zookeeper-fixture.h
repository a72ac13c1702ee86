/* A ZooKeeper server that tests start, kill and start again, what writes to it, and servers of a service with a channel to them.
 * Knows no test. */
#ifndef TESTS_ZOOKEEPER_ZOOKEEPER_FIXTURE_H
#define TESTS_ZOOKEEPER_ZOOKEEPER_FIXTURE_H

#include <tally-zookeeper.h>

#include "demo_echo.h"

#define N_SERVERS 3

/* ---- ZooKeeper: one of the process', at one port ---- */

/* Starts it, if that has not been done. FALSE: there is none here, and the test is skipped. */
gboolean zookeeper_begin (void);
/* Ends it, and forgets what it knew. */
void zookeeper_finish (void);
/* (transfer none): `127.0.0.1:PORT` */
const gchar *zookeeper_get_server (void);
/* As a machine that is switched off. */
void zookeeper_kill (void);
/* With what it knew, or as one that has lost it, sessions too. */
void zookeeper_restart (gboolean keeps_data);

/* Writes the node @path, with the nodes above it; @data: NULL: removes it. Goes on until ZooKeeper has said that it is done. */
void zookeeper_write (const gchar *path, const gchar *data);
void zookeeper_write_bytes (const gchar *path, const gchar *data, gsize length);
/* (transfer full): names of the nodes in @path, in order. */
GPtrArray *zookeeper_list (const gchar *path);
/* Waits until there are @count nodes in @path; (transfer full): their names. */
GPtrArray *zookeeper_await_count (const gchar *path, guint count);
/* (transfer full) (nullable): what is in the node @path. */
gchar *zookeeper_read (const gchar *path);

/* ---- servers and a channel ---- */

typedef struct
{
  TallyServer *server;
  GThread *thread; /* nullable: it was stopped */
  gchar *address;  /* HOST:PORT */
  guint port;
  gint n_calls; /* atomic */
} EchoServer;

typedef struct
{
  EchoServer servers[N_SERVERS];
  TallyPool *pool;
  TallyChannel *channel; /* nullable */
  gchar *path;           /* in ZooKeeper, of this fixture alone */
} Fleet;

/* Servers that listen and serve. */
void fleet_start (Fleet *self);
/* Servers that are members of the path while they serve. */
void fleet_start_registered (Fleet *self);
/* Another server in the place of one that was stopped. @registration: (nullable) */
void fleet_start_server (Fleet *self, guint i, TallyRegistration *registration);
/* (transfer full): of the fixture's path. */
TallyRegistration *fleet_new_registration (const Fleet *self);
/* As its owner says when no call is under way. */
void fleet_stop_server (Fleet *self, guint i);
void fleet_stop (Fleet *self);
/* (transfer full): a channel to the members of the path. @tail: what stands behind the path. */
TallyChannel *fleet_open (const Fleet *self, const gchar *tail);
/* Server @i as the member @name, alive. */
void fleet_enter (const Fleet *self, const gchar *name, guint i);
void fleet_leave (const Fleet *self, const gchar *name);

gboolean echo_once (TallyChannel *channel, GError **error);
/* Calls until the servers that answer are those whose digits are in @which, in a time in which each of them must. */
void fleet_await (Fleet *self, TallyChannel *channel, const gchar *which);

#endif /* TESTS_ZOOKEEPER_ZOOKEEPER_FIXTURE_H */

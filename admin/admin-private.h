/* What the admin listener's files share.
 *
 *  - tally-admin.c is the object: what is watched, the listener's beginning and end;
 *  - admin-address.c makes a URI a listening socket;
 *  - admin-listener.c is the thread: it accepts, reads a request's head and ends what takes too long;
 *  - admin-answer.c is what libsoup asks: the paths, and what the answers' headers are;
 *  - admin-facts.c takes snapshots, of which admin-metrics.c makes OpenMetrics and admin-json.c JSON. */
#ifndef TALLY_ADMIN_PRIVATE_H
#define TALLY_ADMIN_PRIVATE_H

#include <tally.h>

G_BEGIN_DECLS

/* ---- what is watched ---- */

/* A server, a pool or a channel; what it is not is NULL. */
typedef struct
{
  gchar *name;
  TallyServer *server;
  TallyPool *pool;
  TallyCallStatistics *statistics; /* of a server's and of a channel's methods */
} AdminSource;

/* Sources are added under the lock and stay until the end, so that what has found one needs no lock. */
typedef struct
{
  GMutex lock;
  GPtrArray *servers;  /* lock: of AdminSource, as the others */
  GPtrArray *pools;    /* lock */
  GPtrArray *channels; /* lock */
  guint max_endpoints; /* of a pool, told one by one; constant while it listens */
} AdminWatched;

/* ---- admin-facts.c: snapshots; names are those of AdminWatched ---- */

typedef struct
{
  const gchar *name;
  TallyServerState state;
  TallyServerSnapshot numbers;
} AdminServer;

typedef struct
{
  const gchar *pool;
  TallyBucket *bucket;   /* NULL: several are added up */
  const gchar *endpoint; /* the bucket's */
  guint n_endpoints;     /* added up here */
  TallyPoolSnapshot numbers;
} AdminBucket;

typedef struct
{
  const gchar *pool;
  const gchar *endpoint;
  TallyPoolEntry *entry;
} AdminEntry;

typedef struct
{
  const gchar *server;
  TallyServerPeer *peer;
} AdminPeer;

typedef struct
{
  const gchar *name;
  TallyMethodStatistics *statistics;
} AdminMethod;

/* (transfer full) of each: an array of these structs. Those of buckets and entries are sorted by pool and endpoint. */
GArray *admin_take_servers (AdminWatched *watched);
GArray *admin_take_buckets (AdminWatched *watched);
GArray *admin_take_entries (GArray *buckets);
/* Of each server at most @max; *@count: connections of all servers. */
GArray *admin_take_peers (AdminWatched *watched, guint max, guint64 *count);
/* Of each pool all endpoints behind the first @max become one, of which the numbers are the sums. */
void admin_fold_buckets (GArray *buckets, guint max);
GArray *admin_take_methods (AdminWatched *watched);

/* The nick of an enumeration's value. */
const gchar *admin_get_nick (GType type, gint value);
/* (transfer full): @text (nullable) as UTF-8. */
gchar *admin_make_valid (const gchar *text);
/* Calls that came neither to a result nor to an exception of the method's. */
guint64 admin_count_errors (const TallyMethodStatistics *method);
/* "server" or "client". */
const gchar *admin_get_side (const TallyMethodStatistics *method);
/* The name of the error's domain. */
const gchar *admin_get_domain (const TallyErrorCount *error);

/* ---- admin-metrics.c, admin-json.c: (transfer full) text ---- */

gchar *admin_make_metrics (AdminWatched *watched, guint *status);
gchar *admin_make_health (AdminWatched *watched, guint *status);
gchar *admin_make_servers (AdminWatched *watched, guint *status);
gchar *admin_make_pools (AdminWatched *watched, guint *status);
gchar *admin_make_connections (AdminWatched *watched, guint *status);
gchar *admin_make_methods (AdminWatched *watched, guint *status);

/* ---- admin-address.c ---- */

/* Where it listens. */
typedef struct
{
  GSocket *socket; /* NULL: nowhere; so are the next ones */
  gchar *uri;      /* with the real port */
  gchar *path;     /* of a Unix socket; else NULL */
  guint64 device;  /* of its file; so is the next one */
  guint64 inode;
} AdminPlace;

/* Listens at @uri. @self is nowhere, and stays so when this fails. */
gboolean
admin_place_open (AdminPlace *self, const gchar *uri, gboolean allow_remote, GError **error);
/* Removes the file, if it is still the socket's: before that is closed. */
void admin_place_give_up (AdminPlace *self);
/* Closes the socket; in a child process, its copy of it. */
void admin_place_clear (AdminPlace *self);

/* ---- admin-listener.c ---- */

typedef struct _AdminListener AdminListener;

typedef struct
{
  guint max_connections;
  guint request_timeout; /* milliseconds */
} AdminLimits;

/* Begins to answer at @socket, on a thread of its own. */
AdminListener *
admin_listener_new (GSocket *socket, AdminWatched *watched, const AdminLimits *limits);
void admin_listener_free (AdminListener *self);

/* ---- admin-answer.c ---- */

typedef struct _SoupServer SoupServer;

/* (transfer full): answers the requests of the streams that it is given, in this thread's default main context.
 * @is_local: they come over a Unix socket, so that no page of somebody else's can have sent them. */
SoupServer *admin_answer_new (AdminWatched *watched, gboolean is_local);

G_END_DECLS

#endif /* TALLY_ADMIN_PRIVATE_H */

/* Several endpoints that one channel leads to, and the way of a call among them. */
#ifndef TALLY_FLEET_INTERNAL_H
#define TALLY_FLEET_INTERNAL_H

#include "fleet/attempt-internal.h"
#include "tally-pool.h"
#include "tally-resolver.h"
#include "tls-internal.h"

G_BEGIN_DECLS

typedef struct _TallyFleet TallyFleet;
/* What one call keeps of the endpoints that it tried. */
typedef struct _TallyRoute TallyRoute;

/* One endpoint of a list. */
typedef struct
{
  TallyEndpoint *endpoint;
  guint weight;
  guint priority; /* the least first */
} TallyTarget;

/* ---- fleet-list.c: what a URI says ---- */

/* (element-type TallyTarget) (transfer full): the endpoints of @uri, `tcp://a:1,b:1` or a single one, all with the same
 * options. @tls: as in tally_endpoint_new_with_tls (). */
GArray *tally_targets_new_empty (void);
GArray *tally_targets_new (const gchar *uri, const TallyTlsOptions *tls, GError **error);

/* ---- resolver-uri.c ---- */

/* @uri may have a resolver's scheme. Then @resolver, and @plain for tally_targets_new (): a URI with the same options. Otherwise
 * both are NULL. */
gboolean tally_resolver_parse_uri (const gchar *uri,
                                   TallyResolver **resolver,
                                   gchar **plain,
                                   GError **error);

/* ---- fleet.c ---- */

/* Without endpoints. Its connections come from @pool, which outlives it. @name: what dumps call it. @options: the URI's. */
TallyFleet *tally_fleet_new (TallyPool *pool, const gchar *name, const TallyEndpoint *options);
/* Makes @targets the list: those that are not in it get no further calls. */
void tally_fleet_set_targets (TallyFleet *self, const GArray *targets);
/* No call uses it any more. */
void tally_fleet_free (TallyFleet *self);

/* ---- fleet-route.c ---- */

/* For one call, in one thread at a time. */
TallyRoute *tally_route_new (TallyFleet *fleet);
void tally_route_free (TallyRoute *self);
/* (transfer none): where the call's first attempt goes, and its next after a pause: to an endpoint that was not tried
 * while there is one. It lives as long as the route. */
TallyBucket *tally_route_begin (TallyRoute *self);
/* (nullable) (transfer none): another endpoint; NULL: all were tried, or as many as may be. */
TallyBucket *tally_route_next (TallyRoute *self);
/* The attempt at that endpoint has ended. @error: nullable. */
void tally_route_end (TallyRoute *self, TallyAttemptEnd end, const GError *error);
/* Does not go where @other is while there is another endpoint. */
void tally_route_avoid (TallyRoute *self, const TallyRoute *other);
/* Attempts that failed since tally_route_begin (). */
guint tally_route_count_failures (const TallyRoute *self);
/* (transfer full): what became of each of them, briefly. */
gchar *tally_route_tell (const TallyRoute *self);

/* With `wait-for-ready`, where tally_route_next () gave none: calls @callback, once, in @context, when it makes sense to try
 * the endpoints again, or @deadline has passed, or @cancellable (nullable) is cancelled, or the pool is closed. FALSE: there is
 * nothing to wait for. */
gboolean tally_route_await (TallyRoute *self,
                            GMainContext *context,
                            gint64 deadline,
                            GCancellable *cancellable,
                            void (*callback) (gpointer data),
                            gpointer data);
/* (nullable) (transfer none): the endpoint after that wait. NULL with @error: the time is over. */
TallyBucket *tally_route_begin_round (TallyRoute *self, GError **error);

/* ---- fleet-lookup.c ---- */

/* Gets its lists from @resolver. Endpoints are as @uri, with another address. @tls: as in tally_targets_new (). */
void tally_fleet_follow (TallyFleet *self,
                         TallyResolver *resolver,
                         const gchar *uri,
                         const TallyTlsOptions *tls);
/* Whether no endpoint is known, and that may change soon. */
gboolean tally_fleet_must_wait (TallyFleet *self);
/* fleet-wait.c. Calls @callback, once, in @context, when a call need not wait any more, or at @deadline, or when @cancellable (nullable) is
 * cancelled. */
void tally_fleet_await (TallyFleet *self,
                        GMainContext *context,
                        gint64 deadline,
                        GCancellable *cancellable,
                        void (*callback) (gpointer data),
                        gpointer data);
/* (transfer full) (nullable): why the last lookup failed. */
GError *tally_fleet_dup_failure (TallyFleet *self);

G_END_DECLS

#endif /* TALLY_FLEET_INTERNAL_H */

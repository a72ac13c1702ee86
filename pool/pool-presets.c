/* Owns the stand-ins: for each system that Tally's pool can take the place of, the properties with
 * which it behaves as that system documents. docs/pool.md shows both sides. */
#include "options-internal.h"

/* The greatest value of the properties that count. */
#define NO_LIMIT G_MAXINT
#define SECONDS(n) ((n) *1000)
#define MINUTES(n) SECONDS ((n) *60)

/**
 * tally_pool_new_like:
 * @system: whose defaults and behaviour
 *
 * Makes a pool that behaves as @system's does with its defaults. Every property may be changed
 * afterwards; docs/pool.md shows what each system calls it.
 *
 * Returns: (transfer full): a pool
 */
TallyPool *
tally_pool_new_like (TallyPoolSystem system)
{
  switch (system)
    {
    case TALLY_POOL_LIKE_NET_HTTP_1:
      /* http.DefaultTransport: no limit per host, two idle kept per host, a hundred in all. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 0, "max-dials", NO_LIMIT, "max-idle", 2,
                           "max-idle-total", 100, "idle-timeout", SECONDS (90), "order",
                           TALLY_POOL_ORDER_LIFO, "connect-timeout", SECONDS (30), "backoff-base",
                           0, "wait-timeout", NO_LIMIT, NULL);
    case TALLY_POOL_LIKE_NET_HTTP_2:
      /* One connection for each host; a server commonly allows 100 streams (RFC 9113, 6.5.2). */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 0, "max-dials", 1, "streams-per-connection",
                           100, "idle-timeout", SECONDS (90), "connect-timeout", SECONDS (30),
                           "backoff-base", 0, "wait-timeout", NO_LIMIT, NULL);
    case TALLY_POOL_LIKE_FASTHTTP:
      /* HostClient: 512 per host, ErrNoFreeConns at once, idle for 10 s at most. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 512, "max-dials", 512, "wait-timeout", 0,
                           "idle-timeout", SECONDS (10), "lifetime-jitter", 0.0, "order",
                           TALLY_POOL_ORDER_LIFO, "connect-timeout", SECONDS (3), "backoff-base", 0,
                           "check", TALLY_POOL_CHECK_NEVER, NULL);
    case TALLY_POOL_LIKE_GRPC:
      /* A subchannel: one connection, and a second while the first ends after its GOAWAY; as many
       * streams as the server allows, which commonly are 100; 1 s to 120 s of backoff, fail fast
       * while it is in force, idle after 30 min. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 2, "max-dials", 1, "streams-per-connection",
                           100, "backoff-base", SECONDS (1), "backoff-max", SECONDS (120),
                           "connect-timeout", SECONDS (20), "idle-timeout", MINUTES (30),
                           "wait-timeout", NO_LIMIT, NULL);
    case TALLY_POOL_LIKE_REDIGO:
      /* Pool{MaxIdle: 3, Wait: false} as in its documentation; "connection pool exhausted". */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 0, "max-dials", NO_LIMIT, "max-idle", 3,
                           "wait-timeout", 0, "idle-timeout", SECONDS (240), "lifetime-jitter", 0.0,
                           "order", TALLY_POOL_ORDER_LIFO, "backoff-base", 0, NULL);
    case TALLY_POOL_LIKE_GO_REDIS:
      /* PoolSize is 10 for each processor; PoolTimeout is ReadTimeout plus a second. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 10 * g_get_num_processors (), "max-dials",
                           10 * g_get_num_processors (), "wait-timeout", SECONDS (4),
                           "idle-timeout", MINUTES (30), "lifetime-jitter", 0.0, "order",
                           TALLY_POOL_ORDER_LIFO, "connect-timeout", SECONDS (5), "check",
                           TALLY_POOL_CHECK_ALWAYS, NULL);
    case TALLY_POOL_LIKE_DATABASE_SQL:
      /* DB: no limit on open connections, two idle, no ages; the free list is used from its end
       * since Go 1.19. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 0, "max-dials", NO_LIMIT, "max-idle", 2,
                           "idle-timeout", 0, "max-lifetime", 0, "lifetime-jitter", 0.0,
                           "wait-timeout", NO_LIMIT, "check", TALLY_POOL_CHECK_NEVER,
                           "backoff-base", 0, NULL);
    case TALLY_POOL_LIKE_HIKARICP:
      /* HikariConfig of 5.1: ten, all kept ready, whatever idleTimeout (10 min) says; alive unless idle
       * for 500 ms; 30 s for everything; 30 min of life, shortened by up to 2.5 %; keepaliveTime off,
       * its default up to 6.0; one added at a time. */
      return g_object_new (TALLY_TYPE_POOL, "max-open", 10, "min-idle", 10, "max-dials", 2,
                           "wait-timeout", SECONDS (30), "check", TALLY_POOL_CHECK_AUTO,
                           "check-after", 500, "idle-timeout", MINUTES (10), "max-lifetime",
                           MINUTES (30), "lifetime-jitter", 0.025, NULL);
    }
  g_return_val_if_reached (NULL);
}

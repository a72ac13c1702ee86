/* Owns the tests of TallyAdmin: what it answers. */
#include <string.h>

#include "admin-fixture.h"
#include "harness.h"

/* ---- what it answers ---- */

static void
assert_health (Fixture *fixture, const gchar *status, const gchar *state)
{
  g_autofree gchar *answer = admin_get (fixture->admin, "/healthz");
  g_autofree gchar *line = g_strdup_printf ("HTTP/1.1 %s ", status);
  g_autofree gchar *member = g_strdup_printf ("\"state\":\"%s\"", state);

  CU_ASSERT_TRUE (g_str_has_prefix (answer, line));
  assert_part (answer, member);
}

/* Also while a handler holds up the server. */
static void
health_follows_the_server (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  GThread *call;

  assert_health (fixture, "503", "listening");
  fixture_serve (fixture);
  assert_health (fixture, "200", "serving");
  call = fixture_begin_call (fixture);
  tally_server_stop (fixture->server);
  while (tally_server_get_state (fixture->server) == TALLY_SERVER_SERVING)
    g_thread_yield ();
  assert_health (fixture, "503", "draining");
  fixture_end_call (call);
  fixture_join (fixture);
  assert_health (fixture, "503", "closed");
}

static void
calls_are_counted_on_both_sides (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autoptr (DemoSoldOut) sold_out = NULL;
  g_autofree gchar *metrics = NULL;

  fixture_serve (fixture);
  CU_ASSERT_FALSE (demo_shop_if_order (DEMO_SHOP_IF (fixture->shop), "unicorn", &sold_out, NULL));
  CU_ASSERT_FALSE (demo_shop_if_order (DEMO_SHOP_IF (fixture->shop), "dragon", &sold_out, NULL));
  fixture_join (fixture); /* so that the server's side is over, too */
  metrics = admin_get (fixture->admin, "/metrics");
  for (guint server = 0; server < 2; server++)
    {
      const gchar *labels =
          server ? "side=\"server\",name=\"shop\"" : "side=\"client\",name=\"street\"";
      g_autofree gchar *declared = g_strdup_printf (
          "tally_method_calls_total{%s,service=\"\",method=\"order\",outcome=\"declared\"} 1\n",
          labels);
      g_autofree gchar *exception = g_strdup_printf (
          "tally_method_calls_total{%s,service=\"\",method=\"order\",outcome=\"exception\"} 1\n",
          labels);
      g_autofree gchar *count = g_strdup_printf (
          "tally_method_latency_seconds_count{%s,service=\"\",method=\"order\"} 2\n", labels);

      assert_part (metrics, declared);
      assert_part (metrics, exception);
      assert_part (metrics, count);
    }
  assert_part (metrics, "tally_server_requests_total{server=\"shop\"} 3\n");
  CU_ASSERT_TRUE (g_str_has_suffix (metrics, "\n# EOF\n"));
}

static void
a_holder_is_named (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autofree gchar *held = NULL;
  g_autofree gchar *idle = NULL;
  GThread *call;

  fixture_serve (fixture);
  call = fixture_begin_call (fixture);
  held = admin_get (fixture->admin, "/connections");
  assert_part (held, "\"state\":\"busy\"");
  assert_part (held, "\"label\":\"count_stock\"");
  fixture_end_call (call);
  idle = admin_get (fixture->admin, "/connections");
  CU_ASSERT_PTR_NULL (strstr (idle, "busy"));
  assert_part (idle, "\"state\":\"idle\"");
}

/* With what is executed for it, since a server that is shown has an interceptor. */
static void
a_peer_is_told (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autofree gchar *held = NULL;
  g_autofree gchar *idle = NULL;
  GThread *call;

  fixture_serve (fixture);
  call = fixture_begin_call (fixture);
  held = admin_get (fixture->admin, "/connections");
  assert_part (held, "\"peer_count\":1,\"peers\":[{\"server\":\"shop\",\"peer\":\"127.0.0.1:");
  assert_part (held, "\"state\":\"active\"");
  assert_part (held, "\"under_way\":1,");
  assert_part (held, "\"method\":\"count_stock\",\"method_for_us\":");
  fixture_end_call (call);
  fixture_join (fixture);
  idle = admin_get (fixture->admin, "/connections");
  assert_part (idle, "\"peer_count\":0,\"peers\":[]");
}

/* Of a pool with many endpoints the last ones are added up, and how many these are is told. */
static void
many_endpoints_are_added_up (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autofree gchar *metrics = NULL;
  g_autofree gchar *pools = NULL;
  TallyBucket *buckets[5];

  tally_admin_stop (fixture->admin);
  g_object_set (fixture->admin, "max-endpoints", 2, NULL);
  CU_ASSERT_TRUE (tally_admin_listen (fixture->admin, LOOPBACK, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.%u:1", i + 1);
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);
      TallyLease lease;

      buckets[i] = tally_pool_dup_bucket (pool, endpoint);
      CU_ASSERT_FALSE (tally_bucket_borrow (buckets[i], "x", -1, NULL, &lease, NULL));
    }
  tally_admin_add_pool (fixture->admin, "many", pool);
  metrics = admin_get (fixture->admin, "/metrics");
  assert_part (metrics,
               "tally_pool_requests_total{pool=\"many\",endpoint=\"tcp://127.0.0.2:1\"} 1\n");
  assert_part (metrics, "tally_pool_requests_total{pool=\"many\",endpoint=\"(others)\"} 3\n");
  assert_part (metrics, "tally_pool_endpoints{pool=\"many\",endpoint=\"(others)\"} 3\n");
  CU_ASSERT_PTR_NULL (strstr (metrics, "127.0.0.3"));
  pools = admin_get (fixture->admin, "/pools");
  assert_part (pools, "\"endpoint\":\"(others)\",\"endpoints\":3,");
  for (guint i = 0; i < G_N_ELEMENTS (buckets); i++)
    tally_bucket_unref (buckets[i]);
}

/* Of two of a kind; one pool is there once. */
static void
names_are_unique (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autofree gchar *servers = NULL;
  g_autofree gchar *pools = NULL;

  tally_admin_add_server (fixture->admin, "shop", fixture->server);
  tally_admin_add_server (fixture->admin, "shop", fixture->server);
  tally_admin_add_pool (fixture->admin, "again", fixture->pool);
  servers = admin_get (fixture->admin, "/servers");
  assert_part (servers, "\"name\":\"shop\"");
  assert_part (servers, "\"name\":\"shop-2\"");
  assert_part (servers, "\"name\":\"shop-3\"");
  pools = admin_get (fixture->admin, "/pools");
  assert_part (pools, "\"pool\":\"street\"");
  CU_ASSERT_PTR_NULL (strstr (pools, "again"));
}

/* ---- properties ---- */

static void
properties_are_kept (void)
{
  g_autoptr (TallyAdmin) admin = tally_admin_new ();
  gboolean allow_remote;
  guint max_connections, request_timeout;

  g_object_get (admin, "allow-remote", &allow_remote, "max-connections", &max_connections,
                "request-timeout", &request_timeout, NULL);
  CU_ASSERT_FALSE (allow_remote);
  assert_int (max_connections, 32);
  assert_int (request_timeout, 30000);
  g_object_set (admin, "max-connections", 1, "request-timeout", 2, NULL);
  g_object_get (admin, "max-connections", &max_connections, "request-timeout", &request_timeout,
                NULL);
  assert_int (max_connections, 1);
  assert_int (request_timeout, 2);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (health_follows_the_server),   TEST (calls_are_counted_on_both_sides),
    TEST (a_holder_is_named),           TEST (a_peer_is_told),
    TEST (many_endpoints_are_added_up), TEST (names_are_unique),
    TEST (properties_are_kept),         { NULL, NULL },
  };

  admin_warm_up ();
  return test_main ("admin", cases, argc, argv);
}

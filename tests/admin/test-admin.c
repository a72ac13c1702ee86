/* Owns the tests of TallyAdmin: what it answers and refuses, and that peers cost it little. */
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

/* A name, a label: in JSON and in OpenMetrics neither ends what it stands in. */
static void
texts_are_escaped (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://127.0.0.1:1", NULL);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
  g_autofree gchar *metrics = NULL;
  g_autofree gchar *pools = NULL;
  g_autofree gchar *connections = NULL;
  g_autoptr (TallyBucket) used =
      tally_pool_dup_bucket (fixture->pool, tally_channel_get_endpoint (fixture->channel));
  TallyLease lease;

  CU_ASSERT_TRUE (tally_bucket_borrow (used, "a\"</script>\\\n\xff", -1, NULL, &lease, NULL));
  tally_admin_add_pool (fixture->admin, "a\"\\\n\xff", pool);
  metrics = admin_get (fixture->admin, "/metrics");
  assert_part (metrics, "{pool=\"a\\\"\\\\\\n\357\277\275\",endpoint=\"tcp://127.0.0.1:1\"}");
  pools = admin_get (fixture->admin, "/pools");
  assert_part (pools, "\"pool\":\"a\\\"\\\\\\n\357\277\275\"");
  connections = admin_get (fixture->admin, "/connections");
  assert_part (connections, "\"label\":\"a\\\"</script>\\\\\\n\357\277\275\"");
  tally_bucket_release (used, &lease, TALLY_OUTCOME_BROKEN);
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

/* ---- what it refuses ---- */

static void
only_its_own_hosts_are_answered (void)
{
  static const struct
  {
    const gchar *host;
    const gchar *status;
  } hosts[] = {
    { "Host: 127.0.0.1:9091\r\n", "200" },
    { "Host: [::1]\r\n", "200" },
    { "Host: LOCALHOST:1\r\n", "200" },
    { "Host: evil.example\r\n", "403" },
    { "Host: localhost.evil.example\r\n", "403" },
    { "Host: 127.0.0.1.evil.example\r\n", "403" },
    { "Host: localhost@evil.example\r\n", "403" },
    { "Host: \r\n", "403" },
    { "X: y\r\n", "4" }, /* libsoup itself says 400 to HTTP/1.1 without a host */
  };
  g_autoptr (TallyAdmin) admin = tally_admin_new ();

  CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree gchar *request =
          g_strdup_printf ("GET /healthz HTTP/1.1\r\n%s\r\n", hosts[i].host);
      g_autofree gchar *answer = admin_exchange (admin, request);
      g_autofree gchar *line = g_strdup_printf ("HTTP/1.1 %s", hosts[i].status);

      if (!g_str_has_prefix (answer, line))
        assert_string (answer, hosts[i].host);
    }
}

static void
only_reading_is_allowed (void)
{
  static const gchar *const methods[] = { "POST",  "PUT",     "DELETE", "OPTIONS",
                                          "TRACE", "CONNECT", "get",    "" };
  g_autoptr (TallyAdmin) admin = tally_admin_new ();
  g_autofree gchar *head = NULL;
  g_autofree gchar *lost = NULL;
  g_autofree gchar *page = NULL;

  CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autofree gchar *request =
          g_strdup_printf ("%s / HTTP/1.1\r\nHost: localhost\r\n\r\n", methods[i]);
      g_autofree gchar *answer = admin_exchange (admin, request);

      assert_status (answer, 405);
      assert_part (answer, "\r\nAllow: GET, HEAD\r\n");
    }
  head = admin_exchange (admin, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert_status (head, 200);
  assert_part (head, "\r\nContent-Length: ");
  CU_ASSERT_TRUE (g_str_has_suffix (head, "\r\n\r\n"));
  lost = admin_get (admin, "/metrics/");
  assert_status (lost, 404);
  page = admin_get (admin, "/");
  assert_status (page, 200);
  assert_part (page, "\r\nContent-Security-Policy: default-src 'none'; script-src 'sha256-");
}

/* ---- what peers cost ---- */

static void
a_long_head_is_refused (void)
{
  g_autoptr (TallyAdmin) admin = tally_admin_new ();
  g_autofree gchar *filling = g_strnfill (20000, 'x');
  g_autofree gchar *request = g_strconcat ("GET / HTTP/1.1\r\nX: ", filling, NULL);
  g_autofree gchar *answer = NULL;
  g_autofree gchar *body = NULL;
  g_autoptr (GSocket) socket = NULL;

  CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
  request[8192] = '\0'; /* what is behind it might turn the answer into a reset */
  answer = admin_exchange (admin, request);
  assert_status (answer, 431);
  /* a body is never read: libsoup finds its end at once */
  body =
      admin_exchange (admin,
                      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
  CU_ASSERT_TRUE (*body == '\0' || !g_str_has_prefix (body, "HTTP/1.1 200"));
}

static void
a_slow_peer_is_ended (void)
{
  g_autoptr (TallyAdmin) admin = g_object_new (TALLY_TYPE_ADMIN, "request-timeout", 50, NULL);
  g_autofree gchar *silent = NULL;
  g_autofree gchar *half = NULL;

  CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
  silent = admin_exchange (admin, "");
  half = admin_exchange (admin, "GET /healthz HTTP/1.1\r\nHost: loc");
  assert_string (silent, "");
  assert_string (half, "");
}

/* Whatever silent peers hold, a request that comes whole is answered; the silent ones go, the oldest first. */
static void
the_oldest_makes_room (void)
{
  g_autoptr (TallyAdmin) admin =
      g_object_new (TALLY_TYPE_ADMIN, "request-timeout", 3600000, "max-connections", 4, NULL);
  GSocket *silent[20];

  CU_ASSERT_TRUE (tally_admin_listen (admin, LOOPBACK, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = admin_connect (admin);
  for (guint i = 0; i < 10; i++)
    {
      g_autofree gchar *answer = admin_get (admin, "/healthz");

      assert_status (answer, 200);
    }
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    {
      /* the last ones may be there still */
      g_autofree gchar *received = i < 16 ? admin_receive (silent[i]) : NULL;

      g_object_unref (silent[i]);
    }
}

/* Many endpoints make an answer that no socket's buffer holds. */
static void
a_peer_that_takes_nothing_holds_up_no_stop (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autoptr (GPtrArray) buckets =
      g_ptr_array_new_with_free_func ((GDestroyNotify) tally_bucket_unref);
  g_autoptr (GSocket) lazy = NULL;
  g_autofree gchar *answer = NULL;
  g_autofree gchar *cut = NULL;

  g_object_set (fixture->admin, "max-endpoints", 2000, NULL);
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.1:%u", 1 + i);
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);

      g_ptr_array_add (buckets, tally_pool_dup_bucket (fixture->pool, endpoint));
    }
  lazy = admin_connect (fixture->admin);
  admin_send (lazy, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  answer = admin_get (fixture->admin, "/metrics");
  CU_ASSERT_TRUE (strlen (answer) > 8 * 1024 * 1024);
  CU_ASSERT_TRUE (g_str_has_suffix (answer, "# EOF\n"));
  tally_admin_stop (fixture->admin);
  cut = admin_receive (lazy);
  CU_ASSERT_TRUE (strlen (cut) < strlen (answer));
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
    TEST (health_follows_the_server),
    TEST (calls_are_counted_on_both_sides),
    TEST (a_holder_is_named),
    TEST (a_peer_is_told),
    TEST (texts_are_escaped),
    TEST (many_endpoints_are_added_up),
    TEST (names_are_unique),
    TEST (only_its_own_hosts_are_answered),
    TEST (only_reading_is_allowed),
    TEST (a_long_head_is_refused),
    TEST (a_slow_peer_is_ended),
    TEST (the_oldest_makes_room),
    TEST (a_peer_that_takes_nothing_holds_up_no_stop),
    TEST (properties_are_kept),
    { NULL, NULL },
  };

  admin_warm_up ();
  return test_main ("admin", cases, argc, argv);
}

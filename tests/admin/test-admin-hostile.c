/* Owns the tests of an admin listener whose peers, and whose program's peers, mean ill: what it refuses, what it says of names that they
 * make up, and that they cost it little. */
#include <string.h>

#include "admin-fixture.h"
#include "harness.h"

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

/* ---- slow readers ---- */

#define N_ENDPOINTS 2000

/* So many that no socket's buffer holds the answer. (transfer full) */
static GPtrArray *
add_endpoints (Fixture *fixture)
{
  GPtrArray *buckets = g_ptr_array_new_with_free_func ((GDestroyNotify) tally_bucket_unref);

  for (guint i = 0; i < N_ENDPOINTS; i++)
    {
      g_autofree gchar *uri = g_strdup_printf ("tcp://127.0.0.1:%u", 1 + i);
      g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, NULL);

      g_ptr_array_add (buckets, tally_pool_dup_bucket (fixture->pool, endpoint));
    }
  return buckets;
}

/* One that shows each of them. */
static Fixture *
new_large_fixture (guint max_connections)
{
  Fixture *fixture = fixture_new (LOOPBACK);

  tally_admin_stop (fixture->admin);
  g_object_set (fixture->admin, "max-endpoints", N_ENDPOINTS, "max-connections", max_connections,
                NULL);
  CU_ASSERT_TRUE (tally_admin_listen (fixture->admin, LOOPBACK, NULL));
  return fixture;
}

/* A connection that has asked for the large answer. (transfer full) */
static GSocket *
ask_for_much (Fixture *fixture)
{
  GSocket *socket = admin_connect (fixture->admin);

  admin_send (socket, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return socket;
}

static void
a_peer_that_takes_nothing_holds_up_no_stop (void)
{
  g_autoptr (Fixture) fixture = new_large_fixture (32);
  g_autoptr (GPtrArray) buckets = add_endpoints (fixture);
  g_autoptr (GSocket) lazy = ask_for_much (fixture);
  g_autofree gchar *answer = admin_get (fixture->admin, "/metrics");
  g_autofree gchar *cut = NULL;

  CU_ASSERT_TRUE (strlen (answer) > 8 * 1024 * 1024);
  CU_ASSERT_TRUE (g_str_has_suffix (answer, "# EOF\n"));
  tally_admin_stop (fixture->admin);
  cut = admin_receive (lazy);
  CU_ASSERT_TRUE (strlen (cut) < strlen (answer));
}

/* However many connect and send nothing. */
static void
a_slow_reader_is_answered_to_the_end (void)
{
  g_autoptr (Fixture) fixture = new_large_fixture (8);
  g_autoptr (GPtrArray) buckets = add_endpoints (fixture);
  g_autoptr (GSocket) slow = ask_for_much (fixture);
  g_autoptr (GPtrArray) silent = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree gchar *rest = NULL;
  g_autofree gchar *last = NULL;
  gchar some[100];

  CU_ASSERT (g_socket_receive (slow, some, sizeof some, NULL, NULL) > 0);
  for (guint i = 0; i < 200; i++)
    g_ptr_array_add (silent, admin_connect (fixture->admin));
  last = admin_get (fixture->admin, "/healthz"); /* the others were accepted before */
  CU_ASSERT_TRUE (g_str_has_prefix (last, "HTTP/1.1 503 "));
  rest = admin_receive (slow);
  CU_ASSERT_TRUE (g_str_has_suffix (rest, "# EOF\n"));
}

/* Those that do not take their answers keep nobody out. */
static void
a_request_gets_through_to_slow_readers (void)
{
  g_autoptr (Fixture) fixture = new_large_fixture (4);
  g_autoptr (GPtrArray) buckets = add_endpoints (fixture);
  g_autoptr (GPtrArray) lazy = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 12; i++)
    {
      g_autofree gchar *answer = NULL;

      g_ptr_array_add (lazy, ask_for_much (fixture));
      answer = admin_get (fixture->admin, "/healthz");
      CU_ASSERT_TRUE (g_str_has_prefix (answer, "HTTP/1.1 503 "));
    }
}

/* ---- what is said ---- */

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

/* In JSON no control character stands as it is. */
static void
control_characters_are_escaped (void)
{
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://127.0.0.1:1", NULL);
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
  gchar name[33] = "";
  g_autofree gchar *pools = NULL;
  const gchar *body;

  for (guint i = 1; i <= 32; i++)
    name[i - 1] = (gchar) i;
  tally_admin_add_pool (fixture->admin, name, pool);
  pools = admin_get (fixture->admin, "/pools");
  body = strstr (pools, "\r\n\r\n");
  CU_ASSERT_PTR_NOT_NULL_FATAL (body);
  for (const gchar *at = body + 4; *at != '\0'; at++)
    if ((guchar) *at < 0x20)
      assert_string (at, "no control character");
}

/* Names of methods that a client makes up are nobody's: they come neither to the metrics nor to the page. */
static void
made_up_methods_are_not_told (void)
{
  static const gchar *const names[] = { "<script>alert(1)</script>", "a\"} 1\n# EOF\n", "\xff\xfe",
                                        "x:<img src=x onerror=alert(1)>", "\xe2\x80\xa8" };
  g_autoptr (Fixture) fixture = fixture_new (LOOPBACK);
  g_autofree gchar *metrics = NULL;
  g_autofree gchar *methods = NULL;
  g_autofree gchar *connections = NULL;

  fixture_serve (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    fixture_call_made_up (fixture, names[i]);
  fixture_join (fixture);
  metrics = admin_get (fixture->admin, "/metrics");
  assert_part (
      metrics,
      "tally_method_calls_total{side=\"server\",name=\"shop\",service=\"\",method=\"(others)\","
      "outcome=\"exception\"} 5\n");
  CU_ASSERT_PTR_NULL (strstr (metrics, "alert"));
  methods = admin_get (fixture->admin, "/methods");
  CU_ASSERT_PTR_NULL (strstr (methods, "alert"));
  connections = admin_get (fixture->admin, "/connections");
  CU_ASSERT_PTR_NULL (strstr (connections, "alert"));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (only_its_own_hosts_are_answered),
    TEST (only_reading_is_allowed),
    TEST (a_long_head_is_refused),
    TEST (a_slow_peer_is_ended),
    TEST (the_oldest_makes_room),
    TEST (a_peer_that_takes_nothing_holds_up_no_stop),
    TEST (a_slow_reader_is_answered_to_the_end),
    TEST (a_request_gets_through_to_slow_readers),
    TEST (texts_are_escaped),
    TEST (control_characters_are_escaped),
    TEST (made_up_methods_are_not_told),
    { NULL, NULL },
  };

  admin_warm_up ();
  return test_main ("admin-hostile", cases, argc, argv);
}

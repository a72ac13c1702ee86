/* URIs: what they mean, what they are called, which are refused and why. */
#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "harness.h"
#include "tally-endpoint.h"
#include "tally-error.h"

static TallyEndpoint *
parse (const gchar *uri)
{
  g_autoptr (GError) error = NULL;
  TallyEndpoint *endpoint = tally_endpoint_new (uri, &error);

  assert_no_error (error);
  CU_ASSERT_PTR_NOT_NULL_FATAL (endpoint);
  return endpoint;
}

static void
assert_refused (const gchar *uri, const gchar *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new (uri, &error);

  CU_ASSERT_PTR_NULL (endpoint);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, part);
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, uri);
}

static void
assert_canonical (const gchar *uri, const gchar *canonical)
{
  g_autoptr (TallyEndpoint) endpoint = parse (uri);

  assert_string (tally_endpoint_get_uri (endpoint), canonical);
}

static void
defaults_are_binary_framed_pooled (void)
{
  g_autoptr (TallyEndpoint) endpoint = parse ("tcp://example.org:9090");

  assert_int (tally_endpoint_get_scheme (endpoint), TALLY_SCHEME_TCP);
  assert_int (tally_endpoint_get_protocol (endpoint), TALLY_PROTOCOL_BINARY);
  assert_int (tally_endpoint_get_framing (endpoint), TALLY_FRAMING_FRAMED);
  assert_int (tally_endpoint_get_mode (endpoint), TALLY_MODE_POOLED);
  assert_int (tally_endpoint_get_timeout (endpoint), -1);
  CU_ASSERT_TRUE (tally_endpoint_get_strict (endpoint));
  CU_ASSERT_PTR_NULL (tally_endpoint_get_service (endpoint));
}

static void
every_option_is_understood (void)
{
  g_autoptr (TallyEndpoint) endpoint = parse (
      "tls://h:1?mode=unpooled&timeout=250&service=Echo%20One&transport=buffered&protocol=compact");

  assert_int (tally_endpoint_get_scheme (endpoint), TALLY_SCHEME_TLS);
  assert_int (tally_endpoint_get_protocol (endpoint), TALLY_PROTOCOL_COMPACT);
  assert_int (tally_endpoint_get_framing (endpoint), TALLY_FRAMING_BUFFERED);
  assert_int (tally_endpoint_get_mode (endpoint), TALLY_MODE_UNPOOLED);
  assert_int (tally_endpoint_get_timeout (endpoint), 250);
  assert_string (tally_endpoint_get_service (endpoint), "Echo One");
  assert_string (tally_endpoint_get_uri (endpoint),
                 "tls://h:1?protocol=compact&transport=buffered&service=Echo%20One");
}

/* Connections of one identity are no other identity's: all that TLS is told takes part in equality. */
static void
tls_makes_endpoints_differ (void)
{
  const gchar *const options[] = { "",
                                   "?ca=/ca.pem",
                                   "?cert=/c.pem",
                                   "?cert=/c.pem&key=/k.pem",
                                   "?identity=a",
                                   "?host-check=no",
                                   "?clients=required" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    for (guint j = 0; j < G_N_ELEMENTS (options); j++)
      {
        g_autofree gchar *left = g_strconcat ("tls://h:1", options[i], NULL);
        g_autofree gchar *right = g_strconcat ("tls://h:1", options[j], NULL);
        g_autoptr (TallyEndpoint) a = parse (left);
        g_autoptr (TallyEndpoint) b = parse (right);

        CU_ASSERT (tally_endpoint_equal (a, b) == (i == j));
      }
  assert_canonical ("tls://h:1?host-check=yes&clients=ignored&mode=pooled", "tls://h:1");
  assert_canonical ("tls://h:1?identity=a%20b&mode=shared", "tls://h:1?mode=shared&identity=a%20b");
}

static void
canonical_uris_say_only_what_differs (void)
{
  assert_canonical ("tcp://LocalHost:9090/", "tcp://localhost:9090");
  assert_canonical ("tcp://h:1?protocol=binary&transport=framed&mode=pooled&timeout=0",
                    "tcp://h:1");
  assert_canonical ("tcp://h:1?mode=unpooled", "tcp://h:1");
  assert_canonical ("tcp://h:1?mode=shared", "tcp://h:1?mode=shared");
  assert_canonical ("tcp://h:1?mode=shared&service=S", "tcp://h:1?service=S&mode=shared");
  assert_canonical ("tcp://127.0.0.1:0", "tcp://127.0.0.1:0");
  assert_canonical ("tcp://[::1]:9090", "tcp://[::1]:9090");
  assert_canonical ("tcp://[::1]:0", "tcp://[::1]:0");
  assert_canonical ("tcp://[0:0:0:0:0:0:0:1]:9090", "tcp://[::1]:9090");
  assert_canonical ("tcp://[::ffff:127.0.0.1]:0", "tcp://127.0.0.1:0");
  assert_canonical ("tcp://[::1%251]:0", "tcp://[::1%251]:0");
  assert_canonical ("tcp://ex%61mple.org:9090", "tcp://example.org:9090");
  assert_canonical ("tcp://a%2fb:9090", "tcp://a%2Fb:9090");
  assert_canonical ("unix:///run/a%20b.sock", "unix:///run/a%20b.sock");
  assert_canonical ("unix:///run/%65cho.sock?transport=buffered",
                    "unix:///run/echo.sock?transport=buffered");
  assert_canonical ("unix:/run/echo.sock", "unix:///run/echo.sock");
  assert_canonical ("unix:@%65cho%20one?protocol=compact", "unix:@echo%20one?protocol=compact");
  assert_canonical ("unix:@a/b@c", "unix:@a/b@c");
  assert_canonical ("unix:///@a", "unix:///@a");
}

/* The canonical URI is taken again and means the same. */
static void
canonical_uris_are_stable (void)
{
  static const gchar *const uris[] = { "tcp://H:1?mode=shared",
                                       "tcp://[0::1]:0",
                                       "tcp://127.0.0.1:0",
                                       "unix:///run/a%20b%3Fc%25.sock",
                                       "unix:@a%20b%3Fc%25%40?transport=buffered",
                                       "tcp://[::ffff:127.0.0.1]:0",
                                       "tcp://[::ffff:7f00:1]:9",
                                       "tcp://[::127.0.0.1]:0",
                                       "tcp://[::]:0",
                                       "tcp://0.0.0.0:0",
                                       "tcp://[::1%251]:0",
                                       "tcp://[fe80::1%251]:0",
                                       "tcp://[fe80::1%25lo]:7",
                                       "tcp://127.1:0",
                                       "tcp://a%20b%2Fc%3F%23%40%25:7" };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (TallyEndpoint) endpoint = parse (uris[i]);

      assert_canonical (tally_endpoint_get_uri (endpoint), tally_endpoint_get_uri (endpoint));
    }
}

static void
abstract_names_may_be_as_long_as_paths (void)
{
  g_autofree gchar *name = g_strnfill (107, 'n');
  g_autofree gchar *uri = g_strconcat ("unix:@", name, NULL);
  g_autoptr (TallyEndpoint) endpoint = parse (uri);
  GUnixSocketAddress *address = G_UNIX_SOCKET_ADDRESS (tally_endpoint_get_connectable (endpoint));

  assert_int (tally_endpoint_get_scheme (endpoint), TALLY_SCHEME_UNIX);
  assert_int (g_unix_socket_address_get_address_type (address), G_UNIX_SOCKET_ADDRESS_ABSTRACT);
  assert_string (g_unix_socket_address_get_path (address), name);
}

static void
equality_leaves_out_what_the_channel_decides (void)
{
  g_autoptr (TallyEndpoint) a = parse ("tcp://h:1?protocol=compact&service=S");
  g_autoptr (TallyEndpoint) b =
      parse ("tcp://H:1?service=S&mode=unpooled&timeout=7&strict=no&protocol=compact");
  g_autoptr (TallyEndpoint) c = parse ("tcp://h:1?protocol=compact");
  g_autoptr (TallyEndpoint) shared = parse ("tcp://h:1?protocol=compact&mode=shared");
  g_autoptr (TallyEndpoint) again = tally_endpoint_ref (a);

  CU_ASSERT_FALSE (tally_endpoint_get_strict (b));
  CU_ASSERT_TRUE (tally_endpoint_equal (a, b));
  assert_int (tally_endpoint_hash (a), tally_endpoint_hash (b));
  CU_ASSERT_FALSE (tally_endpoint_equal (a, c));
  CU_ASSERT_FALSE (tally_endpoint_equal (c, shared));
  CU_ASSERT_TRUE (tally_endpoint_equal (a, again));
}

static void
numeric_hosts_need_no_resolver (void)
{
  g_autoptr (TallyEndpoint) v4 = parse ("tcp://10.0.0.1:5");
  g_autoptr (TallyEndpoint) v6 = parse ("tcp://[fe80::1]:5");
  g_autoptr (TallyEndpoint) local = parse ("unix:///tmp/s");
  g_autoptr (TallyEndpoint) name = parse ("tcp://h:5");

  CU_ASSERT_TRUE (G_IS_INET_SOCKET_ADDRESS (tally_endpoint_get_connectable (v4)));
  CU_ASSERT_TRUE (G_IS_INET_SOCKET_ADDRESS (tally_endpoint_get_connectable (v6)));
  CU_ASSERT_TRUE (G_IS_SOCKET_ADDRESS (tally_endpoint_get_connectable (local)));
  CU_ASSERT_TRUE (G_IS_NETWORK_ADDRESS (tally_endpoint_get_connectable (name)));
}

/* What is no text, or has no end, is an error's in parts. */
static void
refusals_are_short_texts (void)
{
  g_autofree gchar *name = g_strnfill (5000, 'h');
  g_autofree gchar *much = g_strconcat ("tcp://\303\274", name, NULL);
  const gchar *const uris[] = { "tcp://\377\376:1", "\377", "unix://\303", "tcp://h:1?service=\377",
                                much };

  for (guint i = 0; i < G_N_ELEMENTS (uris); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (tally_endpoint_new (uris[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "URI \"");
      CU_ASSERT_TRUE (g_utf8_validate (error->message, -1, NULL));
      CU_ASSERT (strlen (error->message) < 1100);
    }
}

static void
refusals_name_the_part_that_is_wrong (void)
{
  g_autofree gchar *path = g_strnfill (120, 'p');
  g_autofree gchar *long_path = g_strconcat ("unix:///", path, NULL);
  g_autofree gchar *long_name = g_strconcat ("unix:@", path, NULL);

  assert_refused ("", "URI");
  assert_refused ("localhost:9090", "scheme \"localhost\"");
  assert_refused ("http://h:1", "unknown scheme \"http\"");
  assert_refused ("tcp://h", "names no port");
  assert_refused ("tcp://:1", "names no host");
  assert_refused ("tcp://h:99999", "99999");
  assert_refused ("tcp://h:-1", "-1");
  assert_refused ("tcp://h:1/path", "\"/path\"");
  assert_refused ("tcp://me@h:1", "user");
  assert_refused ("tcp://h:1#x", "\"#x\"");
  assert_refused ("tcp://[::1:9090", "::1");
  assert_refused ("tcp://[zz::1]:9090", "zz");
  assert_refused ("tcp://h:1?protocol=json", "protocol is \"json\"; it must be binary or compact");
  assert_refused ("tcp://h:1?transport=http", "transport is \"http\"");
  assert_refused ("tcp://h:1?mode=fast", "pooled, unpooled or shared");
  assert_refused ("tcp://h:1?strict=maybe", "strict is \"maybe\"; it must be no or yes");
  assert_refused ("tcp://h:1?timeout=soon", "timeout is \"soon\"");
  assert_refused ("tcp://h:1?timeout=-1", "timeout is \"-1\"");
  assert_refused ("tcp://h:1?timeout=99999999999", "timeout");
  assert_refused ("tcp://h:1?service=", "service");
  assert_refused ("tcp://h:1?service=a%3Ab", "service is \"a:b\"");
  assert_refused ("tcp://h:1?colour=red", "unknown option \"colour\"");
  assert_refused ("tcp://h:1?ca=/ca.pem", "ca has no meaning without TLS");
  assert_refused ("unix:///x?host-check=no", "host-check has no meaning without TLS");
  assert_refused ("tls://h:1?key=/key.pem", "key is of no use without cert");
  assert_refused ("tls://h:1?ca=", "ca is empty");
  assert_refused ("tls://h:1?host-check=off", "host-check is \"off\"; it must be no or yes");
  assert_refused ("tls://h:1?clients=all", "ignored, requested or required");
  assert_refused ("tcp://h:1?mode=pooled&mode=pooled", "\"mode\" is given twice");
  assert_refused ("tcp://h:1?mode", "options");
  assert_refused ("unix://run/echo.sock", "unix:///");
  assert_refused ("unix:///", "names no path");
  assert_refused (long_path, "at most 107");
  assert_refused ("unix:@", "names no abstract name");
  assert_refused ("unix:@a%00b", "unix:@a%00b");
  assert_refused ("unix:echo.sock", "unix:@echo");
  assert_refused ("unix://@echo", "user");
  assert_refused (long_name, "at most 107");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (defaults_are_binary_framed_pooled),
    TEST (every_option_is_understood),
    TEST (tls_makes_endpoints_differ),
    TEST (canonical_uris_say_only_what_differs),
    TEST (canonical_uris_are_stable),
    TEST (abstract_names_may_be_as_long_as_paths),
    TEST (equality_leaves_out_what_the_channel_decides),
    TEST (numeric_hosts_need_no_resolver),
    TEST (refusals_are_short_texts),
    TEST (refusals_name_the_part_that_is_wrong),
    { NULL },
  };

  return test_main ("endpoint", cases, argc, argv);
}

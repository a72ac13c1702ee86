/* Owns the tests of what members' nodes say, and of addresses: forms that are right, wrong and hostile. No server is needed. */
#include <string.h>
#include <tally-zookeeper.h>

#include "harness.h"
#include "zookeeper-address-private.h"
#include "zookeeper-entry-private.h"

#define SERVER_SET(host, port, status)                                                             \
  "{\"serviceEndpoint\":{\"host\":\"" host "\",\"port\":" port "},\"additionalEndpoints\":{"       \
  "\"admin\":{\"host\":\"a.example\",\"port\":81}},\"status\":\"" status "\",\"shard\":3}"
#define HIVE "serverUri=h.example:10000;version=3.1.2;sequence=0000000007"

typedef struct
{
  const gchar *name;
  const gchar *data;
  const gchar *endpoint;
  const gchar
      *expected; /* an address; "": not to be used; else a part of the error, behind a "!" */
} Entry;

static void
check_entry (const Entry *entry, gsize length)
{
  /* of exactly that size, for AddressSanitizer */
  g_autofree gchar *data = g_memdup2 (entry->data, length > 0 ? length : 1);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *address = NULL;
  gboolean done =
      zookeeper_entry_parse (entry->name, data, length, entry->endpoint, &address, &error);

  if (*entry->expected == '!')
    {
      CU_ASSERT_FALSE (done);
      CU_ASSERT_PTR_NULL (address);
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, entry->expected + 1);
      return;
    }
  assert_no_error (error);
  CU_ASSERT_TRUE (done);
  assert_string (address, *entry->expected != '\0' ? entry->expected : NULL);
}

static void
members_say_where_they_are (void)
{
  static const Entry entries[] = {
    { "member_0000000001", SERVER_SET ("s.example", "9090", "ALIVE"), NULL, "s.example:9090" },
    { "member_0000000001", SERVER_SET ("10.0.0.1", "65535", "ALIVE"), NULL, "10.0.0.1:65535" },
    { "member_0000000001", SERVER_SET ("2001:db8::1", "1", "ALIVE"), NULL, "[2001:db8::1]:1" },
    { "member_0000000001", SERVER_SET ("s.example", "9090", "ALIVE"), "admin", "a.example:81" },
    { "member_0000000001", SERVER_SET ("s.example", "9090", "DEAD"), NULL, "" },
    { "member_0000000001", SERVER_SET ("s.example", "9090", "STOPPING"), "admin", "" },
    { "member_0000000001", SERVER_SET ("s.example", "9090", "alive"), NULL, "" },
    { "member_0000000001", "{\"serviceEndpoint\":{\"host\":\"s\",\"port\":1}}", NULL, "" },
    { "member_",
      " {\"status\":\"ALIVE\",\"serviceEndpoint\":{\"port\":1,\"host\":\"s\"},\"other\":[{}]}\n",
      NULL, "s:1" },
    { HIVE, "", NULL, "h.example:10000" },
    { HIVE, "h2.example:10001", NULL, "h.example:10000" },
    { HIVE,
      "hive.server2.thrift.bind.host=h2.example;hive.server2.transport.mode=binary;hive.server2."
      "thrift.port=10002;",
      NULL, "h2.example:10002" },
    { HIVE, "hive.server2.thrift.port=10002;hive.server2.authentication=NOSASL", NULL,
      "h.example:10000" },
    { "serverUri=[2001:db8::1]:10000;version=1;sequence=1", "", NULL, "[2001:db8::1]:10000" },
    { "serverUri=2001:db8::1:10000;version=1;sequence=1", "", NULL, "[2001:db8::1]:10000" },
    { "serverUri=h:1", "hive.server2.thrift.bind.host=2001:db8::1;hive.server2.thrift.port=2", NULL,
      "[2001:db8::1]:2" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    check_entry (&entries[i], strlen (entries[i].data));
}

static void
nonsense_is_named (void)
{
  static const Entry entries[] = {
    { "member_1", "", NULL, "!no JSON object" },
    { "member_1", "h:1", NULL, "!not JSON" },
    { "member_1", "[]", NULL, "!no JSON object" },
    { "member_1", "null", NULL, "!no JSON object" },
    { "member_1", "\xff\xfe{}", NULL, "!not JSON" },
    { "member_1", "{\"status\":\"ALIVE\"}", NULL, "!no serviceEndpoint" },
    { "member_1", "{\"status\":\"ALIVE\",\"serviceEndpoint\":[]}", NULL, "!no serviceEndpoint" },
    { "member_1", "{\"status\":\"ALIVE\",\"serviceEndpoint\":{\"host\":{},\"port\":1}}", NULL,
      "!no serviceEndpoint" },
    { "member_1", "{\"status\":\"ALIVE\",\"serviceEndpoint\":{\"host\":7,\"port\":1}}", NULL,
      "!no serviceEndpoint" },
    { "member_1", "{\"status\":\"ALIVE\",\"additionalEndpoints\":7}", "admin",
      "!no additional endpoint admin" },
    { "member_1", SERVER_SET ("s", "9090", "ALIVE"), "thrift", "!no additional endpoint thrift" },
    { "member_1", SERVER_SET ("s", "0", "ALIVE"), NULL, "!port is 0" },
    { "member_1", SERVER_SET ("s", "65536", "ALIVE"), NULL, "!port is 65536" },
    { "member_1", SERVER_SET ("s", "-1", "ALIVE"), NULL, "!port is -1" },
    { "member_1", SERVER_SET ("s", "\"9090\"", "ALIVE"), NULL, "!port is -1" },
    { "member_1", SERVER_SET ("s", "1.5", "ALIVE"), NULL, "!port is -1" },
    { "member_1", SERVER_SET ("s", "99999999999999999999", "ALIVE"), NULL, "!" },
    { "member_1", SERVER_SET ("", "1", "ALIVE"), NULL, "!host \"\"" },
    { "member_1", SERVER_SET ("evil/?ca=/etc/passwd", "1", "ALIVE"), NULL, "!host \"evil/?ca" },
    { "member_1", SERVER_SET ("a,b", "1", "ALIVE"), NULL, "!host \"a,b\"" },
    { "member_1", SERVER_SET ("u@h", "1", "ALIVE"), NULL, "!host \"u@h\"" },
    { "member_1", SERVER_SET ("a\\nb", "1", "ALIVE"), NULL, "!host \"a\\nb\"" },
    { "member_1", SERVER_SET ("fe80::1%eth0?x", "1", "ALIVE"), NULL, "!host" },
    { "serverUri=", "", NULL, "!HOST:PORT" },
    { "serverUri=h", "", NULL, "!HOST:PORT" },
    { "serverUri=:1", "", NULL, "!host \"\"" },
    { "serverUri=[]:1", "", NULL, "!host \"\"" },
    { "serverUri=[:1", "", NULL, "!host \"[\"" },
    { "serverUri=h:0", "", NULL, "!HOST:PORT" },
    { "serverUri=h:1?x", "", NULL, "!HOST:PORT" },
    { HIVE, "hive.server2.thrift.bind.host=;hive.server2.thrift.port=1", NULL, "!host \"\"" },
    { HIVE, "hive.server2.thrift.bind.host=h;hive.server2.thrift.port=x", NULL, "!HOST:PORT" },
    { HIVE, "hive.server2.transport.mode=http;", NULL, "!HTTP" },
    { HIVE, "", "admin", "!no additional endpoints" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    check_entry (&entries[i], strlen (entries[i].data));
}

/* Whatever a peer wrote: an answer or an error, and nothing else. */
static void
no_data_aborts (void)
{
  static const gchar whole[] = SERVER_SET ("s.example", "9090", "ALIVE");
  static const gchar *const names[] = { "member_1", HIVE, "serverUri=" };
  g_autofree gchar *deep = g_strnfill (65536, '[');
  g_autofree gchar *objects = g_strnfill (65536, '{');

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree gchar *data = g_memdup2 (whole, sizeof whole);
      gsize length = (gsize) g_random_int_range (0, sizeof whole);
      g_autofree gchar *address = NULL;

      for (gint n = g_random_int_range (0, 4); n > 0 && length > 0; n--)
        data[g_random_int_range (0, (gint32) length)] = (gchar) g_random_int_range (0, 256);
      zookeeper_entry_parse (names[i % G_N_ELEMENTS (names)], data, length,
                             i % 5 == 0 ? "admin" : NULL, &address, NULL);
      if (address != NULL)
        CU_ASSERT_PTR_NULL (strpbrk (address, "/?#@, \n"));
    }
  check_entry (&(const Entry){ "member_1", deep, NULL, "!more brackets" }, strlen (deep));
  check_entry (&(const Entry){ "member_1", objects, NULL, "!more brackets" }, strlen (objects));
  deep[1000] = '\0'; /* as deep as it may be */
  check_entry (&(const Entry){ "member_1", deep, NULL, "!not JSON" }, strlen (deep));
}

static void
what_is_written_is_read (void)
{
  static const gchar *const hosts[] = { "s.example", "10.0.0.1", "2001:db8::1" };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree gchar *text = zookeeper_entry_print (hosts[i], 9090, (gint) i - 1);
      g_autofree gchar *expected = zookeeper_entry_join (hosts[i], 9090, NULL);

      check_entry (&(const Entry){ "member_1", text, NULL, expected }, strlen (text));
      CU_ASSERT_EQUAL (strstr (text, "\"shard\":") != NULL, i > 0);
    }
}

static void
only_members_are_members (void)
{
  CU_ASSERT_TRUE (zookeeper_entry_is_member ("member_0000000001"));
  CU_ASSERT_TRUE (zookeeper_entry_is_member (HIVE));
  CU_ASSERT_FALSE (zookeeper_entry_is_member ("vector_0000000001"));
  CU_ASSERT_FALSE (zookeeper_entry_is_member (""));
}

static void
uris_are_taken_apart (void)
{
  static const struct
  {
    const gchar *uri, *servers, *path, *endpoint;
  } good[] = {
    { "zookeeper://a:2181/s", "a:2181", "/s", NULL },
    { "zookeeper://a:2181,b.example:2182,10.0.0.1:1/services/calc",
      "a:2181,b.example:2182,10.0.0.1:1", "/services/calc", NULL },
    { "zookeeper://[::1]:2181/s", "::1:2181", "/s", NULL },
    { "zookeeper://a:2181/a%20b!admin", "a:2181", "/a b", "admin" },
  };
  static const gchar *const bad[] = {
    "zookeeper:///s",         "zookeeper://a/s",
    "zookeeper://a:0/s",      "zookeeper://a:2181",
    "zookeeper://a:2181/",    "zookeeper://a:2181/a/",
    "zookeeper://a:2181//a",  "zookeeper://a:2181/a/../b",
    "zookeeper://a:2181,/s",  "zookeeper://a:x/s",
    "zookeeper://::1:2181/s", "zookeeper://a:2181/s?mode=shared",
    "zookeeper://a:2181/s!",  "zookeeper://a:2181/%00",
    "zookeeper://a:2181/%0a", "tcp://a:2181/s",
    "zookeeper://a:2181/%ff", "zookeeper://[]:2181/s",
    "zookeeper://u@a:2181/s", "",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZookeeperAddress) address = zookeeper_address_parse_uri (good[i].uri, &error);

      assert_no_error (error);
      CU_ASSERT_PTR_NOT_NULL_FATAL (address);
      assert_string (address->servers, good[i].servers);
      assert_string (address->path, good[i].path);
      assert_string (address->endpoint, good[i].endpoint);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      CU_ASSERT_PTR_NULL (zookeeper_address_parse_uri (bad[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "zookeeper://");
    }
}

/* A channel's URI: what is wrong in it is said when the channel is made. */
static void
channels_understand_the_scheme (void)
{
  static const gchar *const good[] = { "zookeeper://a:2181/s?mode=shared",
                                       "zookeeper+tls://a:2181/s!admin?protocol=compact" };
  static const gchar *const bad[] = { "zookeeper://a:2181", "zookeeper://a:2181/s?mood=shared",
                                      "zookeeper://a:2181?mode=shared", "zookeeper+tls://a/s",
                                      "zookeeper://a:2181/s?protocol=auto" };
  GError *error = NULL;

  CU_ASSERT_PTR_NULL (tally_channel_new (good[0], &error)); /* not yet */
  assert_error (error, TALLY_ERROR, TALLY_ERROR_NOT_SUPPORTED, "tally_zookeeper_init ()");
  g_clear_error (&error);
  tally_zookeeper_init ();
  tally_zookeeper_init ();
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (TallyChannel) channel = tally_channel_new (good[i], &error);

      if (i == 1 && channel == NULL) /* without glib-networking */
        g_clear_error (&error);
      assert_no_error (error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      CU_ASSERT_PTR_NULL (tally_channel_new (bad[i], &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, NULL);
      g_clear_error (&error);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (members_say_where_they_are),
    TEST (nonsense_is_named),
    TEST (no_data_aborts),
    TEST (what_is_written_is_read),
    TEST (only_members_are_members),
    TEST (uris_are_taken_apart),
    TEST (channels_understand_the_scheme),
    { NULL, NULL },
  };

  return test_main ("zookeeper-entry", cases, argc, argv);
}

/* Every property's default, and every property of the stand-ins. */
#include <string.h>

#include "harness.h"
#include "tally-pool.h"

/* "NAME=VALUE" of each property, or only of those that are not at their defaults, one a line. */
static gchar *
describe (TallyPool *pool, gboolean only_changed)
{
  GString *text = g_string_new (NULL);
  guint count;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (pool), &count);

  for (guint i = 0; i < count; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree gchar *contents = NULL;

      g_object_get_property (G_OBJECT (pool), specs[i]->name, &value);
      if (only_changed && g_param_value_defaults (specs[i], &value))
        continue;
      contents = G_VALUE_HOLDS_ENUM (&value)
                     ? g_enum_to_string (G_VALUE_TYPE (&value), g_value_get_enum (&value))
                     : g_strdup_value_contents (&value);
      g_string_append_printf (text, "%s=%s\n", specs[i]->name, contents);
    }
  return g_string_free (text, FALSE);
}

static void
options_defaults (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autofree gchar *text = describe (pool, FALSE);

  assert_string (text, "max-open=64\n"
                       "max-open-total=0\n"
                       "max-open-total-grace=50\n"
                       "max-idle=-1\n"
                       "max-idle-total=0\n"
                       "min-idle=0\n"
                       "max-waiters=0\n"
                       "idle-timeout=30000\n"
                       "max-lifetime=0\n"
                       "lifetime-jitter=0.100000\n"
                       "wait-timeout=-1\n"
                       "drain-timeout=5000\n"
                       "connect-timeout=3000\n"
                       "max-dials=4\n"
                       "backoff-base=100\n"
                       "backoff-max=10000\n"
                       "order=TALLY_POOL_ORDER_LIFO\n"
                       "check=TALLY_POOL_CHECK_ALWAYS\n"
                       "check-after=1000\n"
                       "streams-per-connection=1\n"
                       "leak-threshold=0\n"
                       "keepalive-interval=0\n"
                       "tcp-keepalive=30000\n"
                       "tcp-user-timeout=30000\n"
                       "wait-for-ready=FALSE\n");
}

/* What is set is what is read, whatever unit it is kept in. */
static void
options_are_kept (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  guint count;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (pool), &count);

  for (guint i = 0; i < count; i++)
    {
      g_auto (GValue) set = G_VALUE_INIT;
      g_auto (GValue) got = G_VALUE_INIT;

      g_value_init (&set, specs[i]->value_type);
      if (G_VALUE_HOLDS_INT (&set))
        g_value_set_int (&set, 1000 + (gint) i);
      else if (G_VALUE_HOLDS_UINT (&set))
        g_value_set_uint (&set, 1000 + i);
      else if (G_VALUE_HOLDS_DOUBLE (&set))
        g_value_set_double (&set, 0.25);
      else if (G_VALUE_HOLDS_BOOLEAN (&set))
        g_value_set_boolean (&set, TRUE);
      else
        g_value_set_enum (&set, 1);
      g_object_set_property (G_OBJECT (pool), specs[i]->name, &set);
      g_object_get_property (G_OBJECT (pool), specs[i]->name, &got);
      assert_int (g_param_values_cmp (specs[i], &set, &got), 0);
    }
}

static void
assert_like (TallyPoolSystem system, const gchar *expected)
{
  g_autoptr (TallyPool) pool = tally_pool_new_like (system);
  g_autofree gchar *text = describe (pool, TRUE);

  assert_string (text, expected);
}

static void
options_of_the_http_clients (void)
{
  assert_like (TALLY_POOL_LIKE_NET_HTTP_1, "max-open=0\n"
                                           "max-idle=2\n"
                                           "max-idle-total=100\n"
                                           "idle-timeout=90000\n"
                                           "wait-timeout=2147483647\n"
                                           "connect-timeout=30000\n"
                                           "max-dials=2147483647\n"
                                           "backoff-base=0\n");
  assert_like (TALLY_POOL_LIKE_NET_HTTP_2, "max-open=0\n"
                                           "idle-timeout=90000\n"
                                           "wait-timeout=2147483647\n"
                                           "connect-timeout=30000\n"
                                           "max-dials=1\n"
                                           "backoff-base=0\n"
                                           "streams-per-connection=100\n");
  assert_like (TALLY_POOL_LIKE_FASTHTTP, "max-open=512\n"
                                         "idle-timeout=10000\n"
                                         "lifetime-jitter=0.000000\n"
                                         "wait-timeout=0\n"
                                         "max-dials=512\n"
                                         "backoff-base=0\n"
                                         "check=TALLY_POOL_CHECK_NEVER\n");
  assert_like (TALLY_POOL_LIKE_GRPC, "max-open=2\n"
                                     "idle-timeout=1800000\n"
                                     "wait-timeout=2147483647\n"
                                     "connect-timeout=20000\n"
                                     "max-dials=1\n"
                                     "backoff-base=1000\n"
                                     "backoff-max=120000\n"
                                     "streams-per-connection=100\n");
}

static void
options_of_the_pools_of_databases (void)
{
  guint size = 10 * g_get_num_processors ();
  g_autofree gchar *go_redis = g_strdup_printf ("max-open=%u\n"
                                                "idle-timeout=1800000\n"
                                                "lifetime-jitter=0.000000\n"
                                                "wait-timeout=4000\n"
                                                "connect-timeout=5000\n"
                                                "max-dials=%u\n",
                                                size, size);

  assert_like (TALLY_POOL_LIKE_REDIGO, "max-open=0\n"
                                       "max-idle=3\n"
                                       "idle-timeout=240000\n"
                                       "lifetime-jitter=0.000000\n"
                                       "wait-timeout=0\n"
                                       "max-dials=2147483647\n"
                                       "backoff-base=0\n");
  assert_like (TALLY_POOL_LIKE_GO_REDIS, go_redis);
  assert_like (TALLY_POOL_LIKE_DATABASE_SQL, "max-open=0\n"
                                             "max-idle=2\n"
                                             "idle-timeout=0\n"
                                             "lifetime-jitter=0.000000\n"
                                             "wait-timeout=2147483647\n"
                                             "max-dials=2147483647\n"
                                             "backoff-base=0\n"
                                             "check=TALLY_POOL_CHECK_NEVER\n");
  assert_like (TALLY_POOL_LIKE_HIKARICP, "max-open=10\n"
                                         "min-idle=10\n"
                                         "idle-timeout=600000\n"
                                         "max-lifetime=1800000\n"
                                         "lifetime-jitter=0.025000\n"
                                         "wait-timeout=30000\n"
                                         "max-dials=2\n"
                                         "check=TALLY_POOL_CHECK_AUTO\n"
                                         "check-after=500\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (options_defaults),
    TEST (options_are_kept),
    TEST (options_of_the_http_clients),
    TEST (options_of_the_pools_of_databases),
    { NULL, NULL },
  };

  return test_main ("pool", cases, argc, argv);
}

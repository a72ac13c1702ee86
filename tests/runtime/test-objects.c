/* What GObject's users expect: objects that are made by g_initable_new (), properties that notify, types that
 * have names. */
#include <string.h>
#include <tally.h>

#include "harness.h"

static void
count_notification (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* ---- the channel ---- */

static void
a_channel_is_made_of_its_properties (void)
{
  const gchar *given = "tcp://h:1?timeout=250&strict=no";
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyPool) known = NULL;
  g_autofree gchar *uri = NULL;
  g_autoptr (TallyChannel) channel =
      g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "uri", given, "pool", pool, NULL);

  assert_no_error (error);
  g_object_get (channel, "uri", &uri, "pool", &known, NULL);
  assert_string (uri, given);
  CU_ASSERT_PTR_EQUAL (known, pool);
  CU_ASSERT_PTR_EQUAL (tally_channel_get_pool (channel), pool);
  assert_int (tally_channel_get_timeout (channel), 250);
  CU_ASSERT_FALSE (tally_channel_get_strict (channel));
}

static void
properties_win_over_the_uri (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel =
      g_initable_new (TALLY_TYPE_CHANNEL, NULL, &error, "timeout", 7, "strict", TRUE, "uri",
                      "tcp://h:1?timeout=250&strict=no", NULL);

  assert_no_error (error);
  assert_int (tally_channel_get_timeout (channel), 7);
  CU_ASSERT_TRUE (tally_channel_get_strict (channel));
  CU_ASSERT_PTR_EQUAL (tally_channel_get_pool (channel), tally_pool_get_default ());
}

static void
a_channel_says_why_it_is_not_made (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) again = NULL;
  g_autoptr (GError) no_uri = NULL;
  g_autoptr (TallyChannel) channel = g_object_new (TALLY_TYPE_CHANNEL, "uri", "tcp://h", NULL);

  CU_ASSERT_FALSE (g_initable_init (G_INITABLE (channel), NULL, &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "no port");
  CU_ASSERT_FALSE (g_initable_init (G_INITABLE (channel), NULL, &again));
  assert_error (again, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "no port");
  CU_ASSERT_PTR_NULL (g_initable_new (TALLY_TYPE_CHANNEL, NULL, &no_uri, NULL));
  assert_error (no_uri, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "URI");
}

/* ---- the server ---- */

static void
a_server_is_made_of_its_properties (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) bad = NULL;
  g_autofree gchar *before = NULL;
  g_autofree gchar *after = NULL;
  g_autoptr (TallyServer) server =
      g_initable_new (TALLY_TYPE_SERVER, NULL, &error, "uri", "tcp://127.0.0.1:0", NULL);
  guint n_notified = 0;

  assert_no_error (error);
  CU_ASSERT_PTR_NULL (g_initable_new (TALLY_TYPE_SERVER, NULL, &bad, "uri", "tcp://h", NULL));
  assert_error (bad, TALLY_ERROR, TALLY_ERROR_INVALID_ARGUMENT, "no port");
  g_signal_connect (server, "notify::uri", G_CALLBACK (count_notification), &n_notified);
  g_object_get (server, "uri", &before, NULL);
  assert_string (before, "tcp://127.0.0.1:0");
  CU_ASSERT_TRUE (tally_server_listen (server, &error));
  assert_no_error (error);
  assert_int (n_notified, 1);
  g_object_get (server, "uri", &after, NULL);
  CU_ASSERT_FALSE (g_str_has_prefix (after, "tcp://127.0.0.1:0?"));
}

static guint
get_number (gpointer object, const gchar *property)
{
  guint value;

  g_object_get (object, property, &value, NULL);
  return value;
}

static void
an_old_name_is_the_new_property (void)
{
  g_autoptr (TallyServer) old = g_object_new (TALLY_TYPE_SERVER, "max-message", 1000, NULL);
  g_autoptr (TallyServer) new = g_object_new (TALLY_TYPE_SERVER, "max-message-size", 2000, NULL);
  guint n_old = 0;
  guint n_new = 0;

  assert_int (get_number (old, "max-message-size"), 1000);
  assert_int (get_number (new, "max-message"), 2000);
  g_signal_connect (old, "notify::max-message", G_CALLBACK (count_notification), &n_old);
  g_signal_connect (old, "notify::max-message-size", G_CALLBACK (count_notification), &n_new);
  g_object_set (old, "max-message", 3000, NULL);
  assert_int (n_old, 1);
  assert_int (n_new, 1);
  g_object_set (old, "max-message-size", 4000, NULL);
  assert_int (n_old, 2);
  assert_int (n_new, 2);
  assert_int (get_number (old, "max-message"), 4000);
}

/* ---- every property ---- */

/* A value that the property @pspec may have and does not have now; @value is that of now. */
static void
change (const GParamSpec *pspec, GValue *value)
{
  if (G_VALUE_HOLDS_BOOLEAN (value))
    g_value_set_boolean (value, !g_value_get_boolean (value));
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, g_value_get_uint (value) == 100 ? 101 : 100);
  else if (G_VALUE_HOLDS_INT (value))
    g_value_set_int (value, g_value_get_int (value) == 100 ? 101 : 100);
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, g_value_get_uint64 (value) == 100 ? 101 : 100);
  else if (G_VALUE_HOLDS_DOUBLE (value))
    g_value_set_double (value, g_value_get_double (value) == 0.25 ? 0.5 : 0.25);
  else if (G_VALUE_HOLDS_ENUM (value))
    g_value_set_enum (value, g_value_get_enum (value) == 1 ? 0 : 1);
  else if (G_VALUE_HOLDS_STRING (value))
    g_value_set_string (value, "changed");
  else if (G_VALUE_HOLDS (value, TALLY_TYPE_RETRY_POLICY))
    g_value_take_boxed (value, tally_retry_policy_new (2));
}

/* Sets each property of @object that can be set, and sees that it notifies, once, and holds the value. */
static void
check_notifications (gpointer object)
{
  guint n_pspecs;
  g_autofree GParamSpec **pspecs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_pspecs);

  for (guint i = 0; i < n_pspecs; i++)
    {
      g_autofree gchar *detail = g_strconcat ("notify::", pspecs[i]->name, NULL);
      g_auto (GValue) value = G_VALUE_INIT;
      g_auto (GValue) after = G_VALUE_INIT;
      guint n_notified = 0;
      gulong handler;

      if ((pspecs[i]->flags & G_PARAM_CONSTRUCT_ONLY) != 0 || !(pspecs[i]->flags & G_PARAM_WRITABLE)
          || G_IS_PARAM_SPEC_OBJECT (pspecs[i]))
        continue;
      g_object_get_property (object, pspecs[i]->name, &value);
      change (pspecs[i], &value);
      handler = g_signal_connect (object, detail, G_CALLBACK (count_notification), &n_notified);
      g_object_set_property (object, pspecs[i]->name, &value);
      g_object_get_property (object, pspecs[i]->name, &after);
      if (n_notified != 1 || g_param_values_cmp (pspecs[i], &value, &after) != 0)
        assert_string (pspecs[i]->name, "a property that notifies once and keeps its value");
      g_signal_handler_disconnect (object, handler);
    }
}

static void
every_property_notifies (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool ("tcp://h:1", pool, NULL);
  g_autoptr (TallyServer) server = g_object_new (TALLY_TYPE_SERVER, NULL);

  check_notifications (pool);
  check_notifications (channel);
  check_notifications (server);
}

/* ---- types ---- */

typedef struct
{
  GType (*get_type) (void);
  const gchar *name;
  gint value;
  const gchar *nick;
} NamedValue;

static void
every_enumeration_has_names (void)
{
  static const NamedValue values[] = {
    { tally_error_get_type, "TallyError", TALLY_ERROR_HANG_UP, "hang-up" },
    { tally_scheme_get_type, "TallyScheme", TALLY_SCHEME_TLS, "tls" },
    { tally_protocol_id_get_type, "TallyProtocolId", TALLY_PROTOCOL_AUTO, "auto" },
    { tally_framing_get_type, "TallyFraming", TALLY_FRAMING_AUTO, "auto" },
    { tally_mode_get_type, "TallyMode", TALLY_MODE_SHARED, "shared" },
    { tally_outcome_get_type, "TallyOutcome", TALLY_OUTCOME_BROKEN, "broken" },
    { tally_pool_order_get_type, "TallyPoolOrder", TALLY_POOL_ORDER_FIFO, "fifo" },
    { tally_pool_check_get_type, "TallyPoolCheck", TALLY_POOL_CHECK_NEVER, "never" },
    { tally_pool_system_get_type, "TallyPoolSystem", TALLY_POOL_LIKE_HIKARICP, "hikaricp" },
    { tally_close_reason_get_type, "TallyCloseReason", TALLY_CLOSE_POOL, "pool" },
    { tally_pool_entry_kind_get_type, "TallyPoolEntryKind", TALLY_POOL_ENTRY_WAITING, "waiting" },
    { tally_pool_event_kind_get_type, "TallyPoolEventKind", TALLY_POOL_EVENT_LEAKED, "leaked" },
    { tally_kind_get_type, "TallyKind", TALLY_KIND_MAP, "map" },
    { tally_storage_get_type, "TallyStorage", TALLY_STORAGE_TABLE, "table" },
    { tally_requiredness_get_type, "TallyRequiredness", TALLY_DEFAULT, "default" },
    { tally_idempotence_get_type, "TallyIdempotence", TALLY_IDEMPOTENCE_NO, "no" },
    { tally_form_get_type, "TallyForm", TALLY_FORM_RESULT, "result" },
    { tally_server_peer_state_get_type, "TallyServerPeerState", TALLY_SERVER_PEER_ENDING,
      "ending" },
    { tally_server_state_get_type, "TallyServerState", TALLY_SERVER_LEAVING, "leaving" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      GEnumClass *class = g_type_class_ref (values[i].get_type ());

      assert_string (g_type_name (values[i].get_type ()), values[i].name);
      assert_string (g_enum_get_value (class, values[i].value)->value_nick, values[i].nick);
      /* the last of them, and none is left out before it, but for protocols that get a row */
      assert_int (class->maximum, values[i].value);
      assert_int (class->n_values, values[i].value == TALLY_PROTOCOL_AUTO
                                       ? TALLY_PROTOCOL_COMPACT + 2
                                       : values[i].value + 1);
      g_type_class_unref (class);
    }
}

static void
every_reason_is_called_alike (void)
{
  GEnumClass *class = g_type_class_ref (TALLY_TYPE_CLOSE_REASON);

  for (guint i = 0; i < class->n_values; i++)
    assert_string (class->values[i].value_nick,
                   tally_close_reason_to_string (class->values[i].value));
  g_type_class_unref (class);
}

static void
snapshots_are_values (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://h:1", NULL);
  g_autoptr (TallyBucket) bucket = tally_pool_dup_bucket (pool, endpoint);
  g_autoptr (TallyServer) server = g_object_new (TALLY_TYPE_SERVER, NULL);
  TallyPoolSnapshot *of_pool = tally_pool_dup_snapshot (pool);
  TallyPoolSnapshot *of_bucket = tally_bucket_dup_snapshot (bucket);
  TallyServerSnapshot *of_server = tally_server_dup_snapshot (server);
  TallyPoolSnapshot *copy = g_boxed_copy (TALLY_TYPE_POOL_SNAPSHOT, of_pool);
  TallyPoolSnapshot direct;
  TallyServerSnapshot direct_of_server;

  tally_pool_snapshot (pool, &direct);
  tally_server_snapshot (server, &direct_of_server);
  CU_ASSERT_TRUE (memcmp (copy, &direct, sizeof direct) == 0);
  CU_ASSERT_TRUE (memcmp (of_pool, of_bucket, sizeof direct) == 0);
  CU_ASSERT_TRUE (memcmp (of_server, &direct_of_server, sizeof direct_of_server) == 0);
  g_boxed_free (TALLY_TYPE_POOL_SNAPSHOT, copy);
  g_boxed_free (TALLY_TYPE_POOL_SNAPSHOT, of_pool);
  g_boxed_free (TALLY_TYPE_POOL_SNAPSHOT, of_bucket);
  g_boxed_free (TALLY_TYPE_SERVER_SNAPSHOT, of_server);
}

/* A caller of another version's has another size. */
static void
a_snapshot_fits_its_caller (void)
{
  g_autoptr (TallyServer) server = g_object_new (TALLY_TYPE_SERVER, NULL);
  struct
  {
    TallyServerSnapshot known;
    guint64 later;
  } larger;
  TallyServerSnapshot smaller;

  memset (&larger, 0xff, sizeof larger);
  memset (&smaller, 0xff, sizeof smaller);
  tally_server_snapshot_sized (server, &larger.known, sizeof larger);
  CU_ASSERT_TRUE (larger.later == 0);
  CU_ASSERT_TRUE (larger.known.requests == 0);
  tally_server_snapshot_sized (server, &smaller, G_STRUCT_OFFSET (TallyServerSnapshot, requests));
  CU_ASSERT_TRUE (smaller.timed_out == 0);
  CU_ASSERT_TRUE (smaller.requests == G_MAXUINT64);
}

static void
tables_are_shared (void)
{
  static const TallyEnumInfo empty = TALLY_EMPTY_ENUM_INFO ("Empty");
  const struct
  {
    GType type;
    gconstpointer table;
  } tables[] = {
    { TALLY_TYPE_TYPE, &tally_type_i32 },  { TALLY_TYPE_ENUM_INFO, &empty },
    { TALLY_TYPE_ENUM_VALUE, &empty },     { TALLY_TYPE_VALUE, &empty },
    { TALLY_TYPE_FIELD, &empty },          { TALLY_TYPE_STRUCT_INFO, &tally_empty_args },
    { TALLY_TYPE_METHOD, &empty },         { TALLY_TYPE_SERVICE, &empty },
    { TALLY_TYPE_PROCESSOR_INFO, &empty },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      gpointer copy = g_boxed_copy (tables[i].type, tables[i].table);

      CU_ASSERT_PTR_EQUAL (copy, tables[i].table);
      g_boxed_free (tables[i].type, copy);
    }
}

static void
a_bucket_is_boxed (void)
{
  g_autoptr (TallyPool) pool = tally_pool_new ();
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://h:1", NULL);
  TallyBucket *bucket = tally_pool_dup_bucket (pool, endpoint);
  TallyBucket *copy = g_boxed_copy (TALLY_TYPE_BUCKET, bucket);
  TallyLease lease = { 0 };
  TallyLease *of_nothing = g_boxed_copy (TALLY_TYPE_LEASE, &lease);
  TallyHistogram times = { 0 };
  TallyHistogram *same;
  TallyCallOptions options = { .timeout = 200 };
  TallyCallOptions *same_options = g_boxed_copy (TALLY_TYPE_CALL_OPTIONS, &options);

  times.sum = 5;
  same = g_boxed_copy (TALLY_TYPE_HISTOGRAM, &times);
  CU_ASSERT_TRUE (same->sum == 5);
  CU_ASSERT_PTR_NULL (of_nothing->transport);
  tally_bucket_unref (bucket);
  CU_ASSERT_TRUE (tally_endpoint_equal (tally_bucket_get_endpoint (copy), endpoint));
  g_boxed_free (TALLY_TYPE_BUCKET, copy);
  assert_int (same_options->timeout, 200);
  g_boxed_free (TALLY_TYPE_CALL_OPTIONS, same_options);
  g_boxed_free (TALLY_TYPE_LEASE, of_nothing);
  g_boxed_free (TALLY_TYPE_HISTOGRAM, same);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_channel_is_made_of_its_properties),
    TEST (properties_win_over_the_uri),
    TEST (a_channel_says_why_it_is_not_made),
    TEST (a_server_is_made_of_its_properties),
    TEST (an_old_name_is_the_new_property),
    TEST (every_property_notifies),
    TEST (every_enumeration_has_names),
    TEST (every_reason_is_called_alike),
    TEST (snapshots_are_values),
    TEST (a_snapshot_fits_its_caller),
    TEST (tables_are_shared),
    TEST (a_bucket_is_boxed),
    { NULL, NULL },
  };

  return test_main ("objects", cases, argc, argv);
}

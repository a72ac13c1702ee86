/* Values through Apache's protocols: what the engine writes and reads for exactly their classes is
 * compared with what the walker does for a subclass, over every kind of transport. */
#include <string.h>
#include <thrift/c_glib/protocol/thrift_compact_protocol.h>

#include "harness.h"
#include "protocol-fixture.h"
#include "tally-error.h"

/* ---- what reading comes to ---- */

typedef struct
{
  gint32 count; /* -1: it failed */
  GError *error;
  GObject *object;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_error (&self->error);
  g_clear_object (&self->object);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
outcome_read (Outcome *self, Way *way, GType type)
{
  self->error = NULL;
  self->object = g_object_new (type, NULL);
  self->count = thrift_struct_read (THRIFT_STRUCT (self->object), way->protocol, &self->error);
}

/* Apache's check of a count multiplies 32 bits by a size: it misses some counts, which the engine
 * finds. */
static gboolean
is_over_the_limit (const GError *error)
{
  return g_error_matches (error, THRIFT_TRANSPORT_ERROR,
                          THRIFT_TRANSPORT_ERROR_MAX_MESSAGE_SIZE_REACHED);
}

static gboolean
outcome_is (const Outcome *self, const Outcome *expected)
{
  if (self->count != expected->count)
    return FALSE;
  if (self->count >= 0)
    return self->error == NULL && tally_struct_equal (self->object, expected->object);
  return self->error != NULL && expected->error != NULL
         && (is_over_the_limit (self->error) || is_over_the_limit (expected->error)
             || g_error_matches (self->error, expected->error->domain, expected->error->code));
}

/* Fails with a text that says where the two differ. */
static void
report (const Outcome *self, const Outcome *expected, const Way *way, guint number)
{
  g_autofree gchar *text =
      g_strdup_printf ("%s over %s, case %u: %d bytes (%s), and walked %d (%s)",
                       way->compact ? "compact" : "binary", way_name (way->kind), number,
                       self->count, self->error != NULL ? self->error->message : "",
                       expected->count, expected->error != NULL ? expected->error->message : "");

  CU_assertImplementation (CU_FALSE, __LINE__, text, __FILE__, "", CU_FALSE);
}

/* What the walker makes of @bytes. A program's own transport is the one that no bug of Apache's
 * is in the way of. */
static void
read_walked (Outcome *outcome, gboolean compact, GType type, gconstpointer bytes, gsize length)
{
  g_auto (Way) way;

  way_open (&way, WAY_OWN, compact, TRUE, bytes, length);
  outcome_read (outcome, &way, type);
}

static void
compare (WayKind kind,
         gboolean compact,
         GType type,
         gconstpointer bytes,
         gsize length,
         const Outcome *expected,
         guint number)
{
  g_auto (Outcome) outcome = { 0 };
  g_auto (Way) way;

  way_open (&way, kind, compact, FALSE, bytes, length);
  outcome_read (&outcome, &way, type);
  if (!outcome_is (&outcome, expected))
    report (&outcome, expected, &way, number);
}

static GByteArray *
encode (gpointer object, gboolean compact)
{
  GError *error = NULL;
  g_autoptr (GBytes) bytes = tally_struct_encode (object, compact, &error);

  assert_no_error (error);
  return g_byte_array_append (g_byte_array_new (), g_bytes_get_data (bytes, NULL),
                              g_bytes_get_size (bytes));
}

/* ---- writing ---- */

static void
compare_written (gpointer object, gboolean compact)
{
  g_auto (Way) quick, walked;
  GError *error = NULL;
  gint32 written, expected;

  way_open (&quick, WAY_OWN, compact, FALSE, NULL, 0);
  way_open (&walked, WAY_OWN, compact, TRUE, NULL, 0);
  written = thrift_struct_write (THRIFT_STRUCT (object), quick.protocol, &error);
  assert_no_error (error);
  expected = thrift_struct_write (THRIFT_STRUCT (object), walked.protocol, &error);
  assert_no_error (error);
  assert_int (written, expected);
  assert_int (quick.pipe->output->len, written);
  assert_int (quick.pipe->n_writes, 1);
  CU_ASSERT_EQUAL (quick.pipe->output->len, walked.pipe->output->len);
  CU_ASSERT_TRUE (memcmp (quick.pipe->output->data, walked.pipe->output->data, written) == 0);
}

static void
bytes_are_the_same_in_one_write (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_autoptr (GObject) none = g_object_new (fix_empty_get_type (), NULL);
    g_autoptr (GObject) choice = g_object_new (fix_choice_get_type (), NULL);
    g_autoptr (GObject) point = (GObject *) fix_point_new (-1, "t");

    compare_written (all, compact);
    compare_written (none, compact);
    compare_written (choice, compact);
    compare_written (point, compact);
    g_ptr_array_add (((FixPoint *) point)->tags, NULL);
    compare_written (point, compact);
  }
}

static void
compare_refused (gpointer object, gboolean compact)
{
  g_auto (Way) quick, walked;
  GError *error = NULL, *expected = NULL;

  way_open (&quick, WAY_OWN, compact, FALSE, NULL, 0);
  way_open (&walked, WAY_OWN, compact, TRUE, NULL, 0);
  assert_int (thrift_struct_write (THRIFT_STRUCT (object), quick.protocol, &error), -1);
  assert_int (thrift_struct_write (THRIFT_STRUCT (object), walked.protocol, &expected), -1);
  CU_ASSERT_PTR_NOT_NULL_FATAL (expected);
  assert_error (error, expected->domain, expected->code, NULL);
  assert_int (quick.pipe->output->len, 0);
  assert_int (walked.pipe->output->len, 0);
  g_clear_error (&error);
  g_clear_error (&expected);
}

static void
nothing_is_written_of_what_cannot_be (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) node = g_object_new (fix_node_get_type (), NULL);
    FixNode *deep = (FixNode *) node;

    g_ptr_array_add (deep->children, NULL);
    compare_refused (node, compact);
    deep->children->len = 0; /* without the array's free function */
    for (guint i = 0; i < 100; i++)
      {
        deep->next = g_object_new (fix_node_get_type (), NULL);
        deep->__isset_next = TRUE;
        deep = deep->next;
      }
    compare_refused (node, compact);
  }
}

/* Apache's compact protocol has no type for it; in a container it counts even if none is there. */
static void
uuid_needs_the_binary_protocol (void)
{
  g_autoptr (GObject) full = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (FALSE);
  static const guint8 field[] = { 0x8d, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0 };
  static const guint8 list[] = { 0xc9, 0x0d, 0 };
  g_auto (Outcome) of_field = { 0 }, of_list = { 0 };

  compare_refused (full, TRUE);
  for (guint i = 0; i < FIX_ALL_FIELDS; i++)
    {
      FixAll *one = (FixAll *) all;

      if (one->isset[i])
        continue;
      one->isset[i] = TRUE;
      compare_refused (all, TRUE);
      one->isset[i] = FALSE;
    }
  compare_written (full, FALSE);

  read_walked (&of_field, TRUE, fix_all_get_type (), field, sizeof field);
  compare (WAY_OWN, TRUE, fix_all_get_type (), field, sizeof field, &of_field, 0);
  read_walked (&of_list, TRUE, fix_all_get_type (), list, sizeof list);
  compare (WAY_OWN, TRUE, fix_all_get_type (), list, sizeof list, &of_list, 1);
  assert_int (of_list.count, -1);
}

/* ---- reading ---- */

static const guint8 behind[] = "behind";

/* Two of @all, and what is behind them. */
static void
read_two (WayKind kind, gboolean compact, const GByteArray *bytes, gpointer all)
{
  g_autoptr (GByteArray) rest = NULL;
  g_auto (Way) way;

  way_open (&way, kind, compact, FALSE, bytes->data, bytes->len);
  for (guint i = 0; i < 2; i++)
    {
      g_auto (Outcome) outcome = { 0 };

      outcome_read (&outcome, &way, fix_all_get_type ());
      assert_no_error (outcome.error);
      assert_int (outcome.count, (bytes->len - sizeof behind) / 2);
      CU_ASSERT_TRUE (tally_struct_equal (outcome.object, all));
    }
  rest = way_read_rest (&way);
  assert_int (rest->len, sizeof behind);
  CU_ASSERT_TRUE (memcmp (rest->data, behind, rest->len) == 0);
}

/* What follows a value is neither taken nor waited for. */
static void
nothing_behind_a_value_is_touched (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_autoptr (GByteArray) bytes = encode (all, compact);
    g_autoptr (GByteArray) again = encode (all, compact);

    g_byte_array_append (bytes, again->data, again->len);
    g_byte_array_append (bytes, behind, sizeof behind);
    FOR_EACH_WAY (kind)
    if (kind != WAY_ZLIB)
      read_two (kind, compact, bytes, all);
  }
}

/* Apache's zlib transport loses what compresses to more than one of its buffers. */
static void
small_values_are_read_from_zlib (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) point = (GObject *) fix_point_new (3, "t");
    g_autoptr (GByteArray) bytes = encode (point, compact);
    g_auto (Way) way;

    g_byte_array_append (bytes, (const guint8 *) "\0more", 5);
    way_open (&way, WAY_ZLIB, compact, FALSE, bytes->data, bytes->len);
    for (guint i = 0; i < 2; i++)
      {
        g_auto (Outcome) outcome = { 0 };
        GType type = i == 0 ? fix_point_get_type () : fix_empty_get_type ();

        outcome_read (&outcome, &way, type);
        assert_no_error (outcome.error);
        assert_int (outcome.count, i == 0 ? bytes->len - 5 : 1);
        CU_ASSERT_TRUE (i > 0 || tally_struct_equal (outcome.object, point));
      }
  }
}

static void
a_value_ends_early_with_the_same_error (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_autoptr (GByteArray) bytes = encode (all, compact);

    for (guint length = 0; length < bytes->len; length++)
      {
        g_auto (Outcome) expected = { 0 };

        read_walked (&expected, compact, fix_all_get_type (), bytes->data, length);
        assert_int (expected.count, -1);
        compare (WAY_OWN, compact, fix_all_get_type (), bytes->data, length, &expected, length);
        if (length % 29 > 0)
          continue;
        FOR_EACH_WAY (kind)
        if (way_tells_the_end (kind))
          compare (kind, compact, fix_all_get_type (), bytes->data, length, &expected, length);
      }
  }
}

/* Tally's own socket says in its own words that the peer is gone. */
static void
tallys_socket_keeps_its_errors (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (3, "t");
  g_autoptr (GByteArray) bytes = encode (point, FALSE);

  for (guint length = 0; length < bytes->len; length++)
    {
      g_auto (Outcome) outcome = { 0 };
      g_auto (Way) way;

      way_open (&way, WAY_TALLY, FALSE, FALSE, bytes->data, length);
      outcome_read (&outcome, &way, fix_point_get_type ());
      assert_error (outcome.error, TALLY_ERROR, TALLY_ERROR_CONNECTION_LOST, NULL);
    }
}

/* Whether a length in @bytes is so large that Apache's functions, which allocate whatever one says,
 * had better not see it. */
static gboolean
declares_much (const guint8 *bytes, gsize length, gboolean compact)
{
  g_auto (Outcome) outcome = { 0 };
  g_auto (Way) way;

  way_open (&way, WAY_OWN, compact, FALSE, bytes, length);
  outcome_read (&outcome, &way, fix_all_get_type ());
  return way.pipe->largest_read >= 1 << 20 || is_over_the_limit (outcome.error);
}

/* Whether @bytes were a value after all, which is then written, too. */
static gboolean
compare_changed (const guint8 *bytes, gsize length, gboolean compact, guint number)
{
  const WayKind others[] = { WAY_FRAMED, WAY_SOCKET, WAY_BUFFERED, WAY_BUFFERED_SOCKET };
  const GType type = fix_all_get_type ();
  g_auto (Outcome) expected = { 0 };

  if (declares_much (bytes, length, compact))
    return FALSE;
  read_walked (&expected, compact, type, bytes, length);
  compare (WAY_OWN, compact, type, bytes, length, &expected, number);
  compare (WAY_MEMORY, compact, type, bytes, length, &expected, number);
  if (number % 16 < G_N_ELEMENTS (others))
    compare (others[number % 16], compact, type, bytes, length, &expected, number);
  if (expected.count < 0)
    return FALSE;
  compare_written (expected.object, compact);
  return TRUE;
}

/* Bytes changed at random: values nobody thought of, and everything that can be wrong. */
static void
changed_bytes_come_to_the_same (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (20240229);
  guint n_values = 0;

  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_autoptr (GByteArray) bytes = encode (all, compact);
    const guint length = bytes->len;

    /* So that what is wrong is found before the end is. */
    g_byte_array_set_size (bytes, length + 64);
    memset (bytes->data + length, 0, 64);
    for (guint i = 0; i < 800; i++)
      {
        g_autofree guint8 *changed = g_memdup2 (bytes->data, bytes->len);

        /* Small values: Apache's functions allocate whatever a length says. */
        for (gint j = g_rand_int_range (random, 1, 4); j > 0; j--)
          changed[g_rand_int_range (random, 0, length)] = g_rand_int_range (random, 0, 24);
        n_values += compare_changed (changed, bytes->len, compact, i);
      }
  }
  CU_ASSERT_TRUE (n_values > 100);
}

/* ---- what a protocol and its transport allow ---- */

static void
a_compact_protocols_own_limits_count (void)
{
  static const gchar *const limits[] = { "string_limit", "container_limit" };
  g_autoptr (GObject) point = (GObject *) fix_point_new (3, "a long tag");
  g_autoptr (GByteArray) bytes = encode (point, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      g_autoptr (GObject) protocol = NULL;
      g_auto (Outcome) outcome = { 0 };
      g_auto (Way) way;
      Way limited;

      way_open (&way, WAY_FRAMED, TRUE, FALSE, bytes->data, bytes->len);
      protocol = g_object_new (THRIFT_TYPE_COMPACT_PROTOCOL, "transport", way.transport, limits[i],
                               i == 0 ? 4 : 1, NULL);
      limited = way;
      limited.protocol = THRIFT_PROTOCOL (protocol);
      g_ptr_array_add (((FixPoint *) point)->tags, g_strdup ("b"));
      if (i == 1)
        {
          g_clear_pointer (&bytes, g_byte_array_unref);
          bytes = encode (point, TRUE);
          g_byte_array_set_size (way.pipe->input, 0);
          g_byte_array_append (way.pipe->input, (const guint8 *) "\0\0\0", 3);
          g_byte_array_append (way.pipe->input, &(guint8){ bytes->len }, 1);
          g_byte_array_append (way.pipe->input, bytes->data, bytes->len);
        }
      outcome_read (&outcome, &limited, fix_point_get_type ());
      assert_error (outcome.error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                    "over limit");
    }
}

/* The transport's limit is for each piece, as ever. */
static void
a_transports_message_limit_counts (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) all = (GObject *) fix_all_new_full (!compact);
    g_autoptr (GByteArray) bytes = encode (all, compact);

    for (glong limit = 16; limit <= 1024; limit *= 4)
      FOR_EACH_WAY (kind)
      {
        g_auto (Outcome) outcome = { 0 }, expected = { 0 };
        g_auto (Way) quick, walked;

        if (!way_tells_the_end (kind))
          kind = N_WAYS - 1;
        way_open (&quick, kind, compact, FALSE, bytes->data, bytes->len);
        way_open (&walked, WAY_OWN, compact, TRUE, bytes->data, bytes->len);
        quick.transport->remainingMessageSize_ = limit;
        walked.transport->remainingMessageSize_ = limit;
        outcome_read (&outcome, &quick, fix_all_get_type ());
        outcome_read (&expected, &walked, fix_all_get_type ());
        if (!outcome_is (&outcome, &expected))
          report (&outcome, &expected, &quick, limit);
      }
  }
}

/* ---- what is walked ---- */

static void
a_subclass_is_walked (void)
{
  FOR_EACH_PROTOCOL (compact)
  {
    g_autoptr (GObject) point = (GObject *) fix_point_new (3, "t");
    g_autoptr (GByteArray) bytes = encode (point, compact);
    g_auto (Outcome) outcome = { 0 };
    g_auto (Way) way;

    way_open (&way, WAY_FRAMED, compact, TRUE, bytes->data, bytes->len);
    n_walked_calls = 0;
    outcome_read (&outcome, &way, fix_point_get_type ());
    assert_no_error (outcome.error);
    assert_int (n_walked_calls, 1);
    CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (point), way.protocol, NULL) > 0);
    assert_int (n_walked_calls, 2);
  }
}

static GByteArray *inner_output;

static void
write_another (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (4, "inner");
  g_auto (Way) way;

  way_open (&way, WAY_OWN, FALSE, FALSE, NULL, 0);
  CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (point), way.protocol, NULL) > 0);
  inner_output = g_byte_array_ref (way.pipe->output);
}

static void
a_transport_may_use_a_protocol_itself (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (3, "outer");
  g_autoptr (GObject) inner = (GObject *) fix_point_new (4, "inner");
  g_autoptr (GByteArray) expected = encode (point, FALSE);
  g_autoptr (GByteArray) expected_inner = encode (inner, FALSE);
  g_auto (Way) way;

  way_open (&way, WAY_OWN, FALSE, FALSE, NULL, 0);
  way.pipe->on_write = write_another;
  CU_ASSERT_TRUE (thrift_struct_write (THRIFT_STRUCT (point), way.protocol, NULL) > 0);
  assert_int (way.pipe->output->len, expected->len);
  CU_ASSERT_TRUE (memcmp (way.pipe->output->data, expected->data, expected->len) == 0);
  assert_int (inner_output->len, expected_inner->len);
  CU_ASSERT_TRUE (memcmp (inner_output->data, expected_inner->data, expected_inner->len) == 0);
  g_clear_pointer (&inner_output, g_byte_array_unref);
}

static void
ignore (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (bytes_are_the_same_in_one_write),
    TEST (nothing_is_written_of_what_cannot_be),
    TEST (uuid_needs_the_binary_protocol),
    TEST (nothing_behind_a_value_is_touched),
    TEST (small_values_are_read_from_zlib),
    TEST (a_value_ends_early_with_the_same_error),
    TEST (tallys_socket_keeps_its_errors),
    TEST (changed_bytes_come_to_the_same),
    TEST (a_compact_protocols_own_limits_count),
    TEST (a_transports_message_limit_counts),
    TEST (a_subclass_is_walked),
    TEST (a_transport_may_use_a_protocol_itself),
    { NULL, NULL },
  };

  /* Apache's protocols set one error over another. */
  g_log_set_handler ("GLib", G_LOG_LEVEL_WARNING, ignore, NULL);
  return test_main ("protocol", cases, argc, argv);
}

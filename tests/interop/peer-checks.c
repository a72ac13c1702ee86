/* Owns the calls that the C peers' clients make and what must come back; knows nothing of where
 * they go. */
#include "interop-peer.h"

#include <math.h>
#include <string.h>

/* The end of every step: the call succeeded and what came back is right. */
static void
settle (gboolean called, GError *error, gboolean holds, const gchar *what)
{
  peer_expect_no_error (error, what);
  if (!called)
    peer_fail ("%s: failed without an error", what);
  peer_expect (holds, what);
}

/* Uses the caller's probe, called and error. */
#define CHECK_ECHO(name, CType, ...)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    static const CType values[] = { __VA_ARGS__ };                                                 \
    guint n;                                                                                       \
    for (n = 0; n < G_N_ELEMENTS (values); n++)                                                    \
      {                                                                                            \
        CType reply = 0;                                                                           \
        called = peer_probe_if_echo_##name (probe, &reply, values[n], &error);                     \
        settle (called, error, memcmp (&reply, &values[n], sizeof reply) == 0, #name);             \
      }                                                                                            \
  }                                                                                                \
  G_STMT_END

static void
check_numbers (PeerProbeIf *probe, const PeerOptions *options)
{
  GError *error = NULL;
  gdouble number = 0;
  gboolean called;

  CHECK_ECHO (bool, gboolean, TRUE, FALSE);
  CHECK_ECHO (i8, gint8, 0, 1, -1, 63, 64, -65, G_MAXINT8, G_MININT8);
  CHECK_ECHO (i16, gint16, 0, 1, -1, 63, 64, -65, G_MAXINT16, G_MININT16);
  CHECK_ECHO (i32, gint32, 0, 1, -1, 63, 64, -65, G_MAXINT32, G_MININT32);
  CHECK_ECHO (i64, gint64, 0, 1, -1, 63, 64, -65, G_MAXINT64, G_MININT64);
  CHECK_ECHO (double, gdouble, 0.0, -0.0, -1.5, 1e-310, 1.7976931348623157e308, INFINITY,
              -INFINITY);
  CHECK_ECHO (color, PeerColor, PEER_COLOR_RED, PEER_COLOR_GREEN, PEER_COLOR_DARK, PEER_COLOR_FAR);
  called = peer_probe_if_nothing (probe, &error);
  settle (called, error, TRUE, "void");
  if (peer_has_flag (options, "no-nan"))
    return;
  called = peer_probe_if_echo_double (probe, &number, NAN, &error);
  settle (called, error, isnan (number), "nan");
}

static void
check_string (PeerProbeIf *probe, const gchar *value)
{
  g_autofree gchar *reply = NULL;
  GError *error = NULL;
  gboolean called = peer_probe_if_echo_string (probe, &reply, value, &error);

  settle (called, error, g_strcmp0 (reply, value) == 0, "string");
}

static void
check_binary (PeerProbeIf *probe, GByteArray *value)
{
  GByteArray *reply = NULL;
  GError *error = NULL;
  gboolean called = peer_probe_if_echo_binary (probe, &reply, value, &error);

  settle (called, error, peer_bytes_equal (reply, value), "binary");
  g_byte_array_unref (reply);
  g_byte_array_unref (value);
}

static void
check_texts (PeerProbeIf *probe)
{
  g_autofree gchar *filler = g_strnfill (100000, 'l');

  check_string (probe, "");
  check_string (probe, "plain");
  check_string (probe, "grüße 日本 🌿");
  check_string (probe, filler);
  check_binary (probe, g_byte_array_new ());
  check_binary (probe, g_byte_array_append (g_byte_array_new (), (const guint8 *) "\0", 1));
  check_binary (probe, peer_make_bytes (300));
}

static void
check_choice (PeerProbeIf *probe, PeerChoice *value)
{
  g_autoptr (GObject) reply_object = g_object_new (PEER_TYPE_CHOICE, NULL);
  PeerChoice *reply = (PeerChoice *) reply_object;
  GError *error = NULL;
  gboolean called = peer_probe_if_echo_choice (probe, &reply, value, &error);

  settle (called, error,
          reply->__isset_number == value->__isset_number
              && reply->__isset_text == value->__isset_text
              && reply->__isset_point == value->__isset_point
              && reply->__isset_numbers == value->__isset_numbers,
          "union's field");
  settle (called, error,
          (!value->__isset_number || reply->number == value->number)
              && (!value->__isset_text || g_strcmp0 (reply->text, value->text) == 0)
              && (!value->__isset_point || peer_points_equal (reply->point, value->point))
              && (!value->__isset_numbers || peer_arrays_equal (reply->numbers, value->numbers)),
          "union");
  g_object_unref (value);
}

static void
check_choices (PeerProbeIf *probe, const PeerOptions *options)
{
  PeerChoice *choice = g_object_new (PEER_TYPE_CHOICE, "number", -7, NULL);

  check_choice (probe, choice);
  check_choice (probe, g_object_new (PEER_TYPE_CHOICE, "text", "", NULL));
  choice = g_object_new (PEER_TYPE_CHOICE, NULL);
  g_clear_object (&choice->point);
  choice->point = peer_make_point (1, 2, NULL);
  choice->__isset_point = TRUE;
  check_choice (probe, choice);
  choice = g_object_new (PEER_TYPE_CHOICE, NULL);
  choice->__isset_numbers = TRUE;
  check_choice (probe, choice);
  if (peer_has_flag (options, "no-odd-union"))
    return;
  /* What real programs send besides: nothing, and a value beside the tag that says what it is. */
  check_choice (probe, g_object_new (PEER_TYPE_CHOICE, NULL));
  check_choice (probe, g_object_new (PEER_TYPE_CHOICE, "number", 1, "text", "one", NULL));
}

static void
check_structs (PeerProbeIf *probe, const PeerOptions *options)
{
  g_autoptr (GObject) scalars_object = G_OBJECT (peer_make_scalars ());
  g_autoptr (GObject) nested_object = G_OBJECT (peer_make_nested ());
  g_autoptr (GObject) scalars_reply = g_object_new (PEER_TYPE_SCALARS, NULL);
  g_autoptr (GObject) nested_reply = g_object_new (PEER_TYPE_NESTED, NULL);
  PeerScalars *scalars = (PeerScalars *) scalars_reply;
  PeerNested *nested = (PeerNested *) nested_reply;
  GError *error = NULL;
  gboolean called;

  called = peer_probe_if_echo_scalars (probe, &scalars, (PeerScalars *) scalars_object, &error);
  settle (called, error, peer_scalars_equal (scalars, (PeerScalars *) scalars_object), "scalars");
  called = peer_probe_if_echo_nested (probe, &nested, (PeerNested *) nested_object, &error);
  settle (called, error, TRUE, "nested");
  peer_check_nested (nested, (PeerNested *) nested_object);
  check_choices (probe, options);
}

/* ---- containers ---- */

static void
check_flags (PeerProbeIf *probe, guint count)
{
  g_autoptr (GArray) flags = g_array_new (FALSE, FALSE, sizeof (gboolean));
  GArray *reply = g_array_new (FALSE, FALSE, sizeof (gboolean));
  GError *error = NULL;
  gboolean called;
  guint i;

  for (i = 0; i < count; i++)
    {
      gboolean flag = i % 3 == 0;

      g_array_append_val (flags, flag);
    }
  called = peer_probe_if_echo_flags (probe, &reply, flags, &error);
  settle (called, error, peer_arrays_equal (reply, flags), "list of bool");
  g_array_unref (reply);
}

static void
check_words (PeerProbeIf *probe, guint count)
{
  g_autoptr (GHashTable) words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTable *reply = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer word;
  GError *error = NULL;
  gboolean called;
  guint i;

  for (i = 0; i < count; i++)
    g_hash_table_add (words, g_strdup_printf ("w%u", i));
  called = peer_probe_if_echo_words (probe, &reply, words, &error);
  settle (called, error, g_hash_table_size (reply) == count, "set");
  g_hash_table_iter_init (&iter, words);
  while (g_hash_table_iter_next (&iter, &word, NULL))
    peer_expect (g_hash_table_contains (reply, word), "set's member");
  g_hash_table_unref (reply);
}

static GHashTable *
make_paths (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                (GDestroyNotify) g_ptr_array_unref);
}

static void
check_paths (PeerProbeIf *probe)
{
  g_autoptr (GHashTable) paths = make_paths ();
  GHashTable *reply = make_paths ();
  GPtrArray *points = g_ptr_array_new_with_free_func (g_object_unref);
  GError *error = NULL;
  gboolean called;
  guint i;

  called = peer_probe_if_echo_paths (probe, &reply, paths, &error);
  settle (called, error, g_hash_table_size (reply) == 0, "empty map");
  for (i = 0; i < 100; i++)
    g_ptr_array_add (points, peer_make_point (i, -(gint) i, i % 2 == 0 ? "even" : NULL));
  g_hash_table_insert (paths, g_strdup ("many"), points);
  g_hash_table_insert (paths, g_strdup (""), g_ptr_array_new_with_free_func (g_object_unref));
  called = peer_probe_if_echo_paths (probe, &reply, paths, &error);
  settle (called, error, g_hash_table_size (reply) == 2, "map of lists");
  points = g_hash_table_lookup (reply, "");
  peer_expect (points != NULL && points->len == 0, "map's empty list");
  points = g_hash_table_lookup (reply, "many");
  peer_expect (points != NULL && points->len == 100, "map's list");
  for (i = 0; i < 100; i++)
    {
      g_autoptr (GObject) point =
          G_OBJECT (peer_make_point (i, -(gint) i, i % 2 == 0 ? "even" : NULL));

      peer_expect (peer_points_equal (points->pdata[i], (PeerPoint *) point), "list's struct");
    }
  g_hash_table_unref (reply);
}

static void
check_arguments (PeerProbeIf *probe)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new ();
  g_autofree gchar *joined = NULL;
  GError *error = NULL;
  gboolean called;

  g_ptr_array_add (parts, (gpointer) "a");
  g_ptr_array_add (parts, (gpointer) "b");
  called = peer_probe_if_join (probe, &joined, TRUE, -7, "hello", parts, &error);
  settle (called, error, g_strcmp0 (joined, "yes|-7|hello|a,b") == 0, "arguments");
}

/* ---- how calls end ---- */

static void
check_refusal (gboolean called, PeerRefusal *refusal, GError *error, const gchar *what)
{
  g_autoptr (GObject) spot = G_OBJECT (peer_make_point (1, -2, NULL));

  if (called || !g_error_matches (error, PEER_REFUSAL_ERROR, PEER_REFUSAL_ERROR_CODE))
    peer_fail ("%s: %s instead of a refusal", what, called ? "success" : error->message);
  peer_expect (refusal != NULL && refusal->code == 17 && g_strcmp0 (refusal->reason, "refused") == 0
                   && peer_points_equal (refusal->spot, (PeerPoint *) spot),
               what);
  g_object_unref (refusal);
  g_error_free (error);
}

static void
check_exceptions (PeerProbeIf *probe)
{
  PeerRefusal *refusal = NULL;
  PeerOverflow *overflow = NULL;
  GError *error = NULL;
  gint32 checked = 0;
  gboolean called;

  called = peer_probe_if_check (probe, &checked, 0, &refusal, &overflow, &error);
  settle (called, error, checked == 1 && refusal == NULL && overflow == NULL, "no exception");
  called = peer_probe_if_check (probe, &checked, 1, &refusal, &overflow, &error);
  check_refusal (called, refusal, error, "refusal");
  refusal = NULL;
  error = NULL;
  called = peer_probe_if_check (probe, &checked, 2, &refusal, &overflow, &error);
  peer_expect (!called && g_error_matches (error, PEER_OVERFLOW_ERROR, PEER_OVERFLOW_ERROR_CODE),
               "overflow");
  peer_expect (overflow != NULL && overflow->limit == G_MAXINT64, "overflow's field");
  g_clear_object (&overflow);
  g_clear_error (&error);
  called = peer_probe_if_check_nothing (probe, 0, &refusal, &error);
  settle (called, error, refusal == NULL, "void without exception");
  called = peer_probe_if_check_nothing (probe, 1, &refusal, &error);
  check_refusal (called, refusal, error, "refusal of void");
}

/* On a connection for each call nothing orders a call behind a oneway. */
/* Whether a server may execute one connection's requests in any order. */
static gboolean
is_in_any_order (const PeerOptions *options)
{
  return peer_has_flag (options, "shared") && g_str_equal (options->transport, "header");
}

static void
check_oneway (PeerProbeIf *probe, const PeerOptions *options)
{
  const gint64 token = (G_GINT64_CONSTANT (1) << 62) + 1;
  gint64 remembered = 0;
  GError *error = NULL;
  gboolean called = peer_probe_if_remember (probe, token, &error);

  settle (called, error, TRUE, "oneway");
  do
    {
      called = peer_probe_if_remembered (probe, &remembered, &error);
      settle (called, error, TRUE, "remembered");
    }
  while (remembered != token && (peer_has_flag (options, "unpooled") || is_in_any_order (options)));
  peer_expect (remembered == token, "what a oneway left");
}

static void
check_failures (PeerProbeIf *probe, PeerStrangerIf *stranger, const PeerOptions *options)
{
  PeerRefusal *refusal = NULL;
  PeerOverflow *overflow = NULL;
  GError *error = NULL;
  gint32 number = 0;
  gboolean called;

  if (!peer_has_flag (options, "no-unknown"))
    {
      called = peer_stranger_if_unheard_of (stranger, &number, "x", &error);
      if (called || error->domain != THRIFT_APPLICATION_EXCEPTION_ERROR
          || error->code != THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD)
        peer_fail ("unknown method: %s", called ? "success" : error->message);
      g_clear_error (&error);
      called = peer_probe_if_nothing (probe, &error);
      settle (called, error, TRUE, "the call after an unknown method");
    }
  called = peer_probe_if_check (probe, &number, 3, &refusal, &overflow, &error);
  if (called || error->domain != THRIFT_APPLICATION_EXCEPTION_ERROR)
    peer_fail ("undeclared: %s", called ? "success" : error->message);
  g_clear_error (&error);
}

void
peer_check_all (PeerExtendedIf *client, PeerStrangerIf *stranger, const PeerOptions *options)
{
  PeerProbeIf *probe = PEER_PROBE_IF (client);
  g_autofree gchar *name = NULL;
  GError *error = NULL;
  gboolean called;

  check_numbers (probe, options);
  check_texts (probe);
  check_structs (probe, options);
  check_flags (probe, 0);
  check_flags (probe, 1);
  check_flags (probe, 10000);
  check_words (probe, 0);
  check_words (probe, 500);
  check_paths (probe);
  check_arguments (probe);
  check_exceptions (probe);
  check_oneway (probe, options);
  if (!peer_has_flag (options, "no-inherited"))
    {
      called = peer_extended_if_whoami (client, &name, &error);
      settle (called, error, name != NULL && *name != '\0', "inherited");
    }
  if (!peer_has_flag (options, "no-failure"))
    check_failures (probe, stranger, options);
}

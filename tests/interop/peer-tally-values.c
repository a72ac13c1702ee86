/* Owns the values of which Tally's bytes are compared with another library's. */
#include <string.h>

#include "peer-tally.h"

static gpointer
box (gconstpointer value, gsize size)
{
  return g_memdup2 (value, size);
}

static void
add_to_set (GHashTable *set, gpointer member)
{
  g_hash_table_insert (set, member, member);
}

static GByteArray *
make_binary (const gchar *bytes, guint length)
{
  return g_byte_array_append (g_byte_array_new (), (const guint8 *) bytes, length);
}

static GHashTable *
make_set_of_i32 (guint count, const gint32 *members)
{
  GHashTable *set = g_hash_table_new_full (g_int_hash, g_int_equal, g_free, NULL);

  while (count-- > 0)
    add_to_set (set, peer_box_i32 (*members++));
  return set;
}

static GHashTable *
make_set_of_string (guint count, const gchar *const *members)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  while (count-- > 0)
    add_to_set (set, g_strdup (*members++));
  return set;
}

static GPtrArray *
make_list_of_string (guint count, const gchar *const *elements)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);

  while (count-- > 0)
    g_ptr_array_add (list, g_strdup (*elements++));
  return list;
}

static GPtrArray *
make_list_of_lists (guint count, ...)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  va_list args;

  va_start (args, count);
  while (count-- > 0)
    g_ptr_array_add (list, va_arg (args, GPtrArray *));
  va_end (args);
  return list;
}

static void
fill_sets (PeerWide *wide)
{
  static const gint32 numbers[] = { 1, 2, -7 };
  static const gchar *const letters[] = { "a", "b" };
  static const gdouble doubles[] = { 0.5, -2.25 };
  static const gboolean bools[] = { TRUE, FALSE };
  guint i;

  g_ptr_array_add (wide->sets, make_set_of_i32 (2, numbers));
  g_ptr_array_add (wide->sets, make_set_of_i32 (0, NULL));
  g_ptr_array_add (wide->sets, make_set_of_i32 (1, numbers + 2));
  g_hash_table_insert (wide->groups, g_strdup ("g"), make_set_of_string (2, letters));
  g_hash_table_insert (wide->groups, g_strdup ("none"), make_set_of_string (0, NULL));
  add_to_set (wide->colors, GINT_TO_POINTER (PEER_COLOR_RED));
  add_to_set (wide->colors, GINT_TO_POINTER (PEER_COLOR_DARK));
  add_to_set (wide->blobs, make_binary ("", 0));
  add_to_set (wide->blobs, make_binary ("\0a", 2));
  add_to_set (wide->blobs, make_binary ("\xff", 1));
  for (i = 0; i < 2; i++)
    {
      add_to_set (wide->doubles, box (&doubles[i], sizeof *doubles));
      add_to_set (wide->bools, box (&bools[i], sizeof *bools));
    }
}

static void
fill_maps (PeerWide *wide)
{
  static const gdouble levels[] = { 1.5, -1.5 };
  static const gboolean on[] = { TRUE, FALSE };
  guint i;

  g_hash_table_insert (wide->names, GINT_TO_POINTER (PEER_COLOR_RED), g_strdup ("red"));
  g_hash_table_insert (wide->names, GINT_TO_POINTER (PEER_COLOR_FAR), g_strdup ("far"));
  g_hash_table_insert (wide->sizes, make_binary ("\0", 1), peer_box_i32 (1));
  g_hash_table_insert (wide->sizes, make_binary ("\0\0", 2), peer_box_i32 (2));
  for (i = 0; i < 2; i++)
    g_hash_table_insert (wide->levels, box (&levels[i], sizeof *levels), box (&on[i], sizeof *on));
}

PeerWide *
peer_make_wide (void)
{
  static const gint64 stamps[] = { G_MININT64, G_MAXINT64 };
  static const gchar *const letters[] = { "a", "b", "c" };
  PeerWide *wide = g_object_new (PEER_TYPE_WIDE, NULL);

  fill_sets (wide);
  fill_maps (wide);
  g_array_append_vals (wide->stamps, stamps, 2);
  g_ptr_array_add (wide->deep, make_list_of_lists (2, make_list_of_string (1, letters),
                                                   make_list_of_string (0, NULL)));
  g_ptr_array_add (wide->deep, make_list_of_lists (0));
  g_ptr_array_add (wide->deep, make_list_of_lists (1, make_list_of_string (2, letters + 1)));
  wide->__isset_sets = wide->__isset_groups = wide->__isset_colors = wide->__isset_blobs = TRUE;
  wide->__isset_doubles = wide->__isset_bools = wide->__isset_names = wide->__isset_sizes = TRUE;
  wide->__isset_levels = wide->__isset_stamps = wide->__isset_deep = TRUE;
  return wide;
}

/* ---- the values of the vectors: sets and maps hold only their smallest element ---- */

static gboolean
is_not_i16 (gpointer key, gpointer value, gpointer kept)
{
  return *(gint16 *) key != *(gint16 *) kept;
}

static gboolean
is_not_i32 (gpointer key, gpointer value, gpointer kept)
{
  return *(gint32 *) key != *(gint32 *) kept;
}

static gboolean
is_not_i64 (gpointer key, gpointer value, gpointer kept)
{
  return *(gint64 *) key != *(gint64 *) kept;
}

static gboolean
is_not_double (gpointer key, gpointer value, gpointer kept)
{
  return *(gdouble *) key != *(gdouble *) kept;
}

static gboolean
is_not_string (gpointer key, gpointer value, gpointer kept)
{
  return strcmp (key, kept) != 0;
}

static gboolean
is_not_pointer (gpointer key, gpointer value, gpointer kept)
{
  return key != kept;
}

static gboolean
is_not_length (gpointer key, gpointer value, gpointer kept)
{
  return ((GByteArray *) key)->len != GPOINTER_TO_UINT (kept);
}

#define KEEP(table, is_not, kept) g_hash_table_foreach_remove (table, is_not, (gpointer) (kept))

static gpointer
make_trimmed_nested (void)
{
  PeerNested *nested = peer_make_nested ();

  KEEP (nested->chosen, is_not_i32, &(gint32){ -2 });
  KEEP (nested->words, is_not_string, "");
  KEEP (nested->ages, is_not_string, "a");
  KEEP (nested->titles, is_not_i64, &(gint64){ G_MININT64 });
  KEEP (nested->switches, is_not_i32, &(gint32){ 0 });
  KEEP (nested->series, is_not_string, "none");
  KEEP (nested->corners, is_not_i16, &(gint16){ -1 });
  KEEP (nested->tables, is_not_string, "empty");
  return nested;
}

static gpointer
make_trimmed_wide (void)
{
  PeerWide *wide = peer_make_wide ();

  KEEP (wide->sets->pdata[0], is_not_i32, &(gint32){ 1 });
  KEEP (wide->groups, is_not_string, "g");
  KEEP (g_hash_table_lookup (wide->groups, "g"), is_not_string, "a");
  KEEP (wide->colors, is_not_pointer, GINT_TO_POINTER (PEER_COLOR_DARK));
  KEEP (wide->names, is_not_pointer, GINT_TO_POINTER (PEER_COLOR_RED));
  KEEP (wide->blobs, is_not_length, 0);
  KEEP (wide->sizes, is_not_length, GUINT_TO_POINTER (1));
  KEEP (wide->doubles, is_not_double, &(gdouble){ -2.25 });
  KEEP (wide->bools, is_not_i32, &(gboolean){ FALSE });
  KEEP (wide->levels, is_not_double, &(gdouble){ -1.5 });
  return wide;
}

static gpointer
make_choice (void)
{
  static const gint32 numbers[] = { 1, -1 };
  PeerChoice *choice = g_object_new (PEER_TYPE_CHOICE, NULL);

  g_array_append_vals (choice->numbers, numbers, 2);
  choice->__isset_numbers = TRUE;
  return choice;
}

static gpointer
make_point (void)
{
  return peer_make_point (7, -8, NULL);
}

static gpointer
make_refusal (void)
{
  PeerRefusal *refusal = g_object_new (PEER_TYPE_REFUSAL, "code", 17, "reason", "refused", NULL);

  g_clear_object (&refusal->spot);
  refusal->spot = peer_make_point (1, -2, NULL);
  refusal->__isset_spot = TRUE;
  return refusal;
}

static gpointer
make_scalars (void)
{
  return peer_make_scalars ();
}

static const struct
{
  const gchar *name;
  gpointer (*make) (void);
} vectors[] = {
  { "scalars", make_scalars }, { "nested", make_trimmed_nested }, { "wide", make_trimmed_wide },
  { "choice", make_choice },   { "point", make_point },           { "refusal", make_refusal },
};

static GBytes *
parse_hexadecimal (const gchar *text)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; text[0] != '\0' && text[1] != '\0'; text += 2)
    {
      guint8 byte = g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]);

      g_byte_array_append (bytes, &byte, 1);
    }
  return g_byte_array_free_to_bytes (bytes);
}

/* Fails saying where the bytes part, and how both go on from there. */
static void
expect_bytes (GBytes *written, GBytes *expected, const gchar *what)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GBytes *sides[] = { written, expected };
  const guint8 *bytes[2];
  gsize lengths[2], at = 0, i, j;

  if (g_bytes_equal (written, expected))
    return;
  for (i = 0; i < 2; i++)
    bytes[i] = g_bytes_get_data (sides[i], &lengths[i]);
  while (at < lengths[0] && at < lengths[1] && bytes[0][at] == bytes[1][at])
    at++;
  for (i = 0; i < 2; i++)
    {
      g_string_append (text, i == 0 ? "" : " instead of");
      for (j = at; j < lengths[i] && j < at + 12; j++)
        g_string_append_printf (text, " %02x", bytes[i][j]);
      g_string_append_printf (text, " (of %" G_GSIZE_FORMAT ")", lengths[i]);
    }
  peer_fail ("%s: at byte %" G_GSIZE_FORMAT "%s", what, at, text->str);
}

static void
check_vector (const gchar *name, const gchar *protocol, GBytes *expected)
{
  g_autofree gchar *what = g_strdup_printf ("%s in %s", name, protocol);
  TallyProtocolId id =
      g_str_equal (protocol, "compact") ? TALLY_PROTOCOL_COMPACT : TALLY_PROTOCOL_BINARY;
  g_autoptr (GObject) value = NULL;
  g_autoptr (GObject) read = NULL;
  g_autoptr (GBytes) written = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (expected, &length);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (vectors) && value == NULL; i++)
    if (g_str_equal (vectors[i].name, name))
      value = vectors[i].make ();
  if (value == NULL)
    peer_fail ("no value is called \"%s\"", name);
  written = tally_struct_encode (value, id, &error);
  peer_expect_no_error (error, what);
  expect_bytes (written, expected, what);
  read = g_object_new (G_OBJECT_TYPE (value), NULL);
  tally_struct_decode (read, id, bytes, length, &error);
  peer_expect_no_error (error, what);
  peer_expect (tally_struct_equal (read, value), what);
}

void
peer_check_vectors (const gchar *path)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  guint i, checked = 0;

  g_file_get_contents (path, &text, NULL, &error);
  peer_expect_no_error (error, "vectors");
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", 3);
      g_autoptr (GBytes) expected = NULL;

      if (g_strv_length (words) != 3)
        peer_fail ("line %u is no vector", i + 1);
      expected = parse_hexadecimal (words[2]);
      check_vector (words[0], words[1], expected);
      checked++;
    }
  peer_expect (checked == 2 * G_N_ELEMENTS (vectors), "the number of vectors");
}

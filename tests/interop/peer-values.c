/* Owns the values that the C peers send and how they are compared; knows nothing of calls. */
#include "interop-peer.h"

#include <math.h>
#include <string.h>

gint32 *
peer_box_i32 (gint32 value)
{
  return g_memdup2 (&value, sizeof value);
}

static gpointer
box_i64 (gint64 value)
{
  return g_memdup2 (&value, sizeof value);
}

static gpointer
box_i16 (gint16 value)
{
  return g_memdup2 (&value, sizeof value);
}

static gpointer
box_double (gdouble value)
{
  return g_memdup2 (&value, sizeof value);
}

GByteArray *
peer_make_bytes (guint times)
{
  GByteArray *bytes = g_byte_array_new ();
  guint i;

  for (i = 0; i < 256 * times; i++)
    {
      guint8 byte = i;

      g_byte_array_append (bytes, &byte, 1);
    }
  return bytes;
}

PeerPoint *
peer_make_point (gint32 x, gint32 y, const gchar *label)
{
  PeerPoint *point = g_object_new (PEER_TYPE_POINT, NULL);

  point->x = x;
  point->y = y;
  point->label = g_strdup (label);
  point->__isset_label = label != NULL;
  return point;
}

PeerScalars *
peer_make_scalars (void)
{
  PeerScalars *scalars = g_object_new (PEER_TYPE_SCALARS, NULL);

  scalars->yes = scalars->__isset_yes = TRUE;
  scalars->tiny = G_MININT8;
  scalars->__isset_tiny = TRUE;
  scalars->small = G_MININT16;
  scalars->__isset_small = TRUE;
  scalars->medium = G_MININT32;
  scalars->__isset_medium = TRUE;
  scalars->large = G_MININT64;
  scalars->__isset_large = TRUE;
  scalars->number = -0.1;
  scalars->__isset_number = TRUE;
  scalars->text = g_strdup ("grüße 日本 🌿");
  scalars->__isset_text = TRUE;
  scalars->bytes = peer_make_bytes (1);
  scalars->__isset_bytes = TRUE;
  scalars->color = PEER_COLOR_FAR;
  scalars->__isset_color = TRUE;
  scalars->stamp = G_MAXINT64;
  scalars->__isset_stamp = TRUE;
  scalars->no = FALSE;
  scalars->__isset_no = TRUE;
  scalars->last = G_MAXINT32;
  scalars->__isset_last = TRUE;
  return scalars;
}

static void
fill_lists (PeerNested *nested)
{
  static const gboolean flags[] = { TRUE, FALSE, TRUE };
  static const gint8 tinies[] = { G_MININT8, 0, G_MAXINT8 };
  static const gint16 smalls[] = { G_MININT16, G_MAXINT16 };
  static const gint64 larges[] = { G_MININT64, -1, 0, G_MAXINT64 };
  static const gdouble doubles[] = { 0.5, -1e300, INFINITY };
  static const PeerColor colors[] = { PEER_COLOR_RED, PEER_COLOR_DARK, PEER_COLOR_FAR };
  static const guint8 blob[] = { 0, 0xff };
  gint32 i;

  g_array_append_vals (nested->flags, flags, G_N_ELEMENTS (flags));
  g_array_append_vals (nested->tinies, tinies, G_N_ELEMENTS (tinies));
  g_array_append_vals (nested->smalls, smalls, G_N_ELEMENTS (smalls));
  for (i = -5; i < 300; i++)
    g_array_append_val (nested->numbers, i);
  g_array_append_vals (nested->larges, larges, G_N_ELEMENTS (larges));
  g_array_append_vals (nested->doubles, doubles, G_N_ELEMENTS (doubles));
  g_array_append_vals (nested->colors, colors, G_N_ELEMENTS (colors));
  g_ptr_array_add (nested->names, g_strdup (""));
  g_ptr_array_add (nested->names, g_strdup ("a"));
  g_ptr_array_add (nested->names, g_strdup ("ü"));
  g_ptr_array_add (nested->blobs, g_byte_array_new ());
  g_ptr_array_add (nested->blobs, g_byte_array_append (g_byte_array_new (), blob, sizeof blob));
  g_ptr_array_add (nested->points, peer_make_point (1, 2, "p"));
  g_ptr_array_add (nested->points, peer_make_point (-3, 4, NULL));
  nested->__isset_flags = nested->__isset_tinies = nested->__isset_smalls =
      nested->__isset_numbers = TRUE;
  nested->__isset_larges = nested->__isset_doubles = nested->__isset_colors = TRUE;
  nested->__isset_names = nested->__isset_blobs = nested->__isset_points = TRUE;
}

static void
fill_tables (PeerNested *nested)
{
  static const gint32 chosen[] = { 1, -2, 3 };
  static const gchar *words[] = { "x", "y", "" };
  gboolean *on = g_new (gboolean, 1);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (chosen); i++)
    {
      gint32 *value = peer_box_i32 (chosen[i]);

      g_hash_table_insert (nested->chosen, value, value);
    }
  for (i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gchar *word = g_strdup (words[i]);

      g_hash_table_insert (nested->words, word, word);
    }
  g_hash_table_insert (nested->ages, g_strdup ("a"), peer_box_i32 (1));
  g_hash_table_insert (nested->ages, g_strdup ("b"), peer_box_i32 (-2));
  g_hash_table_insert (nested->titles, box_i64 (G_MININT64), g_strdup ("low"));
  g_hash_table_insert (nested->titles, box_i64 (5), g_strdup ("five"));
  *on = TRUE;
  g_hash_table_insert (nested->switches, peer_box_i32 (1), on);
  g_hash_table_insert (nested->switches, peer_box_i32 (0), g_new0 (gboolean, 1));
  g_hash_table_insert (nested->corners, box_i16 (-1), peer_make_point (9, 8, "c"));
  nested->__isset_chosen = nested->__isset_words = nested->__isset_ages = nested->__isset_titles =
      TRUE;
  nested->__isset_switches = nested->__isset_corners = TRUE;
}

static GArray *
make_numbers (guint count, const gint32 *numbers)
{
  return g_array_append_vals (g_array_new (FALSE, TRUE, sizeof (gint32)), numbers, count);
}

static GHashTable *
make_string_table (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
fill_containers_of_containers (PeerNested *nested)
{
  static const gint32 odd[] = { 1, 3 };
  static const gint32 numbers[] = { 1, 2, 3 };
  GHashTable *table = make_string_table ();

  g_hash_table_insert (nested->series, g_strdup ("odd"), make_numbers (2, odd));
  g_hash_table_insert (nested->series, g_strdup ("none"), make_numbers (0, NULL));
  g_ptr_array_add (nested->matrix, make_numbers (1, numbers));
  g_ptr_array_add (nested->matrix, make_numbers (0, NULL));
  g_ptr_array_add (nested->matrix, make_numbers (2, numbers + 1));
  g_hash_table_insert (table, g_strdup ("u"), box_double (0.25));
  g_hash_table_insert (nested->tables, g_strdup ("t"), table);
  g_hash_table_insert (nested->tables, g_strdup ("empty"), make_string_table ());
  table = make_string_table ();
  g_hash_table_insert (table, g_strdup ("k"), peer_box_i32 (7));
  g_ptr_array_add (nested->records, table);
  g_ptr_array_add (nested->records, make_string_table ());
  nested->__isset_series = nested->__isset_matrix = nested->__isset_tables =
      nested->__isset_records = TRUE;
}

PeerNested *
peer_make_nested (void)
{
  PeerNested *nested = g_object_new (PEER_TYPE_NESTED, NULL);

  fill_lists (nested);
  fill_tables (nested);
  fill_containers_of_containers (nested);
  g_clear_object (&nested->origin);
  nested->origin = peer_make_point (0, 0, "");
  nested->choice->text = g_strdup ("chosen");
  nested->choice->__isset_text = TRUE;
  nested->scalars =
      nested->scalars != NULL ? nested->scalars : g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (nested->scalars, peer_make_scalars ());
  nested->__isset_origin = nested->__isset_choice = nested->__isset_scalars =
      nested->__isset_maybe = TRUE;
  return nested;
}

/* ---- comparing ---- */

gboolean
peer_arrays_equal (const GArray *a, const GArray *b)
{
  guint size = g_array_get_element_size ((GArray *) b);

  return a != NULL && a->len == b->len && g_array_get_element_size ((GArray *) a) == size
         && (a->len == 0 || memcmp (a->data, b->data, a->len * size) == 0);
}

gboolean
peer_bytes_equal (const GByteArray *a, const GByteArray *b)
{
  return a != NULL && a->len == b->len && (a->len == 0 || memcmp (a->data, b->data, a->len) == 0);
}

gboolean
peer_points_equal (const PeerPoint *a, const PeerPoint *b)
{
  return a != NULL && a->x == b->x && a->y == b->y && a->__isset_label == b->__isset_label
         && (!a->__isset_label || g_strcmp0 (a->label, b->label) == 0);
}

gboolean
peer_scalars_equal (const PeerScalars *a, const PeerScalars *b)
{
  return a->yes == b->yes && a->tiny == b->tiny && a->small == b->small && a->medium == b->medium
         && a->large == b->large && a->number == b->number && g_strcmp0 (a->text, b->text) == 0
         && peer_bytes_equal (a->bytes, b->bytes) && a->color == b->color && a->stamp == b->stamp
         && a->no == b->no && a->last == b->last;
}

static gboolean
i32_equal (const gint32 *a, const gint32 *b)
{
  return *a == *b;
}

static gboolean
double_equal (const gdouble *a, const gdouble *b)
{
  return *a == *b;
}

/* Whether @equal holds for the elements, in their order. */
static gboolean
lists_equal (const GPtrArray *a, const GPtrArray *b, GEqualFunc equal)
{
  guint i;

  if (a == NULL || a->len != b->len)
    return FALSE;
  for (i = 0; i < a->len; i++)
    if (!equal (a->pdata[i], b->pdata[i]))
      return FALSE;
  return TRUE;
}

static gboolean
tables_equal (GHashTable *a, GHashTable *b, GEqualFunc equal)
{
  GHashTableIter iter;
  gpointer key, value, other;

  if (a == NULL || g_hash_table_size (a) != g_hash_table_size (b))
    return FALSE;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (!g_hash_table_lookup_extended (b, key, NULL, &other) || !equal (value, other))
      return FALSE;
  return TRUE;
}

static gboolean
tables_of_i32_equal (GHashTable *a, GHashTable *b)
{
  return tables_equal (a, b, (GEqualFunc) i32_equal);
}

static gboolean
tables_of_double_equal (GHashTable *a, GHashTable *b)
{
  return tables_equal (a, b, (GEqualFunc) double_equal);
}

void
peer_check_nested (const PeerNested *actual, const PeerNested *expected)
{
#define ARRAY(field)                                                                               \
  peer_expect (peer_arrays_equal (actual->field, expected->field), "nested." #field)
#define LIST(field, equal)                                                                         \
  peer_expect (lists_equal (actual->field, expected->field, (GEqualFunc) (equal)), "nested"        \
                                                                                   "." #field)
#define TABLE(field, equal)                                                                        \
  peer_expect (tables_equal (actual->field, expected->field, (GEqualFunc) (equal)),                \
               "nested." #field)
  ARRAY (flags);
  ARRAY (tinies);
  ARRAY (smalls);
  ARRAY (numbers);
  ARRAY (larges);
  ARRAY (doubles);
  ARRAY (colors);
  LIST (names, g_str_equal);
  LIST (blobs, peer_bytes_equal);
  LIST (points, peer_points_equal);
  TABLE (chosen, i32_equal);
  TABLE (words, g_str_equal);
  TABLE (ages, i32_equal);
  TABLE (titles, g_str_equal);
  TABLE (switches, i32_equal);
  TABLE (series, peer_arrays_equal);
  TABLE (corners, peer_points_equal);
  LIST (matrix, peer_arrays_equal);
  TABLE (tables, tables_of_double_equal);
  LIST (records, tables_of_i32_equal);
  LIST (scalars, peer_scalars_equal);
#undef ARRAY
#undef LIST
#undef TABLE
  peer_expect (actual->__isset_origin && peer_points_equal (actual->origin, expected->origin),
               "nested.origin");
  peer_expect (actual->__isset_choice && actual->choice->__isset_text
                   && g_strcmp0 (actual->choice->text, expected->choice->text) == 0,
               "nested.choice");
  peer_expect (actual->__isset_maybe && !actual->maybe, "nested.maybe");
  peer_expect (!actual->__isset_never, "nested.never");
}

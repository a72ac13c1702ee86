/* The tables of fixture.h. */
#include "fixture.h"

#include <thrift/c_glib/thrift.h>

#define FIELD(CType, field_name, field_id, field_type, need, ...)                                  \
  {                                                                                                \
    .name = #field_name, .id = (field_id), .type = (field_type), .requiredness = (need),           \
    .offset = G_STRUCT_OFFSET (CType, field_name),                                                 \
    .isset_offset = G_STRUCT_OFFSET (CType, __isset_##field_name), __VA_ARGS__                     \
  }
#define FIELD_WITHOUT_ISSET(CType, field_name, field_id, field_type, need, ...)                    \
  {                                                                                                \
    .name = #field_name, .id = (field_id), .type = (field_type), .requiredness = (need),           \
    .offset = G_STRUCT_OFFSET (CType, field_name), .isset_offset = TALLY_NO_ISSET, __VA_ARGS__     \
  }

static const TallyEnumValue color_values[] = {
  { 0, "ZERO", "FIX_COLOR_ZERO" },
  { 1, "RED", "FIX_COLOR_RED" },
  { -7, "BLUE", "FIX_COLOR_BLUE" },
};
const TallyEnumInfo fix_color_info = TALLY_ENUM_INFO ("Color", FixColor, color_values);

static const TallyType list_string = TALLY_LIST_OF (&tally_type_string);
static guint list_i32_hash (gconstpointer list);
static gboolean list_i32_equal (gconstpointer a, gconstpointer b);
const TallyType fix_list_i32 = {
  .kind = TALLY_KIND_LIST,
  .wire = T_LIST,
  .storage = TALLY_STORAGE_ARRAY,
  .size = sizeof (gpointer),
  .element = &tally_type_i32,
  .hash = list_i32_hash,
  .equal = list_i32_equal,
};

static guint
list_i32_hash (gconstpointer list)
{
  return tally_value_hash (&fix_list_i32, &list);
}

static gboolean
list_i32_equal (gconstpointer a, gconstpointer b)
{
  return tally_value_equal (&fix_list_i32, &a, &b);
}

/* ---- Point ---- */

static const TallyValue point_tags_items[] = { TALLY_STRING_VALUE ("a"), TALLY_STRING_VALUE ("b") };
static const TallyValue point_tags_default = TALLY_ITEMS_VALUE (point_tags_items);
static const TallyValue point_far_default = TALLY_INTEGER_VALUE (5);
static const TallyField point_fields[] = {
  FIELD (FixPoint, far, -3, &tally_type_i64, TALLY_DEFAULT, .value = &point_far_default),
  FIELD_WITHOUT_ISSET (FixPoint, x, 1, &tally_type_i32, TALLY_REQUIRED),
  FIELD (FixPoint, tags, 2, &list_string, TALLY_OPTIONAL, .value = &point_tags_default),
};
const TallyStructInfo fix_point_info =
    TALLY_STRUCT_INFO (TALLY_FORM_STRUCT, "Point", FixPoint, fix_point, point_fields);
TALLY_DEFINE_STRUCT (FixPoint, fix_point)

FixPoint *
fix_point_new (gint32 x, const gchar *tag)
{
  FixPoint *point = g_object_new (fix_point_get_type (), NULL);

  point->x = x;
  if (tag != NULL)
    {
      g_ptr_array_set_size (point->tags, 0);
      g_ptr_array_add (point->tags, g_strdup (tag));
      point->__isset_tags = TRUE;
    }
  return point;
}

/* ---- Choice, Node, Empty, Oops ---- */

static const TallyField choice_fields[] = {
  FIELD (FixChoice, number, 1, &tally_type_i32, TALLY_OPTIONAL),
  FIELD (FixChoice, text, 2, &tally_type_string, TALLY_OPTIONAL),
  FIELD (FixChoice, point, 3, &fix_point_info.type, TALLY_OPTIONAL),
  FIELD (FixChoice, numbers, 4, &fix_list_i32, TALLY_OPTIONAL),
};
const TallyStructInfo fix_choice_info =
    TALLY_STRUCT_INFO (TALLY_FORM_UNION, "Choice", FixChoice, fix_choice, choice_fields);
TALLY_DEFINE_STRUCT (FixChoice, fix_choice)

static const TallyType list_node = TALLY_LIST_OF (&fix_node_info.type);
static const TallyField node_fields[] = {
  FIELD (FixNode, value, 1, &tally_type_i32, TALLY_DEFAULT),
  FIELD (FixNode, next, 2, &fix_node_info.type, TALLY_DEFAULT, .starts_null = TRUE),
  FIELD (FixNode, children, 3, &list_node, TALLY_DEFAULT),
};
const TallyStructInfo fix_node_info =
    TALLY_STRUCT_INFO (TALLY_FORM_STRUCT, "Node", FixNode, fix_node, node_fields);
TALLY_DEFINE_STRUCT (FixNode, fix_node)

const TallyStructInfo fix_empty_info =
    TALLY_EMPTY_STRUCT_INFO (TALLY_FORM_STRUCT, "Empty", FixEmpty, fix_empty);
TALLY_DEFINE_STRUCT (FixEmpty, fix_empty)

static const TallyField oops_fields[] = {
  FIELD (FixOops, message, 1, &tally_type_string, TALLY_DEFAULT),
  FIELD (FixOops, code, 2, &tally_type_i32, TALLY_DEFAULT),
};
const TallyStructInfo fix_oops_info = TALLY_EXCEPTION_INFO ("Oops", FixOops, fix_oops, oops_fields);
TALLY_DEFINE_STRUCT (FixOops, fix_oops)
G_DEFINE_QUARK (fix - oops - error, fix_oops_error)

/* ---- All ---- */

static const TallyType list_bool = TALLY_ARRAY_OF (&tally_type_bool);
static const TallyType list_i8 = TALLY_ARRAY_OF (&tally_type_i8);
static const TallyType list_i16 = TALLY_ARRAY_OF (&tally_type_i16);
static const TallyType list_i64 = TALLY_ARRAY_OF (&tally_type_i64);
static const TallyType list_double = TALLY_ARRAY_OF (&tally_type_double);
static const TallyType list_color = TALLY_ARRAY_OF (&fix_color_info.type);
static const TallyType list_uuid = TALLY_ARRAY_OF (&tally_type_uuid);
static const TallyType list_binary = TALLY_LIST_OF (&tally_type_binary);
static const TallyType list_point = TALLY_LIST_OF (&fix_point_info.type);
static const TallyType list_list = TALLY_LIST_OF (&fix_list_i32);
static const TallyType set_string = TALLY_SET_OF (&tally_type_string);
static const TallyType list_set = TALLY_LIST_OF (&set_string);
static const TallyType map_i32_string = TALLY_MAP_OF (&tally_type_i32, &tally_type_string);
static const TallyType list_map = TALLY_LIST_OF (&map_i32_string);
static const TallyType set_bool = TALLY_SET_OF (&tally_type_bool);
static const TallyType set_i8 = TALLY_SET_OF (&tally_type_i8);
static const TallyType set_i64 = TALLY_SET_OF (&tally_type_i64);
static const TallyType set_double = TALLY_SET_OF (&tally_type_double);
static const TallyType set_color = TALLY_SET_OF (&fix_color_info.type);
static const TallyType set_uuid = TALLY_SET_OF (&tally_type_uuid);
static const TallyType set_binary = TALLY_SET_OF (&tally_type_binary);
static const TallyType set_point = TALLY_SET_OF (&fix_point_info.type);
static const TallyType set_list = TALLY_SET_OF (&fix_list_i32);
static const TallyType map_i16_i32 = TALLY_MAP_OF (&tally_type_i16, &tally_type_i32);
static const TallyType map_i32_double = TALLY_MAP_OF (&tally_type_i32, &tally_type_double);
const TallyType fix_map_string_point = TALLY_MAP_OF (&tally_type_string, &fix_point_info.type);
static const TallyType map_color_color = TALLY_MAP_OF (&fix_color_info.type, &fix_color_info.type);
static const TallyType map_binary_bool = TALLY_MAP_OF (&tally_type_binary, &tally_type_bool);
static const TallyType map_point_i64 = TALLY_MAP_OF (&fix_point_info.type, &tally_type_i64);
static const TallyType map_string_set = TALLY_MAP_OF (&tally_type_string, &set_i64);
static const TallyType map_uuid_list = TALLY_MAP_OF (&tally_type_uuid, &list_string);

#define ALL(field_name, number, field_type)                                                        \
  {                                                                                                \
    .name = #field_name, .id = (number) == 44 ? 1000 : (number), .type = (field_type),             \
    .requiredness = TALLY_OPTIONAL, .offset = G_STRUCT_OFFSET (FixAll, field_name),                \
    .isset_offset = G_STRUCT_OFFSET (FixAll, isset) + ((number) -1) * (gint) sizeof (gboolean)     \
  }

static const TallyField all_fields[] = {
  ALL (a_bool, 1, &tally_type_bool),
  ALL (a_i8, 2, &tally_type_i8),
  ALL (a_i16, 3, &tally_type_i16),
  ALL (a_i32, 4, &tally_type_i32),
  ALL (a_i64, 5, &tally_type_i64),
  ALL (a_double, 6, &tally_type_double),
  ALL (a_color, 7, &fix_color_info.type),
  ALL (a_uuid, 8, &tally_type_uuid),
  ALL (a_string, 9, &tally_type_string),
  ALL (a_binary, 10, &tally_type_binary),
  ALL (a_point, 11, &fix_point_info.type),
  ALL (bools, 12, &list_bool),
  ALL (i8s, 13, &list_i8),
  ALL (i16s, 14, &list_i16),
  ALL (i32s, 15, &fix_list_i32),
  ALL (i64s, 16, &list_i64),
  ALL (doubles, 17, &list_double),
  ALL (colors, 18, &list_color),
  ALL (uuids, 19, &list_uuid),
  ALL (strings, 20, &list_string),
  ALL (binaries, 21, &list_binary),
  ALL (points, 22, &list_point),
  ALL (lists, 23, &list_list),
  ALL (sets, 24, &list_set),
  ALL (maps, 25, &list_map),
  ALL (bool_set, 26, &set_bool),
  ALL (i8_set, 27, &set_i8),
  ALL (i64_set, 28, &set_i64),
  ALL (double_set, 29, &set_double),
  ALL (color_set, 30, &set_color),
  ALL (uuid_set, 31, &set_uuid),
  ALL (string_set, 32, &set_string),
  ALL (binary_set, 33, &set_binary),
  ALL (point_set, 34, &set_point),
  ALL (list_set, 35, &set_list),
  ALL (i16_to_i32, 36, &map_i16_i32),
  ALL (i32_to_double, 37, &map_i32_double),
  ALL (string_to_point, 38, &fix_map_string_point),
  ALL (color_to_color, 39, &map_color_color),
  ALL (binary_to_bool, 40, &map_binary_bool),
  ALL (point_to_i64, 41, &map_point_i64),
  ALL (string_to_set, 42, &map_string_set),
  ALL (uuid_to_list, 43, &map_uuid_list),
  ALL (last, 44, &tally_type_i32),
};
G_STATIC_ASSERT (G_N_ELEMENTS (all_fields) == FIX_ALL_FIELDS);
const TallyStructInfo fix_all_info =
    TALLY_STRUCT_INFO (TALLY_FORM_STRUCT, "All", FixAll, fix_all, all_fields);
TALLY_DEFINE_STRUCT (FixAll, fix_all)

#define APPEND(array, CType, ...)                                                                  \
  do                                                                                               \
    {                                                                                              \
      const CType values_[] = { __VA_ARGS__ };                                                     \
      g_array_append_vals ((array), values_, G_N_ELEMENTS (values_));                              \
    }                                                                                              \
  while (0)

static gpointer
box (gconstpointer value, gsize size)
{
  return g_memdup2 (value, size);
}
#define BOX(CType, value) box (&(CType){ value }, sizeof (CType))

static GByteArray *
new_bytes (const gchar *bytes, guint length)
{
  return g_byte_array_append (g_byte_array_new (), (const guint8 *) bytes, length);
}

static GArray *
new_i32s (gint32 first, guint count)
{
  GArray *array = g_array_new (FALSE, TRUE, sizeof (gint32));

  for (guint i = 0; i < count; i++)
    {
      gint32 value = first + (gint32) i;

      g_array_append_val (array, value);
    }
  return array;
}

static void
fill_plain (FixAll *all)
{
  static const gchar bytes[300] = "\0\1\2\xff";
  GArray *many = new_i32s (-3, 300);

  all->a_bool = TRUE;
  all->a_i8 = G_MININT8;
  all->a_i16 = G_MININT16;
  all->a_i32 = G_MININT32;
  all->a_i64 = G_MININT64;
  all->a_double = -0.1;
  all->a_color = FIX_COLOR_BLUE;
  all->a_string = g_strdup ("snow \xe2\x98\x83");
  all->a_binary = new_bytes (bytes, sizeof bytes);
  all->a_point->x = -1;
  all->last = G_MAXINT32;
  APPEND (all->bools, gboolean, TRUE, FALSE, TRUE);
  APPEND (all->i8s, gint8, 0, -1, G_MAXINT8);
  APPEND (all->i16s, gint16, 0, -1, G_MAXINT16, G_MININT16);
  g_array_append_vals (all->i32s, many->data, many->len);
  APPEND (all->i32s, gint32, G_MAXINT32, G_MININT32);
  APPEND (all->i64s, gint64, 0, -1, G_MAXINT64, G_MININT64);
  APPEND (all->doubles, gdouble, 0, -1e300, 5e-324);
  APPEND (all->colors, FixColor, FIX_COLOR_RED, FIX_COLOR_ZERO, FIX_COLOR_BLUE);
  g_array_unref (many);
}

static void
fill_lists (FixAll *all)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTable *map = g_hash_table_new_full (g_int_hash, g_int_equal, g_free, g_free);

  for (guint i = 0; i < 20; i++)
    g_ptr_array_add (all->strings, g_strnfill (i * 10, 'x'));
  g_ptr_array_add (all->binaries, g_byte_array_new ());
  g_ptr_array_add (all->binaries, new_bytes ("\0", 1));
  g_ptr_array_add (all->points, fix_point_new (1, "one"));
  g_ptr_array_add (all->points, fix_point_new (2, NULL));
  g_ptr_array_add (all->lists, new_i32s (0, 0));
  g_ptr_array_add (all->lists, new_i32s (5, 3));
  g_hash_table_add (set, g_strdup ("in a set"));
  g_ptr_array_add (all->sets, set);
  g_hash_table_insert (map, BOX (gint32, 0), g_strdup ("zero"));
  g_ptr_array_add (all->maps, map);
}

static void
fill_sets (FixAll *all)
{
  g_hash_table_add (all->bool_set, BOX (gboolean, FALSE));
  g_hash_table_add (all->bool_set, BOX (gboolean, TRUE));
  g_hash_table_add (all->i8_set, BOX (gint8, -8));
  g_hash_table_add (all->i64_set, BOX (gint64, G_MININT64));
  g_hash_table_add (all->double_set, BOX (gdouble, 0.5));
  g_hash_table_add (all->color_set, GINT_TO_POINTER (FIX_COLOR_ZERO));
  g_hash_table_add (all->color_set, GINT_TO_POINTER (FIX_COLOR_BLUE));
  g_hash_table_add (all->string_set, g_strdup (""));
  g_hash_table_add (all->string_set, g_strdup ("s"));
  g_hash_table_add (all->binary_set, new_bytes ("ab", 2));
  g_hash_table_add (all->binary_set, new_bytes ("a\0c", 3));
  g_hash_table_add (all->point_set, fix_point_new (1, "one"));
  g_hash_table_add (all->point_set, fix_point_new (1, "two"));
  g_hash_table_add (all->list_set, new_i32s (1, 2));
  g_hash_table_add (all->list_set, new_i32s (2, 2));
}

static void
fill_maps (FixAll *all)
{
  GHashTable *set = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);

  g_hash_table_insert (all->i16_to_i32, BOX (gint16, -16), BOX (gint32, 32));
  for (gint32 i = 0; i < 40; i++)
    g_hash_table_insert (all->i32_to_double, BOX (gint32, i), BOX (gdouble, i / 2.0));
  g_hash_table_insert (all->string_to_point, g_strdup ("here"), fix_point_new (7, "t"));
  g_hash_table_insert (all->color_to_color, GINT_TO_POINTER (FIX_COLOR_ZERO),
                       GINT_TO_POINTER (FIX_COLOR_RED));
  g_hash_table_insert (all->color_to_color, GINT_TO_POINTER (FIX_COLOR_RED),
                       GINT_TO_POINTER (FIX_COLOR_ZERO));
  g_hash_table_insert (all->binary_to_bool, new_bytes ("k", 1), BOX (gboolean, FALSE));
  g_hash_table_insert (all->point_to_i64, fix_point_new (3, NULL), BOX (gint64, 64));
  g_hash_table_add (set, BOX (gint64, 1));
  g_hash_table_insert (all->string_to_set, g_strdup ("set"), set);
}

static void
fill_uuids (FixAll *all)
{
  TallyUuid uuid = { { 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } };
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);

  all->a_uuid = uuid;
  g_array_append_val (all->uuids, uuid);
  g_hash_table_add (all->uuid_set, box (&uuid, sizeof uuid));
  g_ptr_array_add (list, g_strdup ("listed"));
  g_hash_table_insert (all->uuid_to_list, box (&uuid, sizeof uuid), list);
}

FixAll *
fix_all_new_full (gboolean with_uuids)
{
  FixAll *all = g_object_new (fix_all_get_type (), NULL);

  fill_plain (all);
  fill_lists (all);
  fill_sets (all);
  fill_maps (all);
  if (with_uuids)
    fill_uuids (all);
  for (guint i = 0; i < FIX_ALL_FIELDS; i++)
    all->isset[i] = with_uuids || strstr (all_fields[i].name, "uuid") == NULL;
  return all;
}

/* ---- arguments and results ---- */

static const TallyValue args_count_default = TALLY_INTEGER_VALUE (7);
static const TallyValue args_word_default = TALLY_STRING_VALUE ("hello");
static const TallyField args_fields[] = {
  FIELD_WITHOUT_ISSET (FixArgs, text, 1, &tally_type_string, TALLY_DEFAULT),
  FIELD_WITHOUT_ISSET (FixArgs, bytes, 2, &tally_type_binary, TALLY_DEFAULT),
  FIELD_WITHOUT_ISSET (FixArgs, numbers, 3, &fix_list_i32, TALLY_DEFAULT),
  FIELD_WITHOUT_ISSET (FixArgs, point, 4, &fix_point_info.type, TALLY_DEFAULT),
  FIELD_WITHOUT_ISSET (
      FixArgs, count, 5, &tally_type_i32, TALLY_DEFAULT, .value = &args_count_default),
  FIELD_WITHOUT_ISSET (
      FixArgs, word, 6, &tally_type_string, TALLY_DEFAULT, .value = &args_word_default),
};
const TallyStructInfo fix_args_info =
    TALLY_INLINE_INFO (TALLY_FORM_ARGS, "call_args", FixArgs, args_fields);

static const TallyField list_result_fields[] = {
  FIELD_WITHOUT_ISSET (FixListResult, success, 0, &fix_list_i32, TALLY_OPTIONAL),
  FIELD_WITHOUT_ISSET (FixListResult, oops, 1, &fix_oops_info.type, TALLY_OPTIONAL),
};
const TallyStructInfo fix_list_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "call_result", FixListResult, list_result_fields);

static const TallyField count_result_fields[] = {
  FIELD (FixCountResult, success, 0, &tally_type_i32, TALLY_OPTIONAL),
};
const TallyStructInfo fix_count_result_info =
    TALLY_INLINE_INFO (TALLY_FORM_RESULT, "count_result", FixCountResult, count_result_fields);

/* ---- objects of Apache's ---- */

gpointer
test_keep (gpointer object)
{
  static GPtrArray *kept; /* reachable, so that nothing in it is a leak */

  if (kept == NULL)
    kept = g_ptr_array_new ();
  g_ptr_array_add (kept, g_object_ref (object));
  return object;
}

const TallyCodec *const fix_codecs[2] = { &tally_codec_binary, &tally_codec_compact };

TallyBuffer
fix_encode (const TallyCodec *codec, const TallyStructInfo *info, gconstpointer instance)
{
  TallyBuffer buffer = { NULL };
  g_autoptr (GError) error = NULL;

  if (!codec->write_struct (&buffer, info, instance, &error))
    g_error ("%s could not be encoded: %s", info->name, error->message);
  return buffer;
}

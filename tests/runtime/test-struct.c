/* TallyStruct as a GObject: registration, initial values, properties, what an object costs when it
 * is gone; and what can be done with any struct. */
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "tally-error.h"

static void
test_type_is_as_apaches (void)
{
  assert_string (g_type_name (fix_point_get_type ()), "FixPointType");
  CU_ASSERT_TRUE (g_type_is_a (fix_point_get_type (), THRIFT_TYPE_STRUCT));
  CU_ASSERT_TRUE (g_type_is_a (fix_point_get_type (), TALLY_TYPE_STRUCT));
}

/* Types that nobody has used before, for the race. */
#define RACERS 8
#define RACED 40
static gsize raced_once[RACED];
static GType raced_types[RACERS][RACED];
static gint racers_ready;

static gpointer
race (gpointer data)
{
  guint racer = GPOINTER_TO_UINT (data);

  g_atomic_int_inc (&racers_ready);
  while (g_atomic_int_get (&racers_ready) < RACERS)
    g_thread_yield ();
  for (guint i = 0; i < RACED; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("FixRaced%uType", i);
      g_autoptr (GObject) object = NULL;

      raced_types[racer][i] = tally_struct_register (&raced_once[i], name, &fix_node_info);
      object = g_object_new (raced_types[racer][i], NULL);
      CU_ASSERT_PTR_NOT_NULL (((FixNode *) object)->children);
    }
  return NULL;
}

static void
test_threads_register_once (void)
{
  GThread *threads[RACERS];

  for (guint i = 0; i < RACERS; i++)
    threads[i] = g_thread_new ("racer", race, GUINT_TO_POINTER (i));
  for (guint i = 0; i < RACERS; i++)
    g_thread_join (threads[i]);
  for (guint i = 0; i < RACED; i++)
    for (guint racer = 0; racer < RACERS; racer++)
      CU_ASSERT_TRUE (raced_types[racer][i] != 0 && raced_types[racer][i] == raced_types[0][i]);
}

static void
test_initial_values (void)
{
  g_autoptr (GObject) object = g_object_new (fix_point_get_type (), NULL);
  g_autoptr (GObject) all_object = g_object_new (fix_all_get_type (), NULL);
  g_autoptr (GObject) node = g_object_new (fix_node_get_type (), NULL);
  FixPoint *point = (FixPoint *) object;
  FixAll *all = (FixAll *) all_object;

  assert_int (point->far, 5);
  CU_ASSERT_FALSE (point->__isset_far);
  assert_int (point->tags->len, 2);
  assert_string (point->tags->pdata[1], "b");
  CU_ASSERT_FALSE (point->__isset_tags);
  CU_ASSERT_PTR_NULL (all->a_string);
  CU_ASSERT_PTR_NULL (all->a_binary);
  CU_ASSERT_PTR_NOT_NULL (all->a_point);
  CU_ASSERT_PTR_NOT_NULL (all->i32s);
  CU_ASSERT_PTR_NOT_NULL (all->strings);
  CU_ASSERT_PTR_NOT_NULL (all->string_set);
  CU_ASSERT_PTR_NOT_NULL (all->uuid_to_list);
  CU_ASSERT_PTR_NULL (((FixNode *) node)->next);
  CU_ASSERT_PTR_NOT_NULL (((FixNode *) node)->children);
}

static void
note_finalized (gpointer data, GObject *where_the_object_was)
{
  (*(guint *) data)++;
}

static void
note_data_freed (gpointer data)
{
  (*(guint *) data)++;
}

/* To GObject's own finalizer: it frees an object's data. */
static void
test_objects_are_finalized (void)
{
  guint finalized = 0;
  FixAll *all = fix_all_new_full (TRUE);

  g_object_weak_ref (G_OBJECT (all), note_finalized, &finalized);
  g_object_weak_ref (G_OBJECT (all->a_point), note_finalized, &finalized);
  g_object_weak_ref (G_OBJECT (all->points->pdata[0]), note_finalized, &finalized);
  g_object_set_data_full (G_OBJECT (all), "data", &finalized, note_data_freed);
  g_object_unref (all);
  assert_int (finalized, 4);
}

static void
test_number_properties (void)
{
  g_autoptr (GObject) object =
      g_object_new (fix_all_get_type (), "a_bool", TRUE, "a_i8", -8, "a-i16", -16, "a_i32", -32,
                    "a_i64", G_MININT64, "a_double", 0.25, "a_color", FIX_COLOR_RED, NULL);
  FixAll *all = (FixAll *) object;
  gboolean a_bool;
  gint a_i8, a_i16, a_i32, a_color;
  gint64 a_i64;
  gdouble a_double;

  CU_ASSERT_TRUE (all->a_bool);
  assert_int (all->a_i8, -8);
  for (guint i = 0; i < 7; i++)
    CU_ASSERT_TRUE (all->isset[i]);
  CU_ASSERT_FALSE (all->isset[7]);
  g_object_get (object, "a_bool", &a_bool, "a_i8", &a_i8, "a_i16", &a_i16, "a_i32", &a_i32, "a_i64",
                &a_i64, "a_double", &a_double, "a_color", &a_color, NULL);
  CU_ASSERT_TRUE (a_bool);
  assert_int (a_i8, -8);
  assert_int (a_i16, -16);
  assert_int (a_i32, -32);
  assert_int (a_i64, G_MININT64);
  CU_ASSERT_TRUE (a_double == 0.25);
  assert_int (a_color, FIX_COLOR_RED);
}

static void
test_pointer_properties (void)
{
  g_autoptr (GObject) object = g_object_new (fix_all_get_type (), NULL);
  FixAll *all = (FixAll *) object;
  g_autoptr (GObject) point = (GObject *) fix_point_new (3, NULL);
  g_autoptr (GArray) numbers = g_array_new (FALSE, TRUE, sizeof (gint32));
  g_autoptr (GObject) got_point = NULL;
  g_autoptr (GArray) got_numbers = NULL;
  g_autofree gchar *got_text = NULL;
  g_autoptr (GHashTable) got_set = NULL;
  TallyUuid uuid = { { 1, 2, 3 } };
  TallyUuid *got_uuid;

  g_object_set (object, "a_string", "text", "a_point", point, "i32s", numbers, "a_uuid", &uuid,
                NULL);
  g_object_set (object, "a_string", all->a_string, "i32s", all->i32s, NULL); /* its own value */
  assert_string (all->a_string, "text");
  CU_ASSERT_PTR_EQUAL (all->a_point, point);
  CU_ASSERT_PTR_EQUAL (all->i32s, numbers);
  g_object_get (object, "a_string", &got_text, "a_point", &got_point, "i32s", &got_numbers,
                "string_set", &got_set, "a_uuid", &got_uuid, NULL);
  assert_string (got_text, "text");
  CU_ASSERT_PTR_EQUAL (got_point, point);
  CU_ASSERT_PTR_EQUAL (got_numbers, numbers);
  CU_ASSERT_PTR_EQUAL (got_set, all->string_set);
  CU_ASSERT_TRUE (tally_uuid_equal (got_uuid, &uuid));
  g_boxed_free (TALLY_TYPE_UUID, got_uuid);
}

static void
test_property_ranges (void)
{
  GObjectClass *class = g_type_class_ref (fix_all_get_type ());
  GObjectClass *point_class = g_type_class_ref (fix_point_get_type ());
  GParamSpecInt *i8 = G_PARAM_SPEC_INT (g_object_class_find_property (class, "a_i8"));
  GParamSpecInt *color = G_PARAM_SPEC_INT (g_object_class_find_property (class, "a_color"));
  GParamSpecInt64 *far = G_PARAM_SPEC_INT64 (g_object_class_find_property (point_class, "far"));

  assert_int (i8->minimum, G_MININT8);
  assert_int (i8->maximum, G_MAXINT8);
  assert_int (color->minimum, -7);
  assert_int (color->maximum, 1);
  assert_int (far->default_value, 5);
  assert_int (g_object_class_find_property (class, "i32s")->value_type, G_TYPE_ARRAY);
  assert_int (g_object_class_find_property (class, "strings")->value_type, G_TYPE_PTR_ARRAY);
  assert_int (g_object_class_find_property (class, "i64_set")->value_type, G_TYPE_HASH_TABLE);
  assert_int (g_object_class_find_property (class, "a_binary")->value_type, G_TYPE_BYTE_ARRAY);
  assert_int (g_object_class_find_property (class, "a_point")->value_type, fix_point_get_type ());
  g_type_class_unref (class);
  g_type_class_unref (point_class);
}

static void
test_copy_is_equal_and_apart (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) copy = tally_struct_copy (all);
  FixAll *original = (FixAll *) all, *other = (FixAll *) copy;

  CU_ASSERT_TRUE (tally_struct_equal (all, copy));
  assert_int (tally_struct_hash (all), tally_struct_hash (copy));
  CU_ASSERT_PTR_NOT_EQUAL (original->a_string, other->a_string);
  CU_ASSERT_PTR_NOT_EQUAL (original->a_point, other->a_point);
  g_array_index (other->i32s, gint32, 7)++;
  CU_ASSERT_FALSE (tally_struct_equal (all, copy));
}

/* Changing any single field is seen. */
static void
test_every_field_counts (void)
{
  for (guint i = 0; i < FIX_ALL_FIELDS; i++)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) other = (GObject *) fix_all_new_full (TRUE);

      ((FixAll *) other)->isset[i] = FALSE;
      CU_ASSERT_FALSE (tally_struct_equal (all, other));
      CU_ASSERT_FALSE (tally_struct_equal (other, all));
      CU_ASSERT_TRUE (tally_struct_hash (all) != tally_struct_hash (other));
    }
}

static void
test_classes_differ (void)
{
  g_autoptr (GObject) empty = g_object_new (fix_empty_get_type (), NULL);
  g_autoptr (GObject) other_empty = g_object_new (fix_empty_get_type (), NULL);
  g_autoptr (GObject) node = g_object_new (fix_node_get_type (), NULL);

  CU_ASSERT_TRUE (tally_struct_equal (empty, other_empty));
  CU_ASSERT_FALSE (tally_struct_equal (empty, node));
  CU_ASSERT_FALSE (tally_struct_equal (empty, NULL));
  CU_ASSERT_TRUE (tally_struct_equal (NULL, NULL));
}

static void
test_clear_is_as_new (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) fresh = g_object_new (fix_all_get_type (), NULL);
  g_autofree gchar *cleared_point = NULL;
  g_autofree gchar *fresh_point = NULL;

  tally_struct_clear (all);
  for (guint i = 0; i < FIX_ALL_FIELDS; i++)
    CU_ASSERT_FALSE (((FixAll *) all)->isset[i]);
  for (guint i = 0; i < FIX_ALL_FIELDS; i++) /* to see all of them */
    ((FixAll *) all)->isset[i] = ((FixAll *) fresh)->isset[i] = TRUE;
  cleared_point = tally_struct_to_string (all);
  fresh_point = tally_struct_to_string (fresh);
  assert_string (cleared_point, fresh_point);
}

static void
test_text (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (1, "say \"hi\"\n");
  g_autoptr (GObject) all = g_object_new (fix_all_get_type (), NULL);
  FixAll *fields = (FixAll *) all;
  g_autofree gchar *point_text = tally_struct_to_string (point);
  g_autofree gchar *all_text = NULL;

  assert_string (point_text, "Point(far=5, x=1, tags=[\"say \\\"hi\\\"\\n\"])");
  fields->a_color = FIX_COLOR_BLUE;
  fields->a_double = 0.1;
  fields->a_binary = g_byte_array_append (g_byte_array_new (), (const guint8 *) "\1\xab", 2);
  for (gint32 i = 3; i > 0; i--)
    g_hash_table_insert (fields->i32_to_double, g_memdup2 (&i, sizeof i), g_new0 (gdouble, 1));
  fields->isset[0] = fields->isset[5] = fields->isset[6] = fields->isset[7] = fields->isset[9] =
      fields->isset[36] = TRUE;
  all_text = tally_struct_to_string (all);
  assert_string (all_text, "All(a_bool=false, a_double=0.1, a_color=BLUE, "
                           "a_uuid=00000000-0000-0000-0000-000000000000, a_binary=<01ab>, "
                           "i32_to_double={1: 0, 2: 0, 3: 0})");
}

static void
test_encode_and_decode (void)
{
  for (TallyProtocolId protocol = TALLY_PROTOCOL_BINARY; protocol <= TALLY_PROTOCOL_COMPACT;
       protocol++)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      GError *error = NULL;
      g_autoptr (GBytes) bytes = tally_struct_encode (all, protocol, &error);
      g_autofree guint8 *longer = NULL;
      gsize length;
      gconstpointer data = g_bytes_get_data (bytes, &length);

      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_decode (back, protocol, data, length, &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (all, back));
      longer = g_malloc0 (length + 1);
      memcpy (longer, data, length);
      CU_ASSERT_FALSE (tally_struct_decode (back, protocol, longer, length + 1, &error));
      assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                    "1 bytes follow");
      g_clear_error (&error);
      CU_ASSERT_PTR_NULL (((FixAll *) back)->a_string);
    }
}

/* What a caller took out of a struct is not changed when the struct is read again. */
static void
test_shared_struct_is_left_alone (void)
{
  g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
  g_autoptr (GObject) held = g_object_ref (G_OBJECT (((FixAll *) all)->a_point));
  GError *error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize length;
  gconstpointer data;

  ((FixPoint *) held)->x = 11;
  bytes = tally_struct_encode (all, TALLY_PROTOCOL_BINARY, &error);
  assert_no_error (error);
  data = g_bytes_get_data (bytes, &length);
  ((FixPoint *) held)->x = 22;
  CU_ASSERT_TRUE (tally_struct_decode (all, TALLY_PROTOCOL_BINARY, data, length, &error));
  assert_no_error (error);
  assert_int (((FixPoint *) held)->x, 22);
  assert_int (((FixAll *) all)->a_point->x, 11);
}

/* ---- a table that was made while the program runs ---- */

/* struct Loaded { 1: i32 number = 7, 2: Loaded next, 3: list<Loaded> others } */
typedef struct
{
  ThriftStruct parent;
  gpointer next;
  GPtrArray *others;
  gint32 number;
  gboolean isset[3];
} Loaded;

static const TallyValue seven = TALLY_INTEGER_VALUE (7);
static TallyLoadedInfo loaded;
static TallyType loaded_list;
static TallyField loaded_fields[] = {
  { .name = "number",
    .id = 1,
    .type = &tally_type_i32,
    .value = &seven,
    .requiredness = TALLY_DEFAULT,
    .offset = G_STRUCT_OFFSET (Loaded, number),
    .isset_offset = G_STRUCT_OFFSET (Loaded, isset[0]) },
  { .name = "next",
    .id = 2,
    .type = &loaded.info.type,
    .requiredness = TALLY_DEFAULT,
    .starts_null = TRUE,
    .offset = G_STRUCT_OFFSET (Loaded, next),
    .isset_offset = G_STRUCT_OFFSET (Loaded, isset[1]) },
  { .name = "others",
    .id = 3,
    .type = &loaded_list,
    .requiredness = TALLY_OPTIONAL,
    .starts_null = TRUE,
    .offset = G_STRUCT_OFFSET (Loaded, others),
    .isset_offset = G_STRUCT_OFFSET (Loaded, isset[2]) },
};

static void
register_loaded (void)
{
  const TallyStructInfo info = { .type = TALLY_STRUCT_TYPE_,
                                 .name = "Loaded",
                                 .form = TALLY_FORM_STRUCT,
                                 .fields = loaded_fields,
                                 .n_fields = G_N_ELEMENTS (loaded_fields),
                                 .instance_size = sizeof (Loaded) };
  const TallyType list = TALLY_LIST_OF (&loaded.info.type);
  g_autoptr (GError) error = NULL;

  loaded.info = info;
  loaded_list = list;
  CU_ASSERT_TRUE (tally_struct_register_loaded (&loaded, "TestLoaded", &error));
  assert_no_error (error);
}

static void
a_loaded_table_is_as_any (void)
{
  g_autoptr (GObject) object = NULL;
  g_autoptr (GObject) copy = NULL;
  g_autofree gchar *text = NULL;
  Loaded *outer, *inner = NULL;

  register_loaded ();
  object = g_object_new (loaded.g_type, NULL);
  outer = (Loaded *) object;
  assert_int (outer->number, 7);
  CU_ASSERT_PTR_NULL (outer->next);
  outer->next = g_object_new (loaded.g_type, NULL);
  tally_value_init (&loaded_list, NULL, &outer->others);
  outer->isset[2] = TRUE;
  tally_value_init (&loaded.info.type, NULL, &inner);
  inner->number = -1;
  g_ptr_array_add (outer->others, inner);
  for (gint protocol = TALLY_PROTOCOL_BINARY; protocol <= TALLY_PROTOCOL_COMPACT; protocol++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GBytes) bytes = tally_struct_encode (object, protocol, &error);
      g_autoptr (GObject) again = g_object_new (loaded.g_type, NULL);

      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_decode (again, protocol, g_bytes_get_data (bytes, NULL),
                                           g_bytes_get_size (bytes), &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (object, again));
    }
  copy = tally_struct_copy (object);
  text = tally_struct_to_string (copy);
  assert_string (text, "Loaded(number=7, next=Loaded(number=7), others=[Loaded(number=-1)])");
}

static void
a_loaded_table_has_a_limit (void)
{
  static TallyLoadedInfo large = { .info = { .name = "Large", .instance_size = G_MAXUINT16 + 1 } };
  g_autoptr (GError) error = NULL;

  CU_ASSERT_FALSE (tally_struct_register_loaded (&large, "TestLarge", &error));
  assert_error (error, TALLY_ERROR, TALLY_ERROR_LIMIT,
                "Large takes 65536 bytes; the limit is 65535");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_threads_register_once),
    TEST (test_type_is_as_apaches),
    TEST (test_initial_values),
    TEST (test_objects_are_finalized),
    TEST (test_number_properties),
    TEST (test_pointer_properties),
    TEST (test_property_ranges),
    TEST (test_copy_is_equal_and_apart),
    TEST (test_every_field_counts),
    TEST (test_classes_differ),
    TEST (test_clear_is_as_new),
    TEST (test_text),
    TEST (test_encode_and_decode),
    TEST (test_shared_struct_is_left_alone),
    TEST (a_loaded_table_is_as_any),
    TEST (a_loaded_table_has_a_limit),
    { NULL },
  };

  return test_main ("struct", cases, argc, argv);
}

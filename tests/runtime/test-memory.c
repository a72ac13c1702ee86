/* Owns the tests of what is counted while a message is decoded: at least what it takes on the heap,
 * and never more than the limit. Knows what glibc's allocator says. */
#include <malloc.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "memory-transport.h"
#include "storage.h"

/* ---- what is sent: fixture.h's All with many elements in one of its containers ---- */

static void
add_to_list (const TallyType *type, gpointer container, guint count)
{
  for (guint i = 0; i < count; i++)
    if (type->storage == TALLY_STORAGE_ARRAY)
      g_array_set_size (container, i + 1);
    else
      g_ptr_array_add (container, tally_storage_new (type->element));
}

/* A key that no other number makes, as a table stores it. */
static gpointer
make_key (const TallyType *type, guint number)
{
  gpointer memory;

  switch ((TallyKind) type->kind)
    {
    case TALLY_KIND_ENUM:
      return GUINT_TO_POINTER (number);
    case TALLY_KIND_STRING:
      return g_strdup_printf ("%x", number);
    case TALLY_KIND_BINARY:
      return g_byte_array_new_take (g_memdup2 (&number, 4), 4);
    case TALLY_KIND_STRUCT:
      return fix_point_new (number, "tag");
    case TALLY_KIND_LIST:
      memory = tally_storage_new (type);
      g_array_append_val (memory, number);
      return memory;
    case TALLY_KIND_DOUBLE:
      memory = g_malloc0 (type->size);
      *(gdouble *) memory = number;
      return memory;
    default:
      memory = g_malloc0 (MAX (type->size, sizeof number));
      memcpy (memory, &number, MIN (type->size, sizeof number));
      return memory;
    }
}

static gpointer
make_value (const TallyType *type)
{
  if (type->storage != TALLY_STORAGE_PLAIN)
    return tally_storage_new (type);
  return type->kind == TALLY_KIND_ENUM ? NULL : g_malloc0 (type->size);
}

static void
add_to_table (const TallyType *type, gpointer container, guint count)
{
  for (guint i = 0; i < count; i++)
    if (type->kind == TALLY_KIND_SET)
      g_hash_table_add (container, make_key (type->element, i));
    else
      g_hash_table_replace (container, make_key (type->key, i), make_value (type->element));
}

/* The bytes of an All whose container @field has @count elements. */
static TallyBuffer
encode_many (const TallyCodec *codec, const TallyField *field, guint count)
{
  g_autoptr (GObject) all = g_object_new (fix_all_get_type (), NULL);
  gpointer container = *(gpointer *) ((guint8 *) all + field->offset);
  TallyBuffer bytes = { NULL, 0, 0 };
  g_autoptr (GError) error = NULL;

  if (field->type->kind == TALLY_KIND_LIST)
    add_to_list (field->type, container, count);
  else
    add_to_table (field->type, container, count);
  tally_field_set_isset (field, all, TRUE);
  CU_ASSERT_TRUE (codec->write_struct (&bytes, &fix_all_info, all, &error));
  assert_no_error (error);
  return bytes;
}

static gboolean
is_container (const TallyField *field)
{
  return field->type->kind > TALLY_KIND_STRUCT;
}

/* How many elements take more than slack and less than a test's time. */
static guint
pick_count (const TallyField *field)
{
  const TallyType *key = field->type->kind == TALLY_KIND_MAP   ? field->type->key
                         : field->type->kind == TALLY_KIND_SET ? field->type->element
                                                               : NULL;

  if (key == NULL)
    return 3001;
  return key->kind == TALLY_KIND_BOOL ? 2 : key->kind == TALLY_KIND_I8 ? 200 : 3001;
}

/* ---- the heap ---- */

/* Bytes in use; 0 where the allocator is a sanitizer's or valgrind's. */
static gsize
heap_in_use (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* What a decoder that is given @limit says, and what it counts and takes. */
typedef struct
{
  gboolean done;
  gsize counted;
  gsize taken;
} Use;

static Use
decode (const TallyCodec *codec, const TallyBuffer *bytes, gsize limit, GError **error)
{
  const TallyLimits limits = { 16 << 20, 64, TRUE, limit };
  g_autoptr (GObject) all = g_object_new (fix_all_get_type (), NULL);
  TallyReader reader;
  Use use;

  tally_reader_init (&reader, bytes->data, bytes->length, &limits);
  use.taken = heap_in_use ();
  use.done = codec->read_struct (&reader, &fix_all_info, all, error);
  use.taken = heap_in_use () - use.taken;
  use.counted = limit - reader.memory_left;
  return use;
}

/* Of each container type: what is taken is counted, with a tenth's tolerance, and not much more. */
static void
what_is_taken_is_counted (void)
{
  for (guint c = 0; c < G_N_ELEMENTS (fix_codecs); c++)
    for (guint i = 0; i < fix_all_info.n_fields; i++)
      {
        const TallyField *field = &fix_all_info.fields[i];
        g_autoptr (GError) error = NULL;
        TallyBuffer bytes;
        Use use;

        if (!is_container (field))
          continue;
        bytes = encode_many (fix_codecs[c], field, pick_count (field));
        use = decode (fix_codecs[c], &bytes, 1 << 30, &error);
        assert_no_error (error);
        CU_ASSERT_TRUE (use.counted > 0);
        if (use.taken > 0)
          {
            gboolean fits =
                use.taken <= use.counted + use.counted / 10 && use.counted <= 3 * use.taken + 4096;

            CU_ASSERT_TRUE (fits);
            if (!fits)
              g_printerr ("# %s: %" G_GSIZE_FORMAT " taken, %" G_GSIZE_FORMAT " counted\n",
                          field->name, use.taken, use.counted);
          }
        tally_buffer_clear (&bytes);
      }
}

/* A limit below what the message takes is kept, and the error says what it is. */
static void
the_limit_is_kept (void)
{
  for (guint c = 0; c < G_N_ELEMENTS (fix_codecs); c++)
    for (guint i = 0; i < fix_all_info.n_fields; i++)
      {
        const TallyField *field = &fix_all_info.fields[i];
        g_autoptr (GError) error = NULL;
        TallyBuffer bytes;
        gsize limit;
        Use use;

        if (!is_container (field))
          continue;
        bytes = encode_many (fix_codecs[c], field, pick_count (field));
        use = decode (fix_codecs[c], &bytes, 1 << 30, NULL);
        limit = use.counted;
        CU_ASSERT_TRUE (decode (fix_codecs[c], &bytes, limit, NULL).done);
        use = decode (fix_codecs[c], &bytes, limit - 1, &error);
        CU_ASSERT_FALSE (use.done);
        assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                      "more memory once decoded than the limit of");
        assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT, field->name);
        CU_ASSERT_TRUE (use.taken <= limit + limit / 10 + 1024); /* the error itself */
        tally_buffer_clear (&bytes);
      }
}

/* A struct's initial values, which a byte of the wire can make, count too. */
static void
initial_values_are_counted (void)
{
  const GType types[] = { fix_all_get_type (), fix_point_get_type (), fix_choice_get_type (),
                          fix_node_get_type (), fix_empty_get_type () };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GObject) first = g_object_new (types[i], NULL);
      gpointer objects[100];
      gsize counted = 0, taken = heap_in_use ();

      for (guint j = 0; j < G_N_ELEMENTS (objects); j++)
        {
          objects[j] = g_object_new (types[i], NULL);
          counted += tally_storage_get_initial_memory (objects[j]);
        }
      taken = heap_in_use () - taken;
      CU_ASSERT_TRUE (taken <= counted + counted / 10);
      CU_ASSERT_TRUE (taken == 0 || counted <= 3 * taken);
      for (guint j = 0; j < G_N_ELEMENTS (objects); j++)
        g_object_unref (objects[j]);
    }
}

/* By default a message may take sixteen times what it may have on the wire; 700,000 points take more.
 * They are read by the codec, and by the walker over Apache's protocol. */
static void
there_is_a_limit_by_default (void)
{
  enum
  {
    COUNT = 700000
  };
  static const guint8 header[] = { T_LIST,      0, 22, T_STRUCT, 0, COUNT >> 16, COUNT >> 8 & 0xff,
                                   COUNT & 0xff };
  static const guint8 point[] = { T_I32, 0, 1, 0, 0, 0, 1, 0 };
  g_autoptr (GObject) all = g_object_new (fix_all_get_type (), NULL);
  TallyBuffer bytes = { NULL, 0, 0 }, output = { NULL, 0, 0 };
  g_autoptr (TallyMemoryTransport) transport = NULL;
  g_autoptr (GObject) protocol = NULL;
  g_autoptr (GError) error = NULL;
  TallyReader reader;

  assert_int (tally_limits_get_memory (&tally_limits_default), 256 << 20);
  tally_buffer_append (&bytes, header, sizeof header);
  for (guint i = 0; i < COUNT; i++)
    tally_buffer_append (&bytes, point, sizeof point);
  tally_buffer_append (&bytes, "", 1);
  tally_reader_init (&reader, bytes.data, bytes.length, &tally_limits_default);
  CU_ASSERT_FALSE (tally_codec_binary.read_struct (&reader, &fix_all_info, all, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                "All.points: element");
  g_clear_error (&error);

  transport = tally_memory_transport_new (bytes.data, bytes.length, &output);
  protocol = g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
  CU_ASSERT_FALSE (
      tally_walker_read_struct (THRIFT_PROTOCOL (protocol), &fix_all_info, all, NULL, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_SIZE_LIMIT,
                "more memory once decoded than the limit of 268435456 bytes");
  tally_buffer_clear (&bytes);
  tally_buffer_clear (&output);
}

/* A program's own bytes may be more than a message's. */
static void
bytes_of_a_programs_own_have_room (void)
{
  const gsize length = 40 << 20;
  g_autofree gchar *text = g_strnfill (length, 'x');
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), "message", text, NULL);
  g_autoptr (GObject) back = g_object_new (fix_oops_get_type (), NULL);
  g_autoptr (GBytes) bytes = tally_struct_encode (oops, FALSE, NULL);
  g_autoptr (GError) error = NULL;

  CU_ASSERT_TRUE (tally_struct_decode (back, FALSE, g_bytes_get_data (bytes, NULL),
                                       g_bytes_get_size (bytes), &error));
  assert_no_error (error);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_is_taken_is_counted),          TEST (the_limit_is_kept),
    TEST (initial_values_are_counted),        TEST (there_is_a_limit_by_default),
    TEST (bytes_of_a_programs_own_have_room), { NULL, NULL },
  };

  /* GLib's own pools would hide what is allocated. */
  if (g_getenv ("G_SLICE") == NULL && g_setenv ("G_SLICE", "always-malloc", TRUE))
    execv ("/proc/self/exe", argv);
  return test_main ("memory", cases, argc, argv);
}

/* The codec of valid input: every type in every position there and back, in both protocols; what is
 * written and what is left out; the exact bytes of small structs; messages' headers. */
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "tally-error.h"

static gboolean
decode (const TallyCodec *codec,
        const TallyStructInfo *info,
        gpointer instance,
        gconstpointer bytes,
        gsize length,
        GError **error)
{
  TallyReader reader;
  gboolean done;

  tally_reader_init (&reader, bytes, length, &tally_limits_default);
  done = codec->read_struct (&reader, info, instance, error);
  if (done)
    {
      assert_int (reader.end - reader.cursor, 0);
      assert_int (reader.depth, 0);
    }
  return done;
}

static void
assert_hex (const TallyBuffer *buffer, const gchar *expected)
{
  g_autoptr (GString) hex = g_string_new (NULL);

  for (gsize i = 0; i < buffer->length; i++)
    g_string_append_printf (hex, "%02x", buffer->data[i]);
  assert_string (hex->str, expected);
}

static void
test_everything_round_trips (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
      TallyBuffer buffer = fix_encode (codec, &fix_all_info, all);
      g_autofree gchar *before = tally_struct_to_string (all);
      g_autofree gchar *after = NULL;
      GError *error = NULL;

      CU_ASSERT_TRUE (decode (codec, &fix_all_info, back, buffer.data, buffer.length, &error));
      assert_no_error (error);
      after = tally_struct_to_string (back);
      assert_string (after, before);
      CU_ASSERT_TRUE (tally_struct_equal (all, back));
      for (guint i = 0; i < FIX_ALL_FIELDS; i++)
        CU_ASSERT_TRUE (((FixAll *) back)->isset[i]);
      tally_buffer_clear (&buffer);
    }
}

static void
test_used_object_is_replaced (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GObject) all = (GObject *) fix_all_new_full (TRUE);
      g_autoptr (GObject) used = (GObject *) fix_all_new_full (TRUE);
      TallyBuffer buffer = fix_encode (codec, &fix_all_info, all);
      GError *error = NULL;

      CU_ASSERT_TRUE (decode (codec, &fix_all_info, used, buffer.data, buffer.length, &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (all, used));
      tally_buffer_clear (&buffer);
    }
}

static void
test_exact_bytes (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (1, "t");
  TallyBuffer binary = fix_encode (&tally_codec_binary, &fix_point_info, point);
  TallyBuffer compact = fix_encode (&tally_codec_compact, &fix_point_info, point);

  /* i64 far -3 = 5; i32 x 1 = 1; list<string> tags 2 = ["t"] */
  assert_hex (&binary, "0afffd0000000000000005"
                       "08000100000001"
                       "0f00020b000000010000000174"
                       "00");
  assert_hex (&compact, "06050a"
                        "4502"
                        "19180174"
                        "00");
  tally_buffer_clear (&binary);
  tally_buffer_clear (&compact);
}

static void
test_strings_of_every_length (void)
{
  FOR_EACH_CODEC (codec)
    for (guint length = 0; length < 300; length++)
      {
        g_autoptr (GObject) sent = g_object_new (fix_oops_get_type (), NULL);
        g_autoptr (GObject) got = g_object_new (fix_oops_get_type (), NULL);
        TallyBuffer buffer;
        gchar *text = g_malloc (length + 1);
        GError *error = NULL;

        for (guint i = 0; i < length; i++)
          text[i] = (gchar) ('!' + i % 90);
        text[length] = '\0';
        ((FixOops *) sent)->message = text;
        buffer = fix_encode (codec, &fix_oops_info, sent);
        CU_ASSERT_TRUE (decode (codec, &fix_oops_info, got, buffer.data, buffer.length, &error));
        assert_no_error (error);
        assert_string (((FixOops *) got)->message, text);
        tally_buffer_clear (&buffer);
      }
}

static void
test_a_nul_is_found_at_each_place (void)
{
  FOR_EACH_CODEC (codec)
    for (guint length = 1; length < 40; length++)
      for (guint place = 0; place < length; place++)
        {
          g_autoptr (GObject) sent = g_object_new (fix_oops_get_type (), NULL);
          g_autoptr (GObject) got = g_object_new (fix_oops_get_type (), NULL);
          g_autofree gchar *told = g_strdup_printf ("a NUL at byte %u,", place);
          gchar *text = g_strnfill (length, place % 2 == 0 ? '\x80' : '\x01');
          TallyBuffer buffer;
          GError *error = NULL;

          ((FixOops *) sent)->message = text;
          text[place] = 'Q'; /* the only one in the message */
          buffer = fix_encode (codec, &fix_oops_info, sent);
          *(guint8 *) memchr (buffer.data, 'Q', buffer.length) = 0;
          CU_ASSERT_FALSE (decode (codec, &fix_oops_info, got, buffer.data, buffer.length, &error));
          assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA, told);
          g_clear_error (&error);
          tally_buffer_clear (&buffer);
        }
}

static void
test_unset_optional_is_left_out (void)
{
  g_autoptr (GObject) point = (GObject *) fix_point_new (0, NULL);
  TallyBuffer binary = fix_encode (&tally_codec_binary, &fix_point_info, point);

  assert_hex (&binary, "0afffd0000000000000005"
                       "08000100000000"
                       "00");
  tally_buffer_clear (&binary);
}

static void
test_null_default_is_left_out (void)
{
  g_autoptr (GObject) oops = g_object_new (fix_oops_get_type (), NULL);
  TallyBuffer binary = fix_encode (&tally_codec_binary, &fix_oops_info, oops);

  assert_hex (&binary, "0800020000000000");
  tally_buffer_clear (&binary);
}

static void
test_null_required_is_an_error (void)
{
  static const TallyField fields[] = {
    { .name = "text",
      .id = 1,
      .type = &tally_type_string,
      .requiredness = TALLY_REQUIRED,
      .offset = 0,
      .isset_offset = TALLY_NO_ISSET },
  };
  static const TallyStructInfo info =
      TALLY_INLINE_INFO (TALLY_FORM_STRUCT, "Holder", gpointer, fields);

  FOR_EACH_CODEC (codec)
    {
      TallyBuffer buffer = { NULL };
      GError *error = NULL;
      gpointer holder = NULL;

      tally_buffer_append (&buffer, "before", 6);
      CU_ASSERT_FALSE (codec->write_struct (&buffer, &info, &holder, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE,
                    "Holder: the required field text");
      g_clear_error (&error);
      assert_int (buffer.length, 6);
      tally_buffer_clear (&buffer);
    }
}

/* Apache's library sends it so, and its own programs (testoptionalrequired) count on that. */
static void
test_null_required_binary_is_empty (void)
{
  static const TallyField fields[] = {
    { .name = "bytes",
      .id = 1,
      .type = &tally_type_binary,
      .requiredness = TALLY_REQUIRED,
      .offset = 0,
      .isset_offset = TALLY_NO_ISSET },
  };
  static const TallyStructInfo info =
      TALLY_INLINE_INFO (TALLY_FORM_STRUCT, "Holder", gpointer, fields);
  gpointer holder = NULL;
  TallyBuffer binary = fix_encode (&tally_codec_binary, &info, &holder);
  TallyBuffer compact = fix_encode (&tally_codec_compact, &info, &holder);

  assert_hex (&binary, "0b00010000000000");
  assert_hex (&compact, "180000");
  tally_buffer_clear (&binary);
  tally_buffer_clear (&compact);
}

/* Encodes @choice, decodes it into @back, and checks that the bytes say what @hex does in binary. */
static void
assert_union_travels (FixChoice *choice, gpointer back, const gchar *hex)
{
  FOR_EACH_CODEC (codec)
    {
      TallyBuffer buffer = fix_encode (codec, &fix_choice_info, choice);
      g_autofree gchar *before = tally_struct_to_string (choice);
      g_autofree gchar *after = NULL;
      GError *error = NULL;

      if (codec == &tally_codec_binary)
        assert_hex (&buffer, hex);
      tally_struct_clear (back);
      CU_ASSERT_TRUE (decode (codec, &fix_choice_info, back, buffer.data, buffer.length, &error));
      assert_no_error (error);
      after = tally_struct_to_string (back);
      assert_string (after, before);
      CU_ASSERT_TRUE (tally_struct_equal (back, choice));
      CU_ASSERT_EQUAL (tally_struct_hash (back), tally_struct_hash (choice));
      tally_buffer_clear (&buffer);
    }
}

static void
test_union_is_written_as_it_is_set (void)
{
  g_autoptr (GObject) object = g_object_new (fix_choice_get_type (), NULL);
  g_autoptr (GObject) back = g_object_new (fix_choice_get_type (), NULL);
  FixChoice *choice = (FixChoice *) object;

  assert_union_travels (choice, back, "00");
  choice->__isset_numbers = TRUE;
  assert_union_travels (choice, back, "0f0004080000000000");
  choice->number = 7;
  choice->__isset_number = TRUE;
  assert_union_travels (choice, back, "080001000000070f0004080000000000");

  g_autoptr (GObject) copy = tally_struct_copy (choice);

  CU_ASSERT_TRUE (tally_struct_equal (copy, choice));
  /* Set and NULL: an empty string, as Apache's library writes. */
  choice->__isset_numbers = FALSE;
  choice->__isset_text = TRUE;
  assert_union_travels (choice, back, "080001000000070b00020000000000");
  assert_string (((FixChoice *) back)->text, "");
}

static void
test_union_with_a_struct_that_is_null (void)
{
  g_autoptr (GObject) object = g_object_new (fix_choice_get_type (), NULL);
  FixChoice *choice = (FixChoice *) object;

  g_clear_object (&choice->point);
  choice->__isset_point = TRUE;
  FOR_EACH_CODEC (codec)
    {
      TallyBuffer buffer = { NULL };
      GError *error = NULL;

      CU_ASSERT_FALSE (codec->write_struct (&buffer, &fix_choice_info, choice, &error));
      assert_error (error, TALLY_ERROR, TALLY_ERROR_INVALID_VALUE, "union Choice: the field point");
      g_clear_error (&error);
      tally_buffer_clear (&buffer);
    }
}

static void
test_union_keeps_every_field_that_comes (void)
{
  /* text = "a", then numbers = [] */
  static const guint8 bytes[] = { 11, 0, 2, 0, 0, 0, 1, 'a', 15, 0, 4, 8, 0, 0, 0, 0, 0 };
  /* an unknown field 9 only */
  static const guint8 unknown[] = { 3, 0, 9, 1, 0 };
  g_autoptr (GObject) object = g_object_new (fix_choice_get_type (), NULL);
  FixChoice *choice = (FixChoice *) object;
  g_autofree gchar *text = NULL;
  GError *error = NULL;

  CU_ASSERT_TRUE (
      decode (&tally_codec_binary, &fix_choice_info, choice, bytes, sizeof bytes, &error));
  assert_no_error (error);
  text = tally_struct_to_string (choice);
  assert_string (text, "Choice(text=\"a\", numbers=[])");
  tally_struct_clear (choice);
  CU_ASSERT_TRUE (
      decode (&tally_codec_binary, &fix_choice_info, choice, unknown, sizeof unknown, &error));
  assert_no_error (error);
  g_free (text);
  text = tally_struct_to_string (choice);
  assert_string (text, "Choice()");
}

static void
test_required_must_come (void)
{
  static const guint8 none[] = { 0 };
  static const guint8 of_wrong_type[] = { 3, 0, 1, 0, 0 };
  static const guint8 late[] = { 15, 0, 2, 11, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 9, 0 };
  g_autoptr (GObject) point = g_object_new (fix_point_get_type (), NULL);
  GError *error = NULL;

  CU_ASSERT_FALSE (decode (&tally_codec_binary, &fix_point_info, point, none, sizeof none, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                "Point: the required field x");
  g_clear_error (&error);
  CU_ASSERT_FALSE (decode (&tally_codec_binary, &fix_point_info, point, of_wrong_type,
                           sizeof of_wrong_type, &error));
  assert_error (error, THRIFT_PROTOCOL_ERROR, THRIFT_PROTOCOL_ERROR_INVALID_DATA,
                "Point: the required field x");
  g_clear_error (&error);
  CU_ASSERT_TRUE (decode (&tally_codec_binary, &fix_point_info, point, late, sizeof late, &error));
  assert_no_error (error);
  assert_int (((FixPoint *) point)->x, 9);
}

static void
test_other_types_are_skipped (void)
{
  /* x = 4; tags: list<i32> [1], which is no list<string>; far: a string, which is no i64 */
  static const guint8 bytes[] = { 8, 0, 1, 0, 0, 0,  4,    15,   0, 2, 8, 0, 0,   0,
                                  1, 0, 0, 0, 1, 11, 0xff, 0xfd, 0, 0, 0, 1, 'z', 0 };
  g_autoptr (GObject) object = g_object_new (fix_point_get_type (), NULL);
  FixPoint *point = (FixPoint *) object;
  GError *error = NULL;

  CU_ASSERT_TRUE (
      decode (&tally_codec_binary, &fix_point_info, point, bytes, sizeof bytes, &error));
  assert_no_error (error);
  assert_int (point->x, 4);
  assert_int (point->tags->len, 0);
  CU_ASSERT_FALSE (point->__isset_tags);
  assert_int (point->far, 5);
  CU_ASSERT_FALSE (point->__isset_far);
}

static void
test_arguments_are_never_null (void)
{
  FOR_EACH_CODEC (codec)
    {
      static const guint8 none[] = { 0 };
      FixArgs args = { NULL };
      GError *error = NULL;

      tally_struct_init_instance (&fix_args_info, &args);
      CU_ASSERT_TRUE (decode (codec, &fix_args_info, &args, none, sizeof none, &error));
      assert_no_error (error);
      assert_string (args.text, "");
      assert_int (args.bytes->len, 0);
      assert_int (args.numbers->len, 0);
      assert_int (args.point->far, 5);
      assert_int (args.count, 7);
      assert_string (args.word, "hello");
      tally_struct_dispose_instance (&fix_args_info, &args);
      CU_ASSERT_PTR_NULL (args.text);
      CU_ASSERT_PTR_NULL (args.point);
    }
}

static void
test_result_is_filled_in_place (void)
{
  FOR_EACH_CODEC (codec)
    {
      g_autoptr (GArray) sent = g_array_new (FALSE, TRUE, sizeof (gint32));
      g_autoptr (GArray) got = g_array_new (FALSE, TRUE, sizeof (gint32));
      const gint32 number = 5;
      FixListResult result = { .success = sent }, back = { .success = got };
      TallyBuffer buffer;
      GError *error = NULL;

      g_array_append_val (sent, number);
      g_array_append_val (got, number);
      g_array_append_val (got, number);
      buffer = fix_encode (codec, &fix_list_result_info, &result);
      CU_ASSERT_TRUE (
          decode (codec, &fix_list_result_info, &back, buffer.data, buffer.length, &error));
      assert_no_error (error);
      CU_ASSERT_PTR_EQUAL (back.success, got);
      assert_int (got->len, 1);
      CU_ASSERT_PTR_NULL (back.oops);
      tally_buffer_clear (&buffer);
    }
}

static void
test_initial_result (void)
{
  FixListResult list = { NULL };
  FixCountResult count = { 0 };
  TallyBuffer buffer;

  tally_struct_init_instance (&fix_list_result_info, &list);
  CU_ASSERT_PTR_NOT_NULL (list.success);
  CU_ASSERT_PTR_NULL (list.oops);
  tally_struct_dispose_instance (&fix_list_result_info, &list);
  tally_struct_init_instance (&fix_count_result_info, &count);
  buffer = fix_encode (&tally_codec_binary, &fix_count_result_info, &count);
  assert_hex (&buffer, "00");
  tally_buffer_clear (&buffer);
}

/* Whether the header in the first @length bytes at @bytes can be read; then it is a REPLY of @name with @seqid, and behind it nothing
 * was read. */
static gboolean
header_is_read (const TallyCodec *codec,
                const TallyBuffer *bytes,
                gsize length,
                const GString *name,
                gint32 seqid,
                gsize end)
{
  g_autofree guint8 *exact =
      g_memdup2 (bytes->data, length); /* a sanitizer sees who reads beyond */
  g_autoptr (GError) error = NULL;
  TallyReader reader;
  TallyMessage message;

  tally_reader_init (&reader, exact, length, &tally_limits_default);
  if (!codec->read_message (&reader, &message, &error))
    return FALSE;
  assert_int (message.type, T_REPLY);
  assert_int (message.seqid, seqid);
  assert_int (message.name_length, name->len);
  CU_ASSERT_EQUAL (memcmp (message.name, name->str, name->len), 0);
  assert_int (reader.cursor - exact, end);
  return TRUE;
}

/* Names and sequence ids of every length, with nothing behind them and more; all that is shorter than the header is
 * refused. */
static void
test_message_header (void)
{
  static const gint32 seqids[] = { 0, 1, 127, 128, 16383, 16384, G_MAXINT32, G_MININT32, -1 };
  static const gsize lengths[] = { 0, 1, 3, 4, 7, 8, 16, 17, 127, 128, 300 };

  FOR_EACH_CODEC (codec)
    for (guint i = 0; i < G_N_ELEMENTS (seqids) * G_N_ELEMENTS (lengths); i++)
      {
        const gint32 seqid = seqids[i % G_N_ELEMENTS (seqids)];
        g_autoptr (GString) name = g_string_new (NULL);
        TallyBuffer bytes = { NULL };
        gsize end;

        for (gsize j = 0; j < lengths[i / G_N_ELEMENTS (seqids)]; j++)
          g_string_append_c (name, (gchar) ('a' + j % 26));
        codec->write_message (&bytes, name->str, name->len, T_REPLY, seqid);
        end = bytes.length;
        tally_buffer_append (&bytes, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 12);
        for (gsize length = 0; length <= bytes.length; length++)
          CU_ASSERT_EQUAL (header_is_read (codec, &bytes, length, name, seqid, end), length >= end);
        tally_buffer_clear (&bytes);
      }
}

/* In one function or in two. */
static void
test_message_of_a_method (void)
{
  static const TallyMethod method = { .name = "method",
                                      .name_length = 6,
                                      .args = &tally_application_exception_info,
                                      .result = &tally_application_exception_info };
  TallyApplicationException said = { (gchar *) "said", 7 };

  FOR_EACH_CODEC (codec)
    {
      TallyBuffer one = { NULL }, two = { NULL };

      CU_ASSERT (codec->write_of_method (&one, &method, T_REPLY, 300, &said, NULL));
      codec->write_message (&two, "method", 6, T_REPLY, 300);
      CU_ASSERT (codec->write_struct (&two, method.result, &said, NULL));
      assert_int (one.length, two.length);
      CU_ASSERT_EQUAL (memcmp (one.data, two.data, two.length), 0);
      tally_buffer_clear (&one);
      tally_buffer_clear (&two);
    }
}

static void
test_exact_header (void)
{
  TallyBuffer binary = { NULL }, compact = { NULL };

  tally_codec_binary.write_message (&binary, "ab", 2, T_CALL, 300);
  tally_codec_compact.write_message (&compact, "ab", 2, T_CALL, 300);
  assert_hex (&binary, "80010001"
                       "00000002"
                       "6162"
                       "0000012c");
  assert_hex (&compact, "8221"
                        "ac02"
                        "02"
                        "6162");
  tally_buffer_clear (&binary);
  tally_buffer_clear (&compact);
}

static void
test_application_exception (void)
{
  FOR_EACH_CODEC (codec)
    {
      TallyApplicationException sent = { (gchar *) "no such method", 1 }, got = { NULL, 0 };
      TallyBuffer buffer = fix_encode (codec, &tally_application_exception_info, &sent);
      GError *error = NULL;

      CU_ASSERT_TRUE (decode (codec, &tally_application_exception_info, &got, buffer.data,
                              buffer.length, &error));
      assert_no_error (error);
      assert_string (got.message, "no such method");
      assert_int (got.type, 1);
      tally_struct_dispose_instance (&tally_application_exception_info, &got);
      tally_buffer_clear (&buffer);
    }
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (test_everything_round_trips),
    TEST (test_used_object_is_replaced),
    TEST (test_exact_bytes),
    TEST (test_strings_of_every_length),
    TEST (test_a_nul_is_found_at_each_place),
    TEST (test_unset_optional_is_left_out),
    TEST (test_null_default_is_left_out),
    TEST (test_null_required_is_an_error),
    TEST (test_null_required_binary_is_empty),
    TEST (test_union_is_written_as_it_is_set),
    TEST (test_union_with_a_struct_that_is_null),
    TEST (test_union_keeps_every_field_that_comes),
    TEST (test_required_must_come),
    TEST (test_other_types_are_skipped),
    TEST (test_arguments_are_never_null),
    TEST (test_result_is_filled_in_place),
    TEST (test_initial_result),
    TEST (test_message_header),
    TEST (test_message_of_a_method),
    TEST (test_exact_header),
    TEST (test_application_exception),
    { NULL, NULL },
  };

  return test_main ("codec", cases, argc, argv);
}

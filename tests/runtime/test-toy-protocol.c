/* Owns a protocol that exists in this file alone, and the tests that nothing else needs to know it: it is put
 * into the table, and then URIs, structs, servers and channels speak it. It is binary in which each number has
 * eight bytes, the lowest first. */
#include <string.h>
#include <thrift/c_glib/thrift_application_exception.h>

#include "codec-engine.h"
#include "peer-text.h"
#include "protocols-internal.h"
#include "scanner-engine.h"
#include "server-fixture.h"
#include "tally-channel.h"
#include "tls-relay-socket.h"

/* ---- the codec ---- */

#define FIELD_BOUND 25
#define HEADER 3 /* "TY" and a message's type */
#define MESSAGE_BOUND (HEADER + 16)

static const guint8 smallest_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,   [T_I16] = 8,  [T_I32] = 8, [T_I64] = 8,  [T_DOUBLE] = 8,
  [T_STRING] = 8, [T_STRUCT] = 1, [T_MAP] = 10, [T_SET] = 9, [T_LIST] = 9, [TALLY_WIRE_UUID] = 16,
};
static const guint8 fixed_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,           [T_I16] = 8, [T_I32] = 8, [T_I64] = 8,
  [T_DOUBLE] = 8, [TALLY_WIRE_UUID] = 16,
};

static inline guint8 *
put_byte (guint8 *p, guint8 byte)
{
  *p++ = byte;
  return p;
}

static inline guint8 *
put_i64 (guint8 *p, gint64 value)
{
  value = GINT64_TO_LE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static inline guint8 *
put_double (guint8 *p, gdouble value)
{
  gint64 bits;

  memcpy (&bits, &value, sizeof bits);
  return put_i64 (p, bits);
}

#define put_bool put_byte
#define put_i8(p, value) put_byte (p, (guint8) (value))
#define put_i16 put_i64
#define put_i32 put_i64
#define put_length put_i64
#define put_field(p, last, id, wire) put_i64 (put_byte (p, wire), id)
#define put_bool_field(p, last, id, value) put_bool (put_field (p, last, id, T_BOOL), value)
#define put_stop(p) put_byte (p, T_STOP)
#define put_list_header(p, wire, count) put_i64 (put_byte (p, wire), count)
#define put_map_header(p, key, value, count) put_i64 (put_byte (put_byte (p, key), value), count)
#define array_bound(type) fixed_size[(type)->wire]

static guint8 *
put_array (guint8 *p, const TallyType *type, const guint8 *data, gsize count)
{
  for (gsize i = 0; i < count; i++, data += type->size)
    switch (type->wire)
      {
      case T_BOOL:
        p = put_bool (p, *(const gboolean *) data != FALSE);
        break;
      case T_I16:
        p = put_i64 (p, *(const gint16 *) data);
        break;
      case T_I32:
        p = put_i64 (p, *(const gint32 *) data);
        break;
      default:
        memcpy (p, data, type->size);
        p += type->size;
      }
  return p;
}

static guint8 *
put_message (guint8 *p, const gchar *name, gsize name_length, ThriftMessageType type, gint32 seqid)
{
  p = put_byte (put_byte (put_byte (p, 'T'), 'Y'), (guint8) type);
  p = put_i64 (put_i64 (p, seqid), (gint64) name_length);
  memcpy (p, name, name_length);
  return p + name_length;
}

static gboolean
get_byte (TallyReader *reader, guint8 *value, GError **error)
{
  if (!tally_reader_need_last (reader, error))
    return FALSE;
  *value = *reader->cursor++;
  return TRUE;
}

static gboolean
get_i64 (TallyReader *reader, gint64 *value, GError **error)
{
  if (!tally_reader_need (reader, 8, error))
    return FALSE;
  memcpy (value, reader->cursor, sizeof *value);
  *value = GINT64_FROM_LE (*value);
  reader->cursor += 8;
  return TRUE;
}

#define DEFINE_GET(name, Type)                                                                     \
  static gboolean name (TallyReader *reader, Type *value, GError **error)                          \
  {                                                                                                \
    gint64 wide;                                                                                   \
                                                                                                   \
    if (!get_i64 (reader, &wide, error))                                                           \
      return FALSE;                                                                                \
    *value = (Type) wide;                                                                          \
    return TRUE;                                                                                   \
  }

DEFINE_GET (get_i16, gint16)
DEFINE_GET (get_i32, gint32)
DEFINE_GET (get_count, guint32)

static gboolean
get_bool (TallyReader *reader, gboolean *value, GError **error)
{
  guint8 byte;

  if (!get_byte (reader, &byte, error))
    return FALSE;
  *value = byte != 0;
  return TRUE;
}

static gboolean
get_double (TallyReader *reader, gdouble *value, GError **error)
{
  gint64 bits;

  if (!get_i64 (reader, &bits, error))
    return FALSE;
  memcpy (value, &bits, sizeof bits);
  return TRUE;
}

#define get_i8(reader, value, error) get_byte (reader, (guint8 *) (value), error)
#define get_bool_field(reader, header, value, error) get_bool (reader, value, error)
#define skip_needs_no_bytes(header) FALSE
#define is_refused(reader, wire) FALSE

static gboolean
get_field (TallyReader *reader, gint16 *last, FieldHeader *header, GError **error)
{
  return get_byte (reader, &header->wire, error)
         && (header->wire == T_STOP || get_i16 (reader, &header->id, error));
}

static gboolean
get_length (TallyReader *reader, guint32 *length, GError **error)
{
  return get_count (reader, length, error) && tally_reader_need_text (reader, *length, error);
}

static gboolean
get_list_header (TallyReader *reader, guint8 *wire, guint32 *count, GError **error)
{
  return get_byte (reader, wire, error) && get_count (reader, count, error);
}

static gboolean
get_map_header (TallyReader *reader, guint8 *key, guint8 *value, guint32 *count, GError **error)
{
  return get_byte (reader, key, error) && get_list_header (reader, value, count, error);
}

static gboolean
get_array (TallyReader *reader, const TallyType *type, gpointer slot, guint32 count, GError **error)
{
  guint8 *target;

  if (!tally_reader_need (reader, (gsize) count * fixed_size[type->wire], error))
    return FALSE;
  target = tally_storage_grow_list (slot, count);
  for (guint32 i = 0; i < count; i++, target += type->size)
    {
      if (type->wire == T_BOOL)
        *(gboolean *) target = *reader->cursor != 0;
      else
        memcpy (target, reader->cursor, type->size); /* of a wide number the low bytes */
      reader->cursor += fixed_size[type->wire];
    }
  return TRUE;
}

static gboolean
begins_message (const guint8 *bytes, gsize length)
{
  return length >= 2 && bytes[0] == 'T' && bytes[1] == 'Y';
}

static gboolean
read_message (TallyReader *reader, TallyMessage *message, GError **error)
{
  if (!tally_reader_need (reader, HEADER, error))
    return FALSE;
  if (!begins_message (reader->cursor, HEADER))
    return tally_reader_fail_header (reader, reader->cursor[0],
                                     "the message begins with 0x%02x, not with TY", error);
  message->type = reader->cursor[2];
  reader->cursor += HEADER;
  if (!get_i32 (reader, &message->seqid, error)
      || !get_length (reader, &message->name_length, error))
    return FALSE;
  message->name = (const gchar *) reader->cursor;
  reader->cursor += message->name_length;
  return TRUE;
}

#include "codec-read-template.h"
#include "codec-write-template.h"

/* ---- the scanner ---- */

static Step
pass_length (Cursor *cursor, guint64 *length)
{
  if (!has (cursor, 8))
    return STEP_MORE;
  memcpy (length, cursor->bytes + cursor->position, sizeof *length);
  *length = GUINT64_FROM_LE (*length);
  cursor->position += 8;
  return STEP_DONE;
}

static Step
pass_type (Cursor *cursor, guint8 *type)
{
  if (!has (cursor, 1))
    return STEP_MORE;
  *type = cursor->bytes[cursor->position++];
  return STEP_DONE;
}

static Step
pass_list_header (Cursor *cursor, TallyScannerLevel *level)
{
  Step step = pass_type (cursor, &level->type);

  return step == STEP_DONE ? pass_length (cursor, &level->remaining) : step;
}

static Step
pass_map_header (Cursor *cursor, TallyScannerLevel *level)
{
  Step step = pass_type (cursor, &level->key_type);

  return step == STEP_DONE ? pass_list_header (cursor, level) : step;
}

static Step
pass_field (Cursor *cursor, guint8 *type)
{
  guint64 id;
  Step step = pass_type (cursor, type);

  return step == STEP_DONE && *type != T_STOP ? pass_length (cursor, &id) : step;
}

#define pass_number(cursor) STEP_INVALID
#define field_has_value(type) TRUE

static Step
pass_header (Cursor *cursor, const TallyLimits *limits, guint *message_type)
{
  guint64 seqid, length;

  if (!has (cursor, HEADER + 16))
    return STEP_MORE;
  if (!begins_message (cursor->bytes + cursor->position, HEADER))
    return STEP_INVALID;
  *message_type = cursor->bytes[cursor->position + 2];
  cursor->position += HEADER;
  if (pass_length (cursor, &seqid) != STEP_DONE || pass_length (cursor, &length) != STEP_DONE
      || length > G_MAXINT32)
    return STEP_INVALID;
  cursor->position += length;
  return STEP_DONE;
}

#include "scanner-template.h"

/* ---- its row ---- */

static const TallyCodec toy = {
  .write_message = write_message,
  .write_struct = write_struct,
  .write_of_method = write_of_method,
  .write_struct_as_apache = write_struct,
  .read_message = read_message,
  .read_struct = read_struct,
  .skip = skip_value,
  .scan = scan_message,
  .begins_message = begins_message,
};

static TallyProtocolId toy_id;

/* ---- the tests ---- */

static void
a_uri_names_it (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyEndpoint) endpoint = tally_endpoint_new ("tcp://h:1?protocol=toy", &error);
  g_autoptr (TallyEndpoint) unknown = NULL;

  assert_no_error (error);
  assert_int (tally_endpoint_get_protocol (endpoint), toy_id);
  assert_string (tally_endpoint_get_uri (endpoint), "tcp://h:1?protocol=toy");
  unknown = tally_endpoint_new ("tcp://h:1?protocol=game", &error);
  CU_ASSERT_PTR_NULL (unknown);
  CU_ASSERT (strstr (error->message, "must be binary, compact or toy") != NULL);
}

static void
structs_are_encoded_in_it (void)
{
  g_autoptr (GObject) all = G_OBJECT (fix_all_new_full (TRUE));
  g_autoptr (GObject) back = g_object_new (fix_all_get_type (), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = tally_struct_encode (all, toy_id, &error);
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  assert_no_error (error);
  CU_ASSERT (tally_struct_decode (back, toy_id, data, length, &error));
  assert_no_error (error);
  CU_ASSERT (tally_struct_equal (all, back));
}

/* What a peer is taken for that speaks it to somebody else. */
static void
a_guess_knows_it (void)
{
  assert_string (tally_peer_guess ("TY\1\0\0", 5), "an unframed message of the toy protocol");
  assert_string (tally_peer_guess ("\0\0\0\x30TY\1\0", 8), "a framed message of the toy protocol");
}

static const TallyMethod *
find_method (const gchar *name)
{
  return tally_service_find_method (&base_service, name, strlen (name));
}

static void
check_echo (TallyChannel *channel, const gchar *text)
{
  const TextArgs args = { (gchar *) text };
  g_autofree gchar *result = NULL;
  const gpointer results[] = { &result };
  g_autoptr (GError) error = NULL;

  CU_ASSERT (tally_channel_call (channel, find_method ("echo"), &args, results, -1, NULL, &error));
  assert_no_error (error);
  assert_string (result, text);
}

/* An exception that is declared and one that is not. */
static void
check_exceptions (TallyChannel *channel)
{
  static const gchar *const texts[] = { "declared", "error" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      const TextArgs args = { (gchar *) texts[i] };
      g_autoptr (GError) error = NULL;

      CU_ASSERT_FALSE (
          tally_channel_call (channel, find_method ("act"), &args, NULL, -1, NULL, &error));
      CU_ASSERT (error != NULL
                 && (error->domain == THRIFT_APPLICATION_EXCEPTION_ERROR) == (i == 1));
    }
}

static gpointer
call_many (gpointer channel)
{
  for (guint i = 0; i < 50; i++)
    {
      g_autofree gchar *text = g_strdup_printf ("%u of %p", i, (gpointer) g_thread_self ());

      check_echo (channel, text);
    }
  return NULL;
}

static void
check_mode (const Running *running, const gchar *mode)
{
  g_autofree gchar *query = g_strconcat (strchr (running->uri, '?') + 1, "&mode=", mode, NULL);
  g_autofree gchar *uri = running_dup_client_uri (running, query);
  g_autofree gchar *large = g_strnfill (300000, 'x');
  g_autoptr (TallyPool) pool = tls_relay_new_pool ();
  g_autoptr (GError) error = NULL;
  g_autoptr (TallyChannel) channel = tally_channel_new_with_pool (uri, pool, &error);
  GThread *threads[4];

  assert_no_error (error);
  check_echo (channel, "hello");
  check_echo (channel, large);
  check_exceptions (channel);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_many, channel);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  check_echo (channel, "after them");
  tally_pool_close (pool);
}

static void
servers_and_channels_speak_it (void)
{
  static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

  for (guint framed = 0; framed < 2; framed++)
    {
      const Speech speech = { &toy, toy_id, framed };
      Running *running = running_start (&speech, NULL, NULL);
      gint fd = peer_connect (running);

      CU_ASSERT (peer_echoes (fd, &speech, 3, "by hand"));
      close (fd);
      for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
        check_mode (running, modes[i]);
      running_stop (running);
    }
}

/* ---- a processor that knows ThriftProtocols only ---- */

typedef ThriftProcessor Stranger;
typedef ThriftProcessorClass StrangerClass;

GType stranger_get_type (void);
G_DEFINE_TYPE (Stranger, stranger, THRIFT_TYPE_PROCESSOR)

static gboolean
stranger_process (ThriftProcessor *self, ThriftProtocol *in, ThriftProtocol *out, GError **error)
{
  CU_FAIL ("there is no protocol to pass");
  return FALSE;
}

static void
stranger_class_init (StrangerClass *class)
{
  class->process = stranger_process;
}

static void
stranger_init (Stranger *self)
{
}

static void
a_processor_that_cannot_speak_it_is_not_run (void)
{
  const Speech speech = { &toy, toy_id, TRUE };
  Running *running =
      running_start_with (g_object_new (stranger_get_type (), NULL),
                          g_object_new (test_handler_get_type (), NULL), &speech, NULL, NULL);
  gint fd = peer_connect (running);
  TallyBuffer request = { NULL, 0, 0 };
  Answer answer;

  write_echo (&request, &speech, 4, "text");
  peer_send (fd, &request);
  CU_ASSERT (peer_receive (fd, &speech, TALLY_KIND_BOOL, &answer));
  assert_int (answer.type, T_EXCEPTION);
  assert_string (answer.text,
                 "Apache's C library does not speak the toy protocol, and Stranger is no "
                 "TallyProcessor");
  answer_clear (&answer);
  close (fd);
  running_stop (running);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (a_uri_names_it),
    TEST (structs_are_encoded_in_it),
    TEST (a_guess_knows_it),
    TEST (servers_and_channels_speak_it),
    TEST (a_processor_that_cannot_speak_it_is_not_run),
    { NULL, NULL },
  };

  toy_id = tally_protocol_add ("toy", &toy);
  return test_main ("toy-protocol", cases, argc, argv);
}

/* Calls in a row through a generated client, each timed and each reply compared with what was sent.
 * Compiled once with Apache's generated code and once with Tally's: the source is the same. */
#include "bench-client.h"

#include <string.h>
#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_framed_transport.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#include "bench-common.h"
#include "bench-payload.h"

static gchar *dump_path;
static BenchEchoIf *client;
static BenchPayload *payload;
static gchar *text;

static const GOptionEntry entries[] = { { "dump", 0, 0, G_OPTION_ARG_FILENAME, &dump_path,
                                          "Write the framed request there and exit", "FILE" },
                                        { NULL } };

static gboolean
is_connection_for_each_call (void)
{
  return bench_options.is_unpooled && !bench_client_has_channel ();
}

static gint64
call_with_text (gpointer data)
{
  g_autoptr (GError) error = NULL;
  gchar *reply = NULL;
  gint64 start = bench_now ();
  gint64 end;

  if (is_connection_for_each_call ())
    client = bench_client_open ();
  if (!bench_echo_if_echo (client, &reply, text, &error))
    bench_fail ("the call failed: %s", error->message);
  if (is_connection_for_each_call ())
    bench_client_close (client);
  end = bench_now ();
  if (strcmp (reply, text) != 0)
    bench_fail ("the reply is \"%s\"", reply);
  g_free (reply);
  return end - start;
}

/* What counts is the call, with making its reply's object before and dropping it after. */
static gint64
call_with_struct (gpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 start = bench_now ();
  gint64 spent;
  BenchPayload *reply = g_object_new (BENCH_TYPE_PAYLOAD, NULL);

  if (!bench_echo_if_echo_payload (client, &reply, payload, &error))
    bench_fail ("the call failed: %s", error->message);
  spent = bench_now () - start;
  bench_payload_check (reply, payload);
  start = bench_now ();
  g_object_unref (reply);
  return spent + bench_now () - start;
}

/* The request's bytes, for the limit to send the same. */
static void
dump (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GObject) memory = g_object_new (THRIFT_TYPE_MEMORY_BUFFER, "buf_size", 1 << 20, NULL);
  g_autoptr (GObject) framed =
      g_object_new (THRIFT_TYPE_FRAMED_TRANSPORT, "transport", memory, NULL);
  g_autoptr (GObject) protocol =
      g_object_new (THRIFT_TYPE_BINARY_PROTOCOL, "transport", framed, NULL);
  g_autoptr (GObject) writer = g_object_new (BENCH_TYPE_ECHO_CLIENT, "input_protocol", protocol,
                                             "output_protocol", protocol, NULL);
  g_autoptr (GError) error = NULL;
  GByteArray *written = THRIFT_MEMORY_BUFFER (memory)->buf;
  gboolean sent =
      bench_options.is_struct
          ? bench_echo_client_send_echo_payload (BENCH_ECHO_IF (writer), payload, &error)
          : bench_echo_client_send_echo (BENCH_ECHO_IF (writer), text, &error);

  if (!sent || !g_file_set_contents (dump_path, (gchar *) written->data, written->len, &error))
    bench_fail ("cannot dump: %s", error->message);
}

/* As the command line says. */
static void
make_calls (void)
{
  if (!is_connection_for_each_call ())
    client = bench_client_open ();
  if (bench_options.together > 1)
    bench_measure_together ("call", call_with_text, NULL);
  else
    bench_measure ("call", bench_options.is_struct ? call_with_struct : call_with_text, NULL);
  if (!is_connection_for_each_call ())
    bench_client_close (client);
}

int
main (int argc, char **argv)
{
  bench_parse (&argc, &argv, entries);
  payload = bench_payload_make ();
  text = g_strcmp0 (bench_options.payload, "large") == 0 ? g_strnfill (BENCH_LARGE_BYTES, 'x')
                                                         : g_strdup (BENCH_TEXT);
  if (dump_path != NULL)
    dump ();
  else
    make_calls ();
  g_object_unref (payload);
  g_free (text);
  return 0;
}

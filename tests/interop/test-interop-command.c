/* The command `tally` against servers of other libraries: it calls every method of their IDL, and what comes back is what was
 * sent. */
#include <glib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer-programs.h"

/* A method, its arguments and what is printed of its result. */
typedef struct
{
  const gchar *method;
  const gchar *args;   /* an object's members */
  const gchar *result; /* NULL: what the arguments have behind their name */
} Call;

#define SCALARS                                                                                     \
  "{\"yes\": true, \"tiny\": -128, \"small\": -32768, \"medium\": -2147483648, \"large\": "         \
  "-9223372036854775808, \"number\": -0.1, \"text\": \"grüße\", \"bytes\": \"AP8=\", \"color\": " \
  "\"FAR\", \"stamp\": 9223372036854775807, \"no\": false, \"last\": 2147483647}"
#define NESTED                                                                                     \
  "{\"flags\": [true, false], \"tinies\": [-128, 127], \"smalls\": [7], \"numbers\": [1, 2], "     \
  "\"larges\": [-1], \"doubles\": [0.5, \"Infinity\"], \"names\": [\"\", \"a\"], \"blobs\": "      \
  "[\"\", \"/w==\"], \"points\": [{\"x\": 1, \"y\": 2, \"label\": \"p\"}, {\"x\": -3, \"y\": "     \
  "4}], "                                                                                          \
  "\"colors\": [\"RED\", \"DARK\"], \"chosen\": [-2, 1], \"words\": [\"\", \"x\"], \"ages\": "     \
  "{\"a\": 1, \"b\": -2}, \"titles\": {\"-9\": \"low\", \"5\": \"five\"}, \"switches\": {\"0\": "  \
  "false, \"1\": true}, \"series\": {\"none\": [], \"odd\": [1, 3]}, \"corners\": {\"-1\": "       \
  "{\"x\": "                                                                                       \
  "9, \"y\": 8, \"label\": \"c\"}}, \"matrix\": [[1], [], [2, 3]], \"tables\": {\"t\": {\"u\": "   \
  "0.25}}, \"records\": [{\"k\": 7}, {}], \"origin\": {\"x\": 0, \"y\": 0}, \"choice\": "          \
  "{\"text\": "                                                                                    \
  "\"chosen\"}, \"scalars\": [" SCALARS "], \"maybe\": false}"
#define WIDE                                                                                       \
  "{\"sets\": [[1, 2], []], \"groups\": {\"g\": [\"a\", \"b\"]}, \"colors\": [\"DARK\", "          \
  "\"RED\"], "                                                                                     \
  "\"names\": {\"FAR\": \"far\", \"RED\": \"red\"}, \"stamps\": [-1], \"blobs\": [\"\", "          \
  "\"AGE=\"], "                                                                                    \
  "\"sizes\": [[\"AA==\", 1], [\"AAA=\", 2]], \"doubles\": [-2.25, 0.5], \"bools\": [false, "      \
  "true], "                                                                                        \
  "\"levels\": {\"-1.5\": false, \"1.5\": true}, \"deep\": [[[\"a\"], []], []]}"

static const Call calls[] = {
  { "nothing", "", "null" },
  { "echo_bool", "\"value\": true", NULL },
  { "echo_i8", "\"value\": -128", NULL },
  { "echo_i16", "\"value\": 32767", NULL },
  { "echo_i32", "\"value\": -2147483648", NULL },
  { "echo_i64", "\"value\": 9223372036854775807", NULL },
  { "echo_double", "\"value\": 0.1", NULL },
  { "echo_string", "\"value\": \"\\\"\\n日本\"", NULL },
  { "echo_binary", "\"value\": \"AP8Q\"", NULL },
  { "echo_color", "\"value\": \"DARK\"", NULL },
  { "echo_scalars", "\"value\": " SCALARS, NULL },
  { "echo_nested", "\"value\": " NESTED, NULL },
  { "echo_choice", "\"value\": {\"point\": {\"x\": 1, \"y\": 2}}", NULL },
  { "echo_wide", "\"value\": " WIDE, NULL },
  { "echo_flags", "\"value\": [true, false]", NULL },
  { "echo_paths", "\"paths\": {\"a\": [{\"x\": 1, \"y\": 2}], \"b\": []}", NULL },
  { "echo_words", "\"words\": [\"\", \"x\"]", NULL },
  { "join", "\"yes\": true, \"number\": 7, \"text\": \"hello\", \"parts\": [\"a\", \"b\"]",
    "\"yes|7|hello|a,b\"" },
  { "check", "\"kind\": 0", "1" },
  { "check_nothing", "\"kind\": 0", "null" },
  { "remember", "\"token\": 42", "null" },
  { "remembered", "", "42" },
};

/* What is thrown, after all else. */
static const gchar thrown[] =
    "{\"method\": \"Extended.check\", \"exception\": {\"Refusal\": {\"code\": 17, \"reason\": "
    "\"refused\", \"spot\": {\"x\": 1, \"y\": -2}}}}\n"
    "{\"method\": \"Extended.check\", \"exception\": {\"Overflow\": {\"limit\": "
    "9223372036854775807}}}\n"
    "{\"method\": \"Extended.check_nothing\", \"exception\": {\"Refusal\": {\"code\": 17, "
    "\"reason\": "
    "\"refused\", \"spot\": {\"x\": 1, \"y\": -2}}}}\n";

/* The calls as they are given, and the lines that are due for them. */
static void
write_calls (const gchar *path, const gchar *name, GString *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      const Call *call = &calls[i];
      const gchar *result = call->result != NULL ? call->result : strchr (call->args, ':') + 2;

      g_string_append_printf (text, "{\"method\": \"Extended.%s\", \"args\": {%s}}\n", call->method,
                              call->args);
      g_string_append_printf (expected, "{\"method\": \"Extended.%s\", \"result\": %s}\n",
                              call->method, result);
    }
  g_string_append (text, "{\"method\": \"Extended.whoami\"}\n"
                         "{\"method\": \"Extended.check\", \"args\": {\"kind\": 1}}\n"
                         "{\"method\": \"Extended.check\", \"args\": {\"kind\": 2}}\n"
                         "{\"method\": \"Extended.check_nothing\", \"args\": {\"kind\": 1}}\n");
  g_string_append_printf (expected, "{\"method\": \"Extended.whoami\", \"result\": \"%s\"}\n%s",
                          name, thrown);
  g_file_set_contents (path, text->str, (gssize) text->len, NULL);
}

/* What tally prints on standard output. (transfer full) */
static gchar *
run_tally (const gchar *uri, const gchar *const *words, gint *status)
{
  g_autoptr (GPtrArray) command = g_ptr_array_new ();
  gchar *output = NULL;
  gint wait_status = 0;

  g_ptr_array_add (command, (gpointer) TALLY_PROGRAM);
  g_ptr_array_add (command, (gpointer) "call");
  g_ptr_array_add (command, (gpointer) uri);
  g_ptr_array_add (command, (gpointer) INTEROP_IDL);
  for (; *words != NULL; words++)
    g_ptr_array_add (command, (gpointer) *words);
  g_ptr_array_add (command, NULL);
  CU_ASSERT_TRUE_FATAL (g_spawn_sync (NULL, (gchar **) command->pdata, NULL,
                                      G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                                      &wait_status, NULL));
  *status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : -1;
  return output;
}

static void
call_all (const gchar *uri, const gchar *name)
{
  g_autofree gchar *path = g_strdup_printf ("%s/calls", programs_get_directory ());
  g_autofree gchar *option = g_strconcat ("--calls=", path, NULL);
  g_autoptr (GString) expected = g_string_new (NULL);
  const gchar *const all[] = { option, NULL };
  const gchar *const failing[] = { "Extended.check", "{\"kind\": 3}", NULL };
  const gchar *const strange[] = { "Stranger.unheard_of", "{\"text\": \"\"}", NULL };
  g_autofree gchar *said = NULL;
  gint status;

  write_calls (path, name, expected);
  said = run_tally (uri, all, &status);
  assert_string (said, expected->str);
  assert_int (status, 3);
  unlink (path);
  g_free (run_tally (uri, failing, &status));
  assert_int (status, 4);
  g_free (run_tally (uri, strange, &status));
  assert_int (status, 4);
}

static void
call_peer (const Peer *peer, const gchar *name, const gchar *protocol, const gchar *transport)
{
  const gchar *arguments[] = { "server", protocol, transport, "tcp:0", NULL };
  g_autofree gchar *address = NULL;
  g_autofree gchar *uri = NULL;
  Program running;

  if (!peer_is_there (peer) || !program_start (&running, peer, arguments, ""))
    return;
  address = program_read_address (&running);
  if (address != NULL)
    {
      uri = g_strdup_printf ("tcp://localhost:%s?protocol=%s&transport=%s",
                             strchr (address, ':') + 1, protocol, transport);
      call_all (uri, name);
    }
  else
    program_report ("the server does not listen", &running);
  program_stop_server (&running, peer);
}

#define EACH(X)                                                                                    \
  X (cpp, "cpp", binary, framed)                                                                   \
  X (cpp, "cpp", compact, buffered)                                                                \
  X (cpp, "cpp", compact, header)                                                                  \
  X (python, "python", binary, buffered)                                                           \
  X (python, "python", compact, framed)                                                            \
  X (python, "python", binary, header)                                                             \
  X (java, "java", binary, framed)                                                                 \
  X (java, "java", compact, buffered)                                                              \
  X (go, "go", binary, framed)

#define DEFINE(peer, name, protocol, transport)                                                    \
  static void calls_##peer##_##protocol##_##transport (void)                                       \
  {                                                                                                \
    call_peer (&peer, name, #protocol, #transport);                                                \
  }
#define LIST(peer, name, protocol, transport) TEST (calls_##peer##_##protocol##_##transport),

EACH (DEFINE)

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { EACH (LIST){ NULL } };

  return programs_main ("interop-command", cases, argc, argv);
}

/* Owns the tests of answers in any order between Tally and Apache's libraries for Node and Ruby, whose servers, and Node's
 * clients, do without order: on one connection, behind a call whose answer does not come. And of Node's header transport. */
#include <signal.h>
#include <string.h>

#include "harness.h"
#include "program.h"

#define TIMER_SERVER EXAMPLES_DIR "/timer/timer-server"
#define TIMER_CLIENT EXAMPLES_DIR "/timer/timer-client"

/* For calls that are to go well, on a busy machine. */
#define PATIENCE_MS "60000"

/* A language, and how its library is found and its code generated. */
typedef struct
{
  const gchar *interpreter;
  const gchar *option; /* takes code, as `-e` */
  const gchar *look;   /* code that fails where the library is missing */
  const gchar *generator;
  const gchar *missing;
} Language;

static const Language node = { "node", "-e", "require ('thrift')", "js:node",
                               "node has no module thrift: npm install thrift, and NODE_PATH" };
static const Language ruby = { "ruby", "-e", "require 'thrift'", "rb", "no ruby-thrift" };

/* (transfer full) (nullable): what @command prints, if it ends well. */
static gchar *
run (const gchar *const *command)
{
  TestProgram program;
  g_autofree gchar *output = NULL;

  if (!test_program_start (&program, command))
    return NULL;
  output = test_program_read_all (&program);
  return test_program_wait (&program) == 0 ? g_steal_pointer (&output) : NULL;
}

static gboolean
has_program (const gchar *name)
{
  g_autofree gchar *path = g_find_program_in_path (name);

  return path != NULL;
}

static void
remove_all (const gchar *directory)
{
  g_autofree gchar *said = run ((const gchar *const[]){ "rm", "-r", directory, NULL });

  assert_string (said, "");
}

/* (transfer full) (nullable): a new folder with what the timer's service is in @language. NULL: a part is missing, and the
 * test was skipped. */
static gchar *
generate (const Language *language)
{
  g_autofree gchar *library = NULL;
  g_autofree gchar *generated = NULL;
  g_autofree gchar *directory = NULL;

  if (!has_program ("thrift"))
    {
      test_skip ("no thrift compiler");
      return NULL;
    }
  if (has_program (language->interpreter))
    library = run (
        (const gchar *const[]){ language->interpreter, language->option, language->look, NULL });
  if (library == NULL)
    {
      test_skip (language->missing);
      return NULL;
    }
  directory = g_dir_make_tmp ("tally-XXXXXX", NULL);
  generated = run ((const gchar *const[]){ "thrift", "--gen", language->generator, "-out",
                                           directory, TIMER_IDL, NULL });
  CU_ASSERT_PTR_NOT_NULL_FATAL (generated);
  return g_steal_pointer (&directory);
}

/* Of seven calls on one connection to @uri six end, and the first one does not. */
static void
check_client (const gchar *uri)
{
  g_autofree gchar *shared = g_strconcat (uri, "?mode=shared", NULL);
  g_autofree gchar *first = NULL;
  g_autofree gchar *rest = NULL;
  TestProgram client;

  if (!test_program_start (&client,
                           (const gchar *const[]){ TIMER_CLIENT, shared, "--timeout", PATIENCE_MS,
                                                   "--waits", "3600000,5,3,1,0,2,4", NULL }))
    return;
  first = test_program_read_line (&client);
  assert_string (first, "waiting for 7 answers");
  for (guint i = 0; i < 6; i++)
    {
      g_autofree gchar *line = test_program_read_line (&client);

      CU_ASSERT (line != NULL && strstr (line, " ms: over after ") != NULL);
    }
  kill (client.pid, SIGINT);
  rest = test_program_read_all (&client);
  assert_int (test_program_wait (&client), 1);
  CU_ASSERT (strstr (rest, "3600000 ms: failed: ") != NULL);
}

/* A server of Node's that answers later than at once forgets that its client has sent headers, and answers without. */
static void
check_client_with_headers (const gchar *uri)
{
  static const gchar *const modes[] = { "pooled", "unpooled", "shared" };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree gchar *full = g_strconcat (uri, "?transport=header&mode=", modes[i], NULL);
      g_autofree gchar *output = run ((const gchar *const[]){
          TIMER_CLIENT, full, "--timeout", PATIENCE_MS, "--waits", "0,0,0", NULL });
      g_auto (GStrv) parts = output != NULL ? g_strsplit (output, "0 ms: over after ", -1) : NULL;

      CU_ASSERT_PTR_NOT_NULL_FATAL (parts);
      assert_int (g_strv_length (parts), 4);
    }
}

/* Tally's client and the server that @script is. */
static void
check_server_in (const Language *language,
                 const gchar *script,
                 const gchar *role,
                 const gchar *transport,
                 void (*check) (const gchar *uri))
{
  g_autofree gchar *directory = generate (language);
  g_autofree gchar *uri = NULL;
  TestProgram server;

  if (directory == NULL)
    return;
  uri = test_program_start_server (&server,
                                   (const gchar *const[]){ language->interpreter, script, directory,
                                                           role, transport, NULL });
  if (uri != NULL)
    {
      check (uri);
      kill (server.pid, SIGTERM);
      assert_int (test_program_wait (&server), 128 + SIGTERM);
    }
  remove_all (directory);
}

/* ---- tests ---- */

static void
check_node_client (const gchar *transport)
{
  g_autofree gchar *own = g_strconcat ("tcp://127.0.0.1:0?order=any&transport=", transport, NULL);
  g_autofree gchar *directory = generate (&node);
  g_autofree gchar *uri = NULL;
  g_autofree gchar *output = NULL;
  TestProgram server;

  if (directory == NULL)
    return;
  uri = test_program_start_server (&server, (const gchar *const[]){ TIMER_SERVER, own, NULL });
  if (uri != NULL)
    {
      g_auto (GStrv) parts = g_strsplit_set (uri, ":?", -1);

      output = run ((const gchar *const[]){ "node", NODE_PEER, directory, "client", transport,
                                            parts[2], NULL });
      CU_ASSERT_PTR_NOT_NULL (output);
      for (guint i = 0; output != NULL && i < 10; i++)
        {
          g_autofree gchar *line = g_strdup_printf ("%u ms: over\n", i);

          CU_ASSERT_PTR_NOT_NULL (strstr (output, line));
        }
      kill (server.pid, SIGTERM);
      assert_int (test_program_wait (&server), 0);
    }
  remove_all (directory);
}

static void
node_takes_answers_in_any_order (void)
{
  check_node_client ("framed");
}

static void
node_takes_answers_with_headers_in_any_order (void)
{
  check_node_client ("header");
}

static void
tally_takes_nodes_answers_in_any_order (void)
{
  check_server_in (&node, NODE_PEER, "server", "framed", check_client);
}

static void
tally_takes_nodes_answers_with_headers (void)
{
  check_server_in (&node, NODE_PEER, "server", "header", check_client_with_headers);
}

static void
tally_takes_rubys_answers_in_any_order (void)
{
  check_server_in (&ruby, RUBY_PEER, NULL, NULL, check_client);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (node_takes_answers_in_any_order),
    TEST (node_takes_answers_with_headers_in_any_order),
    TEST (tally_takes_nodes_answers_with_headers),
    TEST (tally_takes_nodes_answers_in_any_order),
    TEST (tally_takes_rubys_answers_in_any_order),
    { NULL, NULL },
  };

  return test_main ("interop-order", cases, argc, argv);
}

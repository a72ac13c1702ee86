/* tallyc in thrift's place: the same words on the command line write the same files to the same
 * places. What thrift 0.17 does was seen by running it. */
#include <string.h>

#include "command.h"
#include "generate.h"
#include "harness.h"

/* Where the files of base.thrift go. */
static void
places_of_output (void)
{
  static const struct
  {
    const gchar *arguments;
    const gchar *directory;
  } runs[] = {
    { "--gen c_glib base.thrift", "gen-c_glib" },
    { "-gen c_glib base.thrift", "gen-c_glib" },
    { "--gen=c_glib: base.thrift", "gen-c_glib" },
    { "--gen c_glib -o . base.thrift", "gen-c_glib" },
    { "--gen c_glib -o a base.thrift", "a/gen-c_glib" },
    { "-o b --gen c_glib base.thrift", "b/gen-c_glib" },
    { "--gen c_glib -oc base.thrift", "c/gen-c_glib" },
    { "--gen c_glib --o e base.thrift", "e/gen-c_glib" },
    { "--gen c_glib -out f base.thrift", "f" },
    { "--gen c_glib --out g base.thrift", "g" },
    { "--gen c_glib -o h -out i base.thrift", "i" },
    { "--gen c_glib -out j -o k base.thrift", "k/gen-c_glib" },
    { "--out l base.thrift", "l" },
    { "-o m base.thrift", "m" }, /* as in 0.1, where thrift refuses it */
    { "base.thrift", "." },
  };

  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      g_autofree gchar *path = g_build_filename (runs[i].directory, "base_base_types.h", NULL);
      g_autofree gchar *listing = NULL;

      command_begin ();
      CU_ASSERT_TRUE (command_does (runs[i].arguments, 0, NULL));
      if (!command_is_there (path))
        {
          CU_FAIL ("the file is not where it is to be");
          g_printerr ("tallyc %s: no %s\n", runs[i].arguments, path);
        }
      command_end ();
    }
}

static void
every_option_of_thrift_is_taken (void)
{
  static const gchar *const runs[] = {
    "-r -strict -v -debug -nowarn --gen c_glib demo.thrift",
    "--recurse --verbose --nowarn --strict --debug --gen c_glib demo.thrift",
    "'-r -strict' --gen c_glib demo.thrift", /* a build's variable, quoted */
    "-allow-neg-keys -allow-64bit-consts --gen c_glib demo.thrift",
    "-I nowhere -I . --gen c_glib demo.thrift",
    "-audit demo.thrift -Iold . -Inew . demo.thrift",
    "--audit demo.thrift demo.thrift",
    "-audit demo.thrift -audit-nofatal base.thrift",
  };

  command_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    CU_ASSERT_TRUE (command_does (runs[i], 0, NULL));
  CU_ASSERT_TRUE (command_is_there ("gen-c_glib/base_base_types.c"));
  CU_ASSERT_TRUE (command_does ("-r -v --gen c_glib demo.thrift", 0, "Parsing base.thrift\n"));
  command_end ();
}

static void
include_directories (void)
{
  command_begin ();
  command_write ("here/x.thrift", "struct X {}");
  command_write ("old/y.thrift", "struct Y {}");
  command_write ("q.thrift", "include 'x.thrift' struct Q { 1: x.X x }");
  command_write ("p.thrift", "include 'y.thrift' struct P { 1: y.Y y }");
  CU_ASSERT_TRUE (command_does ("-Ihere -o a q.thrift", 0, NULL)); /* -h in a word is not help */
  CU_ASSERT_TRUE (command_is_there ("a/q_types.h"));
  CU_ASSERT_TRUE (command_does ("-I here --check q.thrift", 0, NULL));
  CU_ASSERT_TRUE (command_does ("--include=here --check q.thrift", 0, NULL));
  CU_ASSERT_TRUE (
      command_does ("-Iold --check p.thrift", 0, NULL)); /* a directory, without -audit */
  CU_ASSERT_TRUE (command_does ("-audit p.thrift -Iold old -Inew old p.thrift", 0, NULL));
  CU_ASSERT_TRUE (command_does ("-audit p.thrift -Iold old p.thrift", 1, "y.thrift"));
  command_end ();
}

/* thrift looks beside the file that a link leads to. */
static void
includes_beside_a_linked_file (void)
{
  command_begin ();
  command_write ("source/x.thrift", "struct X {}");
  command_write ("source/q.thrift", "include 'x.thrift' struct Q { 1: x.X x }");
  CU_ASSERT_TRUE (command_does ("--version; ln -s source/q.thrift q.thrift", 0, NULL));
  CU_ASSERT_TRUE (command_does ("--gen c_glib q.thrift", 0, NULL));
  command_end ();
}

/* A build stops where thrift would have generated something that tallyc does not. */
static void
nothing_generated_is_never_success (void)
{
  static const struct
  {
    const gchar *arguments;
    int status;
    const gchar *said;
  } runs[] = {
    { "--gen py base.thrift", 2, "--gen py: tallyc generates c_glib only" },
    { "--gen c_glib --gen cpp:no_skeleton base.thrift", 2, "--gen cpp:no_skeleton: " },
    { "--gen c_glib:fast base.thrift", 2, "c_glib has no option 'fast'" },
    { "--gen c_glib", 2, "no file given" },
    { "--gen", 2, "--gen needs a value" },
    { "base.thrift --gen", 2, "--gen needs a value" },
    { "", 2, "no file given" },
    { "--gen c_glib nowhere.thrift", 1, "nowhere.thrift" },
    { "--gen c_glib bad.thrift", 1, "unknown type" },
    { "-rv base.thrift", 2, "unknown option -rv" },
    { "-there base.thrift", 2, "unknown option -there" },
    { "-output gen base.thrift", 2, "unknown option -output" },
    { "--recursive base.thrift", 2, "did you mean --recurse?" },
    { "'-r -x' base.thrift", 2, "unknown option" },
    { "--check=yes base.thrift", 2, "--check takes no value" },
    { "-strict --gen c_glib implicit.thrift", 1, "error: field 'a' has no id" },
    { "-audit base.thrift", 2, "OLD and NEW" },
    { "-audit-nofatal -audit base.thrift nowhere.thrift", 1, "nowhere.thrift" },
  };

  command_begin ();
  command_write ("implicit.thrift", "struct S { i32 a }");
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    CU_ASSERT_TRUE (command_does (runs[i].arguments, runs[i].status, runs[i].said));
  CU_ASSERT_FALSE (command_is_there ("gen-c_glib"));
  command_end ();
}

static void
version_as_builds_ask_for_it (void)
{
  g_autofree gchar *said = NULL;

  command_begin ();
  assert_int (command_run ("-version", &said), 0);
  assert_string (said, "Thrift version 0.17.0\n");
  CU_ASSERT_TRUE (command_does ("--version", 0, "Thrift version 0.17.0\ntallyc "));
  CU_ASSERT_TRUE (command_does ("-help", 0, "--gen"));
  command_end ();
}

static void
negative_ids_are_kept_when_asked (void)
{
  g_autofree gchar *kept = NULL;
  g_autofree gchar *given = NULL;

  command_begin ();
  command_write ("n.thrift", "struct S { -7: i32 a, 0: i32 b, i32 c }");
  CU_ASSERT_TRUE (command_does ("-allow-neg-keys -nowarn --gen c_glib n.thrift", 0, NULL));
  kept = command_read ("gen-c_glib/n_types.c");
  assert_contains (kept, ".id = -7,");
  assert_contains (kept, ".id = 0,");
  CU_ASSERT_TRUE (command_does ("-out given --gen c_glib n.thrift", 0, "[nonpositive-id]"));
  given = command_read ("given/n_types.c");
  assert_contains (given, ".id = -1,");
  CU_ASSERT_PTR_NULL (strstr (given, ".id = -7,"));
  command_end ();
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (places_of_output),
    TEST (every_option_of_thrift_is_taken),
    TEST (include_directories),
    TEST (includes_beside_a_linked_file),
    TEST (nothing_generated_is_never_success),
    TEST (version_as_builds_ask_for_it),
    TEST (negative_ids_are_kept_when_asked),
    { NULL, NULL },
  };

  return test_main ("thrift-options", cases, argc, argv);
}

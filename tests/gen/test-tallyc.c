/* The command line: what it takes, says and returns. */
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "generate.h"
#include "harness.h"

static void
one_file_becomes_its_own_files (void)
{
  command_begin ();
  assert_int (command_run ("--out gen demo.thrift", NULL), 0);
  CU_ASSERT_TRUE (command_is_there ("gen/demo_demo_types.h"));
  CU_ASSERT_TRUE (command_is_there ("gen/demo_s.c"));
  CU_ASSERT_FALSE (command_is_there ("gen/base_base_types.h"));
  command_end ();
}

static void
with_r_included_files_too (void)
{
  command_begin ();
  assert_int (command_run ("-r --out gen demo.thrift", NULL), 0);
  CU_ASSERT_TRUE (command_is_there ("gen/base_base_types.h"));
  command_end ();
}

static void
the_depfile_names_all_that_was_read (void)
{
  g_autofree gchar *text = NULL;

  command_begin ();
  assert_int (command_run ("--depfile demo.d demo.thrift", NULL), 0);

  text = command_read ("demo.d");
  assert_contains (text, "demo_demo_types.h demo_demo_types.c demo_s.h demo_s.c:");
  assert_contains (text, "base.thrift");
  assert_contains (text, "demo.thrift");
  command_end ();
}

static void
a_mistake_is_status_1_and_writes_nothing (void)
{
  g_autofree gchar *said = NULL;

  command_begin ();
  assert_int (command_run ("--out gen bad.thrift", &said), 1);
  assert_contains (said, "bad.thrift:1:15: error:");
  CU_ASSERT_FALSE (command_is_there ("gen"));
  command_end ();
}

static void
bad_usage_is_status_2 (void)
{
  static const gchar *const misuses[] = { "",
                                          "--nonsense demo.thrift",
                                          "--check --format demo.thrift",
                                          "--in-place demo.thrift",
                                          "--audit demo.thrift",
                                          "--dump=xml demo.thrift",
                                          "--diagnostics=loud demo.thrift" };

  command_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (misuses); i++)
    {
      g_autofree gchar *said = NULL;

      assert_int (command_run (misuses[i], &said), 2);
      assert_contains (said, "tallyc: ");
    }
  command_end ();
}

static void
version_and_help_are_status_0 (void)
{
  g_autofree gchar *version = NULL;
  g_autofree gchar *help = NULL;

  command_begin ();
  assert_int (command_run ("--version", &version), 0);
  assert_contains (version, "tallyc 0.");
  assert_int (command_run ("--help", &help), 0);
  assert_contains (help, "--depfile");
  command_end ();
}

/* Generating says so, and so does --check. */
static void
two_files_may_not_become_one (void)
{
  command_begin ();
  command_write ("sub/base.thrift", "namespace c_glib Base struct C {}");
  command_write ("both.thrift",
                 "include 'base.thrift' include 'sub/base.thrift' struct S { 1: base.B b }");
  command_write ("service.thrift", "namespace c_glib A service b_types {}");
  command_write ("a_b.thrift", "namespace c_glib A struct S {}");
  CU_ASSERT_TRUE (command_does ("--out gen base.thrift sub/base.thrift", 1,
                                "sub/base.thrift:1:18: error: 'base.thrift' and 'sub/base.thrift' "
                                "would both become base_base_types.h and base_base_types.c"));
  CU_ASSERT_TRUE (command_does ("--check base.thrift sub/base.thrift", 1, "'sub/base.thrift'"));
  CU_ASSERT_TRUE (command_does ("--out gen both.thrift", 1, "[output-clash]"));
  CU_ASSERT_TRUE (command_does ("--check both.thrift", 1, "both.thrift:1:9: note: the other"));
  CU_ASSERT_FALSE (command_is_there ("gen"));
  command_end ();
}

#define GIT                                                                                        \
  "git -c user.name=t -c user.email=t@localhost -c init.defaultBranch=main -c "                    \
  "commit.gpgsign=false "

/* A hook that runs the tests has named its own repository. */
static gboolean
has_git (void)
{
  g_autofree gchar *git = g_find_program_in_path ("git");

  g_unsetenv ("GIT_DIR");
  g_unsetenv ("GIT_WORK_TREE");
  g_unsetenv ("GIT_INDEX_FILE");
  if (git == NULL)
    test_skip ("no git here");
  return git != NULL;
}

/* Runs @script in the directory. */
static void
run_script (const gchar *script)
{
  g_autofree gchar *line = g_strconcat ("--version >/dev/null; ", script, NULL);
  g_autofree gchar *said = NULL;

  if (command_run (line, &said) != 0)
    {
      CU_FAIL ("the script fails");
      g_printerr ("%s:\n%s", script, said);
    }
}

/* A repository with the tag `v/1.0`, after which all its files changed. */
static void
make_repository (void)
{
  command_write ("svc/a.thrift", "include 'b.thrift'\ninclude 'common/x.thrift'\n"
                                 "struct A { 1: b.B b, 2: x.X x }");
  command_write ("svc/b.thrift", "struct B {\n 1: i32 a\n}");
  command_write ("idl/common/x.thrift", "struct X {\n 1: i32 a\n}");
  command_write ("svc/c.thrift", "include 'outer.thrift'\nstruct C { 1: outer.O o }");
  run_script (GIT "init -q . && ln -s a.thrift svc/link.thrift && " GIT
                  "add svc idl demo.thrift base.thrift && " GIT "commit -q -m one && " GIT
                  "tag v/1.0");
  command_write ("svc/b.thrift", "struct B {\n 1: string a\n}");
  command_write ("idl/common/x.thrift", "struct X {\n 1: i64 a\n}");
  command_write ("base.thrift", "namespace c_glib Base namespace py base struct B {}");
}

static void
an_audit_reads_a_revision (void)
{
  static const struct
  {
    const gchar *arguments;
    int status;
    const gchar *said;
  } runs[] = {
    { "-I idl --audit v/1.0:svc/a.thrift svc/a.thrift", 1, "svc/b.thrift:2:5: error: field 1" },
    { "-I idl --audit v/1.0:svc/a.thrift svc/a.thrift", 1, "v/1.0:svc/b.thrift:2:5: note: the" },
    { "-I idl --audit v/1.0:svc/a.thrift svc/a.thrift", 1, "idl/common/x.thrift:2:5: error: " },
    { "-I \"$PWD/idl\" --audit HEAD:./svc/a.thrift svc/a.thrift", 1,
      "HEAD:idl/common/x.thrift:2:5: note: " },
    { "--audit HEAD:svc/a.thrift -Iold idl -Inew idl svc/a.thrift", 1, "[audit-type]" },
    { "-I idl --audit HEAD:svc/a.thrift v/1.0:svc/a.thrift", 0, NULL },
    { "--audit HEAD:demo.thrift demo.thrift", 0, "base.thrift:1:36: warning: namespace py" },
    { "-I idl --audit HEAD:svc/link.thrift HEAD:svc/a.thrift", 0, NULL },
    /* Errors say what git says. */
    { "--audit HEAD:svc/a.thrift svc/a.thrift", 1, "HEAD:svc/a.thrift:2:9: error: included file" },
    { "--audit nope:svc/a.thrift svc/a.thrift", 1, "cannot read 'nope:svc/a.thrift': git says: " },
    { "--audit HEAD:nope.thrift svc/a.thrift", 1, "'HEAD:nope.thrift': the revision has no such" },
    { "--audit HEAD:svc svc/a.thrift", 1, "cannot read 'HEAD:svc'" },
    { "--audit -- -x:svc/a.thrift svc/a.thrift", 1, "does not begin with '-'" },
    { "--audit 'HEAD;touch made:svc/a.thrift' svc/a.thrift", 1, "git says: " },
  };

  if (!has_git ())
    return;
  command_begin ();
  make_repository ();
  for (guint i = 0; i < G_N_ELEMENTS (runs); i++)
    CU_ASSERT_TRUE (command_does (runs[i].arguments, runs[i].status, runs[i].said));
  CU_ASSERT_FALSE (command_is_there ("made"));
  run_script ("cd svc && " TALLYC " -audit-nofatal -I ../idl --audit HEAD:./a.thrift a.thrift");
  /* A directory outside the repository is the disk's. */
  run_script ("d=$(mktemp -d) && echo 'struct O {}' >$d/outer.thrift && " TALLYC
              " -I $d --audit HEAD:svc/c.thrift svc/c.thrift; status=$?; rm -r $d; exit $status");
  run_script ("rm svc/b.thrift idl/common/x.thrift && " TALLYC
              " -I idl --audit HEAD:svc/a.thrift v/1.0:svc/a.thrift");
  command_end ();
}

static void
an_audit_of_a_revision_needs_git (void)
{
  g_autofree gchar *git = g_find_program_in_path ("git");

  command_begin ();
  if (git != NULL)
    CU_ASSERT_TRUE (
        command_does ("--version >/dev/null; GIT_CEILING_DIRECTORIES=\"$PWD/..\" " TALLYC
                      " --audit HEAD:base.thrift base.thrift",
                      1, "cannot read 'HEAD:base.thrift': git says: "));
  CU_ASSERT_TRUE (command_does ("--version >/dev/null; PATH=/nowhere " TALLYC
                                " --audit HEAD:base.thrift base.thrift",
                                1, "cannot read 'HEAD:base.thrift': git cannot be run: "));
  command_end ();
}

static void
diagnostics_as_json (void)
{
  g_autofree gchar *said = NULL;

  command_begin ();
  assert_int (command_run ("--diagnostics=json --check bad.thrift", &said), 1);
  assert_contains (said, "\"severity\"");
  command_end ();
}

static void
warnings_as_errors (void)
{
  command_begin ();
  command_write ("odd.thrift", "enum E {}\nstruct S { i32 a }\n");
  command_write ("allowed.thrift", "enum E {} // tallyc: allow empty-enum\n"
                                   "# tallyc: allow c-word, implicit-id\n"
                                   "struct S { i32 a }\n");
  CU_ASSERT_TRUE (command_does ("--out gen odd.thrift", 0, "warning: "));
  CU_ASSERT_TRUE (
      command_does ("--check --warn-as-error odd.thrift", 1, "error: enum 'E' has no enumerators"));
  CU_ASSERT_TRUE (command_does ("--warn-as-error=implicit-id --out not odd.thrift", 1,
                                "error: field 'a' has no id of its own"));
  CU_ASSERT_TRUE (command_does ("--check --warn-as-error=empty-enum odd.thrift", 1,
                                "warning: field 'a' has no id of its own"));
  CU_ASSERT_TRUE (command_does ("--check --warn-as-error=c-word odd.thrift", 0, "warning: "));
  CU_ASSERT_TRUE (command_does ("--check --warn-as-error allowed.thrift", 0, NULL));
  CU_ASSERT_TRUE (
      command_does ("--check --warn-as-error=nonsense odd.thrift", 2, "no rule has that id"));
  CU_ASSERT_FALSE (command_is_there ("not"));
  command_end ();
}

static void
without_warnings (void)
{
  g_autofree gchar *said = NULL;
  g_autofree gchar *json = NULL;

  command_begin ();
  command_write ("odd.thrift", "enum E {}\nstruct S { i32 a }\n");
  command_write ("worse.thrift", "enum E {}\nstruct S { 1: T a }\n");
  assert_int (command_run ("--check --no-warnings odd.thrift", &said), 0);
  assert_string (said, "");
  assert_int (command_run ("--check --no-warnings --diagnostics=json odd.thrift", &json), 0);
  assert_string (json, "{\"diagnostics\": [],\n \"errors\": 0, \"warnings\": 0}\n");
  CU_ASSERT_TRUE (command_does ("--check --no-warnings worse.thrift", 1,
                                "worse.thrift:2:15: error: unknown type 'T' [unknown-type]"));
  CU_ASSERT_TRUE (command_does ("--check --no-warnings --warn-as-error=empty-enum odd.thrift", 1,
                                "error: enum 'E'"));
  command_end ();
}

static void
standard_input (void)
{
  command_begin ();
  CU_ASSERT_TRUE (command_does ("--check - <bad.thrift", 1, "<stdin>:1:15: error: unknown type"));
  CU_ASSERT_TRUE (command_does ("--check - <demo.thrift", 0, NULL)); /* what it includes is found */
  CU_ASSERT_TRUE (command_does ("--format - <bad.thrift", 0, "struct S {\n  1: nothing x\n}"));
  CU_ASSERT_TRUE (command_does ("--format --diff - <bad.thrift", 1, "+struct S {\n"));
  CU_ASSERT_TRUE (command_does ("--dump=json - <base.thrift", 0, "\"B\""));
  CU_ASSERT_TRUE (command_does ("--format --in-place - <bad.thrift", 2, "standard input"));
  CU_ASSERT_TRUE (command_does ("- <base.thrift", 2, "standard input"));
  command_end ();
}

static void
what_stays_the_same_keeps_its_time (void)
{
  g_autofree gchar *said = NULL;

  command_begin ();
  assert_int (command_run ("--depfile d demo.thrift; touch -d '2001-01-01' *.h *.c d", NULL), 0);
  command_write ("demo.thrift", "namespace c_glib Demo include \"base.thrift\"\n"
                                "struct D { 1: base.B b, 2: i32 c } service S {}");
  assert_int (
      command_run ("--depfile d demo.thrift; find . -newermt 2001-06-01 -name '*.[ch]' | sort; "
                   "find . -name d -newermt 2001-06-01",
                   &said),
      0);
  assert_string (said, "./demo_demo_types.c\n./demo_demo_types.h\n");
  command_end ();
}

/* The locale's encoding, not UTF-8 whatever it is. */
static void
messages_in_the_encoding_of_the_locale (void)
{
  g_autofree gchar *said = NULL;

  command_begin ();
  command_write ("accents.thrift", "/* \303\251 */ struct S { 1: nothing x }\n");
  assert_int (command_run ("--version >/dev/null; LC_ALL=C " TALLYC " --check accents.thrift",
                           &said),
              1);
  assert_contains (said, "/* ? */ struct S");
  command_end ();
}

/* Where the output is a full disk's. */
static void
output_that_is_lost_is_an_error (void)
{
  static const gchar *const prints[] = { "--format demo.thrift", "--format --diff bad.thrift",
                                         "--dump=json demo.thrift", "--list-rules", "--help",
                                         "--version" };

  command_begin ();
  for (guint i = 0; i < G_N_ELEMENTS (prints); i++)
    {
      g_autofree gchar *arguments = g_strconcat (prints[i], " >/dev/full", NULL);

      CU_ASSERT_TRUE (command_does (arguments, 1, "tallyc: standard output: "));
    }
  command_end ();
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (one_file_becomes_its_own_files),
    TEST (with_r_included_files_too),
    TEST (the_depfile_names_all_that_was_read),
    TEST (a_mistake_is_status_1_and_writes_nothing),
    TEST (bad_usage_is_status_2),
    TEST (version_and_help_are_status_0),
    TEST (an_audit_reads_a_revision),
    TEST (an_audit_of_a_revision_needs_git),
    TEST (two_files_may_not_become_one),
    TEST (diagnostics_as_json),
    TEST (warnings_as_errors),
    TEST (without_warnings),
    TEST (standard_input),
    TEST (what_stays_the_same_keeps_its_time),
    TEST (messages_in_the_encoding_of_the_locale),
    TEST (output_that_is_lost_is_an_error),
    { NULL, NULL },
  };

  return test_main ("tallyc", cases, argc, argv);
}

/* Files: how includes are found, read once, and refused; and that large input stays cheap. */
#include "idl-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* A directory with files, which is removed in the end. */
typedef struct
{
  gchar *path;
  IdlUnit *unit;
} Fixture;

static void
begin (Fixture *fixture)
{
  fixture->path = idl_test_make_directory ();
  fixture->unit = idl_unit_new ();
}

static void
end (Fixture *fixture)
{
  idl_unit_free (fixture->unit);
  idl_test_remove_directory (fixture->path);
  g_free (fixture->path);
}

static IdlProgram *
load (Fixture *fixture, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (fixture->path, name, NULL);

  return idl_unit_load (fixture->unit, path);
}

static void
assert_said (const Fixture *fixture, const gchar *expected)
{
  g_autofree gchar *said = idl_test_diagnostics (fixture->unit);

  assert_string (said, expected);
}

static void
names_across_files (void)
{
  Fixture fixture;
  IdlProgram *program;
  const IdlInclude *include;

  begin (&fixture);
  idl_test_write (
      fixture.path, "shared.thrift",
      "enum E { A = 1 } struct T {} typedef T U const i32 C = 7 exception X {} service P {}");
  idl_test_write (fixture.path, "t.thrift",
                  "include 'shared.thrift' struct S { 1: shared.T a, 2: shared.U b, 3: shared.E e "
                  "= shared.E.A, 4: i32 c "
                  "= shared.C } service Q extends shared.P { void f() throws (1: shared.X x) }");
  program = load (&fixture, "t.thrift");
  assert_said (&fixture, "");
  CU_ASSERT_PTR_NOT_NULL_FATAL (program);
  include = g_ptr_array_index (program->includes, 0);
  assert_string (include->program->name, "shared");
  assert_int (idl_unit_get_programs (fixture.unit)->len, 2);
  CU_ASSERT_PTR_EQUAL (g_ptr_array_index (idl_unit_get_programs (fixture.unit), 1), program);
  end (&fixture);
}

static void
names_not_in_included_file (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.path, "shared.thrift", "struct Thing {} enum E { A }");
  idl_test_write (fixture.path, "t.thrift",
                  "include 'shared.thrift'\nstruct S { 1: shared.Nope a, 2: Thing b, 3: shared.E e "
                  "= shared.E.B }");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  assert_said (&fixture, "2:15: error: unknown type 'shared.Nope'\n"
                         "2:33: error: unknown type 'Thing'; did you mean 'shared.Thing'?\n"
                         "2:58: error: enum 'E' has no enumerator 'B'\n"
                         "shared.thrift:1:22: note: the enum is defined here\n");
  end (&fixture);
}

static void
include_directories (void)
{
  Fixture fixture;
  g_autofree gchar *other = idl_test_make_directory ();

  begin (&fixture);
  idl_test_write (fixture.path, "t.thrift",
                  "include 'a.thrift' include 'b.thrift' struct S { 1: a.A a, 2: b.B b }");
  idl_test_write (fixture.path, "a.thrift", "struct A {}"); /* beside the file: comes first */
  idl_test_write (other, "a.thrift", "struct Other {}");
  idl_test_write (other, "b.thrift", "struct B {}");
  idl_unit_add_include_dir (fixture.unit, "/nonexistent");
  idl_unit_add_include_dir (fixture.unit, other);
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "t.thrift"));
  assert_said (&fixture, "");
  end (&fixture);
  idl_test_remove_directory (other);
}

static void
each_file_once (void)
{
  Fixture fixture;

  begin (&fixture);
  for (guint i = 0; i < 30; i++)
    {
      g_autofree gchar *a = g_strdup_printf ("a%u.thrift", i);
      g_autofree gchar *b = g_strdup_printf ("b%u.thrift", i);
      g_autofree gchar *text =
          i == 29 ? g_strdup ("struct S {}")
                  : g_strdup_printf ("include 'a%u.thrift' include './b%u.thrift'", i + 1, i + 1);

      idl_test_write (fixture.path, a, text);
      idl_test_write (fixture.path, b, text);
    }
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "a0.thrift"));
  assert_int (idl_unit_get_programs (fixture.unit)->len, 59);
  CU_ASSERT_PTR_EQUAL (load (&fixture, "a0.thrift"), load (&fixture, "a0.thrift"));
  assert_int (idl_unit_get_programs (fixture.unit)->len, 59);
  end (&fixture);
}

static void
cycles (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.path, "t.thrift", "include 't.thrift'\ninclude 'a.thrift'");
  idl_test_write (fixture.path, "a.thrift", "include 'b.thrift'");
  idl_test_write (fixture.path, "b.thrift", "include 'a.thrift'");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  assert_said (&fixture,
               "1:9: error: 't.thrift' includes itself\n"
               "b.thrift:1:9: error: include cycle: 'a.thrift' is being included already\n"
               "a.thrift:1:9: note: 'b.thrift' is included here\n"
               "2:9: note: 'a.thrift' is included here\n");
  end (&fixture);
}

static void
what_is_no_file (void)
{
  Fixture fixture;
  g_autofree gchar *fifo = NULL;
  g_autofree gchar *directory = NULL;
  g_autofree gchar *said = NULL;

  begin (&fixture);
  fifo = g_build_filename (fixture.path, "fifo", NULL);
  directory = g_build_filename (fixture.path, "directory", NULL);
  assert_int (mkfifo (fifo, 0600), 0);
  assert_int (g_mkdir (directory, 0700), 0);
  idl_test_write (fixture.path, "t.thrift",
                  "include '/dev/zero'\ninclude 'fifo'\ninclude 'directory'\ninclude "
                  "'missing'\nstruct S { 1: missing.T a }");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  CU_ASSERT_PTR_NULL (load (&fixture, "absent.thrift"));
  said = idl_test_diagnostics (fixture.unit);
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "1:9: error: '/dev/zero' is not a regular file\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "fifo' is not a regular file\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "directory' is a directory\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "4:9: error: included file 'missing' is not found\n"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "0:0: error: cannot read '"));
  CU_ASSERT_PTR_NULL (strstr (said, "5:")); /* nothing about names of a file that is not there */
  g_rmdir (directory);
  end (&fixture);
}

static void
faulty_included_file (void)
{
  Fixture fixture;

  begin (&fixture);
  idl_test_write (fixture.path, "a.thrift", "struct A { 1: i32 }");
  idl_test_write (fixture.path, "t.thrift", "include 'a.thrift' struct S { 1: a.Unknown a }");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  assert_said (&fixture, "a.thrift:1:19: error: expected the field's name, found '}'\n"
                         "1:9: note: 'a.thrift' is included here\n");
  end (&fixture);
}

/* Their namespaces tell them apart in C, what they define where they are used. */
static void
two_files_of_one_name (void)
{
  Fixture fixture;
  g_autofree gchar *other = idl_test_make_directory ();
  g_autofree gchar *includes =
      g_strdup_printf ("include 'a.thrift'\ninclude '%s/a.thrift'\n", other);
  g_autofree gchar *clear =
      g_strconcat (includes, "struct S { 1: a.A a, 2: a.B b, 3: i32 c = a.C, 4: a.E e = a.E.Y }",
                   NULL);
  g_autofree gchar *ambiguous = g_strconcat (includes, "struct S { 1: a.A a, 2: a.Both b }", NULL);
  g_autofree gchar *said = NULL;

  begin (&fixture);
  idl_test_write (fixture.path, "a.thrift", "namespace c_glib X struct A {} struct Both {}");
  idl_test_write (other, "a.thrift",
                  "namespace c_glib Y struct B {} struct Both {} const i32 C = 1 enum E { Y }");
  idl_test_write (fixture.path, "t.thrift", clear);
  idl_test_write (fixture.path, "ambiguous.thrift", ambiguous);
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "t.thrift"));
  assert_said (&fixture, "");
  CU_ASSERT_PTR_NULL (load (&fixture, "ambiguous.thrift"));
  said = idl_test_diagnostics (fixture.unit);
  CU_ASSERT_TRUE (
      g_str_has_prefix (said,
                        "ambiguous.thrift:3:25: error: 'a.Both' is in two included files, '"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, fixture.path));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, other));
  CU_ASSERT_PTR_NOT_NULL (strstr (said,
                                  "ambiguous.thrift:1:9: note: the first is included here\n"
                                  "ambiguous.thrift:2:9: note: the second is included here\n"));
  end (&fixture);
  idl_test_remove_directory (other);
}

static void
two_files_of_one_name_and_namespace (void)
{
  Fixture fixture;
  g_autofree gchar *other = idl_test_make_directory ();
  g_autofree gchar *text = g_strdup_printf ("include 'a.thrift'\ninclude '%s/a.thrift'\n", other);
  g_autofree gchar *used = g_strconcat (text, "struct S { 1: a.A a, 2: a.B b }", NULL);
  g_autofree gchar *said = NULL;

  begin (&fixture);
  idl_test_write (fixture.path, "a.thrift", "struct A {}");
  idl_test_write (other, "a.thrift", "struct B {}");
  idl_test_write (fixture.path, "t.thrift", used);
  idl_test_write (fixture.path, "unused.thrift", text);
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "unused.thrift"));
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  said = idl_test_diagnostics (fixture.unit);
  CU_ASSERT_TRUE (g_str_has_prefix (said, "2:9: error: '"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "a.thrift' have the same name and namespace"));
  CU_ASSERT_PTR_NOT_NULL (strstr (said, "1:9: note: the other is included here\n"));
  end (&fixture);
  idl_test_remove_directory (other);
}

static void
misspelt_includes (void)
{
  Fixture fixture;
  g_autofree gchar *sub = NULL;
  g_autofree gchar *inner = NULL;

  begin (&fixture);
  sub = g_build_filename (fixture.path, "common", NULL);
  inner = g_build_filename (sub, "types.thrift", NULL);
  assert_int (g_mkdir (sub, 0700), 0);
  idl_test_write (sub, "types.thrift", "struct T {}");
  idl_test_write (fixture.path, "shared.thrift", "struct T {}");
  idl_test_write (fixture.path, "shared.txt", "");
  idl_test_write (fixture.path, "t.thrift",
                  "include 'shraed.thrift'\ninclude 'comon/types.thrift'\n"
                  "include 'common/tpyes.thrift'\ninclude 'nothing'\n"
                  "include '/shared.thrift'\n");
  CU_ASSERT_PTR_NULL (load (&fixture, "t.thrift"));
  assert_said (
      &fixture,
      "1:9: error: included file 'shraed.thrift' is not found; did you mean 'shared.thrift'?\n"
      "2:9: error: included file 'comon/types.thrift' is not found; did you mean "
      "'common/types.thrift'?\n"
      "3:9: error: included file 'common/tpyes.thrift' is not found; did you mean "
      "'common/types.thrift'?\n"
      "4:9: error: included file 'nothing' is not found\n"
      "5:9: error: included file '/shared.thrift' is not found\n");
  g_remove (inner);
  g_rmdir (sub);
  end (&fixture);
}

static void
deep_includes (void)
{
  Fixture fixture;
  g_autofree gchar *said = NULL;

  begin (&fixture);
  for (guint i = 0; i <= 1000; i++)
    {
      g_autofree gchar *name = g_strdup_printf ("c%u.thrift", i);
      g_autofree gchar *text = g_strdup_printf ("include 'c%u.thrift'", i + 1);

      idl_test_write (fixture.path, name, i == 1000 ? "struct S {}" : text);
    }
  CU_ASSERT_PTR_NULL (load (&fixture, "c0.thrift"));
  said = idl_test_diagnostics (fixture.unit);
  CU_ASSERT_TRUE (
      g_str_has_prefix (said, "c999.thrift:1:9: error: includes nest deeper than 1000\n"));
  CU_ASSERT_PTR_NOT_NULL (load (&fixture, "c1000.thrift"));
  end (&fixture);
}

/* 100,000 of what @format makes of 0, 1, …; the front end must take them in linear time. */
static gchar *
many (const gchar *start, const gchar *format, const gchar *stop)
{
  GString *text = g_string_new (start);

  for (guint i = 0; i < 100000; i++)
    {
      const gchar *at = format;
      const gchar *mark;

      /* '#' is the number, '@' the next one. */
      while ((mark = strpbrk (at, "#@")) != NULL)
        {
          g_string_append_len (text, at, mark - at);
          g_string_append_printf (text, "%u", *mark == '#' ? i : i + 1);
          at = mark + 1;
        }
      g_string_append (text, at);
    }
  g_string_append (text, stop);
  return g_string_free (text, FALSE);
}

static void
many_definitions (void)
{
  static const struct
  {
    const gchar *start, *each, *stop;
    gboolean accepted;
  } texts[] = {
    { "", "struct S# { 1: i32 a, 2: list<S@> b }\n", "struct S100000 {}", TRUE },
    { "", "typedef T@ T#\n", "typedef i32 T100000", TRUE },
    { "", "typedef list<T@> T#\n", "typedef i32 T100000", FALSE },
    { "", "typedef map<T@, T@> T#\n", "typedef i32 T100000", FALSE },
    { "", "typedef T@ T#\n", "typedef T0 T100000", FALSE },
    { "", "const i32 C# = C@\n", "const i32 C100000 = 1", TRUE },
    { "typedef list<i32> L\n", "const list<L> C# = [C@, C@]\n", "const list<L> C100000 = []",
      FALSE },
    { "", "struct S# { 1: required S@ a }\n", "struct S100000 {}", TRUE },
    { "", "struct S# { 1: required S@ a }\n", "struct S100000 { 1: required S0 a }", FALSE },
    { "", "service S# extends S@ {}\n", "service S100000 {}", FALSE },
    { "", "struct S { 1: Unknown# a }\n", "", FALSE },
    { "", "const i32 C = Unknown#\n", "", FALSE },
    { "", "struct S# {", "", FALSE },
    { "struct S {", "1: i32 a ", "}", FALSE },
    { "struct S {", "i32 a# ", "}", FALSE },
    { "enum E {", "A# = 1 ", "}", TRUE },
    { "enum E {", "A# ", "} const E X = E.A99999 const E Y = 99999", TRUE },
    { "service S {", "void f#() ", "}", TRUE },
    { "const set<i32> S = [", "#,", "]", TRUE },
    { "const map<string, i32> M = {", "'#': #,", "}", TRUE },
    { "struct T { ", "# : i32 a# ", "}", FALSE },
    { "struct T {} const list<T> L = [", "{}", "]", TRUE },
    { "", "include 'missing#.thrift'\n", "", FALSE },
    { "", "namespace c_glib a# ", "", TRUE },
    { "", "enum E# { A } const E# C# = E#.Unknown\n", "", FALSE },
    { "enum E {", "A_rather_long_name_of_an_enumerator_# ",
      "} struct S { 1: E a = E.Nam, 2: E b = E.A_rather_long_name_of_an_enumerato_1 }", FALSE },
    { "struct A { 1: required B b } struct B {", "i32 a# ", "1: required A a }", FALSE },
    { "struct S {} (", "a# = 'b' ", ")", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree gchar *text = many (texts[i].start, texts[i].each, texts[i].stop);
      g_autoptr (IdlUnit) unit = idl_unit_new ();
      gboolean accepted = idl_unit_load_text (unit, "t.thrift", text, -1) != NULL;

      if (accepted != texts[i].accepted)
        {
          CU_FAIL ("wrong verdict");
          g_printerr ("%s\n", texts[i].each);
        }
    }
}

/* 100,000 mistakes, each of which is like 100,000 names. */
static void
many_unknown_names (void)
{
  g_autofree gchar *members =
      many ("enum E {", "An_enumerator_of_a_long_name_# ", "} const list<E> L = [");
  g_autofree gchar *values = many (members, "E.An_enumerator_of_a_lnog_name_#,", "]");
  g_autofree gchar *structs =
      many ("", "struct A_struct_of_a_rather_long_name_# {}\n", "struct S {");
  g_autofree gchar *fields = many (structs, "1: A_struct_of_a_rather_lnog_name_# a# ", "}");
  g_autoptr (IdlUnit) unit = idl_unit_new ();

  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", values, -1));
  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", fields, -1));
}

/* A struct that closes a cycle with each of 100,000 others. */
static void
many_cycles (void)
{
  g_autofree gchar *chain = many ("", "struct S# { 1: required S@ a }\n", "struct S100000 { ");
  g_autofree gchar *text = many (chain, "1: required S# a ", "}");
  g_autofree gchar *types = many ("", "typedef T@ T#\n", "typedef ");
  g_autofree gchar *constants =
      many ("", "const list<i32> C# = [C@]\n", "const list<i32> C100000 = [");
  g_autofree gchar *values = many (constants, "C#,", "]");
  g_autoptr (IdlUnit) unit = idl_unit_new ();

  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", text, -1));
  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", types, -1));
  CU_ASSERT_PTR_NULL (idl_unit_load_text (unit, "t.thrift", values, -1));
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (names_across_files),
    TEST (names_not_in_included_file),
    TEST (include_directories),
    TEST (each_file_once),
    TEST (cycles),
    TEST (what_is_no_file),
    TEST (faulty_included_file),
    TEST (two_files_of_one_name),
    TEST (two_files_of_one_name_and_namespace),
    TEST (misspelt_includes),
    TEST (deep_includes),
    TEST (many_definitions),
    TEST (many_unknown_names),
    TEST (many_cycles),
    { NULL },
  };

  return test_main ("idl-unit", cases, argc, argv);
}

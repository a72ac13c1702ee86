/* What Apache's generator makes C that does not compile of, compiles here; and so do real files. */
#include <string.h>

#include "compiler.h"
#include "generate.h"
#include "harness.h"

static Compiler compiler;
static gboolean have_compiler;

/* @idl: of one file, or of several, each after a line `== name.thrift`; the last one includes the
 * rest. */
static void
check_compiles (const gchar *what, const gchar *idl)
{
  g_autofree gchar *sources = test_make_directory ();
  g_autofree gchar *directory = test_make_directory ();
  g_autofree gchar *path = NULL;
  g_autofree gchar *message = NULL;
  g_auto (GStrv) parts = g_strsplit (idl, "== ", -1);

  for (guint i = *parts[0] == '\0' ? 1 : 0; parts[i] != NULL; i++)
    {
      const gchar *newline = strchr (parts[i], '\n');
      gboolean named = idl[0] == '=';
      g_autofree gchar *name =
          named ? g_strndup (parts[i], (gsize) (newline - parts[i])) : g_strdup ("demo.thrift");

      g_free (path);
      path = g_build_filename (sources, name, NULL);
      g_file_set_contents (path, named ? newline + 1 : parts[i], -1, NULL);
    }

  if (generate_file_into (directory, path, NULL, &message))
    message = compiler_check (&compiler, directory);
  if (message != NULL)
    {
      g_autofree gchar *text = g_strdup_printf ("%s: %s", what, message);

      assert_string (text, NULL);
    }

  test_remove_directory (sources);
  test_remove_directory (directory);
}

typedef struct
{
  const gchar *what;
  const gchar *idl;
} Snippet;

static const Snippet snippets[] = {
  { "nothing", "\n" },
  { "self-recursive struct", "struct T { 1: optional T left, 2: T right, 3: list<T> children }" },
  { "mutually recursive structs", "struct A { 1: B b } struct B { 1: C c } union C { 1: A a }" },
  { "typedef of struct",
    "typedef S Alias struct S { 1: i32 x } struct U { 1: Alias a, 2: list<Alias> l } "
    "service V { Alias f (1: Alias a, 2: set<Alias> s) }" },
  { "names of what answers later",
    "exception E {} struct reply {} struct value {} struct g_async {} "
    "service S { i32 sum (1: i32 handler, 2: reply reply) throws (1: E e, 2: E value) "
    "i32 sum_async () void sum_e () value if_a (1: value value, 2: i32 klass, 3: i32 args) "
    "reply h () throws (1: E reply) oneway void g (1: g_async error) } "
    "service S_reply { void a () uuid b (1: uuid result) }" },
  { "typedefs in any order",
    "typedef B A typedef C B typedef list<i32> C typedef map<A, D> E typedef i32 D "
    "struct S { 1: A a, 2: E e } service V { A f (1: B b, 2: E e) }" },
  { "dotted namespace",
    "namespace c_glib foo.bar.Baz struct S { 1: i32 x } enum E { A } exception X {} "
    "service V { S f (1: E e) throws (1: X x) }" },
  { "struct constant with required fields",
    "struct S { 1: required string a, 2: required list<i32> b } const S C = { \"a\": \"x\", \"b\": "
    "[1] }" },
  { "nested defaults", "struct S { 1: i32 x = 1 } struct T { 1: list<S> l = [{}, { \"x\": 2 }], "
                       "2: list<list<map<string, i32>>> n = [[{ \"a\": 1 }], []] }" },
  { "strings that need quoting", "const string A = \"a\\\"b\\n\\t\\\\ ?"
                                 "?/ ?"
                                 "?= %s\" "
                                 "struct S { 1: string s = \"line\\nbreak\" }" },
  { "empty enum",
    "enum E {} struct S { 1: E e, 2: list<E> l, 3: map<E, E> m } service V { E f (1: E e) }" },
  { "fields of keywords",
    "struct S { 1: i32 auto 2: i32 char 3: i32 do 4: i32 int 5: i32 parent 6: i32 errno "
    "7: i32 template 8: i32 operator 9: i32 typename 10: i32 bool_ 11: i32 linux "
    "12: i32 gint32 13: GArray GArray 14: string gchar } struct GArray {}" },
  { "arguments of our names",
    "exception E {} service V { i32 f (1: i32 error, 2: string iface, 3: i32 protocol, 4: i32 "
    "return_value, "
    "5: i32 self, 6: i32 ret, 7: list<i32> xfer, 8: i32 _return, 9: i32 args, 10: string results, "
    "11: i32 methods, 12: i32 klass, 13: i32 handler, 14: i32 gint32, 15: i32 index, "
    "16: i32 get_interface) throws (1: E result) }" },
  { "exception in camelCase", "exception camelCase { 1: string parent } "
                              "service v { void f () throws (1: camelCase e) }" },
  { "methods of one name",
    "service V { void Foo () void foo () void getType () void sendFoo () void New () }" },
  { "methods of keywords",
    "service V { void auto () void delete () void parent () void operator (1: i32 new) "
    "oneway void double_ () }" },
  { "struct and its class", "struct FooClass {} struct Foo {} exception Bar {} enum BarError { X } "
                            "struct IsFoo {} struct TypeFoo {}" },
  { "service and its types", "struct FooClient {} struct FooIf {} service Foo { void f () } "
                             "struct FArgs {} struct F {} service G { F f (1: FArgs args) }" },
  { "names that begin like ours",
    "struct S { 1: string __isset_a 2: i32 a 3: i32 __isset_b 4: i32 b } "
    "service V { i32 f (1: i32 tally_client_call, 2: i32 METHOD_F, 3: i32 __isset_success) }" },
  { "list of exceptions",
    "exception E { 1: string s } struct S { 1: list<E> l, 2: set<E> s, 3: map<E, E> m } "
    "service V { list<E> f (1: E e) throws (1: E oops) }" },
  { "uuid", "const uuid U = \"00112233-4455-6677-8899-aabbccddeeff\" struct S { 1: uuid u = U, 2: "
            "list<uuid> l, "
            "3: set<uuid> s, 4: map<uuid, uuid> m } service V { uuid f (1: uuid u) }" },
  { "containers as keys",
    "struct S { 1: set<list<i32>> a, 2: map<set<S>, map<list<string>, i32>> b, "
    "3: set<set<set<i8>>> c, 4: set<binary> d }" },
  { "deep nesting",
    "struct S { 1: list<map<set<list<i32>>, map<string, list<set<map<i64, list<binary>>>>>>> x }" },
  { "a service of nothing",
    "service A {} service B extends A {} service C extends B { void f () }" },
  { "oneway", "service V { oneway void f () oneway void g (1: string s, 2: binary b) }" },
  { "deprecated things",
    "struct S { 1: i32 x (deprecated = \"use y\"), 2: i32 y } (deprecated) "
    "enum E { A (deprecated), B } service V { void f () (deprecated = \"gone\") "
    "S g (1: S s) (idempotent) }" },
  { "comments that C would mind",
    "/** a /* b *\\ ?"
    "?/ and \xe2\x80\xae text */ struct S { /** field */ 1: i32 x }" },
  { "large numbers",
    "const i64 A = -9223372036854775808 const i32 B = -2147483648 const double C = 1e308 "
    "const double D = -0.5 enum E { LOW = -2147483648, HIGH = 2147483647 }" },
  { "constants of typedefs",
    "typedef i32 I typedef list<I> L typedef map<string, L> M const I A = 1 "
    "const L B = [A] const M C = { \"x\": B } enum E { X } typedef E F const F D = E.X" },
  { "names of the headers",
    "struct GObject { 1: GObject o } enum ThriftProtocol { A } struct Complex {} "
    "const i32 MAX = 1 const i32 EOF = 2 typedef i32 int typedef i64 time" },
  { "services of one shape",
    "struct E { 1: list<string> l = [\"a\"] } struct A_FArgs {} struct A_B__methods {} "
    "service A { list<string> f (1: list<string> l = [\"a\"]) list<string> b_F (1: set<list<i8>> "
    "s) } "
    "service B { list<string> f (1: list<string> l = [\"a\"]) } "
    "service A_B { list<string> f (1: list<string> l) } service A_ { void if_init () void f () }" },
  { "programs of one shape", "== one.thrift\nnamespace c_glib One struct S { 1: list<string> l = "
                             "[\"a\"], 2: set<list<i8>> s } "
                             "enum E { A } service V { list<string> f (1: S s) }\n"
                             "== two.thrift\nnamespace c_glib Two include \"one.thrift\" "
                             "struct S { 1: list<string> l = [\"a\"], 2: set<list<i8>> s } "
                             "enum E { A } service V { list<string> f (1: S s) }" },
  { "anything from another namespace",
    "== one.thrift\nnamespace c_glib One struct S { 1: i32 x } exception E {} enum Color { RED } "
    "typedef list<S> L const S C = { \"x\": 1 } service Base { S f () throws (1: E e) }\n"
    "== two.thrift\nnamespace c_glib Two include \"one.thrift\" enum Color { BLUE } "
    "struct T { 1: list<one.S> l, 2: one.Color c = one.Color.RED, 3: one.L m, 4: one.S d = one.C, "
    "5: Color e } "
    "const one.Color K = one.Color.RED "
    "service Derived extends one.Base { one.L g (1: one.S s, 2: one.Color c) throws (1: one.E e) "
    "}" },
  { "a file's name that is no identifier",
    "== 9.to-5.thrift\nstruct S { 1: list<string> l = [\"a\"] } enum E { A }\n" },
  { "includes that clash",
    "== a.thrift\nstruct Route {} enum E { X }\n== b.thrift\nenum Route { Y }\n"
    "== c.thrift\ninclude \"a.thrift\" include \"b.thrift\" "
    "struct R { 1: a.Route r, 2: b.Route s }" },
};

static void
what_apache_cannot_compile (void)
{
  if (!have_compiler)
    {
      test_skip ("no C and C++ compiler with pkg-config");
      return;
    }

  for (guint i = 0; i < G_N_ELEMENTS (snippets); i++)
    check_compiles (snippets[i].what, snippets[i].idl);
}

/* ---- real files ---- */

/* @row: path, dialect, accepted by 0.17, accepted by 0.25, include directories. */
static void
check_real_file (const gchar *corpus, gchar **row)
{
  g_autofree gchar *path = g_build_filename (corpus, row[0], NULL);
  g_autofree gchar *directory = test_make_directory ();
  g_autoptr (GPtrArray) include_dirs = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) words = g_strsplit (row[4], " ", -1);
  g_autofree gchar *message = NULL;

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && strcmp (words[i], "-I") != 0)
      g_ptr_array_add (include_dirs, g_build_filename (corpus, words[i], NULL));
  g_ptr_array_add (include_dirs, NULL);

  if (generate_file_into (directory, path, (const gchar *const *) include_dirs->pdata, &message))
    message = compiler_check (&compiler, directory);
  if (message != NULL)
    {
      g_autofree gchar *text = g_strdup_printf ("%s: %s", row[0], message);

      assert_string (text, NULL);
    }
  test_remove_directory (directory);
}

static void
every_real_file (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();

  if (corpus == NULL || !have_compiler)
    {
      test_skip (corpus == NULL ? "no corpus" : "no C and C++ compiler with pkg-config");
      return;
    }

  g_autofree gchar *index = g_build_filename (corpus, "real.tsv", NULL);
  g_autofree gchar *table = NULL;
  guint n_files = 0;

  CU_ASSERT_TRUE_FATAL (g_file_get_contents (index, &table, NULL, NULL));

  g_auto (GStrv) lines = g_strsplit (table, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) row = g_strsplit (lines[i], "\t", -1);

      if (g_strv_length (row) < 5 || strcmp (row[1], "apache") != 0 || strcmp (row[3], "yes") != 0)
        continue;
      check_real_file (corpus, row);
      n_files++;
    }

  CU_ASSERT_TRUE (n_files > 0);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (what_apache_cannot_compile),
    TEST (every_real_file),
    { NULL, NULL },
  };

  have_compiler = compiler_init (&compiler);

  int status = test_main ("compile", cases, argc, argv);

  compiler_clear (&compiler);
  return status;
}

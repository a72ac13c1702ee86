/* C names: Apache's rules, and the rule for clashes. */
#include "generate.h"
#include "harness.h"

#include "cnames.h"
#include "idl.h"

static void
assert_underscores (const gchar *name, const gchar *expected)
{
  g_autofree gchar *actual = gen_initial_caps_to_underscores (name);

  assert_string (actual, expected);
}

static void
capitals_become_underscores (void)
{
  assert_underscores ("TTest", "t_test");
  assert_underscores ("ABCFoo", "a_b_c_foo");
  assert_underscores ("testI32", "test_i32");
  assert_underscores ("already_lower", "already_lower");
  assert_underscores ("Mixed_Case", "mixed__case");
}

static void
a_namespace_is_a_prefix (void)
{
  g_autofree gchar *text =
      generate ("namespace c_glib TTest struct Insanity { 1: i32 x }", "t_test_demo_types.h");

  assert_contains (text, "#ifndef T_TEST_DEMO_TYPES_H\n");
  assert_contains (text, "typedef struct _TTestInsanity TTestInsanity;\n");
  assert_contains (text, "#define T_TEST_TYPE_INSANITY (t_test_insanity_get_type ())\n");
  assert_contains (text, "#define T_TEST_IS_INSANITY(obj) ");
}

static void
without_a_namespace_there_is_no_prefix (void)
{
  g_autofree gchar *text = generate ("struct Work { 1: i32 x }", "demo_types.h");

  assert_contains (text, "struct _Work\n{\n  ThriftStruct parent;\n");
  assert_contains (text, "#define TYPE_WORK (work_get_type ())\n");
  assert_contains (text, "#define IS_WORK(obj) ");
}

static void
a_dotted_namespace_has_underscores (void)
{
  g_autofree gchar *text =
      generate ("namespace c_glib foo.bar struct S {}", "foo_bar_demo_types.h");

  assert_contains (text, "typedef struct _foo_barS foo_barS;\n");
  assert_contains (text, "#define FOO_BAR_TYPE_S (foo_bar_s_get_type ())\n");
}

static void
keywords_and_the_parent_get_an_underscore (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: i32 auto 2: i32 parent 3: i32 errno 4: i32 ok }", "demo_types.h");

  assert_contains (text, "  gint32 auto_;\n  gboolean __isset_auto_;\n");
  assert_contains (text, "  gint32 parent_;\n");
  assert_contains (text, "  gint32 errno_;\n");
  assert_contains (text, "  gint32 ok;\n");
}

static void
a_clash_takes_another_underscore (void)
{
  g_autofree gchar *text = generate ("struct S { 1: i32 auto_ 2: i32 auto }", "demo_types.h");

  assert_contains (text, "  gint32 auto_;\n");
  assert_contains (text, "  gint32 auto__;\n");
}

static void
cxx_keywords_keep_their_name_in_c (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: i32 operator 2: i32 operator_ }", "demo_types.h");

  assert_contains (text, "  gint32 TALLY_CXX_NAME (operator, operator__);\n");
  assert_contains (text, "  gboolean __isset_operator;\n");
}

/* Names that no number of `_` would help against what they begin with. */
static void
issets_and_our_functions_have_their_own_names (void)
{
  g_autofree gchar *header =
      generate ("struct S { 1: string __isset_a 2: i32 a 3: i32 __isset_b }", "demo_types.h");
  g_autofree gchar *service =
      generate ("exception E {} service S { i32 f (1: i32 tally_client_call, 2: i32 METHOD_F, "
                "3: i32 success, 4: i32 tally_) throws (1: E __isset_success, 2: E success_) }",
                "s.h");

  assert_contains (header, "  gchar *__isset_a;\n  gboolean __isset___isset_a;\n");
  assert_contains (header, "  gint32 a_;\n  gboolean __isset_a_;\n");
  assert_contains (service, "const gint32 tally_client_call_,");
  assert_contains (service, "const gint32 METHOD_F,");
  assert_contains (service, "const gint32 success,");
  assert_contains (service, "E **__isset_success_,");
}

/* Apache's names come first: no method is called otherwise because another one takes options. */
static void
a_call_with_options_gives_way (void)
{
  g_autofree gchar *text =
      generate ("service S { i32 sum (1: i32 options, 2: i32 client) i32 sum_with (1: i32 a) }",
                "s.h");

  assert_contains (text,
                   "gboolean s_client_sum_with (SIf *iface, gint32 *_return, const gint32 a,");
  assert_contains (text, "gboolean s_client_sum_with_ (SClient *client_, const TallyCallOptions "
                         "*options_,");
  assert_contains (text, "gboolean s_client_sum_with_with (SClient *client, const TallyCallOptions "
                         "*options,");
}

/* So does what a handler answers later with, also to the methods of other services. */
static void
what_answers_later_gives_way (void)
{
  const gchar *idl =
      "exception E {} struct reply {} service S { i32 sum (1: i32 handler, 2: reply reply) "
      "throws (1: E e, 2: E value) i32 sum_async () void sum_e () reply if_a () } "
      "service S_reply { void a () }";
  g_autofree gchar *text = generate (idl, "s.h");
  g_autofree gchar *other = generate (idl, "s_reply.h");

  assert_contains (text,
                   "  gboolean (*sum_async) (SIf *iface, gint32 *_return, GError **error);\n");
  assert_contains (text, "  void (*sum_async_) (SHandler *handler_, const gint32 handler, ");
  assert_contains (text, "TallyReply *reply__);\n"
                         "  void (*sum_async_async) (SHandler *handler, TallyReply *reply_);\n");
  assert_contains (text,
                   "s_reply_sum (TallyReply *reply__, const gint32 value, GError **error);\n");
  assert_contains (text, "s_reply_sum_e (TallyReply *reply_, GError **error);\n");
  assert_contains (text, "s_reply_sum_e_ (TallyReply *reply__, const E *e, GError **error);\n");
  assert_contains (text,
                   "s_reply_sum_value (TallyReply *reply__, const E *value, GError **error);\n");
  assert_contains (text,
                   "s_reply_if_a_ (TallyReply *reply_, const reply *value, GError **error);\n");
  assert_contains (other, "gboolean s_reply_if_a (S_replyIf *iface, GError **error);\n");
}

static void
the_class_of_a_struct_goes_before_a_struct_of_its_name (void)
{
  g_autofree gchar *text = generate ("struct Foo {} struct FooClass {}", "demo_types.h");

  assert_contains (text, "typedef TallyStructClass FooClass;\n");
  assert_contains (text, "typedef struct _FooClass_ FooClass_;\n");
}

static void
an_enumerator_gives_way_to_a_type (void)
{
  g_autofree gchar *text = generate ("enum Type { WORK, REST } struct Work {}", "demo_types.h");

  assert_contains (text, "#define TYPE_WORK (work_get_type ())\n");
  assert_contains (text, "  TYPE_WORK_ = 0,\n  TYPE_REST = 1\n");
}

static void
a_constant_gives_way_to_a_type (void)
{
  g_autofree gchar *text = generate ("const i32 WORK = 3 struct Work {}", "demo_types.h");

  assert_contains (text, "#define WORK(obj) ");
  assert_contains (text, "#define WORK_ 3\n");
}

static void
methods_of_one_c_name_are_told_apart (void)
{
  g_autofree gchar *text =
      generate ("service S { void foo () void Foo () void getType () void new () "
                "void sendFoo () }",
                "s.h");

  assert_contains (text, "gboolean s_client_foo (");
  assert_contains (text, "gboolean s_client_foo_ (");
  assert_contains (text, "gboolean s_if_get_type_ (");
  assert_contains (text, "gboolean s_client_new_ (");
  assert_contains (text, "gboolean s_client_send_foo (SIf *iface, GError **error);");
  assert_contains (text, "gboolean s_client_send_foo__ (");
}

static void
arguments_are_not_our_own_parameters (void)
{
  g_autofree gchar *text =
      generate ("exception E {} struct Work {} service S { i32 f (1: i32 error, "
                "2: i32 iface, 3: i32 for, 4: i32 new, 5: i32 ret, 6: Work Work, "
                "7: i32 _return) throws (1: E error) }",
                "s.h");

  assert_contains (text, "const gint32 error_,");
  assert_contains (text, "const gint32 iface_,");
  assert_contains (text, "const gint32 for_,");
  assert_contains (text, "const gint32 new_,");
  assert_contains (text, "const gint32 ret,");
  assert_contains (text, "const Work *Work_,");
  assert_contains (text, "const gint32 _return_,");
  assert_contains (text, "E **error__,");
}

/* (transfer full): what is said of the C names of @idl. */
static gchar *
report (const gchar *idl)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  g_autoptr (IdlDiagnostics) diagnostics = idl_diagnostics_new ();

  idl_unit_load_text (unit, "demo.thrift", idl, -1);

  g_autoptr (GenNames) names = gen_names_new (idl_unit_get_programs (unit));

  gen_names_report (names, diagnostics);
  return idl_diagnostics_to_string (diagnostics);
}

static void
types_of_the_headers_are_left_alone (void)
{
  g_autofree gchar *text =
      generate ("enum ThriftProtocol { BINARY } struct GObject {} struct Complex {}",
                "demo_types.h");

  assert_contains (text, "} ThriftProtocol_;\n");
  assert_contains (text, "struct _GObject_\n");
  assert_contains (text, "struct _Complex_\n");
}

/* A macro with a parameter, as every struct has one, is no harm to a type. */
static void
a_file_is_a_file (void)
{
  g_autofree gchar *text = generate ("struct File {} struct Null {}", "demo_types.h");
  g_autofree gchar *said = report ("struct File {} struct Null {}");

  assert_contains (text, "typedef struct _File File;\n");
  assert_contains (text, "#define FILE(obj) ");
  assert_contains (text, "typedef struct _Null_ Null_;\n");
  assert_contains (said, "warning: 'Null' is 'Null_' in C: NULL is a macro of <");
  assert_lacks (said, "File_");
}

/* What the headers have clashes as what it is, and where it stands. */
static void
names_of_the_headers_clash_by_kind (void)
{
  static const gchar idl[] =
      "namespace c_glib N struct S { 1: i32 EINVAL 2: i32 MAX 3: i32 printf 4: i32 size_t } "
      "service V { void isnan () void printf () void f (1: i32 NAN, 2: i32 MAX, 3: i32 index) }";
  g_autofree gchar *types = generate (idl, "n_demo_types.h");
  g_autofree gchar *service = generate (idl, "n_v.h");
  g_autofree gchar *said = report (idl);

  assert_contains (types, "  gint32 EINVAL_;\n");
  assert_contains (types, "  gint32 MAX;\n");
  assert_contains (types, "  gint32 printf;\n");
  assert_contains (types, "  gint32 size_t;\n");
  assert_contains (service, "gboolean (*isnan_) (");
  assert_contains (service, "gboolean (*printf) (");
  assert_contains (service, "gboolean n_v_if_isnan (");
  assert_contains (service, "const gint32 NAN_, const gint32 MAX, const gint32 index,");
  assert_contains (said, "warning: 'EINVAL' is 'EINVAL_' in C: EINVAL is a macro of <errno.h>");
  assert_contains (said, "'isnan' is 'isnan_' in C: isnan is a macro of <math.h>");
  assert_contains (said, "'NAN' is 'NAN_' in C: NAN is a macro of <math.h>");
  assert_lacks (said, "'MAX'");
}

static void
every_other_name_has_its_reason (void)
{
  g_autofree gchar *said =
      report ("struct Foo { 1: i32 auto 2: i32 parent } struct FooClass {} enum E { X } "
              "enum Type { FOO } const i32 EOF = 1 typedef i32 printf exception Oops {} "
              "service S { void new () void f (1: i32 error, 2: i32 gint32) "
              "throws (1: Oops success) }");

  assert_contains (said, "'auto' is 'auto_' in C: auto is a keyword of C");
  assert_contains (said, "'parent' is 'parent_' in C: parent is the first member of every struct");
  assert_contains (said, "'FooClass' is 'FooClass_' in C: FooClass is taken by 'Foo'");
  assert_contains (said, "'FOO' is 'TYPE_FOO_' in C: TYPE_FOO is taken by 'Foo'");
  assert_contains (said, "'EOF' is 'EOF_' in C: EOF is a macro of <stdio.h>");
  assert_contains (said, "'printf' is 'printf_' in C: printf is a function of <stdio.h>");
  assert_contains (said, "'new' is 'new_' in C: s_client_new is taken by 'S'");
  assert_contains (said, "'error' is 'error_' in C: error is used in generated functions");
  assert_contains (said, "'gint32' is 'gint32_' in C: gint32 is a type that generated functions");
  assert_contains (said, "'success' is 'success_' in C: success is what a method returns");
  assert_lacks (said, "'Oops'");
}

/* `A_F` is `a__f`: what is local to the service's file must not begin as that does. */
static void
what_is_local_begins_like_nothing_else (void)
{
  g_autofree gchar *text =
      generate ("service A { void f (1: i32 x) } struct A_F { 1: i32 x }", "a.c");
  g_autofree gchar *types =
      generate ("service A { void f (1: i32 x) } struct A_F { 1: i32 x }", "demo_types.c");

  assert_contains (text, "struct a___f_args {");
  assert_contains (text, "A___METHOD_F");
  assert_lacks (text, " a__f");
  assert_contains (types, "static const TallyField demo_types__a__f_fields[]");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (capitals_become_underscores),
    TEST (a_namespace_is_a_prefix),
    TEST (without_a_namespace_there_is_no_prefix),
    TEST (a_dotted_namespace_has_underscores),
    TEST (keywords_and_the_parent_get_an_underscore),
    TEST (a_clash_takes_another_underscore),
    TEST (a_call_with_options_gives_way),
    TEST (cxx_keywords_keep_their_name_in_c),
    TEST (issets_and_our_functions_have_their_own_names),
    TEST (what_answers_later_gives_way),
    TEST (the_class_of_a_struct_goes_before_a_struct_of_its_name),
    TEST (an_enumerator_gives_way_to_a_type),
    TEST (a_constant_gives_way_to_a_type),
    TEST (methods_of_one_c_name_are_told_apart),
    TEST (arguments_are_not_our_own_parameters),
    TEST (types_of_the_headers_are_left_alone),
    TEST (a_file_is_a_file),
    TEST (names_of_the_headers_clash_by_kind),
    TEST (every_other_name_has_its_reason),
    TEST (what_is_local_begins_like_nothing_else),
    { NULL, NULL },
  };

  return test_main ("cnames", cases, argc, argv);
}

/* The service files: signatures, stubs, tables. */
#include <string.h>

#include "generate.h"
#include "harness.h"

static void
signatures_are_apaches (void)
{
  g_autofree gchar *text = generate (
      "namespace c_glib TTest typedef list<i32> Ints exception X {} struct S {} enum E { A } "
      "service Svc { Ints go (1: Ints a, 2: S s, 3: E e, 4: string t) throws (1: X x) }",
      "t_test_svc.h");

  assert_contains (text, "gboolean (*go) (TTestSvcIf *iface, TTestInts **_return, const TTestInts "
                         "*a, const TTestS *s,\n");
  assert_contains (
      text,
      "gboolean t_test_svc_if_go (TTestSvcIf *iface, TTestInts **_return, const TTestInts *a,\n");
  assert_contains (text, "const TTestE e, const gchar *t, TTestX **x, GError **error);\n");
  assert_contains (
      text,
      "gboolean t_test_svc_client_recv_go (TTestSvcIf *iface, TTestInts **_return, TTestX **x,\n");
  assert_contains (text, "TTestSvcClient *t_test_svc_client_new (TallyChannel *channel);\n");
}

static void
macros_spelled_oddly_stay_so (void)
{
  g_autofree gchar *text = generate ("namespace c_glib TTest service Svc {}", "t_test_svc.h");

  assert_contains (text, "#define T_TEST_SVC_IS_CLIENT(obj) ");
  assert_contains (text, "#define T_TEST_IS_SVC_HANDLER(obj) ");
  assert_contains (text, "#define T_TEST_TYPE_SVC_PROCESSOR (t_test_svc_processor_get_type ())\n");
}

static void
a_oneway_method_receives_nothing (void)
{
  g_autofree gchar *header = generate ("service S { oneway void f (1: i32 x) }", "s.h");
  g_autofree gchar *source = generate ("service S { oneway void f (1: i32 x) }", "s.c");

  assert_lacks (header, "recv_f");
  assert_contains (source, "{ TALLY_METHOD_NAME (\"f\"), .args = &s__f_args_info, .oneway = TRUE, "
                           ".invoke = s__f_invoke,\n");
  assert_lacks (source, ".result");
}

static void
methods_are_sorted_by_name (void)
{
  g_autofree gchar *text =
      generate ("service S { void b () void a () void B () void ab () }", "s.c");

  assert_contains (text, "  S__METHOD_B_, S__METHOD_A, S__METHOD_AB, S__METHOD_B,\n");
}

static void
idempotent_methods_say_so (void)
{
  g_autofree gchar *text = generate ("service S { i32 f () (idempotent) i32 g () }", "s.c");

  assert_contains (text, ".idempotent = TRUE, .invoke = s__f_invoke,");
  assert_lacks (text, ".idempotent = TRUE, .invoke = s__g_invoke,");
}

static void
a_result_knows_whether_a_number_is_set (void)
{
  g_autofree gchar *text =
      generate ("exception E {} service S { i32 f () throws (1: E e) string g () }", "s.c");

  assert_contains (text,
                   "struct s__f_result { gint32 success; gboolean __isset_success; E *e; };\n");
  assert_contains (text, "TALLY_ROW (OPTIONAL, s__f_result, success, 0, &tally_type_i32),\n");
  assert_contains (text, "TALLY_ROW (RESULT, s__f_result, e, 1, &e_info.type));\n");
  assert_contains (text, "struct s__g_result { gchar *success; };\n");
}

static void
rows_name_what_is_called_otherwise_in_c (void)
{
  g_autofree gchar *text = generate ("service S { void f (1: i32 int) }", "s.c");

  assert_contains (text, "TALLY_ROW_AS (ARGUMENT, s__f_args, int_, \"int\", 1, &tally_type_i32)");
}

static void
results_are_in_the_tables_order (void)
{
  g_autofree gchar *text =
      generate ("exception E {} service S { i32 f () throws (2: E b, 1: E a) }", "s.c");

  assert_contains (text, "f (SIf *iface, gint32 *_return, E **b, E **a, GError **error)\n");
  assert_contains (text, "(gpointer[]){ _return, a, b }, error);\n");
}

static void
a_parent_gives_its_types (void)
{
  const gchar *idl = "service P { void f () } service C extends P { void g () }";
  g_autofree gchar *header = generate (idl, "c.h");
  g_autofree gchar *source = generate (idl, "c.c");

  assert_contains (header, "#include \"p.h\"\n");
  assert_contains (header, "typedef struct _CHandler\n{\n  PHandler parent;\n} CHandler;\n");
  assert_contains (header, "typedef struct _CHandlerClass\n{\n  PHandlerClass parent;\n");
  assert_contains (source, "const TallyService c_service =\n  { \"C\", &p_service, c__methods, "
                           "G_N_ELEMENTS (c__methods) };\n");
  assert_contains (source, "TALLY_DEFINE_CLIENT (CClient, c_client, p_client_get_type, "
                           "c_if_get_type, c__client_if_init)\n");
}

static void
a_service_without_methods_has_no_table (void)
{
  g_autofree gchar *text = generate ("service S {}", "s.c");

  assert_contains (text, "const TallyService s_service =\n  { \"S\", NULL, NULL, 0 };\n");
  assert_lacks (text, "methods");
}

/* What answers later is the handler's class alone: a program's own implementation of the interface compiles as before. */
static void
handlers_may_answer_later (void)
{
  const gchar *idl = "exception E {} service S { string f (1: i32 a) throws (3: E e) void g () "
                     "oneway void h () }";
  g_autofree gchar *header = generate (idl, "s.h");
  g_autofree gchar *source = generate (idl, "s.c");
  const gchar *klass = strstr (header, "typedef struct _SHandlerClass");

  CU_ASSERT_PTR_NOT_NULL_FATAL (klass);
  assert_contains (klass,
                   "  void (*f_async) (SHandler *handler, const gint32 a, TallyReply *reply);\n"
                   "  void (*g_async) (SHandler *handler, TallyReply *reply);\n"
                   "  void (*h_async) (SHandler *handler, TallyReply *reply);\n"
                   "} SHandlerClass;\n");
  CU_ASSERT (g_strstr_len (header, klass - header, "(*f_async)") == NULL);
  assert_contains (header,
                   "gboolean s_reply_f (TallyReply *reply, const gchar *value, GError **error);\n"
                   "gboolean s_reply_f_e (TallyReply *reply, const E *e, GError **error);\n"
                   "gboolean s_reply_g (TallyReply *reply, GError **error);\n");
  assert_lacks (header, "s_reply_h");
  assert_contains (source,
                   "TALLY_DEFINE_INVOKE (s__f, SHandlerClass,\n"
                   "  s_handler_f (handler, &result->success, args->a, &result->e, error),\n"
                   "  klass->f_async (handler, args->a, reply))\n");
  assert_contains (source,
                   "TALLY_DEFINE_REPLY (s_reply_f, s__methods[S__METHOD_F], const gchar *)\n"
                   "TALLY_DEFINE_REPLY_EXCEPTION (s_reply_f_e, s__methods[S__METHOD_F], 3, "
                   "const E *)\n");
  assert_contains (source, ".async_vfunc = TALLY_ASYNC_VFUNC (SHandlerClass, f_async) },\n");
}

static void
generated_code_includes_nothing_else (void)
{
  g_autofree gchar *header = generate ("service S { void f () }", "s.h");
  g_autofree gchar *source = generate ("service S { void f () }", "s.c");
  g_auto (GStrv) header_parts = g_strsplit (header, "#include", -1);
  g_auto (GStrv) source_parts = g_strsplit (source, "#include", -1);

  assert_contains (header, "#include \"demo_types.h\"\n");
  assert_contains (source, "#include \"s.h\"\n");
  assert_int (g_strv_length (header_parts), 2);
  assert_int (g_strv_length (source_parts), 2);
}

static void
documentation_is_on_the_interface (void)
{
  g_autofree gchar *text = generate (
      "/** A service. */ service S {\n/** Does it.\n */ void f (/** How often. */ 1: i32 n) }",
      "s.h");

  assert_contains (text, "/**\n * SIf:\n *\n * A service.\n */\n");
  assert_contains (text, "/**\n * s_if_f:\n");
  assert_contains (text, " * Does it.\n */\ngboolean s_if_f (");
}

static void
deprecated_methods_are_marked (void)
{
  g_autofree gchar *header = generate ("service S { void f () (deprecated) }", "s.h");
  g_autofree gchar *source = generate ("service S { void f () (deprecated) }", "s.c");

  assert_contains (header, "gboolean s_client_f (SIf *iface, GError **error) G_GNUC_DEPRECATED;\n");
  assert_contains (header, "gboolean s_handler_f (SIf *iface, GError **error);\n");
  assert_contains (source, "G_GNUC_BEGIN_IGNORE_DEPRECATIONS\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (signatures_are_apaches),
    TEST (macros_spelled_oddly_stay_so),
    TEST (a_oneway_method_receives_nothing),
    TEST (methods_are_sorted_by_name),
    TEST (idempotent_methods_say_so),
    TEST (a_result_knows_whether_a_number_is_set),
    TEST (rows_name_what_is_called_otherwise_in_c),
    TEST (results_are_in_the_tables_order),
    TEST (a_parent_gives_its_types),
    TEST (a_service_without_methods_has_no_table),
    TEST (handlers_may_answer_later),
    TEST (generated_code_includes_nothing_else),
    TEST (documentation_is_on_the_interface),
    TEST (deprecated_methods_are_marked),
    { NULL, NULL },
  };

  return test_main ("service", cases, argc, argv);
}

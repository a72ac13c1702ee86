/* The types files: how each kind of definition is declared and described. */
#include "generate.h"
#include "harness.h"

static void
fields_have_an_isset_unless_required (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: required i32 a 2: optional i32 b 3: i32 c }", "demo_types.h");

  assert_contains (
      text,
      "  gint32 a;\n  gint32 b;\n  gboolean __isset_b;\n  gint32 c;\n  gboolean __isset_c;\n};");
}

static void
all_fields_of_a_union_are_optional (void)
{
  g_autofree gchar *header = generate ("union U { 1: required i32 a 2: string b }", "demo_types.h");
  g_autofree gchar *source = generate ("union U { 1: required i32 a 2: string b }", "demo_types.c");

  assert_contains (header, "__isset_a");
  assert_contains (source, "TALLY_OPTIONAL_SLOT (U, a)");
  assert_contains (source, "TALLY_STRUCT_INFO (TALLY_FORM_UNION, \"U\"");
}

static void
fields_are_declared_in_order_and_described_by_id (void)
{
  const gchar *idl = "struct S { 9: i32 a 2: i32 b }";
  g_autofree gchar *header = generate (idl, "demo_types.h");
  g_autofree gchar *source = generate (idl, "demo_types.c");

  assert_contains (header, "  gint32 a;\n  gboolean __isset_a;\n  gint32 b;\n");
  assert_contains (
      source, ".id = 2, .type = &tally_type_i32, TALLY_DEFAULT_SLOT (S, b) },\n  { .name = \"a\"");
}

static void
base_types_have_their_c_types (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: bool a 2: byte b 3: i8 c 4: i16 d 5: i32 e 6: i64 f "
                "7: double g 8: string h 9: binary i 10: uuid j }",
                "demo_types.h");

  assert_contains (text, "  gboolean a;\n");
  assert_contains (text, "  gint8 b;\n");
  assert_contains (text, "  gint8 c;\n");
  assert_contains (text, "  gint16 d;\n");
  assert_contains (text, "  gint32 e;\n");
  assert_contains (text, "  gint64 f;\n");
  assert_contains (text, "  gdouble g;\n");
  assert_contains (text, "  gchar *h;\n");
  assert_contains (text, "  GByteArray *i;\n");
  assert_contains (text, "  TallyUuid j;\n");
}

static void
containers_have_their_c_types (void)
{
  g_autofree gchar *text =
      generate ("enum E { A } struct S { 1: list<i32> a 2: list<E> b 3: list<string> c "
                "4: list<list<i32>> d 5: set<i32> e 6: map<E, S> f 7: list<uuid> g }",
                "demo_types.h");

  assert_contains (text, "  GArray *a;\n");
  assert_contains (text, "  GArray *b;\n");
  assert_contains (text, "  GPtrArray *c;\n");
  assert_contains (text, "  GPtrArray *d;\n");
  assert_contains (text, "  GHashTable *e;\n");
  assert_contains (text, "  GHashTable *f;\n");
  assert_contains (text, "  GArray *g;\n");
}

static void
typedefs_have_no_star_and_fields_follow_them (void)
{
  g_autofree gchar *text = generate ("typedef list<i32> Ints typedef Ints More typedef string Text "
                                     "typedef S Alias struct S { 1: More m 2: Text t 3: Alias s }",
                                     "demo_types.h");

  assert_contains (text, "typedef GArray Ints;\n");
  assert_contains (text, "typedef Ints More;\n");
  assert_contains (text, "typedef gchar *Text;\n");
  assert_contains (text, "typedef S Alias;\n");
  assert_contains (text, "  GArray *m;\n");
  assert_contains (text, "  gchar *t;\n");
  assert_contains (text, "  S *s;\n");
}

static void
exceptions_have_an_error_domain (void)
{
  const gchar *idl = "namespace c_glib TTest exception Xception { 1: i32 code }";
  g_autofree gchar *header = generate (idl, "t_test_demo_types.h");
  g_autofree gchar *source = generate (idl, "t_test_demo_types.c");

  assert_contains (header, "  T_TEST_XCEPTION_ERROR_CODE\n} TTestXceptionError;\n");
  assert_contains (header, "#define T_TEST_XCEPTION_ERROR (t_test_xception_error_quark ())\n");
  assert_contains (source, "TALLY_DEFINE_ERROR (t_test_xception)\n");
}

static void
enums_have_toString (void)
{
  g_autofree gchar *text =
      generate ("namespace c_glib TTest enum Numberz { ONE = 1, TWO }", "t_test_demo_types.h");

  assert_contains (
      text,
      "typedef enum _TTestNumberz\n{\n  T_TEST_NUMBERZ_ONE = 1,\n  T_TEST_NUMBERZ_TWO = 2\n}");
  assert_contains (text, "#define toString_Numberz t_test_numberz_to_string\n");
}

static void
an_enum_without_values_is_a_number (void)
{
  g_autofree gchar *text = generate ("enum E {}", "demo_types.h");

  assert_contains (text, "typedef gint32 E;\n");
}

static void
only_recursive_fields_start_null (void)
{
  g_autofree gchar *text =
      generate ("struct A { 1: B b 2: C c } struct B { 1: list<A> l 2: A a } struct C {}",
                "demo_types.c");

  assert_contains (text, "TALLY_DEFAULT_SLOT (A, b), .starts_null = TRUE }");
  assert_contains (text, "TALLY_DEFAULT_SLOT (A, c) }");
  assert_contains (text, "TALLY_DEFAULT_SLOT (B, l) }");
  assert_contains (text, "TALLY_DEFAULT_SLOT (B, a), .starts_null = TRUE }");
}

static void
container_keys_have_hash_and_equal (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: set<list<i32>> a 2: list<i32> b }", "demo_types.c");

  assert_contains (text, "TALLY_DEFINE_KEY (demo_types__list_i32_key)\n");
  assert_contains (text, "static const TallyType demo_types__set_list_i32 = "
                         "TALLY_SET_OF (&demo_types__list_i32_key);\n");
  assert_contains (
      text, "static const TallyType demo_types__list_i32 = TALLY_ARRAY_OF (&tally_type_i32);\n");
}

static void
a_container_type_is_described_once (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: list<i32> a 2: list<i32> b } struct T { 1: list<i32> c }",
                "demo_types.c");
  g_auto (GStrv) parts = g_strsplit (text, "TALLY_ARRAY_OF", -1);

  assert_int (g_strv_length (parts), 2);
}

static void
headers_come_in_compats_order (void)
{
  g_autofree gchar *text = generate ("cpp_include \"<vector>\" struct S {}", "demo_types.h");

  assert_contains (
      text,
      "#include <tally.h>\n\n#ifdef __cplusplus\n#include <vector>\n#endif\n\nG_BEGIN_DECLS\n");
}

static void
comments_become_documentation (void)
{
  g_autofree gchar *text = generate (
      "/** A struct.\n * In two lines. */ struct S {\n/** Its field. */ 1: i32 x\n 2: i32 y }",
      "demo_types.h");

  assert_contains (
      text, "/**\n * S:\n * @x: Its field.\n *\n * A struct.\n * In two lines.\n */\nstruct _S\n");
}

static void
deprecated_things_are_marked (void)
{
  g_autofree gchar *text =
      generate ("struct S { 1: i32 x (deprecated = \"use y\") } (deprecated = \"use T\")\n"
                "enum E { A (deprecated) }",
                "demo_types.h");

  assert_contains (text, "  gint32 x G_GNUC_DEPRECATED;\n");
  assert_contains (text, " * Deprecated: use T\n");
  assert_contains (text, "GType s_get_type (void) G_GNUC_DEPRECATED;\n");
  assert_contains (text, "  E_A G_GNUC_DEPRECATED = 0\n");
}

static void
constants_are_macros_or_functions (void)
{
  const gchar *idl = "namespace c_glib TTest const i32 myNumber = -5 const string S = \"a\\\"b\" "
                     "const list<i32> Ints = [1] const double D = 3 const bool B = true";
  g_autofree gchar *text = generate (idl, "t_test_demo_types.h");

  assert_contains (text, "#define T_TEST_MYNUMBER (-5)\n");
  assert_contains (text, "#define T_TEST_S g_strdup (\"a\\\"b\")\n");
  assert_contains (
      text,
      "GArray *t_test_ints_constant (void);\n#define T_TEST_INTS (t_test_ints_constant ())\n");
  assert_contains (text, "#define T_TEST_D 3.0\n");
  assert_contains (text, "#define T_TEST_B TRUE\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = {
    TEST (fields_have_an_isset_unless_required),
    TEST (all_fields_of_a_union_are_optional),
    TEST (fields_are_declared_in_order_and_described_by_id),
    TEST (base_types_have_their_c_types),
    TEST (containers_have_their_c_types),
    TEST (typedefs_have_no_star_and_fields_follow_them),
    TEST (exceptions_have_an_error_domain),
    TEST (enums_have_toString),
    TEST (an_enum_without_values_is_a_number),
    TEST (only_recursive_fields_start_null),
    TEST (container_keys_have_hash_and_equal),
    TEST (a_container_type_is_described_once),
    TEST (headers_come_in_compats_order),
    TEST (comments_become_documentation),
    TEST (deprecated_things_are_marked),
    TEST (constants_are_macros_or_functions),
    { NULL, NULL },
  };

  return test_main ("types", cases, argc, argv);
}

/* The grammar: each construct into the model, and what is said where it is broken. */
#include "idl-test.h"

#include <string.h>

static const IdlField *
field_of (const IdlProgram *program, const gchar *name, guint index)
{
  return g_ptr_array_index (idl_test_find (program, name)->members, index);
}

static void
headers (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program = idl_test_load ("/** the program */\n"
                                       "namespace c_glib t_test (a = 'b', c)\n"
                                       "namespace * all\n"
                                       "namespace smalltalk.category x.y\n"
                                       "cpp_include '<vector>'\n"
                                       "c_include \"x.h\"\n"
                                       "struct S {}",
                                       &unit);
  const IdlNamespace *first = g_ptr_array_index (program->namespaces, 0);

  assert_string (program->name, "t");
  assert_string (program->doc, "the program");
  assert_string (idl_program_get_namespace (program, "c_glib"), "t_test");
  assert_string (idl_program_get_namespace (program, "java"), "all");
  assert_string (idl_program_get_namespace (program, "smalltalk.category"), "x.y");
  assert_string (idl_annotations_get (first->annotations, "a"), "b");
  assert_string (idl_annotations_get (first->annotations, "c"), "1");
  assert_string (g_ptr_array_index (program->cpp_includes, 0), "<vector>");
  assert_string (g_ptr_array_index (program->c_includes, 0), "x.h");
}

static void
fields (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program =
      idl_test_load ("struct S xsd_all {\n"
                     "  1: required i32 a = 5 (x = 'y');\n"
                     "  2: optional S & b xsd_optional xsd_nillable xsd_attrs { 1: i32 q },\n"
                     "  byte c i8 d\n"
                     "  0x10: string (unicode = 'yes') string\n"
                     "} (final)",
                     &unit);
  const IdlDefinition *definition = idl_test_find (program, "S");
  const IdlField *a = field_of (program, "S", 0), *b = field_of (program, "S", 1);
  const IdlField *d = field_of (program, "S", 3), *last = field_of (program, "S", 4);

  CU_ASSERT_TRUE (definition->xsd_all);
  assert_string (idl_annotations_get (definition->node.annotations, "final"), "1");
  assert_int (a->id, 1);
  assert_int (a->requiredness, IDL_REQUIRED);
  assert_int (a->value->integer, 5);
  assert_string (idl_annotations_get (a->node.annotations, "x"), "y");
  assert_int (b->requiredness, IDL_OPTIONAL);
  CU_ASSERT_TRUE (b->is_reference && b->xsd_optional && b->xsd_nillable);
  assert_int (b->xsd_attributes->len, 1);
  assert_int (d->id, -2);
  CU_ASSERT_TRUE (d->id_is_implicit);
  assert_int (d->type->kind, IDL_TYPE_I8);
  assert_int (last->id, 16);
  assert_string (last->node.name, "string");
  assert_string (idl_annotations_get (last->type->annotations, "unicode"), "yes");
}

static void
keywords_as_field_names (void)
{
  assert_says ("struct S { 1: i32 namespace, 2: i32 include, 3: i32 i32, 4: i32 list, 5: i32 "
               "required, 6: i32 oneway,"
               " 7: i32 service, 8: i32 const, 9: i32 async, 10: i32 throws, 11: i32 void }",
               "1:19: warning: 'namespace' is a keyword of Thrift; Apache's compiler refuses it as "
               "a name\n");
}

static void
containers (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program = idl_test_load ("typedef map cpp_type 'M' <i32, list<set<uuid>>> (a = 'b') "
                                       "T typedef list<binary> cpp_type \"L\" U",
                                       &unit);
  const IdlType *map = idl_test_find (program, "T")->type;
  const IdlType *list = idl_test_find (program, "U")->type;
  g_autofree gchar *text = idl_type_to_string (map);

  assert_string (text, "map<i32, list<set<uuid>>>");
  assert_string (map->cpp_type, "M");
  assert_string (idl_annotations_get (map->annotations, "a"), "b");
  assert_string (list->cpp_type, "L");
}

static void
enums (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program =
      idl_test_load ("enum E { A, B = 0x10; C /** doc */ D = -3 (x = 'y') E }", &unit);
  static const gint values[] = { 0, 16, 17, -3, -2 };
  const IdlDefinition *definition = idl_test_find (program, "E");

  assert_int (definition->members->len, G_N_ELEMENTS (values));
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);

      assert_int (enumerator->value, values[i]);
      CU_ASSERT_PTR_EQUAL (enumerator->owner, definition);
    }
  assert_string (((IdlNode *) g_ptr_array_index (definition->members, 3))->doc, "doc");
}

static void
services (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program = idl_test_load (
      "exception X {}\n"
      "service P { void ping() }\n"
      "service S extends P {\n"
      "  /** doc */ list<i32> f(1: i32 a = 3; 2: string b) throws (1: X x) (idempotent),\n"
      "  oneway void g(); async void h()\n"
      "} (a = 'b')",
      &unit);
  const IdlDefinition *service = idl_test_find (program, "S");
  const IdlFunction *f = g_ptr_array_index (service->members, 0);
  const IdlFunction *h = g_ptr_array_index (service->members, 2);

  CU_ASSERT_PTR_EQUAL (service->extends, idl_test_find (program, "P"));
  assert_int (service->members->len, 3);
  assert_string (f->node.doc, "doc");
  assert_int (f->returns->kind, IDL_TYPE_LIST);
  assert_int (f->arguments->len, 2);
  assert_int (f->throws->len, 1);
  assert_string (idl_annotations_get (f->node.annotations, "idempotent"), "1");
  CU_ASSERT_TRUE (h->oneway);
  assert_int (h->returns->kind, IDL_TYPE_VOID);
}

static void
doc_comments (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program = idl_test_load (
      "/** of S */ // and more\nstruct S { /** of a */ 1: i32 a /** of b */ 2: i32 b, "
      "3: i32 c }\n/** lost */\n/** of T */ typedef i32 T\nconst i32 C = /** no */ 1",
      &unit);

  CU_ASSERT_PTR_NULL (program->doc);
  assert_string (idl_test_find (program, "S")->node.doc, "of S");
  assert_string (field_of (program, "S", 0)->node.doc, "of a");
  assert_string (field_of (program, "S", 1)->node.doc, "of b");
  CU_ASSERT_PTR_NULL (field_of (program, "S", 2)->node.doc);
  assert_string (idl_test_find (program, "T")->node.doc, "of T");
  CU_ASSERT_PTR_NULL (idl_test_find (program, "C")->node.doc);
}

static void
syntax_errors (void)
{
  assert_says ("struct S {\n  1: i32 a\n", "3:1: error: expected '}' before the end of the file\n"
                                           "1:10: note: this is not closed\n");
  assert_says ("struct S {\n  1 i32 a\n}",
               "2:5: error: expected ':' after the field's id, found 'i32'\n");
  assert_says ("struct S {\n  1: i32 a,,\n}",
               "2:12: error: expected a field's id or type, found ','\n");
  assert_says ("struct S {\n  \"1\": i32 a\n}",
               "2:3: error: expected a field's id or type, found a string\n");
  assert_says ("struct S {\n  true: i32 a\n}",
               "2:3: error: expected a field's id or type, found 'true'\n");
  assert_says ("const i32 A =\nstruct S {}", "1:14: error: expected a value, found 'struct'\n");
  assert_says ("namespace c_glib\nstruct S {}",
               "1:17: error: expected the namespace's name, found 'struct'\n");
  assert_says ("struct S { 1: map<i32> a }",
               "1:22: error: expected ',' and the type of the map's values, found '>'\n");
  assert_says ("struct S { 1: list<void> a }",
               "1:20: error: expected the type of the elements, found 'void'\n");
  assert_says ("struct S { 1: i32 a (k=5) }",
               "1:24: error: expected a string as the annotation's value, found '5'\n");
  assert_says ("struct S { 1: i32 x.y }", "1:19: error: a name may not have a dot\n");
  assert_says (
      "service S { void struct() }",
      "1:18: error: expected the function's name (which may not be a keyword), found 'struct'\n");
  assert_says ("foo",
               "1:1: error: expected a definition, such as 'struct' or 'service', found 'foo'\n");
  assert_says ("struct S {}\nnamespace c_glib x",
               "2:1: error: includes and namespaces stand before the first definition\n");
  assert_says ("struct S {};", "1:12: warning: other Thrift compilers take no separator here\n");
}

static void
words_of_other_dialects (void)
{
  assert_says ("package \"x\"",
               "1:1: error: 'package' is fbthrift's and Protocol Buffers'; use 'namespace'\n");
  assert_says ("interaction I {}",
               "1:1: error: 'interaction' is fbthrift's; Apache Thrift has none\n");
  assert_says ("@Foo\nstruct S {}", "1:1: error: structured annotations ('@...') are fbthrift's; "
                                    "Apache Thrift has only (name = \"value\")\n");
  assert_says ("service S {\n  stream<i32> f()\n}",
               "2:3: error: 'stream<>' is fbthrift's; Apache Thrift has no streams\n");
  assert_says ("senum S { 'a' }",
               "1:1: error: 'senum' was removed from Thrift; use 'enum', or 'string'\n");
  assert_says ("php_namespace x",
               "1:1: error: 'php_namespace' was removed from Thrift; use 'namespace php'\n");
  assert_says ("typedef slist T",
               "1:9: error: unknown type 'slist'; 'slist' was removed from Thrift; use 'string'\n");
}

/* Each mistake costs its own definition only, and what refers to that is not reported. */
static void
recovery (void)
{
  assert_says ("struct A {\n  1: i32\n}\nstruct B {\n  1: A a\n  2: Foo b\n}\nenum E { 1 }\nconst "
               "E C = E.X\n"
               "service S {\n  void f(\n}\ntypedef A T",
               "2:9: error: expected the field's name, found '}'\n"
               "8:10: error: expected an enumerator's name, found '1'\n"
               "12:1: error: expected a field's id or type, found '}'\n"
               "11:9: note: this is not closed\n"
               "6:6: error: unknown type 'Foo'\n");
}

static void
misspelt_keywords (void)
{
  assert_says (
      "strukt S { 1: i32 a } struct T { 1: S s }",
      "1:1: error: expected a definition, such as 'struct' or 'service', found 'strukt'; did you "
      "mean 'struct'?\n");
  assert_says (
      "typdef i32 T enmu E { A } servce X {} exeption Y {} cosnt i32 C = 1 unoin U {}",
      "1:1: error: expected a definition, such as 'struct' or 'service', found 'typdef'; did you "
      "mean 'typedef'?\n"
      "1:14: error: expected a definition, such as 'struct' or 'service', found 'enmu'; did you "
      "mean 'enum'?\n"
      "1:27: error: expected a definition, such as 'struct' or 'service', found 'servce'; did you "
      "mean 'service'?\n"
      "1:39: error: expected a definition, such as 'struct' or 'service', found 'exeption'; did "
      "you mean 'exception'?\n"
      "1:53: error: expected a definition, such as 'struct' or 'service', found 'cosnt'; did you "
      "mean 'const'?\n"
      "1:69: error: expected a definition, such as 'struct' or 'service', found 'unoin'; did you "
      "mean 'union'?\n");
  assert_says (
      "namespce c_glib X\n",
      "1:1: error: expected a definition, such as 'struct' or 'service', found 'namespce'; did "
      "you mean 'namespace'?\n");
  assert_says ("struct T {} struct S { 1: optinal i32 a, 2: requird list<i32> b 3: optoinal T c }",
               "1:27: error: unknown word 'optinal'; did you mean 'optional'?\n"
               "1:45: error: unknown word 'requird'; did you mean 'required'?\n"
               "1:68: error: unknown word 'optoinal'; did you mean 'optional'?\n");
  assert_says ("exception X {} service S { onewy void f(), i32 g() thows (1: X x) }",
               "1:28: error: unknown word 'onewy'; did you mean 'oneway'?\n"
               "1:52: error: unknown word 'thows'; did you mean 'throws'?\n");
  assert_says ("service P {} service S extnds P {}",
               "1:24: error: expected '{', found 'extnds'; did you mean 'extends'?\n");
  assert_says ("struct S { 1: lst<i32> a }",
               "1:15: error: 'lst' takes no type arguments; only list, set "
               "and map do; did you mean 'list'?\n");
  assert_says ("struct S { 1: sting a, 2: Binary b }",
               "1:15: error: unknown type 'sting'; did you mean 'string'?\n"
               "1:27: error: unknown type 'Binary'; did you mean 'binary'?\n");
}

/* What looks misspelt and is right. */
static void
names_like_keywords (void)
{
  assert_says ("struct Optional {} struct struct_ { 1: Optional a, 2: Optional optinal }", "");
  assert_says (
      "struct optinal {} struct B {} struct S { optinal a B b optinal c }",
      "1:50: warning: field 'a' has no id of its own: it gets -1, which changes with its place\n");
  assert_says ("struct throwz {} struct repeated {} service S { i32 f() throwz g() repeated h() }",
               "");
}

static void
habits_of_protocol_buffers (void)
{
  assert_says (
      "syntax = 'proto3';\nimport 'x.proto';\npackage a;\noption x = 1;\nmessage M {\n}\n"
      "extend M {}\nrpc f(M) returns (M);\n",
      "1:1: error: 'syntax' is Protocol Buffers'; a Thrift file has no such line\n"
      "2:1: error: 'import' is Protocol Buffers'; use 'include'\n"
      "3:1: error: 'package' is fbthrift's and Protocol Buffers'; use 'namespace'\n"
      "4:1: error: 'option' is Protocol Buffers'; Thrift has annotations, (name = \"value\")\n"
      "5:1: error: 'message' is Protocol Buffers'; use 'struct'\n"
      "7:1: error: 'extend' is Protocol Buffers'; only a service extends another\n"
      "8:1: error: 'rpc' is Protocol Buffers'; functions stand in a 'service'\n");
  assert_says (
      "struct S { 1: repeated i32 a, repeated S b }",
      "1:15: error: 'repeated' is Protocol Buffers'; write the type as 'list<TYPE>'\n"
      "1:31: error: 'repeated' is Protocol Buffers'; write the type as 'list<TYPE>'\n"
      "1:42: warning: field 'b' has no id of its own: it gets -1, which changes with its place\n");
  assert_says ("struct A {} service S { rpc f(A) returns (A); }",
               "1:32: error: expected the field's name, found ')'\n"
               "1:25: note: 'rpc' is Protocol Buffers'; a function is written 'TYPE name (1: TYPE "
               "argument)'\n");
  assert_says (
      "struct A {} service S { A f(1: A a) returns (A); }",
      "1:37: error: 'returns' is Protocol Buffers'; the type stands before the function's name\n");
}

/* The place of the mistake, and the bracket that was to be closed before it. */
static void
missing_brackets (void)
{
  assert_says ("struct A {\n  1: i32 a\nstruct B {\n}\n",
               "3:1: error: expected a field's id or type, found 'struct'\n"
               "1:10: note: this is not closed\n");
  assert_says ("enum A {\n  B,\nservice C {}\n",
               "3:1: error: expected an enumerator's name, found 'service'\n"
               "1:8: note: this is not closed\n");
  assert_says ("service A {\n  void f(1: i32 a\n}\n",
               "3:1: error: expected a field's id or type, found '}'\n"
               "2:9: note: this is not closed\n");
  assert_says ("const list<i32> A = [1, [2, 3]\nconst i32 B = 1\n",
               "1:31: error: expected a value, found 'const'\n"
               "1:21: note: this is not closed\n");
  assert_says ("struct A {\n  1:",
               "2:5: error: expected the field's type, found the end of the file\n"
               "1:10: note: this is not closed\n");
}

static void
docs_behind_what_they_document (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  IdlProgram *program = idl_test_load ("struct S { /**< of S */\n"
                                       "  1: i32 a /**< of a */\n"
                                       "  2: i32 b, /** of b */\n"
                                       "  /** before c */ 3: i32 c /** behind c */;\n"
                                       "  4: i32 d\n"
                                       "  /**< of d */\n"
                                       "  5: i32 e /** of e */ } /** behind S */\n"
                                       "enum E { /** of A */ A, /** of B */ B /**< behind B */ }\n"
                                       "service T {\n"
                                       "  void f (1: i32 x, /** of x */\n"
                                       "          2: i32 y) /** of f */\n"
                                       "  void g ()\n"
                                       "} (a = 'b') /** of T */\n"
                                       "typedef i32 I /**< of I */\n"
                                       "const i32 C = 1; /** of C */\n"
                                       "struct L { 1: i32 a, /* two\n lines */ /** of b */\n"
                                       "  2: i32 b, /** of b,\n"
                                       "  also */\n"
                                       "  3: i32 c }\n",
                                       &unit);
  static const gchar *const fields[] = { "of a", "of b", "before c\nbehind c", "of d", "of e" };
  const IdlDefinition *e = idl_test_find (program, "E");
  const IdlDefinition *t = idl_test_find (program, "T");
  const IdlFunction *f = g_ptr_array_index (t->members, 0);
  const IdlFunction *g = g_ptr_array_index (t->members, 1);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    assert_string (field_of (program, "S", i)->node.doc, fields[i]);
  assert_string (idl_test_find (program, "S")->node.doc, "of S\nbehind S");
  CU_ASSERT_PTR_NULL (e->node.doc);
  assert_string (((IdlNode *) g_ptr_array_index (e->members, 0))->doc, "of A");
  assert_string (((IdlNode *) g_ptr_array_index (e->members, 1))->doc, "of B\nbehind B");
  assert_string (((IdlField *) g_ptr_array_index (f->arguments, 0))->node.doc, "of x");
  CU_ASSERT_PTR_NULL (((IdlField *) g_ptr_array_index (f->arguments, 1))->node.doc);
  assert_string (f->node.doc, "of f");
  CU_ASSERT_PTR_NULL (g->node.doc);
  assert_string (t->node.doc, "of T");
  assert_string (idl_test_find (program, "I")->node.doc, "of I");
  assert_string (idl_test_find (program, "C")->node.doc, "of C");
  CU_ASSERT_PTR_NULL (field_of (program, "L", 0)->node.doc);
  assert_string (field_of (program, "L", 1)->node.doc, "of b\nof b,\nalso");
  CU_ASSERT_PTR_NULL (field_of (program, "L", 2)->node.doc);
}

/* @count times @piece, between @start and @end. */
static gchar *
repeat (const gchar *start, const gchar *piece, guint count, const gchar *end)
{
  GString *text = g_string_new (start);

  for (guint i = 0; i < count; i++)
    g_string_append (text, piece);
  g_string_append (text, end);
  return g_string_free (text, FALSE);
}

static void
nesting (void)
{
  g_autofree gchar *types = repeat ("struct S {\n1: ", "list<", 100000, "");
  g_autofree gchar *values = repeat ("const i32 A = ", "[", 100000, "");
  g_autofree gchar *maps = repeat ("const i32 A = ", "{1:", 100000, "");
  g_autofree gchar *attributes = repeat ("struct S { ", "1: i32 a xsd_attrs { ", 100000, "");
  g_autofree gchar *deep = repeat ("typedef ", "list<", 63, "i32");
  g_autofree gchar *closed = repeat (deep, ">", 63, " T");

  assert_says (types, "2:324: error: types nest deeper than 64\n");
  assert_says (values, "1:79: error: values nest deeper than 64\n");
  assert_says (maps, "1:207: error: values nest deeper than 64\n");
  assert_says (attributes, "1:1377: error: attributes nest deeper than 64\n");
  assert_says (closed, "");
  /* Typedefs are expanded for this. */
  assert_says (
      "typedef list<list<list<list<list<list<list<list<i32>>>>>>>> A\n"
      "typedef list<list<list<list<list<list<list<list<A>>>>>>>> B\n"
      "typedef list<list<list<list<list<list<list<list<B>>>>>>>> C\n"
      "typedef list<list<list<list<list<list<list<list<C>>>>>>>> D\n"
      "typedef list<list<list<list<list<list<list<list<D>>>>>>>> E\n"
      "typedef list<list<list<list<list<list<list<list<E>>>>>>>> F\n"
      "typedef list<list<list<list<list<list<list<list<F>>>>>>>> G\n"
      "typedef list<list<list<list<list<list<list<G>>>>>>> H\n"
      "typedef list<G> I typedef list<H> J",
      "9:27: error: with its typedefs expanded, this type nests deeper than 64 or has more "
      "than 4096 parts\n");
}

/* What @node's extent covers is @expected. */
static void
assert_extent (const IdlNode *node, const gchar *expected)
{
  gsize length;
  const gchar *text = idl_source_get_text (node->extent.source, &length);
  g_autofree gchar *covered = g_strndup (text + node->extent.offset, node->extent.length);

  assert_string (covered, expected);
}

static void
extents (void)
{
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  const IdlProgram *program;
  const IdlDefinition *definition;

  idl_unit_load_text (unit, "t.thrift",
                      "const i32 K = 1;\n"
                      "typedef list<i32> L (a = 'b') // comment\n"
                      "enum E { ONE = 1 (x), TWO }\n"
                      "service S {\n"
                      "  /** doc */ oneway void f (1: optional i32 a = 2, 2: L b);\n"
                      "} (c)\n"
                      "struct Half { 1: i32 a, 2: }\n",
                      -1);
  program = g_ptr_array_index (idl_unit_get_programs (unit), 0);
  assert_extent (g_ptr_array_index (program->definitions, 0), "const i32 K = 1");
  assert_extent (g_ptr_array_index (program->definitions, 1), "typedef list<i32> L (a = 'b')");
  definition = g_ptr_array_index (program->definitions, 2);
  assert_extent (&definition->node, "enum E { ONE = 1 (x), TWO }");
  assert_extent (g_ptr_array_index (definition->members, 0), "ONE = 1 (x)");
  assert_extent (g_ptr_array_index (definition->members, 1), "TWO");
  definition = g_ptr_array_index (program->definitions, 3);
  assert_extent (g_ptr_array_index (definition->members, 0),
                 "oneway void f (1: optional i32 a = 2, 2: L b)");
  assert_extent (g_ptr_array_index (
                     ((IdlFunction *) g_ptr_array_index (definition->members, 0))->arguments, 0),
                 "1: optional i32 a = 2");
  definition = g_ptr_array_index (program->definitions, 4);
  assert_extent (&definition->node, "struct Half { 1: i32 a, 2:");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (headers),
                                    TEST (fields),
                                    TEST (keywords_as_field_names),
                                    TEST (containers),
                                    TEST (enums),
                                    TEST (services),
                                    TEST (doc_comments),
                                    TEST (docs_behind_what_they_document),
                                    TEST (misspelt_keywords),
                                    TEST (names_like_keywords),
                                    TEST (habits_of_protocol_buffers),
                                    TEST (missing_brackets),
                                    TEST (syntax_errors),
                                    TEST (words_of_other_dialects),
                                    TEST (recovery),
                                    TEST (nesting),
                                    TEST (extents),
                                    { NULL } };

  return test_main ("idl-parser", cases, argc, argv);
}

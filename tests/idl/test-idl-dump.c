/* The JSON of the model: golden, for a program with one of everything. */
#include "idl-test.h"

#include "dump.h"
#include "json.h"

#include <glib/gstdio.h>
#include <string.h>

static void
strings (void)
{
  static const gchar *const texts[][2] = {
    { "a\"b\\c\n\r\t", "\"a\\\"b\\\\c\\n\\r\\t\"" },
    { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
    { "\xc2\x80\xc2\x9b[1m\xc2\xa0\xe2\x80\xae", "\"\\u0080\\u009b[1m\xc2\xa0\\u202e\"" },
    { "\xc3\xa9\xff\xc3", "\"\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"" },
  };
  g_autoptr (GString) nul = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GString) json = g_string_new (NULL);

      idl_json_append_string (json, texts[i][0], -1);
      assert_string (json->str, texts[i][1]);
    }
  idl_json_append_string (nul, "a\0b", 3);
  assert_string (nul->str, "\"a\\u0000b\"");
}

static const gchar model_idl[] =
    "/** The program. */\n"
    "namespace c_glib t_test (a = 'b')\n"
    "cpp_include '<m>'\n"
    "typedef map<i32, list<T>> M (k = 'v')\n"
    "/** An enum. */\n"
    "enum E { A = 1, B (x) }\n"
    "struct T { 1: required E e = E.B, 2: optional list<bool> f = [true, 0], string g = C }\n"
    "const string C = \"x\"\n"
    "const map<string, double> D = {'a': 1.5, 'b': 2}\n"
    "exception X {}\n"
    "service P {}\n"
    "service S extends P {\n"
    "  /** Calls. */\n"
    "  T f(1: i32 a = 3) throws (1: X x)\n"
    "  oneway void g()\n"
    "}\n";
static const gchar model_json[] =
    "{\n"
    "  \"programs\": [\n"
    "    {\n"
    "      \"name\": \"t\",\n"
    "      \"file\": \"t.thrift\",\n"
    "      \"doc\": \"The program.\",\n"
    "      \"includes\": [],\n"
    "      \"cpp_includes\": [\"<m>\"],\n"
    "      \"c_includes\": [],\n"
    "      \"namespaces\": [\n"
    "        {\"scope\": \"c_glib\", \"name\": \"t_test\", \"annotations\": [{\"name\": \"a\", "
    "\"value\": \"b\"}]}\n"
    "      ],\n"
    "      \"definitions\": [\n"
    "        {\n"
    "          \"kind\": \"typedef\",\n"
    "          \"name\": \"M\",\n"
    "          \"line\": 4,\n"
    "          \"column\": 27,\n"
    "          \"annotations\": [{\"name\": \"k\", \"value\": \"v\"}],\n"
    "          \"type\": {\"kind\": \"map\", \"key\": {\"kind\": \"i32\"}, \"element\": "
    "{\"kind\": \"list\", \"element\": {\"kind\": \"struct\", \"name\": \"T\", \"program\": "
    "\"t\"}}}\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"enum\",\n"
    "          \"name\": \"E\",\n"
    "          \"line\": 6,\n"
    "          \"column\": 6,\n"
    "          \"doc\": \"An enum.\",\n"
    "          \"enumerators\": [\n"
    "            {\"name\": \"A\", \"line\": 6, \"column\": 10, \"value\": 1},\n"
    "            {\"name\": \"B\", \"line\": 6, \"column\": 17, \"annotations\": [{\"name\": "
    "\"x\", \"value\": \"1\"}], \"value\": 2}\n"
    "          ]\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"struct\",\n"
    "          \"name\": \"T\",\n"
    "          \"line\": 7,\n"
    "          \"column\": 8,\n"
    "          \"fields\": [\n"
    "            {\"id\": 1, \"name\": \"e\", \"line\": 7, \"column\": 26, \"requiredness\": "
    "\"required\", \"type\": {\"kind\": \"enum\", \"name\": \"E\", \"program\": \"t\"}, "
    "\"default\": {\"enumerator\": \"B\", \"enum\": \"E\", \"program\": \"t\"}},\n"
    "            {\"id\": 2, \"name\": \"f\", \"line\": 7, \"column\": 58, \"requiredness\": "
    "\"optional\", \"type\": {\"kind\": \"list\", \"element\": {\"kind\": \"bool\"}}, "
    "\"default\": {\"list\": [{\"bool\": true}, {\"integer\": 0}]}},\n"
    "            {\"id\": -1, \"implicit_id\": true, \"name\": \"g\", \"line\": 7, \"column\": "
    "80, \"type\": {\"kind\": \"string\"}, \"default\": {\"constant\": \"C\", \"program\": "
    "\"t\"}}\n"
    "          ]\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"const\",\n"
    "          \"name\": \"C\",\n"
    "          \"line\": 8,\n"
    "          \"column\": 14,\n"
    "          \"type\": {\"kind\": \"string\"},\n"
    "          \"value\": {\"string\": \"x\"}\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"const\",\n"
    "          \"name\": \"D\",\n"
    "          \"line\": 9,\n"
    "          \"column\": 27,\n"
    "          \"type\": {\"kind\": \"map\", \"key\": {\"kind\": \"string\"}, \"element\": "
    "{\"kind\": \"double\"}},\n"
    "          \"value\": {\"map\": [{\"string\": \"a\"}, {\"double\": 1.5}, {\"string\": "
    "\"b\"}, {\"integer\": 2}]}\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"exception\",\n"
    "          \"name\": \"X\",\n"
    "          \"line\": 10,\n"
    "          \"column\": 11,\n"
    "          \"fields\": []\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"service\",\n"
    "          \"name\": \"P\",\n"
    "          \"line\": 11,\n"
    "          \"column\": 9,\n"
    "          \"functions\": []\n"
    "        },\n"
    "        {\n"
    "          \"kind\": \"service\",\n"
    "          \"name\": \"S\",\n"
    "          \"line\": 12,\n"
    "          \"column\": 9,\n"
    "          \"extends\": {\"name\": \"P\", \"program\": \"t\"},\n"
    "          \"functions\": [\n"
    "            {\n"
    "              \"name\": \"f\",\n"
    "              \"line\": 14,\n"
    "              \"column\": 5,\n"
    "              \"doc\": \"Calls.\",\n"
    "              \"returns\": {\"kind\": \"struct\", \"name\": \"T\", \"program\": \"t\"},\n"
    "              \"arguments\": [\n"
    "                {\"id\": 1, \"name\": \"a\", \"line\": 14, \"column\": 14, \"type\": "
    "{\"kind\": \"i32\"}, \"default\": {\"integer\": 3}}\n"
    "              ],\n"
    "              \"throws\": [\n"
    "                {\"id\": 1, \"name\": \"x\", \"line\": 14, \"column\": 34, \"type\": "
    "{\"kind\": \"exception\", \"name\": \"X\", \"program\": \"t\"}}\n"
    "              ]\n"
    "            },\n"
    "            {\n"
    "              \"name\": \"g\",\n"
    "              \"line\": 15,\n"
    "              \"column\": 15,\n"
    "              \"oneway\": true,\n"
    "              \"returns\": {\"kind\": \"void\"},\n"
    "              \"arguments\": [],\n"
    "              \"throws\": []\n"
    "            }\n"
    "          ]\n"
    "        }\n"
    "      ],\n"
    "      \"references\": [\n"
    "        {\"kind\": \"type\", \"line\": 4, \"column\": 23, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"T\", \"target\": "
    "{\"line\": 7, \"column\": 8}},\n"
    "        {\"kind\": \"type\", \"line\": 7, \"column\": 24, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"E\", \"target\": "
    "{\"line\": 6, \"column\": 6}},\n"
    "        {\"kind\": \"type\", \"line\": 7, \"column\": 30, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"E\", \"target\": "
    "{\"line\": 6, \"column\": 6}},\n"
    "        {\"kind\": \"enumerator\", \"line\": 7, \"column\": 32, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"E\", \"member\": \"B\", "
    "\"target\": {\"line\": 6, \"column\": 17}},\n"
    "        {\"kind\": \"constant\", \"line\": 7, \"column\": 84, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"C\", \"target\": "
    "{\"line\": 8, \"column\": 14}},\n"
    "        {\"kind\": \"extends\", \"line\": 12, \"column\": 19, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"P\", \"target\": "
    "{\"line\": 11, \"column\": 9}},\n"
    "        {\"kind\": \"type\", \"line\": 14, \"column\": 3, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"T\", \"target\": "
    "{\"line\": 7, \"column\": 8}},\n"
    "        {\"kind\": \"throws\", \"line\": 14, \"column\": 32, \"length\": 1, "
    "\"program\": \"t\", \"file\": \"t.thrift\", \"name\": \"X\", \"target\": "
    "{\"line\": 10, \"column\": 11}}\n"
    "      ]\n"
    "    }\n"
    "  ]\n"
    "}\n";

static void
model (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  g_autofree gchar *json = NULL;

  idl_test_load (model_idl, &unit);
  json = idl_dump_json (idl_unit_get_programs (unit));
  assert_string (json, model_json);
}

/* Of another file, and within a struct's literal. */
static void
references (void)
{
  g_autofree gchar *directory = g_dir_make_tmp ("tally-dump-XXXXXX", NULL);
  g_autofree gchar *shared = g_build_filename (directory, "shared.thrift", NULL);
  g_autofree gchar *main_path = g_build_filename (directory, "main.thrift", NULL);
  g_autofree gchar *json = NULL;
  g_autoptr (IdlUnit) unit = idl_unit_new ();
  static const gchar *const parts[] = {
    "{\"kind\": \"include\", \"line\": 1, \"column\": 10, \"length\": 13, \"program\": \"shared\"",
    "{\"kind\": \"include\", \"line\": 2, \"column\": 7, \"length\": 6, \"program\": \"shared\"",
    "{\"kind\": \"type\", \"line\": 2, \"column\": 14, \"length\": 5, \"program\": \"shared\"",
    "{\"kind\": \"field\", \"line\": 2, \"column\": 26, \"length\": 1, \"program\": \"shared\"",
    "\"name\": \"Point\", \"member\": \"x\", \"target\": {\"line\": 1, \"column\": 23}}",
  };

  g_file_set_contents (shared, "struct Point { 1: i32 x }", -1, NULL);
  g_file_set_contents (main_path, "include \"shared.thrift\"\nconst shared.Point P = {\"x\": 1}\n",
                       -1, NULL);
  CU_ASSERT_PTR_NOT_NULL (idl_unit_load (unit, main_path));
  json = idl_dump_json (idl_unit_get_programs (unit));
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strstr (json, parts[i]) == NULL)
      {
        fprintf (stderr, "# missing: %s in %s\n", parts[i], json);
        CU_FAIL ("a reference is not in the dump");
      }
  g_remove (shared);
  g_remove (main_path);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (strings), TEST (model), TEST (references), { NULL } };

  return test_main ("idl-dump", cases, argc, argv);
}

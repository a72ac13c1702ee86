/* The JSON of the model: golden, for a program with one of everything. */
#include "idl-test.h"

#include "dump.h"
#include "json.h"

static void
strings (void)
{
  static const gchar *const texts[][2] = {
    { "a\"b\\c\n\r\t", "\"a\\\"b\\\\c\\n\\r\\t\"" },
    { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
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

static void
model (void)
{
  g_autoptr (IdlUnit) unit = NULL;
  g_autofree gchar *json = NULL;

  idl_test_load (
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
      "}\n",
      &unit);
  json = idl_dump_json (idl_unit_get_programs (unit));
  assert_string (
      json,
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
      "      ]\n"
      "    }\n"
      "  ]\n"
      "}\n");
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (strings), TEST (model), { NULL } };

  return test_main ("idl-dump", cases, argc, argv);
}

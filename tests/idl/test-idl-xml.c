/* Our model beside that of Apache's compiler: for each file of the corpus that Debian's thrift
 * accepts, what `thrift --gen xml` writes of it is what the model says. Both become trees that are
 * compared as text. Skipped without the corpus or without thrift. */
#include "idl-test.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* An element: its name and attributes as one string, its children, in the order in which they
 * matter. */
typedef struct
{
  GString *head;
  GString *text;
  GPtrArray *children; /* of Element */
  gboolean unordered;  /* a map, or annotations: the children are sorted */
} Element;

static void
element_free (gpointer data)
{
  Element *element = data;

  g_string_free (element->head, TRUE);
  g_string_free (element->text, TRUE);
  g_ptr_array_unref (element->children);
  g_free (element);
}

static Element *
add_element (Element *parent, const gchar *name)
{
  Element *element = g_new0 (Element, 1);

  element->head = g_string_new (name);
  element->text = g_string_new (NULL);
  element->children = g_ptr_array_new_with_free_func (element_free);
  if (parent != NULL)
    g_ptr_array_add (parent->children, element);
  return element;
}

static void
add_attribute (Element *element, const gchar *name, const gchar *value)
{
  g_autofree gchar *blank = g_strdup (value);

  /* White space in an attribute is a space in XML. */
  g_string_append_printf (element->head, " %s=%s", name, g_strdelimit (blank, "\t\r\n", ' '));
}

static gint
compare_strings (gconstpointer one, gconstpointer other)
{
  return strcmp (*(gchar *const *) one, *(gchar *const *) other);
}

static gchar *
render (const Element *element)
{
  GString *output = g_string_new (NULL);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (g_free);

  g_string_append_printf (output, "<%s>%s\n", element->head->str, element->text->str);
  for (guint i = 0; i < element->children->len; i++)
    g_ptr_array_add (children, render (g_ptr_array_index (element->children, i)));
  if (element->unordered)
    g_ptr_array_sort (children, compare_strings);
  for (guint i = 0; i < children->len; i++)
    g_string_append (output, g_ptr_array_index (children, i));
  g_string_append (output, "</>\n");
  return g_string_free (output, FALSE);
}

/* A doc comment's text without blanks and stars: how they are cut off at the lines' ends differs.
 * Not that of a program: Apache takes a file's first doc comment even if it is a definition's. */
static void
put_doc (Element *element, const gchar *doc)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (; doc != NULL && *doc != '\0'; doc++)
    if (!g_ascii_isspace (*doc) && *doc != '*')
      g_string_append_c (text, *doc);
  if (text->len > 0 && !g_str_has_prefix (element->head->str, "document"))
    add_element (element, text->str);
}

/* Apache's XML */

static void
on_start (GMarkupParseContext *context,
          const gchar *name,
          const gchar **names,
          const gchar **values,
          gpointer data,
          GError **error)
{
  GQueue *open = data;
  Element *element = add_element (g_queue_peek_tail (open), name);

  /* Name spaces are XML's own affair. */
  for (guint i = 0; names[i] != NULL; i++)
    if (strcmp (names[i], "doc") == 0)
      put_doc (element, values[i]);
    else if (!g_str_has_prefix (names[i], "xmlns") && strcmp (names[i], "targetNamespace") != 0)
      add_attribute (element, names[i], values[i]);
  element->unordered = strcmp (name, "map") == 0;
  g_queue_push_tail (open, element);
}

static void
on_end (GMarkupParseContext *context, const gchar *name, gpointer data, GError **error)
{
  GQueue *open = data;
  Element *element = g_queue_pop_tail (open);

  if (strcmp (name, "double") == 0)
    {
      /* It writes few digits. */
      gdouble number = g_ascii_strtod (element->text->str, NULL);

      g_string_printf (element->text, "%.5g", number);
    }
  else if (strcmp (name, "int") != 0 && strcmp (name, "string") != 0)
    g_string_truncate (element->text, 0);
}

static void
on_text (
    GMarkupParseContext *context, const gchar *text, gsize length, gpointer data, GError **error)
{
  Element *element = g_queue_peek_tail (data);

  g_string_append_len (element->text, text, (gssize) length);
}

/* (nullable): NULL when it is no XML: that generator does not escape everything. */
static Element *
parse_xml (const gchar *text, gsize length)
{
  static const GMarkupParser parser = { .start_element = on_start,
                                        .end_element = on_end,
                                        .text = on_text };
  GQueue open = G_QUEUE_INIT;
  Element *root = add_element (NULL, "root");
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &open, NULL);
  gboolean parsed;

  g_queue_push_tail (&open, root);
  parsed = g_markup_parse_context_parse (context, text, (gssize) length, NULL)
           && g_markup_parse_context_end_parse (context, NULL);
  g_queue_clear (&open);
  if (!parsed)
    g_clear_pointer (&root, element_free);
  return root;
}

/* Our model */

static void
put_annotations (Element *parent, const GPtrArray *annotations)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  /* Apache's are sorted by name; of several with one name all are kept in 0.17, in their order. */
  for (guint i = 0; annotations != NULL && i < annotations->len; i++)
    g_ptr_array_add (names,
                     (gpointer) ((IdlAnnotation *) g_ptr_array_index (annotations, i))->name);
  g_ptr_array_sort (names, compare_strings);
  for (guint i = 0; i < names->len; i++)
    {
      const gchar *name = g_ptr_array_index (names, i);

      if (i > 0 && strcmp (name, g_ptr_array_index (names, i - 1)) == 0)
        continue;
      for (guint j = 0; j < annotations->len; j++)
        {
          const IdlAnnotation *annotation = g_ptr_array_index (annotations, j);
          Element *element;

          if (strcmp (annotation->name, name) != 0)
            continue;
          element = add_element (parent, "annotation");
          add_attribute (element, "key", name);
          add_attribute (element, "value", annotation->value);
        }
    }
}

static void put_type (Element *element, const IdlType *type);

static void
put_inner_type (Element *parent, const gchar *name, const IdlType *type)
{
  if (type != NULL)
    put_type (add_element (parent, name), type);
}

static void
put_type (Element *element, const IdlType *type)
{
  static const gchar *const names[] = { "void",   "bool",   "i8",   "i16",  "i32", "i64", "double",
                                        "string", "binary", "uuid", "list", "set", "map" };

  if (type->kind == IDL_TYPE_NAMED)
    {
      add_attribute (element, "type", "id");
      add_attribute (element, "type-module", type->definition->program->name);
      add_attribute (element, "type-id", type->definition->node.name);
    }
  else
    add_attribute (element, "type", names[type->kind]);
  put_inner_type (element, "keyType", type->key);
  put_inner_type (element, type->kind == IDL_TYPE_MAP ? "valueType" : "elemType", type->element);
  /* It says nothing of a type's own annotations. */
}

static void
put_integer (Element *parent, gint64 integer)
{
  g_string_append_printf (add_element (parent, "int")->text, "%" G_GINT64_FORMAT, integer);
}

static void
put_value (Element *parent, const IdlValue *value)
{
  Element *element;
  gsize length;

  value = idl_value_resolve (value);
  /* 200 for an i8 is -56 in the model and 200 in the XML: the text has what was written. */
  if (value->kind == IDL_VALUE_INTEGER && value->integer < 0 && value->location.length > 1)
    put_integer (parent, g_ascii_strtoll (idl_source_get_text (value->location.source, &length)
                                              + value->location.offset,
                                          NULL, 0));
  else if (value->kind == IDL_VALUE_INTEGER || value->enumerator != NULL)
    put_integer (parent, value->integer);
  else if (value->kind == IDL_VALUE_DOUBLE)
    g_string_append_printf (add_element (parent, "double")->text, "%.5g", value->number);
  else if (value->kind == IDL_VALUE_STRING)
    g_string_append_len (add_element (parent, "string")->text, value->text, value->length);
  else if (value->kind == IDL_VALUE_LIST)
    {
      element = add_element (parent, "list");
      for (guint i = 0; i < value->items->len; i++)
        put_value (add_element (element, "entry"), g_ptr_array_index (value->items, i));
    }
  else
    {
      element = add_element (parent, "map");
      element->unordered = TRUE;
      for (guint i = 0; i < value->items->len; i += 2)
        {
          Element *entry = add_element (element, "entry");

          put_value (add_element (entry, "key"), g_ptr_array_index (value->items, i));
          put_value (add_element (entry, "value"), g_ptr_array_index (value->items, i + 1));
        }
    }
}

static void
put_fields (Element *parent, const gchar *name, const GPtrArray *fields)
{
  static const gchar *const requiredness[] = { NULL, "required", "optional" };

  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      Element *element = add_element (parent, name);
      g_autofree gchar *id = g_strdup_printf ("%d", field->id);

      add_attribute (element, "name", field->node.name);
      put_doc (element, field->node.doc);
      add_attribute (element, "field-id", id);
      if (field->requiredness != IDL_DEFAULT)
        add_attribute (element, "required", requiredness[field->requiredness]);
      put_type (element, field->type);
      if (field->value != NULL)
        put_value (add_element (element, "default"), field->value);
      put_annotations (element, field->node.annotations);
    }
}

static void
put_service (Element *element, const IdlDefinition *service)
{
  if (service->extends != NULL)
    {
      add_attribute (element, "parent-module", service->extends->program->name);
      add_attribute (element, "parent-id", service->extends->node.name);
    }
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      Element *method = add_element (element, "method");

      add_attribute (method, "name", function->node.name);
      put_doc (method, function->node.doc);
      if (function->oneway)
        add_attribute (method, "oneway", "true");
      put_type (add_element (method, "returns"), function->returns);
      put_fields (method, "arg", function->arguments);
      put_fields (method, "throws", function->throws);
      put_annotations (method, function->node.annotations);
    }
}

static void
put_enum (Element *element, const IdlDefinition *definition)
{
  for (guint i = 0; i < definition->members->len; i++)
    {
      const IdlEnumerator *enumerator = g_ptr_array_index (definition->members, i);
      Element *member = add_element (element, "member");
      g_autofree gchar *value = g_strdup_printf ("%d", enumerator->value);

      add_attribute (member, "name", enumerator->node.name);
      put_doc (member, enumerator->node.doc);
      add_attribute (member, "value", value);
      put_annotations (member, enumerator->node.annotations);
    }
}

static void
put_definition (Element *document, const IdlDefinition *definition)
{
  Element *element = add_element (document, idl_definition_kind_get_name (definition->kind));

  add_attribute (element, "name", definition->node.name);
  put_doc (element, definition->node.doc);
  switch (definition->kind)
    {
    case IDL_DEFINITION_CONST:
      put_type (element, definition->type);
      put_value (element, definition->value);
      break;
    case IDL_DEFINITION_TYPEDEF:
      put_type (element,
                idl_type_resolve (definition->type)); /* it leaves no typedef of a typedef */
      break;
    case IDL_DEFINITION_ENUM:
      put_enum (element, definition);
      break;
    case IDL_DEFINITION_SERVICE:
      put_service (element, definition);
      break;
    default:
      put_fields (element, "field", definition->members);
    }
  put_annotations (element, definition->node.annotations);
}

/* Whether Apache's XML has definitions of @kind in its pass @pass: they are grouped. */
static gboolean
is_in_pass (IdlDefinitionKind kind, guint pass)
{
  static const guint passes[] = {
    1u << IDL_DEFINITION_CONST,
    1u << IDL_DEFINITION_TYPEDEF,
    1u << IDL_DEFINITION_ENUM,
    1u << IDL_DEFINITION_STRUCT | 1u << IDL_DEFINITION_UNION | 1u << IDL_DEFINITION_EXCEPTION,
    1u << IDL_DEFINITION_SERVICE,
  };

  return (passes[pass] & (1u << kind)) != 0;
}

static void
put_namespaces (Element *document, const IdlProgram *program)
{
  g_autoptr (GHashTable) last = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) scopes = g_ptr_array_new ();

  /* Of several for one language the last counts; sorted. */
  for (guint i = 0; i < program->namespaces->len; i++)
    {
      const IdlNamespace *name_space = g_ptr_array_index (program->namespaces, i);

      if (!g_hash_table_contains (last, name_space->scope))
        g_ptr_array_add (scopes, (gpointer) name_space->scope);
      g_hash_table_replace (last, (gpointer) name_space->scope, (gpointer) name_space);
    }
  g_ptr_array_sort (scopes, compare_strings);
  for (guint i = 0; i < scopes->len; i++)
    {
      const IdlNamespace *name_space = g_hash_table_lookup (last, g_ptr_array_index (scopes, i));
      Element *element = add_element (document, "namespace");

      add_attribute (element, "name", name_space->scope);
      add_attribute (element, "value", name_space->name);
      put_annotations (element, name_space->annotations);
    }
}

static Element *
put_program (const IdlProgram *program)
{
  Element *root = add_element (NULL, "root");
  Element *document = add_element (add_element (root, "idl"), "document");

  add_attribute (document, "name", program->name);
  for (guint i = 0; i < program->includes->len; i++)
    {
      const IdlInclude *include = g_ptr_array_index (program->includes, i);
      Element *element = add_element (document, "include");

      add_attribute (element, "name", include->program->name);
    }
  put_namespaces (document, program);
  for (guint pass = 0; pass < 5; pass++)
    for (guint i = 0; i < program->definitions->len; i++)
      {
        const IdlDefinition *definition = g_ptr_array_index (program->definitions, i);

        if (is_in_pass (definition->kind, pass))
          put_definition (document, definition);
      }
  return root;
}

/* The comparison */

/* (nullable) (transfer full): what thrift writes of the file. */
static gchar *
run_thrift (const gchar *corpus, gchar **row, const gchar *directory, gsize *length)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_auto (GStrv) include_dirs = g_strsplit (row[4], " ", -1);
  g_autofree gchar *base = g_path_get_basename (row[0]);
  g_autofree gchar *output = g_strconcat (directory, "/", base, NULL);
  gchar *text = NULL;

  g_ptr_array_add (arguments, "thrift");
  for (guint i = 0; include_dirs[i] != NULL; i++)
    if (*include_dirs[i] != '\0')
      g_ptr_array_add (arguments, include_dirs[i]);
  g_ptr_array_add (arguments, "--gen");
  g_ptr_array_add (arguments, "xml");
  g_ptr_array_add (arguments, "-out");
  g_ptr_array_add (arguments, (gpointer) directory);
  g_ptr_array_add (arguments, row[0]);
  g_ptr_array_add (arguments, NULL);
  g_spawn_sync (corpus, (gchar **) arguments->pdata, NULL,
                G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                NULL, NULL, NULL, NULL, NULL);
  strcpy (strrchr (output, '.'), ".xml");
  g_file_get_contents (output, &text, length, NULL);
  g_remove (output);
  return text;
}

static gboolean
is_same (const gchar *path, const gchar *ours, const gchar *theirs)
{
  gsize at = 0, line = 0;

  if (strcmp (ours, theirs) == 0)
    return TRUE;
  for (; ours[at] == theirs[at]; at++)
    if (ours[at] == '\n')
      line = at + 1;
  g_printerr ("%s: model differs from Apache's:\nours:   %.100s\ntheirs: %.100s\n", path,
              ours + line, theirs + line);
  return FALSE;
}

static void
equals_apaches_model (void)
{
  g_autofree gchar *corpus = test_corpus_dir ();
  g_autofree gchar *thrift = g_find_program_in_path ("thrift");
  g_autofree gchar *table_path =
      corpus == NULL ? NULL : g_build_filename (corpus, "real.tsv", NULL);
  g_autofree gchar *directory = idl_test_make_directory ();
  g_autofree gchar *table = NULL;
  g_auto (GStrv) lines = NULL;
  guint compared = 0, unreadable = 0, different = 0;

  if (table_path == NULL || thrift == NULL)
    {
      idl_test_remove_directory (directory);
      test_skip ("no corpus, or no thrift");
      return;
    }
  CU_ASSERT_TRUE_FATAL (g_file_get_contents (table_path, &table, NULL, NULL));
  lines = g_strsplit (table, "\n", -1);
  for (guint i = 1; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_auto (GStrv) row = g_strsplit (lines[i], "\t", -1);
      g_autoptr (IdlUnit) unit = idl_test_new_unit (corpus, row[4]);
      g_autofree gchar *path = g_build_filename (corpus, row[0], NULL);
      g_autofree gchar *text = NULL;
      g_autofree gchar *ours = NULL;
      g_autofree gchar *theirs = NULL;
      IdlProgram *program;
      Element *tree;
      gsize length;

      if (strcmp (row[1], "apache") != 0 || strcmp (row[2], "yes") != 0)
        continue;
      program = idl_unit_load (unit, path);
      text = run_thrift (corpus, row, directory, &length);
      tree = text == NULL ? NULL : parse_xml (text, length);
      if (tree == NULL)
        {
          g_printerr ("%s: thrift's XML is not to be read\n", row[0]);
          unreadable++;
          continue;
        }
      theirs = render (tree);
      element_free (tree);
      CU_ASSERT_PTR_NOT_NULL_FATAL (program);
      tree = put_program (program);
      ours = render (tree);
      element_free (tree);
      compared++;
      different += !is_same (row[0], ours, theirs);
    }
  idl_test_remove_directory (directory);
  g_printerr ("%u compared, %u different, %u not to be read\n", compared, different, unreadable);
  assert_int (different, 0);
  CU_ASSERT_TRUE (compared > 200);
}

int
main (int argc, char **argv)
{
  static const TestCase cases[] = { TEST (equals_apaches_model), { NULL } };

  return test_main ("idl-xml", cases, argc, argv);
}

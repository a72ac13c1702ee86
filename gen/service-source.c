/* The source of a service: argument and result tables, the stubs of interface and handler, the method
 * table that the processor and the client share. The client's functions are service-client.c's. */
#include <string.h>

#include "ctype.h"
#include "service-private.h"
#include "writer.h"

/* ---- arguments and results ---- */

gchar *
gen_service_get_struct (const GenSource *source, const GenName *method, const gchar *word)
{
  g_autofree gchar *tag = gen_source_own (source, "%s_%s", method->lower, word);

  return g_strconcat ("struct ", tag, NULL);
}

/* On one line where it is short: where even its lines fit there, one behind the other. */
static void
print_local_struct (GenSource *source, const gchar *tag, const GPtrArray *rows)
{
  g_autoptr (GPtrArray) members = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *lines = NULL, *line = NULL;

  for (guint i = 0; i < rows->len; i++)
    {
      const GenRow *row = g_ptr_array_index (rows, i);
      g_autofree gchar *type = gen_ctype_slot (source->names, row->type);

      g_ptr_array_add (members, gen_declare (type, row->member));
      if (row->has_isset)
        g_ptr_array_add (members, g_strdup_printf ("gboolean __isset_%s", row->member));
    }
  g_ptr_array_add (members, NULL);
  lines = g_strjoinv (";\n  ", (gchar **) members->pdata);
  line = g_strjoinv ("; ", (gchar **) members->pdata);
  if (strlen ("struct  {  ; };") + strlen (tag) + strlen (lines) <= GEN_MARGIN)
    gen_print (source->out, "struct %s { %s; };\n", tag, line);
  else
    gen_print (source->out, "struct %s\n{\n  %s;\n};\n", tag, lines);
}

/* Struct, fields and description of arguments (@result FALSE) or result. */
static void
print_inline_info (GenSource *source, const IdlFunction *function, gboolean result, GPtrArray *rows)
{
  const GenName *method = gen_names_get (source->names, function);
  const gchar *word = result ? "result" : "args";
  g_autofree gchar *wish = g_strdup_printf ("%s_%s", method->lower, word);
  g_autofree gchar *tag = gen_source_own (source, "%s", wish);
  g_autofree gchar *name = g_strdup_printf ("%s_%s", function->node.name, word);

  print_local_struct (source, tag, rows);
  g_ptr_array_sort (rows, gen_compare_rows);
  gen_print_local_info (source, result ? "TALLY_DEFINE_RESULT" : "TALLY_DEFINE_ARGS", tag, name,
                        wish, rows);
  g_string_append_c (source->out, '\n');
}

static GenRow *
row_new (const gchar *name, const gchar *member, gint32 id, const IdlType *type, const gchar *slot)
{
  GenRow *row = g_new0 (GenRow, 1);

  row->name = name;
  row->member = member;
  row->id = id;
  row->type = type;
  row->slot = slot;
  return row;
}

static GPtrArray *
list_argument_rows (const GenSource *source, const IdlFunction *function)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < function->arguments->len; i++)
    {
      const IdlField *argument = g_ptr_array_index (function->arguments, i);
      GenRow *row = row_new (argument->node.name, gen_names_get (source->names, argument)->member,
                             argument->id, argument->type, "ARGUMENT");

      row->value = argument->value;
      g_ptr_array_add (rows, row);
    }

  return rows;
}

GPtrArray *
gen_service_list_results (const GenSource *source, const IdlFunction *function)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_free);

  if (function->returns->kind != IDL_TYPE_VOID)
    {
      gboolean has_isset = !gen_ctype_is_pointer (function->returns);
      GenRow *row =
          row_new ("success", "success", 0, function->returns, has_isset ? "OPTIONAL" : "RESULT");

      row->has_isset = has_isset;
      g_ptr_array_add (rows, row);
    }

  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *exception = g_ptr_array_index (function->throws, i);

      g_ptr_array_add (rows, row_new (exception->node.name,
                                      gen_names_get (source->names, exception)->member,
                                      exception->id, exception->type, "RESULT"));
    }

  g_ptr_array_sort (rows, gen_compare_rows);
  return rows;
}

/* ---- stubs ---- */

void
gen_service_print_head (GenSource *source,
                        const IdlDefinition *service,
                        const IdlFunction *function,
                        const gchar *part,
                        GenParameters which)
{
  g_autofree gchar *head =
      g_strdup_printf ("%s_%s_%s ", gen_names_get (source->names, service)->lower, part,
                       gen_names_get (source->names, function)->lower);
  g_autoptr (GPtrArray) parameters = gen_list_parameters (source->names, service, function, which);

  g_string_append (source->out, "gboolean\n");
  gen_print_call (source->out, head, parameters, ")\n{\n");
}

/* `return CALLEE (iface, …);` */
static void
print_forwarding (GenSource *source, const IdlFunction *function, const gchar *callee)
{
  g_autofree gchar *head = g_strdup_printf ("  return %s ", callee);
  g_autoptr (GPtrArray) arguments = gen_list_arguments (source->names, function);

  gen_print_call (source->out, head, arguments, ");\n}\n\n");
}

static void
print_interface_stub (GenSource *source, const IdlDefinition *service, const IdlFunction *function)
{
  g_autofree gchar *get_interface = gen_source_own (source, "get_interface");
  g_autofree gchar *callee = g_strdup_printf ("%s (iface)->%s", get_interface,
                                              gen_names_get (source->names, function)->member);

  gen_service_print_head (source, service, function, "if", GEN_PARAMETERS_CALL);
  print_forwarding (source, function, callee);
}

/* (transfer full): where @function is in the method table. */
static gchar *
get_method_index (const GenSource *source, const IdlFunction *function)
{
  g_autofree gchar *own =
      gen_source_own (source, "method_%s", gen_names_get (source->names, function)->lower);

  return g_ascii_strup (own, -1);
}

gchar *
gen_service_get_table (const GenSource *source, const IdlFunction *function)
{
  g_autofree gchar *methods = gen_source_own (source, "methods");
  g_autofree gchar *index = get_method_index (source, function);

  return g_strdup_printf ("%s[%s]", methods, index);
}

gchar *
gen_service_get_method (const GenSource *source, const IdlFunction *function)
{
  g_autofree gchar *table = gen_service_get_table (source, function);

  return g_strconcat ("&", table, NULL);
}

static void
print_handler_stub (GenSource *source, const IdlDefinition *service, const IdlFunction *function)
{
  const GenName *name = gen_names_get (source->names, service);
  const GenName *method = gen_names_get (source->names, function);
  g_autofree gchar *callee = g_strdup_printf ("klass->%s", method->member);
  g_autofree gchar *address = gen_service_get_method (source, function);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  gen_service_print_head (source, service, function, "handler", GEN_PARAMETERS_CALL);
  gen_print (source->out,
             "  %sHandlerClass *klass = %s_HANDLER_GET_CLASS (iface);\n\n"
             "  if (klass->%s == NULL)\n",
             name->type, name->upper, method->member);
  g_ptr_array_add (items, (gpointer) "iface");
  g_ptr_array_add (items, address);
  g_ptr_array_add (items, (gpointer) "error");
  gen_print_call (source->out, "    return tally_service_unimplemented ", items, ");\n\n");
  print_forwarding (source, function, callee);
}

/* HEAD (handler, arguments, LAST), with what the method returns and throws where it is called for an answer at once. */
static void
print_handler_call (GenSource *source,
                    const IdlFunction *function,
                    const gchar *head,
                    gboolean at_once,
                    const gchar *tail)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (items, g_strdup ("handler"));
  if (at_once && function->returns->kind != IDL_TYPE_VOID)
    g_ptr_array_add (items, g_strdup ("&result->success"));
  for (guint i = 0; i < function->arguments->len; i++)
    g_ptr_array_add (items,
                     g_strdup_printf ("args->%s",
                                      gen_names_get (source->names,
                                                     g_ptr_array_index (function->arguments, i))
                                          ->member));
  for (guint i = 0; at_once && i < function->throws->len; i++)
    g_ptr_array_add (items, g_strdup_printf ("&result->%s",
                                             gen_names_get (source->names,
                                                            g_ptr_array_index (function->throws, i))
                                                 ->member));
  g_ptr_array_add (items, g_strdup (at_once ? "error" : "reply"));
  gen_print_call (source->out, head, items, tail);
}

/* The trampoline from a decoded request to the handler. */
static void
print_invoke (GenSource *source, const IdlDefinition *service, const IdlFunction *function)
{
  const GenName *name = gen_names_get (source->names, service);
  const GenName *method = gen_names_get (source->names, function);
  g_autofree gchar *tag = gen_source_own (source, "%s", method->lower);
  g_autofree gchar *at_once = g_strdup_printf ("  %s_handler_%s ", name->lower, method->lower);
  g_autofree gchar *later = g_strdup_printf ("  klass->%s ", method->calls->later->member);

  gen_print (source->out, "TALLY_DEFINE_INVOKE (%s, %sHandlerClass,\n", tag, name->type);
  print_handler_call (source, function, at_once, TRUE, "),\n");
  print_handler_call (source, function, later, FALSE, "))\n\n");
}

/* ---- the method table ---- */

static gint
compare_functions (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const IdlFunction *const *) a)->node.name,
                 (*(const IdlFunction *const *) b)->node.name);
}

/* The service's functions as the table has them: by name. */
static GPtrArray *
sort_functions (const IdlDefinition *service)
{
  GPtrArray *functions = g_ptr_array_new ();

  for (guint i = 0; i < service->members->len; i++)
    g_ptr_array_add (functions, g_ptr_array_index (service->members, i));
  g_ptr_array_sort (functions, compare_functions);
  return functions;
}

static void
print_method_rows (GenSource *source,
                   const IdlDefinition *service,
                   const GPtrArray *functions,
                   const gchar *methods)
{
  g_autofree gchar *klass =
      g_strconcat (gen_names_get (source->names, service)->type, "HandlerClass", NULL);

  gen_print (source->out, "static const TallyMethod %s[] = {\n", methods);
  for (guint i = 0; i < functions->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (functions, i);
      g_autofree gchar *own =
          gen_source_own (source, "%s", gen_names_get (source->names, function)->lower);
      g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

      g_ptr_array_add (parts, g_strdup_printf ("TALLY_METHOD_NAME (\"%s\")", function->node.name));
      g_ptr_array_add (parts, function->arguments->len > 0
                                  ? g_strdup_printf (".args = &%s_args_info", own)
                                  : g_strdup (".args = &tally_empty_args"));
      if (function->oneway)
        g_ptr_array_add (parts, g_strdup (".oneway = TRUE"));
      else
        g_ptr_array_add (parts, gen_has_result (function)
                                    ? g_strdup_printf (".result = &%s_result_info", own)
                                    : g_strdup (".result = &tally_empty_result"));
      if (function->node.annotations != NULL
          && idl_annotations_get (function->node.annotations, "idempotent") != NULL)
        g_ptr_array_add (parts, g_strdup (".idempotent = TRUE"));
      g_ptr_array_add (parts, g_strdup_printf (".invoke = %s_invoke", own));
      g_ptr_array_add (
          parts, g_strdup_printf (".async_vfunc = TALLY_ASYNC_VFUNC (%s, %s)", klass,
                                  gen_names_get (source->names, function)->calls->later->member));
      gen_print_braced (source->out, parts);
    }
  g_string_append (source->out, "};\n\n");
}

static void
print_method_table (GenSource *source, const IdlDefinition *service, const GPtrArray *functions)
{
  const gchar *lower = gen_names_get (source->names, service)->lower;
  g_autofree gchar *methods = gen_source_own (source, "methods");
  g_autofree gchar *rows = g_strdup_printf ("%s, G_N_ELEMENTS (%s)", methods, methods);
  g_autofree gchar *parent =
      service->extends != NULL
          ? g_strdup_printf ("&%s_service", gen_names_get (source->names, service->extends)->lower)
          : g_strdup ("NULL");

  if (functions->len > 0)
    print_method_rows (source, service, functions, methods);
  gen_print (source->out, "const TallyService %s_service =\n  { \"%s\", %s, %s };\n\n", lower,
             service->node.name, parent, functions->len > 0 ? rows : "NULL, 0");
}

/* The indices of the table, and the table itself for the handler's stubs, which stand before it. */
static void
print_method_indices (GenSource *source, const GPtrArray *functions)
{
  if (functions->len == 0)
    return;

  g_autoptr (GPtrArray) indices = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < functions->len; i++)
    g_ptr_array_add (indices, get_method_index (source, g_ptr_array_index (functions, i)));
  g_string_append (source->out,
                   "/* Where each method is in the table, which is sorted by name. */\n"
                   "enum\n{\n");
  gen_print_filled (source->out, indices);

  g_autofree gchar *methods = gen_source_own (source, "methods");

  gen_print (source->out, "};\nstatic const TallyMethod %s[%u];\n\n", methods, functions->len);
}

/* What the interface's stubs, which come next, find an object's functions with. */
static void
print_get_interface (GenSource *source, const IdlDefinition *service)
{
  const GenName *name = gen_names_get (source->names, service);

  g_autofree gchar *get_interface = gen_source_own (source, "get_interface");

  if (service->members->len > 0)
    gen_print (source->out, "TALLY_DEFINE_GET_INTERFACE_AS (%s, %sIf, %s_if)\n\n", get_interface,
               name->type, name->lower);
}

/* ---- types ---- */

static void
print_interface_init (GenSource *source, const IdlDefinition *service, const gchar *part)
{
  const GenName *name = gen_names_get (source->names, service);

  g_autofree gchar *init = gen_source_own (source, "%s_if_init", part);

  if (service->members->len == 0)
    return;

  gen_print (source->out,
             "static void\n%s (gpointer interface, G_GNUC_UNUSED gpointer data)\n"
             "{\n"
             "  %sIfInterface *vtable = interface;\n\n",
             init, name->type);
  for (guint i = 0; i < service->members->len; i++)
    {
      const GenName *method =
          gen_names_get (source->names, g_ptr_array_index (service->members, i));

      gen_print (source->out, "  vtable->%s = %s_%s_%s;\n", method->member, name->lower, part,
                 method->lower);
    }
  g_string_append (source->out, "}\n\n");
}

/* TALLY_DEFINE_CLIENT (…) and the like; @suffix is Client, Handler or Processor. */
static void
print_type_definition (GenSource *source,
                       const IdlDefinition *service,
                       const gchar *suffix,
                       const gchar *root,
                       gchar *fourth,
                       gchar *fifth)
{
  const GenName *name = gen_names_get (source->names, service);
  g_autofree gchar *upper = g_ascii_strup (suffix, -1);
  g_autofree gchar *lower = g_ascii_strdown (suffix, -1);
  g_autofree gchar *head = g_strdup_printf ("TALLY_DEFINE_%s ", upper);
  g_autoptr (GPtrArray) parameters = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (parameters, g_strdup_printf ("%s%s", name->type, suffix));
  g_ptr_array_add (parameters, g_strdup_printf ("%s_%s", name->lower, lower));
  g_ptr_array_add (parameters,
                   service->extends != NULL
                       ? g_strdup_printf ("%s_%s_get_type",
                                          gen_names_get (source->names, service->extends)->lower,
                                          lower)
                       : g_strdup (root));
  g_ptr_array_add (parameters, fourth);
  g_ptr_array_add (parameters, fifth);
  gen_print_call (source->out, head, parameters, ")\n");
}

static void
print_types (GenSource *source, const IdlDefinition *service)
{
  const GenName *name = gen_names_get (source->names, service);
  gboolean empty = service->members->len == 0;

  print_interface_init (source, service, "client");
  print_interface_init (source, service, "handler");

  gen_print (source->out, "TALLY_DEFINE_INTERFACE (%sIf, %s_if)\n", name->type, name->lower);
  print_type_definition (source, service, "Client", "tally_client_get_type",
                         g_strdup_printf ("%s_if_get_type", name->lower),
                         empty ? g_strdup ("NULL") : gen_source_own (source, "client_if_init"));
  print_type_definition (source, service, "Handler", "g_object_get_type",
                         g_strdup_printf ("%s_if_get_type", name->lower),
                         empty ? g_strdup ("NULL") : gen_source_own (source, "handler_if_init"));
  print_type_definition (source, service, "Processor", "tally_processor_get_type",
                         g_strdup_printf ("%s_handler_get_type", name->lower),
                         g_strdup_printf ("%s_service", name->lower));
  gen_print (source->out,
             "\n%sClient *\n%s_client_new (TallyChannel *channel)\n"
             "{\n"
             "  return tally_client_new (%s_client_get_type (), channel);\n"
             "}\n",
             name->type, name->lower, name->lower);
}

static gboolean
has_deprecated_method (const IdlDefinition *service)
{
  for (guint i = 0; i < service->members->len; i++)
    if (gen_get_deprecated (g_ptr_array_index (service->members, i)) != NULL)
      return TRUE;

  return FALSE;
}

/* Takes the names that every method brings about, so that no table of a type gets one of them. */
static void
reserve_names (GenSource *source, const IdlDefinition *service)
{
  static const gchar *const suffixes[] = { "args_fields", "args_info", "result_fields",
                                           "result_info", "invoke" };

  for (guint i = 0; i < service->members->len; i++)
    for (guint j = 0; j < G_N_ELEMENTS (suffixes); j++)
      {
        const GenName *name =
            gen_names_get (source->names, g_ptr_array_index (service->members, i));

        gen_source_reserve (source, gen_source_own (source, "%s_%s", name->lower, suffixes[j]));
      }
}

void
gen_print_service_source (GenSource *source, const IdlDefinition *service)
{
  g_autoptr (GPtrArray) functions = sort_functions (service);
  GString *out = source->out;

  gen_print_banner (service->program, out);
  gen_print (out, "#include \"%s.h\"\n\n", gen_names_get (source->names, service)->lower);
  if (has_deprecated_method (service))
    g_string_append (out, "G_GNUC_BEGIN_IGNORE_DEPRECATIONS\n\n");

  reserve_names (source, service);
  print_method_indices (source, functions);
  print_get_interface (source, service);
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GPtrArray) arguments = list_argument_rows (source, function);
      g_autoptr (GPtrArray) results = gen_service_list_results (source, function);

      gen_print (out, "/* ---- %s ---- */\n\n", function->node.name);
      if (arguments->len > 0)
        print_inline_info (source, function, FALSE, arguments);
      if (results->len > 0)
        print_inline_info (source, function, TRUE, results);
      print_interface_stub (source, service, function);
      gen_print_client_functions (source, service, function);
      print_handler_stub (source, service, function);
      print_invoke (source, service, function);
      gen_print_reply_functions (source, function);
    }

  if (functions->len > 0)
    g_string_append (out, "/* ---- the service ---- */\n\n");
  print_method_table (source, service, functions);
  print_types (source, service);
  if (has_deprecated_method (service))
    g_string_append (out, "\nG_GNUC_END_IGNORE_DEPRECATIONS\n");
}

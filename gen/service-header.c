/* The header of a service: interface, client, handler and processor as C declares them. */
#include <string.h>

#include "service-private.h"
#include "writer.h"

static void
print_prototype (const GenNames *names,
                 const IdlDefinition *service,
                 const IdlFunction *function,
                 const gchar *part,
                 GenParameters which,
                 gboolean deprecated,
                 GString *out)
{
  g_autofree gchar *head =
      g_strdup_printf ("gboolean %s_%s_%s ", gen_names_get (names, service)->lower, part,
                       gen_names_get (names, function)->lower);
  g_autoptr (GPtrArray) parameters = gen_list_parameters (names, service, function, which);

  gen_print_call (out, head, parameters, deprecated ? ") G_GNUC_DEPRECATED;\n" : ");\n");
}

/* The function pointers of the interface and of the handler's class. */
static void
print_vfuncs (const GenNames *names, const IdlDefinition *service, GString *out)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      const GenName *name = gen_names_get (names, function);
      g_autofree gchar *member = gen_get_member (name);
      g_autofree gchar *head = g_strdup_printf ("  gboolean (*%s) ", member);
      g_autoptr (GPtrArray) parameters =
          gen_list_parameters (names, service, function, GEN_PARAMETERS_CALL);

      if (i == 0)
        g_string_append_c (out, '\n');
      gen_print_call (out, head, parameters, ");\n");
    }
}

/* The asynchronous function pointers of the handler's class. */
static void
print_later_vfuncs (const GenNames *names, const IdlDefinition *service, GString *out)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autofree gchar *member = gen_get_member (gen_names_get (names, function)->calls->later);
      g_autofree gchar *head = g_strdup_printf ("  void (*%s) ", member);
      g_autoptr (GPtrArray) parameters =
          gen_list_parameters (names, service, function, GEN_PARAMETERS_LATER);

      if (i == 0)
        g_string_append (out,
                         "\n  /* answers later; called in place of the other where it is set */\n");
      gen_print_call (out, head, parameters, ");\n");
    }
}

/* Apache's macros; the client's check macros have their words in another order than the rest. */
static void
print_macros (const GenName *name, const gchar *part, const gchar *suffix, GString *out)
{
  const gchar *space = name->space, *bare = name->bare, *type = name->type;
  g_autofree gchar *lower = g_ascii_strdown (part, -1);
  g_autofree gchar *type_macro = g_strdup_printf ("%sTYPE_%s_%s", space, bare, part);
  g_autofree gchar *is = strcmp (part, "CLIENT") == 0
                             ? g_strdup_printf ("%s%s_IS_%s", space, bare, part)
                             : g_strdup_printf ("%sIS_%s_%s", space, bare, part);
  g_autofree gchar *cast = g_strdup_printf ("%s%s_%s", space, bare, part);

  gen_print (out, "#define %s (%s_%s_get_type ())\n", type_macro, name->lower, lower);

  struct
  {
    gchar *head;
    gchar *body;
  } macros[] = {
    { g_strdup_printf ("%s(obj)", cast),
      g_strdup_printf ("(G_TYPE_CHECK_INSTANCE_CAST ((obj), %s, %s%s))", type_macro, type,
                       suffix) },
    { g_strdup_printf ("%s(obj)", is),
      g_strdup_printf ("(G_TYPE_CHECK_INSTANCE_TYPE ((obj), %s))", type_macro) },
    { g_strdup_printf ("%s_CLASS(c)", cast),
      g_strdup_printf ("(G_TYPE_CHECK_CLASS_CAST ((c), %s, %s%sClass))", type_macro, type,
                       suffix) },
    { g_strdup_printf ("%s_CLASS(c)", is),
      g_strdup_printf ("(G_TYPE_CHECK_CLASS_TYPE ((c), %s))", type_macro) },
    { g_strdup_printf ("%s_GET_CLASS(obj)", cast),
      g_strdup_printf ("(G_TYPE_INSTANCE_GET_CLASS ((obj), %s, %s%sClass))", type_macro, type,
                       suffix) },
  };
  /* An interface has no class. */
  guint n_macros = strcmp (part, "IF") == 0 ? 2 : G_N_ELEMENTS (macros);

  for (guint i = 0; i < G_N_ELEMENTS (macros); i++)
    {
      if (i < n_macros)
        gen_print_define (out, macros[i].head, macros[i].body);
      g_free (macros[i].head);
      g_free (macros[i].body);
    }
}

static void
print_type_functions (const GenName *name, const gchar *suffix, GString *out)
{
  g_autofree gchar *lower = g_ascii_strdown (suffix, -1);

  gen_print (out, "GType %s_%s_get_type (void);\n", name->lower, lower);
  gen_print (out, "G_DEFINE_AUTOPTR_CLEANUP_FUNC (%s%s, g_object_unref)\n", name->type, suffix);
}

/* ---- the four types ---- */

static void
print_function_doc (const GenNames *names,
                    const IdlFunction *function,
                    const gchar *symbol,
                    GString *out)
{
  const GPtrArray *const lists[] = { function->arguments, function->throws };
  g_autoptr (GPtrArray) docs = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (guint j = 0; j < lists[i]->len; j++)
      {
        const IdlField *field = g_ptr_array_index (lists[i], j);

        g_ptr_array_add (docs, (gpointer) gen_names_get (names, field)->member);
        g_ptr_array_add (docs, (gpointer) field->node.doc);
      }
  gen_print_doc (out, symbol, function->node.doc, docs, gen_get_deprecated (&function->node));
}

static void
print_interface (const GenNames *names, const IdlDefinition *service, GString *out)
{
  const GenName *name = gen_names_get (names, service);
  g_autofree gchar *symbol = g_strdup_printf ("%sIf", name->type);
  g_autofree gchar *head = g_strdup_printf ("%s_IF_GET_INTERFACE(obj)", name->upper);
  g_autofree gchar *body =
      g_strdup_printf ("(G_TYPE_INSTANCE_GET_INTERFACE ((obj), %sTYPE_%s_IF, %sIfInterface))",
                       name->space, name->bare, name->type);

  gen_print_doc (out, symbol, service->node.doc, NULL, gen_get_deprecated (&service->node));
  gen_print (out, "typedef struct _%sIf %sIf;\n", name->type, name->type);
  gen_print (out, "typedef struct _%sIfInterface\n{\n  GTypeInterface parent;\n", name->type);
  print_vfuncs (names, service, out);
  gen_print (out, "} %sIfInterface;\n\n", name->type);
  print_macros (name, "IF", "If", out);
  gen_print_define (out, head, body);
  print_type_functions (name, "If", out);
  g_string_append_c (out, '\n');

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autofree gchar *function_symbol =
          g_strdup_printf ("%s_if_%s", name->lower, gen_names_get (names, function)->lower);

      print_function_doc (names, function, function_symbol, out);
      print_prototype (names, service, function, "if", GEN_PARAMETERS_CALL,
                       gen_get_deprecated (&function->node) != NULL, out);
    }
}

static void
print_call (const GenNames *names,
            const IdlDefinition *service,
            const IdlFunction *function,
            const gchar *returns,
            const gchar *symbol,
            GenParameters which,
            GString *out)
{
  g_autofree gchar *head = g_strdup_printf ("%s %s ", returns, symbol);
  g_autoptr (GPtrArray) parameters = gen_list_parameters (names, service, function, which);
  gboolean deprecated = gen_get_deprecated (&function->node) != NULL;

  gen_print_call (out, head, parameters, deprecated ? ") G_GNUC_DEPRECATED;\n" : ");\n");
}

/* What Apache's compiler does not make. */
static void
print_calls (const GenNames *names,
             const IdlDefinition *service,
             const IdlFunction *function,
             GString *out)
{
  const GenCallNames *calls = gen_names_get (names, function)->calls;

  print_call (names, service, function, "gboolean", calls->with, GEN_PARAMETERS_WITH, out);
  print_call (names, service, function, "void", calls->async, GEN_PARAMETERS_ASYNC, out);
  print_call (names, service, function, "gboolean", calls->finish, GEN_PARAMETERS_FINISH, out);
}

static void
print_client (const GenNames *names, const IdlDefinition *service, GString *out)
{
  const GenName *name = gen_names_get (names, service);

  gen_print (
      out,
      "\n/* The client. _send_ and _recv_ are for one that was given an input_protocol and an\n"
      " * output_protocol; _with and _async take options of the call, or NULL; _finish hands out "
      "what\n"
      " * _async came to. */\n"
      "typedef TallyClient %sClient;\ntypedef TallyClientClass %sClientClass;\n\n",
      name->type, name->type);
  print_macros (name, "CLIENT", "Client", out);
  print_type_functions (name, "Client", out);
  gen_print (out, "%sClient *%s_client_new (TallyChannel *channel);\n", name->type, name->lower);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      gboolean deprecated = gen_get_deprecated (&function->node) != NULL;

      print_prototype (names, service, function, "client", GEN_PARAMETERS_CALL, deprecated, out);
      print_prototype (names, service, function, "client_send", GEN_PARAMETERS_SEND, deprecated,
                       out);
      if (!function->oneway)
        print_prototype (names, service, function, "client_recv", GEN_PARAMETERS_RECV, deprecated,
                         out);
      print_calls (names, service, function, out);
    }
}

static void
print_handler (const GenNames *names, const IdlDefinition *service, GString *out)
{
  const GenName *name = gen_names_get (names, service);
  const gchar *type = name->type;
  g_autofree gchar *parent =
      service->extends != NULL
          ? g_strdup_printf ("%sHandler", gen_names_get (names, service->extends)->type)
          : g_strdup ("GObject");

  gen_print (out,
             "\n/* The handler: derive from it and set the class's functions. */\n"
             "typedef struct _%sHandler\n{\n  %s parent;\n} %sHandler;\n"
             "typedef struct _%sHandlerClass\n{\n  %sClass parent;\n",
             type, parent, type, type, parent);
  print_vfuncs (names, service, out);
  print_later_vfuncs (names, service, out);
  gen_print (out, "} %sHandlerClass;\n\n", type);
  print_macros (name, "HANDLER", "Handler", out);
  print_type_functions (name, "Handler", out);

  for (guint i = 0; i < service->members->len; i++)
    print_prototype (names, service, g_ptr_array_index (service->members, i), "handler",
                     GEN_PARAMETERS_CALL, FALSE, out);
  gen_print_reply_prototypes (names, service, out);
}

static void
print_processor (const GenNames *names, const IdlDefinition *service, GString *out)
{
  const GenName *name = gen_names_get (names, service);

  gen_print (
      out,
      "\n/* The processor: its `handler` property takes the object that answers. */\n"
      "typedef TallyProcessor %sProcessor;\ntypedef TallyProcessorClass %sProcessorClass;\n\n",
      name->type, name->type);
  print_macros (name, "PROCESSOR", "Processor", out);
  print_type_functions (name, "Processor", out);
  gen_print (out, "\nextern const TallyService %s_service;\n\n", name->lower);
}

void
gen_print_service_header (const GenNames *names, const IdlDefinition *service, GString *out)
{
  const GenName *name = gen_names_get (names, service);

  gen_print_banner (service->program, out);

  g_autofree gchar *guard = gen_print_guard (name->lower, out);

  gen_print (out, "#include \"%s.h\"\n", gen_names_get_file (names, service->program));
  if (service->extends != NULL)
    gen_print (out, "#include \"%s.h\"\n", gen_names_get (names, service->extends)->lower);
  g_string_append (out, "\nG_BEGIN_DECLS\n\n");

  print_interface (names, service, out);
  print_client (names, service, out);
  print_handler (names, service, out);
  print_processor (names, service, out);

  gen_print (out, "G_END_DECLS\n\n#endif /* %s */\n", guard);
}

/* Gives the methods of a service, their parameters and the functions of its client their C names. */
#include "cnames-private.h"
#include "identifiers.h"

static void
name_function (GenNames *names,
               const GenSpace *space,
               const GenName *service,
               const IdlFunction *function)
{
  static const gchar *const parts[] = { "if", "client", "client_send", "client_recv", "handler" };
  g_autoptr (GArray) identifiers = g_array_new (FALSE, FALSE, sizeof (GenIdentifier));
  g_autofree gchar *lower = gen_initial_caps_to_underscores (function->node.name);
  GenName *name = g_new0 (GenName, 1);
  GenClash first = { NULL };

  for (name->lower = KEEP (names, "%s", lower);; name->lower = KEEP (names, "%s_", name->lower))
    {
      GenClash clash;

      g_array_set_size (identifiers, 0);
      for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        {
          const GenIdentifier identifier = {
            KEEP (names, "%s_%s_%s", service->lower, parts[i], name->lower), GEN_TAKEN_FUNCTION
          };

          g_array_append_val (identifiers, identifier);
        }
      if (gen_scope_take (space->scope, identifiers, &function->node, &clash))
        break;
      if (first.name == NULL)
        first = clash;
    }

  g_hash_table_insert (names->names, (gpointer) function, name);
  if (first.name != NULL)
    gen_names_add_clash (names, &function->node, &first, name->lower);
}

static void
name_parameters (GenNames *names,
                 const GenSpace *space,
                 const GenMemberRule *rule,
                 const GPtrArray *fields,
                 GHashTable *siblings)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const IdlField *field = g_ptr_array_index (fields, i);
      GenName *name = g_new0 (GenName, 1);

      name->member =
          gen_names_take_member (names, space, siblings, rule, &field->node, "", field->node.name);
      g_hash_table_insert (names->names, (gpointer) field, name);
    }
}

/* A function's whole name, of those that Apache's compiler does not make. @what: it is of @node, for the warning. */
static const gchar *
take_call (GenNames *names,
           const GenSpace *space,
           const IdlNode *node,
           const gchar *what,
           const gchar *wish)
{
  GenClash first = { NULL };
  const gchar *taken = gen_names_take_alone (names, space, node, GEN_TAKEN_FUNCTION, wish, &first);

  if (first.name != NULL)
    {
      g_autofree gchar *reason = gen_clash_describe (&first);

      gen_names_add_rename (names, node, what, first.name, reason, taken);
    }
  return taken;
}

static void
name_client_calls (GenNames *names,
                   const GenSpace *space,
                   const GenName *service,
                   const IdlFunction *function)
{
  GenName *name = g_hash_table_lookup (names->names, function);
  const struct
  {
    const gchar **name;
    const gchar *suffix;
    const gchar *what;
  } calls[] = {
    { &name->calls->with, "with", "the call with options of " },
    { &name->calls->async, "async", "the asynchronous call of " },
    { &name->calls->finish, "finish", "the end of the asynchronous call of " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    *calls[i].name =
        take_call (names, space, &function->node, calls[i].what,
                   KEEP (names, "%s_client_%s_%s", service->lower, name->lower, calls[i].suffix));
}

/* The function that answers a reply with what @function returns. */
static void
name_answer (GenNames *names,
             const GenSpace *space,
             const GenName *service,
             const IdlFunction *function)
{
  GenName *name = g_hash_table_lookup (names->names, function);

  if (!function->oneway)
    name->answer = take_call (names, space, &function->node, "the answer of ",
                              KEEP (names, "%s_reply_%s", service->lower, name->lower));
}

/* Those that answer with an exception. */
static void
name_exception_answers (GenNames *names,
                        const GenSpace *space,
                        const GenName *service,
                        const IdlFunction *function)
{
  const GenName *name = gen_names_get (names, function);

  for (guint i = 0; i < function->throws->len; i++)
    {
      const IdlField *field = g_ptr_array_index (function->throws, i);
      GenName *exception = g_hash_table_lookup (names->names, field);

      exception->answer = take_call (names, space, &field->node, "the answer with ",
                                     KEEP (names, "%s_reply_%s_%s", service->lower, name->lower,
                                           exception->member));
    }
}

/* What these functions call their own parameters, beside @siblings, the method's. */
static GenCallNames *
name_call_parameters (GenNames *names, const GenSpace *space, GHashTable *siblings)
{
  GenCallNames *calls = g_new0 (GenCallNames, 1);
  g_autoptr (GHashTable) others = g_hash_table_new (g_str_hash, g_str_equal);
  const struct
  {
    const gchar **name;
    const gchar *wish;
  } parameters[] = {
    { &calls->client, "client" },           { &calls->options, "options" },
    { &calls->cancellable, "cancellable" }, { &calls->callback, "callback" },
    { &calls->user_data, "user_data" },     { &calls->result, "result" },
    { &calls->handler, "handler" },         { &calls->reply, "reply" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    *parameters[i].name = gen_names_take_member (names, space, siblings, &gen_argument_rule, NULL,
                                                 "", parameters[i].wish);
  g_hash_table_add (others, (gpointer) calls->reply);
  calls->value =
      gen_names_take_member (names, space, others, &gen_argument_rule, NULL, "", "value");
  return calls;
}

void
gen_names_name_functions (GenNames *names, const GenSpace *space, const IdlDefinition *service)
{
  const GenName *service_name = gen_names_get (names, service);
  g_autoptr (GHashTable) vfuncs = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      g_autoptr (GHashTable) siblings = g_hash_table_new (g_str_hash, g_str_equal);

      name_function (names, space, service_name, function);

      GenName *name = g_hash_table_lookup (names->names, function);

      name->member = gen_names_take_member (names, space, vfuncs, &gen_vfunc_rule, &function->node,
                                            "", name->lower);
      name_parameters (names, space, &gen_argument_rule, function->arguments, siblings);
      name_parameters (names, space, &gen_exception_rule, function->throws, siblings);
      name->calls = name_call_parameters (names, space, siblings);
    }

  for (guint i = 0; i < service->members->len; i++)
    gen_names_take_for_cxx (names, space, vfuncs,
                            g_hash_table_lookup (names->names,
                                                 g_ptr_array_index (service->members, i)));
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      GenName *name = g_hash_table_lookup (names->names, function);
      GenName *later = name->calls->later = g_new0 (GenName, 1);

      later->member = gen_names_take_member (names, space, vfuncs, &gen_vfunc_rule, &function->node,
                                             "the asynchronous function of ",
                                             KEEP (names, "%s_async", name->lower));
      gen_names_take_for_cxx (names, space, vfuncs, later);
    }
}

void
gen_names_name_calls (GenNames *names, const GenSpace *space, const IdlDefinition *service)
{
  static void (*const steps[]) (GenNames *, const GenSpace *, const GenName *,
                                const IdlFunction *) = { name_client_calls, name_answer,
                                                         name_exception_answers };

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    for (guint j = 0; j < service->members->len; j++)
      steps[i](names, space, gen_names_get (names, service),
               g_ptr_array_index (service->members, j));
}

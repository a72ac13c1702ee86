/* The parts of which generated files are made; gen.c puts them together. */
#ifndef GEN_PARTS_H
#define GEN_PARTS_H

#include "tables.h"

G_BEGIN_DECLS

void gen_print_types_header (const GenNames *names, const IdlProgram *program, GString *out);
void gen_print_types_source (GenSource *source);
void gen_print_service_header (const GenNames *names, const IdlDefinition *service, GString *out);
void gen_print_service_source (GenSource *source, const IdlDefinition *service);

/* The constants' share of the types files. */
void
gen_print_constant_declarations (const GenNames *names, const IdlProgram *program, GString *out);
void gen_print_constant_definitions (GenSource *source);

/* A service's functions as all parts of it spell them. The list: (transfer full), of gchar *. */
typedef enum
{
  GEN_PARAMETERS_CALL,   /* iface, _return, arguments, exceptions, error */
  GEN_PARAMETERS_WITH,   /* client, options, _return, arguments, exceptions, error */
  GEN_PARAMETERS_ASYNC,  /* client, arguments, options, cancellable, callback, user_data */
  GEN_PARAMETERS_FINISH, /* client, result, _return, exceptions, error */
  GEN_PARAMETERS_SEND,   /* iface, arguments, error */
  GEN_PARAMETERS_RECV,   /* iface, _return, exceptions, error */
  GEN_PARAMETERS_LATER   /* handler, arguments, reply */
} GenParameters;

/* With their types, as in a prototype. */
GPtrArray *gen_list_parameters (const GenNames *names,
                                const IdlDefinition *service,
                                const IdlFunction *function,
                                GenParameters which);
/* Their names alone, as in a call. */
GPtrArray *gen_list_arguments (const GenNames *names, const IdlFunction *function);

/* Helpers on the model. */
gboolean gen_is_struct (const IdlDefinition *definition);
/* (nullable): the `deprecated` annotation's value. */
const gchar *gen_get_deprecated (const IdlNode *node);
/* Whether @function has a reply with something in it. */
gboolean gen_has_result (const IdlFunction *function);
/* (transfer full): how a member is declared, with its other name for C++ where it has one. */
gchar *gen_get_member (const GenName *name);
/* What every generated file says first. */
void gen_print_banner (const IdlProgram *program, GString *out);
/* `#ifndef GUARD` and so on; (transfer full): the guard. */
gchar *gen_print_guard (const gchar *file, GString *out);

G_END_DECLS

#endif /* GEN_PARTS_H */

/* What the parts of a service's files share. */
#ifndef GEN_SERVICE_PRIVATE_H
#define GEN_SERVICE_PRIVATE_H

#include "parts.h"

G_BEGIN_DECLS

/* (transfer full): the C struct of a method's arguments or result; @word is args or result. */
gchar *gen_service_get_struct (const GenSource *source, const GenName *method, const gchar *word);
/* (transfer full): of GenRow, in the order of the table, by id: `success` is 0. */
GPtrArray *gen_service_list_results (const GenSource *source, const IdlFunction *function);
/* (transfer full): `methods[INDEX]`, the method's table, and its address. */
gchar *gen_service_get_table (const GenSource *source, const IdlFunction *function);
gchar *gen_service_get_method (const GenSource *source, const IdlFunction *function);
/* `gboolean` and the head of a function with all its parameters. */
void gen_service_print_head (GenSource *source,
                             const IdlDefinition *service,
                             const IdlFunction *function,
                             const gchar *part,
                             GenParameters which);

/* service-client.c: how a client calls @function. */
void gen_print_client_functions (GenSource *source,
                                 const IdlDefinition *service,
                                 const IdlFunction *function);

/* service-reply.c: how a handler answers later, in the header and in the source. */
void gen_print_reply_prototypes (const GenNames *names, const IdlDefinition *service, GString *out);
void gen_print_reply_functions (GenSource *source, const IdlFunction *function);

G_END_DECLS

#endif /* GEN_SERVICE_PRIVATE_H */

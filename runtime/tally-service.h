/* The GObject types that tallyc emits for a service: interface, client and handler. Generated code
 * writes one macro for each; this registers them. The processor's is in tally-processor.h. */
#ifndef TALLY_SERVICE_H
#define TALLY_SERVICE_H

#include "tally-client.h"
#include "tally-processor.h"

G_BEGIN_DECLS

TALLY_API GType tally_service_register_interface (gsize *once, const gchar *name, gsize size);
TALLY_API GType tally_service_register_client (gsize *once,
                                               const gchar *name,
                                               GType (*parent_get_type) (void),
                                               GType (*interface_get_type) (void),
                                               GInterfaceInitFunc init);
TALLY_API GType tally_service_register_handler (gsize *once,
                                                const gchar *name,
                                                gsize class_size,
                                                GType (*parent_get_type) (void),
                                                GType (*interface_get_type) (void),
                                                GInterfaceInitFunc init);

TALLY_API gpointer tally_service_find_interface (gpointer object, gpointer *last, GType type);

/**
 * tally_service_get_interface: (skip)
 * @object: an instance
 * @last: a zeroed static variable
 * @interface_get_type: the interface's type
 *
 * GLib looks an interface up by bisection, at a tenth of what a small call costs; @last remembers the
 * functions of the class that was asked for last, which say themselves what class they are of.
 *
 * Returns: the functions with which @object implements the interface
 */
static inline gpointer
tally_service_get_interface (gpointer object, gpointer *last, GType (*interface_get_type) (void))
{
  GTypeInterface *known = (GTypeInterface *) g_atomic_pointer_get (last);

  if (G_LIKELY (known != NULL && known->g_instance_type == G_TYPE_FROM_INSTANCE (object)))
    return known;
  return tally_service_find_interface (object, last, interface_get_type ());
}

/* Defines name (), with which the stubs of one service find an object's functions. */
#define TALLY_DEFINE_GET_INTERFACE_AS(name, CType, c_prefix)                                       \
  static inline CType##Interface *name (CType *object)                                             \
  {                                                                                                \
    static gpointer last;                                                                          \
    return (CType##Interface *) tally_service_get_interface (object, &last, c_prefix##_get_type);  \
  }
/* What code that tallyc 0.1 generated says. */
#define TALLY_DEFINE_GET_INTERFACE(CType, c_prefix)                                                \
  TALLY_DEFINE_GET_INTERFACE_AS (get_interface, CType, c_prefix)

/* Define c_prefix##_get_type (); TALLY_DEFINE_PROCESSOR is in tally-processor.h. For `service Echo`
 * in namespace Demo:
 *
 *   TALLY_DEFINE_INTERFACE (DemoEchoIf, demo_echo_if)
 *   TALLY_DEFINE_CLIENT (DemoEchoClient, demo_echo_client, tally_client_get_type,
 *                        demo_echo_if_get_type, client_if_init)
 *   TALLY_DEFINE_HANDLER (DemoEchoHandler, demo_echo_handler, g_object_get_type,
 *                         demo_echo_if_get_type, handler_if_init)
 *
 * where a service that extends another names that one's client and handler as parents. */
#define TALLY_DEFINE_INTERFACE(CType, c_prefix)                                                    \
  GType c_prefix##_get_type (void)                                                                 \
  {                                                                                                \
    static gsize once;                                                                             \
    return tally_service_register_interface (&once, #CType, sizeof (CType##Interface));            \
  }
#define TALLY_DEFINE_CLIENT(CType, c_prefix, parent_get_type, interface_get_type, interface_init)  \
  GType c_prefix##_get_type (void)                                                                 \
  {                                                                                                \
    static gsize once;                                                                             \
    return tally_service_register_client (&once, #CType, parent_get_type, interface_get_type,      \
                                          interface_init);                                         \
  }
#define TALLY_DEFINE_HANDLER(CType, c_prefix, parent_get_type, interface_get_type, interface_init) \
  GType c_prefix##_get_type (void)                                                                 \
  {                                                                                                \
    static gsize once;                                                                             \
    return tally_service_register_handler (&once, #CType, sizeof (CType##Class), parent_get_type,  \
                                           interface_get_type, interface_init);                    \
  }

TALLY_API gboolean tally_service_unimplemented (gpointer handler,
                                                const TallyMethod *method,
                                                GError **error);

G_END_DECLS

#endif /* TALLY_SERVICE_H */

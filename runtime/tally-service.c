/* Registers the GObject types of generated services. It knows what these types have in
 * common and nothing of calls, requests or any one service. */
#include "tally-service.h"
#include "resident-private.h"

#include <thrift/c_glib/thrift_application_exception.h>

/**
 * tally_service_register_interface: (skip)
 * @once: a zeroed static variable
 * @name: the GType's name
 * @size: bytes of the interface struct
 *
 * Registers the interface of a generated service once, whichever thread comes first.
 *
 * Returns: the type
 */
GType
tally_service_register_interface (gsize *once, const gchar *name, gsize size)
{
  if (g_once_init_enter (once))
    {
      const GTypeInfo info = { .class_size = (guint16) size };

      tally_make_resident (once);
      g_once_init_leave (once, g_type_register_static (G_TYPE_INTERFACE, name, &info, 0));
    }

  return *once;
}

/* A class that can be unloaded takes its functions along, and is not remembered. */
/**
 * tally_service_find_interface: (skip)
 * @object: (type GObject.Object): an instance
 * @last: (inout): a zeroed static variable, which remembers the answer
 * @type: an interface
 *
 * The slow path of tally_service_get_interface().
 *
 * Returns: (transfer none) (nullable): the functions with which @object implements it
 */
gpointer
tally_service_find_interface (gpointer object, gpointer *last, GType type)
{
  GType class_type = G_TYPE_FROM_INSTANCE (object);
  GTypeInterface *found = g_type_interface_peek (((GTypeInstance *) object)->g_class, type);

  if (found != NULL && found->g_instance_type == class_type
      && g_type_get_plugin (class_type) == NULL)
    g_atomic_pointer_set (last, found);
  return found;
}

/* Registers a class whose instances are its parent's and that implements an interface. */
static GType
register_class (
    const gchar *name, gsize class_size, GType parent, GType interface, GInterfaceInitFunc init)
{
  GTypeQuery query;

  g_type_query (parent, &query);

  const GTypeInfo info = { .class_size = (guint16) MAX (class_size, query.class_size),
                           .instance_size = (guint16) query.instance_size };
  const GInterfaceInfo implementation = { .interface_init = init };
  GType type = g_type_register_static (parent, name, &info, 0);

  g_type_add_interface_static (type, interface, &implementation);
  return type;
}

/**
 * tally_service_register_client: (skip)
 * @once: a zeroed static variable
 * @name: the GType's name
 * @parent_get_type: (scope call): the parent class's type
 * @interface_get_type: (scope call): the type of the interface that it implements
 * @init: (scope forever): fills in the interface
 *
 * Registers the client of a generated service once, whichever thread comes first.
 *
 * Returns: the type
 */
GType
tally_service_register_client (gsize *once,
                               const gchar *name,
                               GType (*parent_get_type) (void),
                               GType (*interface_get_type) (void),
                               GInterfaceInitFunc init)
{
  return tally_service_register_handler (once, name, 0, parent_get_type, interface_get_type, init);
}

/**
 * tally_service_register_handler: (skip)
 * @once: a zeroed static variable
 * @name: the GType's name
 * @class_size: bytes of the class struct
 * @parent_get_type: (scope call): the parent class's type
 * @interface_get_type: (scope call): the type of the interface that it implements
 * @init: (scope forever): fills in the interface
 *
 * Registers the handler of a generated service once, whichever thread comes first.
 *
 * Returns: the type
 */
GType
tally_service_register_handler (gsize *once,
                                const gchar *name,
                                gsize class_size,
                                GType (*parent_get_type) (void),
                                GType (*interface_get_type) (void),
                                GInterfaceInitFunc init)
{
  if (g_once_init_enter (once))
    {
      tally_make_resident (once);
      g_once_init_leave (once, register_class (name, class_size, parent_get_type (),
                                               interface_get_type (), init));
    }

  return *once;
}

/**
 * tally_service_unimplemented: (skip)
 * @handler: (type GObject.Object): a handler
 * @method: the method that it has no function for
 * @error: return location
 *
 * What a handler does for a method that its class leaves out.
 *
 * Returns: %FALSE, with %THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD, which names class and method
 */
gboolean
tally_service_unimplemented (gpointer handler, const TallyMethod *method, GError **error)
{
  g_set_error (error, THRIFT_APPLICATION_EXCEPTION_ERROR,
               THRIFT_APPLICATION_EXCEPTION_ERROR_UNKNOWN_METHOD, "%s does not implement method %s",
               G_OBJECT_TYPE_NAME (handler), method->name);
  return FALSE;
}

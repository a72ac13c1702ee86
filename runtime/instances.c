/* The instances of structs that are GObjects, from the first to the last: how the engine makes one, and how it ends one that
 * nobody else knows. It knows no field and no protocol. */
#include "codec-private.h"
#include "struct-private.h"

/* Set before the first instance is made: the class that TallyStruct derives from, and what GObject itself does in dispose. */
static GObjectClass *parent_class;
static void (*object_dispose) (GObject *object);

static void
finalize (GObject *object)
{
  tally_struct_dispose_instance (tally_struct_peek_info (object), object);
  parent_class->finalize (object);
}

void
tally_instances_init_class (TallyStructClass *class)
{
  parent_class = g_type_class_peek_parent (class);
  object_dispose = ((GObjectClass *) g_type_class_peek (G_TYPE_OBJECT))->dispose;
  ((GObjectClass *) class)->finalize = finalize;
}

gpointer
tally_instance_new (const TallyStructInfo *info)
{
  return g_object_new_with_properties (tally_struct_find_type (info), 0, NULL, NULL);
}

/* Whether the caller's reference is the only thing that anybody has of @object, and what its class does at its end is known.
 * GObject keeps weak references of both kinds, toggle references, data, closures that watch it, bindings, frozen
 * notifications and the floating flag in its datalist. Nobody can add to that without a reference. */
static inline gboolean
is_lone (const GObject *object)
{
  const GObjectClass *class;

  /* Nothing else is read of an object that another thread may end. */
  if (__atomic_load_n (&object->ref_count, __ATOMIC_ACQUIRE) != 1)
    return FALSE;
  class = (const GObjectClass *) object->g_type_instance.g_class;
  return object->qdata == NULL && class->finalize == finalize && class->dispose == object_dispose;
}

/* g_object_unref () of a lone object does what this does, and besides makes and frees a queue for notifications that nobody
 * sends, and looks a dozen times, under locks, for what is_lone () has seen is not there: three quarters of what an object
 * costs from its making to its end. Signal handlers are not in the datalist; what is told of their end may still take a
 * reference. An element that is NULL or no object of ours is left to g_object_unref (), which says so. */
void
tally_instance_unref (gpointer instance)
{
  GObject *object = instance;

  if (G_LIKELY (object != NULL && is_lone (object)))
    g_signal_handlers_destroy (object);
  if (G_UNLIKELY (object == NULL || !is_lone (object)))
    {
      g_object_unref (object);
      return;
    }
  __atomic_store_n (&object->ref_count, 0, __ATOMIC_RELAXED);
  finalize (object);
  g_type_free_instance (&object->g_type_instance);
}

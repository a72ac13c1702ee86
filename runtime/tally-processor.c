/* The processor class: owns the handler and the registration of generated processor types. It knows
 * no socket and no server. */
#include "tally-processor.h"

enum
{
  PROP_0,
  PROP_HANDLER
};

G_DEFINE_TYPE (TallyProcessor, tally_processor, THRIFT_TYPE_DISPATCH_PROCESSOR)

static void
tally_processor_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  switch (id)
    {
    case PROP_HANDLER:
      g_clear_object (&self->handler);
      self->handler = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_processor_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  switch (id)
    {
    case PROP_HANDLER:
      g_value_set_object (value, self->handler);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
tally_processor_dispose (GObject *object)
{
  TallyProcessor *self = TALLY_PROCESSOR (object);

  g_clear_object (&self->handler);
  G_OBJECT_CLASS (tally_processor_parent_class)->dispose (object);
}

static void
install_handler_property (GObjectClass *object_class, GType handler_type)
{
  g_object_class_install_property (
      object_class, PROP_HANDLER,
      g_param_spec_object ("handler", "Handler", "The object whose functions answer the calls",
                           handler_type, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

static void
tally_processor_class_init (TallyProcessorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = tally_processor_set_property;
  object_class->get_property = tally_processor_get_property;
  object_class->dispose = tally_processor_dispose;
  install_handler_property (object_class, G_TYPE_OBJECT);
}

static void
tally_processor_init (TallyProcessor *self)
{
}

/* A generated class differs from its parent in the table and in the handler it accepts. */
static void
generated_class_init (gpointer klass, gpointer data)
{
  const TallyProcessorInfo *info = data;

  ((TallyProcessorClass *) klass)->service = info->service;
  install_handler_property (klass, info->get_handler_type ());
}

/**
 * tally_processor_register:
 * @once: a zeroed static variable
 * @info: constant data that lives for ever
 *
 * Registers the type of a generated processor. Thread-safe.
 *
 * Returns: the type, the same one each time
 */
GType
tally_processor_register (gsize *once, const TallyProcessorInfo *info)
{
  if (g_once_init_enter (once))
    {
      const GTypeInfo type_info = {
        .class_size = sizeof (TallyProcessorClass),
        .class_init = generated_class_init,
        .class_data = info,
        .instance_size = sizeof (TallyProcessor),
      };
      GType type = g_type_register_static (info->get_parent_type (), info->type_name, &type_info, 0);

      g_once_init_leave (once, type);
    }
  return *once;
}

/* The tutorial's server: a calculator that keeps a journal. */
#include <tally.h>

#include "command-line.h"
#include "serve.h"
#include "tutorial_calculator.h"

/* The handler derives from the generated class and fills in what the service can do, here with what
 * comes from the extended service too. Several threads call it at once. */
typedef struct
{
  TutorialCalculatorHandler parent;

  GMutex lock;
  GHashTable *journal; /* gint to TutorialEntry; under the lock */
} Calculator;

typedef TutorialCalculatorHandlerClass CalculatorClass;

GType calculator_get_type (void);
G_DEFINE_TYPE (Calculator, calculator, TUTORIAL_TYPE_CALCULATOR_HANDLER)

static gboolean
ping (TutorialCalculatorIf *iface, GError **error)
{
  return TRUE;
}

static gboolean
add (TutorialCalculatorIf *iface,
     TutorialNumber *_return,
     const TutorialNumber left,
     const TutorialNumber right,
     GError **error)
{
  *_return = left + (gint64) right;
  return TRUE;
}

/* (nullable): why @work cannot be done; otherwise @result is its result. */
static const gchar *
compute (const TutorialWork *work, TutorialNumber *result)
{
  gint64 left = work->left;
  gint64 right = work->right;

  if (ABS (left) > TUTORIAL_LARGEST || ABS (right) > TUTORIAL_LARGEST)
    return "an operand is too large";
  switch (work->operation)
    {
    case TUTORIAL_OPERATION_ADD:
      *result = left + right;
      return NULL;
    case TUTORIAL_OPERATION_SUBTRACT:
      *result = left - right;
      return NULL;
    case TUTORIAL_OPERATION_MULTIPLY:
      if (ABS (left * right) > G_MAXINT32)
        return "the product is too large";
      *result = left * right;
      return NULL;
    case TUTORIAL_OPERATION_DIVIDE:
      if (right == 0)
        return "nothing can be divided by 0";
      *result = left / right;
      return NULL;
    default: /* a newer client's operation arrives as its number */
      return "no such operation";
    }
}

static void
write_down (Calculator *self, gint32 id, const TutorialWork *work, TutorialNumber result)
{
  static const gchar signs[] = { [TUTORIAL_OPERATION_ADD] = '+',
                                 [TUTORIAL_OPERATION_SUBTRACT] = '-',
                                 [TUTORIAL_OPERATION_MULTIPLY] = '*',
                                 [TUTORIAL_OPERATION_DIVIDE] = '/' };
  g_autofree gchar *text =
      g_strdup_printf ("%d %c %d = %d", work->left, signs[work->operation], work->right, result);
  TutorialEntry *entry = g_object_new (TUTORIAL_TYPE_ENTRY, "id", id, "text", text, NULL);

  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->journal, GINT_TO_POINTER (id), entry);
  g_mutex_unlock (&self->lock);
}

static gboolean
calculate (TutorialCalculatorIf *iface,
           TutorialNumber *_return,
           const gint32 id,
           const TutorialWork *work,
           TutorialInvalidWork **invalid,
           GError **error)
{
  const gchar *why = compute (work, _return);

  if (why != NULL)
    {
      *invalid =
          g_object_new (TUTORIAL_TYPE_INVALID_WORK, "operation", work->operation, "why", why, NULL);
      return FALSE;
    }
  write_down ((Calculator *) iface, id, work, *_return);
  return TRUE;
}

static gboolean
forget (TutorialCalculatorIf *iface, GError **error)
{
  Calculator *self = (Calculator *) iface;

  g_mutex_lock (&self->lock);
  g_hash_table_remove_all (self->journal);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gboolean
get_entry (TutorialJournalIf *iface,
           TutorialEntry **_return,
           const gint32 id,
           TutorialNoSuchEntry **missing,
           GError **error)
{
  Calculator *self = (Calculator *) iface;
  TutorialEntry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->journal, GINT_TO_POINTER (id));
  if (entry != NULL)
    g_set_object (_return, entry); /* an entry never changes once it is written */
  g_mutex_unlock (&self->lock);
  if (entry != NULL)
    return TRUE;
  *missing = g_object_new (TUTORIAL_TYPE_NO_SUCH_ENTRY, "id", id, NULL);
  return FALSE;
}

static void
calculator_finalize (GObject *object)
{
  Calculator *self = (Calculator *) object;

  g_hash_table_unref (self->journal);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (calculator_parent_class)->finalize (object);
}

static void
calculator_class_init (CalculatorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = calculator_finalize;
  klass->ping = ping;
  klass->add = add;
  klass->calculate = calculate;
  klass->forget = forget;
  TUTORIAL_JOURNAL_HANDLER_CLASS (klass)->get_entry = get_entry;
}

static void
calculator_init (Calculator *self)
{
  g_mutex_init (&self->lock);
  self->journal = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
}

int
main (int argc, char **argv)
{
  g_autoptr (GObject) handler = NULL;
  g_autoptr (TutorialCalculatorProcessor) processor = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *uri = NULL;

  if (!command_line_parse (&argc, &argv, "Serves the tutorial's calculator.", SERVE_URI_DESCRIPTION,
                           NULL, &uri, &error))
    {
      g_printerr ("calculator-server: %s\n", error->message);
      return 2;
    }
  handler = g_object_new (calculator_get_type (), NULL);
  processor = g_object_new (TUTORIAL_TYPE_CALCULATOR_PROCESSOR, "handler", handler, NULL);
  if (!serve (THRIFT_PROCESSOR (processor), uri != NULL ? uri : "tcp://localhost:9090", &error))
    {
      g_printerr ("calculator-server: %s\n", error->message);
      return 1;
    }
  return 0;
}

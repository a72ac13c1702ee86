/* What a program sees of a struct's life as a GObject, where the engine and not the program ends it: an element, a field or a
 * map's value, that ends with what holds it. */
#include "fixture.h"
#include "harness.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FixAll, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FixNode, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FixPoint, g_object_unref)

/* A Node whose first child is @child. (transfer full) */
static FixNode *
new_parent (gpointer child)
{
  FixNode *parent = g_object_new (fix_node_get_type (), NULL);

  g_ptr_array_add (parent->children, child);
  return parent;
}

static void
count_object (gpointer data, GObject *object)
{
  (*(guint *) data)++;
}

static void
count (gpointer data)
{
  (*(guint *) data)++;
}

/* Counts if the object is still whole when this is told of its end. */
static void
count_whole (gpointer data, GObject *object)
{
  (*(guint *) data) += object->ref_count == 1 && ((FixNode *) object)->children != NULL;
}

static void
weak_references_are_told (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  FixNode *parent = new_parent (child);
  gpointer pointer = child;
  GWeakRef weak;
  guint told = 0;

  parent->next = g_object_new (fix_node_get_type (), NULL);
  g_object_weak_ref (G_OBJECT (child), count_whole, &told);
  g_object_add_weak_pointer (G_OBJECT (parent->next), &pointer);
  g_weak_ref_init (&weak, child);
  g_object_unref (parent);
  assert_int (told, 1);
  CU_ASSERT_PTR_NULL (pointer);
  CU_ASSERT_PTR_NULL (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
}

static void
a_weak_reference_alone_is_told (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  FixNode *parent = new_parent (child);
  GWeakRef weak;

  g_weak_ref_init (&weak, child);
  g_object_unref (parent);
  CU_ASSERT_PTR_NULL (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
}

static void
note_toggle (gpointer data, GObject *object, gboolean is_last)
{
  *(gint *) data = is_last;
}

static void
a_toggle_reference_keeps_the_object (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  FixNode *parent = new_parent (child);
  gint is_last = -1;

  child->value = 7;
  g_object_add_toggle_ref (G_OBJECT (child), note_toggle, &is_last);
  g_object_unref (parent);
  assert_int (is_last, TRUE);
  assert_int (child->value, 7);
  g_object_remove_toggle_ref (G_OBJECT (child), note_toggle, &is_last);
}

static void
a_reference_keeps_the_object (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  FixNode *parent = new_parent (g_object_ref (child));

  g_object_unref (parent);
  assert_int (G_OBJECT (child)->ref_count, 1);
  assert_int (child->children->len, 0);
  g_object_unref (child);
}

static void
data_is_freed (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  guint freed = 0;

  g_object_set_data_full (G_OBJECT (child), "data", &freed, count);
  g_object_unref (new_parent (child));
  assert_int (freed, 1);
}

/* ---- closures and signals ---- */

static void
count_closure (gpointer data, GClosure *closure)
{
  (*(guint *) data)++;
}

static void
a_signal_handler_is_freed (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  guint freed = 0;

  g_signal_connect_data (child, "notify", G_CALLBACK (count_object), &freed, count_closure, 0);
  g_object_unref (new_parent (child));
  assert_int (freed, 1);
}

static void
take_reference (gpointer data, GClosure *closure)
{
  GObject **object = data;

  g_object_ref (*object);
}

/* What is told of a handler's end sees the object whole, and may keep it. */
static void
a_signal_handler_may_keep_the_object (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  gpointer kept = child;

  child->value = 7;
  g_signal_connect_data (child, "notify", G_CALLBACK (count_object), &kept, take_reference, 0);
  g_object_unref (new_parent (child));
  assert_int (G_OBJECT (child)->ref_count, 1);
  assert_int (child->value, 7);
  g_object_unref (child);
}

static void
a_closure_that_watches_ends (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  g_autoptr (FixNode) source = g_object_new (fix_node_get_type (), NULL);
  g_autoptr (GObject) binding = NULL;
  gulong handler =
      g_signal_connect_object (source, "notify::next", G_CALLBACK (count_object), child, 0);

  binding = g_object_ref (
      (GObject *) g_object_bind_property (source, "value", child, "value", G_BINDING_DEFAULT));
  g_object_set (source, "value", 3, NULL);
  assert_int (child->value, 3);
  g_object_unref (new_parent (child));
  CU_ASSERT_FALSE (g_signal_handler_is_connected (source, handler));
  CU_ASSERT_PTR_NULL (g_binding_dup_target ((GBinding *) binding));
  g_object_set (source, "value", 4, NULL);
}

static void
frozen_notifications_are_dropped (void)
{
  FixNode *child = g_object_new (fix_node_get_type (), NULL);
  guint notified = 0;

  g_signal_connect_swapped (child, "notify", G_CALLBACK (count), &notified);
  g_object_freeze_notify (G_OBJECT (child));
  g_object_set (child, "value", 3, NULL);
  g_object_unref (new_parent (child));
  assert_int (notified, 0);
}

/* ---- a class of the program's own ---- */

typedef struct
{
  FixPoint parent;
  gchar *more;
} OwnPoint;

typedef TallyStructClass OwnPointClass;

typedef struct
{
  gint64 magic;
} OwnPointPrivate;

static guint n_constructed, n_disposed, n_finalized;
static gboolean survives; /* the next dispose */

GType own_point_get_type (void);
G_DEFINE_TYPE_WITH_PRIVATE (OwnPoint, own_point, fix_point_get_type ())

static void
own_point_constructed (GObject *object)
{
  n_constructed++;
  G_OBJECT_CLASS (own_point_parent_class)->constructed (object);
}

static void
own_point_dispose (GObject *object)
{
  n_disposed++;
  if (survives)
    g_object_ref (object);
  survives = FALSE;
  G_OBJECT_CLASS (g_type_class_peek (fix_point_get_type ()))->dispose (object);
}

static void
own_point_finalize (GObject *object)
{
  OwnPointPrivate *private = own_point_get_instance_private ((OwnPoint *) object);

  n_finalized += private->magic == 77;
  assert_int (((FixPoint *) object)->far, 9); /* what is the parent's is still there */
  g_free (((OwnPoint *) object)->more);
  G_OBJECT_CLASS (own_point_parent_class)->finalize (object);
}

static void
own_point_class_init (OwnPointClass *class)
{
  G_OBJECT_CLASS (class)->constructed = own_point_constructed;
  G_OBJECT_CLASS (class)->dispose = own_point_dispose;
  G_OBJECT_CLASS (class)->finalize = own_point_finalize;
}

/* The parent's values are there when the instance's own begin. */
static void
own_point_init (OwnPoint *self)
{
  OwnPointPrivate *private = own_point_get_instance_private (self);

  private->magic = 77;
  self->more = g_strdup ("more");
  assert_int (self->parent.far, 5);
  assert_int (self->parent.tags->len, 2);
  self->parent.far = 9;
}

static FixAll *
new_holder (gpointer point)
{
  FixAll *all = g_object_new (fix_all_get_type (), NULL);

  g_ptr_array_add (all->points, point);
  return all;
}

static void
a_class_of_the_programs_runs_its_own (void)
{
  g_type_ensure (own_point_get_type ());
  n_constructed = n_disposed = n_finalized = 0;
  g_object_unref (new_holder (g_object_new (g_type_from_name ("OwnPoint"), NULL)));
  assert_int (n_constructed, 1);
  assert_int (n_disposed, 1);
  assert_int (n_finalized, 1);
}

static void
dispose_may_keep_the_object (void)
{
  OwnPoint *own = g_object_new (own_point_get_type (), NULL);

  n_disposed = n_finalized = 0;
  survives = TRUE;
  g_object_unref (new_holder (own));
  assert_int (n_disposed, 1);
  assert_int (n_finalized, 0);
  assert_int (G_OBJECT (own)->ref_count, 1);
  assert_string (own->more, "more");
  g_object_unref (own);
  assert_int (n_disposed, 2);
  assert_int (n_finalized, 1);
}

/* What is told of its end, and asks for another turn, is GObject's dispose alone. */
typedef FixPoint LastingPoint;
typedef TallyStructClass LastingPointClass;

GType lasting_point_get_type (void);
G_DEFINE_TYPE (LastingPoint, lasting_point, fix_point_get_type ())

static void
lasting_point_class_init (LastingPointClass *class)
{
  G_OBJECT_CLASS (class)->dispose = own_point_dispose;
}

static void
lasting_point_init (LastingPoint *self)
{
}

static void
a_class_may_have_a_dispose_only (void)
{
  n_disposed = 0;
  g_object_unref (new_holder (g_object_new (lasting_point_get_type (), NULL)));
  assert_int (n_disposed, 1);
}

/* Nothing overridden: what ends it is what ends its parent's. */
typedef struct
{
  FixPoint parent;
  gint64 more[20];
} PlainPoint;

typedef TallyStructClass PlainPointClass;

GType plain_point_get_type (void);
G_DEFINE_TYPE (PlainPoint, plain_point, fix_point_get_type ())

static void
plain_point_class_init (PlainPointClass *class)
{
}

static void
plain_point_init (PlainPoint *self)
{
  assert_int (self->more[19], 0);
  self->more[19] = 3;
}

static void
a_class_may_add_members_only (void)
{
  for (guint i = 0; i < 3; i++)
    {
      FixAll *all = new_holder (g_object_new (plain_point_get_type (), "x", i, NULL));
      g_autoptr (GObject) copy = tally_struct_copy (all);

      CU_ASSERT_TRUE (tally_struct_equal (all, copy));
      g_object_unref (all);
    }
}

/* ---- what is no object of ours ---- */

static void
an_object_of_another_class_is_let_go (void)
{
  GObject *other = g_object_new (G_TYPE_OBJECT, NULL);
  FixNode *parent = new_parent (other);
  guint told = 0;

  g_object_weak_ref (other, count_object, &told);
  g_ptr_array_add (parent->children, g_object_new (G_TYPE_OBJECT, NULL));
  g_object_unref (parent);
  assert_int (told, 1);
}

static void
an_element_that_is_null_is_complained_of (void)
{
  g_test_expect_message ("GLib-GObject", G_LOG_LEVEL_CRITICAL, "*g_object_unref*");
  g_object_unref (new_parent (NULL));
  g_test_assert_expected_messages ();
}

/* ---- threads ---- */

#define ROUNDS 2000

static gint64 rounds_ended;

static void
end_round (gpointer data, GObject *object)
{
  __atomic_add_fetch (&rounds_ended, 1, __ATOMIC_RELAXED);
}

static gpointer
end_parents (gpointer data)
{
  GPtrArray *parents = data;

  g_ptr_array_set_size (parents, 0);
  return NULL;
}

/* Whichever of two threads is last ends the object, once. */
static void
two_threads_let_go (void)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) right = g_ptr_array_new_with_free_func (g_object_unref);
  GThread *thread;

  rounds_ended = 0;
  for (guint i = 0; i < ROUNDS; i++)
    {
      FixNode *child = g_object_new (fix_node_get_type (), NULL);

      if (i % 2 == 0)
        g_object_weak_ref (G_OBJECT (child), end_round, NULL);
      g_ptr_array_add (left, new_parent (g_object_ref (child)));
      g_ptr_array_add (right, new_parent (child));
    }
  thread = g_thread_new ("left", end_parents, left);
  end_parents (right);
  g_thread_join (thread);
  assert_int (rounds_ended, ROUNDS / 2);
}

/* ---- decoding ---- */

static GBytes *
encode (gpointer object, gint protocol)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = tally_struct_encode (object, protocol, &error);

  assert_no_error (error);
  return bytes;
}

/* What was there is let go as anything is, and none of it is left. */
static void
decoding_replaces_what_was_there (void)
{
  for (gint protocol = TALLY_PROTOCOL_BINARY; protocol <= TALLY_PROTOCOL_COMPACT; protocol++)
    {
      g_autoptr (FixAll) wanted = fix_all_new_full (TRUE);
      g_autoptr (FixAll) used = fix_all_new_full (TRUE);
      g_autoptr (GBytes) bytes = encode (wanted, protocol);
      g_autoptr (FixPoint) kept = fix_point_new (1, "kept");
      g_autoptr (GError) error = NULL;
      guint told = 0;

      g_ptr_array_add (used->points, g_object_ref (kept));
      for (guint i = 0; i < 5; i++)
        {
          FixPoint *gone = fix_point_new ((gint32) i, "gone");

          g_object_weak_ref (G_OBJECT (gone), count_object, &told);
          g_ptr_array_add (used->points, gone);
        }
      CU_ASSERT_TRUE (tally_struct_decode (used, protocol, g_bytes_get_data (bytes, NULL),
                                           g_bytes_get_size (bytes), &error));
      assert_no_error (error);
      CU_ASSERT_TRUE (tally_struct_equal (used, wanted));
      assert_int (told, 5);
      assert_int (G_OBJECT (kept)->ref_count, 1);
      assert_string (kept->tags->pdata[0], "kept");
    }
}

static void
a_failure_while_decoding_leaves_nothing (void)
{
  g_autoptr (FixAll) full = fix_all_new_full (FALSE);
  g_autoptr (FixAll) empty = g_object_new (fix_all_get_type (), NULL);
  g_autoptr (FixAll) used = fix_all_new_full (FALSE);
  g_autoptr (GBytes) bytes = encode (full, TALLY_PROTOCOL_COMPACT);
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  for (gsize cut = 0; cut < length; cut++)
    CU_ASSERT_FALSE (tally_struct_decode (used, TALLY_PROTOCOL_COMPACT, data, cut, NULL));
  CU_ASSERT_TRUE (tally_struct_equal (used, empty));
}

static const TestCase cases[] = {
  TEST (weak_references_are_told),
  TEST (a_weak_reference_alone_is_told),
  TEST (a_toggle_reference_keeps_the_object),
  TEST (a_reference_keeps_the_object),
  TEST (data_is_freed),
  TEST (a_signal_handler_is_freed),
  TEST (a_signal_handler_may_keep_the_object),
  TEST (a_closure_that_watches_ends),
  TEST (frozen_notifications_are_dropped),
  TEST (a_class_of_the_programs_runs_its_own),
  TEST (dispose_may_keep_the_object),
  TEST (a_class_may_have_a_dispose_only),
  TEST (a_class_may_add_members_only),
  TEST (an_object_of_another_class_is_let_go),
  TEST (an_element_that_is_null_is_complained_of),
  TEST (two_threads_let_go),
  TEST (decoding_replaces_what_was_there),
  TEST (a_failure_while_decoding_leaves_nothing),
  { NULL },
};

int
main (int argc, char **argv)
{
  return test_main ("instances", cases, argc, argv);
}

/* Finds the cycles of structs that hold each other: the strongly connected components of the graph
 * whose edges are fields of struct type (Tarjan 1972). With an explicit stack, because the depth is
 * the input's. */
#include "cycles.h"

typedef struct
{
  guint index; /* order of discovery, from 1 */
  guint low;   /* the earliest node on the stack that can be reached */
  gboolean stacked;
} Node;

/* A struct being visited, and how many of its fields have been looked at. */
typedef struct
{
  const IdlDefinition *definition;
  guint next;
} Visit;

struct _GenCycles
{
  GHashTable *nodes; /* of IdlDefinition to Node; afterwards low names the component */
  GPtrArray *stack;
  guint counter;
};

static const IdlDefinition *
get_struct (const IdlType *type)
{
  const IdlDefinition *definition = idl_type_get_definition (type);

  return definition != NULL && definition->kind != IDL_DEFINITION_ENUM ? definition : NULL;
}

static Node *
discover (GenCycles *cycles, const IdlDefinition *definition, GArray *visits)
{
  Node *node = g_new0 (Node, 1);
  Visit visit = { definition, 0 };

  node->index = node->low = ++cycles->counter;
  node->stacked = TRUE;
  g_hash_table_insert (cycles->nodes, (gpointer) definition, node);
  g_ptr_array_add (cycles->stack, (gpointer) definition);
  g_array_append_val (visits, visit);
  return node;
}

/* All of @definition's component has been seen when nothing earlier can be reached from it. */
static void
finish (GenCycles *cycles, const IdlDefinition *definition, Node *node)
{
  if (node->low != node->index)
    return;

  const IdlDefinition *member;

  do
    {
      member = g_ptr_array_steal_index (cycles->stack, cycles->stack->len - 1);

      Node *member_node = g_hash_table_lookup (cycles->nodes, member);

      member_node->stacked = FALSE;
      member_node->low = node->index;
    }
  while (member != definition);
}

static void
visit_all_from (GenCycles *cycles, const IdlDefinition *start)
{
  g_autoptr (GArray) visits = g_array_new (FALSE, FALSE, sizeof (Visit));

  discover (cycles, start, visits);
  while (visits->len > 0)
    {
      Visit *visit = &g_array_index (visits, Visit, visits->len - 1);
      Node *node = g_hash_table_lookup (cycles->nodes, visit->definition);

      if (visit->next == visit->definition->members->len)
        {
          const IdlDefinition *done = visit->definition;

          finish (cycles, done, node);
          g_array_set_size (visits, visits->len - 1);
          if (visits->len > 0)
            {
              visit = &g_array_index (visits, Visit, visits->len - 1);

              Node *parent = g_hash_table_lookup (cycles->nodes, visit->definition);

              parent->low = MIN (parent->low, node->low);
            }
          continue;
        }

      const IdlField *field = g_ptr_array_index (visit->definition->members, visit->next++);
      const IdlDefinition *target = get_struct (field->type);

      if (target == NULL)
        continue;

      Node *other = g_hash_table_lookup (cycles->nodes, target);

      if (other == NULL)
        discover (cycles, target, visits);
      else if (other->stacked)
        node->low = MIN (node->low, other->index);
    }
}

GenCycles *
gen_cycles_new (const GPtrArray *programs)
{
  GenCycles *cycles = g_new0 (GenCycles, 1);

  cycles->nodes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  cycles->stack = g_ptr_array_new ();

  for (guint i = 0; i < programs->len; i++)
    {
      const IdlProgram *program = g_ptr_array_index (programs, i);

      for (guint j = 0; j < program->definitions->len; j++)
        {
          const IdlDefinition *definition = g_ptr_array_index (program->definitions, j);
          gboolean is_struct = definition->kind == IDL_DEFINITION_STRUCT
                               || definition->kind == IDL_DEFINITION_UNION
                               || definition->kind == IDL_DEFINITION_EXCEPTION;

          if (is_struct && !g_hash_table_contains (cycles->nodes, definition))
            visit_all_from (cycles, definition);
        }
    }

  return cycles;
}

void
gen_cycles_free (GenCycles *cycles)
{
  g_hash_table_unref (cycles->nodes);
  g_ptr_array_unref (cycles->stack);
  g_free (cycles);
}

gboolean
gen_cycles_contain (const GenCycles *cycles, const IdlDefinition *owner, const IdlType *type)
{
  const IdlDefinition *target = get_struct (type);

  if (target == NULL)
    return FALSE;

  const Node *from = g_hash_table_lookup (cycles->nodes, owner);
  const Node *to = g_hash_table_lookup (cycles->nodes, target);

  return from->low == to->low;
}

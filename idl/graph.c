/* Owns the search for cycles among a program's definitions, depth first with its own stack: a chain
 * of 100,000 typedefs must not use the thread's. It does not know what an edge means. */
#include "graph.h"

enum
{
  MARK_NEW,
  MARK_OPEN,
  MARK_DONE
};

typedef struct
{
  IdlDefinition *definition;
  GPtrArray *targets;
  guint next;
} Frame;

typedef struct
{
  const IdlProgram *program;
  guint kinds;
  IdlGraphEdges edges;
  IdlGraphCycle cycle;
  gpointer user_data;
  GArray *stack; /* of Frame */
} Search;

static gboolean
is_node (const Search *search, const IdlDefinition *definition)
{
  return definition->program == search->program && (search->kinds & (1u << definition->kind)) != 0;
}

static void
push (Search *search, IdlDefinition *definition)
{
  Frame frame = { definition, g_ptr_array_new (), 0 };

  definition->mark = MARK_OPEN;
  search->edges (definition, frame.targets, search->user_data);
  g_array_append_val (search->stack, frame);
}

/* Takes the top frame's next edge; FALSE when there is none left. */
static gboolean
follow_edge (Search *search)
{
  Frame *top = &g_array_index (search->stack, Frame, search->stack->len - 1);
  IdlDefinition *target;

  if (top->next == top->targets->len)
    return FALSE;
  target = g_ptr_array_index (top->targets, top->next++);
  if (!is_node (search, target) || target->mark == MARK_DONE)
    return TRUE;
  if (target->mark == MARK_OPEN)
    search->cycle (target, top->definition, search->user_data);
  else
    push (search, target);
  return TRUE;
}

void
idl_graph_visit (IdlProgram *program,
                 guint kinds,
                 IdlGraphEdges edges,
                 IdlGraphCycle cycle,
                 IdlGraphDone done,
                 gpointer user_data)
{
  g_autoptr (GArray) stack = g_array_new (FALSE, FALSE, sizeof (Frame));
  Search search = { program, kinds, edges, cycle, user_data, stack };

  for (guint i = 0; i < program->definitions->len; i++)
    ((IdlDefinition *) g_ptr_array_index (program->definitions, i))->mark = MARK_NEW;
  for (guint i = 0; i < program->definitions->len; i++)
    {
      IdlDefinition *root = g_ptr_array_index (program->definitions, i);

      if (!is_node (&search, root) || root->mark != MARK_NEW)
        continue;
      push (&search, root);
      while (stack->len > 0)
        {
          Frame top;

          if (follow_edge (&search))
            continue;
          top = g_array_index (stack, Frame, stack->len - 1);
          g_array_set_size (stack, stack->len - 1);
          g_ptr_array_unref (top.targets);
          top.definition->mark = MARK_DONE;
          if (done != NULL)
            done (top.definition, user_data);
        }
    }
}

/* Owns the way from a place to the name there. */
#include "lsp-target.h"

/* A cursor right behind a name is at it. */
static gboolean
covers (const IdlLocation *location, guint32 offset)
{
  return location->source != NULL && offset >= location->offset
         && offset <= location->offset + location->length;
}

static gboolean
find_reference (const IdlProgram *program, guint32 offset, LspTarget *target)
{
  g_autoptr (GArray) references = idl_program_list_references (program);
  const IdlReference *best = NULL;

  /* Of two that meet at a dot, it is the one that begins. */
  for (guint i = 0; i < references->len; i++)
    if (covers (&g_array_index (references, IdlReference, i).location, offset))
      best = &g_array_index (references, IdlReference, i);
  if (best == NULL)
    return FALSE;
  *target = (LspTarget){ .location = best->location,
                         .program = best->program,
                         .definition = best->definition,
                         .member = best->member };
  return TRUE;
}

/* (nullable): the one of @members (nullable), of IdlNode, whose name is at @offset. */
static const IdlNode *
find_node (const GPtrArray *members, guint32 offset)
{
  for (guint i = 0; members != NULL && i < members->len; i++)
    {
      const IdlNode *node = g_ptr_array_index (members, i);

      if (covers (&node->location, offset))
        return node;
    }
  return NULL;
}

static gboolean
find_in_functions (const IdlDefinition *service, guint32 offset, LspTarget *target)
{
  for (guint i = 0; i < service->members->len; i++)
    {
      const IdlFunction *function = g_ptr_array_index (service->members, i);
      const IdlNode *field = find_node (function->arguments, offset);

      if (field == NULL)
        field = find_node (function->throws, offset);
      if (field == NULL)
        continue;
      target->member = field;
      target->function = function;
      return TRUE;
    }
  return FALSE;
}

static gboolean
find_in_definition (const IdlDefinition *definition, guint32 offset, LspTarget *target)
{
  target->definition = definition;
  if (covers (&definition->node.location, offset))
    return TRUE;
  target->member = find_node (definition->members, offset);
  return target->member != NULL
         || (definition->kind == IDL_DEFINITION_SERVICE
             && find_in_functions (definition, offset, target));
}

gboolean
lsp_target_find (const IdlProgram *program, guint32 offset, LspTarget *target)
{
  if (find_reference (program, offset, target))
    return TRUE;
  for (guint i = 0; i < program->definitions->len; i++)
    {
      *target = (LspTarget){ .is_declaration = TRUE, .program = program };
      if (!find_in_definition (g_ptr_array_index (program->definitions, i), offset, target))
        continue;
      target->location = lsp_target_get_declaration (target);
      return TRUE;
    }
  return FALSE;
}

IdlLocation
lsp_target_get_declaration (const LspTarget *target)
{
  if (target->member != NULL)
    return target->member->location;
  if (target->definition != NULL)
    return target->definition->node.location;
  return (IdlLocation){ target->program->source, 0, 0 };
}

gboolean
lsp_target_is_named (const LspTarget *target, const IdlReference *reference)
{
  if (target->member != NULL)
    return reference->member == target->member;
  if (target->definition != NULL)
    return reference->definition == target->definition && reference->member == NULL;
  return reference->kind == IDL_REFERENCE_INCLUDE && reference->program == target->program;
}

const gchar *
lsp_target_get_name (const LspTarget *target)
{
  if (target->member != NULL)
    return target->member->name;
  return target->definition != NULL ? target->definition->node.name : target->program->name;
}

/* Owns the memory of the model: blocks from which nodes are cut, and the arrays that hang on nodes.
 * It knows nothing of what is in them. */
#include "arena.h"

#include <string.h>

#define BLOCK_SIZE (32 * 1024)
#define ALIGNMENT (2 * sizeof (gpointer))

struct _IdlArena
{
  GPtrArray *blocks;
  GPtrArray *arrays;
  gchar *free; /* the unused rest of the newest small block */
  gsize free_size;
};

IdlArena *
idl_arena_new (void)
{
  IdlArena *arena = g_new0 (IdlArena, 1);

  arena->blocks = g_ptr_array_new_with_free_func (g_free);
  arena->arrays = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  return arena;
}

void
idl_arena_free (IdlArena *arena)
{
  if (arena == NULL)
    return;
  g_ptr_array_unref (arena->arrays);
  g_ptr_array_unref (arena->blocks);
  g_free (arena);
}

gpointer
idl_arena_alloc (IdlArena *arena, gsize size)
{
  gpointer memory;

  size = (size + ALIGNMENT - 1) & ~(gsize) (ALIGNMENT - 1);
  if (size > BLOCK_SIZE / 4)
    {
      memory = g_malloc0 (size);
      g_ptr_array_add (arena->blocks, memory);
      return memory;
    }
  if (arena->free_size < size)
    {
      arena->free = g_malloc0 (BLOCK_SIZE);
      arena->free_size = BLOCK_SIZE;
      g_ptr_array_add (arena->blocks, arena->free);
    }
  memory = arena->free;
  arena->free += size;
  arena->free_size -= size;
  return memory;
}

gchar *
idl_arena_strndup (IdlArena *arena, const gchar *text, gsize length)
{
  gchar *copy = idl_arena_alloc (arena, length + 1);

  if (length > 0)
    memcpy (copy, text, length);
  return copy;
}

GPtrArray *
idl_arena_array (IdlArena *arena)
{
  GPtrArray *array = g_ptr_array_new ();

  g_ptr_array_add (arena->arrays, array);
  return array;
}

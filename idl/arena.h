/* Memory that lives as long as one run of the compiler: nodes, names and arrays of the model. */
#ifndef IDL_ARENA_H
#define IDL_ARENA_H

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdlArena IdlArena;

IdlArena *idl_arena_new (void);
void idl_arena_free (IdlArena *arena);
/* Zeroed, aligned for any type. Both are valid until the arena is freed. */
gpointer idl_arena_alloc (IdlArena *arena, gsize size);
gchar *idl_arena_strndup (IdlArena *arena, const gchar *text, gsize length);
/* An array of pointers that the arena frees. */
GPtrArray *idl_arena_array (IdlArena *arena);

#define idl_arena_new_node(arena, Type) ((Type *) idl_arena_alloc ((arena), sizeof (Type)))

G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdlArena, idl_arena_free)

G_END_DECLS

#endif /* IDL_ARENA_H */

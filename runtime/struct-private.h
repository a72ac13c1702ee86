/* A struct's table, by its class alone: for the files that struct.c, where the class is made, uses. */
#ifndef TALLY_STRUCT_PRIVATE_H
#define TALLY_STRUCT_PRIVATE_H

#include "tally-struct.h"

G_BEGIN_DECLS

/* What tally_struct_get_info () gives. */
static inline const TallyStructInfo *
tally_struct_peek_info (gconstpointer object)
{
  return ((const TallyStructClass *) ((const GTypeInstance *) object)->g_class)->info;
}

/* The GObject type of a struct that has one. */
static inline GType
tally_struct_find_type (const TallyStructInfo *info)
{
  if (G_UNLIKELY (info->is_loaded))
    return ((const TallyLoadedInfo *) info)->g_type;
  return info->get_type ();
}

/* ---- instances.c ---- */

/* Binds the class of all structs, as the first of them is made. */
void tally_instances_init_class (TallyStructClass *class);
/* A new instance of an OBJECT struct. (transfer full) */
gpointer tally_instance_new (const TallyStructInfo *info);
/* Gives up a reference to one; g_object_unref () for less. (transfer full) */
void tally_instance_unref (gpointer instance);

G_END_DECLS

#endif /* TALLY_STRUCT_PRIVATE_H */

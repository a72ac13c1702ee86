/* Writes the constant tables of runtime/tally-types.h: types, values, fields. Shared by the types
 * and the services, whose arguments and results are described in the same way. */
#ifndef GEN_TABLES_H
#define GEN_TABLES_H

#include "cycles.h"
#include "cnames.h"

G_BEGIN_DECLS

/**
 * GenSource:
 * @names: all C names.
 * @cycles: which struct fields must start %NULL.
 * @program: the program that the file belongs to.
 * @prefix: what the names begin with that are local to the file, and that no other file has: any
 *   files can be compiled as one unit.
 * @out: the file's text so far.
 *
 * One C file being written, with what is already defined in it.
 */
typedef struct
{
  const GenNames *names;
  const GenCycles *cycles;
  const IdlProgram *program;
  const gchar *prefix;
  GString *out;

  /*< private >*/
  GHashTable *statics;    /* identifiers local to the file */
  GHashTable *containers; /* of a container's name to its static's */
  gboolean gap;           /* a static was written and no empty line after it */
} GenSource;

void gen_source_init (GenSource *source,
                      const GenNames *names,
                      const GenCycles *cycles,
                      const IdlProgram *program,
                      const gchar *prefix,
                      GString *out);
void gen_source_clear (GenSource *source);
/* @name: (transfer full): not to be given out by gen_source_take (). */
void gen_source_reserve (GenSource *source, gchar *name);
/* (transfer full): the file's own name for @wish, with as many `_` behind it as make it free in this
 * file; now taken. */
gchar *gen_source_take (GenSource *source, const gchar *wish);
/* (transfer full): the file's own name for what @format says; the caller sees to it that it is free. */
gchar *gen_source_own (const GenSource *source, const gchar *format, ...) G_GNUC_PRINTF (2, 3);
/* An empty line after the statics that the functions below have written, if any. */
void gen_source_close_gap (GenSource *source);

/* (transfer full): the address of @type's table; container tables that it needs are written first.
 */
gchar *gen_type_table (GenSource *source, const IdlType *type);
/* (transfer full): an initializer for the TallyValue of @value; arrays that it needs are written
 * first, under names that begin with @wish. */
gchar *gen_value_initializer (GenSource *source,
                              const IdlType *type,
                              const IdlValue *value,
                              const gchar *wish);
/* Writes `static const TallyValue NAME = INITIALIZER;`. */
void gen_print_value (GenSource *source, const gchar *name, const gchar *initializer);
/* The bytes that the hexadecimal digits of a uuid's literal say. */
void gen_parse_uuid (const IdlValue *value, guint8 bytes[16]);
/* (transfer full): C text for a bool, number, enum, string, binary or uuid literal. */
gchar *gen_scalar_literal (const GenNames *names, const IdlType *type, const IdlValue *value);

/* One row of a TallyField table. */
typedef struct
{
  const gchar *name; /* as in the IDL */
  const gchar *member;
  gint32 id;
  const IdlType *type;
  const IdlValue *value; /* (nullable) */
  const gchar *slot;     /* "DEFAULT", for TALLY_DEFAULT_SLOT */
  gboolean has_isset;    /* TALLY_DEFAULT_SLOT and TALLY_OPTIONAL_SLOT: an __isset_member */
  gboolean starts_null;
} GenRow;

/* Writes `static const TallyField NAME[]` for the members of @c_type. @rows: of GenRow, sorted by
 * id.
 * @wish: what the names of default values begin with. */
void gen_print_fields (GenSource *source,
                       const gchar *name,
                       const gchar *c_type,
                       const gchar *wish,
                       const GPtrArray *rows);
/* Writes MACRO (TAG, "NAME", …), which defines the tables TAG_fields and TAG_info of a method's arguments or result,
 * the C struct TAG. */
void gen_print_local_info (GenSource *source,
                           const gchar *macro,
                           const gchar *tag,
                           const gchar *name,
                           const gchar *wish,
                           const GPtrArray *rows);
/* GCompareFunc for arrays of GenRow pointers: by id. */
gint gen_compare_rows (gconstpointer a, gconstpointer b);

G_END_DECLS

#endif /* GEN_TABLES_H */

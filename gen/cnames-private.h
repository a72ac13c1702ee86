/* What the files that give names share (cnames.h). */
#ifndef GEN_NAMES_PRIVATE_H
#define GEN_NAMES_PRIVATE_H

#include "cnames.h"
#include "scope.h"

G_BEGIN_DECLS

/* A program's place among C's names. */
typedef struct
{
  GenScope *scope;
  const gchar *type;  /* TTest */
  const gchar *lower; /* t_test_ */
  const gchar *upper; /* T_TEST_ */
  const gchar *file;  /* t_test_thrift_test_types */
  const gchar *local; /* t_test_thrift_test_types__ */
} GenSpace;

/* A name that C has otherwise, and why. */
typedef struct
{
  const IdlNode *node;
  gchar *message;
} GenRename;

struct _GenNames
{
  GStringChunk *strings;
  GHashTable *names;  /* of node to GenName */
  GHashTable *scopes; /* of IdlProgram to GenScope */
  GHashTable *spaces; /* of IdlProgram to GenSpace */
  GArray *renames;    /* of GenRename */
};

/* Which names a member or parameter cannot have, each a set of GenTaken, besides those of its
 * siblings. @get_reason: (nullable): of other names that are refused says what they are; it must let
 * through what ends with enough of `_`. */
typedef struct
{
  guint taken;
  guint defined;
  const gchar *(*get_reason) (const gchar *word);
} GenMemberRule;

extern const GenMemberRule gen_vfunc_rule;
extern const GenMemberRule gen_argument_rule;
extern const GenMemberRule gen_exception_rule;

/* @text (transfer full), as long as @names live. */
const gchar *gen_names_keep (GenNames *names, gchar *text);
#define KEEP(names, ...) gen_names_keep ((names), g_strdup_printf (__VA_ARGS__))

/* @what: of @node, empty where it is its own name. @reason: what @name is. */
void gen_names_add_rename (GenNames *names,
                           const IdlNode *node,
                           const gchar *what,
                           const gchar *name,
                           const gchar *reason,
                           const gchar *instead);
void gen_names_add_clash (GenNames *names,
                          const IdlNode *node,
                          const GenClash *clash,
                          const gchar *instead);
/* Takes @name, which is a @kind, for @node, or else with a `_` behind it, or another; fills @first
 * when it is not the first one. */
const gchar *gen_names_take_alone (GenNames *names,
                                   const GenSpace *space,
                                   const IdlNode *node,
                                   GenTaken kind,
                                   const gchar *name,
                                   GenClash *first);
/* The first of @word, word_, word__, … that @rule allows beside @siblings, to which it is added with
 * its __isset_. @node: (nullable): whose other name is to be reported, as @what of it. */
const gchar *gen_names_take_member (GenNames *names,
                                    const GenSpace *space,
                                    GHashTable *siblings,
                                    const GenMemberRule *rule,
                                    const IdlNode *node,
                                    const gchar *what,
                                    const gchar *word);
/* In C++ a member may neither be called like a keyword nor like its class nor like a type that its class
 * mentions: then it has another name there, which none of @siblings, which are complete, has. */
void gen_names_take_for_cxx (GenNames *names,
                             const GenSpace *space,
                             GHashTable *siblings,
                             GenName *name);

/* cnames-methods.c: of all of @service, which has its own. */
void
gen_names_name_functions (GenNames *names, const GenSpace *space, const IdlDefinition *service);
/* What Apache's compiler does not make, once all that it makes in any of the programs has its names: it gives way to
 * that, so that nothing is called otherwise because of it. */
void gen_names_name_calls (GenNames *names, const GenSpace *space, const IdlDefinition *service);

G_END_DECLS

#endif /* GEN_NAMES_PRIVATE_H */

/* The names that C, C++ and the headers take. Which of them clash with what is decided in scope.c and
 * cnames.c. */
#ifndef GEN_TAKEN_H
#define GEN_TAKEN_H

#include <glib.h>

G_BEGIN_DECLS

/* What a name is. */
typedef enum
{
  GEN_TAKEN_OBJECT_MACRO = 1 << 0,   /* replaced wherever it stands */
  GEN_TAKEN_FUNCTION_MACRO = 1 << 1, /* replaced where a parenthesis follows */
  GEN_TAKEN_FUNCTION = 1 << 2,
  GEN_TAKEN_TYPE = 1 << 3,  /* a typedef */
  GEN_TAKEN_VALUE = 1 << 4, /* an enumerator or a variable */
  GEN_TAKEN_TAG = 1 << 5,   /* of a struct, union or enum; in C++ a type */
  GEN_TAKEN_KEYWORD = 1 << 6,
  GEN_TAKEN_CXX_KEYWORD = 1 << 7 /* of C++ and not of C */
} GenTaken;

/* Names of one kind and one header, each with a space behind it; "" is the compiler itself. */
typedef struct
{
  const gchar *header;
  GenTaken kind;
  const gchar *words;
} GenTakenGroup;

/* taken-names.c; ended by one without a header. */
extern const GenTakenGroup gen_taken_groups[];

/* All that @word is, as a set of #GenTaken. */
guint gen_taken_find (const gchar *word);
/* (nullable): the header in which @word is a @kind. */
const gchar *gen_taken_get_header (const gchar *word, GenTaken kind);
/* A type that generated declarations and functions mention. */
gboolean gen_is_mentioned_type (const gchar *word);
/* A parameter or variable of generated functions, or a function that they call. */
gboolean gen_is_own_local (const gchar *word);

G_END_DECLS

#endif /* GEN_TAKEN_H */

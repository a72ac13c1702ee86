/* Fills any generated struct with values, from its table: what the round trips send. */
#ifndef TESTS_GEN_FILL_H
#define TESTS_GEN_FILL_H

#include <tally.h>

/* How large and how deep the values are. */
typedef struct
{
  guint seed;       /* two values of different seeds differ */
  guint n_elements; /* of each container */
  guint max_depth;  /* structs within structs beyond this stay as they are made */
} FillOptions;

/* @object: a new TallyStruct. Every field is set; of a union the one that the seed chooses. */
void fill_struct (gpointer object, const FillOptions *options);
/* @slot must not hold a value. */
void fill_value (const TallyType *type, gpointer slot, const FillOptions *options);

#endif /* TESTS_GEN_FILL_H */

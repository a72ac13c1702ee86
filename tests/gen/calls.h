/* Calls of every kind by generated clients, to a server with any handler of every.thrift's service. */
#ifndef TESTS_GEN_CALLS_H
#define TESTS_GEN_CALLS_H

#include "every_everything.h"
#include "served.h"

G_BEGIN_DECLS

/* What the oneway method got, which the handler notes here; atomic. */
extern gint calls_forgotten;

const TallyMethod *calls_find_method (const gchar *name);

typedef struct
{
  Served served;
  EveryEverythingClient *client;
} CallsFixture;

void calls_fixture_init (CallsFixture *fixture, GType handler_type, const gchar *uri);
void calls_fixture_clear (CallsFixture *fixture);

/* Each of a handler that gives back what it gets, doubles what is to be twice, and grows a tree by calls_forgotten. */
void calls_check_all_types (GType handler, const gchar *uri);
void calls_check_exceptions (GType handler);
void calls_check_parent (GType handler);
void calls_check_oneway (GType handler);

/* All methods of every.thrift that give: X (Word, lower, C type, C type of the alias, of a list).
 */
#define FOR_ALL_TYPES(X)                                                                           \
  X (Bool, bool, gboolean, EveryBoolAlias, GArray)                                                 \
  X (I8, i8, gint8, EveryI8Alias, GArray)                                                          \
  X (I16, i16, gint16, EveryI16Alias, GArray)                                                      \
  X (I32, i32, gint32, EveryI32Alias, GArray)                                                      \
  X (I64, i64, gint64, EveryI64Alias, GArray)                                                      \
  X (Double, double, gdouble, EveryDoubleAlias, GArray)                                            \
  X (String, string, gchar *, EveryStringAlias, GPtrArray)                                         \
  X (Binary, binary, GByteArray *, EveryBinaryAlias, GPtrArray)                                    \
  X (Uuid, uuid, TallyUuid, EveryUuidAlias, GArray)                                                \
  X (Color, color, EveryBaseColor, EveryColorAlias, GArray)                                        \
  X (Inner, inner, EveryBaseInner *, EveryInnerAlias *, GPtrArray)                                 \
  X (Choice, choice, EveryChoice *, EveryChoiceAlias *, GPtrArray)                                 \
  X (ListI32, list_i32, GArray *, EveryListI32Alias *, GPtrArray)                                  \
  X (SetString, set_string, GHashTable *, EverySetStringAlias *, GPtrArray)                        \
  X (MapStringI32, map_string_i32, GHashTable *, EveryMapStringI32Alias *, GPtrArray)              \
  X (ListInner, list_inner, GPtrArray *, EveryListInnerAlias *, GPtrArray)

G_END_DECLS

#endif /* TESTS_GEN_CALLS_H */

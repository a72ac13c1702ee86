/* The wire formats' numbers that the codec and the scanner both need: the compact protocol's types,
 * and how many bytes a value takes in each format (Thrift's binary and compact specifications). */
#ifndef TALLY_WIRE_PRIVATE_H
#define TALLY_WIRE_PRIVATE_H

#include <thrift/c_glib/protocol/thrift_protocol.h>

#include "tally-types.h"

G_BEGIN_DECLS

#define TALLY_N_WIRE_TYPES (TALLY_WIRE_UUID + 1)

/* A value's fewest bytes, by wire type; 0: there is no such type. */
static const guint8 tally_binary_smallest_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,   [T_I16] = 2, [T_I32] = 4, [T_I64] = 8,  [T_DOUBLE] = 8,
  [T_STRING] = 4, [T_STRUCT] = 1, [T_MAP] = 6, [T_SET] = 5, [T_LIST] = 5, [TALLY_WIRE_UUID] = 16,
};
static const guint8 tally_compact_smallest_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,   [T_I16] = 1, [T_I32] = 1, [T_I64] = 1,  [T_DOUBLE] = 8,
  [T_STRING] = 1, [T_STRUCT] = 1, [T_MAP] = 1, [T_SET] = 1, [T_LIST] = 1, [TALLY_WIRE_UUID] = 16,
};

/* The bytes of a container's element that always has as many, by wire type; 0: it varies. */
static const guint8 tally_binary_fixed_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,           [T_I16] = 2, [T_I32] = 4, [T_I64] = 8,
  [T_DOUBLE] = 8, [TALLY_WIRE_UUID] = 16,
};
static const guint8 tally_compact_fixed_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,
  [T_BYTE] = 1,
  [T_DOUBLE] = 8,
  [TALLY_WIRE_UUID] = 16,
};

#define TALLY_COMPACT_PROTOCOL_ID 0x82
#define TALLY_COMPACT_TYPE_SHIFT 5 /* of a message's type, in the byte behind the id */
/* The compact protocol's types, by wire type. 1 and 2 are true and false; a container's elements
 * that are bools are announced by 1 or by 2. */
#define TALLY_COMPACT_TRUE 1
#define TALLY_COMPACT_FALSE 2

static const guint8 tally_compact_types[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = TALLY_COMPACT_TRUE,
  [T_BYTE] = 3,
  [T_I16] = 4,
  [T_I32] = 5,
  [T_I64] = 6,
  [T_DOUBLE] = 7,
  [T_STRING] = 8,
  [T_LIST] = 9,
  [T_SET] = 10,
  [T_MAP] = 11,
  [T_STRUCT] = 12,
  [TALLY_WIRE_UUID] = 13,
};
/* And back; T_VOID, which nothing reads, for what there is not. */
static const guint8 tally_wire_types[16] = {
  T_STOP,   T_BOOL, T_BOOL, T_BYTE, T_I16,    T_I32,           T_I64,  T_DOUBLE,
  T_STRING, T_LIST, T_SET,  T_MAP,  T_STRUCT, TALLY_WIRE_UUID, T_VOID, T_VOID,
};

G_END_DECLS

#endif /* TALLY_WIRE_PRIVATE_H */

/* The compact protocol's numbers that its codec and its scanner both need (Thrift specification, "Thrift
 * Compact protocol encoding"). */
#ifndef TALLY_WIRE_COMPACT_PRIVATE_H
#define TALLY_WIRE_COMPACT_PRIVATE_H

#include "codec-private.h"

G_BEGIN_DECLS

#define TALLY_COMPACT_PROTOCOL_ID 0x82
#define TALLY_COMPACT_VERSION 1
#define TALLY_COMPACT_VERSION_MASK 0x1f
#define TALLY_COMPACT_TYPE_SHIFT 5 /* of a message's type, in the byte behind the id */
#define TALLY_COMPACT_VARINT_MAX 10

/* A value's fewest bytes, by wire type; 0: there is no such type. */
static const guint8 tally_compact_smallest_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,   [T_I16] = 1, [T_I32] = 1, [T_I64] = 1,  [T_DOUBLE] = 8,
  [T_STRING] = 1, [T_STRUCT] = 1, [T_MAP] = 1, [T_SET] = 1, [T_LIST] = 1, [TALLY_WIRE_UUID] = 16,
};

/* The bytes of a container's element that always has as many, by wire type; 0: it varies. */
static const guint8 tally_compact_fixed_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,
  [T_BYTE] = 1,
  [T_DOUBLE] = 8,
  [TALLY_WIRE_UUID] = 16,
};

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

/* scanner-compact.c */
gsize tally_compact_scan (TallyScanner *scanner, const guint8 *bytes, gsize length);
gboolean tally_compact_begins_message (const guint8 *bytes, gsize length);

G_END_DECLS

#endif /* TALLY_WIRE_COMPACT_PRIVATE_H */

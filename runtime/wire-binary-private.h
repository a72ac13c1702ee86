/* The binary protocol's numbers that its codec and its scanner both need (Thrift specification, "Thrift
 * Binary protocol encoding"). */
#ifndef TALLY_WIRE_BINARY_PRIVATE_H
#define TALLY_WIRE_BINARY_PRIVATE_H

#include "codec-private.h"

G_BEGIN_DECLS

#define TALLY_BINARY_VERSION_1 0x80010000u
#define TALLY_BINARY_VERSION_MASK 0xffff0000u

/* A value's fewest bytes, by wire type; 0: there is no such type. */
static const guint8 tally_binary_smallest_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,   [T_I16] = 2, [T_I32] = 4, [T_I64] = 8,  [T_DOUBLE] = 8,
  [T_STRING] = 4, [T_STRUCT] = 1, [T_MAP] = 6, [T_SET] = 5, [T_LIST] = 5, [TALLY_WIRE_UUID] = 16,
};

/* The bytes of a container's element that always has as many, by wire type; 0: it varies. */
static const guint8 tally_binary_fixed_size[TALLY_N_WIRE_TYPES] = {
  [T_BOOL] = 1,   [T_BYTE] = 1,           [T_I16] = 2, [T_I32] = 4, [T_I64] = 8,
  [T_DOUBLE] = 8, [TALLY_WIRE_UUID] = 16,
};

/* scanner-binary.c */
gsize tally_binary_scan (TallyScanner *scanner, const guint8 *bytes, gsize length);
gboolean tally_binary_begins_message (const guint8 *bytes, gsize length);

G_END_DECLS

#endif /* TALLY_WIRE_BINARY_PRIVATE_H */

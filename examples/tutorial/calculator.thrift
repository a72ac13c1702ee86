/**
 * A calculator that keeps a journal. It shows an include, a service that extends another, exceptions,
 * constants, a typedef, defaults, and a oneway method.
 */
include "shared.thrift"

namespace c_glib Tutorial

/** The largest operand that is accepted. */
const i32 LARGEST = 1000000

typedef i32 Number

enum Operation {
  ADD = 1,
  SUBTRACT,
  MULTIPLY,
  DIVIDE
}

/** What is to be computed. */
struct Work {
  1: Number left = 0,
  2: Number right = 0,
  3: required Operation operation,
  4: optional string comment
}

/** The work makes no sense. */
exception InvalidWork {
  1: Operation operation,
  2: string why
}

service Calculator extends shared.Journal {
  /** Does nothing, to see whether somebody is there. */
  void ping () (idempotent),

  Number add (1: Number left, 2: Number right) (idempotent),

  /** Computes, and writes the work down in the journal under this number. */
  Number calculate (1: i32 id, 2: Work work) throws (1: InvalidWork invalid),

  /** Empties the journal; nobody waits for it. */
  oneway void forget ()
}

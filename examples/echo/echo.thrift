/**
 * The service of the echo example: everything comes back as it was sent, but what is refused.
 */
namespace c_glib Demo

enum Grade {
  LOW = 1,
  MEDIUM = 2,
  HIGH = 3
}

/** One of the many small structs in a Payload. */
struct Item {
  1: required i32 id,
  2: required string name,
  3: i64 stamp,
  4: double weight,
  5: Grade grade = Grade.MEDIUM,
  6: optional bool checked
}

/** A rich value, of about the size and shape that services really exchange. */
struct Payload {
  1: list<Item> items,
  2: map<string, i64> counters,
  3: list<i32> samples,
  4: binary attachment
}

/** What the server does not want to echo. */
exception Refused {
  1: string reason,
  2: i32 length
}

service Echo {
  /** Returns the text. Harmless to repeat, so that a call whose connection died is made again. */
  string echo (1: string text) (idempotent),

  /** Returns the payload, decoded and encoded anew. */
  Payload echo_payload (1: Payload payload) (idempotent),

  /** Returns the text unless it is longer than the limit. */
  string echo_short (1: string text, 2: i32 limit) throws (1: Refused refused) (idempotent),

  /** Leaves a note; nobody waits for it. */
  oneway void note (1: string text),

  /** How many notes have been left since the server started. */
  i32 count_notes () (idempotent)
}

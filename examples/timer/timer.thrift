/**
 * A service whose answers come later. Its server needs no thread for each of those that wait.
 */
namespace c_glib Demo

/** The longest time that is accepted, in milliseconds: an hour. */
const i32 LONGEST = 3600000

/** There is no such time to wait for. */
exception OutOfRange {
  1: i32 longest
}

service Timer {
  /** Does nothing, to see whether somebody is there. */
  void ping () (idempotent)

  /** Answers when so many milliseconds have passed, with how many it were. */
  i32 wait (1: i32 milliseconds) throws (1: OutOfRange range)
}

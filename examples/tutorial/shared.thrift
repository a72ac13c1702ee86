/**
 * What several services of the tutorial have in common: a journal of what was done.
 */
namespace c_glib Tutorial

/** One line of the journal. */
struct Entry {
  1: i32 id,
  2: string text
}

/** Nothing was written under that number. */
exception NoSuchEntry {
  1: i32 id
}

service Journal {
  /** Looks up what was written under a number. */
  Entry get_entry (1: i32 id) throws (1: NoSuchEntry missing) (idempotent)
}

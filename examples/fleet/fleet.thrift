/**
 * What the servers of the fleet do: next to nothing, and not to be done twice.
 */
namespace c_glib Demo

service Fleet {
  /** Returns the number, with one added. A call that may have been executed is not made again. */
  i64 add_one (1: i64 number)
}

/** What the ledger's calls are: each has a number, and a text that names it. */
namespace c_glib Counted

service Calls {
  /** Enters the number and returns the text, marked as an answer. Must be executed once at most. */
  string enter (1: i64 number, 2: string text),

  /** As enter (), and harmless to repeat. */
  string repeat (1: i64 number, 2: string text) (idempotent),

  /** Enters the number; nobody waits for it. */
  oneway void note (1: i64 number, 2: string text)
}

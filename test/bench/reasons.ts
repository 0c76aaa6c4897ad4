/** Why a row misses its goal, as far as was found out, and what would reach it. Printed below the table for those that do. */
export const REASONS: Readonly<Record<string, string>> = {
  version: 'the machine is busy: nothing but one file is read before the answer; run it again',
  help: 'commander and the texts of all commands take what is over the limit; help that is printed at build would reach it',
  status:
    "what is left is loading some 65 files (two thirds of the processor time that pam takes beside node, half of that V8's compiled code), one git (`cat-file`), and checking the newest entry with its policy. Tried without a gain that could be measured: one file with one code cache for all, caches of the functions compiled at start only (slower), other sizes of V8's young generation. 1.6x needs a start-up snapshot, which `node bin/pam.js` cannot name, or a process that stays",
  'offline-status': 'see status; one git is the least that can be started, since pam reads no packs itself',
  'offline-show': 'see status; one git is the least that can be started, since pam reads no packs itself',
  'check-one': 'not looked into by itself; it loads much the same as status',
  signature:
    'the armor, its base64, the wire format and SHA-512 over the message are read in JavaScript and cost a third of the check itself; only a reader in C would be nearer',
  'check-many': 'one core reads; above some thousands of files processes as in audit would share it',
  audit:
    'JavaScript takes most of a millisecond an entry beside the signatures, spread over a dozen things of which none takes more than a tenth (shapes, one spelling, the digest of all open records, the tree of the commit, deciding again, reading signatures), and each process warms up anew',
  'idle-open':
    'the digest that proves `open/` is over all of its files, so each is read from git, hashed, parsed and held to its shape; a fifth of the time collects garbage',
  'first-open':
    'the digest of each entry is over a line for every open record, and the tree of a day over another: these bytes are hashed again for each entry',
  sweep:
    'the kept head is of yesterday, so what is newer is fetched and walked; that first fetch of git into a clone of a million objects is what is slower (not measured apart), and a second sweep in the same clone costs the same with either past',
  'sweep-ci':
    'git fetches the newest commit with all files of `open/`, then deepens by 128 until it finds the kept head',
  append:
    'the key signs in this process, so what is left is one `git unpack-objects`, which stores each object on the disk by itself; loose objects written here would save its start',
  endings:
    'it is a whole run of sweep: reading and checking what is open, then folding, printing and checking the shape of one entry with so many events, and one pack with as many files; one of the two signatures waits for the entry',
  crowd:
    'each executor reads, asks its target and signs on the same cores; whoever loses the push reads and signs again',
  'crowd-single':
    'the remote takes one push after the other and each is a conversation with git of some 50 ms on the same cores; and whoever just wrote need not read before it writes again, so it wins until it is done. That it stands in line too was tried (8 x 25): less than half of the p99, but of the rate as well. pam itself never writes one event an entry where several wait (see `crowd`)',
  'audit-since':
    'the list of commits above the checkpoint and the entries that approvals name are looked up; nothing else should grow',
  'audit-large':
    'memory is what the largest process held; the list of commits takes 125 bytes a commit in the first one',
};

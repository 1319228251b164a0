// Package wire turns a region's tagged transactions into the records of its topic, and back.
//
// A record is self-contained: a reader can start at any of them. [Packer] cuts a stream of
// transactions into records below a size, [Builder] writes one record, [Heartbeat] writes one that
// says that there was nothing to say, [Decoder] reads all of them, and [Peek] reads a header alone.
//
// # Format, version 1
//
// Types: u8 is one byte. uint is an unsigned LEB128 varint as in encoding/binary, in its shortest
// form. int is zigzag over uint. text is a uint length and that many bytes. A list is a uint count
// and its elements. Differences are taken modulo 2^64.
//
//	record     = magic[3]="brg" version:u8=1 kind:u8 cluster:text origin:text
//	             extensions:list(extension) origins:list(text) state position body
//	kind       = 1 data, 2 heartbeat
//	extension  = id:uint content:text                        ids ascend
//	state      = seq:uint last:int vector                    loopguard.State, see below
//	vector     = list(origin:uint seq:int)                   origin: index in origins, sorted by name;
//	                                                         seq: difference to the previous vector's entry
//	position   = offset:uint gtid:text
//
//	body(heartbeat) = wall:int                               microseconds since 1970, the sender's clock
//	body(data)      = firstseq:uint before:uint open:uint
//	                  tables:list(table)
//	                  transactions:uint operations:uint values:uint
//	                  transaction...
//
//	table       = schema:text name:text flags:u8 [engine:text] columns:list(name:text type:text flags:u8)
//	              table flags: 1 full identity, 2 engine follows (not empty); column flags: 1 key
//	transaction = flags:u8 [tag] operations:uint operation...
//	              flags: 1 last piece, 2 another piece of the transaction before it in the record (no tag),
//	                     4 vector differs, 8 GTID differs
//	tag         = time:int commit:int offset:int [vector] [gtid:text]
//	              time, offset: difference to the transaction before it in the record, first to 0;
//	              commit: commit time less time
//	operation   = flags:u8 [table:uint] [key:text] [new:image] [old:image]
//	              flags: bits 0-2 change.Kind, 8 table as before, 16 key follows, 32 old follows,
//	                     64 new has states, 128 old has states
//	image       = [states] value...                          in column order
//	states      = 2 bits per column, lowest bits first, unused bits zero:
//	              0 absent, 1 NULL, 2 text, 3 text as in the same operation's new image
//	value       = text                                       one per column of state 2; without states, one per column
//
// A new image follows insert and update, never delete and truncate. The vector that a vector is
// coded against is that of the transaction before it in the record; for the first, and for the
// state, it's empty.
//
// The sequence number of the first transaction is firstseq, that of each later one is one more than
// the one before.
//
// A piece is a window of its transaction's operations. before is how many of them come before the first
// piece of the record, 0 when the record begins with a transaction's beginning; a further piece begins
// where the one before it ends. open is how many operations the transaction in which the record ends has
// up to there, 0 when it ends with a complete one. All places in a transaction are below 2^32. Only a
// transaction's last piece may have no operations.
//
// state is that of the origin's clock, and position the place in its log, after the last complete
// transaction up to the end of the record: a restarting producer reads them from its topic's tail
// and goes on from there. When open isn't 0, the transaction state.seq+1 has begun: its first piece is in this
// record or an earlier one, and a producer that restarts there publishes it again from its first operation,
// perhaps cut otherwise. What the producer before it had sent may still arrive, among the new pieces. So a
// reader that has n operations of a transaction takes of a piece those from the n-th on, if any.
//
// # Keys
//
// A key is a [change.Key]'s Row. It's left out where it's what change.KeyOf makes without
// normalizers of the new image (insert, update) or the old one (delete), which is nearly always. Then
// the encoded key is in the bytes of the image as it stands, and is cut from there. A key is in the
// record where the engine normalized a value, and for deletes that carry no old image.
//
// # What may come
//
// A reader refuses with [ErrNewer] what it doesn't know: version, kind, flag, state, or an extension
// with an id below 64. Extensions from 64 on may be passed over; 64 is the baseline, in a heartbeat before a
// region's first transaction:
//
//	baseline    = list(schema:text name:text engine:text rows:uint definition:u64 content:u64 columns)
//	columns     = list(name:text type:text key:u8 content:u64)    u64: 8 bytes, big end first; key: 0 or 1
//
// Extension 2 is the fingerprint of the conflict rules under which the record's transactions were written; without it they are
// last_write_wins for all tables. Extension 4 is the fingerprint of other rules that the sender knows, and is ready to decide by. Ids
// 1 (member list with its version) and 3 (schema version) are spoken for. The incarnation is in the origin's name.
//
// # Refused
//
// Protocol buffers or JSON: twice the bytes and several times the time for rows that are lists of
// strings, and unknown fields are dropped silently. A checksum: Kafka's batches have one.
package wire

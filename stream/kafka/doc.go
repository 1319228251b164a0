// Package kafka is the [stream.Log] on Apache Kafka and what speaks its protocol, over kafka-go's
// low-level client.
//
// Appends are idempotent: batches carry a producer id and sequence numbers, so the broker drops the
// repetition when a lost acknowledgement makes us send again, also when the first try was only slow and
// comes in late. One append is under way at a time. Where the broker has forgotten the producer, a
// new id is taken and the batch may stand twice, as stream.Log allows.
//
// Reads are long polls on a connection of their own.
//
// Refused: kafka-go's Writer and Reader. The Writer goes on with the next batch after one failed for
// good, which makes a hole, lingers, and has no idempotence; the Reader moves silently to the first
// offset when the one asked for has expired. Refused: kafka-go's own batch encoder, which can't carry
// a producer id.
package kafka

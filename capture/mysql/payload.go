package mysql

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"io"
	"sync"

	"github.com/go-mysql-org/go-mysql/replication"
	"github.com/klauspost/compress/zstd"
)

// feed gives the events that are inside another one; io.EOF after the last.
type feed interface {
	next() (event, error)
	close() error
}

// payload is MySQL's compressed transaction: its events, without checksums and places, in zstd. It's
// decompressed as it's read, so that its size doesn't matter.
type payload struct {
	in     io.Reader
	stream *zstd.Decoder // nil when it isn't compressed
}

// Fields of a transaction payload event, which precede what it holds.
const (
	payloadEnd         = 0
	payloadCompression = 2
	compressionZstd    = 0
	compressionNone    = 255
)

// payload begins to read a compressed transaction.
func (s *Source) payload(e event) error {
	c := cursor{rest: e.body}
	compression := uint64(compressionNone)
	for field := c.packed(); field != payloadEnd && !c.short; field = c.packed() {
		value := cursor{rest: c.packedBytes()}
		if field == payloadCompression {
			compression = value.packed()
		}
	}
	if err := c.done("compressed transaction"); err != nil {
		return err
	}
	p := &payload{in: bytes.NewReader(c.rest)}
	switch compression {
	case compressionNone:
	case compressionZstd:
		var err error
		if p.stream, err = newZstd(p.in); err != nil {
			return badLog("compressed transaction: %w", err)
		}
		p.in = p.stream
	default:
		return badLog("transaction is compressed in the unknown way %d: SET GLOBAL binlog_transaction_compression = OFF, and join this region anew", compression)
	}
	s.nested = append(s.nested, p)
	return nil
}

// decoders are used again: each has buffers of its own.
var decoders sync.Pool

func newZstd(in io.Reader) (*zstd.Decoder, error) {
	if d, ok := decoders.Get().(*zstd.Decoder); ok {
		return d, d.Reset(in)
	}
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(1<<30))
}

func (p *payload) next() (event, error) {
	var head [replication.EventHeaderSize]byte
	if _, err := io.ReadFull(p.in, head[:]); err == io.EOF {
		return event{}, io.EOF
	} else if err != nil {
		return event{}, badLog("compressed transaction: %w", err)
	}
	e := parseHeader(head[:])
	if e.size < replication.EventHeaderSize || e.size > maxEvent {
		return event{}, badLog("compressed transaction has an event of %d bytes", e.size)
	}
	e.body = make([]byte, e.size-replication.EventHeaderSize)
	if _, err := io.ReadFull(p.in, e.body); err != nil {
		return event{}, badLog("compressed transaction: %w", noEOF(err))
	}
	return e, nil
}

// maxEvent is the server's limit.
const maxEvent = 1<<30 + 1<<20

func parseHeader(b []byte) event {
	return event{
		time: binary.LittleEndian.Uint32(b), typ: replication.EventType(b[4]), server: binary.LittleEndian.Uint32(b[5:]),
		size: binary.LittleEndian.Uint32(b[9:]), end: binary.LittleEndian.Uint32(b[13:]), flags: binary.LittleEndian.Uint16(b[17:]),
	}
}

func (p *payload) close() error {
	if p.stream != nil {
		_ = p.stream.Reset(nil) // lets go of the event
		decoders.Put(p.stream)
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// inflate undoes MariaDB's compression of events (log_bin_compress): a byte with the size of the length,
// the length, and a zlib stream.
func inflate(data []byte) ([]byte, error) {
	c := cursor{rest: data}
	head := c.byte()
	size := c.bigEndian(int(head & 7))
	if c.short || head&0xf8 != 0x80 || size > maxEvent {
		return nil, badLog("compressed event of an unknown form")
	}
	r, err := zlib.NewReader(bytes.NewReader(c.rest))
	if err != nil {
		return nil, badLog("compressed event: %w", err)
	}
	return readExactly(r, size, "compressed event")
}

// readExactly reads so many bytes. It doesn't trust the size before they're there.
func readExactly(r io.Reader, size uint64, what string) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(int(min(size, 1<<20)))
	n, err := io.CopyN(&out, r, int64(size))
	if err != nil {
		return nil, badLog("%s: %w after %d of %d bytes", what, noEOF(err), n, size)
	}
	return out.Bytes(), nil
}

// unpack undoes MariaDB's compression of a column: the value as it is after a zero byte, or a byte with
// the method and the size of the length, the length, and the compressed value. An empty value is nothing.
func unpack(data []byte) ([]byte, error) {
	const zlibMethod, bare = 8, 0x08 // bare: without zlib's header and checksum (column_compression_zlib_wrap)
	if len(data) == 0 || data[0] == 0 {
		return data[min(1, len(data)):], nil
	}
	c := cursor{rest: data}
	head := c.byte()
	size := c.bigEndian(int(head & 7))
	if head>>4 != zlibMethod || c.short || size > maxEvent {
		return nil, badLog("value is compressed in an unknown way (%#x)", head)
	}
	r := flate.NewReader(bytes.NewReader(c.rest))
	if head&bare == 0 {
		var err error
		if r, err = zlib.NewReader(bytes.NewReader(c.rest)); err != nil {
			return nil, badLog("compressed value: %w", err)
		}
	}
	return readExactly(r, size, "compressed value")
}

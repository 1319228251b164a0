package mysql

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/change"
)

const (
	comQuery       = mysql.COM_QUERY
	moreResults    = mysql.SERVER_MORE_RESULTS_EXISTS
	okPacket       = 0x00
	errPacket      = 0xff
	eofPacket      = 0xfe
	localFile      = 0xfb
	nullValue      = 0xfb
	longestEOF     = 9 // bytes; a row can begin with 0xfe, too, and is then longer
	columnName     = 4 // which of a column definition's strings is its alias
	maxColumnCount = 4096
)

var errMalformed = errors.New("the server sent a packet that isn't of its protocol; is something between bridge and the server?")

// packetReader gives the server's packets, one after the other.
type packetReader interface{ ReadPacket() ([]byte, error) }

// readResult reads the answer to one statement of a packet. Rows go to row where that's set. more says
// that the answer to another statement follows.
func readResult(in packetReader, statement int, row func(change.Image) error) (r Result, more bool, err error) {
	packet, err := in.ReadPacket()
	if err != nil {
		return r, false, fmt.Errorf("read an answer: %w", err)
	}
	if len(packet) == 0 {
		return r, false, errMalformed
	}
	switch packet[0] {
	case okPacket:
		return readOK(packet)
	case errPacket:
		return r, false, parseError(packet, statement)
	case localFile:
		return r, false, errors.New("the server asks for a local file; bridge sends none")
	}
	count, rest, ok := lengthEncoded(packet)
	if !ok || len(rest) != 0 || count == 0 || count > maxColumnCount {
		return r, false, errMalformed
	}
	if r.Columns, err = readColumns(in, int(count)); err != nil {
		return r, false, err
	}
	for {
		if packet, err = in.ReadPacket(); err != nil {
			return r, false, fmt.Errorf("read a row: %w", err)
		}
		switch {
		case len(packet) == 0:
			return r, false, errMalformed
		case packet[0] == errPacket:
			return r, false, parseError(packet, statement)
		case packet[0] == eofPacket && len(packet) < longestEOF:
			if len(packet) < 5 {
				return r, false, errMalformed
			}
			r.Warnings = binary.LittleEndian.Uint16(packet[1:])
			return r, binary.LittleEndian.Uint16(packet[3:])&moreResults != 0, nil
		}
		image, err := readRow(packet, int(count))
		if err != nil {
			return r, false, err
		}
		if row == nil {
			r.Rows = append(r.Rows, image)
		} else if err := row(image); err != nil {
			return r, false, err
		}
	}
}

func readOK(packet []byte) (r Result, more bool, err error) {
	rest := packet[1:]
	var ok [2]bool
	r.Affected, rest, ok[0] = lengthEncoded(rest)
	r.InsertID, rest, ok[1] = lengthEncoded(rest)
	if !ok[0] || !ok[1] || len(rest) < 4 {
		return r, false, errMalformed
	}
	r.Warnings = binary.LittleEndian.Uint16(rest[2:])
	return r, binary.LittleEndian.Uint16(rest)&moreResults != 0, nil
}

// readColumns reads the definitions of a result's columns, and the end of them.
func readColumns(in packetReader, count int) ([]string, error) {
	names := make([]string, count)
	for i := range count + 1 {
		packet, err := in.ReadPacket()
		if err != nil {
			return nil, fmt.Errorf("read a column's definition: %w", err)
		}
		if i == count {
			if len(packet) == 0 || packet[0] != eofPacket || len(packet) >= longestEOF {
				return nil, errMalformed
			}
			break
		}
		for n := 0; n <= columnName; n++ { // catalog, schema, table, its original name, column
			length, rest, ok := lengthEncoded(packet)
			if !ok || length > uint64(len(rest)) {
				return nil, errMalformed
			}
			names[i], packet = string(rest[:length]), rest[length:]
		}
	}
	return names, nil
}

// readRow reads a row of the text protocol. All values of a row share one string.
func readRow(packet []byte, count int) (change.Image, error) {
	image := make(change.Image, count)
	text := string(packet)
	rest := packet
	for i := range image {
		if len(rest) == 0 {
			return nil, errMalformed
		}
		if rest[0] == nullValue {
			image[i], rest = change.Null, rest[1:]
			continue
		}
		length, after, ok := lengthEncoded(rest)
		if !ok || length > uint64(len(after)) {
			return nil, errMalformed
		}
		start := len(packet) - len(after)
		image[i], rest = change.Text(text[start:start+int(length)]), after[length:]
	}
	if len(rest) != 0 {
		return nil, errMalformed
	}
	return image, nil
}

// lengthEncoded reads an integer of the protocol, and returns what follows it.
func lengthEncoded(b []byte) (n uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	width := 0
	switch b[0] {
	case 0xfc:
		width = 2
	case 0xfd:
		width = 3
	case 0xfe:
		width = 8
	case nullValue, errPacket:
		return 0, nil, false
	default:
		return uint64(b[0]), b[1:], true
	}
	if len(b) < 1+width {
		return 0, nil, false
	}
	for i := width; i > 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n, b[1+width:], true
}

// Package frames reads and writes the frames of a shell stream: one byte opcode, four bytes length (big
// endian), payload. It never allocates more than one frame's worth for a length that somebody claims.
package frames

import (
	"encoding/binary"
	"fmt"
	"io"
)

// MaxPayload is the longest payload either side may send, in bytes.
const MaxPayload = 65536

// HeaderSize is the size of opcode and length, in bytes.
const HeaderSize = 5

// Opcodes from viewer to shell.
const (
	Input       byte = 0x00
	Resize      byte = 0x01
	Acknowledge byte = 0x02
)

// Opcodes from shell to viewer.
const (
	Output     byte = 0x00
	Scrollback byte = 0x04
	Live       byte = 0x05
	Skipped    byte = 0x06
	Exit       byte = 0x10
)

// TooLongError reports a frame whose length field is over MaxPayload.
type TooLongError struct{ Length uint32 }

func (e TooLongError) Error() string {
	return fmt.Sprintf("a frame of %d bytes was announced; %d is the most", e.Length, MaxPayload)
}

// Reader reads frames one by one into a buffer of its own.
type Reader struct {
	source  io.Reader
	header  [HeaderSize]byte
	payload []byte
}

// NewReader reads frames from source.
func NewReader(source io.Reader) *Reader { return &Reader{source: source} }

// Next gives the next frame. The payload is valid until the following call. The error is io.EOF only between
// frames; a frame cut short is io.ErrUnexpectedEOF.
func (r *Reader) Next() (opcode byte, payload []byte, err error) {
	if _, err := io.ReadFull(r.source, r.header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(r.header[1:])
	if length > MaxPayload {
		return 0, nil, TooLongError{Length: length}
	}
	if cap(r.payload) < int(length) {
		r.payload = make([]byte, length)
	}
	r.payload = r.payload[:length]
	if _, err := io.ReadFull(r.source, r.payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return r.header[0], r.payload, nil
}

// Append adds one frame to dst. A payload over MaxPayload is the caller's bug and panics.
func Append(dst []byte, opcode byte, payload []byte) []byte {
	if len(payload) > MaxPayload {
		panic(TooLongError{Length: uint32(len(payload))})
	}
	dst = append(dst, opcode)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// Size is a resize frame's content.
type Size struct{ Cols, Rows uint16 }

// ParseSize reads a resize payload; ok is false for one that must be ignored.
func ParseSize(payload []byte) (size Size, ok bool) {
	if len(payload) != 4 {
		return Size{}, false
	}
	size = Size{Cols: binary.BigEndian.Uint16(payload), Rows: binary.BigEndian.Uint16(payload[2:])}
	return size, size.Valid()
}

// Valid tells whether both sides lie within 1 to 1,000.
func (s Size) Valid() bool { return s.Cols >= 1 && s.Cols <= 1000 && s.Rows >= 1 && s.Rows <= 1000 }

// ParseCount reads an acknowledgement's payload; ok is false when it is not four bytes.
func ParseCount(payload []byte) (count uint32, ok bool) {
	if len(payload) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(payload), true
}

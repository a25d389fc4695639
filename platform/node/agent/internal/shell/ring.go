package shell

import (
	"bytes"
	"unicode/utf8"
)

// ringSize is how much of a shell's output is kept, in bytes.
const ringSize = 1 << 20

// ring keeps the last ringSize bytes of a stream and numbers them: byte n is the nth since the shell started.
// It grows as it is filled, since most shells never print a megabyte.
type ring struct {
	buf  []byte // len is a power of two, or 0
	head int64  // number of the next byte to be written
}

func (r *ring) start() int64 { return max(0, r.head-int64(len(r.buf))) }

func (r *ring) write(p []byte) {
	if len(p) > ringSize {
		r.head += int64(len(p) - ringSize)
		p = p[len(p)-ringSize:]
	}
	r.grow(len(p))
	for len(p) > 0 {
		n := copy(r.buf[r.index(r.head):], p)
		r.head += int64(n)
		p = p[n:]
	}
}

// grow makes room for n more bytes while the ring is below its full size; from then on it overwrites.
func (r *ring) grow(n int) {
	need := r.head + int64(n)
	if len(r.buf) == ringSize || need <= int64(len(r.buf)) {
		return
	}
	size := max(len(r.buf), 4096)
	for size < ringSize && int64(size) < need {
		size *= 2
	}
	grown := make([]byte, size)
	for at := r.start(); at < r.head; {
		piece := r.slice(at, r.head)
		copy(grown[at&int64(size-1):], piece)
		at += int64(len(piece))
	}
	r.buf = grown
}

func (r *ring) index(at int64) int64 { return at & int64(len(r.buf)-1) }

// slice gives bytes from at on, as many as lie in one piece and before end. They are overwritten by later writes.
func (r *ring) slice(at, end int64) []byte {
	if at >= end {
		return nil
	}
	from := r.index(at)
	return r.buf[from:min(int64(len(r.buf)), from+end-at)]
}

// copyFrom fills dst with what follows at and tells how much there was.
func (r *ring) copyFrom(dst []byte, at int64) int {
	n := 0
	for n < len(dst) && at < r.head {
		copied := copy(dst[n:], r.slice(at, r.head))
		n += copied
		at += int64(copied)
	}
	return n
}

// tail gives the number of the first byte of the last lines that fit into size bytes. Where there is no line to
// begin with (a program that draws a whole screen without newlines) it begins at an escape sequence, else at
// a character.
func (r *ring) tail(size int) int64 {
	from := max(r.start(), r.head-int64(size))
	if from == 0 || from == r.head {
		return from
	}
	if from > r.start() && r.buf[r.index(from-1)] == '\n' {
		return from
	}
	content := make([]byte, r.head-from)
	r.copyFrom(content, from)
	if newline := bytes.IndexByte(content, '\n'); newline >= 0 {
		return from + int64(newline) + 1
	}
	if escape := bytes.IndexByte(content, 0x1b); escape >= 0 {
		return from + int64(escape)
	}
	for len(content) > 0 && !utf8.RuneStart(content[0]) {
		content, from = content[1:], from+1
	}
	return from
}

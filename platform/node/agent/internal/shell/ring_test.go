package shell

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func all(r *ring, from int64) []byte {
	content := make([]byte, r.head-from)
	r.copyFrom(content, from)
	return content
}

func TestTheRingHoldsTheEndOfWhateverWasWritten(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var r ring
	var reference []byte
	for range 400 {
		size := random.IntN(20000)
		if random.IntN(100) == 0 {
			size = ringSize + random.IntN(5000)
		}
		piece := make([]byte, size)
		for i := range piece {
			piece[i] = byte(random.Uint32())
		}
		r.write(piece)
		reference = append(reference, piece...)
		kept := min(len(reference), len(r.buf))
		if r.head != int64(len(reference)) || kept < min(len(reference), ringSize)/2 {
			t.Fatalf("head %d of %d, %d kept", r.head, len(reference), kept)
		}
		if !bytes.Equal(all(&r, r.start()), reference[len(reference)-int(r.head-r.start()):]) {
			t.Fatal("the content differs")
		}
	}
	if len(r.buf) != ringSize {
		t.Errorf("%d bytes of ring", len(r.buf))
	}
}

func TestAShellThatPrintsLittleTakesLittleMemory(t *testing.T) {
	var r ring
	r.write([]byte("root@node1:~# "))
	if len(r.buf) > 4096 {
		t.Errorf("%d bytes", len(r.buf))
	}
}

func TestTheScrollbackBeginsWithALine(t *testing.T) {
	lines := ""
	for i := range 100 {
		lines += fmt.Sprintf("line %02d\n", i)
	}
	for _, each := range []struct {
		name, content string
		size          int
		want          string
	}{
		{"all of it", "a\nb\n", 100, "a\nb\n"},
		{"exactly all of it", "a\nb\n", 4, "a\nb\n"},
		{"cut inside a line", lines, 20, "line 98\nline 99\n"},
		{"cut between lines", lines, 16, "line 98\nline 99\n"},
		{"nothing asked for", lines, 0, ""},
		{"only the newline fits", "aaaa\n", 1, ""},
		{"no newline but an escape", strings.Repeat("x", 50) + "\x1b[2Jscreen", 20, "\x1b[2Jscreen"},
		{"no newline, cut inside a character", strings.Repeat("é", 50), 9, "éééé"},
	} {
		t.Run(each.name, func(t *testing.T) {
			var r ring
			r.write([]byte(each.content))
			if got := string(all(&r, r.tail(each.size))); got != each.want {
				t.Errorf("%q, want %q", got, each.want)
			}
		})
	}
}

func TestAfterTheRingHasWrappedTheScrollbackStillBeginsWithALine(t *testing.T) {
	var r ring
	for i := range 200000 {
		r.write(fmt.Appendf(nil, "line %06d\n", i))
	}
	content := all(&r, r.tail(ringSize))
	if !bytes.HasPrefix(content, []byte("line ")) || !bytes.HasSuffix(content, []byte("line 199999\n")) || len(content)%12 != 0 {
		t.Errorf("%d bytes: %.12q … %q", len(content), content, content[len(content)-12:])
	}
}

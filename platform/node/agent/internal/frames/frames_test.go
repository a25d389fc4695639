package frames

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFramesComeOutAsTheyWentInHoweverTheyAreCut(t *testing.T) {
	var wire []byte
	wire = Append(wire, Input, []byte("ls\r"))
	wire = Append(wire, Live, nil)
	wire = Append(wire, Output, bytes.Repeat([]byte{0xff}, MaxPayload))
	for _, source := range []io.Reader{bytes.NewReader(wire), iotest.OneByteReader(bytes.NewReader(wire))} {
		r := NewReader(source)
		for _, want := range []struct {
			opcode  byte
			payload []byte
		}{{Input, []byte("ls\r")}, {Live, nil}, {Output, bytes.Repeat([]byte{0xff}, MaxPayload)}} {
			opcode, payload, err := r.Next()
			if err != nil || opcode != want.opcode || !bytes.Equal(payload, want.payload) {
				t.Fatalf("%d, %d bytes, %v", opcode, len(payload), err)
			}
		}
		if _, _, err := r.Next(); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
	}
}

func TestAFrameThatClaimsTooMuchIsRefusedBeforeAnythingIsAllocated(t *testing.T) {
	var tooLong TooLongError
	r := NewReader(bytes.NewReader([]byte{0, 0xff, 0xff, 0xff, 0xff}))
	if _, _, err := r.Next(); !errors.As(err, &tooLong) || cap(r.payload) != 0 {
		t.Errorf("%v, %d bytes allocated", err, cap(r.payload))
	}
}

func TestAFrameCutShortIsNotTheEnd(t *testing.T) {
	for _, wire := range []string{"\x00\x00", "\x00\x00\x00\x00\x05ab", "\x00\x00\x00\x00\x05"} {
		if _, _, err := NewReader(bytes.NewReader([]byte(wire))).Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", wire, err)
		}
	}
}

func TestSizesOutsideOneToAThousandAreIgnored(t *testing.T) {
	for _, each := range []struct {
		payload []byte
		ok      bool
	}{
		{[]byte{0, 80, 0, 24}, true}, {[]byte{0, 1, 0, 1}, true}, {[]byte{3, 232, 3, 232}, true},
		{[]byte{0, 0, 0, 24}, false}, {[]byte{3, 233, 0, 24}, false}, {[]byte{0, 80, 3, 233}, false},
		{[]byte{0, 80, 0}, false}, {nil, false}, {[]byte{0, 80, 0, 24, 0}, false},
	} {
		if _, ok := ParseSize(each.payload); ok != each.ok {
			t.Errorf("%v: %v", each.payload, ok)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(Append(Append(nil, Input, []byte("ls\r")), Resize, []byte{0, 80, 0, 24}))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{2, 0, 0, 0, 4, 0, 0, 0})
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := NewReader(bytes.NewReader(wire))
		var again []byte
		for {
			opcode, payload, err := r.Next()
			if err != nil {
				break
			}
			again = Append(again, opcode, payload)
		}
		if !bytes.HasPrefix(wire, again) {
			t.Error("frames differ from what was sent")
		}
	})
}

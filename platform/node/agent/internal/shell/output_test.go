package shell

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"
	"testing/synctest"

	"slipway.dev/node/internal/frames"
)

// watcher takes every frame that its viewer may get, and acknowledges only when told to.
type watcher struct {
	viewer  *Viewer
	content []byte
	skipped uint32
	opcodes []byte
	exit    *Exit
	gone    bool
}

func watch(o *Output, scrollback int) *watcher {
	v, _ := o.Attach(scrollback)
	w := &watcher{viewer: v}
	go func() {
		for {
			frame, more := v.Next(nil)
			if !more {
				w.gone = true
				return
			}
			opcode, payload, _ := frames.NewReader(bytes.NewReader(frame)).Next()
			if n := len(w.opcodes); n == 0 || w.opcodes[n-1] != opcode {
				w.opcodes = append(w.opcodes, opcode)
			}
			switch opcode {
			case frames.Output, frames.Scrollback:
				w.content = append(w.content, payload...)
			case frames.Skipped:
				w.skipped += binary.BigEndian.Uint32(payload)
			case frames.Exit:
				w.exit = &Exit{}
				_ = json.Unmarshal(payload, w.exit)
			}
		}
	}()
	return w
}

// program prints blocks of 4 KiB, numbered, whenever the PTY would be read.
type program struct{ printed int }

const block = 4096

func (p *program) run(o *Output, blocks int) {
	for range blocks {
		if !o.WaitForRoom() {
			return
		}
		o.Write(numbered(p.printed))
		p.printed++
	}
}

func numbered(n int) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint32(nil, uint32(n)), block/4)
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestAProgramNobodyWatchesIsNeverHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		go p.run(o, 1000)
		synctest.Wait()
		expect(t, "blocks printed", p.printed, 1000)
		content, truncated := o.Transcript(ringSize)
		expect(t, "transcript", len(content) > ringSize/2, true)
		expect(t, "truncated", truncated, true)
		expect(t, "its end", bytes.HasSuffix(content, numbered(999)), true)
	})
}

func TestAViewerThatStopsAcknowledgingHoldsTheProgramUpUntilItIsBelowHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		w := watch(o, 0)
		go p.run(o, 1000)
		synctest.Wait()
		if got := len(w.content); got <= windowFull-block || got > windowFull+block {
			t.Errorf("%d bytes were sent unacknowledged", got)
		}
		held := p.printed
		w.viewer.Acknowledge(windowFull - windowOpen - 3*block)
		synctest.Wait()
		expect(t, "printed while not yet below half", p.printed, held)
		w.viewer.Acknowledge(10 * block)
		synctest.Wait()
		if p.printed <= held {
			t.Error("the program was not let go on")
		}
		o.Ending()
		synctest.Wait()
		w.viewer.Close()
		synctest.Wait()
		expect(t, "gone", w.gone, true)
	})
}

func TestTheFastestViewerSetsThePaceAndASlowOneIsToldWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		fast, slow := watch(o, 0), watch(o, 0)
		go p.run(o, 1000)
		for synctest.Wait(); p.printed < 1000; synctest.Wait() {
			fast.viewer.Acknowledge(windowFull)
		}
		synctest.Wait()
		fast.viewer.Acknowledge(windowFull)
		synctest.Wait()
		expect(t, "the fast one got", len(fast.content), 1000*block)
		expect(t, "the fast one missed", fast.skipped, uint32(0))
		for slow.skipped == 0 || len(slow.content)+int(slow.skipped) < 1000*block {
			slow.viewer.Acknowledge(windowFull)
			synctest.Wait()
		}
		expect(t, "shown and missed", len(slow.content)+int(slow.skipped), 1000*block)
		expect(t, "its end", bytes.HasSuffix(slow.content, numbered(999)), true)
		fast.viewer.Close()
		slow.viewer.Close()
	})
}

func TestASingleViewerMissesNothingHoweverSlowItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		w := watch(o, 0)
		go p.run(o, 1000)
		for synctest.Wait(); len(w.content) < 1000*block; synctest.Wait() {
			w.viewer.Acknowledge(3000)
		}
		expect(t, "missed", w.skipped, uint32(0))
		w.viewer.Close()
	})
}

func TestTheProgramGoesOnWhenTheViewerThatHeldItUpLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		w := watch(o, 0)
		go p.run(o, 1000)
		synctest.Wait()
		w.viewer.Close()
		synctest.Wait()
		expect(t, "printed", p.printed, 1000)
	})
}

func TestScrollbackComesFirstThenLiveThenOutputThenTheExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOutput()
		o.Write([]byte("first line\nsecond line\nprompt# "))
		w := watch(o, 19)
		synctest.Wait()
		expect(t, "scrollback", string(w.content), "prompt# ")
		o.Write([]byte("ls\n"))
		o.End(Exit{Code: -1, Signal: "HUP"})
		synctest.Wait()
		expect(t, "all", string(w.content), "prompt# ls\n")
		expect(t, "order", string(w.opcodes), string([]byte{frames.Scrollback, frames.Live, frames.Output, frames.Exit}))
		expect(t, "exit", *w.exit, Exit{Code: -1, Signal: "HUP"})
		expect(t, "gone", w.gone, true)
		expect(t, "room after the end", o.WaitForRoom(), false)
	})
}

func TestScrollbackNeedsAcknowledgingToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		go p.run(o, 256)
		synctest.Wait()
		w := watch(o, ringSize)
		synctest.Wait()
		if got := len(w.content); got > windowFull+pieceSize {
			t.Errorf("%d bytes of scrollback unacknowledged", got)
		}
		for len(w.content) < 256*block {
			w.viewer.Acknowledge(pieceSize)
			synctest.Wait()
		}
		expect(t, "order", string(w.opcodes), string([]byte{frames.Scrollback, frames.Live}))
		w.viewer.Close()
	})
}

func TestAcknowledgingMoreThanWasShownGivesNoCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, p := NewOutput(), &program{}
		w := watch(o, 0)
		w.viewer.Acknowledge(1<<32 - 1)
		go p.run(o, 1000)
		synctest.Wait()
		if got := len(w.content); got > windowFull+block {
			t.Errorf("%d bytes were sent unacknowledged", got)
		}
		w.viewer.Close()
		synctest.Wait()
	})
}

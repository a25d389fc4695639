package shell

import (
	"encoding/binary"
	"sync"
	"time"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/protocol"
)

const (
	windowFull = 256 << 10 // a viewer with more than this unacknowledged gets no more
	windowOpen = 128 << 10 // until it is below this
	pieceSize  = 64 << 10  // the most that one output frame carries
	readSize   = 4 << 10   // the most that a PTY gives at once

	// What a program floods is not carried in the pieces of a PTY: each frame costs every program between here and
	// the page more than its bytes do. After a frame that is larger than what people type and prompts answer, more
	// may gather for this long.
	floodFrame = 1 << 10
	gathering  = time.Millisecond
)

// Exit is how a shell ended. Signal is the signal's name without "SIG", empty when there was none.
type Exit struct {
	Code   int    `json:"code"`
	Signal string `json:"signal"`
}

// Output carries what a shell prints to all who watch it. The ring is the only copy: a viewer is a place in it,
// so a slow one costs nothing, and it misses something only when the others have gone a whole ring further.
type Output struct {
	mu      sync.Mutex
	change  *sync.Cond
	ring    ring
	viewers map[*Viewer]struct{}
	ending  bool
	exit    *Exit
}

// NewOutput makes an Output that nobody watches.
func NewOutput() *Output {
	o := &Output{viewers: make(map[*Viewer]struct{})}
	o.change = sync.NewCond(&o.mu)
	return o
}

// WaitForRoom blocks until the shell may be read on: while nobody watches, or when at least one viewer may get
// more. It is false once the output has ended.
func (o *Output) WaitForRoom() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.exit == nil && !o.ending && !o.hasRoom() {
		o.change.Wait()
	}
	return o.exit == nil
}

func (o *Output) hasRoom() bool {
	if len(o.viewers) == 0 {
		return true
	}
	for v := range o.viewers {
		if v.mayGetMore() {
			return true
		}
	}
	return false
}

// Write adds what the shell printed.
func (o *Output) Write(p []byte) {
	o.mu.Lock()
	o.ring.write(p)
	o.mu.Unlock()
	o.change.Broadcast()
}

// Ending says that the shell's process is gone, so what it still printed is taken however slow the viewers are.
func (o *Output) Ending() {
	o.mu.Lock()
	o.ending = true
	o.mu.Unlock()
	o.change.Broadcast()
}

// End says how the shell ended; viewers are told after all that it printed.
func (o *Output) End(exit Exit) {
	o.mu.Lock()
	if o.exit == nil {
		o.exit = &exit
	}
	o.mu.Unlock()
	o.change.Broadcast()
}

// Viewers is how many watch.
func (o *Output) Viewers() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.viewers)
}

// Exited tells whether End was called.
func (o *Output) Exited() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.exit != nil
}

// Transcript is the last lines that fit into size bytes; truncated when there was more.
func (o *Output) Transcript(size int) (content []byte, truncated bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	from := o.ring.tail(size)
	content = make([]byte, o.ring.head-from)
	o.ring.copyFrom(content, from)
	return content, from > 0
}

// Attach adds a viewer that is shown the last lines that fit into scrollback bytes first; size is how many bytes
// those are.
func (o *Output) Attach(scrollback int) (v *Viewer, size int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v = &Viewer{output: o, cursor: o.ring.tail(scrollback), liveAt: o.ring.head}
	o.viewers[v] = struct{}{}
	return v, int(v.liveAt - v.cursor)
}

// Viewer is one who watches. Next is for one goroutine; the rest may be called from any.
type Viewer struct {
	output   *Output
	cursor   int64 // number of the next byte to show
	liveAt   int64 // where the scrollback ends
	live     bool  // the viewer was told so
	unacked  int64
	held     bool // unacked went over windowFull and is not yet below windowOpen
	lagging  bool // the same for unacked and what is still in the ring together
	waived   bool
	size     frames.Size // touched only by the goroutine that reads the viewer's frames
	closed   bool
	finished bool
}

// mayGetMore counts what lies in the ring as shown, so a shell is read no faster than its best viewer shows.
func (v *Viewer) mayGetMore() bool {
	if v.waived {
		return v.output.ring.head-v.cursor < windowFull
	}
	return !hysteresis(&v.lagging, v.unacked+v.output.ring.head-v.cursor)
}

func (v *Viewer) maySend() bool { return v.waived || !hysteresis(&v.held, v.unacked) }

func hysteresis(full *bool, amount int64) bool {
	if amount > windowFull {
		*full = true
	} else if amount < windowOpen {
		*full = false
	}
	return *full
}

// Acknowledge says that the viewer has shown that many bytes more.
func (v *Viewer) Acknowledge(count uint32) {
	v.output.mu.Lock()
	v.unacked = max(0, v.unacked-int64(count))
	v.output.mu.Unlock()
	v.output.change.Broadcast()
}

// Waive lifts the window while the viewer's acknowledgements cannot be read, because they come behind input
// that the shell does not take: otherwise a program that waits for its output to be read before it reads its
// input would wait for ever.
func (v *Viewer) Waive(waived bool) {
	v.output.mu.Lock()
	v.waived = waived
	v.output.mu.Unlock()
	v.output.change.Broadcast()
}

// Close takes the viewer away and makes Next return.
func (v *Viewer) Close() {
	v.output.mu.Lock()
	v.closed = true
	delete(v.output.viewers, v)
	v.output.mu.Unlock()
	v.output.change.Broadcast()
}

// Gather lets more output come together after frame was passed on, where there seems to be a lot of it.
func Gather(frame []byte) {
	if floodFrame < len(frame) && len(frame) < pieceSize {
		time.Sleep(gathering)
	}
}

// Next appends the next frame to dst, waiting for it as long as it takes. more is false when there is none: the
// viewer was closed, or has been told of the shell's exit.
func (v *Viewer) Next(dst []byte) (frame []byte, more bool) {
	o := v.output
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		switch {
		case v.closed || v.finished:
			return dst, false
		case v.cursor < o.ring.start():
			missed := o.ring.start() - v.cursor
			v.cursor = o.ring.start()
			payload := binary.BigEndian.AppendUint32(nil, uint32(min(missed, 1<<32-1)))
			return frames.Append(dst, frames.Skipped, payload), true
		case !v.live && v.cursor >= v.liveAt:
			v.live = true
			return frames.Append(dst, frames.Live, nil), true
		case v.cursor < o.ring.head && v.maySend():
			return v.takePiece(dst), true
		case v.cursor == o.ring.head && o.exit != nil:
			v.finished = true
			payload, _ := protocol.Marshal(o.exit)
			return frames.Append(dst, frames.Exit, payload), true
		}
		o.change.Wait()
	}
}

func (v *Viewer) takePiece(dst []byte) []byte {
	ring := &v.output.ring
	opcode, end := frames.Output, ring.head
	if v.cursor < v.liveAt {
		opcode, end = frames.Scrollback, v.liveAt
	}
	piece := ring.slice(v.cursor, min(end, v.cursor+pieceSize))
	wasFull := !v.mayGetMore()
	v.cursor += int64(len(piece))
	v.unacked += int64(len(piece))
	if wasFull || v.waived {
		v.output.change.Broadcast()
	}
	return frames.Append(dst, opcode, piece)
}

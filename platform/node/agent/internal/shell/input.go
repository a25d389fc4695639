package shell

import (
	"io"
	"sync"
)

// inputLimit is how much input is held for a shell that does not take it, in bytes.
const inputLimit = 1 << 20

// input holds what was typed until the PTY takes it.
type input struct {
	mu     sync.Mutex
	change *sync.Cond
	held   []byte
	closed bool
}

func newInput() *input {
	i := &input{}
	i.change = sync.NewCond(&i.mu)
	return i
}

// push adds p, waiting while there is no room. blocked is called with true before a wait and with false after
// it. It is false when the shell has ended.
func (i *input) push(p []byte, blocked func(bool)) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.held)+len(p) > inputLimit && !i.closed {
		i.mu.Unlock()
		blocked(true)
		i.mu.Lock()
		for len(i.held)+len(p) > inputLimit && !i.closed {
			i.change.Wait()
		}
		i.mu.Unlock()
		blocked(false)
		i.mu.Lock()
	}
	if i.closed {
		return false
	}
	i.held = append(i.held, p...)
	i.change.Broadcast()
	return true
}

// feed writes what is held into the PTY until close or the first error.
func (i *input) feed(pty io.Writer) {
	piece := make([]byte, 4096)
	for {
		i.mu.Lock()
		for len(i.held) == 0 && !i.closed {
			i.change.Wait()
		}
		n := copy(piece, i.held)
		i.held = i.held[n:]
		if len(i.held) == 0 {
			i.held = nil
		}
		closed := i.closed
		i.mu.Unlock()
		i.change.Broadcast()
		if closed {
			return
		}
		if _, err := pty.Write(piece[:n]); err != nil {
			i.close()
			return
		}
	}
}

func (i *input) close() {
	i.mu.Lock()
	i.closed = true
	i.held = nil
	i.mu.Unlock()
	i.change.Broadcast()
}

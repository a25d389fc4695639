package shell

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/reaper"
)

const patience = 15 * time.Second

// room is a Manager with a home of its own for the shells it starts, and what it was told.
type room struct {
	*Manager
	home string
	mu   sync.Mutex
	said []string
}

func newRoom(t *testing.T) *room {
	t.Helper()
	home := t.TempDir()
	t.Setenv("SLIPWAY_SECRET", "for process 1")
	r := reaper.New()
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { r.Run(ctx); close(stopped) }()
	m := &room{home: home}
	manager, err := NewManager(filepath.Join(home, "slipway"), home, 1, r, func(shell, what string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.said = append(m.said, shell+" "+what)
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Manager = manager
	t.Cleanup(func() {
		for _, info := range m.List() {
			_ = m.Close(info.Shell)
		}
		cancel()
		<-stopped
	})
	return m
}

func (m *room) count(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, each := range m.said {
		if each == what {
			n++
		}
	}
	return n
}

// person sits at a shell: types, sees and acknowledges. Like a browser's, their frames go out in order, so
// an acknowledgement comes behind all that was typed before it.
type person struct {
	t      *testing.T
	frames chan []byte
	at     *Attachment

	mu     sync.Mutex
	seen   bytes.Buffer
	opcode []byte
	exit   *Exit
}

func (m *room) sit(t *testing.T, name string, size frames.Size) *person {
	t.Helper()
	at, err := m.Attach(name, size, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	source, wire := io.Pipe()
	p := &person{t: t, frames: make(chan []byte, 1<<20), at: at}
	gone := make(chan struct{})
	go func() { at.ReadFrames(source); at.Viewer.Close() }()
	go func() {
		for {
			select {
			case <-gone:
				return
			case frame := <-p.frames:
				_, _ = wire.Write(frame)
			}
		}
	}()
	go p.look()
	t.Cleanup(func() { at.Viewer.Close(); close(gone); _ = source.Close() })
	return p
}

func (p *person) look() {
	for {
		frame, more := p.at.Viewer.Next(nil)
		if !more {
			return
		}
		opcode, payload, _ := frames.NewReader(bytes.NewReader(frame)).Next()
		p.mu.Lock()
		p.opcode = append(p.opcode, opcode)
		switch opcode {
		case frames.Output, frames.Scrollback:
			p.seen.Write(payload)
			count := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
			p.frames <- frames.Append(nil, frames.Acknowledge, count)
		case frames.Exit:
			p.exit = &Exit{}
			_ = json.Unmarshal(payload, p.exit)
		}
		p.mu.Unlock()
	}
}

func (p *person) types(text string) { p.frames <- frames.Append(nil, frames.Input, []byte(text)) }

func (p *person) resizes(cols, rows uint16) {
	payload := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, cols), rows)
	p.frames <- frames.Append(nil, frames.Resize, payload)
}

func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

func (p *person) sees(text string) {
	p.t.Helper()
	eventually(p.t, func() bool { return strings.Contains(p.screen(), text) }, func() string {
		return "never saw " + text + " in:\n" + p.screen()
	})
}

func (p *person) ending() *Exit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

func eventually(t *testing.T, ok func() bool, complaint func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(complaint())
		}
	}
}

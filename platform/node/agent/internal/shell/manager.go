package shell

import (
	"cmp"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"slipway.dev/node/internal/frames"
	"slipway.dev/node/internal/protocol"
	"slipway.dev/node/internal/reaper"
)

// MaxShells is how many shells may run at once.
const MaxShells = 8

var validName = regexp.MustCompile(`^[a-z0-9-]{1,16}$`)

// ValidName tells whether a shell may be called that.
func ValidName(name string) bool { return validName.MatchString(name) }

// Info is what is said about one shell.
type Info struct {
	Shell        string `json:"shell"`
	Pid          int    `json:"pid"`
	StartedMSAgo int64  `json:"started_ms_ago"`
	Viewers      int    `json:"viewers"`
	Exited       bool   `json:"exited"`
}

// Manager owns the node's shells. One that has ended stays, for its transcript, until its name is asked for
// again or its place is needed.
type Manager struct {
	folder string
	home   string
	reaper *reaper.Reaper
	notify func(shell, what string)

	mu     sync.Mutex
	shells map[string]*Shell
}

// NewManager keeps history files and the prompt's script below folder, which it makes. Shells begin in home. place is
// the node's place among its peers. notify is told "started", "finished" and "exited" and must not block.
func NewManager(folder, home string, place int, r *reaper.Reaper, notify func(shell, what string)) (*Manager, error) {
	if err := os.MkdirAll(filepath.Join(folder, "history"), 0o700); err != nil {
		return nil, err
	}
	err := os.WriteFile(filepath.Join(folder, "prompt.bash"), []byte(promptScript(place)), 0o644)
	return &Manager{folder: folder, home: home, reaper: r, notify: notify, shells: make(map[string]*Shell)}, err
}

// Attachment is one viewer at one shell. Its Viewer must be closed.
type Attachment struct {
	Viewer          *Viewer
	Created         bool
	ScrollbackBytes int
	shell           *Shell
}

// Attach gives a viewer of the shell of that name, which is started when none runs.
func (m *Manager) Attach(name string, size frames.Size, scrollback int) (*Attachment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &Attachment{shell: m.shells[name]}
	if a.shell == nil || a.shell.output.Exited() {
		if err := m.makeRoom(name); err != nil {
			return nil, err
		}
		started, err := start(name, m.command(name), size, m.reaper, func(what string) { m.notify(name, what) })
		if err != nil {
			return nil, protocol.Errorf(protocol.CodeFailed, "No shell could be started: %v.", err)
		}
		m.shells[name] = started
		a.shell, a.Created = started, true
	}
	a.Viewer, a.ScrollbackBytes = a.shell.attach(size, scrollback)
	return a, nil
}

// ReadFrames does what the viewer asks for until its frames end or make no sense, or the shell has ended.
func (a *Attachment) ReadFrames(source io.Reader) {
	reader := frames.NewReader(source)
	for {
		opcode, payload, err := reader.Next()
		if err != nil {
			return
		}
		switch opcode {
		case frames.Input:
			if !a.shell.Type(a.Viewer, payload) {
				// The shell has ended; the viewer is told so by its frames, not by a closed connection.
				continue
			}
		case frames.Resize:
			if size, ok := frames.ParseSize(payload); ok {
				a.shell.Resize(a.Viewer, size)
			}
		case frames.Acknowledge:
			if count, ok := frames.ParseCount(payload); ok {
				a.Viewer.Acknowledge(count)
			}
		default:
			return
		}
	}
}

// makeRoom forgets an ended shell when there are as many as there may be.
func (m *Manager) makeRoom(name string) error {
	delete(m.shells, name)
	if len(m.shells) < MaxShells {
		return nil
	}
	var oldest *Shell
	for _, s := range m.shells {
		if s.output.Exited() && (oldest == nil || s.started.Before(oldest.started)) {
			oldest = s
		}
	}
	if oldest == nil {
		return protocol.Errorf(protocol.CodeFailed, "%d shells are running already; that is the most.", MaxShells)
	}
	delete(m.shells, oldest.name)
	return nil
}

func (m *Manager) command(name string) *exec.Cmd {
	cmd := exec.Command("/bin/bash", "-l")
	if _, err := os.Stat(cmd.Path); err != nil {
		cmd = exec.Command("/bin/sh", "-l")
	}
	cmd.Env = environment(name, m.folder, m.home)
	if info, err := os.Stat(m.home); err == nil && info.IsDir() {
		cmd.Dir = m.home
	} else {
		cmd.Dir = "/"
	}
	return cmd
}

// List is all shells by name.
func (m *Manager) List() []Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []Info{}
	for _, s := range m.shells {
		list = append(list, Info{
			Shell: s.name, Pid: s.child.Pid(), StartedMSAgo: time.Since(s.started).Milliseconds(),
			Viewers: s.output.Viewers(), Exited: s.output.Exited(),
		})
	}
	slices.SortFunc(list, func(a, b Info) int { return cmp.Compare(a.Shell, b.Shell) })
	return list
}

func (m *Manager) find(name string) (*Shell, error) {
	if s := m.shells[name]; s != nil {
		return s, nil
	}
	return nil, protocol.Errorf(protocol.CodeNotFound, "There is no shell %q.", name)
}

// Close ends a shell; its transcript is gone.
func (m *Manager) Close(name string) error {
	m.mu.Lock()
	s, err := m.find(name)
	delete(m.shells, name)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// CloseAll hangs up every shell and does not wait.
func (m *Manager) CloseAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, s := range m.shells {
		delete(m.shells, name)
		go s.close()
	}
}

// LosePower ends every shell at once, as the loss of power does; viewers are told so. Transcripts stay.
func (m *Manager) LosePower() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.shells {
		s.losePower()
	}
}

// Transcript is the last lines of a shell's output that fit into size bytes.
func (m *Manager) Transcript(name string, size int) (content []byte, truncated bool, err error) {
	m.mu.Lock()
	s, err := m.find(name)
	m.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	content, truncated = s.output.Transcript(size)
	return content, truncated, nil
}

// History is what the shells were asked to do, oldest first, at most the last max.
func (m *Manager) History(max int) []Command {
	return readHistory(filepath.Join(m.folder, "history"), max)
}

package supervise

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	maxLogSize = 2 << 20
	tailSize   = 8 << 10
	maxLine    = 16 << 10
)

// Log keeps what a service prints: its end in memory, for error messages that must work on a full disk too,
// and up to twice 2 MiB in a file and the file before it. Writing never fails and never holds the service up.
type Log struct {
	keep func(line []byte) bool
	mu   sync.Mutex
	path string
	file *os.File
	size int64
	tail []byte
}

// NewLog keeps a log at path; the file is opened when there is something to write. Of what comes through a pipe it keeps
// the lines that keep wants, all where that is nil.
func NewLog(path string, keep func(line []byte) bool) *Log { return &Log{path: path, keep: keep} }

// Write always takes all of p.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - tailSize; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	l.writeFile(p)
	return len(p), nil
}

func (l *Log) writeFile(p []byte) {
	if l.file != nil && l.size+int64(len(p)) > maxLogSize {
		_ = l.file.Close()
		l.file = nil
		_ = os.Rename(l.path, l.path+".1")
	}
	if l.file == nil {
		file, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
		if err != nil {
			return
		}
		l.file, l.size = file, 0
		if info, err := file.Stat(); err == nil {
			l.size = info.Size()
		}
	}
	written, err := l.file.Write(p)
	l.size += int64(written)
	if err != nil {
		// A full disk: the log is the least of what the learner wants room for.
		_ = os.Remove(l.path + ".1")
		_ = l.file.Truncate(0)
		l.size = 0
	}
}

// LastLines gives the last lines, at most that many.
func (l *Log) LastLines(count int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(bytes.TrimRight(l.tail, "\n"), []byte("\n"))
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return strings.ToValidUTF8(string(bytes.Join(lines, []byte("\n"))), "\uFFFD")
}

// Pipe gives a file for a child to print into, and takes what comes out of it until every writer has closed it.
// The caller closes the file once the child has it.
func (l *Log) Pipe() (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() {
		defer reader.Close()
		if l.keep == nil {
			_, _ = io.Copy(l, reader)
		} else {
			l.copyLines(reader)
		}
	}()
	return writer, nil
}

// copyLines judges a line that is too long by its beginning.
func (l *Log) copyLines(from io.Reader) {
	lines := bufio.NewReaderSize(from, maxLine)
	for begun, keep := false, true; ; {
		part, err := lines.ReadSlice('\n')
		if !begun && len(part) > 0 {
			keep = l.keep(part)
		}
		if keep {
			_, _ = l.Write(part)
		}
		if begun = err == bufio.ErrBufferFull; err != nil && !begun {
			return
		}
	}
}

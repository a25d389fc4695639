package probe

import (
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"slipway.dev/node/internal/protocol"
)

const readTime = 5 * time.Second

// ReadParams names a file; Max in bytes.
type ReadParams struct {
	Path string `json:"path"`
	Max  int64  `json:"max"`
}

// ReadDefaults are the params that were not given.
func ReadDefaults() ReadParams { return ReadParams{Max: defaultOutput} }

// ReadResult is a file's beginning. Size is what the file system says, 0 for the files of /proc. Mode holds the
// permission bits with setuid, setgid and sticky.
type ReadResult struct {
	Content   string `json:"content"`
	Size      int64  `json:"size"`
	Truncated bool   `json:"truncated"`
	Mode      uint32 `json:"mode"`
}

// ReadFile reads a regular file; pipes, sockets and devices, which could hold it up for ever, are refused.
func ReadFile(params ReadParams) (ReadResult, error) {
	if err := checkPath(params.Path); err != nil {
		return ReadResult{}, err
	}
	if err := protocol.Within("max", params.Max, 0, maxOutput); err != nil {
		return ReadResult{}, err
	}
	type outcome struct {
		result ReadResult
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := readFile(params)
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-time.After(readTime):
		return ReadResult{}, protocol.Errorf(protocol.CodeTimeout, "Reading %s takes too long.", params.Path)
	}
}

func readFile(params ReadParams) (ReadResult, error) {
	file, err := os.OpenFile(params.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return ReadResult{}, fileError(params.Path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ReadResult{}, fileError(params.Path, err)
	}
	if !info.Mode().IsRegular() {
		return ReadResult{}, protocol.Errorf(protocol.CodeFailed, "%s is not a regular file.", params.Path)
	}
	content, err := io.ReadAll(io.LimitReader(file, params.Max+1))
	if err != nil {
		return ReadResult{}, fileError(params.Path, err)
	}
	result := ReadResult{Size: info.Size(), Mode: modeBits(info.Mode())}
	if result.Truncated = int64(len(content)) > params.Max; result.Truncated {
		content = content[:params.Max]
	}
	result.Content = validText(content)
	return result, nil
}

func modeBits(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

func checkPath(path string) error {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return protocol.Errorf(protocol.CodeBadRequest, "%.200q is no absolute path.", path)
	}
	return nil
}

func fileError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return protocol.Errorf(protocol.CodeNotFound, "There is no %s.", path)
	}
	return err
}

// File is one file to be written. Encoding is "utf-8" or "base64".
type File struct {
	Path     string `json:"path"`
	Content  string `json:"content"`
	Mode     *int64 `json:"mode"`
	Encoding string `json:"encoding"`
}

// WriteFiles writes files in place, in order, and makes the folders they need. All params are checked before anything is
// written; when a write fails, those before it stay.
func WriteFiles(files []File) (written int, err error) {
	contents := make([][]byte, len(files))
	for i, file := range files {
		if contents[i], err = file.check(); err != nil {
			return 0, err
		}
	}
	for i, file := range files {
		if err := file.write(contents[i]); err != nil {
			return i, protocol.Errorf(protocol.CodeFailed, "%d of %d files were written: %v.", i, len(files), err)
		}
	}
	return len(files), nil
}

func (f File) mode() int64 {
	if f.Mode == nil {
		return 0o644
	}
	return *f.Mode
}

func (f File) check() ([]byte, error) {
	if err := checkPath(f.Path); err != nil {
		return nil, err
	}
	if err := protocol.Within("mode", f.mode(), 0, 0o7777); err != nil {
		return nil, err
	}
	switch f.Encoding {
	case "", "utf-8":
		return []byte(f.Content), nil
	case "base64":
		content, err := base64.StdEncoding.DecodeString(f.Content)
		if err != nil {
			return nil, protocol.Errorf(protocol.CodeBadRequest, "The content of %s is not base64.", f.Path)
		}
		return content, nil
	default:
		return nil, protocol.Errorf(protocol.CodeBadRequest, "The encoding %.20q is neither utf-8 nor base64.", f.Encoding)
	}
}

func (f File) write(content []byte) error {
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = unix.Fchmod(int(file.Fd()), uint32(f.mode()))
	}
	return errors.Join(err, file.Close())
}

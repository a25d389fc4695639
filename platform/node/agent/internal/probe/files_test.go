package probe

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"slipway.dev/node/internal/protocol"
)

func TestAFileIsReadWithItsModeAndCutWhereItIsTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("hello \xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(ReadParams{path, 100}); err != nil || got != (ReadResult{"hello \uFFFD", 7, false, 0o2640}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ReadFile(ReadParams{path, 5}); err != nil || got != (ReadResult{"hello", 7, true, 0o2640}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ReadFile(ReadParams{"/proc/self/status", 1 << 16}); err != nil || !strings.Contains(got.Content, "Pid:") {
		t.Errorf("a file of /proc: %v, %v", got.Size, err)
	}
}

func TestWhatCouldHoldAReaderUpIsRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero", "/etc"} {
		var refusal *protocol.Error
		if _, err := ReadFile(ReadParams{path, 10}); !errors.As(err, &refusal) || refusal.Code != protocol.CodeFailed {
			t.Errorf("%s: %v", path, err)
		}
	}
	var refusal *protocol.Error
	for _, path := range []string{"/no/such/file", "/etc/passwd/x"} {
		if _, err := ReadFile(ReadParams{path, 10}); !errors.As(err, &refusal) || refusal.Code != protocol.CodeNotFound {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"", "etc/passwd", "/etc/\x00"} {
		_, err := ReadFile(ReadParams{path, 10})
		isBadRequest(t, path, err)
	}
}

func TestFilesAreWrittenWithTheirFoldersAndModes(t *testing.T) {
	folder := t.TempDir()
	mode := int64(0o4755)
	old := filepath.Join(folder, "old")
	if err := os.WriteFile(old, []byte("something much longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	written, err := WriteFiles([]File{
		{Path: filepath.Join(folder, "a/b/script"), Content: "#!/bin/sh\n", Mode: &mode},
		{Path: filepath.Join(folder, "binary"), Content: "AP8=", Encoding: "base64"},
		{Path: old, Content: "new", Encoding: "utf-8"},
	})
	if err != nil || written != 3 {
		t.Fatal(written, err)
	}
	for path, want := range map[string]struct {
		content string
		mode    uint32
	}{"a/b/script": {"#!/bin/sh\n", 0o4755}, "binary": {"\x00\xff", 0o644}, "old": {"new", 0o644}} {
		content, err := os.ReadFile(filepath.Join(folder, path))
		info, _ := os.Stat(filepath.Join(folder, path))
		if err != nil || string(content) != want.content || modeBits(info.Mode()) != want.mode {
			t.Errorf("%s: %q, %v, %v", path, content, info.Mode(), err)
		}
	}
}

func TestNothingIsWrittenWhenOneOfTheFilesIsWrong(t *testing.T) {
	folder := t.TempDir()
	good := File{Path: filepath.Join(folder, "good"), Content: "x"}
	bad := int64(0o10000)
	for _, wrong := range []File{
		{Path: "relative"}, {Path: "/a", Mode: &bad}, {Path: "/a", Encoding: "rot13"}, {Path: "/a", Encoding: "base64", Content: "!"},
	} {
		_, err := WriteFiles([]File{good, wrong})
		isBadRequest(t, wrong.Path, err)
	}
	if _, err := os.Stat(good.Path); err == nil {
		t.Error("the good one was written")
	}
	if written, err := WriteFiles([]File{good, {Path: "/proc/nothing/here"}}); err == nil || written != 1 {
		t.Errorf("%d, %v", written, err)
	}
}

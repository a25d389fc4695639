package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const (
	seekData = 3
	seekHole = 4
)

// makeDisk makes the file of an empty disk unless it is there. Making a file system takes ten times as long as
// copying the few written blocks of an empty one, so each size is made once and kept.
func makeDisk(file string, bytes int64, uid, gid int) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	template, err := beside("templates", fmt.Sprintf("ext4-1-%d-%d-%d", bytes, uid, gid))
	if err != nil {
		return err
	}
	err = copySparse(template, file)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeTemplate(template, bytes, uid, gid); err != nil {
			return err
		}
		err = copySparse(template, file)
	}
	return err
}

// makeTemplate makes an empty file system with the folders a node expects, all owned by the node's root.
func makeTemplate(template string, bytes int64, uid, gid int) error {
	scratch, err := os.MkdirTemp(filepath.Dir(template), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	content, image := filepath.Join(scratch, "content"), filepath.Join(scratch, "image")
	folders := []string{"", "upper", "work"}
	for name := range diskFolders {
		folders = append(folders, name)
	}
	for _, name := range folders {
		folder := filepath.Join(content, name)
		if err := errors.Join(os.Mkdir(folder, 0o755), os.Chmod(folder, 0o755), os.Chown(folder, uid, gid)); err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, bytes)); err != nil {
		return err
	}
	output, err := exec.Command("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal,^resize_inode",
		"-E", fmt.Sprintf("lazy_itable_init=1,nodiscard,root_owner=%d:%d", uid, gid), "-d", content, image).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mkfs.ext4: %w: %s", err, output)
	}
	return os.Rename(image, template)
}

// copySparse copies the written parts of a file and leaves its holes holes; the copy appears whole or not at all.
func copySparse(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	partial := to + ".new"
	target, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer target.Close()
	if err := target.Truncate(info.Size()); err != nil {
		return err
	}
	for offset := int64(0); ; {
		start, err := source.Seek(offset, seekData)
		if errors.Is(err, syscall.ENXIO) {
			break // nothing but a hole is left
		}
		if err != nil {
			return err
		}
		end, err := source.Seek(start, seekHole)
		if err != nil {
			return err
		}
		if _, err := target.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := source.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(target, source, end-start); err != nil {
			return err
		}
		offset = end
	}
	return os.Rename(partial, to)
}

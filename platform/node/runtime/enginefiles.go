package main

import (
	"errors"
	"os"
	"path/filepath"
)

// The engine binds these files of its own into every container, writable. Left there, a learner could fill the host's
// disk through them; so the node gets copies on its own disk.
var engineFiles = map[string]string{
	"/etc/hosts": "hosts", "/etc/hostname": "hostname", "/etc/resolv.conf": "resolv.conf",
}

// moveEngineFiles replaces those mounts by copies on the disk and remembers them for refreshEngineFiles.
func moveEngineFiles(id, disk string, mounts []specMount, uid, gid int) error {
	folder := filepath.Join(disk, "etc")
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	r, err := loadRecord(id)
	if err != nil {
		return err
	}
	r.Copies = map[string]string{}
	for i, m := range mounts {
		name, known := engineFiles[m.Destination]
		if !known {
			continue
		}
		target := filepath.Join(folder, name)
		if err := copyEngineFile(m.Source, target); err != nil {
			return err
		}
		if err := os.Chown(target, uid, gid); err != nil {
			return err
		}
		r.Copies[m.Source] = target
		mounts[i].Source = target
	}
	return r.save(id)
}

// refreshEngineFiles copies them again right before the node's first process starts: newer engines write them only
// when they have set the network up, which is after the container was created.
func refreshEngineFiles(id string) error {
	r, err := loadRecord(id)
	if err != nil {
		return err
	}
	for source, target := range r.Copies {
		if err := copyEngineFile(source, target); err != nil {
			return err
		}
	}
	return nil
}

func copyEngineFile(source, target string) error {
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o644)
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// spec is an OCI config.json. What we do not know passes through untouched.
type spec struct {
	path string
	all  map[string]json.RawMessage
}

// specMount is one entry of its mounts.
type specMount struct {
	Destination string          `json:"destination"`
	Type        string          `json:"type,omitempty"`
	Source      string          `json:"source,omitempty"`
	Options     []string        `json:"options,omitempty"`
	UIDMappings json.RawMessage `json:"uidMappings,omitempty"`
	GIDMappings json.RawMessage `json:"gidMappings,omitempty"`
}

func readSpec(bundle string) (*spec, error) {
	s := &spec{path: filepath.Join(bundle, "config.json")}
	content, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(content, &s.all); err != nil {
		return nil, fmt.Errorf("read %s: %w", s.path, err)
	}
	return s, nil
}

// write replaces config.json in one step.
func (s *spec) write() error {
	content, err := json.Marshal(s.all)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}

func (s *spec) get(key string, into any) error {
	raw, ok := s.all[key]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read %s of %s: %w", key, s.path, err)
	}
	return nil
}

func (s *spec) set(key string, value any) error {
	raw, err := json.Marshal(value)
	if err == nil {
		s.all[key] = raw
	}
	return err
}

func (s *spec) mounts() ([]specMount, error) {
	var mounts []specMount
	err := s.get("mounts", &mounts)
	return mounts, err
}

// environment returns the value of one variable of the container's first process, or "".
func (s *spec) environment(name string) (string, error) {
	var process struct {
		Env []string `json:"env"`
	}
	if err := s.get("process", &process); err != nil {
		return "", err
	}
	for _, entry := range process.Env {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value, nil
		}
	}
	return "", nil
}

// rootPath returns the absolute path of the container's root file system.
func (s *spec) rootPath() (string, error) {
	var root struct {
		Path string `json:"path"`
	}
	if err := s.get("root", &root); err != nil {
		return "", err
	}
	if !filepath.IsAbs(root.Path) {
		root.Path = filepath.Join(filepath.Dir(s.path), root.Path)
	}
	return filepath.Abs(root.Path)
}

// hostRoot returns the ids that the container's root has outside; 0, 0 without a user namespace.
func (s *spec) hostRoot() (uid, gid int, err error) {
	type mapping struct {
		ContainerID int `json:"containerID"`
		HostID      int `json:"hostID"`
	}
	var linux struct {
		UIDMappings []mapping `json:"uidMappings"`
		GIDMappings []mapping `json:"gidMappings"`
	}
	err = s.get("linux", &linux)
	first := func(mappings []mapping) int {
		for _, m := range mappings {
			if m.ContainerID == 0 {
				return m.HostID
			}
		}
		return 0
	}
	return first(linux.UIDMappings), first(linux.GIDMappings), err
}

// replaceOption takes `old` out of a mount's options and puts `new` in.
func replaceOption(options []string, old, new string) []string {
	options = slices.DeleteFunc(slices.Clone(options), func(option string) bool { return option == old || option == new })
	return append(options, new)
}

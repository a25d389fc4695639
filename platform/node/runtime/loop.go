package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// From the kernel's linux/loop.h.
const (
	loopConfigure  = 0x4C0A
	loopGetFree    = 0x4C82
	loopAutoclear  = 4
	loopMajor      = 7
	loopPartOfPath = 64
)

type loopInfo struct {
	device, inode, rdevice, offset, sizeLimit  uint64
	number, encryptType, encryptKeySize, flags uint32
	fileName, cryptName                        [loopPartOfPath]byte
	encryptKey                                 [32]byte
	init                                       [2]uint64
}

type loopConfig struct {
	fd, blockSize uint32
	info          loopInfo
	reserved      [8]uint64
}

// mountLoop mounts a file with an ext4 file system. The loop device frees itself when the last mount of it goes, also
// when that is the end of a mount namespace.
func mountLoop(file, target string) error {
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer backing.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("this machine offers no loop devices: %w", err)
	}
	defer control.Close()
	for range 64 {
		number, _, errno := syscall.Syscall(syscall.SYS_IOCTL, control.Fd(), loopGetFree, 0)
		if errno != 0 {
			return fmt.Errorf("find a free loop device: %w", errno)
		}
		err := mountOnLoop(backing, int(number), target)
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		// Another took it between the question and the answer: ask again.
	}
	return errors.New("no loop device could be had: others were faster every time")
}

func mountOnLoop(backing *os.File, number int, target string) error {
	path, err := loopNode(number)
	if err != nil {
		return err
	}
	device, err := os.OpenFile(path, os.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer device.Close() // the mount holds it from then on
	config := loopConfig{fd: uint32(backing.Fd()), info: loopInfo{flags: loopAutoclear}}
	copy(config.info.fileName[:loopPartOfPath-1], backing.Name())
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, device.Fd(), loopConfigure, uintptr(unsafe.Pointer(&config)))
	if errno != 0 {
		return errno
	}
	if err := syscall.Mount(path, target, "ext4", syscall.MS_NODEV|syscall.MS_NOATIME, diskOptions); err != nil {
		return fmt.Errorf("mount the disk: %w", err)
	}
	return nil
}

// loopNode is the device's file; made beside our state where /dev is not the kernel's own.
func loopNode(number int) (string, error) {
	path := fmt.Sprintf("/dev/loop%d", number)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	path, err := beside("state", fmt.Sprintf("loop%d", number))
	if err != nil {
		return "", err
	}
	err = syscall.Mknod(path, syscall.S_IFBLK|0o600, loopMajor<<8|number&0xff|(number&^0xff)<<12)
	if err != nil && !errors.Is(err, syscall.EEXIST) {
		return "", err
	}
	return path, nil
}

//go:build unix

package streams

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// lockFile locks a file until it is closed; ErrLocked: another process has the lock.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// deviceOf is the device of a file's file system, as text.
func deviceOf(file *os.File) string {
	var stat syscall.Stat_t
	if syscall.Fstat(int(file.Fd()), &stat) != nil {
		return ""
	}
	return "device " + strconv.FormatUint(uint64(stat.Dev), 10)
}

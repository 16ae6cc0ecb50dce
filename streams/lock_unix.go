//go:build unix

package streams

import (
	"errors"
	"os"
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

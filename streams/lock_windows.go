package streams

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile locks a file until it is closed; ErrLocked: another process has the lock. The locked byte lies behind the contents,
// so that the file stays readable.
func lockFile(file *os.File) error {
	behind := windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &behind)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}

// deviceOf is unknown here: an open file cannot be moved or replaced.
func deviceOf(*os.File) string { return "" }

// The lock of a data directory. nats-server takes none: two of them start in one directory and ruin it.
package streams

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrHeld is a data directory that another process works in.
var ErrHeld = errors.New("held by process")

// lockDir makes the directory if need be and takes it for this process until the file is closed. The kernel gives it back
// when the process dies, however it dies; the file itself stays.
func lockDir(dir string, mustExist bool) (*os.File, error) {
	if mustExist {
		if _, err := os.Stat(filepath.Join(dir, "jetstream")); err != nil {
			return nil, fmt.Errorf("no log in %s: %w", dir, err)
		}
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "onsale.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("couldn't lock the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		return nil, fmt.Errorf("data directory %s is %w %s", dir, ErrHeld, strings.TrimSpace(string(holder)))
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil { // whoever comes second reads who holds it
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("couldn't lock the data directory: %w", err)
	}
	return file, nil
}

// Package readfile reads the small files that settings name. A file that is replaced by a pipe or a device, or whose storage
// does not answer, costs its reader an error and not the process.
package readfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// MaxSize is the size above which a file is refused: keys, certificates and contexts have some KiB.
const MaxSize = 1 << 20

// timeout is how long a Reader waits for the storage.
const timeout = 5 * time.Second

// ErrNotRegular is the error of what is no regular file: a pipe may have no writer, and a device no end.
var ErrNotRegular = errors.New("not a regular file")

// Regular reads a regular file of at most MaxSize bytes.
func Regular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // else opening a pipe waits for its writer
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, err
	}
	text, err := AtMost(f)
	if errors.Is(err, errTooLarge) {
		err = &os.PathError{Op: "read", Path: path, Err: err}
	}
	return text, err
}

var errTooLarge = fmt.Errorf("larger than %d bytes", MaxSize)

// AtMost reads all of r, which must not have more than MaxSize bytes.
func AtMost(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil && len(text) > MaxSize {
		return nil, errTooLarge
	}
	return text, err
}

// Reason is the cause of an error of this package, without the file's path.
func Reason(err error) error {
	if file, ok := errors.AsType[*os.PathError](err); ok {
		return file.Err
	}
	return err
}

// Reader reads one file again and again. While a read hangs there is no second one, so hung storage costs one goroutine. A Reader
// is used by one goroutine at a time.
type Reader struct {
	path    string
	read    func(path string) ([]byte, error)
	pending chan content // of the read that is under way; nil: none is
}

type content struct {
	text []byte
	err  error
}

// NewReader returns the Reader of a file.
func NewReader(path string) *Reader { return &Reader{path: path, read: Regular} }

// Read reads the file as Regular does. It returns when ctx ends, and after some seconds, whatever the storage does.
func (r *Reader) Read(ctx context.Context) ([]byte, error) {
	if r.pending == nil {
		pending := make(chan content, 1)
		r.pending = pending
		go func() {
			text, err := r.read(r.path)
			pending <- content{text, err}
		}()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, os.ErrDeadlineExceeded)
	defer cancel()
	select {
	case c := <-r.pending:
		r.pending = nil
		return c.text, c.err
	case <-ctx.Done():
		return nil, &os.PathError{Op: "read", Path: r.path, Err: context.Cause(ctx)}
	}
}

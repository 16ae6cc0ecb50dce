// Watching that the files of an embedded server are still the ones that it opened. nats-server goes on writing into files whose
// names are gone, and acknowledges what nobody will find again.

package streams

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrFilesGone: files of the log are gone from their paths, or others have taken their place.
var ErrFilesGone = errors.New("the data directory is not the one that this node opened")

// watchedFiles are the directories of a log, its lock, and the newest block of each stream.
type watchedFiles struct {
	files   map[string]os.FileInfo // as they were when the log was opened
	streams []*watchedBlocks
}

type watchedBlocks struct {
	dir   string
	block int // the newest; 0: none yet
	info  os.FileInfo
}

func watchFiles(dir string, p prefix) *watchedFiles {
	w := &watchedFiles{files: map[string]os.FileInfo{}}
	paths := []string{dir, filepath.Join(dir, "onsale.lock"), filepath.Join(dir, "jetstream")}
	for _, stream := range []string{commandsStream, eventsStream} {
		if path := streamPath(dir, p.stream(stream)); path != "" {
			paths = append(paths, path, filepath.Join(path, "msgs"))
			blocks := &watchedBlocks{dir: path}
			blocks.check()
			w.streams = append(w.streams, blocks)
		}
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			w.files[path] = info
		}
	}
	return w
}

// CheckFiles returns ErrFilesGone when the files of an embedded server's log are no longer at their paths. Only one goroutine
// may call it.
func (l *Log) CheckFiles() error {
	if l.files == nil {
		return nil
	}
	for path, opened := range l.files.files {
		if err := CheckFile(path, opened); err != nil {
			return err
		}
	}
	for _, blocks := range l.files.streams {
		if err := blocks.check(); err != nil {
			return err
		}
	}
	return nil
}

// check looks at the newest block, and notes the ones after it. The first block is the lowest: nothing is ever removed. A block that is
// not the newest any more may have been compressed, which makes it another file.
func (b *watchedBlocks) check() error {
	if b.block == 0 {
		if blocks, err := blockFiles(b.dir); err == nil && len(blocks) > 0 {
			b.block = blocks[len(blocks)-1] - 1
		}
	}
	for {
		var fault error
		path := blockPath(b.dir, b.block)
		if b.info != nil {
			fault = CheckFile(path, b.info)
		}
		next, err := os.Stat(blockPath(b.dir, b.block+1))
		if sealed := err == nil && (isCompressed(path) || isEncrypted(b.dir)); fault != nil && !sealed {
			return fault
		}
		if err != nil {
			return nil
		}
		b.block, b.info = b.block+1, next
	}
}

// CheckFile returns ErrFilesGone when path is gone or is another file than opened. It tells nothing when the system cannot say.
func CheckFile(path string, opened os.FileInfo) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %s is gone", ErrFilesGone, path)
	case err == nil && !os.SameFile(opened, info):
		return fmt.Errorf("%w: another file or device is at %s", ErrFilesGone, path)
	}
	return nil
}

// Checking all blocks of a stream at once. A start reads every record, and most logs are whole: what is wrong with one that is not is left
// to blockReader.read, which goes through the blocks in order.

package streams

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/minio/highwayhash"
	"golang.org/x/sync/errgroup"
)

// blockRange is the first and the last message of a block; zeros: it has none.
type blockRange struct{ first, last uint64 }

// check returns the last message of a stream whose blocks are whole. The error is the first damage, or why they could not be read.
func (r *blockReader) check(ctx context.Context) (last uint64, err error) {
	if last, ok, err := r.intact(ctx); ok || err != nil {
		return last, err
	}
	err = r.read(ctx, func(*storedMessage) error { return nil })
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // it has no messages yet
	}
	if err == nil && len(r.damage) > 0 {
		err = r.damage[0]
	}
	return r.last.number, err
}

// intact says that every record of every block can be read, and that their messages are numbered from 1 to last without a gap. The error
// is ctx's.
func (r *blockReader) intact(ctx context.Context) (last uint64, ok bool, err error) {
	blocks, err := blockFiles(r.dir)
	if err != nil {
		return 0, false, nil
	}
	ranges, damaged := make([]blockRange, len(blocks)), atomic.Bool{}
	var next atomic.Int64
	var group errgroup.Group
	for range min(len(blocks), runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			var buffer []byte
			for i := next.Add(1) - 1; i < int64(len(blocks)) && !damaged.Load(); i = next.Add(1) - 1 {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				content, err := readInto(buffer, blockPath(r.dir, blocks[i]))
				var whole bool
				if ranges[i], whole = checkRecords(content, newChecksum(r.stream, blocks[i])); err != nil || !whole {
					damaged.Store(true)
				}
				buffer = content
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || damaged.Load() {
		return 0, false, err
	}
	for _, block := range ranges {
		if block.first != 0 && block.first != last+1 {
			return 0, false, nil
		}
		last = max(last, block.last)
	}
	return last, true, nil
}

// checkRecords returns false if a record cannot be read, or if a message is not the one after the one before it.
func checkRecords(content []byte, checksum *highwayhash.Digest64) (block blockRange, ok bool) {
	for len(content) > 0 {
		m, size := parseRecord(content, checksum)
		if size == 0 {
			return block, false
		}
		content = content[size:]
		switch {
		case m.number&sequenceFlags != 0:
			continue
		case block.first == 0:
			block.first = m.number
		case m.number != block.last+1:
			return block, false
		}
		block.last = m.number
	}
	return block, true
}

// readInto reads a file into a buffer, or a larger one: fresh memory costs more than reading.
func readInto(buffer []byte, path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return buffer, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return buffer, err
	}
	if int64(cap(buffer)) < info.Size() {
		buffer = make([]byte, info.Size()+info.Size()/8)
	}
	buffer = buffer[:info.Size()]
	_, err = io.ReadFull(file, buffer)
	return buffer, err
}

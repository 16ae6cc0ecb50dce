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
type blockRange struct {
	first, last uint64
	compressed  bool
}

// check returns the last message of a stream whose blocks are whole. The error is the first damage, or why they could not be read.
func (r *blockReader) check(ctx context.Context) (last uint64, err error) {
	if ok, err := r.intact(ctx); ok || err != nil {
		return r.last.number, err
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

// intact says that every record of every block can be read, and that their messages are numbered from 1 on without a gap; r then has the
// number and the block of the last one. The error is ctx's.
func (r *blockReader) intact(ctx context.Context) (ok bool, err error) {
	blocks, err := blockFiles(r.dir)
	if err != nil {
		return false, nil
	}
	ranges, damaged := make([]blockRange, len(blocks)), atomic.Bool{}
	var next atomic.Int64
	var group errgroup.Group
	for range min(len(blocks), runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			var buffer []byte
			decompressor := decompressor{reuses: true}
			for i := next.Add(1) - 1; i < int64(len(blocks)) && !damaged.Load(); i = next.Add(1) - 1 {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				file, err := readInto(buffer, blockPath(r.dir, blocks[i]))
				block := decompressor.open(blocks[i], file)
				var whole bool
				ranges[i], whole = checkRecords(block.content, newChecksum(r.stream, blocks[i]))
				if ranges[i].compressed = block.compressed; err != nil || block.damaged || !whole {
					damaged.Store(true)
				}
				buffer = file
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil || damaged.Load() {
		return false, err
	}
	var last uint64
	var newest storedBlock
	for i, block := range ranges {
		if block.first == 0 {
			continue
		}
		if block.first != last+1 {
			return false, nil
		}
		last, newest = block.last, storedBlock{number: blocks[i], compressed: block.compressed}
	}
	r.last, r.block = storedMessage{number: last}, newest
	return true, nil
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

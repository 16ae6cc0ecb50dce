// Compressed blocks. nats-server compresses a block when it begins the next one, and puts the result in the place of the old file. Such a
// file is: "cmp" and the algorithm, the size of what it holds, that in S2's chunks without its last 8 bytes, and those.

package streams

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
)

const (
	maxBlockBytes = 64 << 20 // nats-server's have 8 MiB, or one record
	maxChunkBytes = 4 << 20  // S2's limit

	chunkHeadBytes              = 4 // type, and size in 3 bytes
	chunkSumBytes               = 4
	chunkCompressed, chunkPlain = 0, 1
)

// storedBlock is a block of a stream.
type storedBlock struct {
	number     int
	content    []byte // its records
	compressed bool
	damaged    bool // compressed, and not all of it can be read: content has what can, and anything in between
}

// decompressor reads compressed blocks. The zero value is ready.
type decompressor struct {
	reuses bool // a block's content is valid until the next is opened; else it may be kept, as messages are that wait for a slower reader
	reader *s2.Reader
	buffer []byte
}

// open is a block with this file.
func (d *decompressor) open(number int, file []byte) storedBlock {
	var info server.CompressionInfo
	head, err := info.UnmarshalMetadata(file)
	if err == nil && head == 0 {
		return storedBlock{number: number, content: file}
	}
	if err != nil || len(file) < head+checksumBytes {
		return storedBlock{number: number, compressed: true, damaged: true}
	}
	chunks, sum := file[head:len(file)-checksumBytes], file[len(file)-checksumBytes:]
	if content, ok := d.decompress(chunks, sum, info.OriginalSize); ok {
		return storedBlock{number: number, content: content, compressed: true}
	}
	return storedBlock{number: number, content: append(salvage(chunks), sum...), compressed: true, damaged: true}
}

func (d *decompressor) decompress(chunks, sum []byte, size uint64) (content []byte, ok bool) {
	if size < checksumBytes || size > maxBlockBytes {
		return nil, false
	}
	if d.reader == nil {
		d.reader = s2.NewReader(nil)
	}
	if uint64(cap(d.buffer)) < size {
		d.buffer = make([]byte, size)
	}
	content = d.buffer[:size]
	if !d.reuses {
		d.buffer = nil
	}
	d.reader.Reset(bytes.NewReader(chunks))
	if _, err := io.ReadFull(d.reader, content[:size-checksumBytes]); err != nil {
		return nil, false
	}
	if n, err := d.reader.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) { // its end has been verified too
		return nil, false
	}
	copy(content[size-checksumBytes:], sum)
	return content, true
}

// salvage is what can be read of damaged chunks. In a chunk with a wrong checksum one bit may be wrong, or all that follows: its records
// have checksums of their own.
func salvage(chunks []byte) (content []byte) {
	for len(chunks) >= chunkHeadBytes {
		kind, size := chunks[0], int(chunks[1])|int(chunks[2])<<8|int(chunks[3])<<16
		chunks = chunks[chunkHeadBytes:]
		size = min(size, len(chunks)) // the last one may be cut off
		chunk := chunks[:size]
		chunks = chunks[size:]
		if kind > chunkPlain || size < chunkSumBytes {
			continue
		}
		chunk = chunk[chunkSumBytes:]
		if kind == chunkCompressed {
			length, err := s2.DecodedLen(chunk)
			if err != nil || length > maxChunkBytes {
				continue
			}
			decoded := make([]byte, length) // s2 leaves what it has decoded before an error
			_, _ = s2.Decode(decoded, chunk)
			chunk = decoded
		}
		content = append(content, chunk...)
	}
	return content
}

// compressBlock is the file of a block with these records.
func compressBlock(records []byte) ([]byte, error) {
	file, err := server.S2Compression.Compress(records)
	info := server.CompressionInfo{Algorithm: server.S2Compression, OriginalSize: uint64(len(records))}
	return append(info.MarshalMetadata(), file...), err
}

// isCompressed says that the file of a block is compressed. It is not while the block is written.
func isCompressed(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(file, head)
	var info server.CompressionInfo
	size, err := info.UnmarshalMetadata(head[:n])
	return err == nil && size > 0
}

// prepareBlocks leaves the blocks, which have all been read, as nats-server needs them. It would append to the last one with messages,
// although it is compressed, if the one after it was lost or torn in a power loss.
func (r *blockReader) prepareBlocks() error {
	leftovers, _ := filepath.Glob(filepath.Join(r.dir, "msgs", "*.blk.tmp")) // of a process that was killed while it compressed
	for _, path := range leftovers {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if !r.block.compressed || r.block.damaged {
		return nil
	}
	path := blockPath(r.dir, r.block.number)
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tmp := path + ".tmp"
	if err := writeSynced(tmp, r.decompressor.open(r.block.number, file).content); err != nil {
		return err
	}
	return errors.Join(os.Rename(tmp, path), removeIndex(r.dir))
}

// The block files of an embedded server, read and written without it. nats-server skips or cuts away what it cannot read and
// reports the log as healthy, so both logs are read before it opens them; backup and repair work on the files too.
//
// A record is: length (4 bytes, its highest bit set if there is a header), sequence (8), time (8), length of the subject (2),
// subject, length of the header (4) and header if there is one, payload, checksum (8) over all but the lengths.

package streams

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
)

const (
	recordHeadBytes = 4 + 8 + 8 + 2
	checksumBytes   = 8
	headerBit       = 1 << 31
	maxRecordBytes  = 32 << 20        // nats-server takes no longer one
	sequenceFlags   = uint64(3) << 62 // a removed message, or a mark of one: onsale's logs have none
	newBlockBytes   = 4 << 20         // size at which a written block ends
	powerLossSyncs  = 2               // how many sync intervals of a log a power loss may have damaged
	scrubPause      = time.Second     // after each block that is read in the background
	streamsGlob     = "jetstream/*/streams"
)

// storedMessage is a message as a block file has it.
type storedMessage struct {
	number          uint64
	at              int64 // Unix nanoseconds
	subject         string
	header, payload []byte
}

// Damage is a part of a log's files that cannot be read.
type Damage struct {
	Stream      string
	First, Last uint64 // the messages that are lost; Last is 0 when none after them can be read
	File        string
	Offset      int64 // of the first byte that cannot be read

	before int64 // time of the message before; 0: none
	sealed bool  // the block is compressed, and was on the disk before the ones after it were begun
}

func (d Damage) Error() string {
	what := fmt.Sprintf("messages %d to %d", d.First, d.Last)
	switch {
	case d.Last == 0:
		what = fmt.Sprintf("everything from message %d on", d.First)
	case d.Last == d.First:
		what = fmt.Sprintf("message %d", d.First)
	case d.Last < d.First:
		what = fmt.Sprintf("bytes before message %d", d.First)
	}
	where := "byte"
	if d.sealed {
		where = "compressed; of what it holds, byte"
	}
	return fmt.Sprintf("%s is damaged: %s cannot be read (%s, %s %d)", d.Stream, what, d.File, where, d.Offset)
}

// ErrDamaged: the files of a log cannot be read whole. Nothing was changed.
var ErrDamaged = errors.New("the log on disk is damaged")

func (d Damage) Is(target error) bool { return target == ErrDamaged }

// blockReader reads the blocks of one stream.
type blockReader struct {
	prefix prefix
	stream string        // with its prefix
	dir    string        // of the stream; "": it has none
	pause  time.Duration // after each block
	last   storedMessage // the last one that was read; its bytes are not kept
	block  storedBlock   // that of the last message; its bytes are not kept
	damage []Damage

	decompressor decompressor
}

// streamPath is the directory of a stream in a data directory; "" if it has none.
func streamPath(dir, stream string) string {
	paths, _ := filepath.Glob(filepath.Join(dir, streamsGlob, stream))
	if len(paths) != 1 {
		return ""
	}
	return paths[0]
}

func newBlockReader(dir string, p prefix, stream string) *blockReader {
	return &blockReader{prefix: p, stream: p.stream(stream), dir: streamPath(dir, p.stream(stream))}
}

// onlyPrefix is the prefix of a directory's one log.
func onlyPrefix(dir string) (prefix, error) {
	paths, _ := filepath.Glob(filepath.Join(dir, streamsGlob, "*"+commandsStream))
	if len(paths) != 1 {
		return "", fmt.Errorf("%s has %d logs, want one", dir, len(paths))
	}
	return prefix(strings.TrimSuffix(strings.TrimSuffix(filepath.Base(paths[0]), commandsStream), "_")), nil
}

// noStream is the error for a directory without a log of this prefix.
func noStream(dir string, p prefix, stream string) error {
	err := fmt.Errorf("no log in %s: it has no stream %s", dir, p.stream(stream))
	if other, otherErr := onlyPrefix(dir); otherErr == nil && other != p {
		return fmt.Errorf("%w but %s: its nats.prefix is %q", err, other.stream(stream), other)
	}
	return err
}

// blockFiles are the numbers of a stream's blocks, in order.
func blockFiles(dir string) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "msgs"))
	if err != nil {
		return nil, err
	}
	var blocks []int
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".blk"); ok {
			if n, err := strconv.Atoi(name); err == nil {
				blocks = append(blocks, n)
			}
		}
	}
	slices.Sort(blocks)
	return blocks, nil
}

// isEncrypted says that a stream's blocks cannot be read without nats-server's keys.
func isEncrypted(dir string) bool {
	keys, _ := filepath.Glob(filepath.Join(dir, "*.key"))
	return len(keys) > 0
}

func blockPath(dir string, block int) string {
	return filepath.Join(dir, "msgs", strconv.Itoa(block)+".blk")
}

// read calls visit with every message that can be read, in order; its bytes are valid until visit returns.
func (r *blockReader) read(ctx context.Context, visit func(*storedMessage) error) error {
	blocks, err := blockFiles(r.dir)
	if err != nil {
		return err
	}
	for _, block := range blocks {
		content, err := os.ReadFile(blockPath(r.dir, block))
		if err != nil {
			return err
		}
		if err := r.readBlock(r.decompressor.open(block, content), visit); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(r.pause):
		}
	}
	return nil
}

func (r *blockReader) readBlock(block storedBlock, visit func(*storedMessage) error) error {
	content, damages := block.content, len(r.damage)
	checksum := newChecksum(r.stream, block.number)
	for offset := 0; offset < len(content); {
		m, size := parseRecord(content[offset:], checksum)
		if size == 0 {
			r.noteDamage(block, offset)
			offset = r.nextRecord(content, offset+1, checksum)
			continue
		}
		if m.number&sequenceFlags == 0 && m.number > r.last.number {
			if m.number != r.last.number+1 {
				r.noteDamage(block, offset)
			}
			if n := len(r.damage); n > 0 && r.damage[n-1].Last == 0 {
				r.damage[n-1].Last = m.number - 1
			}
			m.subject = r.prefix.trim(m.subject)
			if err := visit(&m); err != nil {
				return err
			}
			r.last = storedMessage{number: m.number, at: m.at}
			r.block = storedBlock{number: block.number, compressed: block.compressed, damaged: block.damaged}
		}
		offset += size
	}
	if block.damaged && len(r.damage) == damages { // every message is there, but nats-server reads none of them
		r.noteDamage(block, len(content))
	}
	return nil
}

// noteDamage notes that the message after the last one cannot be read, unless that is known.
func (r *blockReader) noteDamage(block storedBlock, offset int) {
	if n := len(r.damage); n > 0 && r.damage[n-1].Last == 0 {
		return
	}
	r.damage = append(r.damage, Damage{
		Stream: r.stream, First: r.last.number + 1, File: blockPath(r.dir, block.number), Offset: int64(offset), before: r.last.at, sealed: block.compressed,
	})
}

// nextRecord finds the next record that can be read, by its sequence and its checksum; the end of content if there is none.
func (r *blockReader) nextRecord(content []byte, from int, checksum *highwayhash.Digest64) int {
	for offset := from; offset+recordHeadBytes+checksumBytes <= len(content); offset++ {
		number := binary.LittleEndian.Uint64(content[offset+4:])
		if number <= r.last.number || number > r.last.number+uint64(len(content)) {
			continue
		}
		if _, size := parseRecord(content[offset:], checksum); size > 0 {
			return offset
		}
	}
	return len(content)
}

// newChecksum is the checksum of a block's records.
func newChecksum(stream string, block int) *highwayhash.Digest64 {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, block))
	checksum, _ := highwayhash.NewDigest64(key[:]) // the key has the right length
	return checksum
}

// parseRecord reads the record at the start of b; its size is 0 if it cannot be read.
func parseRecord(b []byte, checksum *highwayhash.Digest64) (m storedMessage, size int) {
	if len(b) < recordHeadBytes+checksumBytes {
		return m, 0
	}
	length := binary.LittleEndian.Uint32(b)
	size = int(length &^ headerBit)
	subjectEnd := recordHeadBytes + int(binary.LittleEndian.Uint16(b[20:]))
	headerStart, payloadStart, end := subjectEnd, subjectEnd, size-checksumBytes
	if size > maxRecordBytes || size > len(b) || subjectEnd > end {
		return m, 0
	}
	if length&headerBit != 0 {
		if headerStart += 4; headerStart > end {
			return m, 0
		}
		payloadStart = headerStart + int(binary.LittleEndian.Uint32(b[subjectEnd:]))
		if payloadStart > end || payloadStart < headerStart {
			return m, 0
		}
	}
	checksum.Reset()
	checksum.Write(b[4:20])
	checksum.Write(b[recordHeadBytes:subjectEnd])
	checksum.Write(b[headerStart:end])
	var sum [checksumBytes]byte
	if !bytes.Equal(checksum.Sum(sum[:0]), b[end:size]) {
		return m, 0
	}
	return storedMessage{
		number: binary.LittleEndian.Uint64(b[4:]), at: int64(binary.LittleEndian.Uint64(b[12:])),
		subject: string(b[recordHeadBytes:subjectEnd]), header: b[headerStart:payloadStart], payload: b[payloadStart:end],
	}, size
}

// The two files beside a stream's blocks, meta.inf and meta.sum: its configuration and the checksum of that. nats-server passes over a
// stream whose files do not agree, which then looks as if it were missing.

package streams

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
)

// ErrMetaDamaged: the configuration of a stream, or its checksum, cannot be read. Its messages may be whole.
var ErrMetaDamaged = fmt.Errorf("%w: the configuration of a stream cannot be read", ErrDamaged)

const (
	metaFile    = "meta.inf"
	metaSumFile = "meta.sum"
)

// checkMeta returns ErrMetaDamaged if nats-server would pass over the stream, named with its prefix, in dir, although it has messages.
func checkMeta(stream, dir string) error {
	meta, err := os.ReadFile(filepath.Join(dir, metaFile))
	var sum []byte
	if err == nil {
		sum, err = os.ReadFile(filepath.Join(dir, metaSumFile))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if !hasMessages(dir) { // it was being created
			return nil
		}
		return fmt.Errorf("%w: %w", ErrMetaDamaged, err)
	}
	if err != nil {
		return err
	}
	if metaSum(stream, meta) == string(sum) || !hasMessages(dir) {
		return nil
	}
	if !json.Valid(meta) {
		return fmt.Errorf("%w: %s", ErrMetaDamaged, filepath.Join(dir, metaFile))
	}
	return fmt.Errorf("%w: %s or %s, which do not agree", ErrMetaDamaged, filepath.Join(dir, metaFile), filepath.Join(dir, metaSumFile))
}

// metaSum is what the checksum file of a stream has.
func metaSum(stream string, meta []byte) string {
	key := sha256.Sum256([]byte(stream))
	checksum, _ := highwayhash.NewDigest64(key[:]) // the key has the right length
	checksum.Write(meta)
	return hex.EncodeToString(checksum.Sum(nil))
}

// checkPresent refuses a data directory that has lost its log, before nats-server makes a new one there.
func checkPresent(dir string, p prefix, hasStore bool) error {
	missing := 0
	for _, stream := range []string{commandsStream, eventsStream} {
		name := p.stream(stream)
		if streamPath(dir, name) != "" {
			continue
		}
		missing++
		if _, err := os.Stat(repairedPath(dir, name)); err == nil {
			return fmt.Errorf("%w: a repair of %s was not finished", ErrDamaged, name)
		}
	}
	if missing == 2 && hasStore {
		return fmt.Errorf("%w: %s has no streams", ErrNoLog, filepath.Join(dir, "jetstream"))
	}
	return nil
}

// hasMessages says that a stream has a block that is not empty, or one that cannot be looked at.
func hasMessages(dir string) bool {
	blocks, err := blockFiles(dir)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	for _, block := range blocks {
		if info, err := os.Stat(blockPath(dir, block)); err != nil || info.Size() > 0 {
			return true
		}
	}
	return false
}

// storedEpoch is the epoch of the log in a data directory.
func storedEpoch(dir string, p prefix, stream string) (string, error) {
	content, err := os.ReadFile(filepath.Join(streamPath(dir, p.stream(stream)), metaFile))
	if err != nil {
		return "", err
	}
	var meta struct {
		Metadata map[string]string `json:"metadata"`
	}
	err = json.Unmarshal(content, &meta)
	return meta.Metadata[epochKey], err
}

package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"onsale/projections/store"
)

// refusals are what the operating system may refuse while a store is opened. Each ends its process.
var refusals = map[string]func() error{
	"memory": func() error {
		// Go's own memory may grow by 512 MiB, which is less than the mapping of a store needs.
		var pages uint64
		statm, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return err
		}
		if _, err := fmt.Sscan(string(statm), &pages); err != nil {
			return err
		}
		return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: pages*uint64(os.Getpagesize()) + 512<<20, Max: 1 << 40})
	},
	"descriptors": func() error {
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: 4096})
	},
	"permission": func() error { return syscall.Setreuid(-1, 65534) },
	"lock":       func() error { return nil },
}

// What the operating system refuses is not damage: the file stays where it is, and the next start opens it.
func TestUnavailable_LeavesStore(t *testing.T) {
	if dir := os.Getenv("ONSALE_TEST_REFUSED_DIR"); dir != "" { // the process of a case
		tn := newNodeIn(t, dir)
		tn.openLog()
		if err := refusals[os.Getenv("ONSALE_TEST_REFUSAL")](); err != nil {
			t.Fatal(err)
		}
		err := tn.tryProjector()
		fmt.Println(err)
		if errors.Is(err, store.ErrUnavailable) {
			os.Exit(7)
		}
		os.Exit(8)
	}
	for name, want := range map[string]string{
		"memory": "cannot allocate memory", "descriptors": "too many open files", "permission": "permission denied", "lock": "locked by another process",
	} {
		t.Run(name, func(t *testing.T) {
			if name == "permission" && os.Getuid() != 0 {
				t.Skip("only root can become a user without permission")
			}
			tn := newTestNode(t)
			tn.createPromotion("demo", 100)
			tn.issueConcurrently(20, "demo")
			tn.waitConfirmed()
			tn.close()
			before := tn.readFile(tn.path())
			if name == "lock" {
				db, err := bolt.Open(tn.path(), 0o600, &bolt.Options{NoFreelistSync: true})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
			}
			c := exec.Command(os.Args[0], "-test.run", "^TestUnavailable_LeavesStore$")
			c.Env = append(os.Environ(), "ONSALE_TEST_REFUSED_DIR="+tn.dir, "ONSALE_TEST_REFUSAL="+name)
			output, err := c.CombinedOutput()
			if bytes.Contains(output, []byte("ThreadSanitizer failed to allocate")) {
				t.Skip("the race detector needs address space of its own")
			}
			if t.Log(string(output)); c.ProcessState.ExitCode() != 7 || !strings.Contains(string(output), want) {
				t.Errorf("%v, want %s", err, want)
			}
			if moved, _ := filepath.Glob(tn.path() + ".damaged-*"); len(moved) > 0 || !bytes.Equal(before, tn.readFile(tn.path())) {
				t.Errorf("the file was changed, or moved to %v", moved)
			}
		})
	}
}

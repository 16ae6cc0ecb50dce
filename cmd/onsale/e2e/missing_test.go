// What a start and a repair say when not the messages of a log are damaged, but what lies beside them.

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// files are the paths below the node's data directory.
func files(t *testing.T, node *harness.Node) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(node.Data, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// flipBit flips one bit in the middle of a file.
func flipBit(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content[len(content)/2] ^= 4
	return os.WriteFile(path, content, 0o600)
}

// startCase is what happened to a data directory, and what a start and a repair say of it.
type startCase struct {
	damage       func(*harness.Node) error
	refused      []string // parts of the message
	repair       string   // part of what repair says; "": it is not asked
	repairHeals  bool
	copied       string // stream whose configuration is copied from the backup, as the hint says
	startRemarks string // of a start that succeeds
}

var startCases = map[string]startCase{
	"meta.inf flipped": {
		damage:  func(n *harness.Node) error { return flipBit(filepath.Join(streamDir(n, "EVENTS"), "meta.inf")) },
		refused: []string{"EVENTS/meta.inf", "hint: copy meta.inf"}, repair: "EVENTS/meta.inf", copied: "EVENTS",
	},
	"meta.sum flipped": {
		damage:  func(n *harness.Node) error { return flipBit(filepath.Join(streamDir(n, "COMMANDS"), "meta.sum")) },
		refused: []string{"COMMANDS/meta.sum", "hint: copy meta.inf"}, repair: "COMMANDS/meta.sum", copied: "COMMANDS",
	},
	"meta.sum empty": {
		damage:  func(n *harness.Node) error { return os.Truncate(filepath.Join(streamDir(n, "EVENTS"), "meta.sum"), 0) },
		refused: []string{"EVENTS/meta.sum", "hint: copy meta.inf"}, repair: "EVENTS/meta.sum", copied: "EVENTS",
	},
	"meta.inf removed": {
		damage:  func(n *harness.Node) error { return os.Remove(filepath.Join(streamDir(n, "EVENTS"), "meta.inf")) },
		refused: []string{"EVENTS/meta.inf", "hint: copy meta.inf"}, repair: "EVENTS/meta.inf", copied: "EVENTS",
	},
	"jetstream removed": {
		damage:  func(n *harness.Node) error { return os.RemoveAll(filepath.Join(n.Data, "jetstream")) },
		refused: []string{"the log is missing beside the read store", "hint: put the log back"},
	},
	"both streams removed": {
		damage:  func(n *harness.Node) error { return os.RemoveAll(filepath.Dir(streamDir(n, "EVENTS"))) },
		refused: []string{"the log is missing beside the read store", "hint: put the log back"},
	},
	"repair killed before the exchange": {
		damage: func(n *harness.Node) error {
			if err := os.CopyFS(filepath.Join(n.Data, "repaired-EVENTS"), os.DirFS(streamDir(n, "EVENTS"))); err != nil {
				return err
			}
			return os.Rename(streamDir(n, "EVENTS"), filepath.Join(n.Data, "damaged-EVENTS-20260701T010000"))
		},
		refused: []string{"repair of EVENTS was not finished", "onsale repair"}, repair: "EVENTS: an earlier attempt", repairHeals: true,
	},
	"repair killed in the read store": {
		damage: func(n *harness.Node) error { return os.Mkdir(filepath.Join(n.Data, "repair-123"), 0o700) },
		repair: "repair-123", repairHeals: true,
	},
	"store.db empty": {
		damage:       func(n *harness.Node) error { return os.Truncate(filepath.Join(n.Data, "store.db"), 0) },
		startRemarks: `reason="it was empty"`,
	},
}

// A start that is refused ends with exit code 1, says what is wrong and what to do, and changes nothing.
func TestStart_NamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, 120*time.Second), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	node.IssueCoupons(ctx, client, "u1", "u2")
	process.Terminate(t)
	backup := filepath.Join(t.TempDir(), "backup")
	mustRun(t, node, 0, "backup", backup, "--data", node.Data)
	whole, _, _ := node.RunTool("replay", "--data", node.Data)
	for name, c := range startCases {
		t.Run(name, func(t *testing.T) {
			copied := copyNode(t, node)
			if err := c.damage(copied); err != nil {
				t.Fatal(err)
			}
			if len(c.refused) > 0 {
				before := files(t, copied)
				_, stderr, code := copied.RunToolWithin(60*time.Second, "serve", "--data", copied.Data, "--listen", copied.Addr)
				for _, part := range c.refused {
					if code != 1 || !strings.Contains(stderr, part) {
						t.Errorf("exit code %d, want 1 and %q:\n%s", code, part, stderr)
					}
				}
				if after := files(t, copied); !slices.Equal(before, after) {
					t.Errorf("the refused start has changed files:\n%s\n%s", before, after)
				}
			}
			if c.repair != "" {
				code := 1
				if c.repairHeals {
					code = 0
				}
				if said := mustRun(t, copied, code, "repair", "--data", copied.Data); !strings.Contains(said, c.repair) {
					t.Errorf("repair says %q, want %q", said, c.repair)
				}
				if left, _ := filepath.Glob(filepath.Join(copied.Data, "repair*")); c.repairHeals && len(left) > 0 {
					t.Errorf("repair leaves %s", left)
				}
			}
			if c.copied != "" {
				for _, name := range []string{"meta.inf", "meta.sum"} {
					content, err := os.ReadFile(filepath.Join(backup, "jetstream", "$G", "streams", c.copied, name))
					if err == nil {
						err = os.WriteFile(filepath.Join(streamDir(copied, c.copied), name), content, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if len(c.refused) == 0 || c.repairHeals || c.copied != "" {
				process := copied.StartDemo()
				copied.IssueCoupons(ctx, client, "later")
				process.Terminate(t)
				if log := process.Stderr(); !strings.Contains(log, c.startRemarks) {
					t.Errorf("the start does not say %q:\n%s", c.startRemarks, log)
				}
				if now, _, _ := copied.RunTool("replay", "--data", copied.Data); !strings.HasPrefix(now, whole) {
					t.Errorf("another log than before:\n%s\n%s", whole, now)
				}
			}
		})
	}
}

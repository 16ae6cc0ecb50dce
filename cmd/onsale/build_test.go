package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Two builds of one commit, in two directories and without a cache, have the same bytes; the binary names the commit.
func TestBuild_IsReproducible(t *testing.T) {
	if os.Getenv("ONSALE_TEST_LONG") == "" {
		t.Skip("it compiles everything twice; set ONSALE_TEST_LONG")
	}
	run := func(dir string, environ []string, name string, args ...string) []byte {
		t.Helper()
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir, command.Env, command.Stderr = dir, append(os.Environ(), environ...), t.Output()
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return bytes.TrimSpace(output)
	}
	root, _ := filepath.Abs("../..")
	commit := run(root, nil, "git", "rev-parse", "HEAD")
	var binaries [2][]byte
	for i := range binaries {
		clone := filepath.Join(t.TempDir(), "onsale")
		run(root, nil, "git", "clone", "-q", root, clone)
		run(clone, nil, "git", "checkout", "-q", string(commit))
		run(clone, []string{"GOCACHE=" + t.TempDir(), "CGO_ENABLED=0"}, "go", "build", "-trimpath", "-buildvcs=true", "-o", "onsale", "./cmd/onsale")
		var err error
		if binaries[i], err = os.ReadFile(filepath.Join(clone, "onsale")); err != nil {
			t.Fatal(err)
		}
		if version := run(clone, nil, "./onsale", "version"); !bytes.Contains(version, commit) {
			t.Errorf("the version does not name commit %s: %s", commit, version)
		}
	}
	if !bytes.Equal(binaries[0], binaries[1]) {
		t.Errorf("two builds of %s differ, in %d and %d bytes", commit, len(binaries[0]), len(binaries[1]))
	}
}

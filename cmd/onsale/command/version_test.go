package command

import (
	"bytes"
	"runtime/debug"
	"testing"
)

func TestVersion_PrintsRelease(t *testing.T) {
	var out bytes.Buffer
	printVersion(&out, &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Path: "onsale", Version: "v1.0.0"},
		Deps: []*debug.Module{
			{Path: "github.com/nats-io/nats.go", Version: "v1.55.0"},
			{Path: "github.com/nats-io/nats-server/v2", Version: "v2.15.2"},
		},
		Settings: []debug.BuildSetting{
			{Key: "GOARCH", Value: "amd64"}, {Key: "GOOS", Value: "linux"},
			{Key: "vcs.revision", Value: "5ca1ab1e"}, {Key: "vcs.time", Value: "2026-11-22T09:00:00Z"}, {Key: "vcs.modified", Value: "true"},
		},
	})
	want := "onsale v1.0.0\nrevision 5ca1ab1e of 2026-11-22T09:00:00Z, changed since\ngo1.26.8 linux/amd64\nnats-server v2.15.2\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// system is one of what is compared. Its measures are runs of the load; where two measures ask the same of it, one run serves both.
type system struct {
	key, name string
	runs      func(measure string) string // the run that measures it; "": none
	start     func(ctx context.Context, t *tool, dir string, always bool) (*instance, error)
}

var systems = []system{
	{"onsale", "onsale", func(measure string) string { return measure }, startOnsale},
	{"redis", "Redis and PostgreSQL", func(measure string) string {
		if measure == loseAnswered {
			return lose // a loser has its answer at once anyway
		}
		return measure
	}, startRedisQueue},
	{"postgres", "PostgreSQL alone", func(measure string) string {
		switch measure { // every commit is on disk anyway
		case loseAnswered:
			return lose
		case always:
			return win
		case always1000:
			return open1000
		}
		return measure
	}, startPostgresAlone},
	{"empty", "an empty handler", func(measure string) string {
		if measure == win {
			return win
		}
		return ""
	}, startEmpty},
}

func systemKeys() (keys []string) {
	for _, s := range systems {
		keys = append(keys, s.key)
	}
	return keys
}

// instance is a system that runs.
type instance struct {
	address   string
	processes []*process // the first is the one that answers
}

// stop ends the processes: what answers first, then what it uses.
func (i *instance) stop() {
	for _, p := range i.processes {
		signal := syscall.SIGTERM
		if p.name == "postgresql" {
			signal = syscall.SIGINT // which waits for no client
		}
		p.stop(signal)
	}
}

func (i *instance) pids() map[string]int {
	pids := map[string]int{}
	for _, p := range i.processes {
		pids[p.name] = p.pid()
	}
	return pids
}

func startOnsale(ctx context.Context, t *tool, dir string, always bool) (*instance, error) {
	interval := "1s"
	if always {
		interval = "always"
	}
	args := append([]string{t.onsale, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"), "--sync", interval,
		"--limits-per-user", "0", "--limits-per-address", "0"}, t.serveFlags...)
	p, err := startProcess(dir, "onsale", nil, args...)
	if err != nil {
		return nil, err
	}
	i, err := answering(ctx, p)
	if err != nil {
		return nil, err
	}
	err = p.await(ctx, func() error {
		response, err := http.Get("http://" + i.address + "/readyz")
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %s", response.Status)
		}
		return nil
	})
	if err != nil {
		i.stop()
		return nil, err
	}
	return i, nil
}

// buildOnsale builds the binary from the module that this one lies in.
func buildOnsale(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "onsale")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".")
	build.Dir, build.Env, build.Stderr = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	if err := build.Run(); err != nil {
		return "", hintError{fmt.Errorf("building onsale: %w", err), "run this in cmd/onsale/bench/compare, or name a binary with -onsale"}
	}
	return binary, nil
}

func startRedisQueue(ctx context.Context, t *tool, dir string, always bool) (*instance, error) {
	appendfsync := "everysec"
	if always {
		appendfsync = "always"
	}
	database, url, err := startPostgres(ctx, dir)
	if err != nil {
		return nil, err
	}
	used := &instance{processes: []*process{database}}
	redis, address, err := startRedis(ctx, dir, appendfsync)
	if err != nil {
		used.stop()
		return nil, err
	}
	used.processes = append(used.processes, redis)
	return t.startPeer(ctx, dir, used, append([]string{"redis", "-redis", address, "-postgres", url}, strings.Fields(t.redisFlags)...))
}

func startPostgresAlone(ctx context.Context, t *tool, dir string, _ bool) (*instance, error) {
	database, url, err := startPostgres(ctx, dir)
	if err != nil {
		return nil, err
	}
	used := &instance{processes: []*process{database}}
	return t.startPeer(ctx, dir, used, append([]string{"postgres", "-postgres", url}, strings.Fields(t.postgresFlags)...))
}

func startEmpty(ctx context.Context, t *tool, dir string, _ bool) (*instance, error) {
	return t.startPeer(ctx, dir, &instance{}, []string{"empty"})
}

// startPeer starts this program as a peer, in front of what it uses.
func (t *tool) startPeer(ctx context.Context, dir string, used *instance, args []string) (*instance, error) {
	p, err := startProcess(dir, "peer", nil, append([]string{t.self, peerCommand}, args...)...)
	if err != nil {
		used.stop()
		return nil, err
	}
	i, err := answering(ctx, p)
	if err != nil {
		used.stop()
		return nil, err
	}
	i.processes = append(i.processes, used.processes...)
	return i, nil
}

// answering waits until a process answers requests.
func answering(ctx context.Context, p *process) (*instance, error) {
	i := &instance{processes: []*process{p}}
	var err error
	if i.address, err = p.awaitAddress(ctx); err != nil {
		i.stop()
		return nil, err
	}
	return i, nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program that was started for one system. Everything that it prints is in a file.
type process struct {
	name    string
	output  string
	command *exec.Cmd
	ended   chan struct{}
}

// startProcess starts a program in a process group of its own, so that an interrupt from the terminal reaches only this tool,
// which ends the others in order. When this tool is killed the kernel ends them.
func startProcess(dir, name string, credential *syscall.Credential, args ...string) (*process, error) {
	output, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p := &process{name: name, output: output.Name(), command: exec.Command(args[0], args[1:]...), ended: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = output, output
	p.command.Dir = dir
	p.command.Env = environment()
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM, Credential: credential}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// environment is that of this process without the settings of another node or another database.
func environment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ONSALE_") && !strings.HasPrefix(v, "PG") {
			env = append(env, v)
		}
	}
	return env
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop ends the process.
func (p *process) stop(signal syscall.Signal) {
	_ = p.command.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// await calls ready until it returns nil, for at most a minute.
func (p *process) await(ctx context.Context, ready func() error) error {
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if err = ready(); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s has ended:\n%s", p.name, p.lastOutput())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s is not ready after a minute: %w\n%s", p.name, err, p.lastOutput())
}

// awaitAddress waits for the line "listening on http://ADDRESS".
func (p *process) awaitAddress(ctx context.Context) (address string, err error) {
	err = p.await(ctx, func() error {
		output, err := os.ReadFile(p.output)
		if err != nil {
			return err
		}
		_, rest, found := bytes.Cut(output, []byte("listening on http://"))
		line, _, complete := bytes.Cut(rest, []byte("\n"))
		if !found || !complete {
			return errors.New("it prints no address")
		}
		address = string(bytes.TrimSpace(line))
		return nil
	})
	return address, err
}

func (p *process) lastOutput() string {
	output, _ := os.ReadFile(p.output)
	const most = 2000
	return string(output[max(0, len(output)-most):])
}

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"onsale/cmd/onsale/e2e/harness"
)

// Colours are for terminals that want them.
func TestTail_ColoursTerminals(t *testing.T) {
	t.Parallel()
	ctx := harness.TimeoutContext(t, time.Minute)
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	harness.MustCommand(t, node.URL(), "kim", "/api/v1/promotions/demo/coupons", "")
	for name, tc := range map[string]struct {
		variable string
		pipe     bool
		coloured bool
	}{"terminal": {"", false, true}, "NO_COLOR": {"NO_COLOR=1", false, false}, "dumb": {"TERM=dumb", false, false}, "pipe": {"", true, false}} {
		terminal, reader := openPipe(t)
		if !tc.pipe {
			terminal, reader = openTerminal(t)
		}
		tail := exec.CommandContext(ctx, "onsale", "tail", "--target", node.URL(), "--from", beginning(t, node), "--type", "coupons.issued")
		tail.Stdout, tail.Env = terminal, append(os.Environ(), "NO_COLOR=", "TERM=xterm", tc.variable)
		if err := tail.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(reader).ReadString('\n')
		if err != nil || !strings.Contains(line, "coupons.issued") || strings.Contains(line, "\x1b[36m") != tc.coloured || strings.Contains(line, "\x1b") != tc.coloured {
			t.Errorf("%s: got %q %v", name, line, err)
		}
		_ = tail.Process.Signal(syscall.SIGTERM)
		if err := tail.Wait(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	process.Terminate(t)
}

func openPipe(t *testing.T) (writer, reader *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = reader.Close()
		_ = writer.Close()
	})
	return writer, reader
}

// openTerminal opens a pseudo-terminal: what is written to it, as to a screen, and what its keyboard's side reads of that.
func openTerminal(t *testing.T) (terminal, reader *os.File) {
	t.Helper()
	reader, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if err := unix.IoctlSetPointerInt(int(reader.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, reader
}

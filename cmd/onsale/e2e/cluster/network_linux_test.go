// Network namespaces: a host for each nats-server and each node, joined by three bridges, all inside namespaces of the test's own
// process, so that they disappear with it, however it ends.

package cluster

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The networks. A host loses one of them without losing the others.
const (
	natsNet  = "nats"  // servers and their clients
	routeNet = "route" // between servers
	webNet   = "web"   // nodes and their clients; the test is one
)

var subnets = map[string]string{natsNet: "10.77.0.", routeNet: "10.78.0.", webNet: "10.79.0."}

// insideEnv is set in the process that runs inside the namespaces.
const insideEnv = "ONSALE_TEST_NAMESPACES"

// runInNamespaces runs the test again in a child process with its own network, mounts and process ids, and reports its result.
// It returns true in that process. The test is skipped where the kernel does not allow it.
func runInNamespaces(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return true
	}
	skipWithoutNamespaces(t)
	args := []string{"-test.run=^" + t.Name() + "$", fmt.Sprint("-test.v=", testing.Verbose())}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, fmt.Sprint("-test.timeout=", time.Until(deadline)-5*time.Second))
	}
	for _, name := range []string{"seed", "disturbances"} {
		args = append(args, fmt.Sprintf("-%s=%s", name, flag.Lookup(name).Value))
	}
	cmd := namespaceCommand(os.Args[0], args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("in the namespaces: %v", err)
	}
	return false
}

func namespaceCommand(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL, // and with process 1 of the namespace all others end
	}
	return cmd
}

// skipWithoutNamespaces skips the test and says why.
func skipWithoutNamespaces(t *testing.T) {
	t.Helper()
	out, err := namespaceCommand("/bin/sh", "-ec", "mount -t tmpfs none /run; ip netns add a; ip -n a link add br0 type bridge; ip -n a link add eth0 type veth peer name eth1").CombinedOutput()
	if err != nil {
		t.Skipf("SKIPPED, NOT TESTED: network namespaces cannot be created here (root, iproute2 and CAP_SYS_ADMIN are needed): %v %s", err, out)
	}
}

// Continuous integration runs this alone, to say loudly that the tests of a cluster are skipped.
func TestNamespaces_CanBeCreated(t *testing.T) { skipWithoutNamespaces(t) }

// network is the bridges and hosts. The test's own process is on natsNet and webNet.
type network struct{ t *testing.T }

func newNetwork(t *testing.T) network {
	t.Helper()
	n := network{t}
	err := errors.Join(
		syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
		syscall.Mount("none", "/run", "tmpfs", 0, ""),
		syscall.Mount("proc", "/proc", "proc", 0, ""),
	)
	if err != nil {
		t.Fatal(err)
	}
	n.ip("link set lo up")
	for name, subnet := range subnets {
		n.ip("link add %s type bridge", name)
		if name != routeNet {
			n.ip("addr add %s254/24 dev %s", subnet, name)
		}
		n.ip("link set %s up", name)
	}
	return n
}

// addHost adds a namespace with an address in each of the networks.
func (n network) addHost(host string, number int, networks ...string) {
	n.ip("netns add %s", host)
	n.ip("-n %s link set lo up", host)
	for _, name := range networks {
		n.ip("link add %s-%s type veth peer name %s netns %s", host, name, name, host)
		n.ip("link set %s-%s master %s up", host, name, name)
		n.ip("-n %s addr add %s/24 dev %s", host, address(name, number), name)
		n.ip("-n %s link set %s up", host, name)
	}
}

// unplug drops all packets between a host and a network, without a word to either side.
func (n network) unplug(host, network string) { n.ip("link set %s-%s nomaster", host, network) }

func (n network) plug(host, network string) {
	n.ip("link set %s-%s master %s", host, network, network)
}

func (n network) ip(format string, args ...any) {
	n.t.Helper()
	command := fmt.Sprintf(format, args...)
	if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", command, err, out)
	}
}

// address is a host's address in a network.
func address(network string, number int) string { return fmt.Sprint(subnets[network], number) }

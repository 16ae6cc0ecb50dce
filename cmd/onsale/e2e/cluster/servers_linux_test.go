// Three nats-server processes that form a cluster.

package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"onsale/cmd/onsale/e2e/harness"
)

// natsServerEnv makes the test binary a nats-server: the main function of nats-server does just this.
const natsServerEnv = "ONSALE_TEST_NATS_SERVER"

func natsServerMain(configFile string) {
	options, err := server.ProcessConfigFile(configFile)
	if err != nil {
		server.PrintAndDie(err.Error())
	}
	s, err := server.NewServer(options)
	if err != nil {
		server.PrintAndDie(err.Error())
	}
	s.ConfigureLogger()
	if err := server.Run(s); err != nil {
		server.PrintAndDie(err.Error())
	}
	s.WaitForShutdown()
}

const serverCount = 3

// natsCluster is three servers, s1 to s3, each in its namespace.
type natsCluster struct {
	t         *testing.T
	network   network
	dir       string
	processes [serverCount]*exec.Cmd
	client    *http.Client
}

func newNATSCluster(t *testing.T, n network) *natsCluster {
	c := &natsCluster{t: t, network: n, dir: t.TempDir(), client: &http.Client{Timeout: time.Second}}
	var routes []string
	for i := range serverCount {
		routes = append(routes, fmt.Sprintf("nats://%s:6222", address(routeNet, i+1)))
	}
	for i := range serverCount {
		n.addHost(serverName(i), i+1, natsNet, routeNet)
		config := fmt.Sprintf(`server_name: %[1]s
host: %[2]s
port: 4222
http: "%[2]s:8222"
log_file: %[5]q
jetstream { store_dir: %[4]q, max_file_store: 8GB }
cluster { name: onsale, host: %[3]s, port: 6222, routes: [%[6]s] }
`, serverName(i), address(natsNet, i+1), address(routeNet, i+1), filepath.Join(c.dir, serverName(i)),
			c.logFile(i), strings.Join(routes, ", "))
		if err := os.WriteFile(c.configFile(i), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for i := range serverCount {
			c.kill(i)
		}
	})
	for i := range serverCount {
		c.start(i)
	}
	return c
}

func serverName(i int) string { return fmt.Sprint("s", i+1) }

func (c *natsCluster) configFile(i int) string { return filepath.Join(c.dir, serverName(i)+".conf") }
func (c *natsCluster) logFile(i int) string    { return filepath.Join(c.dir, serverName(i)+".log") }

// urls are those of all servers, as --nats-url takes them.
func (c *natsCluster) urls() string {
	var urls []string
	for i := range serverCount {
		urls = append(urls, fmt.Sprintf("nats://%s:4222", address(natsNet, i+1)))
	}
	return strings.Join(urls, ",")
}

func (c *natsCluster) start(i int) {
	c.t.Helper()
	cmd := exec.Command("ip", "netns", "exec", serverName(i), os.Args[0], c.configFile(i))
	cmd.Env = append(os.Environ(), natsServerEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.processes[i] = cmd
}

// kill is kill -9.
func (c *natsCluster) kill(i int) {
	if c.processes[i] != nil {
		_ = c.processes[i].Process.Kill()
		_ = c.processes[i].Wait()
		c.processes[i] = nil
	}
}

func (c *natsCluster) signal(i int, s syscall.Signal) {
	if err := c.processes[i].Process.Signal(s); err != nil {
		c.t.Errorf("%s: %v", serverName(i), err)
	}
}

// monitor reads a page of a server's monitoring port.
func (c *natsCluster) monitor(i int, path string, v any) error {
	response, err := c.client.Get(fmt.Sprintf("http://%s:8222%s", address(natsNet, i+1), path))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of %s: %s", path, serverName(i), response.Status)
	}
	return json.NewDecoder(response.Body).Decode(v)
}

// waitHealthy waits until all servers say that they are healthy.
func (c *natsCluster) waitHealthy(ctx context.Context) error {
	for {
		var err error
		for i := 0; i < serverCount && err == nil; i++ {
			err = c.monitor(i, "/healthz", new(struct{}))
		}
		if err == nil || !harness.Sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

// leader is the server that leads a stream, as itself says; -1: none.
func (c *natsCluster) leader(stream string) int {
	for i := range serverCount {
		var page struct {
			Accounts []struct {
				Streams []struct {
					Name    string `json:"name"`
					Cluster struct{ Leader string }
				} `json:"stream_detail"`
			} `json:"account_details"`
		}
		if c.monitor(i, "/jsz?accounts=true&streams=true", &page) != nil {
			continue
		}
		for _, account := range page.Accounts {
			for _, s := range account.Streams {
				if s.Name == stream && s.Cluster.Leader == serverName(i) {
					return i
				}
			}
		}
	}
	return -1
}

// leaderWithClients has the leaders of a stream step down until one serves a node, and returns it; -1: there is none.
func (c *natsCluster) leaderWithClients(ctx context.Context, stream string) (leader int) {
	nc, err := nats.Connect(c.urls(), nats.Name("test"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer nc.Close()
	for attempt := 0; ; attempt++ {
		if leader = c.leader(stream); leader >= 0 && (len(c.clients(leader)) > 0 || attempt >= 10) {
			return leader
		}
		_, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil)
		if err != nil || !harness.Sleep(ctx, time.Second) {
			return leader
		}
	}
}

// clients are the nodes that a server serves.
func (c *natsCluster) clients(i int) (names []string) {
	var page struct {
		Connections []struct{ IP string }
	}
	_ = c.monitor(i, "/connz", &page) // none then
	for _, connection := range page.Connections {
		for i := range nodeCount {
			if connection.IP == address(natsNet, firstNodeAddress+i) {
				names = append(names, nodeName(i))
			}
		}
	}
	return names
}

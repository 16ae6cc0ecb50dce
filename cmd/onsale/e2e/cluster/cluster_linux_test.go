// Package cluster disturbs three nats-servers and three nodes under load: servers are stopped and return, are cut off from the
// other servers while clients still reach them, or are killed, and nodes are cut off from all servers. Everything runs in network
// namespaces, so these tests need Linux and root.
package cluster

import (
	"flag"
	"os"
	"testing"

	"onsale/cmd/onsale/e2e/harness"
)

var disturbancesFlag = flag.Int("disturbances", 0, "how often to disturb the cluster; 0: 2, or 30 with ONSALE_TEST_LONG")

func TestMain(m *testing.M) {
	if os.Getenv(natsServerEnv) != "" {
		natsServerMain(os.Args[1])
		return
	}
	harness.Main(m)
}

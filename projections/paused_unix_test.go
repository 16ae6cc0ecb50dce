//go:build unix

package projections_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"onsale/domain/coupons"
	"onsale/projections"
	"onsale/streams/streamtest"
)

func TestMain(m *testing.M) {
	streamtest.ServeIfChild()
	os.Exit(m.Run())
}

// The leaders of COMMANDS and EVENTS are stopped as processes and return with their old state, while both nodes take commands. No
// request that one node has accepted is unknown to the other after a barrier, no node stays halted, and both agree.
func TestCluster_SurvivesPausedLeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	rounds := 1
	if os.Getenv("ONSALE_TEST_LONG") != "" {
		rounds = 10
	}
	processes := streamtest.Processes(t, 3)
	servers := &streamtest.Servers{URLs: processes.URLs}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds+1)*time.Minute)
	defer cancel()
	a, b := newClusterNode(t, "a", servers), newClusterNode(t, "b", servers)
	for _, cn := range []*clusterNode{a, b} {
		cn.start()
		defer cn.shutdown()
	}
	a.appendRetrying(ctx, command("admin", "sale", "demo", coupons.Create{Name: "demo", Stock: 1_000_000, PerUserLimit: 1}))

	working, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	accepted, asked := make([]int, 4), make([]int, 4)
	for worker := range 4 {
		takes, answers := a, b
		if worker%2 == 1 {
			takes, answers = b, a
		}
		group.Go(func() {
			for i := 0; working.Err() == nil; i++ {
				c := command(fmt.Sprintf("u%d-%d", worker, i), "k", "demo", coupons.Issue{})
				attempt, cancel := context.WithTimeout(working, 3*time.Second)
				_, err := takes.log.Append(attempt, c)
				cancel()
				if err != nil {
					continue
				}
				accepted[worker]++
				question, cancel := context.WithTimeout(working, 3*time.Second)
				err = answers.p.Barrier(question)
				cancel()
				if err != nil { // nothing is said
					continue
				}
				asked[worker]++
				if _, known, err := answers.p.OutcomeOf(c.Request); !known && !errors.Is(err, projections.ErrHalted) {
					t.Errorf("%s was accepted by node %s, and node %s says that it was not: %v", c.User, takes.config.Node, answers.config.Node, err)
				}
			}
		})
	}
	for range rounds {
		for _, stream := range []string{"COMMANDS", "EVENTS"} {
			leader := processes.LeaderOf(stream)
			processes.Pause(leader)
			time.Sleep(8 * time.Second)
			processes.Continue(leader)
			time.Sleep(3 * time.Second)
		}
	}
	stop()
	group.Wait()
	for _, cn := range []*clusterNode{a, b} {
		for cn.p.Status().Halted != "" && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
		cn.waitConfirmed(ctx)
		if s := cn.p.Status(); s.Halted != "" {
			t.Errorf("node %s: %+v", cn.config.Node, s)
		}
		t.Logf("node %s halted %d times", cn.config.Node, len(cn.halted))
	}
	sum := func(n []int) int { return n[0] + n[1] + n[2] + n[3] }
	t.Logf("%d accepted, %d asked for", sum(accepted), sum(asked))
	if sum(asked) == 0 {
		t.Error("nothing was asked for")
	}
	a.waitConfirmed(ctx)
	b.waitConfirmed(ctx)
	a.shutdown()
	b.shutdown()
	compareEvents(t, a, b)
	verifyShared(t, servers, a)
	compareStores(t, a, b)
}

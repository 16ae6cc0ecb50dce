package streams_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/streams"
	"onsale/streams/streamtest"
)

// The second node of a name is refused before it touches the consumer of the first; both say so.
func TestNode_OwnsItsName(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	c := clusterConfig(t, servers, "a")
	c.Replicas = 1
	a := streamtest.Open(t, c)
	reader := consumeCommands(t, a, 1)
	appendCommands(t, a, 3)
	expectMessages(t, reader, 1, 3)
	_, err := streams.Open(t.Context(), c)
	if !errors.Is(err, streams.ErrNameInUse) || strings.Count(err.Error(), "process ") != 2 {
		t.Errorf("the second a: got %v, want ErrNameInUse with both", err)
	}
	appendCommands(t, a, 3)
	expectMessages(t, reader, 4, 6)
	select {
	case err := <-a.Failed():
		t.Error("the first failed:", err)
	default:
	}

	c.Node = "b"
	b := streamtest.Open(t, c)
	expectMessages(t, consumeCommands(t, b, 1), 1, 6)
	nodes, err := b.Nodes(t.Context())
	if err != nil || len(nodes) != 2 || nodes[0].Name != "a" || nodes[0].Alive == "" || nodes[1].Name != "b" || nodes[1].Alive == "" {
		t.Errorf("got %+v %v, want a and b, both alive", nodes, err)
	}
	if err := b.RemoveNode(t.Context(), "a"); !errors.Is(err, streams.ErrNameInUse) {
		t.Errorf("removing a node that is alive: got %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	nodes, err = b.Nodes(t.Context())
	if err != nil || len(nodes) != 2 || nodes[0].Alive != "" || nodes[0].Lag == 0 {
		t.Errorf("got %+v %v, want a to be gone, with a lag", nodes, err)
	}
	if err := b.RemoveNode(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := b.RemoveNode(t.Context(), "a"); err == nil {
		t.Error("removed a twice")
	}
	if nodes, err = b.Nodes(t.Context()); err != nil || len(nodes) != 1 {
		t.Errorf("got %+v %v, want b", nodes, err)
	}
	c.Node = "a" // the name is free
	streamtest.Open(t, c)
}

// Of nodes of one name that start at the same moment exactly one gets it, on a cluster too.
func TestNode_OwnsItsNameAmongMany(t *testing.T) {
	servers := streamtest.Cluster(t, 3)
	first := clusterConfig(t, servers, "other")
	streamtest.Open(t, first) // the streams exist
	c := clusterConfig(t, servers, "a")
	var group sync.WaitGroup
	won := make(chan *streams.Log, 5)
	for i := range 5 {
		c := c
		c.URLs = servers.URLs[i%3 : i%3+1]
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			l, err := streams.Open(ctx, c)
			switch {
			case err == nil:
				won <- l
			case !errors.Is(err, streams.ErrNameInUse):
				t.Error(err)
			}
		})
	}
	group.Wait()
	close(won)
	n := 0
	for l := range won {
		n++
		l.Close()
	}
	if n != 1 {
		t.Errorf("%d nodes got the name, want 1", n)
	}
}

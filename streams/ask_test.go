package streams_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"onsale/streams/streamtest"
)

func TestAskNode_AnswersByName(t *testing.T) {
	servers := streamtest.Cluster(t, 3)
	c := clusterConfig(t, servers, "a")
	a := streamtest.Open(t, c)
	c.Node, c.URLs = "b", servers.URLs[1:2]
	b := streamtest.Open(t, c)
	if err := a.AnswerNodes(func(question []byte) []byte {
		if string(question) == "?" {
			return nil
		}
		return bytes.ToUpper(question)
	}); err != nil {
		t.Fatal(err)
	}
	var answer []byte
	var err error
	for range 100 { // the servers learn of a subscription one after the other
		if answer, err = b.AskNode(t.Context(), "a", []byte("kim")); !errors.Is(err, nats.ErrNoResponders) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil || string(answer) != "KIM" {
		t.Errorf("got %q and %v", answer, err)
	}
	if answer, err := b.AskNode(t.Context(), "a", []byte("?")); err != nil || len(answer) != 0 {
		t.Errorf("no answer: got %q and %v", answer, err)
	}
	if _, err := b.AskNode(t.Context(), "nobody", []byte("kim")); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a node that is not there: got %v", err)
	}
	nodes, err := b.Nodes(t.Context())
	if err != nil || len(nodes) > 2 {
		t.Errorf("got nodes %+v and %v", nodes, err)
	}
}

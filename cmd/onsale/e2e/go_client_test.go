// The Go client against a real node that is killed.

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/client"
)

// While a node is killed and started again, a program's commands run once each, and its stream has each outcome once and in order.
func TestGoClient_SurvivesKills(t *testing.T) {
	t.Parallel()
	ctx := harness.TimeoutContext(t, 2*time.Minute)
	node := harness.NewNode(t, "--demo")
	process := node.Start()
	c := client.Client{URL: node.URL(), User: "kim", HTTP: &http.Client{Transport: &http.Transport{}}}
	defer c.HTTP.CloseIdleConnections()

	const commands, kills = 60, 3
	type result struct {
		requests []string
		err      error
	}
	sent, received := make(chan result, 1), make(chan result, 1)
	progress := make(chan int) // a node is killed while the next command is sent
	go func() {
		var r result
		for i := range commands {
			response, err := c.Command(ctx, "/api/v1/schedules/demo/seats/release", map[string]any{"scheduleSeatIds": []int{600}}, client.Options{})
			if err == nil {
				response, err = c.Await(ctx, response)
			}
			if err != nil || response.Status != "SUCCEEDED" {
				r.err = fmt.Errorf("command %d: %+v %w", i, response, err)
				break
			}
			r.requests = append(r.requests, response.RequestID)
			progress <- i
		}
		close(progress)
		sent <- r
	}()
	go func() {
		var r result
		for event, err := range c.Events(ctx, "/api/v1/me/events", "") {
			if err != nil {
				r.err = err
				break
			}
			if event.Name != "hold-released" {
				continue
			}
			var released struct{ RequestID string }
			if r.err = event.Decode(&released); r.err != nil {
				break
			}
			if r.requests = append(r.requests, released.RequestID); len(r.requests) == commands {
				break
			}
		}
		received <- r
	}()
	for i := range progress {
		if (i+1)%(commands/(kills+1)) == 0 && i+1 < commands {
			process.Kill()
			process = node.Start()
		}
	}
	fromCommands, fromStream := <-sent, <-received
	if fromCommands.err != nil || fromStream.err != nil || !slices.Equal(fromCommands.requests, fromStream.requests) {
		t.Errorf("sent %d (%v), received %d (%v): %v\n%v", len(fromCommands.requests), fromCommands.err,
			len(fromStream.requests), fromStream.err, fromCommands.requests, fromStream.requests)
	}
	process.Terminate(t)
	node.MustAudit()
}
